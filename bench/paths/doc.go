// Command paths puts Turold and three other clients behind the same bad networks,
// and prints what came of it as a table in Markdown: CometD's Java client, CometD's
// JavaScript client and Faye's.
//
//	go -C bench run ./paths
//
// Each client runs on its defaults, as a process of its own, against the newest
// server of its make, CometD 9 or Faye 1.4, which publishes 20 events a second. A
// round trip takes 100 ms. The JVM has had a session by each transport before.
// Between the two stands a proxy of package hostile.
//
// It needs a JDK, Maven, Node.js and npm, takes about four minutes, and promises no
// figure.
package main
