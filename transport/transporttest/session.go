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

	keepsConnecting bool            // connects are given out
	connectID       string          // of the connect that is out; empty: none
	connectLeg      transport.LegID // it is out on
	connectSentAt   time.Time
	lastUnanswered  bool // the last one got no reply: the next asks for no hold
	instantReplies  int  // connects answered at the instant they left, in a row
}

// hooks ties the session to the rig's Handler.
func (r *rig) hooks() {
	r.h.OnNext = func(lane transport.Lane, leg transport.Leg) {
		r.onCall()
		if lane == transport.LaneConnect {
			r.offer(leg)
		}
	}
	r.h.OnReceive = func(id transport.LegID, ms []bayeux.Message) {
		r.onCall()
		for i := range ms {
			r.onConnectReply(&ms[i])
		}
		if r.onReceive != nil {
			r.onReceive(id, ms)
		}
	}
	r.h.OnEnd = func(id transport.LegID, err *transport.Error) {
		r.onCall()
		r.onEnd(id, err)
	}
}

// offer queues a connect for the leg that asks, if one is due.
func (r *rig) offer(leg transport.Leg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.session
	if !s.keepsConnecting || s.connectID != "" && s.connectLeg == leg.ID {
		return
	}
	hold := leg.Hold
	if s.lastUnanswered {
		hold = 0
	}
	s.connectID, s.connectLeg, s.connectSentAt, s.lastUnanswered = r.newID(), leg.ID, time.Now(), false
	r.h.Queue(transport.LaneConnect, bayeux.Message{
		Channel: bayeux.MetaConnect, ID: s.connectID,
		Meta: &bayeux.Meta{ClientID: s.clientID, ConnectionType: leg.Type, Advice: &bayeux.Advice{Timeout: &hold}},
	})
}

// onConnectReply takes note of the reply to the connect that is out. A server that
// never holds would keep virtual time from passing: it is slowed down.
func (r *rig) onConnectReply(m *bayeux.Message) {
	r.mu.Lock()
	s := &r.session
	if s.connectID == "" || m.ID != s.connectID || m.Channel != bayeux.MetaConnect {
		r.mu.Unlock()
		return
	}
	if s.connectID = ""; time.Since(s.connectSentAt) == 0 {
		s.instantReplies++
	} else {
		s.instantReplies = 0
	}
	slow := s.instantReplies > 20
	r.mu.Unlock()
	if slow {
		r.wakeLater(transport.LaneConnect)
	} else {
		r.pipe.Wake(transport.LaneConnect)
	}
}

// onEnd goes on after the end of the leg that the connect was out on.
func (r *rig) onEnd(id transport.LegID, err *transport.Error) {
	r.mu.Lock()
	s := &r.session
	mine := s.connectID != "" && s.connectLeg == id
	if mine {
		s.connectID, s.lastUnanswered = "", true
	}
	keeps := s.keepsConnecting
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

// handshakeOnly begins the session, without connects. A handshake whose leg ended
// without an answer is given once more: a fallback may have had to find out
// that there is another way.
func (r *rig) handshakeOnly() {
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

// startSession begins the session and keeps a connect out from then on.
func (r *rig) startSession() {
	r.handshakeOnly()
	r.mu.Lock()
	r.keepsConnecting = true
	r.mu.Unlock()
	r.pipe.Wake(transport.LaneConnect)
}

// awaitHeldConnect waits until the server has held one connect for two seconds, and
// returns the draw that carried it: whatever the pipe had to choose is chosen.
func (r *rig) awaitHeldConnect() Draw {
	for range 60 {
		synctest.Wait()
		r.mu.Lock()
		id := r.connectID
		r.mu.Unlock()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		r.mu.Lock()
		same := id != "" && r.connectID == id
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
	rec, yes := r.h.Await(patience, ok)
	require.True(r, yes, "within %v of virtual time: %s", patience, what)
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
