package client

import (
	"iter"
	"slices"

	"github.com/turold/turold/bayeux"
)

// A topics is those of a session. A few, as nearly always, are a list that is
// looked through: a map takes ten times what it keeps of them.
type topics struct {
	few  []*topic // never changed in place: all may go over it
	many map[bayeux.Channel]*topic
}

// fewTopics is how many are looked through at most.
const fewTopics = 8

// get returns the topic of that name; nil: there is none.
func (t *topics) get(ch bayeux.Channel) *topic {
	for _, one := range t.few {
		if one.channel == ch {
			return one
		}
	}
	return t.many[ch]
}

// add keeps a topic that is not kept yet.
func (t *topics) add(one *topic) {
	switch {
	case len(t.few) < fewTopics:
		t.few = append(slices.Clip(t.few), one)
		return
	case t.many == nil:
		t.many = map[bayeux.Channel]*topic{}
	}
	t.many[one.channel] = one
}

func (t *topics) remove(one *topic) {
	t.few = slices.DeleteFunc(slices.Clone(t.few), func(x *topic) bool { return x == one })
	if delete(t.many, one.channel); len(t.many) == 0 {
		t.many = nil
	}
}

// all yields each that was there when it began, but not those that are removed
// meanwhile from among many.
func (t *topics) all() iter.Seq[*topic] {
	return func(yield func(*topic) bool) {
		for _, one := range t.few {
			if !yield(one) {
				return
			}
		}
		for _, one := range t.many {
			if !yield(one) {
				return
			}
		}
	}
}
