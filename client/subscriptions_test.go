package client

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/legs"
	"github.com/turold/turold/transport"
)

// joined adds a subscription to a channel, or a listener.
func joined(ss *subscriptions, ch bayeux.Channel, local bool) *Subscription {
	s := newSubscription(nil, ch, new(SubscribeOptions), local)
	ss.join(s)
	return s
}

func TestSubscriptionsJoinAndLeave(t *testing.T) {
	var ss subscriptions
	first, second, listener := joined(&ss, "/a", false), joined(&ss, "/a", false), joined(&ss, "/a", true)
	for _, step := range []struct {
		leave            *Subscription
		there, unwanted  bool
		wanted, anything bool // afterwards
	}{
		{first, true, false, true, true},
		{first, false, false, true, true},
		{second, true, true, false, true},
		{listener, true, false, false, false},
	} {
		topic, unwanted := ss.leave(step.leave)
		require.Equal(t, step.there, topic != nil)
		require.Equal(t, step.unwanted, unwanted)
		require.Equal(t, step.wanted, ss.wanted("/a"))
		require.Equal(t, step.anything, ss.get("/a") != nil)
	}
}

func TestSubscriptionsRefused(t *testing.T) {
	var ss subscriptions
	one, listener := joined(&ss, "/a", false), joined(&ss, "/a", true)
	other := joined(&ss, "/b", false)
	require.Equal(t, []*Subscription{one}, ss.refuse(ss.get("/a")))
	require.Equal(t, []*Subscription{listener}, ss.get("/a").subs)
	require.Equal(t, []*Subscription{other}, ss.refuse(ss.get("/b")))
	require.Nil(t, ss.get("/b"))
}

// TestSubscriptionsOfANewSession: which get their gap at once, and which when the server has answered.
func TestSubscriptionsOfANewSession(t *testing.T) {
	var ss subscriptions
	listener, known, asked := joined(&ss, "/listened", true), joined(&ss, "/known", false), joined(&ss, "/asked", false)
	ss.get("/known").known = true
	ss.get("/known").subscribed = true
	ss.loss = lostPushes
	ss.onSessionOver()
	require.False(t, ss.get("/known").subscribed)
	require.Equal(t, noLoss, ss.loss)
	require.Equal(t, []*topic{ss.get("/listened")}, slices.Collect(ss.onNewSession()))
	require.True(t, listener.owesNewSessionGap)
	require.True(t, known.owesNewSessionGap)
	require.False(t, asked.owesNewSessionGap, "the server never had it")
	require.ElementsMatch(t, []*Subscription{listener, known}, slices.Collect(ss.concerned()))
}

// TestSubscriptionsGapAfterALegDied: on which legs a gap is due, and whether it is again.
func TestSubscriptionsGapAfterALegDied(t *testing.T) {
	for name, row := range map[string]struct {
		died        leg
		next        leg
		older       bool // next was out when the other died
		first, then bool
	}{
		"a command's, and a new leg brings something":               {leg{}, leg{}, false, true, false},
		"a command's, and an older leg brings something":            {leg{}, leg{}, true, true, false},
		"the connect's, and a new leg without one brings something": {leg{hadConnect: true}, leg{}, false, true, false},
		"the connect's, and the next connect's brings something":    {leg{hadConnect: true}, leg{hadConnect: true}, false, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			var ss subscriptions
			var all legs.Map[*leg]
			next := &row.next
			if row.older {
				all.Set(transport.LegID(2), next)
			}
			require.False(t, ss.gapBefore(next), "nothing has died")
			ss.onLegDied(&row.died, &all)
			require.Equal(t, row.first, ss.gapBefore(next))
			require.Equal(t, row.then, ss.gapBefore(next))
			sure := !row.older && (row.next.hadConnect || !row.died.hadConnect)
			require.Equal(t, sure, ss.loss == noLoss, "the gap is due again on another leg until it is sure")
			if !sure {
				require.True(t, ss.gapBefore(&leg{hadConnect: true}))
				require.False(t, ss.gapBefore(&leg{hadConnect: true}))
			}
		})
	}
}
