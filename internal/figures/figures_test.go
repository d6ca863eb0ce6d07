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

// TestRestart: the outage in which the pauses have had the time to spread.
func TestRestart(t *testing.T) {
	const sessions, outage = 700, 10 * time.Second
	for _, mode := range []fallback.Mode{fallback.Auto, fallback.LongPollingOnly} {
		synctest.Test(t, func(t *testing.T) {
			h, closest := comesBack(t, mode, outage, sessions)
			require.GreaterOrEqual(t, h.mean, float64(enough))
			h.check(t, outage, closest)
		})
	}
}
