package transporttest

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/transport"
)

const (
	address, path = "server:80", "/cometd"
	// patience is more than any pipe may take for anything here, in virtual time.
	patience = time.Minute
	// closeLimit is what Close may take whatever the network does.
	closeLimit = 100 * time.Millisecond
)

// A rig is a network with one server, and a pipe to it with a scripted Handler.
type rig struct {
	require.TestingT
	Pipe
	net              *memnet.Network
	bayeux           *server
	h                *Handler
	pipe             transport.Transport
	goroutinesBefore int // goroutines before the pipe was opened

	onCall    func()                                  // called in each Handler method
	onReceive func(transport.LegID, []bayeux.Message) // called in Receive

	mu sync.Mutex
	session
}

func newRig(t require.TestingT, p Pipe) *rig {
	r := &rig{TestingT: t, Pipe: p, net: memnet.New(), h: new(Handler), onCall: func() {}}
	r.bayeux = serve(t, r.net, p.Server)
	r.hooks()
	synctest.Wait()
	r.goroutinesBefore = goroutines()
	n := &transport.SharedConfig{
		DialContext: r.net.DialContext,
		Proxy:       http.ProxyURL(nil),
	}
	s := transport.NewSessionConfig(n, &transport.Target{URL: &url.URL{Scheme: "http", Host: address, Path: path}})
	s.Jar, _ = cookiejar.New(nil)
	r.pipe = Check(p.Open)(s, r.h)
	return r
}

// close closes the pipe and looks for what it left behind.
func (r *rig) close() {
	start := time.Now()
	require.NoError(r, r.pipe.Close())
	require.LessOrEqual(r, time.Since(start), closeLimit, "Close waited for the network")
	synctest.Wait()
	require.LessOrEqual(r, goroutines(), r.goroutinesBefore, "goroutines are left after Close")

	closed := r.h.Record()
	require.NoError(r, r.pipe.Close(), "closed again")
	r.pipe.Wake(transport.LaneCommands)
	r.pipe.Wake(transport.LaneConnect)
	time.Sleep(patience)
	require.Equal(r, closed.Asked, r.h.Record().Asked, "asked after Close")
	for _, d := range closed.Draws {
		require.NotNil(r, closed.Ended(d.Leg.ID), "a leg that carried a batch has not ended")
	}
	r.sentOnce(closed)
}

// sentOnce holds the pipe to never sending a batch again by itself.
func (r *rig) sentOnce(rec Record) {
	sent := map[string]int{}
	for _, d := range rec.Draws {
		for _, m := range d.Batch {
			sent[m.ID]++
		}
	}
	for _, f := range r.bayeux.took() {
		for _, m := range f {
			if n, ours := sent[m.ID]; ours && !(r.Probes && m.Channel == bayeux.MetaConnect) {
				require.Positive(r, n, "message %s came to the server more often than it was drawn", m.ID)
				sent[m.ID]--
			}
		}
	}
}

// stop clears away, also after a case that failed half-way.
func (r *rig) stop() {
	defer synctest.Wait()
	defer r.bayeux.Close()
	r.mu.Lock()
	r.keepsConnecting = false
	r.mu.Unlock()
	_ = r.pipe.Close()
	r.net.Stall(address, false, false)
}
