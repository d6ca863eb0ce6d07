package client

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/turold/turold/fallback"
	"github.com/turold/turold/internal/mono"
)

// A State is where a session stands.
type State uint8

// The states of a session.
const (
	StateHandshaking   State = iota // a handshake is on its way, or signing in
	StateConnecting                 // there is a session; its connect was not answered yet
	StateConnected                  // the last connect was answered
	StateWaiting                    // something failed: a pause before the next attempt
	StateDisconnecting              // Disconnect is under way
	StateClosed                     // the session is over for good
)

func (s State) String() string {
	names := [...]string{"handshaking", "connecting", "connected", "waiting", "disconnecting", "closed"}
	if int(s) < len(names) {
		return names[s]
	}
	return "state " + strconv.Itoa(int(s))
}

// ID is the session's clientId, for servers whose channels contain it (Lyrion
// Music Server). It is empty while there is no session. A new session has another:
// call ID again where a Subscription yields a [GapError] with GapNewSession. The ID is a
// secret: with it any program can act in the session.
func (c *Client) ID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clientID
}

// Status is a snapshot of a Client.
type Status struct {
	State     State
	Since     time.Time       // when State began
	Transport string          // the connectionType that carries the session; empty before there is one
	Reason    fallback.Reason // the Reason of the last fallback.Decision: why this transport, or why no WebSocket; always empty with a Dialer.Open
	NextTry   time.Time       // when a WebSocket is tried next; zero: there is one, it is not tried by the clock, or there is a Dialer.Open
	Session   int             // how many sessions there were, the present one included: 2 means that the server forgot one
	Ack       bool            // whether the acknowledgement extension is in use
	Unsettled int             // how many messages were sent and have no outcome yet
	Dropped   uint64          // how many events matched no subscription
	Stray     uint64          // how many other messages were ignored: replies that match no outstanding request, and what no client should receive, such as an event without data
	Err       error           // the last failure, in StateWaiting and StateClosed
}

// String is one line for a log.
func (s Status) String() string {
	if s.Err != nil {
		return fmt.Sprintf("%v on %q: %v", s.State, s.Transport, s.Err)
	}
	return fmt.Sprintf("%v on %q", s.State, s.Transport)
}

// Status says where the client stands now.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Status{State: c.state, Since: c.since, Transport: c.carrier, Reason: c.decision.reason, NextTry: mono.Of(time.Now()).Clock(c.decision.next), Session: c.sessions, Ack: c.ack,
		Unsettled: c.outbox.unsettled(), Dropped: c.dropped, Stray: c.stray, Err: c.cause}
}

// A decision is what was last decided about the transport.
type decision struct {
	reason fallback.Reason
	next   mono.Time
}

func (c *Client) onDecision(reason fallback.Reason, next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.decision = decision{reason, mono.Of(time.Now()).At(next)}
}

// setState changes the state. The trace and the log hear of it after the step.
func (c *Client) setState(fx *effects, to State, cause error) {
	from := c.state
	if from == to || from == StateClosed || from == StateDisconnecting && to != StateClosed {
		c.cause = cause
		return
	}
	c.state, c.cause, c.since = to, cause, time.Now()
	if c.stateChanged != nil {
		close(c.stateChanged)
		c.stateChanged = nil
	}
	trace := c.dialer.Trace
	fx.then(func() {
		if cause != nil {
			c.log.Info("session", "state", to.String(), "from", from.String(), "reason", cause)
		} else {
			c.log.Debug("session", "state", to.String(), "from", from.String())
		}
		if trace != nil && trace.State != nil {
			trace.State(c, from, to, cause)
		}
	})
}

// Ready waits until the session is in StateConnected. It returns the context's
// error if that ends first, or Err if the client is closed.
func (c *Client) Ready(ctx context.Context) error {
	for {
		c.mu.Lock()
		if c.stateChanged == nil {
			c.stateChanged = make(chan struct{})
		}
		state, moved, err := c.state, c.stateChanged, c.err
		c.mu.Unlock()
		switch {
		case err != nil:
			return err
		case state == StateConnected:
			return nil
		}
		select {
		case <-moved:
		case <-c.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Done returns a channel that is closed when the client is: by Close, Disconnect or
// Drain, or because the server refused or ended the session for good.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is nil until Done is closed; then it is ErrClosed, or why the client
// ended by itself.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
