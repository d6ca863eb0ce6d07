package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// relayed is what other publishers may write beside data, and what servers relay.
var relayed = []string{
	`"successful":true`,
	`"successful":false`,
	`"successful":true,"error":"","clientId":"c1"`,
	`"successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake"}`,
	`"error":"401:x:Unknown client","ext":{"ack":1000000}`,
	`"advice":{"reconnect":"none","interval":3600000,"timeout":1}`,
	`"subscription":"/a","connectionType":"websocket","supportedConnectionTypes":["long-polling"],"version":"1.0"`,
}

// servers are those whose relaying is imitated; Faye takes what has an error for
// its own refusal.
var servers = map[string]*bayeuxtest.Options{"CometD": {}, "CometD without ack": {NoAck: true}, "Faye": {Profile: bayeuxtest.Faye}}

// TestEventIsAnEventWhateverItCarries: what another publisher sends is delivered,
// once and in its place, and does nothing else.
func TestEventIsAnEventWhateverItCarries(t *testing.T) {
	for name, so := range servers {
		t.Run(name, func(t *testing.T) {
			onStack(t, so, nil, func(s *stack) {
				sub, err := s.c.Subscribe(s.Context(), "/a", nil)
				require.NoError(s, err)
				faye := so.Profile == bayeuxtest.Faye
				var want []string
				for round := range 3 { // in each phase of the mode
					for i, more := range relayed {
						for _, id := range []string{"1", "2", "3", "probe", ""} {
							if faye && strings.Contains(more, `"error"`) {
								continue
							}
							data := fmt.Sprint(round*1000 + i*10 + len(id))
							require.NoError(s, s.server.PublishRaw(fmt.Sprintf(`{"channel":"/a","id":%q,%s,"data":%s}`, id, more, data)))
							want = append(want, data)
						}
					}
					time.Sleep(3 * time.Second)
				}
				for _, data := range want {
					got, err := next(s.T, sub, 5*time.Second)
					require.NoError(s, err)
					require.Equal(s, data, got)
				}
				if !faye { // it refuses what has no data
					for _, more := range relayed {
						require.NoError(s, s.server.PublishRaw(`{"channel":"/a",`+more+`}`))
					}
				}
				require.NoError(s, s.c.Publish(s.Context(), "/a", `"last"`))
				got, err := next(s.T, sub, 5*time.Second)
				require.NoError(s, err)
				require.Contains(s, got, "last", "what carries no data is no event")
				st := s.c.Status()
				require.Equal(s, 1, st.Session)
				if s.dialer.Policy.Mode != fallback.LongPollingOnly {
					require.Equal(s, transport.WebSocket, st.Transport)
				}
				if !faye {
					require.EqualValues(s, len(relayed), st.Stray)
				}
			})
		})
	}
}

// TestPublisherDecidesNothingForOthers: in each phase of the mode Auto, and for
// sessions that begin on a socket, what others publish proves and condemns no
// transport.
func TestPublisherDecidesNothingForOthers(t *testing.T) {
	for name, so := range servers {
		t.Run(name, func(t *testing.T) {
			for _, mode := range modes {
				t.Run(mode.String(), func(t *testing.T) {
					play := func(loud bool) (told []string, learnt string) {
						onMode(t, mode, so, func() *client.Options { return nil }, func(s *stack) {
							memory, mu := new(fallback.Memory), sync.Mutex{}
							s.dialer.Policy.Memory = memory
							trace := &client.Trace{Transport: func(_ *client.Client, d fallback.Decision) {
								mu.Lock()
								defer mu.Unlock()
								told = append(told, fmt.Sprintf("%s %s", d.To, d.Reason))
							}}
							d := &client.Dialer{Policy: s.dialer.Policy, DialContext: s.net.DialContext, Proxy: s.dialer.Proxy, Trace: trace}
							defer d.Close()
							for range 2 { // the second finds what the first has left
								c, err := d.Dial(s.Context(), site, nil)
								require.NoError(s, err)
								_, err = c.Subscribe(s.Context(), "/a", nil)
								require.NoError(s, err)
								for range 200 {
									if loud {
										for i, more := range relayed {
											_ = s.server.PublishRaw(fmt.Sprintf(`{"channel":"/a","id":%q,%s,"data":1}`, []string{"1", "probe"}[i%2], more))
										}
									}
									time.Sleep(15 * time.Millisecond)
								}
								require.Equal(s, 1, c.Status().Session)
								require.NoError(s, c.Close())
							}
							b, err := json.Marshal(memory)
							require.NoError(s, err)
							var paths map[string]struct{ Good, Bad time.Time }
							require.NoError(s, json.Unmarshal(b, &paths))
							for _, p := range paths {
								require.Zero(s, p.Bad)
								learnt += fmt.Sprint(!p.Good.IsZero())
							}
						})
						return told, learnt
					}
					told, learnt := play(false)
					loud, loudly := play(true)
					require.Equal(t, told, loud)
					require.Equal(t, learnt, loudly)
				})
			}
		})
	}
}

// TestRepliesWithoutIDs: a server that gives its replies no ids, or some of them
// none, is served as any other, one command at a time where need be.
func TestRepliesWithoutIDs(t *testing.T) {
	for _, profile := range []bayeuxtest.Profile{bayeuxtest.CometD, bayeuxtest.Lyrion} {
		for ids, name := range map[bayeuxtest.IDs]string{bayeuxtest.NoConnectIDs: "none on connects", bayeuxtest.NoMetaIDs: "none on meta channels", bayeuxtest.NoIDs: "none"} {
			dialect := profile.Dialect()
			dialect.IDs = ids
			var mu sync.Mutex
			most := 0
			so := &bayeuxtest.Options{Profile: profile, Dialect: &dialect, Rewrite: func(ms []bayeux.Message, body []byte) []byte {
				mu.Lock()
				defer mu.Unlock()
				n := 0
				for i := range ms {
					if !ms[i].IsEvent() && !ms[i].Channel.Meta() {
						n++
					}
				}
				most = max(most, n)
				return body
			}}
			for _, mode := range modes {
				if profile == bayeuxtest.Lyrion && mode != fallback.LongPollingOnly && mode != fallback.Auto {
					continue
				}
				t.Run(fmt.Sprintf("%v/%s/%v", profile, name, mode), func(t *testing.T) {
					most = 0
					onMode(t, mode, so, func() *client.Options { return nil }, func(s *stack) {
						s.server.Handle("/service/double", func(_ *bayeuxtest.Session, m bayeux.Message) (any, error) { return m.Data, nil })
						got := make(chan string, 100)
						var all sync.WaitGroup
						for i := range 3 {
							all.Go(func() {
								sub, err := s.c.Subscribe(s.Context(), bayeux.Channel(fmt.Sprint("/a/", i)), nil)
								if err != nil {
									got <- err.Error()
									return
								}
								go func() {
									for {
										m, err := client.Flat(sub.Next(s.Context()))
										if err != nil {
											return
										}
										got <- string(m.Data)
									}
								}()
							})
						}
						all.Wait()
						time.Sleep(3 * time.Second) // where the mode moves, it has
						start := time.Now()
						for n := range 30 {
							_, err := s.c.Send(s.Context(), client.Draft{Channel: bayeux.Channel(fmt.Sprint("/a/", n%3)), Data: n})
							require.NoError(s, err)
						}
						require.NoError(s, s.c.Flush(s.Context()))
						require.Less(s, time.Since(start), 10*time.Second)
						seen := map[string]bool{}
						for range 30 {
							seen[<-got] = true
						}
						require.Len(s, seen, 30)
						if profile == bayeuxtest.CometD {
							ctx, cancel := context.WithTimeout(s.Context(), 5*time.Second)
							defer cancel()
							m, err := s.c.Call(ctx, "double", 7)
							require.NoError(s, err)
							require.Equal(s, "7", string(m.Data))
						}
						st := s.c.Status()
						require.Equal(s, 1, st.Session)
						mu.Lock()
						defer mu.Unlock()
						if ids != bayeuxtest.NoConnectIDs {
							require.Equal(s, 1, most, "one command at a time")
						}
						if profile == bayeuxtest.CometD && s.auto() {
							require.Equal(s, transport.WebSocket, st.Transport)
						}
					})
				})
			}
		}
	}
}

// TestNamesAsTheServerHasThem: a slash at the end or a doubled one makes no other
// name, case does, and an event reaches each subscription once.
func TestNamesAsTheServerHasThem(t *testing.T) {
	onStack(t, nil, nil, func(s *stack) {
		subs := map[bayeux.Channel]*client.Subscription{}
		for _, ch := range []bayeux.Channel{"/a/b", "/a/*", "/**", "/A/b"} {
			sub, err := s.c.Subscribe(s.Context(), ch, nil)
			require.NoError(s, err)
			subs[ch] = sub
		}
		for _, ch := range []bayeux.Channel{"/a/b/", "/a//b", "//a/b//", "/a/b"} {
			for _, x := range s.server.Sessions() {
				x.Deliver(ch, string(ch))
			}
			for _, pattern := range []bayeux.Channel{"/a/b", "/a/*", "/**"} {
				got, err := next(s.T, subs[pattern], 5*time.Second)
				require.NoError(s, err)
				require.Equal(s, fmt.Sprintf("%q", ch), got, "%s", pattern)
			}
		}
		for ch, sub := range subs {
			_, err := next(s.T, sub, 5*time.Second)
			require.ErrorIs(s, err, context.DeadlineExceeded, "%s", ch)
		}
		_, err := s.c.Subscribe(s.Context(), "/a/", nil)
		require.Error(s, err, "one name is one way to write it")
	})
}

// TestID: the clientId is there for channels that contain it, and is told anew by
// the gap of a new session.
func TestID(t *testing.T) {
	onMode(t, fallback.LongPollingOnly, &bayeuxtest.Options{Profile: bayeuxtest.Lyrion}, func() *client.Options { return nil }, func(s *stack) {
		sub, err := s.c.Listen("/**", nil)
		require.NoError(s, err)
		first := s.c.ID()
		asks := func() {
			require.NoError(s, s.server.Publish("/"+bayeux.Channel(s.c.ID())+"/slim/x", 1))
			got, err := next(s.T, sub, time.Minute)
			require.NoError(s, err)
			require.Equal(s, "1", got)
		}
		time.Sleep(time.Second)
		asks()
		s.server.Forget("")
		_ = s.c.Publish(s.Context(), "/b", 1) // finds out
		_, err = next(s.T, sub, 3*time.Minute)
		var gap *client.GapError
		require.ErrorAs(s, err, &gap)
		require.Equal(s, client.GapNewSession, gap.Reason)
		require.NotEqual(s, first, s.c.ID())
		require.NotEmpty(s, s.c.ID())
		asks()
		require.NoError(s, s.c.Close())
		require.NotContains(s, fmt.Sprintf("%v %+v", s.c, s.c.Status()), first)
	})
}
