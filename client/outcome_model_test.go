package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/turold/turold/bayeux"
)

// TestOutcomesAgreeWithWhatTheServerTook publishes in every way, over a network
// that delays, loses, doubles and refuses, to a server that refuses some, and ends
// the session in one of many ways at any moment. In the end each outcome is compared with
// what the server took, also of what arrived last of all.
func TestOutcomesAgreeWithWhatTheServerTook(t *testing.T) {
	checkInBubbles(t, func(t *rapid.T) {
		m := &outcomeModel{took: map[int]int{}}
		m.water = newWater(t, func() {}, m.serves)
		defer m.d.Close()
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			m.step()
		}
		m.ending()
		m.judge()
	})
}

// An outcomeModel is what was published and what the server took.
type outcomeModel struct {
	*water
	took  map[int]int // how often, by number
	sent  []*posted
	calls atomic.Int32 // that have not returned
}

// A posted is one message.
type posted struct {
	n           int
	atLeastOnce bool
	receipt     *Receipt // nil: of Publish or Call
	err         error    // of Publish and Call
	flushed     bool     // a Flush that came after has returned
}

func (m *outcomeModel) serves(r *flow) {
	n, err := strconv.Atoi(string(r.Data))
	if err != nil { // a goodbye
		r.grant()
		return
	}
	if rapid.IntRange(0, 4).Draw(m.T, "refused") == 0 {
		r.refuse("403:no:publish_denied")
		return
	}
	m.took[n]++
	r.grant()
	if r.Channel.Service() {
		data := fmt.Sprintf(`{"channel":%q,"id":%q,"successful":true,"data":0}`, r.Channel, r.ID)
		r.answers = append(r.answers, data)
		if rapid.Bool().Draw(m.T, "data first") {
			slices.Reverse(r.answers)
		}
	}
}

func (m *outcomeModel) step() {
	switch rapid.IntRange(0, 12).Draw(m.T, "application") {
	case 0, 1:
		p := m.post()
		p.atLeastOnce = rapid.Bool().Draw(m.T, "at least once")
		r, err := m.c.Send(context.Background(), p.draft())
		require.NoError(m, err)
		p.receipt = r
	case 2:
		var ps []*posted
		var ds []Draft
		for range rapid.IntRange(2, 4).Draw(m.T, "batch") {
			p := m.post()
			p.atLeastOnce = rapid.Bool().Draw(m.T, "at least once")
			ps, ds = append(ps, p), append(ds, p.draft())
		}
		rs, err := m.c.Batch(context.Background(), ds...)
		require.NoError(m, err)
		for i, p := range ps {
			p.receipt = rs[i]
		}
	case 3:
		m.waits(func(ctx context.Context, n int) error { return m.c.Publish(ctx, "/p", n) })
	case 4:
		m.waits(func(ctx context.Context, n int) error { _, err := m.c.Call(ctx, "rpc", n); return err })
	case 5:
		m.flush()
	default:
		m.turn()
	}
	synctest.Wait()
}

func (p *posted) draft() Draft { return Draft{Channel: "/p", Data: p.n, AtLeastOnce: p.atLeastOnce} }

func (m *outcomeModel) post() *posted {
	p := &posted{n: len(m.sent)}
	m.sent = append(m.sent, p)
	return p
}

func (m *outcomeModel) waits(f func(context.Context, int) error) {
	p := m.post()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rapid.IntRange(1, 30).Draw(m.T, "patience"))*time.Second)
	m.calls.Add(1)
	go func() {
		defer cancel()
		p.err = f(ctx, p.n)
		m.calls.Add(-1)
		m.note("%d: %v", p.n, p.err)
	}()
}

// flush flushes when all is settled, and looks whether it tells of each failure once.
func (m *outcomeModel) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
	defer cancel()
	synctest.Wait()
	for _, p := range m.sent {
		if p.receipt != nil && !p.receipt.p.isSettled() {
			return
		}
	}
	if m.calls.Load() > 0 || m.c.outbox.unsettled() > 0 {
		return
	}
	var first error
	for _, p := range m.sent {
		if p.receipt != nil && !p.flushed && first == nil {
			first = p.receipt.p.err // what Flush wraps, as the receipt does
		}
		p.flushed = true
	}
	err := m.c.Flush(ctx)
	require.Equal(m, first == nil, err == nil, "Flush: %v; the first: %v", err, first)
	if first != nil {
		require.ErrorIs(m, err, first)
	}
}

// ending ends the session.
func (m *outcomeModel) ending() {
	l := m.leg(rapid.Bool().Draw(m.T, "by HTTP"))
	how := rapid.SampledFrom([]string{"Close", "Close", "Disconnect", "Drain", "the server", "in order"}).Draw(m.T, "end")
	m.note("the end: %s", how)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	switch how {
	case "Disconnect":
		go func() { _ = m.c.Disconnect(ctx) }()
	case "Drain":
		go func() { _ = m.d.Drain(ctx) }()
	case "the server":
		m.last = true
		m.pass(time.Second)
	case "in order":
		for range 12 {
			m.work(&l)
		}
		require.Zero(m, m.c.outbox.unsettled())
	}
	synctest.Wait()
	if how != "Close" {
		for range rapid.IntRange(0, 6).Draw(m.T, "work") {
			m.work(&l)
		}
	}
	require.NoError(m, m.c.Close())
	time.Sleep(time.Minute)
	synctest.Wait()
	require.Zero(m, m.calls.Load(), "calls that do not return")
	for _, l := range m.legs {
		m.late(l)
	}
}

// judge compares outcomes with what the server took.
func (m *outcomeModel) judge() {
	for _, p := range m.sent {
		err, took := p.err, m.took[p.n]
		if p.receipt != nil {
			require.True(m, p.receipt.p.isSettled(), "%d is not settled", p.n)
			err = p.receipt.Err()
		}
		var out *OutcomeError
		var refused *bayeux.Error
		switch {
		case err == nil:
			require.Positive(m, took, "%d: told as taken", p.n)
		case errors.As(err, &out) && out.Sent:
		case errors.As(err, &out):
			require.Zero(m, took, "%d: %v", p.n, err)
		case errors.As(err, &refused):
			require.Zero(m, took, "%d: %v", p.n, err)
		default:
			require.NoError(m, err, "an error of no kind")
		}
		require.True(m, p.atLeastOnce || took <= 1, "%d was taken %d times", p.n, took)
	}
}
