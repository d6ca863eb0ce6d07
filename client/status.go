package client

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/turold/turold/internal/mono"
)

// A State is where a session stands.
type State uint8

// The states.
const (
	StateHandshaking   State = iota // a handshake is on its way, or signing in
	StateConnecting                 // there is a session; its connect was not answered yet
	StateConnected                  // the last connect was answered
	StateWaiting                    // something failed: a pause before the next attempt
	StateDisconnecting              // Disconnect is under way
	StateClosed
)

func (s State) String() string {
	names := [...]string{"handshaking", "connecting", "connected", "waiting", "disconnecting", "closed"}
	if int(s) < len(names) {
		return names[s]
	}
	return "state " + strconv.Itoa(int(s))
}

// ID is the session's clientId, for servers whose channels contain it (Lyrion
// Music Server); empty while there is no session. Where a Subscription tells a
// [GapError] because the session is a new one, the ID is another: ask anew. It is a
// secret: whoever has it can act in the session.
func (c *Client) ID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clientID
}

// Status is a snapshot of a Client.
type Status struct {
	State     State
	Since     time.Time // it is in State
	Transport string    // the connectionType that carries the session; empty before there is one
	Reason    string    // why, and why on no WebSocket: the last fallback.Decision's
	NextTry   time.Time // when a WebSocket is tried next; zero: there is one, or it is not by the clock
	Session   int       // how many sessions there were, the present one included: 2 means the server forgot one
	Ack       bool      // the acknowledgement extension is in use
	Unsettled int       // messages sent and not yet answered
	Dropped   uint64    // events that no subscription was there for
	Stray     uint64    // other messages that nobody was there for: replies to nothing that is out, and what was published without data
	Err       error     // of the last failure, in StateWaiting and StateClosed
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
	reason string
	next   mono.Time
}

func (c *Client) onDecision(reason string, next time.Time) {
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

// Ready waits until the session is connected, and returns why it never will
// be if it was closed, or the context's error.
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

// Done is closed when the client is: by Close, by Disconnect, or by a server
// that refused it for good.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is nil until Done is closed; then it is ErrClosed, or why the client
// ended by itself.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
