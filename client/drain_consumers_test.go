package client_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/client"
)

// TestDrainTellsConsumersApart: another consumer that comes, or waits no longer,
// has not handled what one has in hands for five seconds.
func TestDrainTellsConsumersApart(t *testing.T) {
	const handling = 5 * time.Second
	poll := func(x *crowd, sub *client.Subscription) {
		for {
			if _, err := next(x.T, sub, time.Second); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				return
			}
		}
	}
	loop := func(x *crowd, sub *client.Subscription) {
		for _, err := range sub.Messages(x.Context()) {
			if err == nil {
				time.Sleep(handling)
			}
		}
	}
	call := func(x *crowd, sub *client.Subscription) {
		for {
			if _, err := sub.Next(x.Context()); err != nil {
				return
			}
			time.Sleep(handling)
		}
	}
	for name, tc := range map[string]struct {
		first, other func(*crowd, *client.Subscription)
		before       bool // the other waits when the message comes
	}{
		"loops":                           {loop, loop, false},
		"loops that waited":               {loop, loop, true},
		"a loop and calls":                {loop, call, false},
		"a loop and one that polls":       {loop, poll, false},
		"calls that waited":               {call, call, true},
		"a call and one that polled":      {call, poll, true},
		"a call and a loop":               {call, loop, false},
		"a call, and one that only tries": {call, func(x *crowd, sub *client.Subscription) { _, _ = next(x.T, sub, time.Second) }, false},
		"a call alone":                    {call, func(*crowd, *client.Subscription) {}, false},
		"a call that left": {func(x *crowd, sub *client.Subscription) {
			_, _ = sub.Next(x.Context())
			time.Sleep(handling)
			_, _ = sub.Next(ended())
		}, func(*crowd, *client.Subscription) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			onCrowd(t, func(x *crowd) {
				sub := x.join(1, 0)[0]
				var all sync.WaitGroup
				all.Go(func() { tc.first(x, sub) })
				synctest.Wait()
				if tc.before {
					all.Go(func() { tc.other(x, sub) })
				}
				time.Sleep(1500 * time.Millisecond)
				require.NoError(x, x.servers[0].Publish("/a", 1))
				begun := time.Now()
				time.Sleep(100 * time.Millisecond)
				if !tc.before {
					all.Go(func() { tc.other(x, sub) })
				}
				time.Sleep(1500 * time.Millisecond)
				require.NoError(x, <-x.drain(time.Minute))
				require.InDelta(x, handling, time.Since(begun), float64(time.Second+100*time.Millisecond), "the one that has the message is waited for, and nobody else")
				all.Wait()
			}, nil)
		})
	}
}

// ended is a context that is over.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestWhatEndsADial: Close and Drain, once or several times at once, end a Dial
// that is under way, whatever it waits for, at once and with what they say.
func TestWhatEndsADial(t *testing.T) {
	for end, tc := range map[string]struct {
		call func(d *client.Dialer)
		err  error
	}{
		"Close":           {func(d *client.Dialer) { d.Close() }, client.ErrClosed},
		"Drain":           {func(d *client.Dialer) { _ = d.Drain(context.Background()) }, client.ErrDraining},
		"a drain in time": {func(d *client.Dialer) { _ = d.Drain(ended()) }, client.ErrDraining},
	} {
		for wait, o := range map[string]*client.Options{
			"the network": {KeepDialing: true},
			"the Credentials": {Credentials: func(ctx context.Context, _ *client.Credential) (*client.Credential, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}},
			"its next try": {KeepDialing: true},
		} {
			for _, mode := range modes {
				t.Run(end+" "+wait+" "+mode.String(), func(t *testing.T) {
					onCrowd(t, func(x *crowd) {
						x.dialer.Policy.Mode = mode
						x.net.BlackHole(host(0), wait == "the network")
						x.net.Refuse(host(0), wait == "its next try")
						done := make(chan error, 1)
						go func() {
							_, err := x.dialer.Dial(x.Context(), "http://"+host(0)+"/cometd", o)
							done <- err
						}()
						time.Sleep(3 * time.Second)
						begun := time.Now()
						var all sync.WaitGroup
						for range 3 {
							all.Go(func() { tc.call(x.dialer) })
						}
						err := <-done
						all.Wait()
						require.LessOrEqual(x, time.Since(begun), 100*time.Millisecond)
						require.ErrorIs(x, err, tc.err)
						var op *client.OpError
						require.ErrorAs(x, err, &op)
						require.Equal(x, "dial", op.Op)
						_, err = x.dialer.Dial(x.Context(), "http://"+host(0)+"/cometd", nil)
						require.ErrorIs(x, err, tc.err)
						require.ErrorAs(x, err, &op)
					}, nil)
				})
			}
		}
	}
}
