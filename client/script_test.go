package client

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A pipe is a transport that does nothing by itself: tests draw from it by
// hand, and say what came back.
type pipe struct {
	t *testing.T
	h transport.Handler

	mu     sync.Mutex
	wakes  [2]int
	cuts   map[transport.LegID]error
	closed bool
}

func (p *pipe) Types() []string { return []string{transport.WebSocket, transport.LongPolling} }
func (p *pipe) Wake(l transport.Lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wakes[l]++
}
func (p *pipe) Drain(transport.LegID) {}
func (p *pipe) Check()                {}
func (p *pipe) Cut(id transport.LegID, cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts[id] = cause
}
func (p *pipe) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

// woken reports whether the lane was woken since it was last asked.
func (p *pipe) woken(l transport.Lane) bool {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.wakes[l]
	p.wakes[l] = 0
	return n > 0
}

func (p *pipe) cutOf(id transport.LegID) error {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts[id]
}

func socket() transport.Leg {
	return transport.Leg{ID: transport.NewLegID(), Type: transport.WebSocket, Hold: transport.DefaultHold, Limit: transport.SocketLimit}
}

func exchange() transport.Leg {
	return transport.Leg{ID: transport.NewLegID(), Type: transport.LongPolling, Once: true, Hold: transport.DefaultHold, Limit: transport.HTTPLimit}
}

// draw asks for a batch and returns it as JSON.
func (p *pipe) draw(lane transport.Lane, l transport.Leg) string {
	synctest.Wait()
	ms := p.h.Next(lane, l)
	if ms == nil {
		return ""
	}
	return string(bayeux.Append(nil, ms))
}

// say hands up what the server says on a leg: %s stands for the last ids drawn.
func (p *pipe) say(l transport.Leg, body string) {
	p.t.Helper()
	ms, err := bayeux.Decode([]byte(body), bayeux.Limits{})
	require.NoError(p.t, err)
	p.h.Receive(l.ID, ms)
	if l.Once {
		p.h.End(l.ID, nil)
	}
}

func (p *pipe) end(l transport.Leg, err *transport.Error) { p.h.End(l.ID, err) }

func reset(unsent bool) *transport.Error {
	return &transport.Error{Op: "read", Unsent: unsent, Err: fmt.Errorf("connection reset")}
}

// idOf is the id of the first message on a channel in a batch.
func idOf(t *testing.T, batch string, ch bayeux.Channel) string {
	t.Helper()
	ms, err := bayeux.Decode([]byte(batch), bayeux.Limits{})
	require.NoError(t, err)
	for _, m := range ms {
		if m.Channel == ch {
			return m.ID
		}
	}
	require.Failf(t, "no such message", "%s in %s", ch, batch)
	return ""
}

// bubble runs f with a client whose handshake was granted over an exchange.
func bubble(t *testing.T, o *Options, ext string, f func(c *Client, p *pipe)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &pipe{t: t, cuts: map[transport.LegID]error{}}
		d := &Dialer{Open: func(_ *transport.SessionConfig, h transport.Handler) transport.Transport { p.h = h; return p }}
		defer d.Close()
		c := begin(t, d, o, p, ext)
		f(c, p)
		require.NoError(t, c.Close())
		require.True(t, p.closed)
	})
}

func begin(t *testing.T, d *Dialer, o *Options, p *pipe, ext string) *Client {
	t.Helper()
	type dialed struct {
		c   *Client
		err error
	}
	ch := make(chan dialed, 1)
	go func() {
		c, err := d.Dial(context.Background(), "http://server/cometd", o)
		ch <- dialed{c, err}
	}()
	require.True(t, p.woken(transport.LaneCommands))
	p.grant("c1", ext)
	r := <-ch
	require.NoError(t, r.err)
	return r.c
}

// grant draws the handshake and answers it.
func (p *pipe) grant(clientID, ext string) {
	p.t.Helper()
	l := exchange()
	b := p.draw(transport.LaneCommands, l)
	require.Contains(p.t, b, `"channel":"/meta/handshake"`)
	require.NotContains(p.t, b, "},{", "a handshake is alone in its batch")
	if ext != "" {
		ext = `"ext":` + ext + `,`
	}
	p.say(l, fmt.Sprintf(`[{%s"channel":"/meta/handshake","id":%q,"clientId":%q,"successful":true,"advice":{"reconnect":"retry","interval":0,"timeout":20000}}]`,
		ext, idOf(p.t, b, bayeux.MetaHandshake), clientID))
}

const acked = `{"ack":true}`

// reply is a successful reply, with more members if given.
func reply(ch bayeux.Channel, id string, more ...string) string {
	return fmt.Sprintf(`{"channel":%q,"id":%q,"successful":true%s}`, ch, id, strings.Join(append([]string{""}, more...), ","))
}

func event(ch bayeux.Channel, data string) string {
	return fmt.Sprintf(`{"channel":%q,"data":%s}`, ch, data)
}

func batch(ms ...string) string { return "[" + strings.Join(ms, ",") + "]" }

// subscribe subscribes, answers, and lets the connect that rode along be answered too.
func (p *pipe) subscribe(c *Client, ch bayeux.Channel, o *SubscribeOptions, l transport.Leg) *Subscription {
	p.t.Helper()
	got := make(chan *Subscription, 1)
	go func() {
		s, err := c.Subscribe(context.Background(), ch, o)
		if err != nil {
			p.t.Errorf("subscribe: %v", err)
		}
		got <- s
	}()
	require.True(p.t, p.woken(transport.LaneCommands))
	b := p.draw(transport.LaneCommands, l)
	answers := []string{reply(bayeux.MetaSubscribe, idOf(p.t, b, bayeux.MetaSubscribe), fmt.Sprintf(`"subscription":%q`, ch))}
	if strings.Contains(b, "/meta/connect") {
		answers = append(answers, reply(bayeux.MetaConnect, idOf(p.t, b, bayeux.MetaConnect)))
	}
	p.say(l, batch(answers...))
	return <-got
}

// hold draws the connect that is due and leaves it out.
func (p *pipe) hold(l transport.Leg) (id string) {
	p.t.Helper()
	b := p.draw(transport.LaneConnect, l)
	require.NotEmpty(p.t, b, "a connect is due")
	return idOf(p.t, b, bayeux.MetaConnect)
}

// pulled is what the subscription has to give now, one string each.
func pulled(s *Subscription) (out []string) {
	synctest.Wait()
	for {
		e, err, ok := s.take(&consumer{}, true)
		switch {
		case !ok:
			return out
		case err != nil:
			return append(out, "error: "+err.Error())
		case e.gap != nil:
			out = append(out, "gap: "+string(e.gap.Reason))
		default:
			out = append(out, string(e.m.Data))
		}
	}
}

func within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	_ = cancel
	return ctx
}
