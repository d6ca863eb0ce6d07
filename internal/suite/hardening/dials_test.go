package hardening

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/transport"
)

// elsewhere are addresses that a server may name and that answer; nothing goes there.
var elsewhere = []string{"elsewhere:80", "elsewhere:443", "server:8080", "server:443"}

// A temptation is a server that names other addresses in whatever it sends.
type temptation struct {
	*stage
	taken atomic.Int32 // requests elsewhere
}

func onTemptation(t *testing.T, f func(s *temptation)) {
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			onStage(t, mode, &bayeuxtest.Options{Rewrite: naming}, func(st *stage) {
				s := &temptation{stage: st}
				for _, addr := range elsewhere {
					s.serve(addr, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						s.taken.Add(1)
						s.server.ServeHTTP(w, r)
					}))
				}
				f(s)
				require.Zero(s, s.taken.Load())
				for _, addr := range elsewhere {
					require.Zero(s, s.net.Dials(addr), addr)
					require.Empty(s, s.wrote(addr))
				}
			})
		})
	}
}

// naming puts other hosts into the advice and the ext of every reply.
func naming(ms []bayeux.Message, _ []byte) []byte {
	named := make([]bayeux.Message, len(ms))
	for i, m := range ms {
		if !m.IsEvent() {
			meta := *m.Meta
			advice := bayeux.Advice{}
			if meta.Advice != nil {
				advice = *meta.Advice
			}
			advice.Hosts = []string{"elsewhere", "http://elsewhere:80/cometd", "//server:8080"}
			meta.Advice, m.Meta = &advice, &meta
			ext := map[string]json.RawMessage{}
			_ = json.Unmarshal(m.Ext, &ext)
			ext["host"], ext["url"] = json.RawMessage(`"elsewhere"`), json.RawMessage(`"http://elsewhere/cometd"`)
			m.Ext, _ = json.Marshal(ext)
		}
		named[i] = m
	}
	return bayeux.Append(nil, named)
}

// named puts other hosts into a response's header.
func named(h http.Header) {
	h.Set("Location", "http://elsewhere/cometd")
	h.Set("Content-Location", "http://elsewhere/cometd")
	h.Set("Refresh", "0; url=http://elsewhere/")
	h.Set("Link", `<http://elsewhere/>; rel="preconnect", <//elsewhere>; rel=dns-prefetch`)
	h.Set("Alt-Svc", `h2="elsewhere:443"; ma=86400, h3="elsewhere:443", http/1.1=":8080"`)
	h.Set("Strict-Transport-Security", "max-age=86400; includeSubDomains")
	h.Add("Set-Cookie", "a=b; Domain=elsewhere")
	h.Add("Set-Cookie", "c=d; Path=/")
	h.Set("Proxy-Authenticate", `Basic realm="elsewhere"`)
}

// TestNothingElseIsDialled: a session goes through outages, lost sessions and
// moves while the server names others in everything it says.
func TestNothingElseIsDialled(t *testing.T) {
	onTemptation(t, func(s *temptation) {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			named(w.Header())
			s.server.ServeHTTP(w, r)
		})
		s.serve("server:80", nil, h)
		s.serve("socket:80", nil, h)
		c, err := s.dialer.Dial(s.Context(), "http://server/cometd", &client.Options{WebSocketURL: "ws://socket/cometd"})
		require.NoError(s, err)
		for range 5 {
			require.NoError(s, c.Ready(s.Context()))
			require.NoError(s, c.Publish(s.Context(), "/a", 1))
			time.Sleep(30 * time.Second)
			s.server.Forget("")
			s.net.Reset("server:80")
			s.net.Reset("socket:80")
			s.net.Refuse("socket:80", true)
			time.Sleep(5 * time.Second)
			s.net.Refuse("socket:80", false)
			s.dialer.NetworkChanged()
			time.Sleep(time.Minute)
		}
		require.Greater(s, c.Status().Session, 1)
		s.onlyDialled("server:80", "socket:80")
		require.NotContains(s, s.wrote("server:80")+s.wrote("socket:80"), "a=b", "a cookie for another host")
	})
}

// TestNoRedirectIsFollowed, whatever of the address changes, at the beginning
// and later. It is the same failure on each transport.
func TestNoRedirectIsFollowed(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"http://elsewhere/cometd", "https://server/cometd", "http://server:8080/cometd", "//elsewhere/cometd", "/other", "ws://elsewhere/cometd"} {
			t.Run(fmt.Sprint(code, to), func(t *testing.T) {
				onTemptation(t, func(s *temptation) {
					var on atomic.Bool
					s.serve("server:80", nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						require.Equal(s, "/cometd", r.URL.Path)
						if on.Load() {
							w.Header().Set("Location", to)
							w.WriteHeader(code)
							return
						}
						s.server.ServeHTTP(w, r)
					}))
					c, err := s.dialer.Dial(s.Context(), "http://server/cometd", options())
					require.NoError(s, err)
					on.Store(true)
					s.net.Reset("server:80")
					time.Sleep(time.Minute)
					require.Equal(s, client.StateWaiting, c.Status().State)
					_, err = s.dialer.Dial(s.Context(), "http://server/cometd", options())
					for _, err := range []error{err, c.Status().Err} {
						var e *transport.Error
						require.ErrorAs(s, err, &e)
						require.Equal(s, code, e.Status)
					}
					s.onlyDialled("server:80")
				})
			})
		}
	}
}

// TestOnlyTheServerIsLookedUp, by the zero Dialer, which looks names up itself.
func TestOnlyTheServerIsLookedUp(t *testing.T) {
	for _, mode := range modes {
		asked.take()
		d := &client.Dialer{Proxy: http.ProxyURL(nil)}
		d.Policy.Mode = mode
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, err := d.Dial(ctx, "http://turold.invalid/cometd", &client.Options{WebSocketURL: "ws://turold.invalid/cometd"})
		cancel()
		d.Close()
		require.Error(t, err)
		names := asked.take()
		require.NotEmpty(t, names)
		for _, name := range names { // as RFC 1035 section 3.1 writes it
			require.Contains(t, name, "\x06turold\x07invalid")
		}
	}
}

// TestNothingElseDials: these are all the places in which the client could
// open a connection, or look up a name, by itself. In pathkey.go a datagram socket is
// connected to find the address that packets leave from, and nothing is sent.
func TestNothingElseDials(t *testing.T) {
	var found []string
	for _, dir := range []string{"bayeux", "client", "fallback", "transport", "transport/longpoll", "transport/websocket"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "..", filepath.FromSlash(dir), "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			tree, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
			require.NoError(t, err)
			for _, name := range dials(tree) {
				found = append(found, dir+"/"+filepath.Base(file)+" "+name)
			}
		}
	}
	require.ElementsMatch(t, []string{
		"transport/pathkey.go net.Dialer",
		"transport/dial.go net.Dialer",
		"transport/websocket/dial.go ws.Dialer", // which is given its connection
	}, found)
}

// dialling are names in packages by which one could dial, listen or look up.
var dialling = regexp.MustCompile(`^(http\.Client|(net|tls|ws|http|syscall|exec)\.(Dial.*|Lookup.*|Resolve.*|Default(Resolver|Client|Transport|Dialer)|Listen.*|FileConn|` +
	`Get|Head|Post|PostForm|Command.*|Connect|Socket))$`)

// dials are the names in a file that are of that kind.
func dials(file *ast.File) (found []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if pkg, ok := s.X.(*ast.Ident); ok && dialling.MatchString(pkg.Name+"."+s.Sel.Name) {
				found = append(found, pkg.Name+"."+s.Sel.Name)
			}
		}
		return true
	})
	return found
}
