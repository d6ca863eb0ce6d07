package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// A user is a session, what it reads and what it publishes.
type user struct {
	w     *world
	name  string
	noAck bool
	c     *client.Client
	quits time.Duration // when it closes, in the midst of it all; 0: at the end
	churn time.Duration // how often it subscribes and unsubscribes; 0: not at all
	rng   *rand.Rand    // of what it does by itself

	// Guarded by the world's lock.
	readers []*reader
	sent    []*publish
	closed  bool
}

// A publish is one of a user's.
type publish struct {
	data  string // as JSON
	again bool   // AtLeastOnce
	at    time.Time
	r     *client.Receipt
}

// open dials the sessions. They share what is known of the way.
func (w *world) open() {
	w.memory = w.known("ws://" + w.socket + "/cometd http://" + atHTTP)
	w.dialer = &client.Dialer{
		DialContext: w.net.DialContext, Proxy: http.ProxyURL(nil), Logger: w.log, Open: w.opener(),
		Trace: &client.Trace{
			Gap: func(_ *client.Client, g *client.GapError) { w.tally.count("gap told: "+string(g.Reason), 1) },
			State: func(_ *client.Client, from, to client.State, cause error) {
				w.note("state", from, to, cause)
				if to == client.StateWaiting {
					w.tally.count("pause", 1)
				}
			},
		},
	}
	if w.log.Enabled(w.ctx, slog.LevelDebug) {
		w.dialer.Trace.Wire = func(c *client.Client, b client.Wire) {
			w.log.Debug("wire", "leg", b.Leg, "on", b.Transport, "out", b.Out, "batch", string(b.Batch))
		}
	}
	for n := range 1 + w.rng.IntN(4)/3 {
		u := &user{w: w, name: strconv.Itoa(n), noAck: w.rng.IntN(3) == 0, rng: rand.New(rand.NewPCG(w.rng.Uint64(), 0))}
		if w.rng.IntN(5) == 0 {
			u.quits = 1 + time.Duration(w.rng.Int64N(int64(trouble/w.pace)))
		}
		if w.rng.IntN(2) == 0 {
			u.churn = time.Duration(1+w.rng.IntN(20)) * time.Second / w.pace
		}
		o := &client.Options{NoAck: u.noAck, KeepDialing: true, NetworkDelay: w.delay}
		if w.socket != atHTTP {
			o.WebSocketURL = "ws://" + w.socket + "/cometd"
		}
		var err error
		u.c, err = w.dialer.Dial(w.ctx, "http://"+atHTTP+"/cometd", o)
		w.must(err)
		w.users = append(w.users, u)
	}
}

// known is what was known of the way before: in one of three worlds that sockets
// work, in another that they are cut at an age as well.
func (w *world) known(way string) *fallback.Memory {
	m := new(fallback.Memory)
	path := map[string]any{}
	switch w.rng.IntN(3) {
	case 0:
		return m
	case 1:
		path["webSocket"] = map[string]any{"life": time.Duration(1+w.rng.IntN(30)) * time.Second, "died": time.Now()}
	}
	path["good"] = time.Now()
	text, err := json.Marshal(map[string]any{way: path})
	w.must(err)
	w.must(json.Unmarshal(text, m))
	return m
}

// begin has the user do what it does by itself.
func (u *user) begin() {
	for n := range 1 + u.rng.IntN(3) {
		u.read(n, time.Minute)
	}
	for n := range 1 + u.rng.IntN(2) {
		u.publishing(u.name + "." + strconv.Itoa(n))
	}
	if u.churn > 0 {
		u.w.changes.Go(u.churning)
	}
	if u.quits > 0 {
		u.w.wg.Go(func() {
			if u.w.sleep(u.quits) {
				u.w.tally.count("closed in the midst of it", 1)
				u.close()
			}
		})
	}
}

// publishing has a goroutine publish until the session or the world ends: one
// message at a time or a few, some of which may be repeated.
func (u *user) publishing(name string) {
	pause := 100 * time.Millisecond << u.rng.IntN(6)
	rng := rand.New(rand.NewPCG(u.rng.Uint64(), 0))
	u.w.wg.Go(func() {
		for n := 0; u.w.sleep(pause); {
			drafts := make([]client.Draft, max(1, rng.IntN(8)-3))
			for i := range drafts {
				drafts[i] = client.Draft{Channel: "/up", Data: name + "." + strconv.Itoa(n), AtLeastOnce: rng.IntN(3) == 0}
				n++
			}
			rs, err := u.c.Batch(u.w.ctx, drafts...)
			switch {
			case u.w.ctx.Err() != nil || errors.Is(err, client.ErrClosed):
				return
			case err != nil:
				u.w.t.Errorf("Batch: %v", err)
				return
			}
			unlock := u.w.locked()
			for i, d := range drafts {
				u.sent = append(u.sent, &publish{strconv.Quote(d.Data.(string)), d.AtLeastOnce, time.Now(), rs[i]})
			}
			unlock()
		}
	})
}

// churning subscribes and unsubscribes while things break: now and then one
// behind the other on the same channel, and by calls that are given up.
func (u *user) churning() {
	for time.Since(u.w.begun) < trouble/u.w.pace && u.w.sleep(u.churn) && !u.gone() {
		open := u.open()
		some := func() *reader { return open[u.rng.IntN(len(open))] }
		switch {
		case len(open) > 0 && u.rng.IntN(2) == 0:
			u.returning(some())
		case len(open) > 3 || len(open) > 1 && u.rng.IntN(2) == 0:
			u.leave(some(), 10*time.Second)
		default:
			u.read(u.rng.IntN(6), time.Minute)
		}
	}
}

// returning leaves a channel and subscribes to it again, time and again, and
// seldom waits for an answer.
func (u *user) returning(r *reader) {
	n := r.topic.number
	patience := func() time.Duration {
		return pick(u.rng, 0, time.Millisecond, time.Duration(u.rng.IntN(400))*time.Millisecond, 3*time.Second)
	}
	u.leave(r, patience())
	for u.rng.IntN(3) > 0 {
		if r := u.read(n, patience()); r != nil {
			u.leave(r, patience())
		}
	}
	u.read(n, time.Minute)
}

// read subscribes and reads until the subscription or the world ends. nil: the
// call ended without one.
func (u *user) read(n int, patience time.Duration) *reader {
	slow := u.rng.IntN(8) == 0
	o := &client.SubscribeOptions{}
	if slow {
		o.Queue.Messages = 20
	}
	r := newReader(u, u.w.topic(n), slow)
	ctx, cancel := context.WithTimeout(u.w.ctx, patience) // trouble may last longer
	defer cancel()
	sub, err := u.c.Subscribe(ctx, r.topic.channel, o)
	if err != nil {
		u.w.tally.count(fmt.Sprintf("subscribe: %v", errors.Unwrap(err)), 1)
		return nil
	}
	r.sub, r.since = sub, int(r.topic.next())
	u.w.note("subscribed", u.name, r.topic.channel)
	defer u.w.locked()()
	u.readers = append(u.readers, r)
	u.w.wg.Go(r.read)
	return r
}

// leave unsubscribes. The server may say so late, or never.
func (u *user) leave(r *reader, patience time.Duration) {
	unlock := u.w.locked()
	r.left = true
	unlock()
	ctx, cancel := context.WithTimeout(u.w.ctx, patience)
	defer cancel()
	err := r.sub.Unsubscribe(ctx)
	u.w.note("unsubscribed", u.name, r.topic.channel, err)
	u.w.tally.count("unsubscribe", 1)
	var refused *bayeux.Error
	if err != nil && ctx.Err() == nil && !errors.As(err, new(*client.OutcomeError)) && !errors.As(err, &refused) && !errors.Is(err, client.ErrClosed) {
		u.w.t.Errorf("Unsubscribe: %v", err)
	}
}

// open are the readers that have not been left.
func (u *user) open() []*reader {
	defer u.w.locked()()
	var open []*reader
	for _, r := range u.readers {
		if !r.left {
			open = append(open, r)
		}
	}
	return open
}

func (u *user) gone() bool {
	defer u.w.locked()()
	return u.closed
}

// close closes the session and looks whether everything ended with it.
func (u *user) close() {
	unlock := u.w.locked()
	was := u.closed
	u.closed = true
	unlock()
	if was {
		return
	}
	start := time.Now()
	u.w.must(u.c.Close())
	if took := time.Since(start); took > 100*time.Millisecond {
		u.w.t.Errorf("Close took %v", took)
	}
	defer u.w.locked()()
	for _, p := range u.sent {
		select {
		case <-p.r.Done():
		default:
			u.w.t.Errorf("publish %s is not settled by Close", p.data)
		}
	}
}
