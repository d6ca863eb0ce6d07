package turold_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
)

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New() // inside the bubble
		network.SetLatency(20 * time.Millisecond)
		listener, err := network.Listen("server:80")
		if err != nil {
			t.Fatal(err)
		}
		server := bayeuxtest.Serve(listener, "/cometd", bayeuxtest.New(nil), nil)
		defer server.Close()

		dialer := &client.Dialer{DialContext: network.DialContext, Proxy: http.ProxyURL(nil)}
		defer dialer.Close()
		c, err := dialer.Dial(t.Context(), "http://server:80/cometd", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()

		network.Reset("server:80")        // every connection breaks
		network.Refuse("server:80", true) // and no new one opens
		time.Sleep(time.Hour)             // of the bubble
		network.Refuse("server:80", false)
		if err := c.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestOutageIsInTheDocuments: docs/testing.md shows TestOutage as it stands here.
func TestOutageIsInTheDocuments(t *testing.T) {
	here, err := os.ReadFile("outage_test.go")
	require.NoError(t, err)
	page, err := os.ReadFile(filepath.Join("docs", "testing.md"))
	require.NoError(t, err)
	_, shown, ok := strings.Cut(string(page), "```go\nfunc TestOutage(")
	require.True(t, ok)
	shown, _, _ = strings.Cut(shown, "```")
	require.Contains(t, string(here), "func TestOutage("+shown)
}
