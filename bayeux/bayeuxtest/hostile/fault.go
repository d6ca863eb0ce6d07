package hostile

import (
	"net/http"
	"time"
)

// A Fault says what becomes of connections. The zero value lets everything
// pass. Several faults may be set; what they do to the same bytes they do in
// the order of the fields.
type Fault struct {
	// Upgrade answers requests for a WebSocket in the server's place, and HTTP
	// all others; nil: the server does.
	Upgrade, HTTP *Answer
	// Hang: requests for a WebSocket are never answered.
	Hang bool
	// WrongAccept: the 101 has a Sec-WebSocket-Accept that is another's.
	WrongAccept bool
	// DropFirst: the first frame that the client sends is lost.
	DropFirst bool
	// MuteUp and MuteDown: of what the client, or the server, sends on a
	// WebSocket nothing arrives once After frames of it have.
	MuteUp, MuteDown bool
	After            int
	// ResetAfter is how many bytes pass down on a WebSocket before it is reset;
	// 0: any number.
	ResetAfter int
	// Buffer passes what the server sends on a WebSocket on in blocks of so many
	// bytes only; 0: at once.
	Buffer int
	// Late is how much later what the server says over HTTP arrives, as where
	// something looks at whole bodies before it passes them on; 0: at once.
	Late time.Duration
	// Trickle is a pause before each byte that the server sends; 0: none.
	Trickle time.Duration
	// Idle cuts connections on which nothing has passed for that long, and
	// Lifetime those that are so old; 0: never.
	Idle, Lifetime time.Duration
}

// An Answer is a response that no server wrote.
type Answer struct {
	Status int // 0: 200
	Header http.Header
	Body   string
}

// Answers that proxies give.
var (
	// Forbidden is a refusal.
	Forbidden = &Answer{Status: http.StatusForbidden, Body: "no"}
	// SignIn is a captive portal's page, with status 200.
	SignIn = &Answer{Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>Please sign in</html>"}
	// Redirect leads to a page to sign in at.
	Redirect = &Answer{Status: http.StatusFound, Header: http.Header{"Location": {"/login"}}}
	// ProxyAuth wants credentials for the proxy.
	ProxyAuth = &Answer{Status: http.StatusProxyAuthRequired, Header: http.Header{"Proxy-Authenticate": {"Basic"}}}
)
