package mono

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := Now()
		require.False(t, first.IsZero())
		require.True(t, Time{}.Before(first.Add(-time.Hour)))
		require.True(t, Time{}.IsZero())
		time.Sleep(time.Second)
		require.Equal(t, time.Second, Since(first))
		require.Equal(t, -time.Second, Until(first))
		second := first.Add(time.Second)
		require.Equal(t, Now(), second)
		require.True(t, first.Before(second))
		require.True(t, second.After(first))
		require.False(t, first.After(second))
		require.False(t, first.Before(first))
		require.Equal(t, time.Second, second.Sub(first))
	})
}

// TestArithmeticSaturates: what is too far to be said is never, and no duration
// makes an instant none, or moves it to the other side of now.
func TestArithmeticSaturates(t *testing.T) {
	now := Of(time.Now())
	for _, d := range []time.Duration{math.MaxInt64, math.MaxInt64 - 1, 250 * 365 * 24 * time.Hour} {
		require.Equal(t, Never, now.Add(d))
		require.Equal(t, Never, now.Add(d).Add(d))
		require.True(t, now.Add(d).After(now.Time))
		require.True(t, now.Add(-d).Before(now.Time))
		require.False(t, now.Add(-d).IsZero())
		require.Negative(t, now.Add(-d).Sub(Never))
		require.Positive(t, now.Add(d).Sub(now.Add(-d)))
	}
	require.True(t, now.Add(math.MinInt64).Before(now.Time))
	require.Equal(t, Never, now.At(time.Unix(1<<40, 0)))
	require.True(t, now.At(time.Unix(-1<<40, 0)).Before(now.Time))
	require.True(t, now.Clock(Never).After(now.Wall))
	require.Equal(t, now.Time, Earliest(Never, now.Time))
	at := Never
	require.False(t, Due(&at, now.Time))
}

func TestEarliest(t *testing.T) {
	now := Now()
	require.Equal(t, now, Earliest(Time{}, now.Add(1), now, Time{}))
	require.True(t, Earliest(Time{}).IsZero())
}

func TestDue(t *testing.T) {
	now := Now()
	at := now
	require.False(t, Due(&at, now.Add(-1)))
	require.Equal(t, now, at)
	require.True(t, Due(&at, now))
	require.True(t, at.IsZero())
	require.False(t, Due(&at, now), "none is never due")
}

// TestMoment goes from one clock to the other, also with times that say nothing
// of the monotonic one, as those that were written down.
func TestMoment(t *testing.T) {
	require.Contains(t, base.String(), " m=", "it has a monotonic reading")
	now := Of(time.Now())
	for _, d := range []time.Duration{0, time.Minute, -time.Minute} {
		require.Equal(t, now.Add(d), now.At(now.Wall.Add(d)))
		require.Equal(t, now.Wall.Add(d), now.Clock(now.Add(d)))
		require.Equal(t, now.Add(d), now.At(now.Wall.Add(d).Round(0)))
	}
	require.True(t, now.At(time.Time{}).IsZero())
	require.True(t, now.Clock(Time{}).IsZero())
}
