package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/turold/turold/client"
)

const (
	inChannel = "/bench/in"
	// window is how many publishes may be unanswered, for all sides alike: the
	// outbox's default.
	window = 1024
	// drained is how many messages the draining loop puts into a frame at most.
	drained = 64
)

// body is the data of a publish whose message is about 252 bytes long.
var body = json.RawMessage(`{"text":"` + strings.Repeat("x", 160) + `"}`)

// publish sends as fast as is taken, and sees every answer.
func publish(ctx context.Context, p params) (figures, error) {
	send, answered, err := p.publisher(ctx)
	if err != nil {
		return nil, err
	}
	for begun := time.Now(); time.Since(begun) < warmUp; {
		if err := send(); err != nil {
			return nil, err
		}
	}
	n := 0
	cpu, begun := processorTime(), time.Now()
	for until := begun.Add(seconds(p.Seconds)); time.Now().Before(until); {
		for range 16 {
			if err := send(); err != nil {
				return nil, err
			}
		}
		n += 16
	}
	if err := answered(); err != nil {
		return nil, err
	}
	took, spent := time.Since(begun), processorTime()-cpu
	return figures{"msgs/s": float64(n) / took.Seconds(), "ns/msg": float64(spent.Nanoseconds()) / float64(n)}, nil
}

// publisher returns what sends one message, and what waits for all the answers.
func (p params) publisher(ctx context.Context) (send, answered func() error, err error) {
	if !p.Turold {
		return p.rawPublisher(ctx)
	}
	s, err := p.begin(ctx, p.dialer(p.mode(), false), false)
	if err != nil {
		return nil, nil, err
	}
	d := client.Draft{Channel: inChannel, Data: body}
	return func() error { _, err := s.Send(ctx, d); return err }, func() error { return s.Flush(ctx) }, nil
}

// A rawSender matches answers to what it sent, as Turold does.
type rawSender struct {
	*rawSocket
	seq    int
	queue  chan word     // of the draining loop
	room   chan struct{} // as many tokens as are unanswered
	mu     sync.Mutex
	out    map[string]struct{}
	failed error
}

func (p params) rawPublisher(ctx context.Context) (send, answered func() error, err error) {
	k, err := dialRaw(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	if err := k.begin(); err != nil {
		return nil, nil, err
	}
	s := &rawSender{rawSocket: k, queue: make(chan word, window), room: make(chan struct{}, window), out: map[string]struct{}{}}
	go s.read()
	one := s.each
	if p.Way == "drain" {
		one = s.enqueue
		go s.drain()
	}
	send = func() error {
		s.room <- struct{}{}
		s.seq++
		return one(word{id: strconv.Itoa(s.seq), data: body})
	}
	return send, s.wait, nil
}

// wait has every token back.
func (s *rawSender) wait() error {
	for range window {
		s.room <- struct{}{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.out) > 0 {
		return errors.New("not all was answered")
	}
	return s.failed
}

func (s *rawSender) append(b []byte, m word) []byte {
	s.mu.Lock()
	s.out[m.id] = struct{}{}
	s.mu.Unlock()
	return fmt.Appendf(b, `{"channel":%q,"id":%q,"clientId":%q,"data":%s},`, inChannel, m.id, s.id, m.data)
}

func (s *rawSender) frame(b []byte) error {
	b[len(b)-1] = ']'
	return s.WriteMessage(websocket.TextMessage, b)
}

// each writes a frame a message.
func (s *rawSender) each(m word) error { return s.frame(s.append([]byte{'['}, m)) }

func (s *rawSender) enqueue(m word) error {
	s.queue <- m
	return nil
}

// drain writes what is queued, as one frame.
func (s *rawSender) drain() {
	for m := range s.queue {
		b := s.append([]byte{'['}, m)
		for n := 1; n < drained && len(s.queue) > 0; n++ {
			b = s.append(b, <-s.queue)
		}
		if s.frame(b) != nil {
			return // the reader finds out why
		}
	}
}

// read matches the answers.
func (s *rawSender) read() {
	var words []word
	for {
		var err error
		words, err = s.next(words[:0])
		s.mu.Lock()
		if err != nil {
			s.failed = err
		}
		for _, m := range words {
			if _, ok := s.out[m.id]; ok {
				delete(s.out, m.id)
				<-s.room
			}
		}
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// answer publishes one at a time and waits for each answer.
func answer(ctx context.Context, p params) (figures, error) {
	one, err := p.asker(ctx)
	if err != nil {
		return nil, err
	}
	var all []time.Duration
	for begun := time.Now(); time.Since(begun) < seconds(p.Seconds); {
		at := time.Now()
		if err := one(); err != nil {
			return nil, err
		}
		all = append(all, time.Since(at))
	}
	return times(all[len(all)/10:]), nil
}

// asker returns what publishes one message and waits for its answer.
func (p params) asker(ctx context.Context) (func() error, error) {
	if p.Turold {
		s, err := p.begin(ctx, p.dialer(p.mode(), false), false)
		if err != nil {
			return nil, err
		}
		return func() error { return s.Publish(ctx, inChannel, body) }, nil
	}
	text := `[{"channel":"` + inChannel + `","id":"1","clientId":"%s","data":` + string(body) + `}]`
	if p.Kind == "websocket" {
		k, err := dialRaw(ctx, p)
		if err == nil {
			err = k.begin()
		}
		if err != nil {
			return nil, err
		}
		return func() error {
			if err := k.write(fmt.Sprintf(text, k.id)); err != nil {
				return err
			}
			_, err := k.next(nil)
			return err
		}, nil
	}
	k := poster(p, false)
	if err := k.begin(ctx); err != nil {
		return nil, err
	}
	return func() error {
		_, err := k.post(ctx, fmt.Sprintf(text, k.id), nil)
		return err
	}, nil
}
