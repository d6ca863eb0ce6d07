package client_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// A badReply is one way of a server, or of a proxy in its place, to answer
// wrongly for a minute, and what becomes of a session that was in order.
type badReply struct {
	name string
	long outcome // by long-polling; zero: it cannot happen there
	sock outcome // on a WebSocket
	make func(*fault)
}

// An outcome is what was seen, and the most requests that the minute may see:
// HTTP requests, and frames on a WebSocket.
type outcome struct {
	does string // what the session does next
	sees string // what the application sees: of a publish in that minute, of its subscription, of the session
	most int
}

// A fault is how the server errs while on is set.
type fault struct {
	on      atomic.Bool
	http    func(w http.ResponseWriter, r *http.Request) bool // answers in the server's place
	rewrite func(ms []bayeux.Message, body []byte) []byte
	begin   func(*stack, *client.Subscription) // once, when it begins
	options bayeuxtest.Options
}

func status(code int, header ...string) func(*fault) {
	return func(f *fault) {
		f.begin = cut
		f.http = func(w http.ResponseWriter, _ *http.Request) bool {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			return true
		}
	}
}

// cut breaks the sockets, so that an upgrade is what the fault meets.
func cut(s *stack, _ *client.Subscription) { s.server.CutAll() }

// page answers everything with a page, in frames too.
func page(kind, body string) func(*fault) {
	return func(f *fault) {
		f.http = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Upgrade") != "" {
				return false
			}
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write([]byte(body))
			return true
		}
		f.rewrite = func([]bayeux.Message, []byte) []byte { return []byte(body) }
	}
}

// rewrite changes what is written.
func rewrite(f func(ms []bayeux.Message, body []byte) []byte) func(*fault) {
	return func(x *fault) { x.rewrite = f }
}

// onConnect changes a /meta/connect's reply that is written.
func onConnect(change func(m *bayeux.Message)) func(*fault) {
	return rewrite(func(ms []bayeux.Message, body []byte) []byte {
		ms = slices.Clone(ms)
		for i := range ms {
			if ms[i].Channel == bayeux.MetaConnect {
				meta := *ms[i].Meta
				ms[i].Meta = &meta
				change(&ms[i])
			}
		}
		return bayeux.Append(nil, ms)
	})
}

func advise(a bayeux.Advice) func(*fault) {
	return onConnect(func(m *bayeux.Message) { m.Meta.Advice = &a })
}

// rawAdvice puts text where a connect's reply has its advice.
func rawAdvice(text string) func(*fault) {
	return func(f *fault) {
		onConnect(func(m *bayeux.Message) { m.Meta.Advice = nil })(f)
		bare := f.rewrite
		f.rewrite = func(ms []bayeux.Message, body []byte) []byte {
			const connect = `"channel":"/meta/connect"`
			return []byte(strings.Replace(string(bare(ms, body)), connect, connect+`,"advice":`+text, 1))
		}
	}
}

// without leaves messages out.
func without(drop func(m bayeux.Message) bool) func(*fault) {
	return rewrite(func(ms []bayeux.Message, _ []byte) []byte {
		return bayeux.Append(nil, slices.DeleteFunc(slices.Clone(ms), drop))
	})
}

// forgets has the server forget the session, and does something that finds out.
func forgets(then func(s *stack, sub *client.Subscription)) func(*fault) {
	return func(f *fault) {
		f.begin = func(s *stack, sub *client.Subscription) {
			s.server.Forget("")
			then(s, sub)
		}
	}
}

// sight is what is seen of a session.
type sight struct {
	*stack
	f        *fault
	requests atomic.Int64
	sub      *client.Subscription

	mu   sync.Mutex
	data []string
	gaps []string
}

// look plays one row on one transport, and returns what was seen.
func (b *badReply) look(t *testing.T, mode fallback.Mode) (got outcome) {
	s := &sight{stack: &stack{T: t, net: memnet.New()}, f: new(fault)}
	b.make(s.f)
	s.net.SetLatency(latency)
	o := s.f.options
	take := o.Take
	o.Take = func(ms []bayeux.Message) {
		if s.f.on.Load() && mode == fallback.WebSocketOnly {
			s.requests.Add(1)
		}
		if take != nil {
			take(ms)
		}
	}
	o.Request = func(w http.ResponseWriter, r *http.Request) bool {
		if !s.f.on.Load() {
			return false
		}
		s.requests.Add(1)
		return s.f.http != nil && s.f.http(w, r)
	}
	o.Rewrite = func(ms []bayeux.Message, body []byte) []byte {
		if s.f.on.Load() && s.f.rewrite != nil {
			return s.f.rewrite(ms, body)
		}
		return body
	}
	s.serve(&o)
	s.dialer = &client.Dialer{Policy: fallback.Policy{Mode: mode}, DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil)}
	defer s.close()
	var err error
	s.c, err = s.dialer.Dial(t.Context(), site, nil)
	require.NoError(t, err)
	s.sub, err = s.c.Subscribe(t.Context(), "/a", nil)
	require.NoError(t, err)
	time.Sleep(5 * time.Second)

	reader, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.read(reader) })
	defer wg.Wait()
	defer stop()

	failures, sessions := s.dialer.Stats().Failures, s.c.Status().Session
	s.f.on.Store(true)
	require.NoError(t, s.server.Publish("/a", "during"))
	if s.f.begin != nil {
		s.f.begin(s.stack, s.sub)
	}
	time.Sleep(time.Second)
	published := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	wg.Go(func() { published <- s.c.Publish(ctx, "/b", 1) })
	time.Sleep(time.Minute - time.Second)
	got.most = int(s.requests.Load())
	status := s.c.Status()
	switch {
	case status.State == client.StateClosed:
		got.does = "ends"
	case status.Session-sessions > 1:
		got.does = "begins new sessions"
	case status.Session > sessions:
		got.does = "begins a new session"
	case s.dialer.Stats().Failures > failures:
		got.does = "tries again"
	default:
		got.does = "goes on"
	}
	s.f.on.Store(false)
	sees := []string{"publish " + told(<-published)}

	// Whatever it was, it passes: the session works again, or has said that it is over.
	time.Sleep(11 * time.Minute)
	if status.State == client.StateClosed {
		sees = append(sees, "the end: "+endOf(s.c.Err()))
	} else {
		require.NoError(t, s.c.Publish(t.Context(), "/b", 2), "it works again")
		require.NoError(t, s.server.Publish("/a", "after"))
		time.Sleep(time.Minute)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if status.State != client.StateClosed {
		require.Equal(t, "after", strings.Trim(s.data[len(s.data)-1], `"`))
		if len(s.gaps) == 0 {
			require.Equal(t, []string{`"during"`, `"after"`}, s.data, "no gap was told, so nothing is missing")
		}
	}
	got.sees = strings.Join(append(sees, slices.Compact(s.gaps)...), "; ")
	return got
}

func (s *sight) read(ctx context.Context) {
	for {
		m, err := client.Flat(s.sub.Next(ctx))
		var gap *client.GapError
		switch {
		case errors.As(err, &gap):
			s.mu.Lock()
			s.gaps = append(s.gaps, "gap, "+string(gap.Reason))
			s.mu.Unlock()
		case err != nil:
			return
		default:
			s.mu.Lock()
			s.data = append(s.data, string(m.Data))
			s.mu.Unlock()
		}
	}
}

// told is the outcome of a publish in a word.
func told(err error) string {
	var refused *bayeux.Error
	var open *client.OutcomeError
	switch {
	case err == nil:
		return "arrives"
	case errors.As(err, &refused):
		return "is refused"
	case errors.As(err, &open) && open.Sent:
		return "has an unknown outcome"
	case errors.As(err, &open):
		return "never leaves"
	}
	return err.Error()
}

func endOf(err error) string {
	switch {
	case errors.Is(err, client.ErrServerEnded):
		return "ErrServerEnded"
	case errors.Is(err, client.ErrClosed):
		return "ErrClosed"
	}
	return err.Error()
}
