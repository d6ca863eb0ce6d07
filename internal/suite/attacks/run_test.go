package attacks_test

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/internal/suite/attacks"
	"github.com/turold/turold/transport"
)

const (
	deadline = time.Second      // for an answer, where the attack is that none comes
	patience = 3 * deadline     // of the user, for one call, there
	recovery = 20 * time.Second // until a session serves again, and for everything else: generous
)

// hurried reports whether it is by a deadline that the attack is to be seen.
func (r *run) hurried() bool {
	s := r.attack.Sees
	return s.Late || s.Lacking
}

// within is the time for one call, and for one answer.
func (r *run) within() (call, answer time.Duration) {
	if r.hurried() {
		return patience, deadline
	}
	return recovery, recovery
}

// A run is one attack on one client.
type run struct {
	*testing.T
	attack attacks.Attack
	server *attacks.Server
	dialer *client.Dialer
	c      *client.Client

	mu     sync.Mutex
	errs   []error // whatever the user was told
	dialed []string
}

func start(t *testing.T, a attacks.Attack, mode fallback.Mode) *run {
	server, err := attacks.Start(a)
	require.NoError(t, err)
	r := &run{T: t, attack: a, server: server}
	r.dialer = &client.Dialer{
		Policy: fallback.Policy{Mode: mode, Patience: deadline},
		Limits: transport.Limits{Unacknowledged: 2 * attacks.Limit},
		Proxy:  http.ProxyURL(nil),
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			r.mu.Lock()
			r.dialed = append(r.dialed, addr)
			r.mu.Unlock()
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
		Trace: &client.Trace{
			State:    func(_ *client.Client, _, _ client.State, cause error) { r.tell(cause) },
			Exchange: func(_ *client.Client, x client.Exchange) { r.tell(x.Err) },
		},
	}
	return r
}

func (r *run) tell(err error) {
	var gap *client.GapError
	if err == nil || errors.As(err, &gap) || errors.Is(err, client.ErrClosed) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

// told is what the user was told so far.
func (r *run) told() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.errs)
}

// brief is what the user was told, for the log.
func (r *run) brief() string {
	var all []string
	for _, err := range r.told() {
		s := err.Error()
		all = append(all, s[:min(len(s), 150)])
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), "; ")
}

// dial begins the session, with secrets wherever there may be some.
func (r *run) dial() error {
	site := "http://canary:canary@" + r.server.Addr() + "/cometd?token=canary"
	if r.attack.Place == attacks.AsTunnel {
		site = "https://canary:canary@server.invalid/cometd?token=canary"
		r.dialer.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: r.server.Addr(), User: url.UserPassword("canary", "canary")})
	}
	call, answer := r.within()
	ctx, cancel := context.WithTimeout(r.Context(), call)
	defer cancel()
	var err error
	r.c, err = r.dialer.Dial(ctx, site, &client.Options{
		Header: http.Header{"X-Token": {"canary"}}, Ext: map[string]string{"token": "canary"},
		NoAck: !r.attack.Ack, NetworkDelay: answer,
	})
	r.tell(err)
	return err
}

// subscribe waits for the server's word on the channel of the events.
func (r *run) subscribe() *client.Subscription {
	ctx, cancel := context.WithTimeout(r.Context(), recovery)
	defer cancel()
	sub, err := r.c.Subscribe(ctx, attacks.Event, nil)
	r.tell(err)
	if r.attack.Sees.Ends && err != nil {
		return nil
	}
	require.NoError(r, err)
	return sub
}

// publish publishes once.
func (r *run) publish(n int) error {
	call, _ := r.within()
	ctx, cancel := context.WithTimeout(r.Context(), call)
	defer cancel()
	err := r.c.Publish(ctx, attacks.Event, n)
	r.tell(err)
	return err
}

// serves publishes until an event comes back.
func (r *run) serves(sub *client.Subscription) bool {
	for n, start := 100, time.Now(); time.Since(start) < recovery; n++ {
		if r.publish(n) == nil && r.arrives(sub, n) {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

func (r *run) arrives(sub *client.Subscription, n int) bool {
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	for item, err := range sub.Messages(ctx) {
		r.tell(cmp.Or(err, item.Problem()))
		m, ok := item.Value()
		require.NotEqual(r, `"nobody asked"`, string(m.Data))
		if ok && string(m.Data) == strconv.Itoa(n) {
			return true
		}
	}
	return false
}

// sees reports whether an error is what the attack is to be seen as.
func sees(s attacks.Sees, err error) bool {
	var op *client.OpError
	var pipe *transport.Error
	var server *bayeux.Error
	late := errors.Is(err, client.ErrNoReply) || errors.Is(err, context.DeadlineExceeded)
	refused, reached := errors.As(err, &server), errors.As(err, &pipe)
	fails := errors.As(err, &op) && !refused && !reached
	switch {
	case s.Op != "" && (!reached || !slices.Contains(strings.Split(s.Op, "|"), pipe.Op)):
	case s.Status != 0 && (!reached || pipe.Status != s.Status):
	case s.TooLarge && !errors.Is(err, bayeux.ErrTooLarge):
	case s.Late && !late:
	case s.Refused && !refused:
	case s.Left && !errors.Is(err, client.ErrServerEnded):
	case s.Fails && !fails:
	case s.Lacking && !fails && !late && !errors.Is(err, bayeux.ErrTooLarge) && (!reached || pipe.Op != "cut" && pipe.Op != "decode"):
	default:
		return true
	}
	return false
}
