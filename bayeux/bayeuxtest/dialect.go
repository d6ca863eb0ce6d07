package bayeuxtest

// A Profile is the server that is imitated.
type Profile uint8

// The profiles. A CometD differs from the newest by its Dialect; Faye is
// another server altogether: no cookies, no acknowledgement, a session that any
// pipe may use, connects that are never answered once another is sent, events
// behind the connect's reply on long-polling and alone on a socket, advice in
// every reply, its own words for errors, and a socket that is closed with its
// session.
const (
	CometD  Profile = iota // CometD 9
	CometD7                // CometD 7 (7.0.17)
	CometD5                // CometD 5 (5.0.8)
	Faye                   // Faye 1.4
)

// A Dialect is what one CometD does differently from the newest, each a
// switch. Zero is CometD 9. It means nothing to Faye.
type Dialect struct {
	// BarePages: an HTTP error comes without a page.
	BarePages bool
	// Mute: an HTTP body that is no JSON is never answered. Without it the
	// answer is 400.
	Mute bool
	// Violated: an HTTP body that is no JSON is answered 500, as one that
	// breaks the protocol is.
	Violated bool
	// NullIsNothing: null for a batch, and an empty frame, are taken for nothing:
	// 200 without a body, and no answer on a socket.
	NullIsNothing bool
	// AdoptWhenHeld: a session's events go to a socket only once a connect was
	// held there, and no other message takes it over from long-polling.
	AdoptWhenHeld bool
	// HandshakeOnSocket: on a socket only sessions are known that began there
	// (CometD's option ws.requireHandshakePerConnection).
	HandshakeOnSocket bool
	// CutWhenClosed: a poll that is held when the server closes is cut. Without
	// it the answer is 500.
	CutWhenClosed bool
	// CloseWhenClosed: a socket is closed, without a code, when the server
	// closes. Without it it is cut.
	CloseWhenClosed bool
}

// Dialect is what the server of a profile does differently.
func (p Profile) Dialect() Dialect {
	switch p {
	case CometD7:
		return Dialect{BarePages: true, Mute: true, NullIsNothing: true, CutWhenClosed: true}
	case CometD5:
		return Dialect{BarePages: true, Violated: true, NullIsNothing: true, AdoptWhenHeld: true, CutWhenClosed: true, CloseWhenClosed: true}
	}
	return Dialect{}
}
