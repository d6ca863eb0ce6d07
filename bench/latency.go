package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gorilla/websocket"
)

// latency is how long the server's events take to the application's loop.
func latency(ctx context.Context, p params) (figures, error) {
	next, err := p.eventer(ctx)
	if err != nil {
		return nil, err
	}
	var all []time.Duration
	for begun := time.Now(); time.Since(begun) < seconds(p.Seconds); {
		ns, err := next()
		if err != nil {
			return nil, err
		}
		for _, n := range ns {
			all = append(all, time.Since(time.Unix(0, n)))
		}
	}
	return times(all[len(all)/10:]), nil
}

// eventer returns what waits for events, and the numbers in them.
func (p params) eventer(ctx context.Context) (func() ([]int64, error), error) {
	if p.Turold {
		s, err := p.begin(ctx, p.dialer(p.mode(), false), false)
		if err != nil {
			return nil, err
		}
		return func() ([]int64, error) {
			m, err := s.next(ctx)
			return []int64{number(m.Data)}, err
		}, nil
	}
	var words []word
	var take func() error
	if p.Kind == "websocket" {
		k, err := dialRaw(ctx, p)
		if err == nil {
			err = k.begin()
		}
		if err != nil {
			return nil, err
		}
		take = func() (err error) { words, err = k.next(words[:0]); return err }
	} else {
		k := poster(p, false)
		if err := k.begin(ctx); err != nil {
			return nil, err
		}
		if _, err := k.post(ctx, fmt.Sprintf(subscribeText, k.id), nil); err != nil {
			return nil, err
		}
		connect := fmt.Sprintf(connectText, k.id)
		take = func() (err error) { words, err = k.post(ctx, connect, words[:0]); return err }
	}
	return func() (ns []int64, err error) {
		err = take()
		for i := range words {
			if n := number(words[i].data); n > 0 {
				ns = append(ns, n)
			}
		}
		return ns, err
	}, nil
}

// echo is how long a publish takes to be the event of who published it.
func echo(ctx context.Context, p params) (figures, error) {
	send, next, err := p.echoer(ctx)
	if err != nil {
		return nil, err
	}
	var all []time.Duration
	for begun := time.Now(); time.Since(begun) < seconds(p.Seconds); {
		at := time.Now()
		if err := send(fmt.Sprintf(`{"n":%d}`, at.UnixNano())); err != nil {
			return nil, err
		}
		for came := false; !came; {
			ns, err := next()
			if err != nil {
				return nil, err
			}
			for _, n := range ns {
				came = came || n == at.UnixNano()
			}
		}
		all = append(all, time.Since(at))
	}
	return times(all[len(all)/10:]), nil
}

// echoer returns what publishes, and what waits for events.
func (p params) echoer(ctx context.Context) (func(data string) error, func() ([]int64, error), error) {
	if p.Turold {
		s, err := p.begin(ctx, p.dialer(p.mode(), false), false)
		if err != nil {
			return nil, nil, err
		}
		send := func(data string) error {
			return s.Publish(ctx, inChannel, json.RawMessage(data))
		}
		return send, func() ([]int64, error) {
			m, err := s.next(ctx)
			return []int64{number(m.Data)}, err
		}, nil
	}
	k, err := dialRaw(ctx, p)
	if err == nil {
		err = k.begin()
	}
	if err != nil {
		return nil, nil, err
	}
	send := func(data string) error {
		text := fmt.Sprintf(`[{"channel":%q,"id":"1","clientId":%q,"data":%s}]`, inChannel, k.id, data)
		return k.WriteMessage(websocket.TextMessage, []byte(text))
	}
	return send, func() ([]int64, error) {
		words, err := k.next(nil)
		var ns []int64
		for i := range words {
			ns = append(ns, number(words[i].data))
		}
		return ns, err
	}, nil
}
