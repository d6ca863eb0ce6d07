package fidelity

import (
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var save = flag.String("save", "", "a directory to write the traces of bayeuxtest to, beside comparing them")

// profiles are the kept traces that bayeuxtest is held to.
var profiles = []struct {
	name    string
	profile bayeuxtest.Profile
}{
	{"cometd9", bayeuxtest.CometD},
	{"cometd7", bayeuxtest.CometD7},
	{"cometd5", bayeuxtest.CometD5},
	{"faye", bayeuxtest.Faye},
}

func TestTestServerDoesWhatTheRealOnesDo(t *testing.T) {
	for _, p := range profiles {
		for _, kind := range []string{transport.LongPolling, transport.WebSocket} {
			name := p.name + "." + kind
			t.Run(name, func(t *testing.T) {
				var got string
				synctest.Test(t, func(t *testing.T) { got = Run(t, inProcess(p.profile), kind) })
				if *save != "" {
					require.NoError(t, os.WriteFile(filepath.Join(*save, name+".txt"), []byte(got), 0o644))
				}
				want, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
				require.NoError(t, err)
				require.Empty(t, Diff(string(want), got))
			})
		}
	}
}

// inProcess is a lab of bayeuxtest servers.
func inProcess(p bayeuxtest.Profile) *Lab {
	network := memnet.New()
	network.SetLatency(time.Millisecond)
	ports := 0
	return &Lab{
		DialContext: network.DialContext,
		Calls:       p != bayeuxtest.Faye, Goodbyes: p != bayeuxtest.Faye,
		Start: func(t *testing.T, maxInterval time.Duration) Server {
			ports++
			l, err := network.Listen("server:" + string(rune('0'+ports)))
			require.NoError(t, err)
			s := bayeuxtest.New(&bayeuxtest.Options{Profile: p, Timeout: Timeout, MaxInterval: maxInterval, Authorize: deny(p)})
			s.Handle("/service/echo", func(_ *bayeuxtest.Session, m bayeux.Message) (any, error) { return m.Data, nil })
			r := bayeuxtest.Serve(l, "/cometd", s, nil)
			t.Cleanup(func() { _ = r.Close() })
			return &running{r}
		},
	}
}

// deny is the policy that the real servers have too, in their words.
func deny(p bayeuxtest.Profile) func(*http.Request, bayeux.Message) string {
	return func(_ *http.Request, m bayeux.Message) string {
		subscribes := m.Channel == bayeux.MetaSubscribe
		if p == bayeuxtest.Faye { // its extension looks at one channel only
			ch := m.Channel
			if subscribes && len(m.Meta.Subscription) > 0 {
				ch = m.Meta.Subscription[0]
			}
			if strings.HasPrefix(string(ch), "/deny/") {
				return "403:" + string(ch) + ":Forbidden channel"
			}
			return ""
		}
		denied := func(ch bayeux.Channel) bool { return strings.HasPrefix(string(ch), "/deny/") }
		switch {
		case subscribes && slices.ContainsFunc(m.Meta.Subscription, denied):
			return "403:denied_by_security_policy:create_denied"
		case denied(m.Channel):
			return "403:denied_by_security_policy:channel_create_denied"
		}
		return ""
	}
}

type running struct{ *bayeuxtest.Running }

func (r *running) URL() string { return r.Running.URL }
func (r *running) Publish(channel string, n int) error {
	return r.Running.Publish(bayeux.Channel(channel), word{"n": n})
}
func (r *running) Forget() error     { r.Running.Forget(""); return nil }
func (r *running) Disconnect() error { r.Running.Disconnect(""); return nil }
func (r *running) Stop() error       { return errors.Join(r.Running.Close()) }
