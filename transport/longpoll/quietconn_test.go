package longpoll

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/internal/testutil/testnet"
	"github.com/turold/turold/transport"
)

// printed is what goes to Go's standard log while f runs.
func printed(f func()) string {
	var mu sync.Mutex
	var b bytes.Buffer
	log.SetOutput(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return b.Write(p)
	}))
	defer log.SetOutput(log.Writer())
	f()
	mu.Lock()
	defer mu.Unlock()
	return b.String()
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// ways are those by which a session reaches a server that speaks HTTP/1.1.
var ways = map[string]struct{ target, proxy string }{
	"http":                   {"http://server/cometd", ""},
	"https":                  {"https://server/cometd", ""},
	"http by a proxy":        {"http://server/cometd", "http://proxy:3128"},
	"https by a proxy":       {"https://server/cometd", "http://proxy:3128"},
	"http by SOCKS":          {"http://server/cometd", "socks5://me:secret@proxy:3128"},
	"http by a proxy's TLS":  {"http://server/cometd", "https://server:3128"},
	"https by a proxy's TLS": {"https://server/cometd", "https://server:3128"},
}

// byWay runs f in a world in which the server serves connections in the same
// manner, whatever leads there.
func byWay(t *testing.T, name string, serve func(net.Conn), f func(w *world)) {
	way := ways[name]
	inWorld(t, way.target, func(w *world) {
		server, client := testnet.Certify("server")
		server.NextProtos, w.network.TLS = []string{"http/1.1"}, client
		secure := overTLS(server, serve)
		w.listen("server:80", serve)
		w.listen("server:443", secure)
		tunnel := testnet.Tunnel(w.net.DialContext, "HTTP/1.1 200 Connected\r\n\r\n", new(http.Request))
		switch name {
		case "http by a proxy":
			w.listen("proxy:3128", serve)
		case "https by a proxy":
			w.listen("proxy:3128", tunnel)
		case "http by SOCKS":
			w.listen("proxy:3128", w.socks(0, new(string)))
		case "http by a proxy's TLS":
			w.listen("server:3128", secure)
		case "https by a proxy's TLS":
			w.listen("server:3128", overTLS(server, tunnel))
		}
		if way.proxy != "" {
			w.via(way.proxy)
		}
		f(w)
	})
}

// TestNothingIsPrintedThatNobodyAskedFor: a server, or a proxy, answers a request
// twice, or says something while it is not asked, at once or later, in the same
// packet or another. Nothing is printed, and nothing of it is an answer.
func TestNothingIsPrintedThatNobodyAskedFor(t *testing.T) {
	stray := strings.Replace(good, `"/a"`, `"/S"`, 1)
	for name, says := range map[string]func(c net.Conn, n int){
		"twice at once": func(c net.Conn, _ int) { _, _ = io.WriteString(c, good+stray) },
		"twice in chunks at once": func(c net.Conn, _ int) {
			body := good[strings.Index(good, "\r\n\r\n")+4:]
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n%s", len(body), body, stray)
		},
		"twice": func(c net.Conn, _ int) { _, _ = io.WriteString(c, good); _, _ = io.WriteString(c, stray) },
		"twice and late": func(c net.Conn, _ int) {
			_, _ = io.WriteString(c, good)
			time.Sleep(time.Second)
			_, _ = io.WriteString(c, stray)
		},
		"a byte": func(c net.Conn, _ int) { _, _ = io.WriteString(c, good+"\n") },
		"a line without an end": func(c net.Conn, _ int) {
			_, _ = io.WriteString(c, good)
			time.Sleep(time.Second)
			_, _ = io.WriteString(c, strings.Repeat("secret", 10000))
		},
		"an answer of no bytes twice": func(c net.Conn, _ int) {
			_, _ = io.WriteString(c, strings.Repeat("HTTP/1.1 204 No Content\r\n\r\n", 2))
		},
		"a refusal twice": func(c net.Conn, _ int) {
			_, _ = io.WriteString(c, strings.Repeat("HTTP/1.1 503 Unavailable\r\nContent-Length: 6\r\n\r\nsecret", 2))
		},
		"a timeout twice": func(c net.Conn, _ int) {
			_, _ = io.WriteString(c, good+"HTTP/1.1 408 Request Timeout\r\n\r\n")
		},
	} {
		for way := range ways {
			t.Run(name+" "+way, func(t *testing.T) {
				serve := func(c net.Conn) {
					n := 0
					speak(c, func(int, *http.Request) string {
						n++
						says(c, n)
						return ""
					})
				}
				require.Empty(t, printed(func() {
					byWay(t, way, serve, func(w *world) {
						for range 5 {
							_, ms := w.exchange()
							for _, m := range ms {
								require.EqualValues(w, "/a", m.Channel, "it was not asked for")
							}
							time.Sleep(2 * time.Second)
						}
						time.Sleep(time.Minute)
					})
				}))
			})
		}
	}
}

// TestAServerThatSpeaksFirst, before it is asked anything, is not heard.
func TestAServerThatSpeaksFirst(t *testing.T) {
	for _, way := range []string{"http", "https", "http by a proxy", "https by a proxy"} {
		serve := func(c net.Conn) {
			_, _ = io.WriteString(c, good)
			serveGood(c)
		}
		require.Empty(t, printed(func() {
			byWay(t, way, serve, func(w *world) {
				w.exchange()
				time.Sleep(time.Minute)
			})
		}))
	}
}

// TestAnswersComeWhole, whatever their form and in whatever pieces, and their
// connections serve again.
func TestAnswersComeWhole(t *testing.T) {
	large := `[{"channel":"/a","id":"1","successful":true,"data":"` + strings.Repeat("x", 20_000) + `"}]`
	small := `[{"channel":"/a","id":"1","successful":true}]`
	chunked := func(body string, size int) string {
		var b strings.Builder
		for at := 0; at < len(body); at += size {
			piece := body[at:min(at+size, len(body))]
			fmt.Fprintf(&b, "%x;name=%s\r\n%s\r\n", len(piece), strings.Repeat("v", 100), piece)
		}
		return "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n" + b.String() + "0\r\nTrailer: x\r\n\r\n"
	}
	length := func(body, more string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%scontent-length:%d\r\n\r\n%s", more, len(body), body)
	}
	packed := zipped(large)
	for name, answer := range map[string]string{
		"small":        length(small, ""),
		"large":        length(large, ""),
		"long header":  length(small, "X-Long: "+strings.Repeat("x", 10_000)+"\r\n"),
		"many headers": length(small, strings.Repeat("X-Many: some words of them\r\n", 300)),
		"bare lines":   strings.ReplaceAll(length(small, ""), "\r\n", "\n"),
		"gzip":         length(packed, "Content-Encoding: gzip\r\n"),
		"chunks":       chunked(large, 1000),
		"small chunks": chunked(small, 7),
		"gzip chunks":  strings.Replace(chunked(packed, 100), "\r\n", "\r\nContent-Encoding: gzip\r\n", 1),
		"early hints":  "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + length(large, ""),
	} {
		for _, size := range []int{1, 3, 17, 255, 256, 257, 1000, 1 << 20} {
			t.Run(fmt.Sprint(name, " ", size), func(t *testing.T) {
				byWay(t, "http", func(c net.Conn) {
					speak(c, func(int, *http.Request) string {
						for rest := []byte(answer); len(rest) > 0; rest = rest[min(size, len(rest)):] {
							_, _ = c.Write(rest[:min(size, len(rest))])
							if size > 16 {
								synctest.Wait()
							}
						}
						return ""
					})
				}, func(w *world) {
					for range 3 {
						err, ms := w.outcome(w.send(transport.LaneCommands, 10))
						require.Nil(w, err)
						require.Len(w, ms, 1)
						time.Sleep(time.Second)
					}
					require.Equal(w, 1, w.dialled("server:80"))
				})
			})
		}
	}
}
