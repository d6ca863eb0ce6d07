package client

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/mono"
	"github.com/turold/turold/transport"
)

// An Exchange is a message that was sent, and its reply or why there is none. That
// of a connect lasts as long as the server holds it.
type Exchange struct {
	Channel   bayeux.Channel // of the message
	Transport string         // the connectionType that it was sent on
	Sent      int            // bytes of the message as JSON
	Received  int            // bytes of the reply; 0: none came
	Took      time.Duration  // since it was sent, for the last time if more than once
	Err       error          // the server's refusal, or why there is no reply; nil: the server said successful
}

// A Wire is one batch on the wire: a WebSocket message, or the body of an HTTP
// request or response.
type Wire struct {
	Leg       transport.LegID // the socket, or the HTTP exchange
	Transport string          // its connectionType
	Out       bool            // it was sent; otherwise it was received
	// Batch is a JSON array: the messages as Bayeux has them, member for
	// member, except that each clientId, and each string in an ext, is replaced by
	// "***". Data is the application's and is shown as it is. Of a message that could not
	// be read it has what could be: channel, id and ext.
	Batch []byte
}

// masked is what stands in the place of a secret.
const masked = "***"

// An attempt is an Exchange that is under way.
type attempt struct {
	kind string
	sent int
	at   mono.Time
}

// startAttempt begins the exchange of a message that leaves.
func (c *Client) startAttempt(m bayeux.Message, kind string, now mono.Time) attempt {
	x := attempt{kind: kind, at: now}
	if t := c.dialer.Trace; t != nil && t.Exchange != nil {
		x.sent = bytesOf(m)
	}
	return x
}

// endAttempt tells the trace of an exchange whose reply came, or whose reply will not.
func (c *Client) endAttempt(fx *effects, x attempt, ch bayeux.Channel, reply *bayeux.Message, err error) {
	t := c.dialer.Trace
	if t == nil || t.Exchange == nil || x.at.IsZero() {
		return
	}
	told := Exchange{Channel: ch, Transport: x.kind, Sent: x.sent, Took: mono.Since(x.at), Err: err}
	if reply != nil {
		told.Received = bytesOf(*reply)
	}
	fx.then(func() { t.Exchange(c, told) })
}

func bytesOf(m bayeux.Message) int { return len(bayeux.Append(nil, []bayeux.Message{m})) - len("[]") }

// traceBatch tells the trace of a batch; hidden takes secrets out of its errors, unless it is nil.
func (c *Client) traceBatch(id transport.LegID, out bool, ms []bayeux.Message, hidden *strings.Replacer) {
	t := c.dialer.Trace
	if t == nil || t.Wire == nil || len(ms) == 0 {
		return
	}
	c.mu.Lock()
	kind := ""
	if l := c.legs.Get(id); l != nil {
		kind = l.kind
	}
	c.mu.Unlock()
	shown := make([]bayeux.Message, len(ms))
	for i := range ms {
		shown[i] = mask(ms[i])
		if meta := shown[i].Meta; meta != nil && hidden != nil {
			meta.Error = hidden.Replace(meta.Error)
		}
	}
	t.Wire(c, Wire{Leg: id, Transport: kind, Out: out, Batch: bayeux.Append(nil, shown)})
}

// mask returns m without its secrets, with a Meta of its own.
func mask(m bayeux.Message) bayeux.Message {
	if m.Meta != nil {
		meta := *m.Meta
		if meta.ClientID != "" {
			meta.ClientID = masked
		}
		// Faye quotes the clientId that it does not know.
		if e := bayeux.ParseError(m.Channel, meta.Error); meta.Error != "" && e.Kind == bayeux.KindUnknownSession && e.Args != nil {
			meta.Error = fmt.Sprintf("%d:%s:%s", e.Code, masked, e.Text)
		}
		m.Meta = &meta
	}
	if len(m.Ext) > 0 {
		var v any
		if json.Unmarshal(m.Ext, &v) != nil {
			v = masked
		}
		m.Ext, _ = json.Marshal(maskStrings(v)) // of what was JSON: it does not fail
	}
	return m
}

func maskStrings(v any) any {
	switch v := v.(type) {
	case string:
		return masked
	case []any:
		for i := range v {
			v[i] = maskStrings(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = maskStrings(v[k])
		}
	}
	return v
}
