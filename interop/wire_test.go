package interop_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/turold/turold/interop/servers"
)

// These speak to the servers without the library, so that a failure of the
// other tests can be told from one of the servers or of their commands.

// A word is a message, read or written without the library.
type word map[string]any

// A wire takes a batch to the server and brings what comes back, up to and
// including the reply with the id of the batch's last message.
type wire func(batch ...word) []word

func rawHTTP(t *testing.T, s *servers.Server) wire {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	c := &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: new(http.Transport)}
	t.Cleanup(c.CloseIdleConnections)
	return func(batch ...word) (answer []word) {
		body, err := json.Marshal(batch)
		require.NoError(t, err)
		resp, err := c.Post(s.URL(), "application/json", bytes.NewReader(body))
		require.NoError(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode, string(b))
		require.NoError(t, json.Unmarshal(b, &answer))
		return answer
	}
}

func rawSocket(t *testing.T, s *servers.Server) wire {
	conn, _, err := websocket.DefaultDialer.Dial(strings.Replace(s.URL(), "http", "ws", 1), nil)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return func(batch ...word) (answer []word) {
		require.NoError(t, conn.WriteJSON(batch))
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(30*time.Second)))
		for reply(answer, batch[len(batch)-1]) == nil {
			var frame []word
			require.NoError(t, conn.ReadJSON(&frame))
			answer = append(answer, frame...)
		}
		return answer
	}
}

// reply finds the reply to a message; nil: it is not there.
func reply(answer []word, to word) word {
	for _, w := range answer {
		if _, ok := w["successful"]; ok && w["id"] == to["id"] && w["channel"] == to["channel"] {
			return w
		}
	}
	return nil
}

func TestServersOnTheWire(t *testing.T) {
	for _, kind := range []*servers.Kind{servers.CometD, servers.Faye} {
		t.Run(kind.Name, func(t *testing.T) {
			s := start(t, kind, "timeout=10000")
			t.Run("long-polling", func(t *testing.T) { testWire(t, s, rawHTTP(t, s), "long-polling") })
			t.Run("websocket", func(t *testing.T) { testWire(t, s, rawSocket(t, s), "websocket") })
		})
	}
}

func testWire(t *testing.T, s *servers.Server, send wire, kind string) {
	var clientID any
	id := 0
	ask := func(w word) word {
		id++
		w["id"] = strconv.Itoa(id)
		if clientID != nil {
			w["clientId"] = clientID
		}
		answer := reply(send(w), w)
		require.NotNil(t, answer)
		return answer
	}
	_, err := s.Forget()
	require.NoError(t, err)

	shaken := ask(word{"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": []string{kind}})
	require.Equal(t, true, shaken["successful"])
	clientID = shaken["clientId"]
	connect := word{"channel": "/meta/connect", "connectionType": kind, "advice": word{"timeout": 0}}
	require.Equal(t, true, ask(connect)["successful"])
	require.Equal(t, true, ask(word{"channel": "/meta/subscribe", "subscription": "/lab/**"})["successful"])

	list, err := s.Sessions()
	require.NoError(t, err)
	require.Equal(t, []servers.Session{{ID: clientID.(string), Subscriptions: []string{"/lab/**"}}}, list)

	up := "/up/" + kind
	require.Equal(t, true, ask(word{"channel": up, "data": word{"n": 1}})["successful"])
	got, err := s.Received(up)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.JSONEq(t, `{"n":1}`, string(got[0]))

	require.Equal(t, false, ask(word{"channel": "/deny/a", "data": 1})["successful"])
	require.Equal(t, false, ask(word{"channel": "/meta/subscribe", "subscription": "/deny/a"})["successful"])
	if s.Kind.Call {
		require.Equal(t, true, ask(word{"channel": "/service/echo", "data": "x"})["successful"])
	}

	n, err := s.Forget()
	require.NoError(t, err)
	require.Equal(t, 1, n)
	if kind == "websocket" && s.Kind == servers.Faye {
		return // it has closed the socket
	}
	lost := ask(word{"channel": "/meta/connect", "connectionType": kind})
	require.Equal(t, false, lost["successful"])
	require.Equal(t, "handshake", lost["advice"].(map[string]any)["reconnect"])
}

func TestServersPublishInOrder(t *testing.T) {
	const count = 200
	for _, kind := range []*servers.Kind{servers.CometD, servers.Faye} {
		t.Run(kind.Name, func(t *testing.T) {
			s := start(t, kind)
			send := rawHTTP(t, s)
			shake := word{"channel": "/meta/handshake", "id": "1", "version": "1.0", "supportedConnectionTypes": []string{"long-polling"}}
			id := reply(send(shake), shake)["clientId"]
			send(word{"channel": "/meta/subscribe", "id": "2", "clientId": id, "subscription": "/lab/a"})
			require.NoError(t, s.Publish("/lab/a", 5, count, 1000))
			var numbers []int
			for i := 3; len(numbers) < count; i++ {
				connect := word{"channel": "/meta/connect", "id": strconv.Itoa(i), "clientId": id, "connectionType": "long-polling", "advice": word{"timeout": 0}}
				for _, w := range send(connect) {
					if w["channel"] == "/lab/a" {
						numbers = append(numbers, int(w["data"].(map[string]any)["n"].(float64)))
					}
				}
			}
			for i, n := range numbers {
				require.Equal(t, 5+i, n)
			}
		})
	}
}
