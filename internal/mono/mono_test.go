package mono

import (
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
