package fallback

import (
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// A witness is a choice and a Handler, and takes down who was asked when.
type witness struct{ saw []any }

func (w *witness) step(e event) effects {
	w.saw = append(w.saw, e.kind)
	return effects{pass: true}
}

func (w *witness) timerAt() mono.Time                                  { return mono.Time{} }
func (w *witness) Next(transport.Lane, transport.Leg) []bayeux.Message { return nil }
func (w *witness) Receive(id transport.LegID, _ []bayeux.Message)      { w.saw = append(w.saw, "Receive") }
func (w *witness) End(id transport.LegID, _ *transport.Error)          { w.saw = append(w.saw, "End") }

// TestChoiceHearsOfAnEndOnBothSidesOfTheHandler: before it, so that the Handler
// may draw from the other pipe in it, and after it, so that nobody does before.
func TestChoiceHearsOfAnEndOnBothSidesOfTheHandler(t *testing.T) {
	w := new(witness)
	u := &url.URL{Scheme: "http", Host: "server"}
	v := &valve{s: transport.NewSessionConfig(nil, &transport.Target{URL: u}), h: w, machine: w}
	side{v, socketPipe}.End(1, nil)
	require.Equal(t, []any{eventEnd, "End", eventEndDelivered}, w.saw)
}

// An insistent choice wants to be told of the same time until it was told thrice.
type insistent struct {
	witness
	at    mono.Time
	lates int
}

func (c *insistent) step(e event) effects {
	if e.kind == eventTimer {
		c.lates++
	}
	return effects{}
}

func (c *insistent) timerAt() mono.Time {
	if c.lates == 3 {
		return mono.Time{}
	}
	return c.at
}

// TestTimerFiresForATimeThatHasPassed: a choice that wants the time at once, when
// it is told it, is told it again. A timer that takes it for armed would be
// silent for good.
func TestTimerFiresForATimeThatHasPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &insistent{at: mono.Now().Add(time.Second)}
		v := &valve{machine: c}
		v.turn(event{kind: eventWake})
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, 3, c.lates)
		require.Nil(t, v.timer, "an idle session keeps none")
	})
}
