package attacks

import (
	"bytes"
	"compress/flate"
	"fmt"
	"strings"
)

const deflate = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"

// upgrades are what an upgrade is answered.
func upgrades() []Attack {
	refused := func(status int) Sees { return Sees{Op: "upgrade", Status: status} }
	all := []Attack{
		{Name: "compression that was not offered, and a bomb", Payload: Payload{Head: switching + deflate + "\r\n" + frame(fin|0x40|text, deflateBomb())}, Sees: refused(101)},
		{Name: "an extension that was not offered", Payload: Payload{Head: switching + "Sec-WebSocket-Extensions: x-secret\r\n\r\n"}, Sees: refused(101)},
		{Name: "a subprotocol that was not offered", Payload: Payload{Head: switching + "Sec-WebSocket-Protocol: secret\r\n\r\n"}, Sees: refused(101)},
		{Name: "a wrong accept", Payload: Payload{Head: strings.Replace(switching, "{accept}", "secret", 1) + "\r\n"}, Sees: refused(101)},
		{Name: "no accept", Payload: Payload{Head: "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"}, Sees: refused(101)},
		{Name: "101 to another protocol", Payload: Payload{Head: strings.Replace(switching, "websocket", "h2c", 1) + "\r\n"}, Sees: refused(101)},
		{Name: "a status line without end", Payload: Payload{Head: "HTTP/1.1 101 ", Loop: long, Times: Endless}, Sees: Sees{Op: "upgrade", TooLarge: true}},
		{Name: "a header line without end", Payload: Payload{Head: switching + "X: ", Loop: long, Times: Endless}, Sees: Sees{Op: "upgrade", TooLarge: true}},
		{Name: "headers without end", Payload: Payload{Head: switching, Loop: "X: y\r\n", Times: Endless}, Sees: Sees{Op: "upgrade", TooLarge: true}},
		{Name: "ten thousand cookies", Payload: Payload{Head: switching, Loop: "Set-Cookie: a=b\r\n", Times: 10_000, Tail: "\r\n"}, Sees: Sees{Op: "upgrade", TooLarge: true}},
		{Name: "103 without end", Payload: Payload{Loop: "HTTP/1.1 103 Early Hints\r\n\r\n", Times: Endless}, Sees: refused(103)},
		{Name: "100", Payload: Payload{Head: "HTTP/1.1 100 Continue\r\n\r\n"}, Sees: refused(100)},
		{Name: "200 with a page without end", Payload: Payload{Head: "HTTP/1.1 200 OK\r\n\r\n", Loop: long, Times: Endless}, Sees: refused(200)},
		{Name: "426 with another version", Payload: Payload{Head: "HTTP/1.1 426 x\r\nSec-WebSocket-Version: 99\r\n\r\n"}, Sees: refused(426)},
		{Name: "no status", Payload: Payload{Head: "HTTP/1.1\r\n\r\n"}, Sees: Sees{Op: "upgrade"}},
		{Name: "a status of 99999", Payload: Payload{Head: "HTTP/1.1 99999 secret\r\n\r\n"}, Sees: Sees{Op: "upgrade"}},
		{Name: "two lengths", Payload: Payload{Head: switching + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"}, Sees: Sees{Op: "upgrade"}},
		{Name: "HTTP/0.9", Payload: Payload{Head: "<html>secret</html>"}, Sees: Sees{Op: "upgrade"}},
		{Name: "HTTP/2", Payload: Payload{Head: "\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"}, Sees: Sees{Op: "upgrade"}},
		{Name: "header byte by byte", Payload: Payload{Head: switching, Loop: "X: y\r\n", Times: Endless, Slow: slowly}, Sees: Sees{Late: true}},
		{Name: "no answer", Payload: Payload{Hang: true}, Sees: Sees{Late: true}},
		{Name: "a frame glued to the 101", Beside: Before, Payload: Payload{Head: switching + "\r\n" + frame(fin|text, `[{"channel":"/meta/handshake","clientId":"x","successful":true}]`)}},
		{Name: "garbage glued to the 101", Payload: Payload{Head: switching + "\r\nHTTP/1.1 200 secret\r\n\r\n"}, Sees: Sees{Op: "read"}},
		{Name: "a cookie for another domain", Beside: Before, Payload: Payload{Head: switching + "Set-Cookie: canary=1; Domain=other.example\r\n\r\n"}},
		{Name: "a cookie with a carriage return", Payload: Payload{Head: switching + "Set-Cookie: a=1\rX-Canary: 1\r\n\r\n"}, Sees: Sees{Op: "upgrade"}},
	}
	for _, code := range redirects {
		all = append(all, Attack{
			Name:    fmt.Sprintf("%d to another origin", code),
			Payload: Payload{Head: fmt.Sprintf("HTTP/1.1 %d x\r\nLocation: http://{other}/\r\n\r\n", code)},
			Sees:    refused(code),
		})
	}
	return at(AsUpgrade, all)
}

// frames are what stands in the place of a reply's frame.
func frames() []Attack {
	broken := Sees{Op: "read"}
	closed := func(code int) Sees { return Sees{Op: "close", Status: code} }
	return at(AsFrames, []Attack{
		{Name: "a length of 2^63-1", Payload: Payload{Head: "\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", Loop: " ", Times: Endless}, Sees: Sees{Op: "read", TooLarge: true}},
		{Name: "a length of 2^64-1", Payload: Payload{Head: "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", Loop: " ", Times: Endless}, Sees: broken},
		{Name: "a length of 2^63", Payload: Payload{Head: "\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00", Loop: " ", Times: Endless}, Sees: broken},
		{Name: "a length in more bytes than it needs", Beside: Before, Payload: Payload{Head: "\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x02[]"}},
		{Name: "a masked frame", Payload: Payload{Head: "\x81\x82\x00\x00\x00\x00[]"}, Sees: broken},
		{Name: "the first reserved bit, and a bomb", Payload: Payload{Head: frame(fin|0x40|text, deflateBomb())}, Sees: broken},
		{Name: "the second reserved bit", Payload: Payload{Head: frame(fin|0x20|text, "[]")}, Sees: broken},
		{Name: "the third reserved bit", Payload: Payload{Head: frame(fin|0x10|text, "[]")}, Sees: broken},
		{Name: "a reserved opcode", Payload: Payload{Head: frame(fin|0x3, "[]")}, Sees: broken},
		{Name: "a reserved control opcode", Payload: Payload{Head: frame(fin|0xB, "[]")}, Sees: broken},
		{Name: "a ping of 126 bytes", Payload: Payload{Head: frame(fin|ping, strings.Repeat("a", 126))}, Sees: broken},
		{Name: "a ping of 2^63-1 bytes", Payload: Payload{Head: "\x89\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", Loop: " ", Times: Endless}, Sees: broken},
		{Name: "a ping in fragments", Payload: Payload{Head: frame(ping, "a") + frame(fin|more, "b")}, Sees: broken},
		{Name: "a close of one byte", Payload: Payload{Head: frame(fin|bye, "a")}, Sees: Sees{Op: "close|read"}},
		{Name: "a close in fragments", Payload: Payload{Head: frame(bye, "\x03\xe8") + frame(fin|more, "b")}, Sees: broken},
		{Name: "a close with 999", Payload: Payload{Head: frame(fin|bye, "\x03\xe7")}, Sees: Sees{Op: "close|read"}},
		{Name: "a close with 1005", Payload: Payload{Head: frame(fin|bye, "\x03\xed")}, Sees: Sees{Op: "close|read"}},
		{Name: "a close with 1006", Payload: Payload{Head: frame(fin|bye, "\x03\xee")}, Sees: Sees{Op: "close|read"}},
		{Name: "a close with 65535", Payload: Payload{Head: frame(fin|bye, "\xff\xff")}, Sees: Sees{Op: "close|read"}},
		{Name: "a close with a reason that is no UTF-8", Payload: Payload{Head: frame(fin|bye, "\x03\xe8\xff\xfe")}, Sees: Sees{Op: "close|read"}},
		{Name: "a close that is in order", Payload: Payload{Head: frame(fin|bye, "\x03\xe8secret")}, Sees: closed(1000)},
		{Name: "a close for the size", Payload: Payload{Head: frame(fin|bye, "\x03\xf1")}, Sees: closed(1009)},
		{Name: "a continuation of nothing", Payload: Payload{Head: frame(fin|more, "[]")}, Sees: broken},
		{Name: "a message within another", Payload: Payload{Head: frame(text, "[") + frame(fin|text, "[]")}, Sees: broken},
		{Name: "continuations without end", Payload: Payload{Head: frame(text, "["), Loop: frame(more, "{},"), Times: Endless}, Sees: Sees{Op: "read", TooLarge: true}},
		{Name: "empty continuations without end", Payload: Payload{Head: frame(text, "["), Loop: frame(more, ""), Times: Endless}, Sees: Sees{Late: true}},
		{Name: "pings without end", Payload: Payload{Loop: frame(fin|ping, "a"), Times: Endless}, Sees: Sees{Late: true}},
		{Name: "pongs without end", Payload: Payload{Loop: frame(fin|pong, "1"), Times: Endless}, Sees: Sees{Late: true}},
		{Name: "pings within a message, without end", Payload: Payload{Head: frame(text, "["), Loop: frame(fin|ping, "a"), Times: Endless}, Sees: Sees{Late: true}},
		{Name: "a thousand pings", Beside: Before, Payload: Payload{Loop: frame(fin|ping, "a"), Times: 1000}},
		{Name: "empty batches without end", Payload: Payload{Loop: frame(fin|text, "[]"), Times: Endless}, Sees: Sees{Late: true}},
		{Name: "an empty message", Payload: Payload{Head: frame(fin|text, "")}, Sees: Sees{Op: "read"}},
		{Name: "a binary message", Payload: Payload{Head: frame(fin|bin, "[]")}, Sees: Sees{Op: "read"}},
		{Name: "a binary message without end", Payload: Payload{Head: frame(bin, "["), Loop: frame(more, long), Times: Endless}, Sees: Sees{Op: "read|decode"}},
		{Name: "UTF-8 that is cut by a fragment", Beside: Before, Payload: Payload{Head: frame(text, "[{\"data\":\"\xc3") + frame(fin|more, "\xa9\"}]")}, Sees: Sees{Stray: 1}},
		{Name: "HTTP", Payload: Payload{Head: "HTTP/1.1 400 secret\r\n\r\n"}, Sees: broken},
		{Name: "half a frame", Payload: Payload{Head: "\x81\x7e\x00"}, Sees: broken},
		{Name: "half a frame, and silence", Payload: Payload{Head: "\x81\x7e\x00", Hang: true}, Sees: Sees{Late: true}},
		{Name: "a frame byte by byte", Payload: Payload{Head: head(fin|text, 2000), Loop: " ", Times: 2000, Slow: slowly}, Sees: Sees{Late: true}},
		{Name: "nothing more", Payload: Payload{Hang: true}, Sees: Sees{Late: true}},
		{Name: "a small event in much white space, without end", Ack: true, On: Event, Times: 1,
			Payload: Payload{Loop: frame(fin|text, `[{"channel":"/b","data":1}`+strings.Repeat(" ", Limit-1000)+`]`), Times: Endless}, Sees: Sees{Lacking: true, Keeps: 16}}, // garbage, of a gigabyte a second
		{Name: "events without end, never acknowledged", Ack: true, On: Event, Times: 1,
			Payload: Payload{Loop: frame(fin|text, `[{"channel":"/b","data":"`+strings.Repeat(" ", 64<<10)+`"}]`), Times: Endless}, Sees: Sees{Lacking: true}},
	})
}

func deflated(s string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression) // the level is one of its own
	_, _ = w.Write([]byte(s))                          // a Buffer takes everything
	_ = w.Flush()
	return b.String()[:b.Len()-4]
}
