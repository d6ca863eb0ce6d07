package transporttest

import (
	"encoding/json"
	"strconv"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// A session is the least that a Handler must do to keep a real server happy:
// once it has a clientId it has one connect out whenever the pipe will take
// one, as rule 4 wants it. It acknowledges nothing and keeps nothing.
type session struct {
	clientID string
	lastID   int

	keeps bool            // connects are given out
	id    string          // of the connect that is out; empty: none
	leg   transport.LegID // it is out on
	sent  time.Time
	lost  bool // the last one got no reply: the next asks for no hold
	quick int  // connects answered at the instant they left, in a row
}

// hooks ties the session to the rig's Handler.
func (r *rig) hooks() {
	r.h.OnNext = func(lane transport.Lane, leg transport.Leg) {
		r.inside()
		if lane == transport.LaneConnect {
			r.offer(leg)
		}
	}
	r.h.OnReceive = func(id transport.LegID, ms []bayeux.Message) {
		r.inside()
		for i := range ms {
			r.answered(&ms[i])
		}
		if r.received != nil {
			r.received(id, ms)
		}
	}
	r.h.OnEnd = func(id transport.LegID, err *transport.Error) {
		r.inside()
		r.ended(id, err)
	}
}

// offer queues a connect for the leg that asks, if one is due.
func (r *rig) offer(leg transport.Leg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.session
	if !s.keeps || s.id != "" && s.leg == leg.ID {
		return
	}
	hold := leg.Hold
	if s.lost {
		hold = 0
	}
	s.id, s.leg, s.sent, s.lost = r.newID(), leg.ID, time.Now(), false
	r.h.Queue(transport.LaneConnect, bayeux.Message{
		Channel: bayeux.MetaConnect, ID: s.id,
		Meta: &bayeux.Meta{ClientID: s.clientID, ConnectionType: leg.Type, Advice: &bayeux.Advice{Timeout: &hold}},
	})
}

// answered takes note of the reply to the connect that is out. A server that
// never holds would keep virtual time from passing: it is slowed down.
func (r *rig) answered(m *bayeux.Message) {
	r.mu.Lock()
	s := &r.session
	if s.id == "" || m.ID != s.id || m.Channel != bayeux.MetaConnect {
		r.mu.Unlock()
		return
	}
	if s.id = ""; time.Since(s.sent) == 0 {
		s.quick++
	} else {
		s.quick = 0
	}
	slow := s.quick > 20
	r.mu.Unlock()
	if slow {
		r.wakeLater(transport.LaneConnect)
	} else {
		r.pipe.Wake(transport.LaneConnect)
	}
}

// ended goes on after the end of the leg that the connect was out on.
func (r *rig) ended(id transport.LegID, err *transport.Error) {
	r.mu.Lock()
	s := &r.session
	mine := s.id != "" && s.leg == id
	if mine {
		s.id, s.lost = "", true
	}
	keeps := s.keeps
	r.mu.Unlock()
	switch {
	case !keeps:
	case mine && err == nil:
		r.pipe.Wake(transport.LaneConnect)
	case err != nil:
		r.wakeLater(transport.LaneConnect)
	}
}

// wakeLater is the backoff.
func (r *rig) wakeLater(l transport.Lane) {
	time.AfterFunc(100*time.Millisecond, func() { r.pipe.Wake(l) })
}

// newID is called with the lock held.
func (r *rig) newID() string {
	r.lastID++
	return strconv.Itoa(r.lastID)
}

func (r *rig) nextID() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newID()
}

// send gives the pipe a batch of commands and returns the id of its last.
func (r *rig) send(batch ...bayeux.Message) string {
	r.h.Queue(transport.LaneCommands, batch...)
	r.pipe.Wake(transport.LaneCommands)
	return batch[len(batch)-1].ID
}

func (r *rig) handshake() bayeux.Message {
	return bayeux.Message{Channel: bayeux.MetaHandshake, ID: r.nextID(), Meta: &bayeux.Meta{
		Version: "1.0", SupportedConnectionTypes: r.pipe.Types(),
	}}
}

func (r *rig) event(ch bayeux.Channel, data string) bayeux.Message {
	raw, _ := json.Marshal(data)
	return bayeux.Message{Channel: ch, ID: r.nextID(), Data: raw, Meta: &bayeux.Meta{ClientID: r.clientID}}
}

func (r *rig) subscribe(ch bayeux.Channel) {
	id := r.send(bayeux.Message{Channel: bayeux.MetaSubscribe, ID: r.nextID(), Meta: &bayeux.Meta{
		ClientID: r.clientID, Subscription: []bayeux.Channel{ch},
	}})
	require.True(r, r.reply(id).Granted(), "the subscription is accepted")
}

// shake begins the session, without connects. A handshake whose leg ended
// without an answer is given once more: a fallback may have had to find out
// that there is another way.
func (r *rig) shake() {
	id := r.send(r.handshake())
	over := func(rec Record) bool {
		d := rec.Drew(id)
		return rec.Reply(id) != nil || d != nil && rec.Ended(d.Leg.ID) != nil
	}
	if r.await("the reply to the handshake, or the end of its leg", over).Reply(id) == nil {
		id = r.send(r.handshake())
	}
	m := r.reply(id)
	require.True(r, m.Granted(), "the handshake is granted")
	r.clientID = m.Meta.ClientID
	require.NotEmpty(r, r.clientID)
}

// begin begins the session and keeps a connect out from then on.
func (r *rig) begin() {
	r.shake()
	r.mu.Lock()
	r.keeps = true
	r.mu.Unlock()
	r.pipe.Wake(transport.LaneConnect)
}

// settle waits until the server has held one connect for two seconds, and
// returns the draw that carried it: whatever the pipe had to choose is chosen.
func (r *rig) settle() Draw {
	for range 60 {
		synctest.Wait()
		r.mu.Lock()
		id := r.id
		r.mu.Unlock()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		r.mu.Lock()
		same := id != "" && r.id == id
		r.mu.Unlock()
		if d := r.h.Record().Drew(id); same && d != nil {
			return *d
		}
	}
	require.Fail(r, "no connect is held")
	return Draw{}
}

// await waits for what the pipe must do.
func (r *rig) await(what string, ok func(Record) bool) Record {
	rec, yes := r.h.Await(long, ok)
	require.True(r, yes, "within %v of virtual time: %s", long, what)
	return rec
}

// reply waits for the reply to a message.
func (r *rig) reply(id string) *bayeux.Message {
	return r.await("the reply to message "+id, func(rec Record) bool { return rec.Reply(id) != nil }).Reply(id)
}

// end waits for the end of a leg.
func (r *rig) end(id transport.LegID) *End {
	return r.await("the end of the leg", func(rec Record) bool { return rec.Ended(id) != nil }).Ended(id)
}

// drew waits for the draw of a message.
func (r *rig) drew(id string) *Draw {
	return r.await("the draw of message "+id, func(rec Record) bool { return rec.Drew(id) != nil }).Drew(id)
}
