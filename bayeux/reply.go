package bayeux

// A Request is what has to be known of a message that is out, to tell the reply
// to it from everything else that comes.
type Request struct {
	ID           string
	Channel      Channel
	Subscription Channel // of a subscribe or unsubscribe, which name one channel each
	Call         bool    // the reply to a remote call, which carries data
	Unnamed      bool    // its reply has no id, on whichever channel: the server gave none to that of the handshake either, and no other such message is out on that leg
}

// RequestOf is the Request of a message that leaves.
func RequestOf(m *Message) Request {
	q := Request{ID: m.ID, Channel: m.Channel}
	if m.Meta != nil && len(m.Meta.Subscription) == 1 {
		q.Subscription = m.Meta.Subscription[0]
	}
	return q
}

// IsEvent reports whether the message is one that was published: it carries
// data on a channel that is not meta. Whatever else it carries was the publisher's
// to write, and CometD and Faye relay it: "successful", "error", "advice", a
// clientId, and an id, which on Faye is the publisher's own. Only [Message.Answers]
// makes an exception, of the reply to a remote call.
func (m *Message) IsEvent() bool { return m.Data != nil && m.Channel != "" && !m.Channel.Meta() }

// Answers reports whether the message, which came from a server, is the reply to
// q, which is out. It is the one rule of what a reply is; "successful" alone
// makes none, and its absence unmakes none (Bayeux before 1.0 had publishes
// answered without).
//
//   - A reply has the channel and the id of what it answers. What could not be read
//     answers nothing.
//   - An event is none, except that the reply to a Call carries data, and "successful".
//   - Without an id it may be one on a meta channel, which only the server can use,
//     if it says "successful" or has an error, and there it answers q if nothing else of its kind is out on the leg that it
//     came on: the caller sees to that. One that names a subscription answers what
//     asked for that one. (Lyrion Music Server before 8.3 gives no ids, or none
//     to connects.)
//   - On other channels it is one without an id only if q is Unnamed: CometD relays
//     what was published without data and id.
func (m *Message) Answers(q *Request) bool {
	named := m.ID != ""
	switch {
	case named && m.ID != q.ID, m.Unreadable() != nil:
		return false
	case m.Channel != q.Channel && m.Channel.Clean() != q.Channel.Clean():
		return false
	case m.IsEvent():
		return q.Call && (named || q.Unnamed && m.Channel.Service()) && m.Meta != nil && m.Meta.Verdict
	case named:
		return true
	case m.Meta == nil || !m.Meta.Verdict && m.Meta.Error == "":
		return false
	case !m.Channel.Meta():
		return q.Unnamed
	}
	if q.Subscription == "" || m.Meta == nil || len(m.Meta.Subscription) == 0 {
		return true
	}
	return len(m.Meta.Subscription) == 1 && m.Meta.Subscription[0].Clean() == q.Subscription.Clean()
}

// Granted reports whether a reply says yes: "successful" is true, or is not
// there and neither is an error.
func (m *Message) Granted() bool {
	t := m.Meta
	return t == nil || t.Successful || !t.Verdict && t.Error == ""
}

// Err is nil if a reply is Granted. Otherwise it is what its error field says, as a
// *[Error], even if the field is missing. If Salesforce tells the true cause in
// ext.sfdc.failureReason, it is that: a server that is too busy calls a
// subscription denied. Of an event, which is no reply, it means nothing.
func (m *Message) Err() error {
	if m.Granted() {
		return nil
	}
	if cause := failureReason(m.Ext); cause != "" {
		return ParseError(m.Channel, cause)
	}
	return ParseError(m.Channel, m.Meta.Error)
}
