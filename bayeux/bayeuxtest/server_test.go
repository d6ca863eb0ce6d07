package bayeuxtest

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/turold/turold/bayeux"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A caller speaks to a server by HTTP, without any client, on virtual time.
type caller struct {
	*testing.T
	s    *Server
	http *http.Client
	id   string // clientId
}

// pipes is a listener that is dialled in memory.
type pipes struct {
	conns chan net.Conn
	quit  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.quit:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.quit); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func onServer(t *testing.T, o *Options, f func(*caller)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := pipes{make(chan net.Conn), make(chan struct{})}
		r := Serve(l, "/cometd", New(o), nil)
		jar, _ := cookiejar.New(nil)
		tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			c, s := net.Pipe()
			l.conns <- s
			return c, nil
		}}
		f(&caller{t, r.Server, &http.Client{Transport: tr, Jar: jar}, ""})
		require.NoError(t, r.Close())
		tr.CloseIdleConnections()
	})
}

// post sends a batch, "CID" standing for the clientId, and returns the status
// and the answer.
func (c *caller) post(batch string) (int, string) {
	body := strings.ReplaceAll(batch, "CID", c.id)
	res, err := c.http.Post("http://server/cometd", "application/json", strings.NewReader(body))
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

// say is post where an answer is due.
func (c *caller) say(batch string) []bayeux.Message {
	c.Helper()
	status, body := c.post(batch)
	require.Equal(c, http.StatusOK, status, body)
	ms, err := bayeux.Decode([]byte(body), bayeux.Limits{})
	require.NoError(c, err)
	return ms
}

func (c *caller) shake(ext string) bayeux.Message {
	c.Helper()
	ms := c.say(`[{"channel":"/meta/handshake","id":"1","version":"1.0","supportedConnectionTypes":["long-polling"]` + ext + `}]`)
	require.Len(c, ms, 1)
	if ms[0].Granted() {
		c.id = ms[0].Meta.ClientID
	}
	return ms[0]
}

const (
	connect   = `{"channel":"/meta/connect","id":"2","clientId":"CID","connectionType":"long-polling"}`
	subscribe = `[{"channel":"/meta/subscribe","id":"3","clientId":"CID","subscription":"/a/*"}]`
)

func TestConnectIsHeldUntilThereIsSomething(t *testing.T) {
	onServer(t, nil, func(c *caller) {
		c.shake("")
		start := time.Now()
		require.Len(c, c.say("["+connect+"]"), 1)
		require.Zero(c, time.Since(start), "the first is never held")
		c.say(subscribe)
		require.Len(c, c.say("["+connect+"]"), 1)
		require.Equal(c, 20*time.Second, time.Since(start))
		time.AfterFunc(time.Second, func() { _ = c.s.Publish("/a/b", 7) })
		ms := c.say("[" + connect + "]")
		require.Equal(c, 21*time.Second, time.Since(start))
		require.Equal(c, "7", string(ms[0].Data), "the event first")
		require.Equal(c, bayeux.MetaConnect, ms[1].Channel)
		require.Equal(c, "long-polling", c.s.Sessions()[0].Transport())
		require.Equal(c, []bayeux.Channel{"/a/*"}, c.s.Sessions()[0].Subscriptions())
	})
}

func TestUnacknowledgedComesAgain(t *testing.T) {
	onServer(t, nil, func(c *caller) {
		require.JSONEq(c, `{"ack":true}`, string(c.shake(`,"ext":{"ack":true}`).Ext))
		acked := func(n string) []bayeux.Message {
			return c.say(strings.Replace("["+connect+"]", `"id"`, `"ext":{"ack":`+n+`},"advice":{"timeout":0},"id"`, 1))
		}
		acked("0")
		c.say(subscribe)
		require.NoError(c, c.s.Publish("/a/b", 1))
		first := acked("1")
		require.Len(c, first, 2)
		require.Len(c, acked("1"), 2, "again")
		require.Len(c, acked("3"), 1)
	})
}

func TestPaths(t *testing.T) {
	onServer(t, nil, func(c *caller) {
		for path, want := range map[string]int{"/cometd": 200, "/cometd/handshake": 200, "/": 404, "/cometdx": 404} {
			res, err := c.http.Post("http://server"+path, "application/json", strings.NewReader(`[{"channel":"/meta/handshake","id":"1"}]`))
			require.NoError(c, err)
			require.NoError(c, res.Body.Close())
			require.Equal(c, want, res.StatusCode, path)
		}
	})
}

func TestSessionsEnd(t *testing.T) {
	onServer(t, nil, func(c *caller) {
		c.shake("")
		c.say("[" + connect + "]")
		time.Sleep(9 * time.Second)
		require.Len(c, c.s.Sessions(), 1)
		time.Sleep(2 * time.Second)
		require.Empty(c, c.s.Sessions(), "expired")
		ms := c.say("[" + connect + "]")
		require.ErrorIs(c, ms[0].Err(), bayeux.ErrUnknownSession)
		require.Equal(c, bayeux.ReconnectHandshake, ms[0].Advice().Reconnect)

		c.shake("")
		c.say("[" + connect + "]")
		time.AfterFunc(time.Second, func() { c.s.Disconnect("") })
		ms = c.say("[" + connect + "]")
		require.Equal(c, bayeux.ReconnectNone, ms[1].Advice().Reconnect)
		require.Equal(c, bayeux.MetaDisconnect, ms[0].Channel)

		c.shake("")
		c.s.Forget(c.id)
		require.ErrorIs(c, c.say(subscribe)[0].Err(), bayeux.ErrUnknownSession)
	})
}

func TestASessionNeedsItsCookie(t *testing.T) {
	onServer(t, nil, func(c *caller) {
		c.shake("")
		c.http.Jar = nil
		require.ErrorIs(c, c.say(subscribe)[0].Err(), bayeux.ErrUnknownSession)
	})
}

func TestHooks(t *testing.T) {
	cut := false
	o := &Options{
		Request: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.RawQuery == "down" {
				http.Error(w, "down", http.StatusServiceUnavailable)
			}
			return r.URL.RawQuery == "down"
		},
		Take:   func([]bayeux.Message) { time.Sleep(time.Second) },
		Answer: func([]bayeux.Message) bool { return !cut },
		Authorize: func(_ *http.Request, m bayeux.Message) string {
			if m.Channel == "/deny" {
				return "403::no"
			}
			return ""
		},
	}
	onServer(t, o, func(c *caller) {
		start := time.Now()
		c.shake("")
		require.Equal(c, time.Second, time.Since(start))
		ms := c.say(`[{"channel":"/deny","id":"4","clientId":"CID","data":1}]`)
		require.ErrorIs(c, ms[0].Err(), bayeux.ErrForbidden)
		res, err := c.http.Post("http://server/cometd?down", "application/json", strings.NewReader("[]"))
		require.NoError(c, err)
		require.NoError(c, res.Body.Close())
		require.Equal(c, http.StatusServiceUnavailable, res.StatusCode)
		cut = true
		status, _ := c.post(subscribe)
		require.Zero(c, status, "the connection was cut")
		require.Equal(c, Stats{Requests: 4, Handshakes: 1, Subscribes: 1, Publishes: 0}, c.s.Stats())
	})
}

func TestCutAllBreaksWhatIsHeld(t *testing.T) {
	for _, profile := range []Profile{CometD, Faye} {
		onServer(t, &Options{Profile: profile}, func(c *caller) {
			c.shake("")
			c.say(strings.Replace("["+connect+"]", `"id"`, `"advice":{"timeout":0},"id"`, 1))
			time.AfterFunc(time.Second, c.s.CutAll)
			status, _ := c.post("[" + connect + "]")
			require.Zero(c, status)
			require.Len(c, c.s.Sessions(), 1)
		})
	}
}

func TestViolations(t *testing.T) {
	onServer(t, nil, func(c *caller) {
		for body, want := range map[string]int{
			`[]`: 500, `nonsense`: 400,
			`[{"channel":"/meta/handshake","id":"1"},{"channel":"/a","id":"2"}]`: 500,
		} {
			status, _ := c.post(body)
			require.Equal(c, want, status, body)
		}
		c.shake("")
		for message, code := range map[string]int{
			`{"channel":"/meta/other","id":"5","clientId":"CID"}`:                               403,
			`{"channel":"/a","id":"a-b","clientId":"CID","data":1}`:                             405,
			`{"channel":"/meta/subscribe","id":"5","clientId":"CID"}`:                           403,
			`{"channel":"/service/none","id":"5","clientId":"CID"}`:                             0,
			`{"channel":"/meta/unsubscribe","id":"5","clientId":"CID","subscription":"/never"}`: 400,
		} {
			ms := c.say("[" + message + "]")
			if code == 0 {
				require.True(c, ms[0].Granted())
				continue
			}
			var refused *bayeux.Error
			require.ErrorAs(c, ms[0].Err(), &refused, message)
			require.Equal(c, code, refused.Code, message)
		}
	})
}
