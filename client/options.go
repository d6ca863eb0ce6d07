package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
)

// A Dialer holds what sessions share: how connections are opened, the pool of
// HTTP connections, the policy between the transports. The zero value is ready.
// Its fields must not be changed after the first Dial; its methods are safe for
// concurrent use. It must not be copied.
type Dialer struct {
	// Policy chooses between the transports; zero is the default mode.
	Policy fallback.Policy
	// TLS holds for every TLS connection, WebSocket and HTTP alike. Nil is Go's
	// default. It is cloned; without a ClientSessionCache it gets one, so that
	// connections resume each other's TLS sessions.
	TLS *tls.Config
	// Proxy is as in http.Transport and holds for both transports: HTTP, HTTPS
	// and SOCKS5 proxies, credentials in the URL. Nil takes the environment's.
	Proxy func(*http.Request) (*url.URL, error)
	// DialContext opens TCP connections; nil is a net.Dialer with keep-alive by Silence.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Silence bounds how long a dead connection goes unnoticed: on a WebSocket by a
	// ping, on HTTP by TCP keep-alive, or later by the answer that is due
	// (NetworkDelay). 0 or less means 15 s; the least is 1 s. A shorter one costs more
	// pings.
	Silence time.Duration
	// Limits bound what a server may send. Zero fields take their defaults, and
	// math.MaxInt means no limit. Dial refuses what no session could work with: less than
	// 1 KiB of a body or a header, two messages in a batch, a Depth of 4, or 240 bytes
	// that are not acknowledged.
	Limits transport.Limits
	// Open makes the transport of a session. Nil means the fallback over a WebSocket
	// and long-polling, by Policy. An Open switches off what comes of the fallback's
	// decisions: Policy has no effect, Trace.Transport is not called, and Status.Reason and
	// Status.NextTry stay empty. An Open that uses package fallback can take the decisions
	// from there.
	Open transport.Opener
	// HandshakeRate bounds how many handshakes a second go to one host, of all
	// sessions together. After a quiet time 50 may go at once, and the others begin
	// at a quarter of the rate, which they reach in 1.5 s. 0 means 500; a negative one, or
	// more than 1e9, means no bound.
	// If the machine is behind, handshakes whose turns came within the same quarter of a
	// second may be sent together.
	HandshakeRate int
	// Logger gets what happens to sessions: transport decisions and outages at
	// Info, each step at Debug. No secret is logged. Nil discards everything.
	Logger *slog.Logger
	// Trace has functions that are called for single events. Nil means none.
	Trace *Trace

	shared shared
	memory fallback.Memory // of the policy, unless it has one
}

// A Trace has functions that are called as things happen, each of which may
// be nil. They run on goroutines of the transport: they must return soon and
// must not call Close, Disconnect or Drain. Those of one session may overlap.
type Trace struct {
	State     func(c *Client, from, to State, cause error) // the state changed; cause is nil if nothing failed
	Transport func(c *Client, d fallback.Decision)         // which transport carries the session, and why; also when it stays and something was found out; one at a time for each session
	Exchange  func(c *Client, x Exchange)                  // a message was sent, and has its reply or will get none
	Wire      func(c *Client, w Wire)                      // a batch was sent or received
	Gap       func(c *Client, e *GapError)                 // a gap arose, before it is merged with its neighbours
	Dropped   func(c *Client, m bayeux.Message)            // an event matched no subscription
}

// Options are the settings of one session. A nil *Options is a zero one.
type Options struct {
	// WebSocketURL is the address for the WebSocket if it is not the URL with
	// ws for http. Headers and cookies go there too.
	WebSocketURL string
	// Credentials is the one hook for signing in. The client calls it before the
	// first handshake, with refused nil; when the server refused the sign-in, or
	// HTTP answered 401, with the credential that was refused, at most twice until
	// what was refused is granted, after which the session ends; and some time before
	// Expires, with nil. It runs on a goroutine of its own, never twice at a time. An error
	// counts as a failed attempt; if refused was not nil it ends the session.
	Credentials func(ctx context.Context, refused *Credential) (*Credential, error)
	// Header goes with every HTTP request and with the WebSocket's upgrade. Dial
	// refuses what HTTP does not allow in one, such as line breaks.
	Header http.Header
	// Jar keeps the session's cookies for both transports. It must not be
	// shared by sessions: servers tie the session to a cookie. Nil is a new one,
	// which keeps 50 cookies of 4 KiB, and 32 KiB together.
	Jar http.CookieJar
	// Ext is marshalled into the ext object of the handshake. Nil: none.
	Ext any
	// NoAck makes the client do without the acknowledgement extension: events are
	// delivered the moment they arrive, and a lost connection may lose some. The GapError
	// comes when the connection is found dead: by long-polling events that came
	// by the other request meanwhile, for NetworkDelay and the hold at most, stand
	// before it. Those two requests, and two transports during a move, have no
	// order between them: by long-polling, with which Auto begins, 0.7 to 3 % of the
	// events were out of order while the client published. No gap stands for what a
	// server puts into the answer to a request that was given up before and reaches
	// it late.
	NoAck bool
	// Extensions change each message that is sent, first to last, and each that
	// arrives and can be read, last to first.
	Extensions []Extension
	// Outbox bounds the messages that were taken and have no outcome yet. Zero
	// fields mean 1,024 messages and 8 MiB. Dial refuses negative ones.
	Outbox Bound
	// NetworkDelay is the time allowed for an answer, beyond the hold of a
	// connect; 0 means 10 s. One that is too long to be added to the time of day, as
	// math.MaxInt64 is, means that no answer is ever late. Dial refuses less than 1 ms.
	NetworkDelay time.Duration
	// Lease is how much longer than its own time the server is asked to keep
	// the session after the connection is gone (advice.interval on the
	// connect; CometD honours it). It is cut to whole milliseconds and 24 h. 0 means 30 s;
	// with a negative one, or less than 1 ms, the server is not asked.
	Lease time.Duration
	// Backoff returns how long to wait after a failure, given how many there were
	// in a row (1 is the first) and for how long. A server's advice and Retry-After are
	// floors under it, up to ten minutes, and so are 100 ms except for the first failure in a
	// row. A negative pause, such as backoff.Stop, ends the session with the failure; one
	// that is too long to be added to the time of day lasts until Dialer.NetworkChanged, or
	// until the machine wakes up. Backoff is called without a lock, on a goroutine of a
	// transport: it must return soon, and must not call Close, Disconnect or Drain. Nil means
	// at most 50 ms, unless another connection was just tried in vain, then 200 ms doubling
	// to 1.6 s during the first 30 s, then to 20 s, each ±40 %.
	Backoff func(failures int, outage time.Duration) time.Duration
	// KeepDialing makes Dial go on after failures, until its context ends.
	// Without it Dial returns the first failure of all transports.
	KeepDialing bool
	// ChannelChars are characters allowed in channel names beside those of the
	// Bayeux grammar: "?&='" for Salesforce, "." where CometD is used with it.
	ChannelChars string
}

// A Credential signs a session in. It must not be changed after the hook returned it.
type Credential struct {
	URL     string      // the server's address from now on; empty: the one that was given to Dial
	Header  http.Header // set over Options.Header
	Ext     any         // merged into the ext object of the handshake
	Expires time.Time   // when it ceases to be valid; zero: never. The hook is not called for the next one within a second
}

// An Extension changes messages on their way. Its methods are called without
// a lock and may overlap: they must be safe for concurrent use, must not
// block, and must not change what Meta or raw JSON they find, only replace it.
type Extension interface {
	Outgoing(m *bayeux.Message)
	Incoming(m *bayeux.Message)
}

// A Bound bounds a queue by whichever is reached first. Zero fields take the
// queue's default, math.MaxInt is no bound, and negative ones are refused.
type Bound struct {
	Messages int
	Bytes    int // of data, ext, names and ids, and for each message some 170 in a queue and 600 in the outbox; the memory that a queue keeps may be three times that
}

func (b Bound) or(messages, bytes int) Bound {
	if b.Messages == 0 {
		b.Messages = messages
	}
	if b.Bytes == 0 {
		b.Bytes = bytes
	}
	return b
}

// A QueuePolicy says what a subscription does when its queue is full.
type QueuePolicy uint8

// The policies of queues. Under the first two the subscription yields a gap where
// messages are missing, with their number.
const (
	QueueDropOldest  QueuePolicy = iota // keeps what came last
	QueueDropNewest                     // keeps what came first
	QueueEndWhenFull                    // ends the subscription with ErrQueueFull, behind what is queued
)

// SubscribeOptions are the settings of one subscription. A nil pointer is a zero value.
type SubscribeOptions struct {
	Queue    Bound       // bounds what is not yet pulled; zero fields mean 16,384 messages and 16 MiB
	WhenFull QueuePolicy // what happens when the queue is full; zero: QueueDropOldest
	Ext      any         // marshalled into the ext of the /meta/subscribe, also after a new handshake; of several subscriptions to a channel the first one's is used
}

// The least that a session can live with.
const (
	leastBytes    = 1 << 10 // of a handshake's reply, or of its header
	leastMessages = 2       // in a batch: a reply, and an event beside it
	leastDepth    = 4       // of a list in the advice of a message
	leastHeld     = 240     // bytes of a small event that waits for its acknowledgement
	leastDelay    = time.Millisecond

	defaultNetworkDelay = 10 * time.Second
	defaultLease        = 30 * time.Second
)

// check returns an error that names the first option whose value has no meaning.
func (d *Dialer) check(o *Options) error {
	l := d.Limits
	return cmp.Or(
		oneOf("Policy.Mode", d.Policy.Mode, fallback.LongPollingOnly),
		atLeast("Limits.Bytes", l.Bytes, leastBytes),
		atLeast("Limits.Messages", l.Messages, leastMessages),
		atLeast("Limits.Depth", l.Depth, leastDepth),
		atLeast("Limits.Header", l.Header, leastBytes),
		atLeast("Limits.Unacknowledged", l.Unacknowledged, leastHeld),
		o.Outbox.check("Outbox"),
		atLeast("NetworkDelay", o.NetworkDelay, leastDelay),
	)
}

func (o *SubscribeOptions) check() error {
	return cmp.Or(o.Queue.check("Queue"), oneOf("WhenFull", o.WhenFull, QueueEndWhenFull))
}

func (b Bound) check(of string) error {
	return cmp.Or(atLeast(of+".Messages", b.Messages, 1), atLeast(of+".Bytes", b.Bytes, 1))
}

// atLeast refuses what is less, but for zero, which is the default.
func atLeast[T int | time.Duration](name string, value, least T) error {
	if value == 0 || value >= least {
		return nil
	}
	return fmt.Errorf("client: %s is %v: it may be 0 for the default, or %v at least", name, value, least)
}

// oneOf refuses a constant that there is not; last is the last there is.
func oneOf[T ~uint8](name string, value, last T) error {
	if value <= last {
		return nil
	}
	return fmt.Errorf("client: %s is %d: the last there is is %d", name, uint8(value), uint8(last))
}

// A Draft is a message to be sent.
type Draft struct {
	Channel bayeux.Channel
	Data    any // marshalled by encoding/json during the call of Send or Batch; a json.RawMessage is sent as it is
	Ext     any // marshalled in the same way; nil: none
	// AtLeastOnce allows the client to send the message again when the connection
	// died before its reply: it may arrive twice, and out of its order. If it is refused
	// then, or the session ends, an *OutcomeError says that it may have arrived.
	AtLeastOnce bool
}
