package client

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/internal/suite/attacks"
	"github.com/turold/turold/internal/wire"
	"github.com/turold/turold/transport"
)

// spoilt is how many batches TestSpoiltBatches spoils.
var spoilt = flag.Int("spoilt", 2_000, "batches to spoil")

// TestSpoiltBatches has a session hear batches of which one message is spoilt. Where quotes and
// brackets close every other one comes once, in order, with a gap in the place of that
// one, and the session lives; else nothing comes that was not sent. With
// acknowledgement nothing is lost beside the spoilt one whatever is spoilt: what was not acknowledged comes again.
func TestSpoiltBatches(t *testing.T) {
	r := rand.New(rand.NewPCG(uint64(*spoilt), 2))
	for n := range *spoilt {
		p := &pipe{cuts: map[transport.LegID]error{}}
		d := &Dialer{Open: func(_ *transport.SessionConfig, h transport.Handler) transport.Transport { p.h = h; return p }}
		c, err := d.newClient("http://server/", &Options{KeepDialing: true})
		require.NoError(t, err)
		require.NoError(t, d.enlist(c))
		s := &spoiltSession{c: c, p: p, r: r, ack: r.IntN(3) > 0, socket: r.IntN(2) == 0}
		what := s.play()
		require.NoError(t, s.err, "%d: %s", n, what)
		d.Close()
	}
}

// A spoiltSession is a session without a pipe.
type spoiltSession struct {
	c      *Client
	p      *pipe
	r      *rand.Rand
	ack    bool
	socket bool
	l      transport.Leg
	err    error
}

// play has a session hear one spoilt batch, and what a server sends after it.
func (s *spoiltSession) play() string {
	subs := map[string]*Subscription{}
	s.c.step(func(fx *effects) {
		s.c.clientID, s.c.ack, s.c.sessions = "c1", s.ack, 1
		for _, ch := range []bayeux.Channel{"/a", "/b", "/*"} {
			sub := newSubscription(s.c, ch, new(SubscribeOptions), false)
			subs[string(ch)] = sub
			s.c.topics.add(&topic{channel: ch, subs: []*Subscription{sub}, subscribed: true, known: true})
		}
	})
	id, _ := s.drawn(s.connect())
	count := 1 + s.r.IntN(4)
	parts, sent := make([][]byte, count+1), make([]string, count)
	for i := range count {
		sent[i] = `{"n":"` + strings.Repeat(string(rune('p'+i)), 9) + `"}` // so that none is spoilt into another
		parts[i] = fmt.Appendf(nil, `{"channel":%q,"data":%s}`, s.channel(i), sent[i])
	}
	parts[count] = fmt.Appendf(nil, `{"channel":"/meta/connect","id":%q,"successful":true,"ext":{"ack":1}}`, id)
	good := join(parts)
	bad := s.r.IntN(count + 1)
	parts[bad] = attacks.Spoil(s.r, parts[bad])
	in := join(parts)
	closes, valid := attacks.Closes(parts[bad]), json.Valid(in)
	s.hear(in)
	if valid && bad == count { // it is another reply, and nobody can tell
		return ""
	}

	// The server sends again what was not acknowledged, and then something new.
	id, acked := s.drawn(s.connect())
	if s.ack && acked == 0 {
		s.hear([]byte(strings.ReplaceAll(string(good), `"id":"`, `"id":"`+id+`","was":"`)))
		id, acked = s.drawn(s.connect())
	}
	s.hear(fmt.Appendf(nil, `[{"channel":"/a","data":"end"},{"channel":"/b","data":"end"},{"channel":"/meta/connect","id":%q,"successful":true,"ext":{"ack":2}}]`, id))

	for ch, sub := range subs {
		s.judge(ch, sub, sent, bad, closes, valid)
	}
	if s.c.clientID == "" && !valid {
		s.err = errors.Join(s.err, errors.New("the session is gone"))
	}
	return fmt.Sprintf("ack %v, socket %v, acknowledged %d: %q", s.ack, s.socket, acked, in)
}

func (s *spoiltSession) channel(i int) string { return []string{"/a", "/b"}[i%2] }

func join(parts [][]byte) []byte {
	all := make([]string, len(parts))
	for i := range parts {
		all[i] = string(parts[i])
	}
	return []byte("[" + strings.Join(all, ",") + "]")
}

// connect draws a connect, whatever pause there may be, and returns it as JSON.
func (s *spoiltSession) connect() string {
	s.c.step(func(*effects) {
		s.c.backoff.pauseUntil, s.c.connect.dueAt = mono.Time{}, mono.Time{}
		s.c.connect.ready = s.c.connect.leg == 0
	})
	if s.l.ID == 0 || !s.socket || s.c.legs.Get(s.l.ID) == nil {
		if s.l = exchange(); s.socket {
			s.l = socket()
		}
	}
	if b := s.p.h.Next(transport.LaneConnect, s.l); len(b) > 0 {
		return string(bayeux.Append(nil, b))
	}
	// It is out on a socket that brought nothing of use: the socket is cut for that, in time.
	s.p.h.End(s.l.ID, &transport.Error{Op: "cut", Err: ErrNoReply})
	s.l = socket()
	s.c.step(func(*effects) { s.c.backoff.pauseUntil, s.c.connect.ready = mono.Time{}, true })
	return string(bayeux.Append(nil, s.p.h.Next(transport.LaneConnect, s.l)))
}

// drawn is the id of a connect, and what it acknowledges.
func (s *spoiltSession) drawn(connect string) (id string, ack int64) {
	ms, err := bayeux.Decode([]byte(connect), bayeux.Limits{})
	if err != nil || len(ms) != 1 {
		s.err = errors.Join(s.err, fmt.Errorf("no connect: %s", connect))
		return "", 0
	}
	ack, _ = ackOf(ms[0].Ext)
	return ms[0].ID, ack
}

func (s *spoiltSession) hear(b []byte) {
	ms, err := wire.Decode(b, bayeux.Limits{})
	switch {
	case err != nil:
		s.p.h.End(s.l.ID, &transport.Error{Op: "decode", Err: err})
		return
	case len(ms) > 0:
		s.p.h.Receive(s.l.ID, ms)
	}
	if !s.socket {
		s.p.h.End(s.l.ID, nil)
	}
}

// judge compares what a subscription got with what was sent.
func (s *spoiltSession) judge(ch string, sub *Subscription, sent []string, bad int, closes, valid bool) {
	var got []string
	for {
		e, err, ok := sub.take(&consumer{}, true)
		if !ok || err != nil {
			break
		}
		if e.gap != nil {
			got = append(got, "gap")
		} else {
			got = append(got, string(e.m.Data))
		}
	}
	next := 0 // of sent
	for _, x := range got {
		switch {
		case x == "gap" || x == `"end"`:
			continue
		case next < len(sent) && !s.known(x, sent) && valid: // it was made another message
			continue
		}
		for next < len(sent) && sent[next] != x {
			if s.channel(next) == ch || ch == "/*" {
				s.missing(ch, next, bad, closes, valid, got)
			}
			next++
		}
		if next == len(sent) {
			s.err = errors.Join(s.err, fmt.Errorf("%s: %s is doubled, out of order or was not sent: %v", ch, x, got))
			return
		}
		next++
	}
	for ; next < len(sent); next++ {
		if s.channel(next) == ch || ch == "/*" {
			s.missing(ch, next, bad, closes, valid, got)
		}
	}
	if ch != "/*" && (len(got) == 0 || got[len(got)-1] != `"end"`) {
		s.err = errors.Join(s.err, fmt.Errorf("%s: what came after did not: %v", ch, got))
	}
}

func (s *spoiltSession) known(x string, sent []string) bool {
	for _, y := range sent {
		if x == y {
			return true
		}
	}
	return false
}

// missing is told of an event that did not come.
func (s *spoiltSession) missing(ch string, i, bad int, closes, valid bool, got []string) {
	gap := false
	for _, x := range got {
		gap = gap || x == "gap"
	}
	switch {
	case i == bad && (gap || valid): // told, or it was made another
	case !closes && !s.ack && (gap || valid): // the whole body
	case !closes && valid: // it may be another batch altogether
	default:
		s.err = errors.Join(s.err, fmt.Errorf("%s: event %d is missing: %v", ch, i, got))
	}
}
