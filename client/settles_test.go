package client

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// TestOnlyAReplySettles says everything that another publisher can make of what is
// out, at the worst moment: while it is, by one who knows its id. Nothing of it
// settles anything; the true reply does.
func TestOnlyAReplySettles(t *testing.T) {
	for _, ack := range []string{"", acked} {
		for _, kind := range []string{"publish", "call"} {
			for name, leg := range map[string]func() transport.Leg{"socket": socket, "exchange": exchange} {
				t.Run(fmt.Sprintf("%s by %s%s", kind, name, ack), func(t *testing.T) {
					bubble(t, nil, ack, func(c *Client, p *pipe) {
						s := p.subscribe(c, "/a", nil, leg())
						done := make(chan error, 1)
						ctx := within(time.Minute)
						go func() {
							if kind == "publish" {
								done <- c.Publish(ctx, "/a", 1)
								return
							}
							_, err := c.Call(ctx, "/a", 1)
							done <- err
						}()
						require.True(t, p.woken(transport.LaneCommands))
						l := leg()
						id := idOf(t, p.draw(transport.LaneCommands, l), "/a")
						var body, want []string
						for _, more := range []string{
							`"successful":true`, `"successful":false`, `"error":"403::x"`, `"clientId":"c1"`,
							`"successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake"}`,
						} {
							for _, who := range []string{`"id":"1",`, ""} { // by anybody: CometD relays them without data too
								body = append(body, fmt.Sprintf(`{"channel":"/a",%s%s}`, who, more))
							}
							if kind == "publish" || !strings.Contains(more, "successful") { // by one who saw it
								want = append(want, fmt.Sprint(len(want)))
								body = append(body, fmt.Sprintf(`{"channel":"/a","id":%q,%s,"data":%s}`, id, more, want[len(want)-1]))
							}
						}
						stray := c.Status().Stray
						p.h.Receive(l.ID, decode(t, batch(body...)))
						if ack == "" || l.Once {
							require.Equal(t, want, pulled(s), "each is an event")
						}
						require.EqualValues(t, 10, c.Status().Stray-stray)
						select {
						case err := <-done:
							require.Failf(t, "settled", "%v", err)
						default:
						}
						data := ""
						if kind == "call" {
							data = `"data":7`
						}
						answer := []string{reply("/a", id)}
						if data != "" {
							answer = []string{reply("/a", id, data)}
						}
						p.say(l, batch(answer...))
						require.NoError(t, <-done)
						require.Equal(t, 1, c.Status().Session)
					})
				})
			}
		}
	}
}

// TestReplyWithoutSuccessful: servers from before Bayeux 1.0 answer a publish so.
func TestReplyWithoutSuccessful(t *testing.T) {
	for _, c := range []struct {
		more    string
		granted bool
	}{{``, true}, {`,"error":""`, true}, {`,"error":"403::no"`, false}} {
		bubble(t, nil, "", func(cl *Client, p *pipe) {
			s := p.subscribe(cl, "/a", nil, exchange())
			done := make(chan error, 1)
			go func() { done <- cl.Publish(within(time.Minute), "/a", 1) }()
			require.True(t, p.woken(transport.LaneCommands))
			l := exchange()
			id := idOf(t, p.draw(transport.LaneCommands, l), "/a")
			p.say(l, fmt.Sprintf(`[{"channel":"/a","id":%q%s}]`, id, c.more))
			if err := <-done; c.granted {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, bayeux.ErrForbidden)
			}
			require.Empty(t, pulled(s), "a reply is no event")
		})
	}
}

// TestIDsSayNothingOfTheNext: letters and digits only, and no two alike.
func TestIDsSayNothingOfTheNext(t *testing.T) {
	seen := map[string]bool{}
	var places [idLength]map[byte]bool
	for range 10_000 {
		id := newID()
		require.Regexp(t, `^[a-z][a-z0-9]{11}$`, id)
		require.False(t, seen[id])
		seen[id] = true
		for i := range id {
			if places[i] == nil {
				places[i] = map[byte]bool{}
			}
			places[i][id[i]] = true
		}
	}
	for i, letters := range places {
		require.Len(t, letters, map[bool]int{true: 16, false: 32}[i == 0])
	}
}

func decode(t *testing.T, body string) []bayeux.Message {
	t.Helper()
	ms, err := bayeux.Decode([]byte(body), bayeux.Limits{})
	require.NoError(t, err)
	return ms
}
