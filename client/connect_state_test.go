package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

func TestConnectMayLeave(t *testing.T) {
	for name, row := range map[string]struct {
		state          connectState
		may, takesOver bool
	}{
		"none is due":                  {connectState{}, false, false},
		"one is due":                   {connectState{ready: true}, true, false},
		"one is out on this leg":       {connectState{leg: 1, ready: true}, false, false},
		"one is out on another":        {connectState{leg: 2}, true, true},
		"which left there with others": {connectState{leg: 2, withCommands: true}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			may, takesOver := row.state.mayLeave(1)
			require.Equal(t, row.may, may)
			require.Equal(t, row.takesOver, takesOver)
		})
	}
}

func TestConnectHoldAndDeadline(t *testing.T) {
	const longest, delay = 30 * time.Second, 10 * time.Second
	short, long := 20*time.Second, 60*time.Second
	for name, row := range map[string]struct {
		state          connectState
		advised        *time.Duration
		takesOver, ack bool
		hold, due      time.Duration
	}{
		"as long as the leg bears":               {connectState{}, nil, false, false, longest, unadvisedHold + delay},
		"a shorter one is advised":               {connectState{}, &short, false, false, short, short + delay},
		"a longer one is advised":                {connectState{}, &long, false, false, longest, long + delay},
		"and the server obeys ours":              {connectState{holdObeyed: true}, &long, false, false, longest, longest + delay},
		"the last got no reply":                  {connectState{noHold: true}, nil, false, false, 0, delay},
		"it takes over":                          {connectState{noHold: true}, nil, true, false, longest, unadvisedHold + delay},
		"it takes over, events are acknowledged": {connectState{}, nil, true, true, 0, delay},
	} {
		t.Run(name, func(t *testing.T) {
			cs, now := row.state, mono.Now()
			hold := cs.holdOf(longest, row.advised, row.takesOver, row.ack)
			require.Equal(t, row.hold, hold)
			cs.onSent("id", 1, hold, row.advised, false, now, delay)
			require.Equal(t, now.Add(row.due), cs.deadline)
			require.True(t, cs.noHold, "until it is answered")
			cs.hasten(now.Add(time.Hour))
			require.Equal(t, now.Add(row.due), cs.deadline)
			cs.hasten(now.Add(time.Second))
			require.Equal(t, now.Add(time.Second), cs.deadline)
		})
	}
}

// TestConnectPauses: when the next connect is due after replies that take so long.
func TestConnectPauses(t *testing.T) {
	const quick, hold = time.Millisecond, 30 * time.Second
	for name, row := range map[string]struct {
		took    []time.Duration
		events  bool
		advised time.Duration
		pause   time.Duration
	}{
		"held":                          {[]time.Duration{hold}, false, 0, 0},
		"a few quick ones":              {[]time.Duration{quick, quick, quick}, false, 0, 0},
		"one more":                      {[]time.Duration{quick, quick, quick, quick}, false, 0, maxFirstPause},
		"and another":                   {[]time.Duration{quick, quick, quick, quick, quick}, false, 0, 2 * maxFirstPause},
		"many":                          {make([]time.Duration, 100), false, 0, maxEarlyPause},
		"quick ones with events":        {make([]time.Duration, 100), true, 0, 0},
		"a held one among them":         {[]time.Duration{quick, quick, quick, hold, quick}, false, 0, 0},
		"the server advises a pause":    {[]time.Duration{hold}, false, time.Second, time.Second},
		"which is not added to its own": {make([]time.Duration, 100), false, time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			var cs connectState
			now := mono.Now()
			for _, took := range row.took {
				cs.onDue()
				may, _ := cs.mayLeave(1)
				require.True(t, may)
				cs.onSent("id", 1, hold, nil, false, now, time.Second)
				cs.gotEvents = row.events
				now = now.Add(took)
				got, empty := cs.onReply(now)
				require.Equal(t, took, got)
				require.Equal(t, !row.events, empty)
				cs.onGranted(now, took, empty, row.advised, time.Second)
			}
			require.Equal(t, row.pause == 0, cs.ready)
			if row.pause > 0 {
				require.Equal(t, now.Add(row.pause), cs.dueAt)
			}
		})
	}
}

// TestConnectUselessReplies: three within ten seconds, and something that can be read between.
func TestConnectUselessReplies(t *testing.T) {
	for name, row := range map[string]struct {
		readable bool
		idle     bool
		apart    time.Duration
		replies  int
		renew    bool
		probes   int
	}{
		"one":                                   {true, true, uselessPeriod, 1, false, 0},
		"three, soon":                           {true, true, time.Second, 3, false, 0},
		"three":                                 {true, true, uselessPeriod, 3, true, 0},
		"nothing else can be read":              {false, true, uselessPeriod, 3, false, 1},
		"nor does the server answer a question": {false, true, uselessPeriod, 9, false, 1},
		"commands are out":                      {false, false, uselessPeriod, 9, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var cs connectState
			now, probes := mono.Now(), 0
			var renew, probe bool
			for range row.replies {
				renew, probe = cs.onUselessReply(now, row.idle)
				if probe {
					probes++
				}
				cs.gotReadable = cs.gotReadable || row.readable
				now = now.Add(row.apart)
			}
			require.Equal(t, row.renew, renew)
			require.Equal(t, row.probes, probes)
		})
	}
}

func TestConnectWithTheFirstCommands(t *testing.T) {
	now := mono.Now()
	cs := firstConnect(now)
	may, _ := cs.mayLeave(1)
	require.False(t, may)
	require.Equal(t, now.Add(firstConnectDelay), cs.dueAt)
	require.True(t, cs.onCommandsSent())
	may, _ = cs.mayLeave(1)
	require.True(t, may)
	cs.onSent("id", 1, 0, nil, true, now, time.Second)
	require.False(t, cs.onCommandsSent(), "only once")
	cs.askSoon()
	require.False(t, cs.ready, "one is out")
	cs.onLost()
	require.Equal(t, transport.LegID(0), cs.leg)
	require.True(t, cs.ready)
}
