package hardening

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/testutil/testnet"
)

// A fault is one way in which everything goes wrong while it is on: said is all
// the secrets that the other end knows, and is sent back wherever there is room.
type fault struct {
	name   string
	serve  func(w http.ResponseWriter, r *http.Request, said string) // nil: as a server does
	reply  func(m *bayeux.Message, said string)                      // changes each reply
	wire   func(s *stage, on bool)                                   // what the network does
	proxy  func(said string) string                                  // the answer to CONNECT
	secure bool                                                      // only where there is TLS
	faye   bool                                                      // what the server is: its errors quote clientIds
	socks  func(c net.Conn, said string)                             // a SOCKS5 proxy's answers
}

func faults() []fault {
	all := []fault{
		{name: "refused", wire: func(s *stage, on bool) { s.each(func(addr string) { s.net.Refuse(addr, on); s.net.Reset(addr) }) }},
		{name: "black hole", wire: func(s *stage, on bool) {
			s.each(func(addr string) { s.net.BlackHole(addr, on); s.net.Stall(addr, on, on) })
		}},
		{name: "reset", wire: func(s *stage, on bool) {
			for range 20 {
				time.Sleep(100 * time.Millisecond)
				s.each(func(addr string) { s.net.Reset(addr) })
			}
		}},
		{name: "forgotten", wire: func(s *stage, on bool) { s.server.Forget("") }},
		{name: "forgotten by Faye", faye: true, wire: func(s *stage, on bool) { s.server.Forget("") }},
		{name: "disconnected", wire: func(s *stage, on bool) { s.server.Disconnect("") }},
		{name: "no certificate for it", secure: true, wire: func(s *stage, on bool) {
			s.wrong.Store(on)
			s.each(func(addr string) { s.net.Reset(addr) })
		}},
	}
	for _, code := range []int{300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 407, 408, 413, 429, 500, 502, 503, 599} {
		all = append(all, fault{name: fmt.Sprint(code), serve: func(w http.ResponseWriter, _ *http.Request, said string) {
			for _, name := range []string{"Location", "X-Said", "Www-Authenticate", "Proxy-Authenticate", "Retry-After", "Link"} {
				w.Header().Set(name, said)
			}
			w.Header().Set("Location", "https://elsewhere/"+said)
			w.Header().Set("Alt-Svc", `h2="elsewhere:443", h3="elsewhere:443"`)
			w.WriteHeader(code)
			_, _ = w.Write([]byte(said))
		}})
	}
	for name, head := range map[string]string{
		"a reason phrase":       "HTTP/1.1 403 %s\r\n\r\n",
		"no HTTP":               "%s\r\n\r\n",
		"no status":             "HTTP/1.1 2%s\r\n\r\n",
		"no version":            "HTTP/%s 200 OK\r\n\r\n",
		"no header":             "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"no header's value":     "HTTP/1.1 200 OK\r\nX: %s\x01\r\n\r\n",
		"no header's name":      "HTTP/1.1 200 OK\r\n(%s): x\r\n\r\n",
		"no length":             "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"no encoding":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
		"no chunks":             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
		"no trailer":            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n%s\r\n\r\n",
		"no gzip":               "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n%s",
		"a type":                "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n[]",
		"a header without end":  "HTTP/1.1 200 OK\r\nX: %s" + strings.Repeat("x", 100_000),
		"an interim answer":     "HTTP/1.1 103 %s\r\nLink: x\r\n\r\nHTTP/1.1 500 x\r\n\r\n",
		"two answers":           "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]HTTP/1.1 200 %s\r\n\r\n",
		"a bad cookie":          "HTTP/1.1 500 x\r\nSet-Cookie: %s\r\nSet-Cookie: =;;%s\r\n\r\n",
		"a bad upgrade":         "HTTP/1.1 101 %s\r\nUpgrade: %s\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		"more after the answer": "HTTP/1.1 204 No Content\r\n\r\n%s",
	} {
		all = append(all, fault{name: name, serve: func(w http.ResponseWriter, _ *http.Request, said string) {
			raw(w, strings.ReplaceAll(head, "%s", said))
		}})
	}
	return append(all, spoken()...)
}

// raw takes the connection from net/http, writes, and closes it.
func raw(w http.ResponseWriter, what string) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = c.Write([]byte(what))
	_, _ = c.Read(make([]byte, 1)) // until the client has had enough
}

// spoken are faults of what is said by a transport that works.
func spoken() (all []fault) {
	for name, body := range map[string]string{
		"cut JSON":              `[{"channel":"%s`,
		"no JSON":               `%s`,
		"a page":                `<html>%s</html>`,
		"a string":              `"%s"`,
		"a name twice":          `[{"%s":1,"%s":2}]`,
		"a reserved name twice": `[{"channel":"/a","channel":"%s"}]`,
		"a wrong type":          `[{"channel":"/meta/connect","successful":"%s","id":"1"}]`,
		"a wrong advice":        `[{"channel":"/meta/connect","successful":false,"advice":"%s"}]`,
		"no channel":            `[{"data":"%s"}]`,
		"unknown channels":      `[{"channel":"/meta/%s","successful":true,"error":"%s"},{"channel":"/%s","id":"%s"}]`,
		"a bad escape":          `["\u%s"]`,
		"a bad number":          `[{"channel":"/a","id":1%s}]`,
		"a disconnect":          `[{"channel":"/meta/disconnect","error":"%s","ext":{"x":"%s"}}]`,
	} {
		text := func(said string) string { return strings.ReplaceAll(body, "%s", said) }
		all = append(all, fault{name: name, serve: func(w http.ResponseWriter, r *http.Request, said string) {
			if r.Header.Get("Upgrade") != "" {
				frames(w, r, "\x81", text(said))
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(text(said)))
		}})
	}
	for name, op := range map[string]string{"a close reason": "\x88", "a binary message": "\x82", "a ping": "\x89", "a pong": "\x8a", "a reserved opcode": "\x83",
		"a continuation of nothing": "\x80", "reserved bits": "\xf1"} {
		all = append(all, fault{name: name, serve: func(w http.ResponseWriter, r *http.Request, said string) {
			if r.Header.Get("Upgrade") == "" {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			if op == "\x88" {
				said = "\x03\xf0" + said
			}
			frames(w, r, op, said[:min(len(said), 125)])
		}})
	}
	for name, more := range map[string]string{"an extension": "Sec-WebSocket-Extensions", "a subprotocol": "Sec-WebSocket-Protocol"} {
		all = append(all, fault{name: name, serve: func(w http.ResponseWriter, r *http.Request, said string) {
			raw(w, testnet.Switching(r, more+": "+said+"\r\n"))
		}})
	}
	for _, format := range []string{"%s", "403::%s", "403:%s:denied", "402::Unknown client %s", "401:%s:Unknown client", "402:%s:session_unknown", "500:%s,%s:%s",
		"401::Authentication invalid %s", "503::%s too busy"} {
		all = append(all, fault{name: "error " + format, reply: func(m *bayeux.Message, said string) {
			m.Meta.Successful, m.Meta.ClientID = false, ""
			m.Meta.Error = strings.ReplaceAll(format, "%s", said)
		}}, fault{name: "failureReason " + format, reply: func(m *bayeux.Message, said string) {
			m.Meta.Successful, m.Meta.Error = false, "403::denied"
			m.Ext = []byte(fmt.Sprintf(`{"sfdc":{"failureReason":%q}}`, strings.ReplaceAll(format, "%s", said)))
		}})
	}
	for _, code := range []int{407, 403, 502} {
		all = append(all, fault{name: fmt.Sprint("proxy ", code), proxy: func(said string) string {
			return fmt.Sprintf("HTTP/1.1 %d %s\r\nX: %s\r\nProxy-Authenticate: %s\r\n\r\n%s", code, said, said, said, said)
		}})
	}
	for name, answers := range map[string][]string{
		"no SOCKS": {"%s"}, "credentials refused": {"\x05\x02", "\x01\x01%s"}, "another method": {"\x05\x7f%s"},
		"connect refused": {"\x05\x02", "\x01\x00", "\x05\x02\x00\x03%s"}, "unknown refusal": {"\x05\x02", "\x01\x00", "\x05\x99\x00\x03%s"},
	} {
		all = append(all, fault{name: "proxy: " + name, socks: func(c net.Conn, said string) {
			for _, a := range answers {
				_, _ = c.Read(make([]byte, 512))
				_, _ = c.Write([]byte(strings.ReplaceAll(a, "%s", said)))
			}
		}})
	}
	return append(all, fault{name: "proxy: no HTTP", proxy: func(said string) string { return said + "\r\n\r\n" }},
		fault{name: "proxy: no header", proxy: func(said string) string { return "HTTP/1.1 200 OK\r\n" + said + "\r\n\r\n" }},
		fault{name: "proxy: talkative", proxy: func(said string) string { return "HTTP/1.1 200 OK\r\n\r\n" + said }})
}

// frames opens a WebSocket and sends a frame on it that is not masked.
func frames(w http.ResponseWriter, r *http.Request, op, payload string) {
	size := []byte{byte(len(payload))}
	if len(payload) > 125 {
		size = []byte{126, byte(len(payload) >> 8), byte(len(payload))}
	}
	raw(w, testnet.Switching(r, "")+op+string(size)+payload)
}

// answering is a proxy that gives its answer to whatever is asked.
func answering(c net.Conn, answer string) {
	if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		_, _ = c.Write([]byte(answer))
	}
}
