// Package hostile imitates, in the process of a test, the proxies between a client and a
// server that break WebSockets: those that refuse the upgrade, answer it themselves,
// swallow the frames after it, or cut connections that are idle or old. Programs test
// with it how they fare with their own settings on such networks.
//
// [Listen] wraps the listener of any HTTP server, such as that of a
// [github.com/turold/turold/bayeux/bayeuxtest.Server], on a real network or one
// in memory: the [Fault] says what happens to the connections that it accepts.
//
//	l := hostile.Listen(listener, hostile.Fault{MuteUp: true})
//	server := bayeuxtest.Serve(l, "/cometd", bayeuxtest.New(nil), nil)
//
// The package imports nothing of the module.
package hostile
