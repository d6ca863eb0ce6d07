package client

import (
	"errors"
	"net/http"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// maxRefused is how often in a row the Credentials hook is asked to mend a
// refused sign-in.
const maxRefused = 2

// What was refused for want of a sign-in. A server may grant the one and refuse the other.
const (
	refusedHandshake = iota
	refusedConnect
	refusedCommands
	refusedSocket
	refusable // how many kinds there are
)

// leastRenewal is how long a credential is used at least before the hook is asked
// for the next, however soon it expires.
const leastRenewal = time.Second

// maxClientID bounds what each message carries that leaves: servers have some
// thirty bytes.
const maxClientID = 1024

// shake is the handshake under way, and the sign-in for it.
type shake struct {
	id   string
	leg  transport.LegID // zero: it is not out
	late mono.Time       // while it is out
	x    attempt

	place mono.Time // taken at the gate; zero: none is
	opens mono.Time // the same, until it has come

	cred    *Credential
	behind  bool             // the place is the second
	asking  bool             // the Credentials hook runs
	refused [refusable]uint8 // of each kind, since that was granted
	inVain  uint8            // of all kinds, since any was granted
	ext     object           // of cred
	renew   mono.Time
}

// handshake begins a new session in the place of the present one, if there is
// one: no leg of the old session may carry the new one.
func (c *Client) handshake(e *fx, cause error) {
	if p := c.leaving; p != nil { // the session is over: that is what Disconnect wants
		c.forgo(e, p)
		return
	}
	c.abandon(e)
	c.remember(c.id)
	c.id, c.cycle, c.suspect = "", cycle{}, noDoubt
	c.shake.leg, c.shake.late = 0, mono.Time{}
	for t := range c.topics.all() {
		t.live = false
	}
	c.forgetRequests(e)
	if cause != nil {
		c.answered()
		c.fail(e, cause, c.interval())
	}
	if c.o.Credentials != nil && (c.shake.cred == nil || expired(c.shake.cred)) {
		c.authorize(nil)
	}
	c.draws(e)
}

// abandon cuts every leg there is: none may carry what begins now.
func (c *Client) abandon(e *fx) {
	for id := range c.legs.All() {
		c.cutLeg(e, id, errStale)
	}
}

func expired(cr *Credential) bool {
	return !cr.Expires.IsZero() && time.Now().After(cr.Expires.Round(0))
}

func (c *Client) drawHandshake(e *fx, l transport.Leg, now mono.Time) []bayeux.Message {
	s := &c.shake
	if s.leg != 0 || s.asking {
		return nil
	}
	if c.o.Credentials != nil && s.cred == nil { // the hook failed, and the pause after that is over
		c.authorize(nil)
		return nil
	}
	if l.Once { // a socket that is open by now was dialled in time
		s.missed(now)
	}
	if !c.admitted(now) {
		return nil
	}
	m := bayeux.Message{Channel: bayeux.MetaHandshake, ID: newID(), Ext: c.handshakeExt()}
	m.Meta = &bayeux.Meta{Version: "1.0", MinimumVersion: "1.0", SupportedConnectionTypes: c.t.Types()}
	s.id, s.leg, s.late = m.ID, l.ID, now.Add(c.o.NetworkDelay)
	s.x = c.begins(m, l.Type, now)
	c.turn(e, Handshaking, nil)
	return []bayeux.Message{m}
}

// shaken takes the reply to the handshake.
func (c *Client) shaken(e *fx, l *leg, m *bayeux.Message) {
	c.shake.leg, c.shake.late = 0, mono.Time{}
	c.shake.leaves()
	err := c.said(m)
	switch {
	case err != nil:
	case m.Meta == nil || m.Meta.ClientID == "":
		err = errNoID
	case len(m.Meta.ClientID) > maxClientID:
		err = errLongID
	}
	c.ends(e, c.shake.x, m.Channel, m, err)
	if err != nil {
		c.refused(e, m, err)
		return
	}
	// A reply without advice means retry: Salesforce sends none.
	c.advice = bayeux.Advice{}
	c.advise(m, l.kind)
	c.id, c.carry = m.Meta.ClientID, l.kind
	c.ack, c.batch = ackOffered(m.Ext)
	c.ack = c.ack && !c.o.NoAck
	c.unnamed = m.ID == ""
	c.cycle = cycle{first: true, zero: true, due: mono.Now().Add(firstWait)}
	c.sessions++
	c.lived = false
	c.shake.granted(refusedHandshake)
	c.d.shared.handshakes.Add(1)
	c.turn(e, Connecting, nil)
	if c.sessions == 1 {
		close(c.begun)
		c.begun = nil
	} else {
		c.resubscribe(e)
		c.forgotten(e)
	}
	c.draws(e)
}

// refused decides after a handshake that the server did not grant. Its advice
// comes first; without one, a refused sign-in is final unless there is a hook
// to mend it.
func (c *Client) refused(e *fx, m *bayeux.Message, err error) {
	c.advise(m, "")
	unauthorized := errors.Is(err, bayeux.ErrUnauthorized)
	advised := bayeux.Reconnect("")
	if a := m.Advice(); a != nil {
		advised = a.Reconnect
	}
	err = &OpError{Op: "handshake", Err: err}
	switch {
	case unauthorized && c.mends(refusedHandshake):
		c.turn(e, Handshaking, err)
	case advised == bayeux.ReconnectNone, unauthorized && advised == "", c.sessions == 0 && !c.o.KeepDialing:
		c.stop(e, err)
	default:
		c.fail(e, err, c.interval())
	}
}

// mends has the Credentials hook called for what was refused, unless it is being
// asked; false: there is none, or it was asked often enough.
func (c *Client) mends(what uint8) bool {
	s := &c.shake
	switch {
	case c.o.Credentials == nil:
		return false
	case s.asking:
		return true
	case s.refused[what] == maxRefused || s.inVain == maxRefused:
		return false
	}
	s.refused[what]++
	s.inVain++
	c.authorize(s.cred)
	return true
}

// granted is told what a sign-in was good for.
func (s *shake) granted(what uint8) { s.refused[what], s.inVain = 0, 0 }

// authorize has the Credentials hook called, on a goroutine of its own.
func (c *Client) authorize(refused *Credential) {
	if c.shake.asking {
		return
	}
	c.shake.asking = true
	go func() {
		cr, err := c.o.Credentials(c.ctx, refused)
		if err == nil && cr == nil {
			err = errors.New("the hook returned neither a credential nor an error")
		}
		var target *transport.Target
		var ext object
		if err == nil {
			target, err = c.target(cr)
		}
		if err == nil {
			ext, err = objectOf(cr.Ext)
		}
		c.step(func(e *fx) {
			c.shake.asking = false
			if err != nil {
				c.unauthorized(e, &OpError{Op: "credentials", Err: err}, refused != nil)
				return
			}
			c.remember(c.shake.secrets()...)
			c.s.SetTarget(target)
			c.authorized(e, cr, ext)
		})
	}()
}

// authorized goes on with what the hook returned.
func (c *Client) authorized(e *fx, cr *Credential, ext object) {
	s := &c.shake
	s.cred, s.ext, s.renew = cr, ext, mono.Time{}
	if left := time.Until(cr.Expires.Round(0)); !cr.Expires.IsZero() && left > 0 { // by the wall clock
		s.renew = mono.Now().Add(max(left-min(left/10, time.Minute), leastRenewal))
	}
	if c.id == "" { // a socket that is open was opened without it
		c.abandon(e)
	}
	c.draws(e)
}

// unauthorized goes on with the hook's error. A sign-in that was refused and
// could not be mended is the end; a failed renewal is tried again.
func (c *Client) unauthorized(e *fx, err error, mending bool) {
	switch {
	case mending || c.sessions == 0 && !c.o.KeepDialing:
		c.stop(e, err)
	case c.id == "":
		c.fail(e, err, 0)
		c.remember(c.shake.secrets()...)
		c.shake.cred, c.shake.renew = nil, mono.Time{}
	default:
		c.shake.renew = mono.Now().Add(longPause)
	}
}

// target is where the session goes with a credential; nil: with none.
func (c *Client) target(cr *Credential) (*transport.Target, error) {
	t := *c.base
	t.Header = c.o.Header.Clone()
	if !sendable(c.o.Header) || cr != nil && !sendable(cr.Header) {
		return nil, errHeader
	}
	if cr == nil {
		return &t, nil
	}
	if t.Header == nil {
		t.Header = http.Header{}
	}
	for k, v := range cr.Header {
		t.Header[http.CanonicalHeaderKey(k)] = v
	}
	if cr.URL == "" {
		return &t, nil
	}
	moved, err := parseTarget(cr.URL, c.o.WebSocketURL)
	if err != nil {
		return nil, err
	}
	t.URL, t.SocketURL = moved.URL, moved.SocketURL
	return &t, nil
}
