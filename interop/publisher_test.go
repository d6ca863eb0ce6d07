package interop_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/interop/servers"
	"github.com/turold/turold/transport"
)

// A rawSession is a session by plain POSTs, which says what no Bayeux client
// would, and reads what no JSON parser would.
type rawSession struct {
	*testing.T
	url  string
	http http.Client
	id   string // clientId
}

func newRaw(t *testing.T, url string) *rawSession {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	r := &rawSession{T: t, url: url, http: http.Client{Jar: jar, Timeout: time.Minute, Transport: new(http.Transport)}}
	t.Cleanup(r.http.CloseIdleConnections)
	var replies []struct{ ClientID string }
	answer := r.post(`{"channel":"/meta/handshake","id":"1","version":"1.0","supportedConnectionTypes":["long-polling"]}`)
	require.NoError(t, json.Unmarshal([]byte(answer), &replies), answer)
	r.id = replies[0].ClientID
	require.NotEmpty(t, r.id, answer)
	return r
}

// post sends one message as it is, but for CID, which is the clientId.
func (r *rawSession) post(message string) string {
	body := "[" + strings.ReplaceAll(message, "CID", r.id) + "]"
	resp, err := r.http.Post(r.url, "application/json;charset=UTF-8", strings.NewReader(body))
	require.NoError(r, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(r, err)
	return string(answer)
}

// connect is the answer to a connect that is held so long at most.
func (r *rawSession) connect(hold time.Duration) string {
	return r.post(fmt.Sprintf(`{"channel":"/meta/connect","id":"c","clientId":"CID","connectionType":"long-polling","advice":{"timeout":%d}}`, hold.Milliseconds()))
}

func (r *rawSession) subscribe(channel string) {
	require.Contains(r, r.post(fmt.Sprintf(`{"channel":"/meta/subscribe","id":"s","clientId":"CID","subscription":%q}`, channel)), `"successful":true`)
}

// hostile is what another client writes into a message, beside its channel and
// clientId: N stands for data that tells which one it is.
var hostile = []string{
	`"data":N,"subscription":5`,
	`"data":N,"subscription":{"a":[]}`,
	`"data":N,"version":{},"minimumVersion":[]`,
	`"data":N,"connectionType":5,"supportedConnectionTypes":"x"`,
	`"data":N,"successful":true`,
	`"data":N,"successful":true,"error":""`,
	`"data":N,"successful":"yes"`,
	`"data":N,"successful":{},"id":7`,
	`"data":N,"successful":false,"id":"17"`,
	`"data":N,"successful":false,"error":"402::Unknown client","advice":{"reconnect":"handshake"}`,
	`"data":N,"successful":false,"error":"401::x","advice":{"reconnect":"none"},"id":"3"`,
	`"data":N,"advice":{"reconnect":"none","interval":100000,"timeout":1}`,
	`"data":N,"advice":5`,
	`"data":N,"id":"probe"`,
	`"data":N,"id":"probe","successful":true`,
	`"data":N,"id":{}`,
	`"data":N,"ext":{"ack":5}`,
	`"data":N,"ext":7`,
	`"data":N,"error":5`,
	`"data":N,"mine":[1,{"a":null}],"channels":5,"__proto__":{}`,
	`"data":[N,1e999]`,
	`"data":[N,-1e999],"subscription":5`,
	`"data":[N,"\ud800","\u0000"]`,
	`"data":[N,01,1E400]`,
	`"data":N,"mine":1e999`,
	`"data":N,"id":1e999`,
	`"data":[N,123456789012345678901234567890]`,
	`"id":"17"`,
	`"id":"17","successful":true`,
	`"id":"17","successful":false,"error":"402::Unknown client","advice":{"reconnect":"none"}`,
	`"successful":null,"advice":{"reconnect":"handshake"}`,
	`"subscription":5`,
	`"data":N,"id":"OURS","successful":false`,
	`"data":N,"id":"OURS","successful":true`,
	`"id":"OURS","successful":false`,
}

// TestAnotherPublisher has another session publish all that, between good
// events, while the session under test publishes too. Each good event arrives
// once and in order; what is odd costs at most itself, and that is told; what
// became of our own publishes is what a third session saw; and nothing of it
// is held against a transport.
func TestAnotherPublisher(t *testing.T) {
	for _, kind := range []*servers.Kind{servers.CometD, servers.CometD3, servers.Faye} {
		t.Run(kind.Name, func(t *testing.T) {
			s := start(t, kind)
			for _, mode := range modes {
				for _, noAck := range []bool{false, true} {
					if noAck && !kind.Ack {
						continue
					}
					t.Run(mode.String()+", without ack "+strconv.FormatBool(noAck), func(t *testing.T) {
						new(scenario).play(t, s, mode, noAck)
					})
				}
			}
		})
	}
}

// A scenario is one session among others.
type scenario struct {
	c        *client.Client
	observer *rawSession
	seen     string // all that the observer was sent
	got      []string
	gaps     int
}

func (p *scenario) play(t *testing.T, s *servers.Server, mode fallback.Mode, noAck bool) {
	channel := bayeux.Channel("/peer/" + regexp.MustCompile(`\W`).ReplaceAllString(t.Name(), ""))
	memory := new(fallback.Memory)
	d := &client.Dialer{Policy: fallback.Policy{Mode: mode, Memory: memory}, Logger: logger(t)}
	t.Cleanup(func() { _ = d.Close() })
	var err error
	p.c, err = d.Dial(t.Context(), s.URL(), &client.Options{NoAck: noAck})
	require.NoError(t, err)
	require.NoError(t, p.c.Ready(limit(t, time.Minute)))
	sub, err := p.c.Subscribe(limit(t, time.Minute), channel, nil)
	require.NoError(t, err)
	p.observer = newRaw(t, s.URL())
	p.observer.subscribe(string(channel))
	p.observe(0)

	other := newRaw(t, s.URL())
	say := func(members string) {
		other.post(fmt.Sprintf(`{"channel":%q,"clientId":"CID",%s}`, channel, members))
	}
	var receipts, denied []*client.Receipt
	send := func(ch bayeux.Channel, data string) *client.Receipt {
		r, err := p.c.Send(limit(t, time.Minute), client.Draft{Channel: ch, Data: json.RawMessage(data)})
		require.NoError(t, err)
		return r
	}
	for n, members := range hostile {
		say(fmt.Sprintf(`"id":"good","data":"good %d"`, n))
		receipts = append(receipts, send(channel, fmt.Sprintf(`"own %d"`, n)))
		denied = append(denied, send("/deny"+channel, "1"))
		if !strings.Contains(members, `"id"`) {
			members += `,"id":"p"`
		}
		members = strings.ReplaceAll(members, "OURS", p.ours())
		say(strings.ReplaceAll(members, "N", fmt.Sprintf(`"odd %d"`, n)))
		if n%5 == 0 {
			p.observe(0)
		}
	}
	say(fmt.Sprintf(`"id":"good","data":"good %d"`, len(hostile)))
	p.collect(t, sub, fmt.Sprintf(`"good %d"`, len(hostile)), len(receipts))

	for n, r := range receipts {
		require.NoError(t, r.Wait(limit(t, time.Minute)), "publish %d", n)
	}
	for _, r := range denied {
		var refused *bayeux.Error
		require.ErrorAs(t, r.Wait(limit(t, time.Minute)), &refused)
	}
	for start := time.Now(); !strings.Contains(p.seen, fmt.Sprintf(`"good %d"`, len(hostile))); {
		require.Less(t, time.Since(start), time.Minute)
		p.observe(time.Second)
	}
	p.compare(t, mode == fallback.WebSocketOnly || p.c.Status().Ack)

	want := transport.WebSocket
	if mode == fallback.LongPollingOnly {
		want = transport.LongPolling
	}
	require.Eventually(t, func() bool { return p.c.Status().Transport == want }, 30*time.Second, 10*time.Millisecond)
	require.Equal(t, 1, p.c.Status().Session)
	learnt, err := memory.MarshalJSON()
	require.NoError(t, err)
	require.NotContains(t, string(learnt), `"bad"`)
	require.NotContains(t, string(learnt), `"why"`)
}

// observe takes what the server has for the observer.
func (p *scenario) observe(hold time.Duration) { p.seen += p.observer.connect(hold) }

// ours is an id of the session under test, if the server has told another one
// any: Faye relays it.
func (p *scenario) ours() string {
	p.observe(0)
	found := regexp.MustCompile(`"id":"(\w+)","data":"own`).FindStringSubmatch(p.seen)
	if found == nil {
		return "17"
	}
	return found[1]
}

// collect takes events until the last good one and all of our own have come.
func (p *scenario) collect(t *testing.T, sub *client.Subscription, last string, own int) {
	for item, err := range sub.Messages(limit(t, time.Minute)) {
		require.NoError(t, err, "after %q", p.got)
		if gap := item.Gap(); gap != nil {
			p.gaps++
			p.got = append(p.got, "gap: "+string(gap.Reason))
		}
		if m, _ := item.Value(); m.Data != nil {
			p.got = append(p.got, string(m.Data))
		}
		if slices.Contains(p.got, last) && len(p.all("own")) >= own {
			return
		}
	}
}

// all are the numbers of the events of one kind, as they came.
func (p *scenario) all(kind string) (all []int) { return numbers(strings.Join(p.got, " "), kind) }

func numbers(text, kind string) (all []int) {
	for _, m := range regexp.MustCompile(`"`+kind+` (\d+)"`).FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1])
		all = append(all, n)
	}
	return all
}

// compare holds what the session got to what the observer saw. Without
// acknowledgement events of long-polling may overtake each other, for there
// are commands under way.
func (p *scenario) compare(t *testing.T, ordered bool) {
	for _, kind := range []string{"good", "own"} {
		want, got := numbers(p.seen, kind), p.all(kind)
		slices.Sort(want)
		if !ordered {
			slices.Sort(got)
		}
		require.Equal(t, want, got, "%s of %q", kind, p.got)
	}
	require.Len(t, p.all("good"), len(hostile)+1)
	require.Len(t, p.all("own"), len(hostile))
	odd := p.all("odd")
	for _, n := range numbers(p.seen, "odd") {
		if slices.Contains(odd, n) {
			continue
		}
		require.Positive(t, p.gaps, "%s vanished", hostile[n])
		if !ordered {
			continue
		}
		before := slices.Index(p.got, fmt.Sprintf(`"good %d"`, n))
		after := slices.Index(p.got, fmt.Sprintf(`"good %d"`, n+1))
		require.True(t, slices.ContainsFunc(p.got[before:after], func(s string) bool { return strings.HasPrefix(s, "gap: ") }), "%s vanished: %q", hostile[n], p.got)
	}
	require.LessOrEqual(t, p.gaps, len(hostile))
}
