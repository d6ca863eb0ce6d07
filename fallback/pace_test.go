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
func dies(p *pace, now time.Time, silence time.Duration) time.Time {
	l := &life{opened: now, heard: now}
	now = now.Add(silence)
	p.ended(l, true, now)
	return now
}

// lives has one be silent, and get its answer.
func lives(p *pace, now time.Time, silence time.Duration) time.Time {
	l := &life{opened: now, heard: now}
	now = now.Add(silence)
	p.bears(l.passes(true, now), now)
	return now
}

func TestPaceLearnsFromTwoAlike(t *testing.T) {
	var p pace
	now := dies(&p, epoch.Wall, 5*time.Second)
	require.Zero(t, p.longest(now), "one is chance")
	now = dies(&p, now.Add(time.Minute), 5200*time.Millisecond)
	require.Equal(t, 3500*time.Millisecond, p.longest(now), "0.7 of the shorter")

	// It grows when nothing was cut for half an hour, not above 0.8 of what was
	// cut within the day, and freely after that.
	now = now.Add(29 * time.Minute)
	require.Equal(t, 3500*time.Millisecond, p.longest(now))
	now = now.Add(2 * time.Minute)
	require.Equal(t, 4*time.Second, p.longest(now))
	now = now.Add(time.Hour)
	require.Equal(t, 4*time.Second, p.longest(now))
	now = now.Add(24 * time.Hour)
	require.Equal(t, 5*time.Second, p.longest(now))
	for range 20 {
		now = now.Add(time.Hour)
		p.longest(now)
	}
	require.Zero(t, p.longest(now), "the pipe's own")
}

func TestPaceIsNotFooled(t *testing.T) {
	for name, c := range map[string]func(p *pace) time.Time{
		"by cuts that have nothing in common": func(p *pace) time.Time {
			now := dies(p, epoch.Wall, 4*time.Second)
			now = dies(p, now, 12*time.Second)
			return dies(p, now, 22*time.Second)
		},
		"by silences that others outlived": func(p *pace) time.Time {
			now := lives(p, epoch.Wall, 25*time.Second)
			now = dies(p, now, 5*time.Second)
			return dies(p, now, 5*time.Second)
		},
		"by two that were silent at the same time": func(p *pace) time.Time {
			a, b := &life{opened: epoch.Wall, heard: epoch.Wall}, &life{opened: epoch.Wall, heard: epoch.Wall}
			now := epoch.Wall.Add(5 * time.Second)
			p.ended(a, true, now)
			p.ended(b, true, now)
			return now
		},
		"by what is hardly silent": func(p *pace) time.Time {
			return dies(p, dies(p, epoch.Wall, time.Second), time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p pace
			now := c(&p)
			require.Zero(t, p.longest(now))
			require.Zero(t, p.life(now))
		})
	}
}

// ages has a socket live that is silent for 25 s at a time, until it is cut.
func ages(p *pace, now time.Time, age time.Duration) time.Time {
	l := &life{opened: now, heard: now}
	for age > 25*time.Second {
		now = now.Add(25 * time.Second)
		age -= 25 * time.Second
		p.bears(l.passes(true, now), now)
	}
	now = now.Add(age)
	p.ended(l, false, now)
	return now
}

func TestPaceTellsALifetimeFromASilence(t *testing.T) {
	var p pace
	now := ages(&p, epoch.Wall, 120*time.Second)
	now = ages(&p, now, 121*time.Second)
	require.Zero(t, p.life(now))
	now = ages(&p, now, 119*time.Second)
	require.Equal(t, 119*time.Second, p.life(now))
	require.Zero(t, p.longest(now))
	require.Zero(t, p.life(now.Add(25*time.Hour)), "it is forgotten")

	p = pace{}
	now = epoch.Wall
	for _, age := range []time.Duration{120, 120, 200, 120, 120, 200} {
		now = ages(&p, now, age*time.Second)
	}
	require.Zero(t, p.life(now), "they have nothing in common")

	p = pace{} // many that were cut in one moment, as by a server that ends
	for range 10 {
		p.ended(&life{opened: epoch.Wall, heard: epoch.Wall.Add(119 * time.Second), borne: time.Minute}, false, epoch.Wall.Add(2*time.Minute))
	}
	require.Zero(t, p.life(epoch.Wall.Add(2*time.Minute)))
}

// TestPaceNeverAsksForLessThanTheLeast: also where the silence that was cut was
// shorter, and the hold grows back.
func TestPaceNeverAsksForLessThanTheLeast(t *testing.T) {
	p := pace{Hold: leastLearnt, Silence: leastSilence, Cut: epoch.Wall, Raised: epoch.Wall}
	require.Equal(t, leastLearnt, p.longest(epoch.Wall.Add(2*cleanFor)))
}

// TestPaceHoldsItsBounds whatever the cuts.
func TestPaceHoldsItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p pace
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
			hold := p.longest(now)
			if hold != 0 && (hold < leastLearnt || hold >= transport.DefaultHold) {
				t.Fatalf("a hold of %v", hold)
			}
			if hold > leastLearnt && now.Sub(p.Cut) < believed && float64(hold) > ceiling*float64(p.Silence)+1 {
				t.Fatalf("a hold of %v, and %v were cut %v ago", hold, p.Silence, now.Sub(p.Cut))
			}
			if life := p.life(now); life != 0 && life < leastAge {
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
		m.proved("good", time.Now())
		m.failed("bad", ReasonRefused, time.Now())
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 1, told.Load())
		m.proved("good", time.Now())
		m.failed("bad", ReasonRefused, time.Now())
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
	m.proved("good", now)
	m.proved("good", now)
	m.failed("bad", ReasonRefused, now)
	m.failed("bad", ReasonRefused, now)
	require.Zero(t, m.hold("silent", onHTTP, now))
	*m.path("silent").pace(onHTTP) = pace{Hold: 4 * time.Second, Silence: 6 * time.Second, Cut: now}
	m.path("aged").WebSocket = pace{Life: time.Minute, Age: time.Minute, Died: now}

	b, err := json.Marshal(&m)
	require.NoError(t, err)
	var again Memory
	require.NoError(t, json.Unmarshal(b, &again))
	require.True(t, again.good("good", now))
	no, ok := again.begin("bad", now)
	require.False(t, ok)
	require.Equal(t, ReasonRefused, no.why)
	require.Equal(t, 4*time.Second, again.hold("silent", onHTTP, now))
	require.Zero(t, again.hold("silent", onSocket, now))
	require.Equal(t, time.Minute, again.life("aged", now))
	again.Forget()
	require.False(t, again.good("good", now))
	require.Zero(t, again.life("aged", now))
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
		_, ok := m.begin("a", now)
		require.True(t, ok, text)
		require.False(t, m.good("a", now), text)
		require.Zero(t, m.hold("a", onSocket, now), text)
		require.Zero(t, m.hold("a", onHTTP, now), text)
		require.Zero(t, m.life("a", now), text)
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
		m.proved(strings.Repeat("x", n%97)+string(rune(n)), time.Now())
	}
	require.LessOrEqual(t, len(m.paths), maxPaths)
}
