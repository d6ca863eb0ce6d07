package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport/longpoll"
	"github.com/turold/turold/transport/transporttest"
	"github.com/turold/turold/transport/websocket"
)

const (
	address = "server:80"
	latency = time.Millisecond      // one way
	pause   = 10 * time.Millisecond // between two rounds
	behind  = 50                    // events are published after the cut: the rest of the session shows nothing more
	patient = 5 * time.Minute       // with each step, when all is lost
	// keeps is how long the server keeps a session without a connect. CometD's 10 s
	// are less than a silence takes to be found out, and a publish that gets through
	// meanwhile ends the lease that the client asked for.
	keeps = time.Minute
)

var channels = [...]bayeux.Channel{"/one", "/two"}

// A session is what is played: a server, a client, and what they said.
type session struct {
	cut     cut
	net     *memnet.Network
	server  *bayeuxtest.Running
	dialer  *client.Dialer
	c       *client.Client
	readers sync.WaitGroup
	got     chan bool // an event was read; false: another than was to come

	mu      sync.Mutex     // guards what follows; held for moments
	arrived map[string]int // publishes at the server, by their data
	born    []time.Time    // when each event was published
	came    []time.Time    // when it arrived; zero: it did not
	sent    []*publish
	wrong   []string // promises that were broken
}

// A publish is one of the client's own.
type publish struct {
	data    string
	at      time.Time
	receipt *client.Receipt
	settled time.Time // zero: it is not
}

// play plays the session with a server, inside a bubble, and judges it.
func play(c cut, log *slog.Logger, o bayeuxtest.Options) outcome {
	s := &session{cut: c, net: memnet.New(), arrived: map[string]int{},
		born: make([]time.Time, c.pipe.events), came: make([]time.Time, c.pipe.events), got: make(chan bool, 2*c.pipe.events)}
	s.net.SetLatency(latency)
	if c.at >= 0 {
		s.net.CutAt(address, c.up, c.at, c.kind.cut)
	}
	l, err := s.net.Listen(address)
	if err != nil {
		s.breaks("listen: %v", err)
		return s.judge()
	}
	o.Authorize, o.MaxInterval = s.take, keeps
	s.server = bayeuxtest.Serve(l, "/cometd", bayeuxtest.New(&o), nil)
	p := fallback.Policy{Mode: c.pipe.mode}
	s.dialer = &client.Dialer{
		DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil), Logger: log,
		Open: transporttest.Check(fallback.New(p, transporttest.Check(websocket.Open), transporttest.Check(longpoll.Open), nil)),
	}
	if s.begin() {
		s.events()
		s.end()
	}
	s.close()
	return s.judge()
}

// take counts the publishes that the server takes. It grants everything.
func (s *session) take(_ *http.Request, m bayeux.Message) string {
	if m.Channel == "/up" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.arrived[string(m.Data)]++
	}
	return ""
}

// breaks tells of a promise that was broken.
func (s *session) breaks(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// begin makes the session.
func (s *session) begin() bool {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	var err error
	if s.c, err = s.dialer.Dial(ctx, "http://"+address+"/cometd", &client.Options{KeepDialing: true}); err != nil {
		s.breaks("dial: %v", err)
	}
	return err == nil
}

// events subscribes, has the server and the client publish, and waits until all
// is there that is to come.
func (s *session) events() {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	for i, ch := range channels {
		sub, err := s.c.Subscribe(ctx, ch, nil)
		if err != nil {
			s.breaks("subscribe %s: %v", ch, err)
			return
		}
		s.readers.Go(func() { s.read(sub, i) })
	}
	for n := s.rounds(ctx); n > 0; n-- {
		select {
		case good := <-s.got:
			if !good {
				return
			}
		case <-ctx.Done():
			s.breaks("%d events are missing", n)
			return
		}
	}
	for _, p := range s.sent {
		_ = p.receipt.Wait(ctx)
	}
	if n := s.c.Status().Session; n != 1 {
		s.breaks("there were %d sessions", n)
	}
}

// rounds publishes, in bursts, and returns how many events.
func (s *session) rounds(ctx context.Context) int {
	n, most, cut := 0, s.cut.pipe.events, false
	for round := 0; n < most; round++ {
		if round%4 == 0 {
			s.publish(ctx)
		}
		for range min(1+round%9, most-n) {
			s.event(n)
			n++
		}
		time.Sleep(pause)
		if !cut && !s.net.CutTime(address, s.cut.up).IsZero() {
			cut, most = true, min(n+behind, most)
		}
	}
	return n
}

// filler makes bytes cheap: what costs time is messages.
var filler = strings.Repeat("abcdefghij", 24)

// event has the server publish one.
func (s *session) event(n int) {
	s.mu.Lock()
	s.born[n] = time.Now()
	s.mu.Unlock()
	_ = s.server.Publish(channels[n%len(channels)], fmt.Sprintf("%04d%s", n, filler[:s.cut.pipe.fill])) // it is JSON
}

// publish has the client publish one.
func (s *session) publish(ctx context.Context) {
	n := 1000 + len(s.sent)
	p := &publish{data: strconv.Itoa(n), at: time.Now()}
	var err error
	if p.receipt, err = s.c.Send(ctx, client.Draft{Channel: "/up", Data: n}); err != nil {
		s.breaks("send %s: %v", p.data, err)
		return
	}
	s.sent = append(s.sent, p)
	s.readers.Go(func() {
		<-p.receipt.Done()
		p.settled = time.Now()
	})
}

// read reads the events of one channel until the session ends: each, once, in
// their order, no gap, and nothing behind them.
func (s *session) read(sub *client.Subscription, n int) {
	for ; ; n += len(channels) {
		item, err := sub.Next(context.Background())
		if errors.Is(err, client.ErrClosed) {
			return
		}
		m, ok := item.Value()
		if !ok || string(m.Data[1:5]) != fmt.Sprintf("%04d", n) {
			s.breaks("in the place of event %d: %.5s, %v", n, m.Data, cmp.Or(err, item.Problem()))
			s.got <- false
			return
		}
		s.mu.Lock()
		s.came[n] = time.Now()
		s.mu.Unlock()
		s.got <- true
	}
}

// end says goodbye. A cut may have hit it, or what it goes by: then it says so, in
// time.
func (s *session) end() {
	start := time.Now()
	err := s.c.Disconnect(context.Background())
	if err != nil && s.net.CutTime(address, s.cut.up).IsZero() {
		s.breaks("disconnect: %v", err)
	}
	if took := time.Since(start); took > 11*time.Second { // NetworkDelay, and Close
		s.breaks("Disconnect took %v", took)
	}
}

// close ends everything.
func (s *session) close() {
	start := time.Now()
	s.dialer.Close()
	if took := time.Since(start); took > 100*time.Millisecond {
		s.breaks("Close took %v", took)
	}
	s.readers.Wait()
	if err := s.server.Close(); err != nil {
		s.breaks("the server's Close: %v", err)
	}
}
