package client_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
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

// TestTheHookIsAskedTwiceForOneRefusal: a server grants every handshake and
// refuses what follows it. What it grants in between does not count, and the
// session ends.
func TestTheHookIsAskedTwiceForOneRefusal(t *testing.T) {
	for name, tc := range map[string]struct {
		modes []fallback.Mode
		reply bool // the connect's reply refuses; else HTTP does, and the server forgets the session
	}{
		"reply":  {modes, true},
		"status": {[]fallback.Mode{fallback.LongPollingOnly}, false},
	} {
		for _, mode := range tc.modes {
			t.Run(name+" "+mode.String(), func(t *testing.T) {
				var mu sync.Mutex
				var asked, requests int
				var granted bool
				var server *bayeuxtest.Running
				so := &bayeuxtest.Options{
					Take: func(ms []bayeux.Message) {
						mu.Lock()
						defer mu.Unlock()
						granted = granted || has(ms, bayeux.MetaHandshake)
					},
					Request: func(w http.ResponseWriter, _ *http.Request) bool {
						mu.Lock()
						defer mu.Unlock()
						requests++
						if tc.reply || !granted {
							return false
						}
						granted = false
						server.Forget("")
						w.WriteHeader(http.StatusUnauthorized)
						return true
					},
					Rewrite: func(ms []bayeux.Message, body []byte) []byte {
						if !tc.reply || !has(ms, bayeux.MetaConnect) {
							return body
						}
						said := slices.Clone(ms)
						for i, m := range said {
							if m.Channel == bayeux.MetaConnect {
								said[i].Meta = &bayeux.Meta{Verdict: true, Error: "401::sign in"}
								said[i].Ext = nil
							}
						}
						return bayeux.Append(nil, said)
					},
				}
				co := func() *client.Options {
					return &client.Options{Credentials: func(context.Context, *client.Credential) (*client.Credential, error) {
						mu.Lock()
						defer mu.Unlock()
						asked++
						return &client.Credential{Header: http.Header{"Authorization": {"Bearer " + strconv.Itoa(asked)}}}, nil
					}}
				}
				onMode(t, mode, so, co, func(s *stack) {
					mu.Lock()
					server = s.server
					mu.Unlock()
					time.Sleep(time.Hour)
					mu.Lock()
					defer mu.Unlock()
					require.Equal(s, 3, asked, "at first, and twice to mend it")
					require.LessOrEqual(s, requests, 40)
					require.Error(s, s.c.Err())
				})
			})
		}
	}
}

// TestCredentialsThatDoNotLast have the hook called now and then, not without an end.
func TestCredentialsThatDoNotLast(t *testing.T) {
	for _, life := range []time.Duration{-time.Hour, -1, 1, time.Microsecond, time.Millisecond, 900 * time.Millisecond, time.Second} {
		t.Run(life.String(), func(t *testing.T) {
			var asked atomic.Int64
			co := func() *client.Options {
				asked.Store(0)
				return &client.Options{Credentials: func(context.Context, *client.Credential) (*client.Credential, error) {
					asked.Add(1)
					return &client.Credential{Expires: time.Now().Add(life)}, nil
				}}
			}
			onStackWith(t, nil, co, func(s *stack) {
				time.Sleep(time.Minute)
				require.LessOrEqual(s, asked.Load(), int64(70))
				require.NoError(s, s.c.Err())
				require.NoError(s, s.c.Publish(s.Context(), "/a", 1))
			})
		})
	}
}

// TestPastSecretsStayHidden: what was in a credential is a secret also after
// another has taken its place, and so is the clientId of a session that is over.
func TestPastSecretsStayHidden(t *testing.T) {
	var mu sync.Mutex
	var said []string // all that the server knows
	so := &bayeuxtest.Options{Authorize: func(r *http.Request, m bayeux.Message) string {
		mu.Lock()
		defer mu.Unlock()
		if m.Channel == "/quote" {
			return "403:" + strings.Join(said, ",") + ":denied " + strings.Join(said, " ")
		}
		said = append(said, r.Header.Get("Authorization"), r.URL.RawQuery, m.Meta.ClientID)
		if m.Channel == bayeux.MetaHandshake {
			var ext struct{ Token string }
			_ = json.Unmarshal(m.Ext, &ext)
			said = append(said, ext.Token)
		}
		return ""
	}}
	co := func() *client.Options {
		said = nil
		asked := 0
		return &client.Options{Credentials: func(context.Context, *client.Credential) (*client.Credential, error) {
			asked++
			n := strconv.Itoa(asked)
			return &client.Credential{
				URL:     site + "?key=canary-key-" + n,
				Header:  http.Header{"Authorization": {"Bearer canary-header-" + n}},
				Ext:     map[string]string{"token": "canary-ext-" + n},
				Expires: time.Now().Add(time.Minute),
			}, nil
		}}
	}
	onStackWith(t, so, co, func(s *stack) {
		for range 5 {
			_, err := s.c.Subscribe(s.Context(), bayeux.Channel("/a"+strconv.Itoa(len(said))), nil)
			require.NoError(s, err)
			err = s.c.Publish(s.Context(), "/quote", 1)
			var refused *bayeux.Error
			require.ErrorAs(s, err, &refused)
			for _, text := range append(slices.Clone(refused.Args), refused.Raw, refused.Text, err.Error()) {
				require.NotContains(s, text, "canary")
				for _, id := range said {
					require.False(s, len(id) > 20 && strings.Contains(text, id), text)
				}
			}
			s.server.Forget("")
			s.server.CutAll()
			time.Sleep(70 * time.Second)
			require.NoError(s, s.c.Ready(s.Context()))
		}
		require.Contains(s, strings.Join(said, " "), "canary-ext-4")
	})
}
