package attacks

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	ok     = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	length = "Content-Length: 2\r\n\r\n[]"
	long   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

// slowly is the pace of a slow loris.
const slowly = 20 * time.Millisecond

// answers are what an HTTP client is told in the place of an answer.
func answers() []Attack {
	all := []Attack{
		{Name: "a status line without end", Payload: Payload{Head: "HTTP/1.1 200 ", Loop: long, Times: Endless}, Sees: Sees{TooLarge: true}},
		{Name: "a header line without end", Payload: Payload{Head: ok + "X: ", Loop: long, Times: Endless}, Sees: Sees{TooLarge: true}},
		{Name: "headers without end", Payload: Payload{Head: ok, Loop: "X: y\r\n", Times: Endless}, Sees: Sees{TooLarge: true}},
		{Name: "ten thousand cookies", Payload: Payload{Head: ok, Loop: "Set-Cookie: a=b\r\n", Times: 10_000, Tail: length}, Sees: Sees{TooLarge: true}},
		{Name: "a cookie that is too large", Payload: Payload{Head: ok + "Set-Cookie: a=", Loop: long, Times: 2_000, Tail: "\r\n" + length}, Sees: Sees{TooLarge: true}},
		{Name: "a body without end", Payload: Payload{Head: ok + "Connection: close\r\n\r\n[", Loop: "{},", Times: Endless}, Sees: Sees{Op: "read", TooLarge: true}},
		{Name: "chunks without end", Payload: Payload{Head: ok + "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n", Loop: "10\r\n                \r\n", Times: Endless},
			Sees: Sees{Op: "read", TooLarge: true}},
		{Name: "chunks of one byte without end", Payload: Payload{Head: ok + "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n", Loop: "1\r\n \r\n", Times: Endless}, Sees: Sees{Op: "read|cut"}}, // a slow machine is not through when the time is over
		{Name: "a chunk of 2^64-1 bytes", Payload: Payload{Head: ok + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", Loop: long, Times: Endless}, Sees: Sees{Op: "read"}},
		{Name: "a chunk's size of 17 digits", Payload: Payload{Head: ok + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n[]"}, Sees: Sees{Op: "read"}},
		{Name: "a chunk's extension without end", Payload: Payload{Head: ok + "Transfer-Encoding: chunked\r\n\r\n1;x=", Loop: long, Times: Endless}, Sees: Sees{Op: "read"}},
		{Name: "a trailer without end", Payload: Payload{Head: ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n", Loop: "X: y\r\n", Times: Endless}, Sees: Sees{Op: "read"}},
		{Name: "a length of 2^63-1", Payload: Payload{Head: ok + "Content-Length: 9223372036854775807\r\n\r\n", Loop: " ", Times: Endless}, Sees: Sees{Op: "read", TooLarge: true}},
		{Name: "a length of 2^64", Payload: Payload{Head: ok + "Content-Length: 18446744073709551616\r\n\r\n[]"}, Sees: Sees{Op: "read"}},
		{Name: "a negative length", Payload: Payload{Head: ok + "Content-Length: -1\r\n\r\n[]"}, Sees: Sees{Op: "read"}},
		{Name: "two lengths", Payload: Payload{Head: ok + "Content-Length: 3\r\nContent-Length: 2\r\n\r\n[] "}, Sees: Sees{Op: "read"}},
		{Name: "a length and chunks", Payload: Payload{Head: ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[] \r\n0\r\n\r\n"}, Sees: Sees{Fails: true}},
		{Name: "an encoding of transfer that is unknown", Payload: Payload{Head: ok + "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n"}, Sees: Sees{Op: "read"}},
		{Name: "less than the length", Payload: Payload{Head: ok + "Content-Length: 100\r\n\r\n[]"}, Sees: Sees{Op: "read"}},
		{Name: "1xx without end", Payload: Payload{Loop: "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", Times: Endless}, Sees: Sees{TooLarge: true}},
		{Name: "four early hints", Beside: Before, Payload: Payload{Loop: "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", Times: 4}},
		{Name: "100 though nothing was expected", Beside: Before, Payload: Payload{Head: "HTTP/1.1 100 Continue\r\n\r\n"}},
		{Name: "101 to a poll", Payload: Payload{Head: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", Loop: long, Times: Endless}, Sees: Sees{Op: "status", Status: 101}},
		{Name: "204 with a body", Payload: Payload{Head: "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n[]"}, Sees: Sees{Op: "status", Status: 204}},
		{Name: "205 with a body", Payload: Payload{Head: "HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\n[]"}, Sees: Sees{Op: "status", Status: 205}},
		{Name: "304 with a body", Payload: Payload{Head: "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n[]"}, Sees: Sees{Op: "status", Status: 304}},
		{Name: "HTTP/0.9", Payload: Payload{Head: "<html>secret</html>"}, Sees: Sees{Op: "read"}},
		{Name: "HTTP/2", Payload: Payload{Head: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"}, Sees: Sees{Op: "read"}},
		{Name: "HTTP/9.9", Payload: Payload{Head: "HTTP/9.9 200 OK\r\n\r\n"}, Sees: Sees{Op: "read|status"}},
		{Name: "a status of -1", Payload: Payload{Head: "HTTP/1.1 -1 secret\r\n\r\n"}, Sees: Sees{Op: "read"}},
		{Name: "a header with NUL", Payload: Payload{Head: ok + "X: a\x00b\r\n" + length}, Sees: Sees{Op: "read|status"}},
		{Name: "a name with a space", Payload: Payload{Head: ok + "X Y: secret\r\n" + length}, Sees: Sees{Fails: true}},
		{Name: "header byte by byte", Payload: Payload{Head: ok + "X: " + long + long + long, Slow: slowly}, Sees: Sees{Late: true}},
		{Name: "body byte by byte", Payload: Payload{Head: ok + "Content-Length: 1000\r\n\r\n", Loop: " ", Times: 1000, Slow: slowly}, Sees: Sees{Late: true}},
		{Name: "no answer", Payload: Payload{Hang: true}, Sees: Sees{Late: true}},
		{Name: "a bomb of gzip", Payload: Payload{Head: encoded("gzip", gzipBomb())}, Sees: Sees{Op: "read", TooLarge: true}},
		{Name: "gzip in gzip", Payload: Payload{Head: encoded("gzip", zipped(zipped("[]")))}, Sees: Sees{Op: "decode"}},
		{Name: "gzip, said twice", Payload: Payload{Head: encoded("gzip, gzip", zipped(gzipBomb()))}, Sees: Sees{Op: "decode"}},
		{Name: "deflate, which was not offered", Payload: Payload{Head: encoded("deflate", gzipBomb())}, Sees: Sees{Op: "decode"}},
		{Name: "br, which was not offered", Payload: Payload{Head: encoded("br", gzipBomb())}, Sees: Sees{Op: "decode"}},
		{Name: "gzip that is none", Payload: Payload{Head: encoded("gzip", "secret")}, Sees: Sees{Op: "read"}},
		{Name: "gzip that is cut", Payload: Payload{Head: encoded("gzip", zipped("[]")[:12])}, Sees: Sees{Op: "read"}},
		{Name: "no content type", Payload: Payload{Head: "HTTP/1.1 200 OK\r\n" + length}, Sees: Sees{Op: "status", Status: 200}},
		{Name: "a page without end", Payload: Payload{Head: "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", Loop: long, Times: Endless}, Sees: Sees{Op: "status", Status: 200}},
		{Name: "an error's page without end", Payload: Payload{Head: "HTTP/1.1 500 secret\r\n\r\n", Loop: long, Times: Endless}, Sees: Sees{Op: "status", Status: 500}},
		{Name: "401 with a challenge of every kind", Payload: Payload{Head: "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"secret\"\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n"},
			Sees: Sees{Op: "status", Status: 401}},
		{Name: "a second answer behind the first", Beside: After, Payload: Payload{Head: answer(`[{"channel":"/a","data":"nobody asked"}]`)}, Sees: Sees{Op: "read|write", May: true}},
	}
	for _, code := range redirects {
		for _, to := range []string{"http://{other}/", "https://{other}/cometd", "//{other}/"} {
			all = append(all, Attack{
				Name:    fmt.Sprintf("%d to %s", code, to),
				Payload: Payload{Head: fmt.Sprintf("HTTP/1.1 %d x\r\nLocation: %s\r\nRefresh: 0; url=%s\r\nContent-Length: 0\r\n\r\n", code, to, to)},
				Sees:    Sees{Op: "status", Status: code},
			})
		}
	}
	return at(AsAnswer, all)
}

var redirects = []int{301, 302, 303, 307, 308}

// unwanted are headers that must come to nothing, or are no header: the answer
// that they stand in is honest.
func unwanted() []Attack {
	all := []Attack{
		{Name: "a cookie for another domain", Payload: Payload{Head: "Set-Cookie: canary=1; Domain=other.example\r\n"}},
		{Name: "a cookie for a public suffix", Payload: Payload{Head: "Set-Cookie: canary=1; Domain=com\r\n"}},
		{Name: "a cookie for a part of an address", Payload: Payload{Head: "Set-Cookie: canary=1; Domain=0.0.1\r\n"}},
		{Name: "a cookie for another path", Payload: Payload{Head: "Set-Cookie: canary=1; Path=/other\r\n"}},
		{Name: "a cookie with a carriage return", Payload: Payload{Head: "Set-Cookie: a=1\rX-Canary: 1\r\n"}, Sees: Sees{Op: "read"}},
		{Name: "a cookie with control characters", Payload: Payload{Head: "Set-Cookie: canary=\x01\x02\r\n"}, Sees: Sees{Op: "read"}},
		{Name: "new cookies in each answer", Payload: Payload{Head: "Set-Cookie: a{1}=", Loop: long, Times: 50, Tail: "\r\n"}, On: Event, Times: 100},
		{Name: "other services to go to", Payload: Payload{Head: "Alt-Svc: h2=\"{other}\"; ma=1000\r\nLocation: http://{other}/\r\nRefresh: 0; url=http://{other}/\r\n"}},
	}
	for i := range all {
		all[i].Head = ok + all[i].Head
		all[i].Tail += "{answer}"
	}
	return at(AsAnswer, all)
}

func at(p Place, all []Attack) []Attack {
	for i := range all {
		all[i].Place = p
	}
	return all
}

// Bombs inflate to sixteen times the default limit.
var (
	bomb        = strings.Repeat(" ", 16*Limit)
	gzipBomb    = sync.OnceValue(func() string { return zipped(bomb) })
	deflateBomb = sync.OnceValue(func() string { return deflated(bomb) })
)

func encoded(how, body string) string {
	return fmt.Sprintf("%sContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", ok, how, len(body), body)
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s)) // a Buffer takes everything
	_ = w.Close()
	return b.String()
}
