package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

func TestRefusalsAreCounted(t *testing.T) {
	refuse := ""
	var handshakes atomic.Int64
	o := &bayeuxtest.Options{Authorize: func(_ *http.Request, m bayeux.Message) string {
		switch m.Channel {
		case bayeux.MetaHandshake:
			if n := handshakes.Add(1); refuse == "some" && n%3 == 0 || refuse == "all" {
				return "403::go away"
			}
		case bayeux.MetaSubscribe:
			if refuse == "subscribe" {
				return "403::no"
			}
		case bayeux.MetaConnect, bayeux.MetaDisconnect:
		default:
			if refuse == "publish" {
				return "403::no"
			}
		}
		return ""
	}}
	for _, refuse = range []string{"some", "all", "subscribe", "publish"} {
		handshakes.Store(0)
		inLab(t, o, func(t *testing.T, l *lab) {
			r, err := run(t, t.Context(), l.plan(fallback.LongPollingOnly, nil))
			switch refuse {
			case "some":
				require.NoError(t, err)
				require.Equal(t, 4, r.Sessions.Up)
				require.Equal(t, []Fault{{"dial", "refused 403: unauthorized", 2}}, r.Errors)
				require.Equal(t, 280, r.Published.Taken)
				require.Equal(t, 0, r.Delivered.Lost)
			case "publish":
				require.NoError(t, err)
				require.Equal(t, []Fault{{"publish", "refused 403: forbidden", 280}}, r.Errors)
				require.EqualValues(t, 280, r.Published.Failed)
				require.Equal(t, 0, r.Delivered.Expected)
			default:
				require.ErrorIs(t, err, ErrNobody)
				var refused *bayeux.Error
				require.ErrorAs(t, err, &refused)
				require.Equal(t, 403, refused.Code)
			}
			require.Empty(t, l.server.Sessions())
		})
	}
}

// TestOutagesAreCounted: a server that forgets everybody in the middle.
func TestOutagesAreCounted(t *testing.T) {
	inLab(t, nil, func(t *testing.T, l *lab) {
		p := l.plan(fallback.WebSocketOnly, nil)
		test := New(p)
		defer test.Close()
		go func() {
			sleep(t.Context(), 5*second)
			l.server.Forget("")
			l.server.CutAll()
		}()
		r, err := test.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 6, r.Sessions.Renewed)
		require.EqualValues(t, 6, r.Sessions.Outages)
		require.EqualValues(t, 12, r.Delivered.Gaps)
		require.Zero(t, r.Delivered.Untold)
		require.NotEmpty(t, r.Errors)
		t.Log(r.Published, r.Delivered, r.Errors)
	})
}

func TestClasses(t *testing.T) {
	for want, err := range map[string]error{
		"refused 402: unknown session":    fmt.Errorf("x: %w", bayeux.ParseError("/a", "402::Unknown client")),
		"transport status 503":            &client.OpError{Op: "dial", Err: &transport.Error{Op: "status", Status: 503, Err: errors.New("x")}},
		"transport dial":                  &transport.Error{Op: "dial", Err: errors.New("x")},
		"unknown outcome: transport read": &client.OutcomeError{Sent: true, Err: &transport.Error{Op: "read", Err: errors.New("x")}},
		"never sent: closed":              &client.OutcomeError{Err: client.ErrClosed},
		"timeout":                         context.DeadlineExceeded,
		"unknown outcome: timeout":        &client.OutcomeError{Sent: true, Err: client.ErrNoReply},
		"sent away":                       client.ErrServerEnded,
		"other":                           errors.New("x"),
	} {
		require.Equal(t, want, class(err))
	}
}
