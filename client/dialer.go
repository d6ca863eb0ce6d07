package client

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// Dial begins a session with a Dialer of its own, which is closed with the
// Client. See Dialer.Dial.
func Dial(ctx context.Context, url string, o *Options) (*Client, error) {
	d := new(Dialer)
	c, err := d.dial(ctx, url, o, true)
	if err != nil {
		_ = d.Close()
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
		return nil, &OpError{Op: "dial", Server: c.server(), Err: err}
	}
	begun := c.dialed
	c.step(func(fx *effects) { c.renewSession(fx, nil) })
	select {
	case <-begun:
		return c, nil
	case <-c.done:
		err = c.Err()
	case <-ctx.Done():
		err = interrupted(ctx, c.Status().Err)
	}
	_ = c.Close()
	failed := OpError{Op: "dial", Err: err}
	if op, ok := err.(*OpError); ok { //nolint:errorlint // what it wraps is another's
		failed = *op
	}
	failed.Server = c.server()
	return nil, &failed
}

// interrupted is a context's error with the last failure before it, if any.
func interrupted(ctx context.Context, last error) error {
	if last == nil {
		return context.Cause(ctx)
	}
	return &interruption{context.Cause(ctx), last}
}

// An interruption is a context's error, and the last failure before it.
type interruption struct{ cause, last error }

func (e *interruption) Error() string   { return text(e.cause) + "; the last failure: " + text(e.last) }
func (e *interruption) Unwrap() []error { return []error{e.cause, e.last} }
func (e *interruption) Timeout() bool   { return isTimeout(e.cause) }

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
	c.options.NetworkDelay = cmp.Or(c.options.NetworkDelay, defaultNetworkDelay)
	c.options.Lease = *bayeux.Millis(cmp.Or(c.options.Lease, defaultLease)) // as it goes over the wire, and comes back
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

// NetworkChanged is called by the application when the device's network is another
// one: the Dialer drops idle connections and what it has learnt of the network, each
// session checks that its open connections live, and those that wait try at once.
func (d *Dialer) NetworkChanged() {
	d.network().DropIdleConnections()
	d.forgetPaths()
	for _, c := range d.all() {
		c.step(func(fx *effects) {
			c.backoff.endPause()
			c.wakeLanes(fx)
			fx.then(c.transport.Check)
		})
	}
}

// Close closes every session of the Dialer and its idle connections, and returns
// nil. A Dial after it, or under way, fails with ErrClosed. Close may be called again.
func (d *Dialer) Close() error {
	d.shared.mu.Lock()
	d.shared.closed = true
	d.shared.mu.Unlock()
	var wg sync.WaitGroup
	for _, c := range d.all() {
		wg.Go(func() { _ = c.Close() })
	}
	wg.Wait()
	d.network().DropIdleConnections()
	return nil
}
