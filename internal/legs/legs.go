// Package legs keeps what is known of the legs of a session. A process holds
// thousands of sessions with one or two legs each, for which a map of the
// language takes ten times what it keeps; here it is a list that is looked
// through. It knows nothing of what it keeps.
package legs

import (
	"iter"
	"slices"

	"github.com/turold/turold/transport"
)

// A Map is for a handful of legs; empty, it is ready for use. It is not safe for
// concurrent use, and must not change while All goes over it.
type Map[V any] struct{ list []known[V] }

type known[V any] struct {
	id transport.LegID
	v  V
}

func (m *Map[V]) at(id transport.LegID) int {
	return slices.IndexFunc(m.list, func(k known[V]) bool { return k.id == id })
}

// Get returns what is known of a leg; otherwise the zero V.
func (m *Map[V]) Get(id transport.LegID) (v V) {
	if i := m.at(id); i >= 0 {
		v = m.list[i].v
	}
	return v
}

// Set puts v in the place of what is known of a leg.
func (m *Map[V]) Set(id transport.LegID, v V) {
	if i := m.at(id); i >= 0 {
		m.list[i].v = v
		return
	}
	m.list = append(m.list, known[V]{id, v})
}

// Delete forgets a leg.
func (m *Map[V]) Delete(id transport.LegID) {
	if i := m.at(id); i >= 0 {
		m.list = slices.Delete(m.list, i, i+1)
	}
}

// Clear forgets all.
func (m *Map[V]) Clear() { m.list = nil }

// Len is how many legs are known.
func (m *Map[V]) Len() int { return len(m.list) }

// All yields the legs in the order in which they became known.
func (m *Map[V]) All() iter.Seq2[transport.LegID, V] {
	return func(yield func(transport.LegID, V) bool) {
		for _, k := range m.list {
			if !yield(k.id, k.v) {
				return
			}
		}
	}
}
