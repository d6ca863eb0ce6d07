package main

import (
	"flag"
	"fmt"
	"testing"
)

// A figure is something to measure.
type figure struct {
	name  string
	what  string
	n     int // how often, by default
	few   int // how often in tests; 0: it has one of its own
	paint func(t *testing.T, n int)
}

var figures = []figure{
	{"resume", "a WebSocket is reset under 1,000 events a second; until the next event comes another way", 500, 10, resume},
	{"close", "Close in each state", 1000, 10, closes},
	{"cycles", "Dial and Close through one Dialer, and what is left", 10_000, 100, cycles},
	{"restart", "a server with many sessions stops and comes back, on virtual time", 1000, 0, restart},
	{"silence", "everything falls silent; until it is found out, on virtual time", 20, 5, silence},
}

func main() {
	only := flag.String("only", "", "one figure")
	n := flag.Int("n", 0, "how often; 0: as the figure has it")
	flag.Parse()
	var tests []testing.InternalTest
	for _, f := range figures {
		if *only == "" || *only == f.name {
			if *n > 0 {
				f.n = *n
			}
			tests = append(tests, testing.InternalTest{Name: f.name, F: func(t *testing.T) {
				fmt.Printf("%s: %s\n", f.name, f.what)
				f.paint(t, f.n)
			}})
		}
	}
	// testing/synctest wants a test: this program is some.
	testing.Main(func(string, string) (bool, error) { return true, nil }, tests, nil, nil)
}
