package bayeux

import "hash/maphash"

const (
	keptNames   = 64
	longestName = 64 // bytes of one that is kept: a server may send any
)

// names are channels that came lately. Events of the same channel share its
// name: a program that keeps many of them keeps it once.
type names [keptNames]Channel

var nameSeed = maphash.MakeSeed()

// find returns the channel whose JSON is quoted, empty if it is not there, or
// if the JSON has escapes.
func (n *names) find(quoted []byte) Channel {
	if c := *n.place(quoted); len(c)+2 == len(quoted) && quoted[0] == '"' && string(quoted[1:len(quoted)-1]) == string(c) {
		return c
	}
	return ""
}

func (n *names) keep(quoted []byte, c Channel) {
	if len(c) <= longestName {
		*n.place(quoted) = c
	}
}

func (n *names) place(quoted []byte) *Channel {
	return &n[maphash.Bytes(nameSeed, quoted)%keptNames]
}
