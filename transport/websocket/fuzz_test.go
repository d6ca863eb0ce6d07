package websocket

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/suite/attacks"
	"github.com/turold/turold/transport"
	"github.com/turold/turold/transport/transporttest"
)

// FuzzServer has a server say anything at all, before or after the 101, and
// hang up; {accept} in it is the right one. The leg ends once, nothing panics, and an error quotes nothing of it.
func FuzzServer(f *testing.F) {
	for _, s := range []string{"", "\x81\x02[]", "\x82\x02[]", "\x88\x02\x03\xe9", "\x8a\x00", "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\xc1\x01a", "HTTP/1.1 101\r\n\r\n"} {
		f.Add(true, []byte(s))
		f.Add(false, []byte(s))
	}
	for _, s := range attacks.Frames() {
		f.Add(true, s)
	}
	for _, s := range attacks.Upgrades() {
		f.Add(false, s)
	}
	f.Fuzz(func(t *testing.T, opens bool, said []byte) {
		s := transport.NewSessionConfig(&transport.SharedConfig{
			Proxy:       http.ProxyURL(nil),
			DialContext: piped(opens, said),
		}, &transport.Target{URL: mustURL("http://server")})
		h := new(transporttest.Handler)
		p := transporttest.Check(Open)(s, h)
		h.Queue(transport.LaneCommands, bayeux.Message{Channel: "/a", ID: "1"})
		p.Wake(transport.LaneCommands)
		rec, ok := h.Await(30*time.Second, func(r transporttest.Record) bool { return len(r.Ends) > 0 })
		require.True(t, ok)
		require.NoError(t, p.Close())
		require.Len(t, h.Record().Ends, 1)
		err := rec.Ends[0].Err
		require.NotNil(t, err)
		require.Less(t, len(err.Error()), 200)
		var network *net.OpError
		if len(said) > 8 && !errors.As(err, &network) {
			require.False(t, strings.Contains(err.Error(), string(said)))
		}
	})
}
