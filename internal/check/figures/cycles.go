package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

const workers = 8 // cycles at a time

// cycles begins and closes n sessions of one Dialer, on both transports, some of
// them while something fails, and then closes the Dialer: there are as many
// goroutines and file descriptors as before.
func cycles(t *testing.T, n int) {
	d, server := open(t, bayeuxtest.Options{Request: func(w http.ResponseWriter, r *http.Request) bool {
		fails := r.Header.Get("X-Fail") != ""
		if fails {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return fails
	}})
	defer server.Close()
	good, err := json.Marshal(proven(t, server.URL)) // and whatever Go opens once, is open
	require.NoError(t, err)
	memory := new(fallback.Memory)
	dialer := &client.Dialer{Policy: fallback.Policy{Memory: memory}}
	before := leftovers(t, left{})
	var mu sync.Mutex
	var all sync.WaitGroup
	start, did := time.Now(), map[string]int{}
	for w := range workers {
		all.Go(func() {
			for i := w; i < n; i += workers {
				_ = json.Unmarshal(good, memory) // sockets that are reset so often are left alone
				word := cycle(t, dialer, d, server.URL, i)
				mu.Lock()
				did[word]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	took := time.Since(start)
	dialer.Close()
	after := leftovers(t, before)
	fmt.Printf("  %d cycles in %v: %v\n  before: %v; after: %v\n", n, took.Round(time.Second), did, before, after)
	require.Equal(t, before, after)
	require.Positive(t, did["closed on "+transport.WebSocket])
	require.Positive(t, did["closed on "+transport.LongPolling])
	require.Less(t, did["no session"], n/2)
}

// cycle is one session, and tells what it came to. Others are reset meanwhile, and
// then it is: nothing that fails is wrong here.
func cycle(t *testing.T, dialer *client.Dialer, d *door, url string, i int) string {
	ctx, cancel := within(t)
	defer cancel()
	o := &client.Options{}
	switch i % 10 {
	case 8:
		ctx, cancel = context.WithTimeout(ctx, rand.N(5*time.Millisecond))
		defer cancel()
	case 9:
		o.Header = http.Header{"X-Fail": {"1"}}
	}
	c, err := dialer.Dial(ctx, url, o)
	if err != nil {
		return "no session"
	}
	defer c.Close()
	switch i % 10 {
	case 0:
		_ = c.Ready(ctx)
	case 1:
		for k := 0; k < 100 && c.Status().Transport != transport.WebSocket; k++ {
			time.Sleep(time.Millisecond)
		}
	case 2, 3:
		_, _ = c.Subscribe(ctx, "/a", nil)
		_ = c.Publish(ctx, "/a", i)
	case 4:
		d.reset(true)
		return "closed while it was reset"
	case 5:
		_ = c.Disconnect(ctx)
		return "said goodbye"
	}
	return "closed on " + c.Status().Transport
}

// left is what a process has.
type left struct{ goroutines, files int }

func (l left) String() string {
	if l.files < 0 {
		return fmt.Sprintf("%d goroutines", l.goroutines)
	}
	return fmt.Sprintf("%d goroutines, %d file descriptors", l.goroutines, l.files)
}

// leftovers waits until there is no more than was wanted, or for what there is
// when it no longer changes, and returns what there is.
func leftovers(t *testing.T, wanted left) left {
	now, since := left{}, time.Now()
	for start := time.Now(); time.Since(start) < patient && time.Since(since) < 2*time.Second; time.Sleep(20 * time.Millisecond) {
		was := now
		now = left{runtime.NumGoroutine(), files(t)}
		if now == wanted {
			break
		}
		if now != was {
			since = time.Now()
		}
	}
	return now
}

// files is how many file descriptors are open; -1: the system does not say.
func files(t *testing.T) int {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return -1
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	require.NoError(t, err)
	return len(names)
}
