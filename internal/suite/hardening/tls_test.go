package hardening

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// marked stands in a header, the ext and a cookie of these sessions.
const marked = "canary-token"

func options() *client.Options {
	return &client.Options{
		Header: http.Header{"Authorization": {"Bearer " + marked}, "Cookie": {"session=" + marked}},
		Ext:    map[string]string{"token": marked},
	}
}

// hellos keeps what each client offers, and nothing else, for a server's settings.
type hellos struct {
	mu        sync.Mutex
	protocols [][]string
}

func (h *hellos) keep(server *tls.Config) {
	server.GetConfigForClient = func(i *tls.ClientHelloInfo) (*tls.Config, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.protocols = append(h.protocols, i.SupportedProtos)
		return nil, nil
	}
}

func (h *hellos) all() [][]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.protocols)
}

// TestTLS holds every transport, by every way, to the same answers: who is not
// the server gets nothing of the session, and the error says what is wrong.
func TestTLS(t *testing.T) {
	for _, tc := range tlsCases {
		for _, via := range []string{"", "http://me:secret@proxy:3128", "https://me:secret@proxy:3128"} {
			if tc.named && strings.HasPrefix(via, "https") {
				continue
			}
			for _, mode := range modes {
				t.Run(strings.Join([]string{tc.name, strings.Split(via, ":")[0], mode.String()}, "/"), func(t *testing.T) {
					onStage(t, mode, nil, func(s *stage) { tc.play(s, via) })
				})
			}
		}
	}
}

func (tc tlsCase) play(s *stage, via string) {
	host := tc.host
	if host == "" {
		host = "server"
	}
	ca, seen, served := newAuthority(s.T), hellos{}, new(atomic.Int32)
	server, settings := new(tls.Config), &tls.Config{RootCAs: ca.pool}
	tc.set(ca, server, settings)
	seen.keep(server)
	s.dialer.TLS = settings
	before := settings.Clone()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		s.server.ServeHTTP(w, r)
	})
	s.serve(host+":443", func() *tls.Config { return server }, h)
	s.serve(host+":80", nil, h) // where it would end that did without TLS
	allowed := []string{host + ":443"}
	if via != "" {
		allowed = []string{"proxy:3128"}
		s.proxy(via, map[bool]*tls.Config{true: certificate(ca.good("proxy"))}[strings.HasPrefix(via, "https")], nil)
	}

	c, err := s.dialer.Dial(s.Context(), "https://"+host+"/cometd", options())
	if tc.is == nil {
		require.NoError(s, err)
		require.NoError(s, c.Publish(s.Context(), "/a", 1))
		time.Sleep(time.Minute) // Auto moves meanwhile
		require.NoError(s, c.Publish(s.Context(), "/a", 1))
		require.NoError(s, c.Close())
	} else {
		tc.refused(s, err)
		require.Zero(s, served.Load(), "something was served")
	}
	s.onlyDialled(allowed...)
	require.True(s, reflect.DeepEqual(settings, before), "the user's settings were changed")
	require.NotContains(s, s.wrote(allowed[0]), marked, "something left in the clear")
	offers := seen.all()
	require.NotEmpty(s, offers)
	for _, offered := range offers {
		switch s.dialer.Policy.Mode {
		case fallback.WebSocketOnly:
			require.Equal(s, []string{"http/1.1"}, offered)
		case fallback.LongPollingOnly:
			require.Equal(s, []string{"h2", "http/1.1"}, offered)
		}
	}
}

// refused holds an error to what the case expects.
func (tc tlsCase) refused(s *stage, err error) {
	s.Helper()
	var op *client.OpError
	require.ErrorAs(s, err, &op)
	require.Equal(s, "dial", op.Op)
	var e *transport.Error
	require.ErrorAs(s, err, &e)
	tc.says(s, err)
	if tc.late {
		require.Contains(s, []string{"upgrade", "write", "read"}, e.Op)
	} else {
		require.Equal(s, "tls", e.Op, "%v", err)
		require.True(s, e.Unsent)
	}
	require.Zero(s, e.Status)
	require.Zero(s, e.RetryAfter)
}

// TestTLSOfAProxy is held to the same, and a proxy that is not the one that was
// meant gets no credentials.
func TestTLSOfAProxy(t *testing.T) {
	for _, tc := range tlsCases {
		if tc.host != "" {
			continue
		}
		for _, mode := range modes {
			t.Run(tc.name+"/"+mode.String(), func(t *testing.T) {
				onStage(t, mode, nil, func(s *stage) {
					ca := newAuthority(s.T)
					bad, settings := new(tls.Config), &tls.Config{RootCAs: ca.pool}
					tc.set(ca, bad, settings)
					s.dialer.TLS = settings
					s.serve("origin:443", func() *tls.Config { return certificate(ca.good("origin")) }, s.server)
					s.proxy("https://me:secret@server:3128", bad, nil)
					_, err := s.dialer.Dial(s.Context(), "https://origin/cometd", options())
					s.onlyDialled("server:3128")
					if tc.is == nil {
						require.NoError(s, err)
						return
					}
					var e *transport.Error
					require.ErrorAs(s, err, &e)
					require.Equal(s, "proxy", e.Op, "%v", err)
					tc.says(s, err)
					require.True(s, e.Unsent)
					require.Zero(s, s.net.Dials("origin:443"), "the proxy was asked for a tunnel")
				})
			})
		}
	}
}

// TestTLSFailureIsTriedAgain: certificates are renewed. Until then nothing
// goes out, on no transport.
func TestTLSFailureIsTriedAgain(t *testing.T) {
	for _, mode := range modes {
		for _, keep := range []bool{false, true} {
			onStage(t, mode, nil, func(s *stage) {
				ca := newAuthority(s.T)
				var shown atomic.Pointer[tls.Config]
				valid, served := certificate(ca.good("server")), new(atomic.Int32)
				stale := certificate(ca.issue("server", time.Now().Add(-2*time.Hour)))
				shown.Store(valid)
				s.dialer.TLS = &tls.Config{RootCAs: ca.pool}
				s.serve("server:443", shown.Load, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					served.Add(1)
					s.server.ServeHTTP(w, r)
				}))
				o := options()
				if o.KeepDialing = keep; keep { // the very first handshake
					shown.Store(stale)
					time.AfterFunc(10*time.Second, func() { shown.Store(valid) })
				}
				c, err := s.dialer.Dial(s.Context(), "https://server/cometd", o)
				require.NoError(s, err)
				require.NoError(s, c.Ready(s.Context()))
				time.Sleep(30 * time.Second)
				before := served.Load()

				shown.Store(stale)
				s.net.Reset("server:443")
				time.Sleep(5 * time.Second)
				status := c.Status()
				require.Equal(s, client.StateWaiting, status.State)
				require.True(s, outOfDate(status.Err), "%v", status.Err)
				require.Equal(s, before, served.Load())
				shown.Store(valid)
				ctx, cancel := context.WithTimeout(s.Context(), 10*time.Second)
				defer cancel()
				require.NoError(s, c.Ready(ctx))
				s.onlyDialled("server:443")
			})
		}
	}
}

// TestTLSSettingsAreShared by Dialers and sessions at once, and by a user who
// reads them meanwhile. It is the race detector's.
func TestTLSSettingsAreShared(t *testing.T) {
	for _, mode := range modes {
		onStage(t, mode, nil, func(s *stage) {
			ca := newAuthority(s.T)
			server := certificate(ca.good("server"))
			s.serve("server:443", func() *tls.Config { return server }, s.server)
			settings := &tls.Config{RootCAs: ca.pool, NextProtos: []string{"mine"}, MinVersion: tls.VersionTLS12}
			before := settings.Clone()
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					d := &client.Dialer{Policy: s.dialer.Policy, DialContext: s.dial, Proxy: s.dialer.Proxy, TLS: settings}
					defer d.Close()
					for range 2 {
						_, err := d.Dial(s.Context(), "https://server/cometd", nil)
						require.NoError(s, err)
					}
					time.Sleep(time.Second)
				})
			}
			require.Equal(s, []string{"mine"}, settings.NextProtos)
			require.Empty(s, settings.ServerName)
			all.Wait()
			require.True(s, reflect.DeepEqual(settings, before))
		})
	}
}

// TestNothingVerifiesLess: of our own settings none skips a check, so only the
// user's can. The zero Dialer trusts the system's roots.
func TestNothingVerifiesLess(t *testing.T) {
	for _, mode := range modes {
		onStage(t, mode, nil, func(s *stage) {
			server := certificate(newAuthority(s.T).good("server"))
			s.serve("server:443", func() *tls.Config { return server }, s.server)
			_, err := s.dialer.Dial(s.Context(), "wss://server/cometd", nil)
			require.True(s, unverified[x509.UnknownAuthorityError](err), "%v", err)
		})
	}
}
