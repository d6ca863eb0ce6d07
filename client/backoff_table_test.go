package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/internal/mono"
)

// A backoffStep is what happens to a backoff, and what comes of it.
type backoffStep struct {
	after     time.Duration // the step before, and the pause that it made
	recovered bool          // a connect was answered; otherwise something failed
	failures  int           // in a row, afterwards
	least     time.Duration // of the pause
	most      time.Duration
}

func TestBackoffTable(t *testing.T) {
	const second, third = 280 * time.Millisecond, 560 * time.Millisecond // with jitter
	for name, steps := range map[string][]backoffStep{
		"pauses grow": {
			{0, false, 1, 0, maxFirstPause},
			{0, false, 2, 120 * time.Millisecond, second},
			{0, false, 3, 240 * time.Millisecond, third},
			{0, false, 4, 480 * time.Millisecond, 1120 * time.Millisecond},
		},
		"a failure after a calm time is the first": {
			{0, false, 1, 0, maxFirstPause},
			{0, true, 1, 0, 0},
			{calmTime + 1, true, 0, 0, 0},
			{0, false, 1, 0, maxFirstPause},
		},
		"a link that breaks soon after each connect is not hammered": {
			{0, false, 1, 0, maxFirstPause},
			{0, true, 1, 0, 0},
			{time.Second, false, 2, 120 * time.Millisecond, second},
			{0, true, 2, 0, 0},
			{time.Second, false, 3, 240 * time.Millisecond, third},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 200 { // jitter
				var b backoff
				now := mono.Now()
				for i, step := range steps {
					now = now.Add(step.after)
					if step.recovered {
						b.onRecovered(now)
						require.False(t, b.pausing())
					} else {
						outage, counted := b.onFailure(now, false)
						require.True(t, counted)
						pause := b.next(now, outage)
						require.GreaterOrEqual(t, pause, step.least, "step %d", i)
						require.LessOrEqual(t, pause, step.most, "step %d", i)
						now = now.Add(pause)
					}
					require.Equal(t, step.failures, b.failures, "step %d", i)
				}
			}
		})
	}
}

func TestBackoffOfALongOutage(t *testing.T) {
	for range 500 {
		var b backoff
		start := mono.Now()
		now, tries := start, 0
		for now.Sub(start) < 5*time.Minute {
			outage, _ := b.onFailure(now, false)
			pause := b.next(now, outage)
			if now = now.Add(pause); now.Sub(start) < burstTime {
				tries++
			}
			if outage < earlyOutage {
				require.LessOrEqual(t, pause, burstTime)
			}
			require.LessOrEqual(t, pause, maxPause*14/10)
		}
		require.Less(t, tries, burstTries)
		require.GreaterOrEqual(t, b.exponential.MaxInterval, maxPause)
	}
}

func TestBackoffPauses(t *testing.T) {
	now := mono.Now()
	for name, row := range map[string]struct {
		do   func(b *backoff)
		want mono.Time
	}{
		"a floor under the pause":                     {func(b *backoff) { b.pauseUntil = now.Add(1); b.atLeast(now, time.Minute) }, now.Add(time.Minute)},
		"a pause longer than the floor":               {func(b *backoff) { b.pauseUntil = now.Add(time.Hour); b.atLeast(now, time.Minute) }, now.Add(time.Hour)},
		"Options.Backoff has not answered":            {func(b *backoff) { b.awaitBackoff(); b.atLeast(now, time.Minute) }, mono.Never},
		"its pause":                                   {func(b *backoff) { b.awaitBackoff(); b.onBackoff(now, 2, time.Second, 0) }, now.Add(time.Second)},
		"none after the first failure":                {func(b *backoff) { b.awaitBackoff(); b.onBackoff(now, 1, 0, 0) }, now},
		"some after the second":                       {func(b *backoff) { b.awaitBackoff(); b.onBackoff(now, 2, 0, 0) }, now.Add(minBackoffPause)},
		"the server's floor under it":                 {func(b *backoff) { b.awaitBackoff(); b.onBackoff(now, 2, 0, time.Minute) }, now.Add(time.Minute)},
		"one that ended while the function was asked": {func(b *backoff) { b.awaitBackoff(); b.endPause(); b.onBackoff(now, 2, time.Hour, 0) }, mono.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			var b backoff
			row.do(&b)
			require.Equal(t, row.want, b.pauseUntil)
		})
	}
}

func TestBackoffCountsOneFailureAPause(t *testing.T) {
	now := mono.Now()
	b := backoff{pauseUntil: now.Add(time.Second), failures: 3}
	_, counted := b.onFailure(now, false)
	require.False(t, counted)
	require.Equal(t, 3, b.failures)
}

// TestBackoffAfterARetry: what fails after a second try at once was no first try.
func TestBackoffAfterARetry(t *testing.T) {
	now := mono.Now()
	b := backoff{retriedAt: now.Add(-time.Millisecond)}
	outage, _ := b.onFailure(now, false)
	require.Greater(t, b.next(now, outage), maxFirstPause)
}

func TestBackoffForgivesOnceInAWhile(t *testing.T) {
	now := mono.Now()
	b := backoff{failures: 7}
	b.forgive(now)
	require.Zero(t, b.failures)
	b.failures = 7
	b.forgive(now.Add(calmTime))
	require.Equal(t, 7, b.failures)
	b.forgive(now.Add(calmTime + 1))
	require.Zero(t, b.failures)
}
