package fallback

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/turold/turold/transport"
)

// dies has a leg that was opened now be silent for a time, and be cut. It
// returns when.
func dies(p *learned, now time.Time, silence time.Duration) time.Time {
	l := &legLife{openedAt: now, trafficAt: now}
	now = now.Add(silence)
	p.recordCut(l, true, now)
	return now
}

// lives has one be silent, and get its answer.
func lives(p *learned, now time.Time, silence time.Duration) time.Time {
	l := &legLife{openedAt: now, trafficAt: now}
	now = now.Add(silence)
	p.recordSilence(l.onTraffic(true, now), now)
	return now
}

func TestPaceLearnsFromTwoAlike(t *testing.T) {
	var p learned
	now := dies(&p, epoch.Wall, 5*time.Second)
	require.Zero(t, p.holdLimit(now), "one is chance")
	now = dies(&p, now.Add(time.Minute), 5200*time.Millisecond)
	require.Equal(t, 3500*time.Millisecond, p.holdLimit(now), "0.7 of the shorter")

	// It grows when nothing was cut for half an hour, not above 0.8 of what was
	// cut within the day, and freely after that.
	now = now.Add(29 * time.Minute)
	require.Equal(t, 3500*time.Millisecond, p.holdLimit(now))
	now = now.Add(2 * time.Minute)
	require.Equal(t, 4*time.Second, p.holdLimit(now))
	now = now.Add(time.Hour)
	require.Equal(t, 4*time.Second, p.holdLimit(now))
	now = now.Add(24 * time.Hour)
	require.Equal(t, 5*time.Second, p.holdLimit(now))
	for range 20 {
		now = now.Add(time.Hour)
		p.holdLimit(now)
	}
	require.Zero(t, p.holdLimit(now), "the pipe's own")
}

func TestPaceIsNotFooled(t *testing.T) {
	for name, c := range map[string]func(p *learned) time.Time{
		"by cuts that have nothing in common": func(p *learned) time.Time {
			now := dies(p, epoch.Wall, 4*time.Second)
			now = dies(p, now, 12*time.Second)
			return dies(p, now, 22*time.Second)
		},
		"by silences that others outlived": func(p *learned) time.Time {
			now := lives(p, epoch.Wall, 25*time.Second)
			now = dies(p, now, 5*time.Second)
			return dies(p, now, 5*time.Second)
		},
		"by two that were silent at the same time": func(p *learned) time.Time {
			a, b := &legLife{openedAt: epoch.Wall, trafficAt: epoch.Wall}, &legLife{openedAt: epoch.Wall, trafficAt: epoch.Wall}
			now := epoch.Wall.Add(5 * time.Second)
			p.recordCut(a, true, now)
			p.recordCut(b, true, now)
			return now
		},
		"by what is hardly silent": func(p *learned) time.Time {
			return dies(p, dies(p, epoch.Wall, time.Second), time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p learned
			now := c(&p)
			require.Zero(t, p.holdLimit(now))
			require.Zero(t, p.lifetime(now))
		})
	}
}

// ages has a socket live that is silent for 25 s at a time, until it is cut.
func ages(p *learned, now time.Time, age time.Duration) time.Time {
	l := &legLife{openedAt: now, trafficAt: now}
	for age > 25*time.Second {
		now = now.Add(25 * time.Second)
		age -= 25 * time.Second
		p.recordSilence(l.onTraffic(true, now), now)
	}
	now = now.Add(age)
	p.recordCut(l, false, now)
	return now
}

func TestPaceTellsALifetimeFromASilence(t *testing.T) {
	var p learned
	now := ages(&p, epoch.Wall, 120*time.Second)
	now = ages(&p, now, 121*time.Second)
	require.Zero(t, p.lifetime(now))
	now = ages(&p, now, 119*time.Second)
	require.Equal(t, 119*time.Second, p.lifetime(now))
	require.Zero(t, p.holdLimit(now))
	require.Zero(t, p.lifetime(now.Add(25*time.Hour)), "it is forgotten")

	p = learned{}
	now = epoch.Wall
	for _, age := range []time.Duration{120, 120, 200, 120, 120, 200} {
		now = ages(&p, now, age*time.Second)
	}
	require.Zero(t, p.lifetime(now), "they have nothing in common")

	p = learned{} // many that were cut in one moment, as by a server that ends
	for range 10 {
		p.recordCut(&legLife{openedAt: epoch.Wall, trafficAt: epoch.Wall.Add(119 * time.Second), survived: time.Minute}, false, epoch.Wall.Add(2*time.Minute))
	}
	require.Zero(t, p.lifetime(epoch.Wall.Add(2*time.Minute)))
}

// TestPaceNeverAsksForLessThanTheLeast: also where the silence that was cut was
// shorter, and the hold grows back.
func TestPaceNeverAsksForLessThanTheLeast(t *testing.T) {
	p := learned{Hold: minLearnedHold, Silence: minSilence, Cut: epoch.Wall, Raised: epoch.Wall}
	require.Equal(t, minLearnedHold, p.holdLimit(epoch.Wall.Add(2*holdGrowthPause)))
}

// TestPaceHoldsItsBounds whatever the cuts.
func TestPaceHoldsItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p learned
		now := epoch.Wall
		for range rapid.IntRange(0, 40).Draw(t, "n") {
			d := time.Duration(rapid.Int64Range(0, int64(40*time.Second)).Draw(t, "silence"))
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				now = dies(&p, now, d)
			case 1:
				now = lives(&p, now, d)
			case 2:
				now = ages(&p, now, 10*d)
			case 3:
				now = now.Add(100 * d)
			}
			hold := p.holdLimit(now)
			if hold != 0 && (hold < minLearnedHold || hold >= transport.DefaultHold) {
				t.Fatalf("a hold of %v", hold)
			}
			if hold > minLearnedHold && now.Sub(p.Cut) < cutExpiry && float64(hold) > holdCeilingRatio*float64(p.Silence)+1 {
				t.Fatalf("a hold of %v, and %v were cut %v ago", hold, p.Silence, now.Sub(p.Cut))
			}
			if life := p.lifetime(now); life != 0 && life < minLifetime {
				t.Fatalf("a life of %v", life)
			}
		}
	})
}

// TestMemoryTellsOfChanges once for those of a second, and of no news at all.
func TestMemoryTellsOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int32
		var m Memory
		m.Changed = func() {
			told.Add(1)
			_, err := json.Marshal(&m)
			require.NoError(t, err)
		}
		m.recordProven("good", time.Now())
		m.recordFailed("bad", ReasonRefused, time.Now())
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 1, told.Load())
		m.recordProven("good", time.Now())
		m.recordFailed("bad", ReasonRefused, time.Now())
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 1, told.Load(), "no news")
		m.Forget()
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 2, told.Load())
	})
}

func TestMemoryIsSavedAndRead(t *testing.T) {
	now := time.Now().Add(-time.Second)
	var m Memory
	m.recordProven("good", now)
	m.recordProven("good", now)
	m.recordFailed("bad", ReasonRefused, now)
	m.recordFailed("bad", ReasonRefused, now)
	require.Zero(t, m.holdLimit("silent", httpPipe, now))
	*m.stateOf("silent").learnedBy(httpPipe) = learned{Hold: 4 * time.Second, Silence: 6 * time.Second, Cut: now}
	m.stateOf("aged").WebSocket = learned{Life: time.Minute, Age: time.Minute, Died: now}

	b, err := json.Marshal(&m)
	require.NoError(t, err)
	var again Memory
	require.NoError(t, json.Unmarshal(b, &again))
	require.True(t, again.isGood("good", now))
	no, ok := again.reserve("bad", now)
	require.False(t, ok)
	require.Equal(t, ReasonRefused, no.why)
	require.Equal(t, 4*time.Second, again.holdLimit("silent", httpPipe, now))
	require.Zero(t, again.holdLimit("silent", socketPipe, now))
	require.Equal(t, time.Minute, again.lifetime("aged", now))
	again.Forget()
	require.False(t, again.isGood("good", now))
	require.Zero(t, again.lifetime("aged", now))
	b, err = json.Marshal(&again)
	require.NoError(t, err)
	require.Equal(t, "{}", string(b))
}

// TestMemoryReadsNoNonsense: what is read never keeps a WebSocket away for
// longer than a verdict does, and asks for no hold that makes a loop.
func TestMemoryReadsNoNonsense(t *testing.T) {
	now := time.Now()
	for _, text := range []string{
		`{"a":{"bad":"2020-01-01T00:00:00Z","next":"2999-01-01T00:00:00Z"}}`,
		`{"a":{"bad":"2999-01-01T00:00:00Z","next":"2020-01-01T00:00:00Z"}}`,
		`{"a":{"good":"2999-01-01T00:00:00Z"}}`,
		`{"a":{"webSocket":{"hold":1},"longPolling":{"hold":-1}}}`,
		`{"a":{"webSocket":{"life":-1,"died":"2020-01-01T00:00:00Z"}}}`,
		`{"a":{"webSocket":{"hold":4000000000,"cut":"2020-01-01T00:00:00Z"}}}`,
		`{"a":{}}`, `{"a":null}`, `null`, `{}`,
	} {
		var m Memory
		require.NoError(t, json.Unmarshal([]byte(text), &m), text)
		_, ok := m.reserve("a", now)
		require.True(t, ok, text)
		require.False(t, m.isGood("a", now), text)
		require.Zero(t, m.holdLimit("a", socketPipe, now), text)
		require.Zero(t, m.holdLimit("a", httpPipe, now), text)
		require.Zero(t, m.lifetime("a", now), text)
	}
	for _, text := range []string{`[]`, `{"a":1}`, `{"a":{"good":"yesterday"}}`, ``} {
		var m Memory
		require.Error(t, json.Unmarshal([]byte(text), &m), text)
		b, err := json.Marshal(&m)
		require.NoError(t, err)
		require.Equal(t, "{}", string(b))
	}
}

// TestMemoryIsBounded: of very many ways only some are kept.
func TestMemoryIsBounded(t *testing.T) {
	var m Memory
	for n := range 5 * maxPaths {
		m.recordProven(strings.Repeat("x", n%97)+string(rune(n)), time.Now())
	}
	require.LessOrEqual(t, len(m.paths), maxPaths)
}
