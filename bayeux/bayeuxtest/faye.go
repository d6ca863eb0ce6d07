package bayeuxtest

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// fayeTypes is what Faye always offers.
var fayeTypes = []string{transport.LongPolling, "cross-origin-long-polling", "callback-polling", transport.WebSocket, "eventsource", "in-process"}

// A fayeConn is the connection of a session on Faye: there from a connect, or
// a message on a socket, until it is flushed, or the socket ends. What is sent
// to a session that has none waits in its queue.
type fayeConn struct {
	sock     *socket // events go there; nil: they wait for the connect's reply
	inbox    []outgoing
	answer   func(events []outgoing) // of the connect that is out; nil: none is
	hold     *time.Timer             // of the first connect; one that follows does not change it
	delivery *time.Timer
}

// A gathering collects the replies to a batch, in the order in which they are
// known.
type gathering struct {
	left    int
	replies []outgoing
	done    func([]outgoing)
}

func (g *gathering) add(reply bayeux.Message, behind ...outgoing) {
	g.replies = append(append(g.replies, outgoing{Message: reply}), behind...)
	if g.left--; g.left == 0 {
		g.done(g.replies)
	}
}

// processFaye works on a batch as Faye does. done is called with the mutex
// held, now or when the last of its connects is answered, which may be never.
func (s *Server) processFaye(from *origin, in incoming, done func([]outgoing)) {
	ms := in.ms
	refusals := make([]string, len(ms))
	for i := range ms {
		if ms[i].Meta == nil {
			ms[i].Meta = new(bayeux.Meta)
		}
		if s.o.Authorize != nil {
			refusals[i] = s.o.Authorize(from.r, ms[i])
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(ms) == 0 {
		done([]outgoing{})
		return
	}
	if from.sock != nil {
		s.bind(from.sock, ms)
	}
	g := &gathering{left: len(ms), done: done}
	for i := range ms {
		s.handleFaye(&ms[i], in.written(i), refusals[i], g)
	}
}

// bind ties a socket to the session that the batch is of.
func (s *Server) bind(k *socket, ms []bayeux.Message) {
	i := slices.IndexFunc(ms, func(m bayeux.Message) bool { return m.Meta.ClientID != "" })
	if i < 0 {
		return
	}
	id := ms[i].Meta.ClientID
	if x := s.sessions[k.client]; x != nil && k.client != id {
		x.flushFaye()
		x.detach()
	}
	k.client = id
	if x := s.sessions[id]; x != nil {
		x.connection().sock = k
	}
}

func (s *Server) handleFaye(m *bayeux.Message, written json.RawMessage, refusal string, g *gathering) {
	r := success(*m)
	r.Meta.ClientID = m.Meta.ClientID
	if !m.Channel.Meta() {
		g.add(s.publishFaye(m, r, written, refusal))
		return
	}
	x := s.sessions[m.Meta.ClientID]
	err := refusal
	if m.Channel != bayeux.MetaHandshake {
		switch {
		case m.Meta.ClientID == "":
			err = "402:clientId:Missing required parameter"
		case x == nil:
			err = "401:" + m.Meta.ClientID + ":Unknown client"
		}
	}
	switch m.Channel {
	case bayeux.MetaHandshake:
		g.add(s.handshakeFaye(m, r))
	case bayeux.MetaConnect:
		s.connectFaye(x, m, r, err, g)
	case bayeux.MetaSubscribe, bayeux.MetaUnsubscribe:
		g.add(s.subscribeFaye(x, m, r, err))
	case bayeux.MetaDisconnect:
		if err != "" {
			r.Meta.ClientID = ""
			g.add(refuse(r, err))
			return
		}
		g.add(r)
		x.remove()
	default:
		g.add(refuse(r, "403:"+string(m.Channel)+":Forbidden channel"))
	}
}

func refuse(r bayeux.Message, err string) bayeux.Message {
	r.Meta.Successful, r.Meta.Error = err == "", err
	return r
}

func (s *Server) publishFaye(m *bayeux.Message, r bayeux.Message, written json.RawMessage, err string) bayeux.Message {
	if err == "" {
		err = errorIn(written)
	}
	if m.Channel == "" || m.Channel.Wild() || m.Channel.Validate("") != nil {
		err = "405:" + string(m.Channel) + ":Invalid channel"
	}
	if len(m.Data) == 0 {
		err = "402:data:Missing required parameter"
	}
	s.stats.Publishes++
	if err == "" {
		s.broadcast(s.relayed(m, written))
	}
	return refuse(r, err)
}

func (s *Server) handshakeFaye(m *bayeux.Message, r bayeux.Message) bayeux.Message {
	s.stats.Handshakes++
	err := ""
	offered := m.Meta.SupportedConnectionTypes
	switch {
	case offered == nil:
		err = "402:supportedConnectionTypes:Missing required parameter"
	case !slices.ContainsFunc(offered, func(t string) bool { return slices.Contains(fayeTypes, t) }):
		err = "301:" + strings.Join(offered, ",") + ":Connection types not supported"
	case m.Meta.Version == "":
		err = "402:version:Missing required parameter"
	}
	r.Meta.Version, r.Meta.SupportedConnectionTypes = "1.0", fayeTypes
	if err == "" {
		r.Meta.ClientID = s.newSession("", false).id
	}
	return s.advise(refuse(r, err))
}

// advise adds what Faye says in every reply to a handshake or connect.
func (s *Server) advise(r bayeux.Message) bayeux.Message {
	if r.Meta.Successful {
		r.Meta.Advice = s.advice()
	} else {
		r.Meta.Advice = &bayeux.Advice{Reconnect: bayeux.ReconnectHandshake}
	}
	return r
}

func (s *Server) connectFaye(x *Session, m *bayeux.Message, r bayeux.Message, err string, g *gathering) {
	s.stats.Connects++
	switch kind := m.Meta.ConnectionType; {
	case kind == "":
		err = "402:connectionType:Missing required parameter"
	case !slices.Contains(fayeTypes, kind):
		err = "301:" + kind + ":Connection types not supported"
	}
	if err != "" {
		r.Meta.ClientID = ""
		g.add(s.advise(refuse(r, err)))
		return
	}
	x.kind = m.Meta.ConnectionType
	x.startExpiry()
	c := x.connection()
	c.answer = func(events []outgoing) { g.add(s.advise(r), events...) }
	hold := s.o.Timeout
	if a := m.Advice(); a != nil && a.Timeout != nil {
		hold = *a.Timeout
	}
	x.flushLater(&c.hold, hold)
	x.flushQueue()
}

func (s *Server) subscribeFaye(x *Session, m *bayeux.Message, r bayeux.Message, err string) bayeux.Message {
	r.Meta.Subscription = m.Meta.Subscription
	if len(m.Meta.Subscription) == 0 && m.Meta.ClientID != "" {
		err = "402:subscription:Missing required parameter"
	}
	for _, ch := range m.Meta.Subscription { // what stands before the first bad one counts
		switch {
		case err != "":
		case ch.Validate("") != nil:
			err = "405:" + string(ch) + ":Invalid channel"
		case ch.Meta(), ch.Service():
			err = "403:" + string(ch) + ":Forbidden channel"
		case m.Channel == bayeux.MetaSubscribe:
			x.subs[ch] = true
		default:
			delete(x.subs, ch)
		}
	}
	if m.Channel == bayeux.MetaSubscribe {
		s.stats.Subscribes++
	}
	return refuse(r, err)
}

// connection is the session's, made if there is none.
func (x *Session) connection() *fayeConn {
	if x.faye == nil {
		x.faye = new(fayeConn)
	}
	return x.faye
}

// flushLater has the connection flushed in time, unless the timer runs already.
func (x *Session) flushLater(t **time.Timer, d time.Duration) {
	if *t != nil {
		return
	}
	c := x.faye
	*t = time.AfterFunc(d, func() {
		x.s.mu.Lock()
		defer x.s.mu.Unlock()
		if x.faye == c {
			x.flushFaye()
		}
	})
}

// flushQueue sends what waits in the queue, if there is a connection.
func (x *Session) flushQueue() {
	c := x.faye
	if c == nil {
		return
	}
	events := x.flush()
	if c.sock != nil {
		c.sock.push(events)
		return
	}
	if c.inbox = append(c.inbox, events...); len(c.inbox) > 0 {
		x.flushLater(&c.delivery, 0)
	}
}

// flushFaye answers the connect that is out. A connection without a socket
// ends with it.
func (x *Session) flushFaye() {
	c := x.faye
	if c == nil {
		return
	}
	c.stop()
	answer, inbox := c.answer, c.inbox
	c.answer, c.inbox = nil, nil
	if c.sock == nil {
		x.faye = nil
	}
	if answer != nil {
		answer(inbox)
	}
}

// detach ends the connection of a session. A poll is answered; on a socket
// no request waits for an answer.
func (x *Session) detach() {
	c := x.faye
	if c == nil {
		return
	}
	if c.sock == nil {
		x.flushFaye()
		return
	}
	c.stop()
	x.faye = nil
}

func (c *fayeConn) stop() {
	for _, t := range []**time.Timer{&c.hold, &c.delivery} {
		if *t != nil {
			(*t).Stop()
			*t = nil
		}
	}
}
