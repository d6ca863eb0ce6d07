package bayeuxtest

import (
	"time"

	"github.com/turold/turold/bayeux"
)

// A Profile is the server that is imitated.
type Profile uint8

// The profiles. Most do what a CometD does, and differ from the newest by their
// Dialect; Faye is another server altogether: no cookies, no acknowledgement, a
// session that any pipe may use, connects that are never answered once another
// is sent, events behind the connect's reply on long-polling and alone on a
// socket, advice in every reply, its own words for errors, and a socket that is
// closed with its session.
//
// Those up to Faye are held to the real servers. Lyrion and Cumulocity are made
// from what is public of them, and no more is like them than their Dialect, their
// connection types and hold, and that Lyrion has neither WebSockets nor acknowledgement.
const (
	CometD     Profile = iota // CometD 9
	CometD7                   // CometD 7 (7.0.17)
	CometD5                   // CometD 5 (5.0.8)
	Faye                      // Faye 1.4
	Lyrion                    // Lyrion (Logitech) Music Server before 8.3, from its source
	Cumulocity                // Cumulocity's real-time notifications, in the shapes that its reference guide prints
)

// hold is how long the server holds a connect by default.
func (p Profile) hold() time.Duration {
	switch p {
	case Lyrion:
		return time.Minute
	case Cumulocity:
		return 90 * time.Minute
	}
	return 20 * time.Second
}

// A Dialect is what one server does differently from the newest CometD, each a
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

	// IDs says which replies have the id of the message they answer. Hooks see
	// it in any case.
	IDs IDs
	// NoCookie: by long-polling a session needs no cookie, and gets none.
	NoCookie bool
	// ShortIDs: a clientId is eight hexadecimal digits.
	ShortIDs bool
	// OwnChannels: what is published on a channel that begins with a session's
	// clientId goes to that session, which need not subscribe.
	OwnChannels bool
	// OneUnknown: a batch for a session that is not known is answered by one
	// message, about its first: "invalid clientId", and the advice to begin a new
	// session, whatever the channel.
	OneUnknown bool
	// RepliesFirst: by long-polling events stand behind the replies.
	RepliesFirst bool
	// RelayAll: an event has every member that its publisher wrote, its id and
	// clientId too.
	RelayAll bool
	// EventsLikeReplies: what Publish and Deliver send stands in an array, and has
	// "successful":true, "error":"" and the clientId of the session that gets it;
	// replies to a subscribe and an unsubscribe have "error":"" too.
	EventsLikeReplies bool
}

// IDs says which replies have an id.
type IDs uint8

// Which replies have an id.
const (
	AllIDs       IDs = iota // each has
	NoConnectIDs            // but those to connects
	NoMetaIDs               // but those on meta channels
	NoIDs                   // none has
)

// lacks reports whether a reply on a channel has no id.
func (i IDs) lacks(ch bayeux.Channel) bool {
	return i == NoIDs || i == NoMetaIDs && ch.Meta() || i == NoConnectIDs && ch == bayeux.MetaConnect
}

// needsOwnEncoding reports whether the server writes messages in a form that the codec
// does not.
func (d *Dialect) needsOwnEncoding() bool { return d.IDs != AllIDs || d.EventsLikeReplies }

// Dialect is what the server of a profile does differently.
func (p Profile) Dialect() Dialect {
	switch p {
	case CometD7:
		return Dialect{BarePages: true, Mute: true, NullIsNothing: true, CutWhenClosed: true}
	case CometD5:
		return Dialect{BarePages: true, Violated: true, NullIsNothing: true, AdoptWhenHeld: true, CutWhenClosed: true, CloseWhenClosed: true}
	case Lyrion:
		return Dialect{IDs: NoMetaIDs, NoCookie: true, ShortIDs: true, OwnChannels: true, OneUnknown: true, RepliesFirst: true, RelayAll: true}
	case Cumulocity:
		return Dialect{EventsLikeReplies: true}
	}
	return Dialect{}
}
