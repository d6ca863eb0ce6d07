package client

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/turold/turold/bayeux"
)

// TestServersSetBecomesTheApplications has one channel subscribed, unsubscribed
// and abandoned at random, over a network that delays, loses and doubles, and
// compares what the server has in the end with what the application wants. A
// request whose leg is gone arrives at any time after, in any order, but no more
// NetworkDelay after the server has answered what left behind it.
func TestServersSetBecomesTheApplications(t *testing.T) {
	checkInBubbles(t, func(t *rapid.T) {
		m := new(channelModel)
		m.water = newWater(t, m.begins, m.serves)
		defer m.c.Close()
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			m.step()
		}
		m.calm()
	})
}

// A channelModel is what a server has and an application wants of one channel.
type channelModel struct {
	*water
	has   bool // the server has it
	subs  []*modelSub
	calls atomic.Int32 // that have not returned
}

type modelSub struct {
	*Subscription
	cancel context.CancelFunc
	left   bool // Unsubscribe was called, or Subscribe failed or was abandoned
	lacked bool // the server was without the channel while it was there
}

func (s *modelSub) open() bool { return s.Subscription != nil && !s.left }

func (m *channelModel) begins() {
	m.has = false
	m.looks()
}

func (m *channelModel) serves(r *flow) {
	switch {
	case r.Channel == bayeux.MetaUnsubscribe && !m.has:
		r.refuse("400::channel_missing")
		return
	case r.Channel == bayeux.MetaSubscribe && rapid.IntRange(0, 30).Draw(m.T, "denied") == 0:
		r.refuse("403:no:subscribe_denied")
		return
	}
	r.grant()
	m.has = r.Channel == bayeux.MetaSubscribe
	m.looks()
}

// looks takes down for which subscriptions the server has no channel.
func (m *channelModel) looks() {
	for _, s := range m.subs {
		s.lacked = s.lacked || s.open() && !m.has
	}
}

func (m *channelModel) step() {
	switch rapid.IntRange(0, 9).Draw(m.T, "application") {
	case 0:
		m.subscribe()
	case 1:
		m.unsubscribe()
	case 2:
		if len(m.subs) > 0 {
			m.note("a call is abandoned")
			m.subs[rapid.IntRange(0, len(m.subs)-1).Draw(m.T, "call")].cancel()
			synctest.Wait()
		}
	default:
		m.turn()
	}
}

func (m *channelModel) subscribe() {
	ctx, cancel := context.WithCancel(context.Background())
	s := &modelSub{cancel: cancel}
	m.subs = append(m.subs, s)
	m.calls.Add(1)
	m.note("Subscribe")
	go func() {
		sub, err := m.c.Subscribe(ctx, "/a", nil)
		m.calls.Add(-1)
		s.Subscription, s.left = sub, err != nil
		m.note("Subscribe: %v", err)
	}()
	synctest.Wait()
}

func (m *channelModel) unsubscribe() {
	for _, s := range m.subs {
		if !s.open() || rapid.Bool().Draw(m.T, "another") {
			continue
		}
		var ctx context.Context
		ctx, s.cancel = context.WithCancel(context.Background())
		s.left = true
		m.calls.Add(1)
		m.note("Unsubscribe")
		go func() {
			err := s.Unsubscribe(ctx)
			m.calls.Add(-1)
			m.note("Unsubscribe: %v", err)
		}()
		synctest.Wait()
		return
	}
}

// calm lets the network work, and what is late arrive, and looks at the end.
func (m *channelModel) calm() {
	m.note("calm")
	l := m.leg(rapid.Bool().Draw(m.T, "by HTTP"))
	for range 12 {
		m.work(&l)
	}
	for _, old := range m.live() {
		if old != m.connect && old != l {
			m.end(old, reset(false))
		}
	}
	for range 8 {
		m.work(&l)
	}
	wanted := 0
	for _, s := range m.subs {
		if !s.open() {
			continue
		}
		gaps := pulled(s.Subscription)
		if s.mu.Lock(); s.err != nil && !errors.Is(s.err, ErrUnsubscribed) {
			s.left = true // the server refused it in the end
		}
		s.mu.Unlock()
		if s.open() {
			wanted++
			require.True(m, !s.lacked || len(gaps) > 0, "the server was without the channel, and nobody was told")
		}
	}
	require.Zero(m, m.calls.Load(), "calls that do not return")
	require.Equal(m, wanted > 0, m.has, "subscriptions of the application: %d; the server has the channel: %t", wanted, m.has)
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	require.Empty(m, m.c.outbox.queue)
	require.Empty(m, m.c.outbox.pending)
	require.Empty(m, slices.Collect(maps.Keys(m.c.outbox.requests)), "what is known is not kept")
}
