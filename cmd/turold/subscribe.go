package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
)

type subscribe struct {
	flags
	Count    uint64   `placeholder:"N" help:"End after N events. Default: never."`
	URL      string   `arg:"" name:"url" help:"The server's address."`
	Channels []string `arg:"" name:"channel" help:"Channels or patterns, such as /quotes/* or /quotes/**."`
}

// errEnough is why the context of subscribe ends after --count events.
var errEnough = errors.New("enough")

// Run prints events until the context ends, or there were enough.
func (s *subscribe) Run(ctx context.Context, std stdio) error {
	ctx, cancel := s.within(ctx)
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	c, leave, err := s.dial(ctx, std, s.URL)
	if err != nil {
		return err
	}
	defer leave()
	p := &printer{out: json.NewEncoder(std.out), left: s.Count, bounded: s.Count > 0}
	p.out.SetEscapeHTML(false)
	var all sync.WaitGroup
	defer all.Wait()
	defer end(nil)
	for _, ch := range s.Channels {
		sub, err := c.Subscribe(ctx, bayeux.Channel(ch), nil)
		if err != nil {
			end(err)
			break
		}
		all.Go(func() { end(p.pull(ctx, sub)) })
	}
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

// A printer writes what arrives, whichever subscription it arrives on.
type printer struct {
	mu      sync.Mutex
	out     *json.Encoder
	bounded bool
	left    uint64 // events to print, if bounded
}

// An event is a line on standard output.
type event struct {
	Channel bayeux.Channel  `json:"channel"`
	ID      string          `json:"id,omitempty"`
	Data    json.RawMessage `json:"data"`
	Ext     json.RawMessage `json:"ext,omitempty"`
}

// A hole is a line that says where events may be missing.
type hole struct {
	Channel bayeux.Channel `json:"channel"`
	Gap     gap            `json:"gap"`
}

type gap struct {
	Reason client.GapReason `json:"reason"`
	Missed *int             `json:"missed"` // null: not known
}

// pull prints one subscription until it ends, and says why.
func (p *printer) pull(ctx context.Context, sub *client.Subscription) error {
	for item, err := range sub.Messages(ctx) {
		if err != nil {
			return err
		}
		if m, ok := item.Value(); ok {
			err = p.event(m)
		} else {
			err = p.gap(item.Gap())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *printer) event(m bayeux.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bounded && p.left == 0 {
		return errEnough
	}
	if err := p.out.Encode(event{m.Channel, m.ID, m.Data, m.Ext}); err != nil {
		return err
	}
	if p.bounded {
		if p.left--; p.left == 0 {
			return errEnough
		}
	}
	return nil
}

func (p *printer) gap(e *client.GapError) error {
	h := hole{e.Channel, gap{Reason: e.Reason}}
	if e.Missed >= 0 {
		h.Gap.Missed = &e.Missed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Encode(h)
}
