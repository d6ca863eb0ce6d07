package main

import (
	"context"
	"fmt"
	"hash"
	"hash/fnv"
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
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

const (
	atHTTP    = "server:80"
	atSocket  = "socket:80"
	recovers  = 4 * time.Minute // at most, when everything works again
	trouble   = 2 * time.Minute // how long things break, about, at the slowest pace
	perSecond = 60              // messages the servers may see of a session, beside those that were published
)

// A world is one schedule: a server of two nodes at two addresses, one or two
// sessions, and what happens to them.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	log   *slog.Logger
	tally *tally
	begun time.Time
	pace  time.Duration // by which times are divided

	net     *memnet.Network
	options bayeuxtest.Options
	nodes   [2]atomic.Pointer[bayeuxtest.Server] // the second has no session, unless one is led there
	astray  atomic.Bool                          // sockets are led to the second
	still   atomic.Pointer[chan struct{}]        // the servers stand still until it is closed; nil: they do not
	woke    atomic.Int64                         // when they last did no more, in nanoseconds of Unix time
	odd     atomic.Int32                         // what becomes of replies, see rewrite
	parity  atomic.Int32                         // of those that are lost
	doors   [2]*door                             // HTTP's, and the sockets'

	mode   fallback.Mode
	socket string // where sockets go
	memory *fallback.Memory
	dialer *client.Dialer
	users  []*user
	ctx    context.Context
	end    context.CancelFunc
	wg     sync.WaitGroup

	overlap    bool           // two topics are a pattern and a channel that it matches
	delay      time.Duration  // the sessions' NetworkDelay
	changes    sync.WaitGroup // of what is subscribed
	seen       int            // messages, of servers that are gone
	notes      bool           // what happens is logged and summed up
	noted      sync.Mutex
	digest     hash.Hash64   // of what happened, and when
	lock       chan struct{} // of what follows; a mutex would hold virtual time still
	topics     map[bayeux.Channel]*topic
	arrived    map[string]int  // publishes, by their data
	asked      map[string]bool // the channels, by session, that were subscribed to
	subscribes int             // how many those are
}

// A topic is a channel on which numbers are published, one after the other; or a
// pattern, whose numbers are published on its channels in turn.
type topic struct {
	number    int
	channel   bayeux.Channel
	whole     *topic       // the pattern whose even numbers it has; nil: it has its own
	published atomic.Int64 // the next number
}

// next is the number that is published next, as its readers count.
func (t *topic) next() int64 {
	if t.whole != nil {
		return (t.whole.published.Load() + 1) / 2
	}
	return t.published.Load()
}

// counts returns the number of an event as the topic's readers count.
func (t *topic) counts(n int) (int, error) {
	switch {
	case t.whole == nil:
		return n, nil
	case n%2 != 0:
		return 0, fmt.Errorf("%d was published on another channel", n)
	}
	return n / 2, nil
}

// on is the channel that a number is published on.
func (t *topic) on(n int) bayeux.Channel {
	switch {
	case !t.channel.Wild():
		return t.channel
	case n%2 == 0:
		return patternEven
	}
	return patternOdd
}

// The pattern of some worlds, and its channels.
const (
	pattern     bayeux.Channel = "/p/*"
	patternEven bayeux.Channel = "/p/a"
	patternOdd  bayeux.Channel = "/p/b"
)

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
		arrived: map[string]int{}, asked: map[string]bool{}, topics: map[bayeux.Channel]*topic{}, lock: make(chan struct{}, 1), digest: fnv.New64a()}
	for range seed % 10_007 { // where chance is the bubble's own it begins alike in each
		rand.Uint64()
	}
	w.overlap = seed%7 == 6
	w.ctx, w.end = context.WithCancel(context.Background())
	w.pace = pick[time.Duration](w.rng, 1, 2, 4, 4, 8, 8)
	w.net.SetLatency(time.Duration(1+w.rng.IntN(80)) * time.Millisecond)
	w.options = bayeuxtest.Options{
		Profile:     pick(w.rng, bayeuxtest.CometD, bayeuxtest.CometD, bayeuxtest.CometD7, bayeuxtest.CometD5, bayeuxtest.Faye),
		Timeout:     pick(w.rng, 0, 5*time.Second, 30*time.Second),
		MaxInterval: pick(w.rng, 0, 5*time.Second, 30*time.Second),
		Authorize:   w.take,
		Take:        func([]bayeux.Message) { w.standStill() },
		Answer:      func([]bayeux.Message) bool { w.standStill(); return true },
		Rewrite:     w.rewrite,
	}
	w.delay = pick[time.Duration](w.rng, 0, 0, 4*time.Second, 1500*time.Millisecond)
	w.mode = pick(w.rng, fallback.Auto, fallback.Auto, fallback.Auto, fallback.Auto, fallback.WebSocketFirst, fallback.LongPollingOnly)
	w.socket = pick(w.rng, atHTTP, atSocket, atSocket) // at an address of their own they may break by themselves
	return w
}

// play is the schedule: sessions, trouble, and then peace, in which everything
// has to come right.
func (w *world) play() {
	w.serve()
	w.open()
	for _, u := range w.users {
		u.begin()
	}
	w.publishing()
	w.breaking()
	w.peace()
	for _, u := range w.users {
		u.settled()
		u.close()
	}
	w.sleep(2 * time.Second) // what left arrives
	for _, u := range w.users {
		u.judge()
	}
	if w.t.Failed() {
		w.t.Logf("mode %v, profile %v", w.mode, w.options.Profile)
	}
	w.dialer.Close()
	w.end()
	w.stop()
	w.wg.Wait()
	w.load()
}

// take counts the publishes that the server takes. It grants everything; where topics
// overlap it thinks about some subscribes for a while, as one that asks a database.
func (w *world) take(_ *http.Request, m bayeux.Message) string {
	if w.overlap && m.Channel == bayeux.MetaSubscribe && w.thinks(m) {
		w.sleep(500 * time.Millisecond)
	}
	defer w.locked()()
	if m.Channel == "/up" {
		w.arrived[string(m.Data)]++
	}
	return ""
}

// thinks reports whether the server thinks about a subscribe: about every third that is
// the first of its session for the channel. Behind an unsubscribe in one batch it would
// leave the channel out for that long, which no session can know before it has asked again.
func (w *world) thinks(m bayeux.Message) bool {
	defer w.locked()()
	key := m.Meta.ClientID + fmt.Sprint(m.Meta.Subscription)
	first := !w.asked[key]
	w.asked[key] = true
	if first {
		w.subscribes++
	}
	return first && w.subscribes%3 == 0
}

// locked locks, and returns what unlocks.
func (w *world) locked() func() {
	w.lock <- struct{}{}
	return func() { <-w.lock }
}

// serve begins to serve, with no session of before.
func (w *world) serve() {
	for n := range w.nodes {
		w.nodes[n].Store(bayeuxtest.New(&w.options))
	}
	w.doors = [2]*door{w.door(atHTTP), w.door(atSocket)}
}

func (w *world) door(addr string) *door {
	l, err := w.net.Listen(addr)
	w.must(err)
	h := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		node := 0
		if w.astray.Load() && r.Header.Get("Upgrade") != "" {
			node = 1
		}
		w.nodes[node].Load().ServeHTTP(rw, r)
	})
	d := &door{addr: addr, way: hostile.Listen(l, hostile.Fault{}), http: &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}}
	w.wg.Go(func() { _ = d.http.Serve(d.way) })
	return d
}

// stop ends the server and its sessions.
func (w *world) stop() {
	for _, d := range w.doors {
		_ = d.way.Listener.Close()
	}
	for n := range w.nodes {
		w.must(w.nodes[n].Load().Close())
		s := w.nodes[n].Load().Stats()
		w.seen += s.Requests + s.Handshakes + s.Connects + s.Subscribes
	}
	for _, d := range w.doors {
		_ = d.http.Close()
	}
}

// all are the topics there are.
func (w *world) all() []*topic {
	defer w.locked()()
	all := make([]*topic, 0, len(w.topics))
	for _, t := range w.topics {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *topic) int { return a.number - b.number })
	return all
}

// topic is the one of that number.
func (w *world) topic(n int) *topic {
	defer w.locked()()
	if w.overlap && n == 5 {
		return w.keep(&topic{number: n, channel: patternEven, whole: w.keep(&topic{number: 4, channel: pattern})})
	}
	if w.overlap && n == 4 {
		return w.keep(&topic{number: n, channel: pattern})
	}
	return w.keep(&topic{number: n, channel: bayeux.Channel("/c" + strconv.Itoa(n))})
}

// keep returns the topic of that channel, which is t if there is none yet.
func (w *world) keep(t *topic) *topic {
	if w.topics[t.channel] == nil {
		w.topics[t.channel] = t
	}
	return w.topics[t.channel]
}

// publishing has the server publish until the world ends. A few worlds are fast.
func (w *world) publishing() {
	pause, burst := 400*time.Millisecond<<w.rng.IntN(4), 1+w.rng.IntN(3)
	if w.rng.IntN(100) == 0 {
		pause = 10 * time.Millisecond
	}
	other := &other{rng: rand.New(rand.NewPCG(w.rng.Uint64(), 0)), loud: w.rng.IntN(3) == 0}
	w.wg.Go(func() {
		for w.sleep(pause) {
			for _, t := range w.all() {
				if t.whole != nil { // what it has is published for the pattern
					continue
				}
				for range burst {
					n := int(t.published.Add(1) - 1)
					ch := t.on(n)
					text := other.writes(ch, n)
					for node := range w.nodes { // which may be gone: it is lost then
						s := w.nodes[node].Load()
						if text == "" || s.PublishRaw(text) != nil {
							_ = s.Publish(ch, n)
						}
					}
				}
			}
		}
	})
}

// load looks for a tight loop.
func (w *world) load() {
	most := int(time.Since(w.begun).Seconds()) * perSecond
	for _, t := range w.all() {
		most += 4 * int(t.published.Load())
	}
	for _, u := range w.users {
		most += 4 * len(u.sent)
	}
	if most *= len(w.users); w.seen > most {
		w.t.Errorf("the server saw %d messages and requests in %v", w.seen, time.Since(w.begun))
	}
	w.tally.count("messages and requests", w.seen)
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Error(err)
		panic(err)
	}
}

// note takes down what happened, if anybody wants to know.
func (w *world) note(what string, about ...any) {
	if !w.notes {
		return
	}
	w.log.Info(what, "about", about)
	w.noted.Lock()
	defer w.noted.Unlock()
	_, _ = fmt.Fprintln(w.digest, time.Since(w.begun), what, about)
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
