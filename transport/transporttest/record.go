package transporttest

import (
	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// Drew returns the draw whose batch holds a message with that id; nil: none.
func (r Record) Drew(id string) *Draw {
	for i := range r.Draws {
		for j := range r.Draws[i].Batch {
			if r.Draws[i].Batch[j].ID == id {
				return &r.Draws[i]
			}
		}
	}
	return nil
}

// Reply returns the first reply with that id that was handed up; nil: none.
func (r Record) Reply(id string) *bayeux.Message {
	for _, f := range r.Receipts {
		for i := range f.Messages {
			if m := &f.Messages[i]; m.ID == id && !m.IsEvent() {
				return m
			}
		}
	}
	return nil
}

// Events returns what was published on a channel and handed up, in order.
func (r Record) Events(ch bayeux.Channel) []bayeux.Message {
	var all []bayeux.Message
	for _, f := range r.Receipts {
		for _, m := range f.Messages {
			if m.Channel == ch && m.IsEvent() {
				all = append(all, m)
			}
		}
	}
	return all
}

// Ended returns the end of a leg; nil: it has not ended.
func (r Record) Ended(id transport.LegID) *End {
	for i := range r.Ends {
		if r.Ends[i].Leg == id {
			return &r.Ends[i]
		}
	}
	return nil
}
