package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

func TestDialTellsWhatFailed(t *testing.T) {
	refusal := `[{"channel":"/meta/handshake","id":%q,"successful":false,"error":"403::handshake_denied","advice":{"reconnect":"none"}}]`
	for name, row := range map[string]struct {
		answer func(p *pipe, l transport.Leg, id string)
		check  func(t *testing.T, err error)
	}{
		"refused": {func(p *pipe, l transport.Leg, id string) { p.say(l, fmt.Sprintf(refusal, id)) },
			func(t *testing.T, err error) { require.ErrorIs(t, err, bayeux.ErrUnauthorized) }},
		"not reached": {func(p *pipe, l transport.Leg, _ string) { p.end(l, reset(true)) },
			func(t *testing.T, err error) {
				var e *transport.Error
				require.ErrorAs(t, err, &e)
			}},
		"no clientId": {func(p *pipe, l transport.Leg, id string) { p.say(l, batch(reply(bayeux.MetaHandshake, id))) },
			func(t *testing.T, err error) { require.ErrorIs(t, err, errNoID) }},
		"mute": {func(p *pipe, l transport.Leg, _ string) {
			time.Sleep(10 * time.Second)
			require.ErrorIs(p.t, p.cutOf(l.ID), ErrNoReply)
			p.end(l, &transport.Error{Op: "cut", Err: ErrNoReply})
		}, func(t *testing.T, err error) { require.ErrorIs(t, err, ErrNoReply) }},
		"caller's time": {func(*pipe, transport.Leg, string) {}, func(t *testing.T, err error) { require.ErrorIs(t, err, context.DeadlineExceeded) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &pipe{t: t, cuts: map[transport.LegID]error{}}
				d := &Dialer{Open: func(_ *transport.SessionConfig, h transport.Handler) transport.Transport { p.h = h; return p }}
				done := make(chan error, 1)
				go func() {
					_, err := d.Dial(within(time.Minute), "http://server/cometd?token=secret", nil)
					done <- err
				}()
				l := exchange()
				b := p.draw(transport.LaneCommands, l)
				row.answer(p, l, idOf(t, b, bayeux.MetaHandshake))
				err := <-done
				row.check(t, err)
				require.NotContains(t, err.Error(), "secret")
				require.Zero(t, d.Stats().Sessions)
			})
		})
	}
}

func TestKeepDialingGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipe{t: t, cuts: map[transport.LegID]error{}}
		d := &Dialer{Open: func(_ *transport.SessionConfig, h transport.Handler) transport.Transport { p.h = h; return p }}
		done := make(chan error, 1)
		go func() {
			c, err := d.Dial(within(time.Minute), "http://server/", &Options{KeepDialing: true})
			if err == nil {
				_ = c.Close()
			}
			done <- err
		}()
		for range 5 {
			l := exchange()
			require.NotEmpty(t, p.draw(transport.LaneCommands, l))
			p.end(l, reset(true))
			time.Sleep(3 * time.Second)
		}
		p.grant("c", "")
		require.NoError(t, <-done)
	})
}

func TestCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipe{t: t, cuts: map[transport.LegID]error{}}
		var s *transport.SessionConfig
		d := &Dialer{Open: func(ts *transport.SessionConfig, h transport.Handler) transport.Transport { s, p.h = ts, h; return p }}
		var mu sync.Mutex
		var asked []bool
		hook := func(_ context.Context, refused *Credential) (*Credential, error) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, refused != nil)
			n := fmt.Sprint(len(asked))
			return &Credential{URL: "https://other/" + n, Header: http.Header{"Authorization": {"Bearer " + n}}, Ext: map[string]string{"n": n}, Expires: time.Now().Add(time.Hour)}, nil
		}
		done := make(chan *Client, 1)
		go func() {
			c, err := d.Dial(context.Background(), "http://server/", &Options{Credentials: hook})
			require.NoError(t, err)
			done <- c
		}()
		l := exchange()
		b := p.draw(transport.LaneCommands, l)
		require.Contains(t, b, `"n":"1"`)
		p.say(l, fmt.Sprintf(`[{"channel":"/meta/handshake","id":%q,"successful":false,"error":"401::expired","advice":{"reconnect":"none"}}]`, idOf(t, b, bayeux.MetaHandshake)))
		p.grant("c", "")
		c := <-done
		mu.Lock()
		require.Equal(t, []bool{false, true}, asked)
		mu.Unlock()
		require.Equal(t, "Bearer 2", s.Target().Header.Get("Authorization"))
		require.Equal(t, "https://other/2", s.Target().URL.String())
		time.Sleep(time.Hour - time.Minute)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []bool{false, true, false}, asked, "renewed before it expires")
		require.Equal(t, "Bearer 3", s.Target().Header.Get("Authorization"))
		require.NoError(t, c.Close())
	})
}

func TestCredentialsThatCannotBeMendedEndTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipe{t: t, cuts: map[transport.LegID]error{}}
		d := &Dialer{Open: func(_ *transport.SessionConfig, h transport.Handler) transport.Transport { p.h = h; return p }}
		broken := errors.New("the vault is shut")
		done := make(chan error, 1)
		go func() {
			_, err := d.Dial(context.Background(), "http://server/", &Options{Credentials: func(context.Context, *Credential) (*Credential, error) { return nil, broken }})
			done <- err
		}()
		require.ErrorIs(t, <-done, broken)
	})
}

func TestDisconnectSaysGoodbyeLast(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		_, err := c.Send(context.Background(), Draft{Channel: "/a", Data: 1})
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() { done <- c.Disconnect(context.Background()) }()
		l := exchange()
		b := p.draw(transport.LaneCommands, l)
		require.Regexp(t, `/a.*/meta/disconnect`, b)
		require.ErrorIs(t, c.Publish(context.Background(), "/a", 2), ErrClosed)
		p.say(l, batch(reply("/a", idOf(t, b, "/a")), reply(bayeux.MetaDisconnect, idOf(t, b, bayeux.MetaDisconnect))))
		require.NoError(t, <-done)
		require.ErrorIs(t, c.Err(), ErrClosed)
		require.Equal(t, StateClosed, c.Status().State)
	})
}

func TestDisconnectIsBounded(t *testing.T) {
	steady(t, nil, func(c *Client, p *pipe) {
		go func() { p.draw(transport.LaneCommands, exchange()) }()
		require.ErrorIs(t, c.Disconnect(within(2*time.Second)), context.DeadlineExceeded)
	})
}

// TestDisconnectWithoutAConnection: nobody is there to hear the goodbye, and
// the error says so.
func TestDisconnectWithoutAConnection(t *testing.T) {
	steady(t, &Options{Backoff: func(int, time.Duration) time.Duration { return time.Hour }}, func(c *Client, p *pipe) {
		l := socket()
		p.hold(l)
		p.end(l, reset(false))
		require.Equal(t, StateWaiting, c.Status().State)
		err := c.Disconnect(context.Background())
		var op *OpError
		require.ErrorAs(t, err, &op)
		require.Equal(t, "disconnect", op.Op)
		require.False(t, outcome(t, err).Sent)
		require.ErrorContains(t, err, "connection reset")
		require.ErrorIs(t, c.Err(), ErrClosed)
		require.NoError(t, c.Disconnect(context.Background()), "it is closed")
	})
}
