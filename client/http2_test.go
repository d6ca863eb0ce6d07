package client_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/internal/testutil/testnet"
)

// TestHeldPollsKeepNobodyWaiting: a server that allows few streams on an HTTP/2
// connection holds the polls of many sessions, and every command is answered all
// the same while they are held.
func TestHeldPollsKeepNobodyWaiting(t *testing.T) {
	const sessions, streams = 30, 4
	synctest.Test(t, func(t *testing.T) {
		net := memnet.New()
		net.SetLatency(latency)
		l, err := net.Listen("server:443")
		require.NoError(t, err)
		server := bayeuxtest.New(nil)
		conf, trust := testnet.Certify("server")
		conf.NextProtos = []string{"h2"}
		var wg sync.WaitGroup
		web := &http.Server{TLSConfig: conf, Handler: server, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: streams}}
		wg.Go(func() { _ = web.ServeTLS(l, "", "") })

		d := &client.Dialer{Policy: fallback.Policy{Mode: fallback.LongPollingOnly}, TLS: trust,
			DialContext: net.DialContext, Proxy: http.ProxyURL(nil)}
		var all []*client.Client
		for range sessions {
			c, err := d.Dial(t.Context(), "https://server/cometd", nil)
			require.NoError(t, err)
			all = append(all, c)
		}
		time.Sleep(2 * time.Second)
		held := server.Stats().Connects
		start := time.Now()
		for _, c := range all {
			wg.Go(func() { require.NoError(t, c.Publish(t.Context(), "/a", 1)) })
		}
		time.Sleep(time.Second)
		require.Equal(t, sessions, server.Stats().Publishes)
		require.Equal(t, held, server.Stats().Connects, "all polls are held")
		t.Logf("%d sessions, %d streams a connection: %d connections, at %v", sessions, streams, net.Dials("server:443"), time.Since(start))

		d.Close()
		require.NoError(t, server.Close())
		require.NoError(t, web.Close())
		net.Reset("server:443")
		wg.Wait()
		time.Sleep(time.Second)
	})
}
