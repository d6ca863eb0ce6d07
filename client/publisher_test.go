package client_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
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
	"github.com/turold/turold/transport"
)

// What another client writes into a message: any of the names with any of the
// values. OURS is the id of the last message that the session under test sent.
var (
	oddNames  = []string{"data", "successful", "error", "advice", "subscription", "id", "ext", "version", "minimumVersion", "connectionType", "supportedConnectionTypes", "clientId", "mine"}
	oddValues = []string{`1`, `true`, `false`, `null`, `""`, `"x"`, `{}`, `[]`, `[1,"x",{}]`, `1e999`, `-1e999`, `{"a":[1e999]}`, `"402::Unknown client"`, `"401::x"`,
		`{"reconnect":"none"}`, `{"reconnect":"handshake","interval":0}`, `{"interval":600000,"timeout":1}`, `{"websocket":{"reconnect":"none"}}`,
		`"probe"`, `"17"`, `17`, `"OURS"`, `"/a"`, `["/a","/own"]`, `{"ack":9}`, `{"ack":true}`, `["long-polling"]`, `"\ud800"`}
	oddChannels = []string{"/a", "/own", "/a", "/nobody", "/deny/x", "/service/x"}
)

// The ways on which a session is met: what is known of them beforehand decides by
// which moves Auto begins and goes on.
const (
	unknownWay = iota // probe, adoption, upgraded
	goodWay           // sockets are known good: the session is on one from its handshake on
	shortLived        // sockets are left for their age: parting, and the probe of the next, again and again
	ways
)

// longestScript keeps one execution short, in bytes.
const longestScript = 400

// shortLife is the age at which sockets are cut on such a way.
const shortLife = 40 * time.Second

// A publishing is a session under test, another client's publishes to it, and
// what the server knows of both.
type publishing struct {
	*stack
	memory *fallback.Memory
	faye   bool

	mu       sync.Mutex
	lastID   string         // of a message of ours
	arrived  map[string]int // our publishes, by their data, as often as the server took them
	receipts []receipt      // of ours, by number
	good     int            // events of the server's own on /a
	odd      int            // of another client's, on /a and with data
	cuts     int
}

// A receipt is one of our publishes.
type receipt struct {
	*client.Receipt
	channel bayeux.Channel
}

// data is that of our publish of a number, as JSON.
func data(n int) string { return fmt.Sprintf(`"own %d"`, n) }

// FuzzAnotherPublisher has another client publish anything that a server
// relays, in any number and at any moment, to a session in each mode, and to Auto in
// each of its phases. No receipt of ours lies, no event of others is lost, doubled or
// passed over untold, and nothing is held against a transport or counted for one.
func FuzzAnotherPublisher(f *testing.F) {
	for mode := range len(modes) {
		for server := range 3 {
			for way := range ways {
				head := []byte{byte(mode), byte(server), byte(way)}
				var calm, burst, late []byte
				for n := range 28 {
					calm = append(calm, 2, 0, byte(n%13), byte(n), byte(n%5), byte(n+7), 1, 3, byte(n), 4, 20)
					burst = append(burst, 2, 0, byte(n), 6, byte(n), 1, byte(n), 3)
					late = append(late, 5, 25, 0, 1, byte(n), 3, 0, 5, 19, byte(n), 2, 2)
				}
				f.Add(append(slices.Clone(head), calm...))
				f.Add(append(slices.Clone(head), burst...))
				f.Add(append(slices.Clone(head), append(late, 7, 4, 250, 3, 2)...))
			}
		}
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) < 4 {
			return
		}
		synctest.Test(t, func(t *testing.T) { publish(t, script[:min(len(script), longestScript)]) })
	})
}

func publish(t *testing.T, script []byte) {
	mode := modes[int(script[0])%len(modes)]
	so := &bayeuxtest.Options{}
	p := &publishing{stack: &stack{T: t, net: memnet.New()}, memory: new(fallback.Memory), arrived: map[string]int{}}
	switch script[1] % 3 {
	case 1:
		so.NoAck = true
	case 2:
		so.Profile, p.faye = bayeuxtest.Faye, true
	}
	so.Take, so.Authorize = p.take, p.authorize
	p.net.SetLatency(latency)
	p.serve(so)
	p.dialer = &client.Dialer{Policy: fallback.Policy{Mode: mode, Memory: p.memory}, DialContext: p.net.DialContext, Proxy: http.ProxyURL(nil)}
	defer p.close()
	way := int(script[2]) % ways
	if mode == fallback.Auto && way != unknownWay {
		p.acquaint(way == shortLived)
	}
	p.begin()
	sub, err := p.c.Subscribe(t.Context(), "/a", nil)
	require.NoError(t, err)
	own, err := p.c.Subscribe(t.Context(), "/own", nil)
	require.NoError(t, err)

	for script = script[3:]; len(script) > 0; {
		script = p.act(script[0]%8, script[1:])
	}
	time.Sleep(5 * time.Second)
	p.publish()
	if p.cuts > 0 && !p.c.Status().Ack { // the last may be lost with a connection that nobody knows to be dead
		time.Sleep(time.Minute)
		p.publish()
	}
	time.Sleep(5 * time.Second)
	p.judgeReceipts()
	p.judge(sub, own)

	if p.cuts == 0 {
		require.Equal(t, 1, p.c.Status().Session)
		want := transport.WebSocket
		if mode == fallback.LongPollingOnly {
			want = transport.LongPolling
		}
		for start := time.Now(); p.c.Status().Transport != want; time.Sleep(100 * time.Millisecond) {
			require.Less(t, time.Since(start), time.Minute, "on no %s again", want)
		}
		p.judgeMemory()
	}
}

// acquaint has a session before this one find out that sockets are good, and
// perhaps that they are cut at a certain age.
func (p *publishing) acquaint(short bool) {
	p.begin()
	time.Sleep(5 * time.Second)
	require.Equal(p, transport.WebSocket, p.c.Status().Transport)
	require.NoError(p, p.c.Close())
	if !short {
		return
	}
	var known map[string]map[string]any
	b, err := p.memory.MarshalJSON()
	require.NoError(p, err)
	require.NoError(p, json.Unmarshal(b, &known))
	for _, way := range known {
		way["webSocket"] = map[string]any{"age": shortLife, "died": time.Now(), "life": shortLife}
	}
	b, err = json.Marshal(known)
	require.NoError(p, err)
	require.NoError(p, p.memory.UnmarshalJSON(b))
}

func (p *publishing) begin() {
	var err error
	p.c, err = p.dialer.Dial(p.Context(), site, nil)
	require.NoError(p, err)
}

// judgeMemory: nothing is held against a transport.
func (p *publishing) judgeMemory() {
	b, err := p.memory.MarshalJSON()
	require.NoError(p, err)
	type pace struct{ Hold, Life time.Duration }
	var known map[string]struct {
		Bad, Why               string
		WebSocket, LongPolling pace
	}
	require.NoError(p, json.Unmarshal(b, &known))
	for key, k := range known {
		require.Empty(p, k.Bad+k.Why, key)
		require.Zero(p, k.WebSocket.Hold+k.LongPolling.Hold+k.LongPolling.Life, key)
		require.Contains(p, []time.Duration{0, shortLife}, k.WebSocket.Life, key)
	}
}

// take is the server's: it notes our ids.
func (p *publishing) take(ms []bayeux.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range ms {
		p.lastID = m.ID
	}
}

// authorize is the server's: it notes our publishes, and refuses some.
func (p *publishing) authorize(_ *http.Request, m bayeux.Message) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.Channel == "/own" || m.Channel == "/deny/own" {
		p.arrived[string(m.Data)]++
	}
	if strings.HasPrefix(string(m.Channel), "/deny/") {
		return "403::denied"
	}
	return ""
}

// publish has the server publish the next good event.
func (p *publishing) publish() {
	require.NoError(p, p.server.Publish("/a", "good "+strconv.Itoa(p.good)))
	p.good++
}

// act does one thing, and returns what is left of the script.
func (p *publishing) act(what byte, script []byte) []byte {
	next := func() byte {
		if len(script) == 0 {
			return 0
		}
		b := script[0]
		script = script[1:]
		return b
	}
	switch what {
	case 0, 1:
		members := 1 + int(next())%3
		channel := "/a"
		if what == 1 {
			channel = oddChannels[int(next())%len(oddChannels)]
		}
		var pairs []byte
		for range members {
			pairs = append(pairs, next(), next())
		}
		p.say(channel, pairs)
	case 2:
		p.publish()
	case 3:
		p.send("/own")
	case 4:
		time.Sleep(time.Duration(next()) * time.Millisecond)
	case 5:
		time.Sleep(time.Duration(next()) * 40 * time.Millisecond)
	case 6:
		for n := range 40 {
			p.say("/a", []byte{0, byte(n), next(), byte(n)})
		}
	case 7:
		if next()%2 == 0 {
			p.send("/deny/own")
		} else if p.cuts < 2 && p.c.Status().State == client.StateConnected {
			p.cuts++
			p.server.CutAll()
		}
	}
	return script
}

// say has another client publish a message of members by their numbers.
func (p *publishing) say(channel string, pairs []byte) {
	members := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		members[oddNames[int(pairs[i])%len(oddNames)]] = oddValues[int(pairs[i+1])%len(oddValues)]
	}
	p.mu.Lock()
	id := p.lastID
	p.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, `{"channel":%q`, channel)
	for _, name := range oddNames {
		if v, ok := members[name]; ok {
			fmt.Fprintf(&b, `,%q:%s`, name, strings.ReplaceAll(v, "OURS", id))
		}
	}
	b.WriteByte('}')
	if err := p.server.PublishRaw(b.String()); err == nil && channel == "/a" && members["data"] != "" {
		p.odd++
	}
}

// send publishes one of ours.
func (p *publishing) send(channel bayeux.Channel) {
	r, err := p.c.Send(p.Context(), client.Draft{Channel: channel, Data: json.RawMessage(data(len(p.receipts)))})
	require.NoError(p, err)
	p.receipts = append(p.receipts, receipt{r, channel})
}
