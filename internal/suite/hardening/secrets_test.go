package hardening

import (
	"context"
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
)

// The addresses, secrets and all.
const (
	plainURL  = "http://canaryuser:canarypassword@server/canarypath?token=canaryquery"
	secureURL = "https://canaryuser:canarypassword@server/canarypath?token=canaryquery"
	socketURL = "ws://canaryother:canaryother@socket/canarypath?token=canaryother"
	proxyURL  = "http://canaryproxy:canaryproxy@proxy:3128"
	socksURL  = "socks5://canaryproxy:canaryproxy@proxy:1080"
)

// ours are the secrets of the session's own that it masks where a server
// says them in its own words; theirs are others that a server knows.
const (
	ours = "canaryuser canarypassword canaryquery canaryother canaryheader canarycookie canaryjar canaryext canarycredential canarysigned " +
		"Basic Y2FuYXJ5dXNlcjpjYW5hcnlwYXNzd29yZA=="
	theirs = ours + " canarydata canarypublished canarysubscribed canarypath canaryproxy"
)

// A secretive session is one whose every part holds a secret.
type secretive struct {
	*stage
	k  *canary
	f  fault
	on atomic.Bool

	granted sync.Map // clientIds
	idsMu   sync.Mutex
	ids     []string // of the session and the one before it
}

// TestNoSecretIsTold: a session in order meets each fault, at its beginning and
// in its midst, with a server and a proxy that send back all they know. Nothing
// of it is in the log, an error, the trace, or a value that is printed.
func TestNoSecretIsTold(t *testing.T) {
	std := newCanary(t)
	log.SetOutput(std)
	std.text("", "")
	defer func() { log.SetOutput(os.Stderr); std.verify() }()
	for _, f := range append(faults(), fault{name: "nothing"}) {
		for _, mode := range modes[:3] {
			for _, late := range []bool{false, true} {
				name := strings.Join([]string{f.name, mode.String(), map[bool]string{false: "at once", true: "later"}[late]}, "/")
				t.Run(name, func(t *testing.T) {
					s := &secretive{f: f, k: newCanary(t, "canaryuser:canarypassword", "canaryother:canaryother", "canaryproxy:canaryproxy")}
					o := &bayeuxtest.Options{Take: s.take, Rewrite: s.rewrite}
					if f.faye {
						o.Profile = bayeuxtest.Faye
					}
					onStage(t, mode, o, func(st *stage) {
						s.stage = st
						s.server.Handle("/service/echo", func(_ *bayeuxtest.Session, m bayeux.Message) (any, error) { return m.Data, nil })
						s.play(late)
					})
					s.k.verify()
				})
			}
		}
	}
}

// said is what the other end knows.
func (s *secretive) said(of string) string {
	s.idsMu.Lock()
	defer s.idsMu.Unlock()
	return strings.Join(append(slices.Clone(s.ids), of), " ")
}

// take keeps the clientIds that are in use: a session that was granted to
// nobody has a secret that nobody knows.
func (s *secretive) take(ms []bayeux.Message) {
	s.idsMu.Lock()
	defer s.idsMu.Unlock()
	for _, m := range ms {
		if m.Meta == nil {
			continue
		}
		if _, granted := s.granted.Load(m.Meta.ClientID); granted && !slices.Contains(s.ids, m.Meta.ClientID) {
			s.ids = append(s.ids, m.Meta.ClientID)
			s.ids = s.ids[max(len(s.ids)-2, 0):]
		}
	}
}

func (s *secretive) rewrite(ms []bayeux.Message, body []byte) []byte {
	changed := make([]bayeux.Message, len(ms))
	for i, m := range ms {
		if m.Channel == bayeux.MetaHandshake && m.Granted() {
			s.k.also(m.Meta.ClientID)
			s.granted.Store(m.Meta.ClientID, true)
		}
		if !m.IsEvent() && s.f.reply != nil && s.on.Load() {
			meta := *m.Meta
			m.Meta = &meta
			s.f.reply(&m, s.said(ours))
		}
		changed[i] = m
	}
	if s.f.reply == nil || !s.on.Load() {
		return body
	}
	return bayeux.Append(nil, changed)
}

// ServeHTTP is the server's, and the fault's while it is on.
func (s *secretive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.f.serve != nil && s.on.Load() {
		s.f.serve(w, r, s.said(theirs))
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "theirs", Value: "canarycookie", Path: "/"})
	s.server.ServeHTTP(w, r)
}

// turn switches the fault.
func (s *secretive) turn(on bool) {
	s.on.Store(on)
	if s.f.wire != nil {
		s.f.wire(s.stage, on)
	} else if on {
		s.each(func(addr string) { s.net.Reset(addr) }) // so that it is met soon
	}
}

// open is the network, and returns the address to dial. Where a tunnel or TLS
// is what fails there is a proxy.
func (s *secretive) open(o *client.Options) string {
	if s.f.socks != nil {
		u, err := url.Parse(socksURL)
		require.NoError(s, err)
		s.serve("server:80", nil, s)
		s.listen("proxy:1080", func(c net.Conn) { s.f.socks(c, s.said(theirs)) })
		s.dialer.Proxy = func(*http.Request) (*url.URL, error) {
			if s.on.Load() {
				return u, nil
			}
			return nil, nil
		}
		return plainURL
	}
	if s.f.proxy == nil && !s.f.secure {
		s.serve("server:80", nil, s)
		s.serve("socket:80", nil, s)
		o.WebSocketURL = socketURL
		return plainURL
	}
	ca := newAuthority(s.T)
	good, bad := certificate(ca.good("server")), certificate(ca.good("other"))
	s.dialer.TLS = &tls.Config{RootCAs: ca.pool}
	s.serve("server:443", func() *tls.Config {
		if s.wrong.Load() {
			return bad
		}
		return good
	}, s)
	s.proxy(proxyURL, nil, func(c net.Conn) bool {
		if s.f.proxy == nil || !s.on.Load() {
			return false
		}
		answering(c, s.f.proxy(s.said(theirs)))
		return true
	})
	return secureURL
}

func (s *secretive) options() *client.Options {
	jar, err := cookiejar.New(nil)
	require.NoError(s, err)
	for _, host := range []string{"http://server/", "https://server/", "http://socket/"} {
		u, err := url.Parse(host)
		require.NoError(s, err)
		jar.SetCookies(u, []*http.Cookie{{Name: "mine", Value: "canaryjar"}})
	}
	return &client.Options{
		Header: http.Header{"Authorization": {"Bearer canaryheader"}, "Cookie": {"a=canarycookie"}},
		Ext:    map[string]any{"auth": map[string]string{"token": "canaryext"}},
		Jar:    jar,
		Credentials: func(context.Context, *client.Credential) (*client.Credential, error) {
			cr := &client.Credential{Header: http.Header{"X-Signed": {"canarysigned"}}, Ext: map[string]string{"credential": "canarycredential"}}
			s.k.value("Credential", cr)
			return cr, nil
		},
	}
}

func (s *secretive) play(late bool) {
	o := s.options()
	address := s.open(o)
	s.dialer.Logger, s.dialer.Trace = s.k.logger(), s.trace()
	if !late {
		s.turn(true)
	}
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	c, err := s.dialer.Dial(ctx, address, o)
	s.k.err("Dial", err)
	if c != nil {
		s.use(c, late)
	}
	s.turn(false)
	s.dialer.Close()
	s.onlyDialled("server:80", "socket:80", "proxy:3128", "proxy:1080")
}
