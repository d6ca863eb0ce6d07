// Command bench measures Turold against the loops that a program would write
// without it, gorilla/websocket with a JSON tokenizer and POSTs of net/http, and
// against other clients.
//
//	go -C bench run . -o ../BENCHMARKS.md
//
// Each measurement runs in a process of its own, against a server in another
// (package rawserver), so that neither garbage nor a warm cache is passed on. What
// is compared takes turns, A B A B, and a goal is held to the median of the
// ratios of the turns: the machine's moods are in both sides of each.
//
// The comparisons called peers-… are with CometD's own clients in Java and
// JavaScript (package peers), all against one CometD server that package servers
// of interop builds and runs. They need a JDK, Maven, Node.js and npm, and the
// first build a network; who cannot be measured for want of one is left out, and
// the report says so.
//
// It prints tables, and writes them with plots and what the goals came to into
// the file that -o names. It promises no figure: it exits with 0 whatever they
// are, and only fails where something could not be measured.
//
// What was measured is kept in the file that -results names: -only measures
// some of it anew, the rest is reported as it was. It runs on Unix, with 65,536 open files.
//
// It is a module of its own because the plots are drawn by gonum.org/v1/plot and
// the server's frames read by gobwas/ws, which nobody who uses the library should
// have to download. It uses what is public of the main module, as a user does.
package main
