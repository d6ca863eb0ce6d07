// Package hostile is what stands between a client and a server and does not
// mean well by WebSockets, in the process of a test: proxies that refuse the
// upgrade, answer it themselves, swallow what comes after it, cut what is idle
// or old. Programs test with it what their own settings make of such networks.
//
// [Listen] wraps the listener of any HTTP server, such as that of a
// [github.com/turold/turold/bayeux/bayeuxtest.Server], on a real network or one
// in memory: what the [Fault] says happens to the connections that it accepts.
//
//	l := hostile.Listen(listener, hostile.Fault{MuteUp: true})
//	server := bayeuxtest.Serve(l, "/cometd", bayeuxtest.New(nil), nil)
//
// The package imports nothing of the module.
package hostile
