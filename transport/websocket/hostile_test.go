package websocket

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ws "github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/testutil/testnet"
	"github.com/turold/turold/transport"
	"github.com/turold/turold/transport/transporttest"
)

const server = "http://server/cometd?token=secret"

// switching is a 101 with more header, and then more bytes.
func switching(c net.Conn, header, more string) {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	_, _ = io.WriteString(c, testnet.Switching(r, header)+more)
	_, _ = io.Copy(io.Discard, c)
}

// TestWhatWasNotOffered: gorilla turns compression on because the server says
// so, and counts a message's limit in compressed bytes then.
func TestWhatWasNotOffered(t *testing.T) {
	for _, header := range []string{
		"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n",
		"Sec-WebSocket-Extensions: permessage-deflate\r\n", // of which gorilla itself says it is invalid
		"Sec-WebSocket-Extensions: x-secret\r\n",
		"Sec-WebSocket-Protocol: secret\r\n",
	} {
		inWorld(t, server, func(w *world) {
			w.listen("server:80", func(c net.Conn) { switching(c, header, "") })
			require.True(w, w.fails("upgrade").Unsent)
		})
	}
}

// TestHeaderWithoutEnd: gorilla reads the header of the 101 without a bound.
func TestHeaderWithoutEnd(t *testing.T) {
	inWorld(t, server, func(w *world) {
		taken := 0
		w.listen("server:80", func(c net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, err := io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nX: ")
			for err == nil {
				var n int
				n, err = c.Write(bytes.Repeat([]byte("a"), 4096))
				taken += n
			}
		})
		require.ErrorIs(w, w.fails("upgrade"), bayeux.ErrTooLarge)
		synctest.Wait()
		require.Less(w, taken, 256<<10, "what fits into the buffers on the way counts too")
	})
}

// TestWhatIsPassedOver: heartbeats of white space, byte order marks, binary messages and bytes that are not
// UTF-8 cost nothing but themselves; and so does a message beyond the limit, which is told in its place.
func TestWhatIsPassedOver(t *testing.T) {
	const limit = 10_000
	inWorld(t, server, func(w *world) {
		w.network.Limits.Bytes = limit
		w.session = transport.NewSessionConfig(w.network, w.session.Target())
		w.sockets("server:80", nil, func(c *ws.Conn) {
			_, _, _ = c.ReadMessage()
			for n, say := range []struct {
				kind int
				text string
			}{
				{ws.TextMessage, ""}, {ws.TextMessage, " \r\n\t"}, {ws.BinaryMessage, ""}, {ws.TextMessage, `[{"channel":"/a","id":"1","data":1}]`},
				{ws.TextMessage, "\ufeff" + `[{"channel":"/a","id":"2","data":1}]`}, {ws.BinaryMessage, `[{"channel":"/a","id":"3","data":1}]`},
				{ws.TextMessage, "[{\"channel\":\"/a\",\"id\":\"4\",\"data\":\"\xff\"},{\"channel\":\"/a\",\"id\":\"5\",\"data\":1}]"},
				{ws.TextMessage, strings.Repeat(" ", limit+1)}, {ws.TextMessage, `[{"channel":"/a","data":"` + strings.Repeat("x", 50*limit) + `"}]`},
				{ws.TextMessage, `{"channel":"/a","id":"6","data":1}`},
			} {
				require.NoError(w, c.WriteMessage(say.kind, []byte(say.text)), n)
			}
			w.silent(c)
		})
		w.send(10)
		rec, ok := w.h.Await(time.Minute, func(r transporttest.Record) bool { return len(r.Events("/a")) == 5 })
		require.True(w, ok)
		var got []string
		for _, r := range rec.Receipts {
			for _, m := range r.Messages {
				if err := m.Unreadable(); errors.Is(err, bayeux.ErrTooLarge) {
					got = append(got, "too large"+m.ID)
				} else if err != nil {
					got = append(got, "unreadable "+m.ID)
				} else {
					got = append(got, m.ID)
				}
			}
		}
		require.Equal(w, []string{"1", "2", "3", "unreadable 4", "5", "too large", "too large", "6"}, got)
		require.Empty(w, rec.Ends)
	})
}

// TestMessageWithoutEnd is given up at the limit of what is read past.
func TestMessageWithoutEnd(t *testing.T) {
	inWorld(t, server, func(w *world) {
		w.network.Limits.Bytes = 10_000
		w.session = transport.NewSessionConfig(w.network, w.session.Target())
		w.sockets("server:80", nil, func(c *ws.Conn) {
			_, _, _ = c.ReadMessage()
			out, err := c.NextWriter(ws.TextMessage)
			for err == nil {
				_, err = out.Write(bytes.Repeat([]byte(" "), 1000))
			}
		})
		require.ErrorIs(w, w.fails("read"), bayeux.ErrTooLarge)
	})
}

// TestNoAnswerToTheUpgrade: gorilla does not look at its context while it waits
// for the 101. What waits there ends by itself, by Cut and by Close.
func TestNoAnswerToTheUpgrade(t *testing.T) {
	hang := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	inWorld(t, server, func(w *world) {
		w.listen("server:80", hang)
		start := time.Now()
		require.True(w, w.fails("upgrade").Unsent)
		require.Equal(w, openTimeout, time.Since(start))
	})
	inWorld(t, server, func(w *world) {
		w.listen("server:80", hang)
		w.send(10)
		time.Sleep(time.Second)
		require.NoError(w, w.pipe.Close()) // close looks at the time
		require.ErrorIs(w, w.ended(), transport.ErrClosed)
	})
}

// TestTLSPeerThatStalls: neither a handshake nor a full connection holds Close
// up, though tls.Conn.Close waits for the room to say goodbye.
func TestTLSPeerThatStalls(t *testing.T) {
	inWorld(t, "https://server/cometd", func(w *world) {
		w.listen("server:443", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		w.send(10)
		time.Sleep(time.Second)
	})
	inWorld(t, "https://server/cometd", func(w *world) {
		conf, trust := testnet.Certify("server")
		w.network.TLS = trust
		w.sockets("server:443", conf, func(*ws.Conn) { <-w.quit })
		for range 10 {
			w.send(30 << 10)
		}
		time.Sleep(time.Second)
		require.Less(w, len(w.h.Record().Draws), 10, "it is stuck in a write")
		w.net.Stall("server:443", true, true)
		require.NoError(w, w.pipe.Close())
		w.net.Stall("server:443", false, false)
	})
}

// TestOnlyAPongProvesThePath: events come down while nothing gets up.
func TestOnlyAPongProvesThePath(t *testing.T) {
	for silence, found := range map[time.Duration]time.Duration{0: 15 * time.Second, time.Second: time.Second, time.Minute: time.Minute} {
		t.Run(found.String(), func(t *testing.T) { onlyAPong(t, silence, found) })
	}
}

func onlyAPong(t *testing.T, silence, found time.Duration) {
	inWorld(t, server, func(w *world) {
		w.network.Silence = silence
		w.sockets("server:80", nil, func(c *ws.Conn) {
			_, _, _ = c.ReadMessage()
			c.SetPingHandler(func(string) error { return nil }) // as if it had not come
			go w.silent(c)
			for {
				select {
				case <-w.quit:
					return
				case <-time.After(100 * time.Millisecond):
				}
				if c.WriteControl(ws.PongMessage, nil, time.Now().Add(time.Second)) != nil ||
					c.WriteMessage(ws.TextMessage, []byte(`[{"channel":"/a","data":1}]`)) != nil {
					return
				}
			}
		})
		start := time.Now()
		require.False(w, w.fails("ping").Unsent)
		require.InDelta(w, found, time.Since(start), 2)
	})
}

func TestSocketThatIsAliveLives(t *testing.T) {
	inWorld(t, server, func(w *world) {
		w.sockets("server:80", nil, w.silent)
		w.send(10)
		time.Sleep(time.Hour)
		require.Empty(w, w.h.Record().Ends)
	})
}

// TestMessageTooBigForTheServer halves what the next socket may carry.
func TestMessageTooBigForTheServer(t *testing.T) {
	inWorld(t, server, func(w *world) {
		w.sockets("server:80", nil, func(c *ws.Conn) {
			c.SetReadLimit(10_000) // gorilla answers 1009 beyond it
			w.silent(c)
		})
		w.send(20_000)
		err := w.ended()
		require.Equal(w, "close", err.Op)
		require.Equal(w, ws.CloseMessageTooBig, err.Status)
		w.send(10)
		rec, ok := w.h.Await(time.Minute, func(r transporttest.Record) bool { return len(r.Draws) == 2 })
		require.True(w, ok)
		require.InDelta(w, 10_000, rec.Draws[1].Leg.Limit, 100)
	})
}

func TestWhatIsNoBayeux(t *testing.T) {
	for _, tc := range []struct {
		name, op string
		status   int
		say      func(*ws.Conn) error
	}{
		{"binary", "decode", 0, func(c *ws.Conn) error { return c.WriteMessage(ws.BinaryMessage, []byte("secret")) }},
		{"no JSON", "decode", 0, func(c *ws.Conn) error { return c.WriteMessage(ws.TextMessage, []byte("secret")) }},
		{"going away", "close", 1001, func(c *ws.Conn) error {
			return c.WriteMessage(ws.CloseMessage, ws.FormatCloseMessage(1001, "secret"))
		}},
		{"no close frame", "read", 0, func(c *ws.Conn) error { return c.NetConn().Close() }},
		{"no frame", "read", 0, func(c *ws.Conn) error {
			_, err := io.WriteString(c.NetConn(), "HTTP/1.1 400 secret\r\n\r\n")
			return err
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, server, func(w *world) {
				w.sockets("server:80", nil, func(c *ws.Conn) {
					_, _, _ = c.ReadMessage()
					require.NoError(w, tc.say(c))
					w.silent(c)
				})
				err := w.fails(tc.op)
				require.Equal(w, tc.status, err.Status)
				require.False(w, err.Unsent)
			})
		})
	}
}

func TestRefusedUpgrades(t *testing.T) {
	for _, tc := range []struct {
		answer string
		status int
		pause  time.Duration
	}{
		{"HTTP/1.1 400 secret\r\n\r\nsecret", 400, 0},
		{"HTTP/1.1 403\r\n\r\n", 403, 0},
		{"HTTP/1.1 302 Found\r\nLocation: http://secret/\r\n\r\n", 302, 0},
		{"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n\r\n", 503, 7 * time.Second},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", 200, 0},
		{"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101, 0},
		{"secret\r\n\r\n", 0, 0},
		{"", 0, 0},
	} {
		inWorld(t, server, func(w *world) {
			w.listen("server:80", func(c net.Conn) {
				_, _ = http.ReadRequest(bufio.NewReader(c))
				_, _ = io.WriteString(c, tc.answer)
			})
			err := w.fails("upgrade")
			require.Equal(w, tc.status, err.Status, tc.answer)
			require.Equal(w, tc.pause, err.RetryAfter)
			require.True(w, err.Unsent)
		})
	}
}

// TestTheUpgradeCarriesWhatHTTPCarries: headers, credentials and cookies, and
// what it sets goes into the jar.
func TestTheUpgradeCarriesWhatHTTPCarries(t *testing.T) {
	inWorld(t, "http://me:pw@server/cometd?q=1", func(w *world) {
		var seen *http.Request
		w.handle("server:80", nil, func(rw http.ResponseWriter, r *http.Request) {
			seen = r
			up := ws.Upgrader{}
			if c, err := up.Upgrade(rw, r, http.Header{"Set-Cookie": {`odd=a"b`}}); err == nil {
				defer c.NetConn().Close()
				w.silent(c)
			}
		})
		target := *w.session.Target()
		target.Header = http.Header{"X-Token": {"t"}, "Host": {"virtual"}, "Sec-Websocket-Protocol": {"x"}, "Connection": {"close"}}
		w.session.SetTarget(&target)
		w.session.Jar.SetCookies(target.URL, []*http.Cookie{{Name: "BAYEUX_BROWSER", Value: "b"}})
		w.send(10)
		synctest.Wait()
		require.Equal(w, "/cometd?q=1", seen.RequestURI)
		require.Equal(w, "virtual", seen.Host)
		require.Equal(w, "t", seen.Header.Get("X-Token"))
		require.Equal(w, "Basic bWU6cHc=", seen.Header.Get("Authorization"))
		require.Equal(w, "BAYEUX_BROWSER=b", seen.Header.Get("Cookie"))
		require.Empty(w, seen.Header.Get("Sec-WebSocket-Protocol"))
		require.Equal(w, `a"b`, w.session.Jar.Cookies(target.URL)[1].Value)
	})
}

// TestFrames: a batch is one frame up to the limit.
func TestFrames(t *testing.T) {
	inWorld(t, server, func(w *world) {
		frames := make(chan byte, 1)
		w.listen("server:80", func(c net.Conn) {
			in := bufio.NewReader(c)
			r, err := http.ReadRequest(in)
			require.NoError(w, err)
			_, _ = io.WriteString(c, testnet.Switching(r, ""))
			first, _ := in.ReadByte()
			frames <- first
			_, _ = io.Copy(io.Discard, in)
		})
		w.send(transport.SocketLimit - 100)
		require.Equal(w, byte(0x81), <-frames, "text, and the last of its message (RFC 6455 section 5.2)")
	})
}
