package client_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/transport"
)

// TestCredentialIsOnEveryRequest: the upgrade of the WebSocket carries it too,
// and so does the one after a refusal.
func TestCredentialIsOnEveryRequest(t *testing.T) {
	for _, refusals := range []int{0, 1, 2} {
		t.Run(strconv.Itoa(refusals), func(t *testing.T) {
			var mu sync.Mutex
			var bare int
			so := &bayeuxtest.Options{
				Request: func(_ http.ResponseWriter, r *http.Request) bool {
					mu.Lock()
					defer mu.Unlock()
					if r.Header.Get("Authorization") == "" {
						bare++
					}
					return false
				},
				Authorize: func(r *http.Request, m bayeux.Message) string {
					if m.Channel == bayeux.MetaHandshake && r.Header.Get("Authorization") != "Bearer "+strconv.Itoa(refusals) {
						return "401::expired"
					}
					return ""
				},
			}
			co := func() *client.Options {
				asked := 0
				return &client.Options{Credentials: func(_ context.Context, refused *client.Credential) (*client.Credential, error) {
					require.Equal(t, asked > 0, refused != nil)
					defer func() { asked++ }()
					return &client.Credential{Header: http.Header{"Authorization": {"Bearer " + strconv.Itoa(asked)}}}, nil
				}}
			}
			onStackWith(t, so, co, func(s *stack) {
				require.NoError(s, s.c.Publish(s.Context(), "/a", 1))
				require.Zero(s, bare)
			})
		})
	}
}

// TestGatewayThatRefusesTheToken: something before the server answers 401, to
// the first token at once and to each later one after a minute. The hook mends
// it, while dialling and in the middle of a session, and the session stays the
// same unless it expired meanwhile.
func TestGatewayThatRefusesTheToken(t *testing.T) {
	var valid atomic.Int64
	so := &bayeuxtest.Options{Request: func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "Bearer "+strconv.FormatInt(valid.Load(), 10) {
			return false
		}
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}}
	var asked atomic.Int64
	co := func() *client.Options {
		asked.Store(0)
		valid.Store(1)
		return &client.Options{Credentials: func(_ context.Context, refused *client.Credential) (*client.Credential, error) {
			token := "Bearer " + strconv.FormatInt(valid.Load(), 10)
			if asked.Add(1) == 1 {
				token = "Bearer stale"
			}
			return &client.Credential{Header: http.Header{"Authorization": {token}}}, nil
		}}
	}
	onStackWith(t, so, co, func(s *stack) {
		require.EqualValues(s, 2, asked.Load(), "at first, and for the stale one")
		sub, err := s.c.Subscribe(s.Context(), "/a", nil)
		require.NoError(s, err)
		for n := range 3 {
			time.Sleep(time.Minute)
			valid.Add(1)
			s.net.Reset(address) // a socket that is open is not asked for a token
			time.Sleep(time.Minute)
			require.NoError(s, s.server.Publish("/a", n))
			data, err := next(s.T, sub, time.Second)
			require.NoError(s, err)
			require.Equal(s, strconv.Itoa(n), data)
		}
		require.EqualValues(s, 5, asked.Load())
		require.Equal(s, 1, s.c.Status().Session)
	})
}

// TestTokenThatNoHookMends: the session ends with the gateway's refusal, and
// does not hammer it.
func TestTokenThatNoHookMends(t *testing.T) {
	var refuse atomic.Bool
	var requests, asked atomic.Int64
	so := &bayeuxtest.Options{Request: func(w http.ResponseWriter, _ *http.Request) bool {
		if refuse.Load() {
			requests.Add(1)
			w.WriteHeader(http.StatusUnauthorized)
		}
		return refuse.Load()
	}}
	co := func() *client.Options {
		refuse.Store(false)
		requests.Store(0)
		asked.Store(0)
		return &client.Options{Credentials: func(context.Context, *client.Credential) (*client.Credential, error) {
			asked.Add(1)
			return &client.Credential{Header: http.Header{"Authorization": {"Bearer x"}}}, nil
		}}
	}
	onStackWith(t, so, co, func(s *stack) {
		refuse.Store(true)
		s.net.Reset(address)
		s.server.CutAll()
		<-s.c.Done()
		var e *transport.Error
		require.ErrorAs(s, s.c.Err(), &e)
		require.Equal(s, http.StatusUnauthorized, e.Status)
		require.EqualValues(s, 3, asked.Load(), "at first, and twice to mend it")
		require.LessOrEqual(s, requests.Load(), int64(12))
	})
}
