package main

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

// datum is what the events of peers carry.
type datum struct {
	N    int    `json:"n"`
	Text string `json:"text,omitempty"`
}

// open dials the server of peers and subscribes.
func (p params) open(ctx context.Context, d *client.Dialer) (*session, error) {
	return subscribed(ctx, d, p.URL, bayeux.Channel(p.Channel), &client.Options{NoAck: !p.Ack})
}

func (p params) openAlone(ctx context.Context) (*session, error) {
	return p.open(ctx, p.dialer(p.mode(), false))
}

// nextDatum waits for an event and decodes its data. A gap is an error.
func (s *session) nextDatum(ctx context.Context) (d datum, err error) {
	m, err := s.next(ctx)
	if err == nil {
		err = json.Unmarshal(m.Data, &d)
	}
	return d, err
}

// peersLatencyTurold is from Send to the decoded event, one at a time.
func peersLatencyTurold(ctx context.Context, p params) (figures, error) {
	s, err := p.openAlone(ctx)
	if err != nil {
		return nil, err
	}
	var all []time.Duration
	counted := time.Now().Add(seconds(p.Warm))
	end := counted.Add(seconds(p.Seconds))
	for n := 0; time.Now().Before(end); n++ {
		at := time.Now()
		if _, err := s.Send(ctx, client.Draft{Channel: bayeux.Channel(p.Channel), Data: datum{N: n}}); err != nil {
			return nil, err
		}
		if d, err := s.nextDatum(ctx); err != nil || d.N != n {
			return nil, errors.Join(err, errors.New("not the event that was published"))
		}
		if at.After(counted) {
			all = append(all, time.Since(at))
		}
	}
	f := times(all)
	f["events"] = float64(len(all))
	return f, nil
}

// peersReceiveTurold asks for bursts, so that one or two are under way.
func peersReceiveTurold(ctx context.Context, p params) (figures, error) {
	s, err := p.openAlone(ctx)
	if err != nil {
		return nil, err
	}
	ask := client.Draft{Channel: "/service/flood", Data: map[string]any{"channel": p.Channel, "count": p.N, "text": p.Text}}
	for range 2 {
		if _, err := s.Send(ctx, ask); err != nil {
			return nil, err
		}
	}
	got := 0
	until := func(end time.Time) error {
		for time.Now().Before(end) {
			for range 16 {
				if _, err := s.nextDatum(ctx); err != nil {
					return err
				}
				if got++; got%p.N > 0 {
					continue
				}
				if _, err := s.Send(ctx, ask); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := until(time.Now().Add(seconds(p.Warm))); err != nil {
		return nil, err
	}
	before, cpu, begun := got, processorTime(), time.Now()
	if err := until(begun.Add(seconds(p.Seconds))); err != nil {
		return nil, err
	}
	count, spent, took := float64(got-before), (processorTime() - cpu).Seconds(), time.Since(begun).Seconds()
	return figures{"msgs/s": count / took, "msgs/cpu-s": count / spent, "cores": spent / took}, nil
}

// peersIdleTurold opens sessions beside one that was there before.
func peersIdleTurold(ctx context.Context, p params) (figures, error) {
	d := p.dialer(p.mode(), false)
	open := func() error {
		s, err := p.open(ctx, d)
		if err != nil {
			return err
		}
		return s.reach(ctx, p.Kind)
	}
	if err := open(); err != nil {
		return nil, err
	}
	time.Sleep(settling)
	before := occupied()
	took, after, err := filled(p.N, open)
	if err != nil {
		return nil, err
	}
	n := float64(p.N)
	runtime.KeepAlive(d)
	return figures{
		"RSS kB": (after["RSS kB"] - before["RSS kB"]) / n, "heap kB": (after["kB"] - before["kB"]) / n,
		"process MB": after["RSS kB"] / 1024, "opened s": took.Seconds(),
	}, nil
}
