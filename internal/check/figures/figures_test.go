package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/turold/turold/fallback"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestFigures measures a few of each, for what is counted.
func TestFigures(t *testing.T) {
	for _, f := range figures {
		if f.few > 0 {
			t.Run(f.name, func(t *testing.T) { f.paint(t, f.few) })
		}
	}
}

// TestRestart: few sessions in each mode, and in one as many as a histogram needs.
func TestRestart(t *testing.T) {
	const outage = 10 * time.Second // in which the pauses have had the time to spread
	for mode, sessions := range map[fallback.Mode]int{fallback.Auto: 50, fallback.WebSocketFirst: 50, fallback.LongPollingOnly: 700} {
		synctest.Test(t, func(t *testing.T) {
			h, closest := comesBack(t, mode, outage, sessions)
			h.check(t, outage, closest)
			require.Equal(t, mode == fallback.LongPollingOnly, h.mean >= enough)
		})
	}
}
