package client_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// TestTraceTellsWhatPassesAndNoSecret: each batch both ways, each message with
// its reply, and neither the clientId nor the credential anywhere.
func TestTraceTellsWhatPassesAndNoSecret(t *testing.T) {
	const token = "very-secret"
	for _, profile := range []bayeuxtest.Profile{bayeuxtest.CometD, bayeuxtest.Faye} {
		for _, mode := range modes {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var wires []client.Wire
				exchanges := map[bayeux.Channel][]client.Exchange{}
				s := &stack{T: t, net: memnet.New()}
				s.net.SetLatency(latency)
				s.serve(&bayeuxtest.Options{Profile: profile})
				s.dialer = &client.Dialer{
					Policy: fallback.Policy{Mode: mode}, DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil),
					Trace: &client.Trace{
						Wire: func(_ *client.Client, w client.Wire) {
							mu.Lock()
							defer mu.Unlock()
							wires = append(wires, w)
						},
						Exchange: func(_ *client.Client, x client.Exchange) {
							mu.Lock()
							defer mu.Unlock()
							exchanges[x.Channel] = append(exchanges[x.Channel], x)
						},
					},
				}
				defer s.close()
				c, err := s.dialer.Dial(t.Context(), site, &client.Options{Ext: map[string]any{"auth": map[string]any{"token": token, "n": 1}}})
				require.NoError(t, err)
				sub, err := c.Subscribe(t.Context(), "/a", nil)
				require.NoError(t, err)
				require.NoError(t, c.Publish(t.Context(), "/a", map[string]int{"n": 7}))
				_, err = next(t, sub, time.Second)
				require.NoError(t, err)
				id := s.server.Sessions()[0].ID()
				s.server.Forget("") // Faye's refusal quotes the clientId
				_, _ = c.Subscribe(t.Context(), "/b", nil)
				time.Sleep(time.Minute)

				mu.Lock()
				defer mu.Unlock()
				all := ""
				for _, w := range wires {
					require.True(t, json.Valid(w.Batch), string(w.Batch))
					require.NotEmpty(t, w.Transport)
					direction := "<"
					if w.Out {
						direction = ">"
					}
					all += direction + string(w.Batch) + "\n"
				}
				require.NotContains(t, all, token)
				require.NotContains(t, all, id)
				for _, want := range []string{
					`>[{"channel":"/meta/handshake"`, `<[{"channel":"/meta/handshake"`, `"clientId":"***"`, `"auth":{"n":1,"token":"***"}`,
					`"channel":"/meta/connect"`, `"data":{"n":7}`,
				} {
					require.Contains(t, all, want)
				}
				published := exchanges["/a"][0]
				if mode != fallback.Auto { // which may have moved by then
					require.Equal(t, mode != fallback.LongPollingOnly, published.Transport == "websocket")
				}
				require.Contains(t, []time.Duration{2 * latency, 4 * latency}, published.Took, "one round trip, another to connect")
				require.NoError(t, published.Err)
				require.Greater(t, published.Sent, len(`{"n":7}`))
				require.Greater(t, published.Received, len(`"successful":true`))
				require.True(t, slices.ContainsFunc(exchanges[bayeux.MetaConnect], func(x client.Exchange) bool { return x.Took >= 20*time.Second }),
					"a connect lasts as long as it is held")
				require.True(t, strings.Contains(all, "Unknown client") == (profile == bayeuxtest.Faye))
			})
		}
	}
}

// TestTraceTellsOfExchangesThatCameToNothing.
func TestTraceTellsOfExchangesThatCameToNothing(t *testing.T) {
	var mu sync.Mutex
	var lost []client.Exchange
	trace := &client.Trace{Exchange: func(_ *client.Client, x client.Exchange) {
		mu.Lock()
		defer mu.Unlock()
		if x.Err != nil {
			lost = append(lost, x)
		}
	}}
	synctest.Test(t, func(t *testing.T) {
		s := &stack{T: t, net: memnet.New()}
		s.serve(nil)
		s.dialer = &client.Dialer{Policy: fallback.Policy{Mode: fallback.WebSocketOnly}, DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil), Trace: trace}
		defer s.close()
		c, err := s.dialer.Dial(t.Context(), site, nil)
		require.NoError(t, err)
		time.Sleep(time.Second)
		s.net.Reset(address)
		time.Sleep(time.Second)
		require.NoError(t, c.Ready(t.Context()))
	})
	require.Len(t, lost, 1)
	require.Equal(t, bayeux.MetaConnect, lost[0].Channel)
	require.Equal(t, 950*time.Millisecond, lost[0].Took, "it waited for a command to ride with")
	require.Zero(t, lost[0].Received)
}
