package hostile

import (
	"net/http"
	"time"
)

// A Fault says what happens to connections. The zero value lets everything pass.
// Several fields may be set; on the same bytes they act in the order of the fields.
type Fault struct {
	// Upgrade answers requests for a WebSocket in the place of the server, and HTTP
	// answers all others; nil: the server answers.
	Upgrade, HTTP *Answer
	// Hang: a request for a WebSocket gets no answer.
	Hang bool
	// WrongAccept: the 101 has the Sec-WebSocket-Accept of another key.
	WrongAccept bool
	// DropFirst: the first frame that the client sends is lost.
	DropFirst bool
	// MuteUp and MuteDown: nothing more of what the client, or the server, sends on a
	// WebSocket arrives after After frames of it.
	MuteUp, MuteDown bool
	After            int
	// ResetAfter is the number of bytes from the server that pass on a WebSocket before
	// it is reset; 0: it is never reset.
	ResetAfter int
	// Buffer is the size, in bytes, of the blocks in which what the server sends on a
	// WebSocket passes; 0: it passes at once.
	Buffer int
	// Late is the delay of what the server sends over HTTP, as of a proxy that inspects
	// whole bodies before it passes them on; 0: none.
	Late time.Duration
	// Trickle is a pause before each byte that the server sends; 0: none.
	Trickle time.Duration
	// Idle cuts connections on which nothing has passed for that long, and
	// Lifetime those that are so old; 0: never.
	Idle, Lifetime time.Duration
}

// An Answer is the response of a proxy, in the place of the server's.
type Answer struct {
	Status int // 0: 200
	Header http.Header
	Body   string
}

// Answers that proxies give.
var (
	// Forbidden refuses the request with status 403.
	Forbidden = &Answer{Status: http.StatusForbidden, Body: "no"}
	// SignIn is the page of a captive portal, with status 200.
	SignIn = &Answer{Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>Please sign in</html>"}
	// Redirect leads to a page to sign in at.
	Redirect = &Answer{Status: http.StatusFound, Header: http.Header{"Location": {"/login"}}}
	// ProxyAuth asks for credentials for the proxy, with status 407.
	ProxyAuth = &Answer{Status: http.StatusProxyAuthRequired, Header: http.Header{"Proxy-Authenticate": {"Basic"}}}
)
