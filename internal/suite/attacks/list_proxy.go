package attacks

// tunnels are what a proxy answers to CONNECT.
func tunnels() []Attack {
	refused := func(status int) Sees { return Sees{Op: "proxy", Status: status, Ends: true} }
	all := []Attack{
		{Name: "407 without a reason", Payload: Payload{Head: "HTTP/1.1 407\r\n\r\n"}, Sees: refused(407)},
		{Name: "a status line alone", Payload: Payload{Head: "HTTP/1.1\r\n\r\n"}, Sees: refused(0)},
		{Name: "nothing", Sees: refused(0)},
		{Name: "a page", Payload: Payload{Head: "<html>secret</html>"}, Sees: refused(0)},
		{Name: "a header without end", Payload: Payload{Head: "HTTP/1.1 200 OK\r\nX: ", Loop: long, Times: Endless}, Sees: refused(0)},
		{Name: "headers without end", Payload: Payload{Head: "HTTP/1.1 200 OK\r\n", Loop: "X: y\r\n", Times: Endless}, Sees: refused(0)},
		{Name: "an error's page without end", Payload: Payload{Head: "HTTP/1.1 502 secret\r\n\r\n", Loop: long, Times: Endless}, Sees: refused(502)},
		{Name: "a tunnel to nothing", Payload: Payload{Head: "HTTP/1.1 200 OK\r\n\r\n"}, Sees: Sees{Op: "tls"}},
		{Name: "more than a tunnel", Payload: Payload{Head: "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 secret\r\n\r\n"}, Sees: Sees{Op: "tls|proxy"}},
		{Name: "an answer byte by byte", Payload: Payload{Head: "HTTP/1.1 200 OK\r\n", Loop: "X: y\r\n", Times: Endless, Slow: slowly}, Sees: Sees{Late: true}},
		{Name: "no answer", Payload: Payload{Hang: true}, Sees: Sees{Late: true}},
		{Name: "302 to another origin", Payload: Payload{Head: "HTTP/1.1 302 Found\r\nLocation: http://{other}/\r\n\r\n"}, Sees: refused(302)},
		{Name: "100", Payload: Payload{Head: "HTTP/1.1 100 Continue\r\n\r\n"}, Sees: Sees{Op: "proxy"}},
	}
	return at(AsTunnel, all)
}
