package transporttest

import (
	"bytes"
	"regexp"
	"runtime"
)

var bubbleLabel = regexp.MustCompile(`synctest bubble \d+`)

// foreignFrames stand in the stacks of goroutines that belong to the server and the
// network.
var foreignFrames = [][]byte{
	[]byte("net/http.(*Server)."), []byte("net/http.(*conn).serve("), []byte("created by net/http.(*connReader)"),
	[]byte("/bayeuxtest."), []byte("created by github.com/turold/turold/bayeux/bayeuxtest/memnet."),
}

// goroutines counts those of the caller's bubble that are not the server's.
func goroutines() int {
	all := make([]byte, 64<<10)
	for {
		n := runtime.Stack(all, true)
		if n < len(all) {
			all = all[:n]
			break
		}
		all = make([]byte, 2*len(all))
	}
	count := 0
	var mine []byte // the caller comes first
stacks:
	for _, one := range bytes.Split(all, []byte("\n\n")) {
		head, _, _ := bytes.Cut(one, []byte("\n"))
		label := bubbleLabel.Find(head)
		if mine == nil {
			if mine = label; mine == nil {
				return 0
			}
		}
		if !bytes.Equal(label, mine) {
			continue
		}
		for _, t := range foreignFrames {
			if bytes.Contains(one, t) {
				continue stacks
			}
		}
		count++
	}
	return count
}
