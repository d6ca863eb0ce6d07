// Package memnet is a network in memory that behaves as TCP does, with latency
// and faults, for tests of anything that takes a net.Listener and a DialContext.
//
// It is made for tests inside a testing/synctest bubble: a goroutine that waits
// on it is durably blocked, so virtual time passes, and an hour of outage takes
// no time at all. It works outside a bubble as well, on real time.
//
//	func TestOutage(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			network := memnet.New() // inside the bubble
//			network.SetLatency(20 * time.Millisecond)
//			listener, err := network.Listen("server:80")
//			if err != nil {
//				t.Fatal(err)
//			}
//			server := bayeuxtest.Serve(listener, "/cometd", bayeuxtest.New(nil), nil)
//			defer server.Close()
//			dialer := &client.Dialer{DialContext: network.DialContext, Proxy: http.ProxyURL(nil)}
//			defer dialer.Close()
//			c, err := dialer.Dial(t.Context(), "http://server:80/cometd", nil)
//			if err != nil {
//				t.Fatal(err)
//			}
//			defer c.Close()
//			network.Reset("server:80")        // every connection breaks now
//			network.Refuse("server:80", true) // and no other one is opened
//			time.Sleep(time.Hour)             // of the bubble
//			network.Refuse("server:80", false)
//			// What has the program under test done about it?
//		})
//	}
//
// An address is any string, by custom host:port; a listener and the dials to it
// meet where the strings are equal, and no name is looked up. All faults are of an
// address: [Network.Refuse] and [Network.BlackHole] are of new connections,
// [Network.Reset], [Network.Silence] and [Network.CutAt] of those there are,
// [Network.Stall] of both.
//
// What differs from a kernel's TCP: each direction of a connection holds 64 KiB
// on their way at most, after which writers wait; a listener keeps 128
// connections that it has not accepted, and more are refused; what is written
// arrives as one piece, and is never lost but by a fault. Closing is half as in
// TCP: what was written before Close arrives, then the other side reads io.EOF.
// A connection has SetLinger as a *net.TCPConn has it: with zero, Close resets
// the connection. Errors are *net.OpError, and wrap the syscall errors that TCP's
// wrap: ECONNREFUSED, ECONNRESET, EADDRINUSE and EPIPE, as well as
// net.ErrClosed and os.ErrDeadlineExceeded.
//
// The package imports nothing of the module.
package memnet
