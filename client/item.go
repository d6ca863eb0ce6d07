package client

import (
	"fmt"

	"github.com/turold/turold/bayeux"
)

// An Item is one place in a subscription's stream: a value, or what stands in
// the place of one, a gap or a message whose data does not fit. The stream goes
// on after each of them. The zero Item holds none, and comes with an error.
type Item[T any] struct {
	value   T
	ok      bool // there is a value
	channel bayeux.Channel
	gap     *GapError
	misfit  *DecodeError
}

// ItemOf returns an Item with a value, for a test that plays a stream. The
// channel is the one that the event was published on.
func ItemOf[T any](ch bayeux.Channel, value T) Item[T] {
	return Item[T]{value: value, ok: true, channel: ch}
}

// ItemOfGap returns an Item with a gap, for a test that plays a stream.
func ItemOfGap[T any](gap *GapError) Item[T] {
	return Item[T]{channel: gap.Channel, gap: gap}
}

// ItemOfMisfit returns an Item with data that does not fit T, for a test that
// plays a stream.
func ItemOfMisfit[T any](misfit *DecodeError) Item[T] {
	return Item[T]{channel: misfit.Message.Channel, misfit: misfit}
}

// Value returns the value, and whether there is one: where there is none,
// Problem says why, and the value is zero.
func (i Item[T]) Value() (value T, ok bool) { return i.value, i.ok }

// Channel returns the channel that the event was published on, which a pattern
// leaves open; of a gap the channel or pattern of the subscription.
func (i Item[T]) Channel() bayeux.Channel { return i.channel }

// Gap returns the gap that stands here: messages may be missing at this place.
// It is nil if none does.
func (i Item[T]) Gap() *GapError { return i.gap }

// Misfit returns the message whose data does not fit T, and why it does not.
// It is nil if there is none, as in all that Next and Messages yield.
func (i Item[T]) Misfit() *DecodeError { return i.misfit }

// Problem returns why there is no value: the Gap or the Misfit. It is nil if
// there is a value.
func (i Item[T]) Problem() error {
	switch {
	case i.gap != nil:
		return i.gap
	case i.misfit != nil:
		return i.misfit
	}
	return nil
}

// Format prints the problem, or else the channel, for every verb. It does not
// print the value.
func (i Item[T]) Format(f fmt.State, _ rune) {
	if err := i.Problem(); err != nil {
		say(f, err.Error())
		return
	}
	say(f, "client: item of "+string(i.channel))
}
