package client

import (
	"errors"
	"net/http"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// maxSignInRefusals is how often in a row the Credentials hook is asked to mend a
// refused sign-in.
const maxSignInRefusals = 2

// A signIn is what a server asks for a sign-in: it may grant the one and refuse the other.
type signIn uint8

const (
	signInHandshake signIn = iota
	signInConnect
	signInCommands
	signInSocket
	signInCount // is how many kinds there are
)

const (
	minRenewalPause = time.Second // is how long a credential is used at least before the hook is asked for the next
	renewalLead     = time.Minute // is how long before the end the hook is asked, or a tenth of what is left if that is less
)

// maxClientIDBytes bounds the clientId, which goes with each message: those of servers have
// some thirty bytes.
const maxClientIDBytes = 1024

// A handshakeState is the handshake under way, and the sign-in for it.
type handshakeState struct {
	id       string
	leg      transport.LegID // zero: it is not out
	deadline mono.Time       // while it is out
	attempt  attempt

	slot    mono.Time // is when the handshakeLimiter lets the handshake leave; zero: none is reserved
	slotDue mono.Time // is the same until it has come

	credential    *Credential
	secondSlot    bool               // the slot is the second
	asking        bool               // the Credentials hook runs
	refusals      [signInCount]uint8 // of each kind, since that was granted
	refusalsInRow uint8              // of all kinds, since any was granted
	ext           object             // of credential
	renewAt       mono.Time
}

// renewSession begins a new session in the place of the present one, if there is
// one, because of cause. No leg of the old session may carry the new one.
func (c *Client) renewSession(fx *effects, cause error) {
	if p := c.disconnect; p != nil { // the session is over: that is what Disconnect wants
		c.settleNeedless(fx, p)
		return
	}
	c.cutAllLegs(fx)
	c.rememberSecrets(c.clientID)
	c.clientID, c.connect = "", connectState{}
	c.handshake.leg, c.handshake.deadline = 0, mono.Time{}
	c.topics.onSessionOver()
	c.onSessionOver(fx)
	if cause != nil {
		if c.hasConnected {
			c.backoff.forgive(mono.Now())
		}
		c.onFailure(fx, cause, c.advisedInterval())
	}
	if c.options.Credentials != nil && (c.handshake.credential == nil || expired(c.handshake.credential)) {
		c.callCredentials(nil)
	}
	c.wakeLanes(fx)
}

// cutAllLegs cuts every leg: none may carry what begins now.
func (c *Client) cutAllLegs(fx *effects) {
	for id := range c.legs.All() {
		c.cutLeg(fx, id, errStale)
	}
}

func expired(cr *Credential) bool {
	return !cr.Expires.IsZero() && time.Now().After(cr.Expires.Round(0))
}

func (c *Client) drawHandshake(fx *effects, l transport.Leg, now mono.Time) []bayeux.Message {
	hs := &c.handshake
	if hs.leg != 0 || hs.asking {
		return nil
	}
	if c.options.Credentials != nil && hs.credential == nil { // the hook failed, and the pause after that is over
		c.callCredentials(nil)
		return nil
	}
	if l.Once { // a socket that is open by now was dialled in time
		hs.giveUpLateSlot(now)
	}
	if !c.mayHandshake(now) {
		return nil
	}
	m := bayeux.Message{Channel: bayeux.MetaHandshake, ID: newID(), Ext: c.handshakeExt()}
	m.Meta = &bayeux.Meta{Version: "1.0", MinimumVersion: "1.0", SupportedConnectionTypes: c.transport.Types()}
	hs.id, hs.leg, hs.deadline = m.ID, l.ID, now.Add(c.options.NetworkDelay)
	hs.attempt = c.startAttempt(m, l.Type, now)
	c.setState(fx, StateHandshaking, nil)
	return []bayeux.Message{m}
}

// onHandshakeReply takes the reply to the handshake.
func (c *Client) onHandshakeReply(fx *effects, l *leg, m *bayeux.Message) {
	c.handshake.leg, c.handshake.deadline = 0, mono.Time{}
	c.handshake.releaseSlot()
	err := c.replyError(m)
	switch {
	case err != nil:
	case m.Meta == nil || m.Meta.ClientID == "":
		err = errNoID
	case len(m.Meta.ClientID) > maxClientIDBytes:
		err = errLongID
	}
	c.endAttempt(fx, c.handshake.attempt, m.Channel, m, err)
	if err != nil {
		c.onHandshakeRefused(fx, m, err)
		return
	}
	// A reply without advice means retry: Salesforce sends none.
	c.advice = bayeux.Advice{}
	c.mergeAdvice(m, l.kind)
	c.clientID, c.carrier = m.Meta.ClientID, l.kind
	c.ack, c.batch = ackOffered(m.Ext)
	c.ack = c.ack && !c.options.NoAck
	c.unnamed = m.ID == ""
	c.connect = firstConnect(mono.Now())
	c.sessions++
	c.hasConnected = false
	c.handshake.onGranted(signInHandshake)
	c.dialer.shared.handshakes.Add(1)
	c.setState(fx, StateConnecting, nil)
	if c.sessions == 1 {
		close(c.dialed)
		c.dialed = nil
	} else {
		c.resubscribe(fx)
		c.oweNewSessionGaps(fx)
	}
	c.wakeLanes(fx)
}

// onHandshakeRefused decides what follows a handshake that the server did not grant. The
// server's advice comes first; without advice a refused sign-in is final, unless there is a
// hook to mend it.
func (c *Client) onHandshakeRefused(fx *effects, m *bayeux.Message, err error) {
	c.mergeAdvice(m, "")
	unauthorized := errors.Is(err, bayeux.ErrUnauthorized)
	advised := bayeux.Reconnect("")
	if a := m.Advice(); a != nil {
		advised = a.Reconnect
	}
	err = &OpError{Op: "handshake", Err: err}
	switch {
	case unauthorized && c.retrySignIn(signInHandshake):
		c.setState(fx, StateHandshaking, err)
	case advised == bayeux.ReconnectNone, unauthorized && advised == "", c.sessions == 0 && !c.options.KeepDialing:
		c.endForGood(fx, err)
	default:
		c.onFailure(fx, err, c.advisedInterval())
	}
}

// retrySignIn calls the Credentials hook because a sign-in was refused, unless the hook runs
// already. It reports whether the hook may mend it: there is one, and it was not called
// often enough.
func (c *Client) retrySignIn(what signIn) bool {
	hs := &c.handshake
	switch {
	case c.options.Credentials == nil:
		return false
	case hs.asking:
		return true
	case hs.refusals[what] == maxSignInRefusals || hs.refusalsInRow == maxSignInRefusals:
		return false
	}
	hs.refusals[what]++
	hs.refusalsInRow++
	c.callCredentials(hs.credential)
	return true
}

// onGranted forgets the refusals of what the server grants now.
func (hs *handshakeState) onGranted(what signIn) { hs.refusals[what], hs.refusalsInRow = 0, 0 }

// callCredentials calls the Credentials hook on a goroutine of its own, unless it runs.
func (c *Client) callCredentials(refused *Credential) {
	if c.handshake.asking {
		return
	}
	c.handshake.asking = true
	go func() {
		cr, err := c.options.Credentials(c.ctx, refused)
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
		c.step(func(fx *effects) {
			c.handshake.asking = false
			if err != nil {
				c.onCredentialError(fx, &OpError{Op: "credentials", Err: err}, refused != nil)
				return
			}
			c.rememberSecrets(c.handshake.secrets()...)
			c.settings.SetTarget(target)
			c.onCredential(fx, cr, ext)
		})
	}()
}

// onCredential goes on with what the hook returned.
func (c *Client) onCredential(fx *effects, cr *Credential, ext object) {
	hs := &c.handshake
	hs.credential, hs.ext, hs.renewAt = cr, ext, mono.Time{}
	if left := time.Until(cr.Expires.Round(0)); !cr.Expires.IsZero() && left > 0 { // by the wall clock
		hs.renewAt = mono.Now().Add(max(left-min(left/10, renewalLead), minRenewalPause))
	}
	if c.clientID == "" { // a socket that is open was opened without it
		c.cutAllLegs(fx)
	}
	c.wakeLanes(fx)
}

// onCredentialError goes on with the hook's error. Where the hook could not mend a sign-in
// that was refused, the session ends; a renewal that failed is tried again.
func (c *Client) onCredentialError(fx *effects, err error, mending bool) {
	switch {
	case mending || c.sessions == 0 && !c.options.KeepDialing:
		c.endForGood(fx, err)
	case c.clientID == "":
		c.onFailure(fx, err, 0)
		c.rememberSecrets(c.handshake.secrets()...)
		c.handshake.credential, c.handshake.renewAt = nil, mono.Time{}
	default:
		c.handshake.renewAt = mono.Now().Add(maxPause)
	}
}

// target returns where the session goes with a credential; nil: with none.
func (c *Client) target(cr *Credential) (*transport.Target, error) {
	t := *c.base
	t.Header = c.options.Header.Clone()
	if !sendable(c.options.Header) || cr != nil && !sendable(cr.Header) {
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
	moved, err := parseTarget(cr.URL, c.options.WebSocketURL)
	if err != nil {
		return nil, err
	}
	t.URL, t.SocketURL = moved.URL, moved.SocketURL
	return &t, nil
}
