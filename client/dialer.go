package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// shared is what the sessions of a Dialer have in common.
type shared struct {
	once    sync.Once
	network *transport.SharedConfig

	mu       sync.Mutex
	clients  map[*Client]struct{}
	closed   bool
	draining bool
	hosts    map[string]*host
	watch    clockWatch

	last atomic.Pointer[address]

	handshakes, delayed, failures, delivered atomic.Uint64
}

// An address is what Dial was given, and what it means.
type address struct {
	url, socket string
	target      *transport.Target
}

// A host is what the sessions with one server pass by: at the beginning, and in
// Drain at the end.
type host struct {
	limiter handshakeLimiter
	door    chan struct{} // holds one of each session that says goodbye
}

// host is the one of that name and port.
func (d *Dialer) host(name string) *host {
	s := &d.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hosts[name]
	if h == nil {
		if s.hosts == nil {
			s.hosts = map[string]*host{}
		}
		h = &host{door: make(chan struct{}, goodbyes)}
		s.hosts[name] = h
	}
	return h
}

// Stats counts what the sessions of a Dialer did since it was made.
type Stats struct {
	Sessions   int    // open now
	Handshakes uint64 // that succeeded
	Delayed    uint64 // handshakes that waited for their turn (HandshakeRate)
	Failures   uint64 // pauses that were made after something failed
	Delivered  uint64 // events that some subscription was there for
}

// Stats is a snapshot of the counters.
func (d *Dialer) Stats() Stats {
	s := &d.shared
	s.mu.Lock()
	n := len(s.clients)
	s.mu.Unlock()
	return Stats{Sessions: n, Handshakes: s.handshakes.Load(), Delayed: s.delayed.Load(), Failures: s.failures.Load(), Delivered: s.delivered.Load()}
}

// Dial begins a session with a Dialer of its own, which is closed with the
// Client. See Dialer.Dial.
func Dial(ctx context.Context, url string, o *Options) (*Client, error) {
	d := new(Dialer)
	c, err := d.dial(ctx, url, o, true)
	if err != nil {
		d.Close()
	}
	return c, err
}

// Dial begins a session with the server at an http, https, ws or wss URL, and
// returns when the server granted the handshake. The error is an *OpError:
// around a *transport.Error if no transport got through, around a
// *bayeux.Error if the server refused, around the context's error (and the
// last failure) if that ended first, around ErrDraining or ErrClosed after
// Drain or Close. The context does not concern the Client
// afterwards.
func (d *Dialer) Dial(ctx context.Context, url string, o *Options) (*Client, error) {
	return d.dial(ctx, url, o, false)
}

func (d *Dialer) dial(ctx context.Context, url string, o *Options, owned bool) (*Client, error) {
	if ctx.Err() != nil {
		return nil, &OpError{Op: "dial", Err: context.Cause(ctx)}
	}
	c, err := d.newClient(url, o)
	if err != nil {
		return nil, &OpError{Op: "dial", Err: err}
	}
	c.ownsDialer = owned
	if err := d.enlist(c); err != nil {
		c.cancel()
		return nil, &OpError{Op: "dial", Err: err}
	}
	begun := c.dialed
	c.step(func(fx *effects) { c.renewSession(fx, nil) })
	select {
	case <-begun:
		return c, nil
	case <-c.done:
		if err = c.Err(); !errors.As(err, new(*OpError)) { // by Dialer.Close
			err = &OpError{Op: "dial", Err: err}
		}
	case <-ctx.Done():
		err = &OpError{Op: "dial", Err: interrupted(ctx, c.Status().Err)}
	}
	_ = c.Close()
	return nil, err
}

// interrupted is a context's error with the last failure before it, if any.
func interrupted(ctx context.Context, last error) error {
	if last == nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w; last: %w", context.Cause(ctx), last)
}

var quiet = slog.New(slog.DiscardHandler)

// newClient makes a client that has done nothing yet.
func (d *Dialer) newClient(rawURL string, o *Options) (*Client, error) {
	c := &Client{dialer: d, done: make(chan struct{}), dialed: make(chan struct{}), since: time.Now()}
	if o != nil {
		c.options = *o
	}
	err := d.check(&c.options)
	if err != nil {
		return nil, err
	}
	c.options.Outbox = c.options.Outbox.or(1024, 8<<20)
	c.options.NetworkDelay = or(c.options.NetworkDelay, 10*time.Second)
	c.options.Lease = *bayeux.Millis(or(c.options.Lease, 30*time.Second)) // as it goes over the wire, and comes back
	if c.base, err = d.addressed(rawURL, c.options.WebSocketURL); err != nil {
		return nil, err
	}
	c.options.Header = c.options.Header.Clone()
	if c.ext, err = objectOf(c.options.Ext); err != nil {
		return nil, err
	}
	if c.log = d.Logger; c.log == nil {
		c.log = quiet
	}
	target, err := c.target(nil)
	if err != nil {
		return nil, err
	}
	c.settings = transport.NewSessionConfig(d.network(), target)
	c.settings.Logger, c.settings.Jar = c.log, c.options.Jar
	if c.settings.Jar == nil {
		c.settings.Jar = newJar()
	}
	c.ctx, c.cancel = context.Background(), func() {}
	if c.options.Credentials != nil {
		c.ctx, c.cancel = context.WithCancel(c.ctx)
	}
	c.timer = time.AfterFunc(time.Hour, c.onTimer)
	c.timer.Stop()
	c.transport = d.opener(c)(c.settings, handler{c})
	return c, nil
}

func or[T int | time.Duration](d, def T) T {
	if d == 0 {
		return def
	}
	return d
}

// addressed is parseTarget. Sessions with the same server share what it returns,
// which nobody changes.
func (d *Dialer) addressed(rawURL, socketURL string) (*transport.Target, error) {
	if a := d.shared.last.Load(); a != nil && a.url == rawURL && a.socket == socketURL {
		return a.target, nil
	}
	t, err := parseTarget(rawURL, socketURL)
	if err == nil {
		d.shared.last.Store(&address{rawURL, socketURL, t})
	}
	return t, err
}

// parseTarget reads the address of a server. Its errors do not quote it: it
// may hold secrets.
func parseTarget(rawURL, socketURL string) (*transport.Target, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return nil, errors.New("client: the URL is none")
	}
	t := &transport.Target{URL: u}
	switch u.Scheme {
	case "http", "https":
	case "ws", "wss":
		socket := *u
		t.SocketURL = &socket
		u.Scheme = map[string]string{"ws": "http", "wss": "https"}[u.Scheme]
	default:
		return nil, errors.New("client: the URL is neither http, https, ws nor wss")
	}
	if socketURL != "" {
		s, err := url.Parse(socketURL)
		if err != nil || s.Host == "" || s.Scheme != "ws" && s.Scheme != "wss" {
			return nil, errors.New("client: the WebSocket URL is neither ws nor wss")
		}
		t.SocketURL = s
	}
	return t, nil
}

func (d *Dialer) enlist(c *Client) error {
	s := &d.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return ErrDraining
	case s.closed:
		return ErrClosed
	}
	if s.clients == nil {
		s.clients = map[*Client]struct{}{}
	}
	s.clients[c] = struct{}{}
	if len(s.clients) == 1 {
		d.watchClocks()
	}
	return nil
}

func (d *Dialer) forget(c *Client) {
	s := &d.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
	if len(s.clients) == 0 && s.watch.timer != nil {
		s.watch.timer.Stop()
	}
}

func (d *Dialer) all() []*Client {
	s := &d.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.clients))
}

// NetworkChanged tells every session that the device's network is another
// one now: idle connections are dropped, so is what was learnt of the paths,
// what is open has to show that it lives, and those who wait try at once.
func (d *Dialer) NetworkChanged() {
	d.network().DropIdleConnections()
	d.forgetPaths()
	for _, c := range d.all() {
		c.step(func(fx *effects) {
			c.backoff.pauseUntil = mono.Time{}
			c.wakeLanes(fx)
			fx.then(c.transport.Check)
		})
	}
}

// Close closes every session of the Dialer and its idle connections. A Dial
// after it, or under way, fails with ErrClosed.
func (d *Dialer) Close() {
	d.shared.mu.Lock()
	d.shared.closed = true
	d.shared.mu.Unlock()
	var wg sync.WaitGroup
	for _, c := range d.all() {
		wg.Go(func() { _ = c.Close() })
	}
	wg.Wait()
	d.network().DropIdleConnections()
}
