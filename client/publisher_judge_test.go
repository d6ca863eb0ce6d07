package client_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/client"
	"github.com/turold/turold/internal/testutil/verdict"
	"github.com/turold/turold/transport"
)

// judgeReceipts compares what was said of our publishes with what the server took.
func (p *publishing) judgeReceipts() {
	for n, r := range p.receipts {
		err := r.Wait(p.Context())
		p.mu.Lock()
		arrived := p.arrived[data(n)]
		p.mu.Unlock()
		word, honest := verdict.Publish(err, arrived)
		settled := word == "arrived" || word == "refused"
		honest = honest && (!settled || (word == "refused") == (r.channel == "/deny/own"))
		require.True(p, honest, "publish %d, which arrived %d times, is told: %v", n, arrived, err)
		require.True(p, p.cuts > 0 || settled, "publish %d of which nothing was lost: %v", n, err)
	}
}

// judge looks at what the subscriptions have got.
func (p *publishing) judge(sub, own *client.Subscription) {
	events, gaps := p.all(sub)
	var good []int
	odd := 0
	for _, e := range events {
		if n, ok := strings.CutPrefix(e, `"good `); ok {
			n, _ := strconv.Atoi(strings.TrimSuffix(n, `"`))
			good = append(good, n)
		} else {
			odd++
		}
	}
	ack := p.c.Status().Ack
	if !ack && p.c.Status().Transport == transport.LongPolling || !ack && p.auto() {
		slices.Sort(good) // there are commands under way
	}
	require.True(p, slices.IsSorted(good), "%v", good)
	require.Len(p, slices.Compact(slices.Clone(good)), len(good), "events come twice: %v", good)
	require.LessOrEqual(p, odd, p.odd)
	require.True(p, odd == p.odd || gaps > 0, "%d of %d odd events are missing, untold", p.odd-odd, p.odd)
	if ack || p.cuts == 0 {
		require.Len(p, good, p.good, "%v", good)
	} else {
		require.True(p, len(good) == p.good || gaps > 0, "%v of %d", good, p.good)
	}
	mine, gaps := p.all(own)
	for n, r := range p.receipts {
		if r.channel == "/own" && r.Wait(p.Context()) == nil {
			times := 0
			for _, e := range mine {
				if e == data(n) {
					times++
				}
			}
			require.True(p, times > 0 || p.cuts > 0 && gaps > 0 && !ack, "our own publish %d never came back", n)
		}
	}
}

// patience is for what comes late, on Faye by a poll that no longer hears of
// events because a socket of its session was closed: with the next one.
const patience = time.Minute

// all are the events that a subscription has, and how many gaps stand between them.
func (p *publishing) all(sub *client.Subscription) (events []string, gaps int) {
	for until := time.Now().Add(patience); ; {
		data, err := next(p.T, sub, time.Until(until))
		var gap *client.GapError
		switch {
		case errors.As(err, &gap):
			gaps++
		case err != nil:
			require.NoError(p, p.c.Err())
			return events, gaps
		case data != "":
			events = append(events, data)
		}
	}
}
