package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/hostile"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/internal/memnet"
	"github.com/turold/turold/transport/longpoll"
	"github.com/turold/turold/transport/transporttest"
	"github.com/turold/turold/transport/websocket"
)

const (
	atHTTP    = "server:80"
	atSocket  = "socket:80"
	recovers  = 4 * time.Minute // at most, when everything works again
	trouble   = 2 * time.Minute // how long things break, about
	perSecond = 60              // messages the server may see, beside those that were published
)

// A world is one schedule: a server at two addresses, a session, and what
// happens to them.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	log   *slog.Logger
	tally *tally
	begun time.Time

	net     *memnet.Network
	options bayeuxtest.Options
	server  atomic.Pointer[bayeuxtest.Server]
	doors   [2]*door // HTTP's, and the sockets'

	dialer *client.Dialer
	c      *client.Client
	noAck  bool
	mode   fallback.Mode
	ctx    context.Context
	end    context.CancelFunc
	wg     sync.WaitGroup

	seen    int           // messages, of servers that are gone
	lock    chan struct{} // of what follows; a mutex would hold virtual time still
	readers []*reader
	sent    []*publish
	arrived map[string]int // publishes, by their data
}

// A door is an address of the server.
type door struct {
	addr string
	way  *hostile.Listener
	http *http.Server
}

// pick chooses one.
func pick[T any](rng *rand.Rand, all ...T) T { return all[rng.IntN(len(all))] }

func newWorld(t *testing.T, seed uint64, log *slog.Logger, tally *tally) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 0)), log: log, tally: tally, net: memnet.New(), begun: time.Now(),
		arrived: map[string]int{}, lock: make(chan struct{}, 1)}
	w.ctx, w.end = context.WithCancel(context.Background())
	w.net.SetLatency(time.Duration(1+w.rng.IntN(80)) * time.Millisecond)
	w.options = bayeuxtest.Options{
		Profile:     pick(w.rng, bayeuxtest.CometD, bayeuxtest.CometD, bayeuxtest.CometD7, bayeuxtest.CometD5, bayeuxtest.Faye),
		Timeout:     pick(w.rng, 0, 5*time.Second, 30*time.Second),
		MaxInterval: pick(w.rng, 0, 5*time.Second, 30*time.Second),
		Authorize:   w.take,
	}
	w.noAck = w.rng.IntN(3) == 0
	return w
}

// take counts the publishes that the server takes. It grants everything.
func (w *world) take(_ *http.Request, m bayeux.Message) string {
	w.lock <- struct{}{}
	defer func() { <-w.lock }()
	if m.Channel == "/up" {
		w.arrived[string(m.Data)]++
	}
	return ""
}

// serve begins to serve, with no session of before.
func (w *world) serve() {
	w.server.Store(bayeuxtest.New(&w.options))
	w.doors = [2]*door{w.open(atHTTP), w.open(atSocket)}
}

func (w *world) open(addr string) *door {
	l, err := w.net.Listen(addr)
	w.must(err)
	d := &door{addr: addr, way: hostile.Listen(l, hostile.Fault{}), http: &http.Server{Handler: w.server.Load(), ReadHeaderTimeout: time.Minute}}
	w.wg.Go(func() { _ = d.http.Serve(d.way) })
	return d
}

// stop ends the server and its sessions.
func (w *world) stop() {
	for _, d := range w.doors {
		_ = d.way.Listener.Close()
	}
	w.must(w.server.Load().Close())
	for _, d := range w.doors {
		_ = d.http.Close()
	}
	s := w.server.Load().Stats()
	w.seen += s.Requests + s.Handshakes + s.Connects + s.Subscribes
}

// dial begins the session.
func (w *world) dial() {
	w.mode = pick(w.rng, fallback.Auto, fallback.Auto, fallback.Auto, fallback.Auto, fallback.WebSocketFirst, fallback.LongPollingOnly)
	o := &client.Options{NoAck: w.noAck, KeepDialing: true}
	socket := atHTTP
	if w.rng.IntN(3) > 0 { // sockets may break by themselves
		socket = atSocket
		o.WebSocketURL = "ws://" + socket + "/cometd"
	}
	p := fallback.Policy{Mode: w.mode, Memory: w.memory("ws://" + socket + "/cometd http://" + atHTTP), Decided: func(d fallback.Decision) {
		w.tally.count("decision: "+d.From+">"+d.To+" "+d.Reason, 1)
	}}
	w.dialer = &client.Dialer{
		DialContext: w.net.DialContext, Proxy: http.ProxyURL(nil), Logger: w.log, Policy: p,
		Open: transporttest.Check(fallback.New(p, transporttest.Check(websocket.Open), transporttest.Check(longpoll.Open))),
		Trace: &client.Trace{
			Gap: func(_ *client.Client, g *client.GapError) { w.tally.count("gap: "+string(g.Reason), 1) },
			State: func(_ *client.Client, from, to client.State, cause error) {
				if to == client.Waiting {
					w.tally.count("pause", 1)
				}
			},
		},
	}
	var err error
	w.c, err = w.dialer.Dial(w.ctx, "http://"+atHTTP+"/cometd", o)
	w.must(err)
}

// memory is what was known of the way before: in one of three worlds that sockets
// work, in another that they are cut at an age as well.
func (w *world) memory(way string) *fallback.Memory {
	m := new(fallback.Memory)
	known := map[string]any{}
	switch w.rng.IntN(3) {
	case 0:
		return m
	case 1:
		known["webSocket"] = map[string]any{"life": time.Duration(1+w.rng.IntN(30)) * time.Second, "died": time.Now()}
	}
	known["good"] = time.Now()
	text, err := json.Marshal(map[string]any{way: known})
	w.must(err)
	w.must(json.Unmarshal(text, m))
	return m
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Error(err)
		panic(err)
	}
}

// play is the schedule: a session, trouble, and then peace, in which everything
// has to come right.
func (w *world) play() {
	w.serve()
	w.dial()
	for n := range 1 + w.rng.IntN(3) {
		w.read(bayeux.Channel("/c" + strconv.Itoa(n)))
	}
	w.publishing()
	w.breaking()
	w.peace()
	w.judge()

	if w.t.Failed() {
		w.t.Logf("mode %v, without ack %v, profile %v", w.mode, w.noAck, w.options.Profile)
	}
	start := time.Now()
	w.must(w.c.Close())
	w.dialer.Close()
	if took := time.Since(start); took > 100*time.Millisecond {
		w.t.Errorf("Close took %v", took)
	}
	w.end()
	w.stop()
	w.wg.Wait()
	w.load()
}

// all are the readers there are.
func (w *world) all() []*reader {
	w.lock <- struct{}{}
	defer func() { <-w.lock }()
	return slices.Clone(w.readers)
}

// load looks for a tight loop.
func (w *world) load() {
	most := int(time.Since(w.begun).Seconds())*perSecond + 4*len(w.sent)
	for _, r := range w.all() {
		most += 4 * int(r.published.Load())
	}
	if w.seen > most {
		w.t.Errorf("the server saw %d messages and requests in %v", w.seen, time.Since(w.begun))
	}
	w.tally.count("messages and requests", w.seen)
}

// A publish is one of the client's own.
type publish struct {
	data string
	at   time.Time
	r    *client.Receipt
}

// publishing has the client and the server publish until the world ends.
func (w *world) publishing() {
	pause, burst := time.Duration(5+w.rng.IntN(700))*time.Millisecond, 1+w.rng.IntN(4)
	w.wg.Go(func() {
		for w.sleep(pause) {
			for _, r := range w.all() {
				for range burst {
					r.publish(w)
				}
			}
		}
	})
	own := time.Duration(20+w.rng.IntN(2000)) * time.Millisecond
	w.wg.Go(func() {
		for n := 0; w.sleep(own); n++ {
			data := strconv.Itoa(n)
			r, err := w.c.Send(w.ctx, client.Draft{Channel: "/up", Data: n})
			switch {
			case w.ctx.Err() != nil || errors.Is(err, client.ErrClosed):
				return
			case err != nil:
				w.t.Errorf("Send: %v", err)
				return
			}
			w.lock <- struct{}{}
			w.sent = append(w.sent, &publish{data, time.Now(), r})
			<-w.lock
		}
	})
}

// sleep reports whether the world goes on.
func (w *world) sleep(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-w.ctx.Done():
		return false
	}
}
