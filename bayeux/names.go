package bayeux

import "hash/maphash"

const (
	cachedNames   = 64
	maxCachedName = 64 // bytes of one that is kept: a server may send any
)

// A nameCache holds the names of recent channels. Events of the same channel share its
// name, so that a program that keeps many events keeps the name once.
type nameCache [cachedNames]Channel

var nameSeed = maphash.MakeSeed()

// get returns the channel whose JSON is quoted, empty if the cache does not have it, or
// if the JSON has escapes.
func (n *nameCache) get(quoted []byte) Channel {
	if c := *n.slot(quoted); len(c)+2 == len(quoted) && quoted[0] == '"' && string(quoted[1:len(quoted)-1]) == string(c) {
		return c
	}
	return ""
}

func (n *nameCache) put(quoted []byte, c Channel) {
	if len(c) <= maxCachedName {
		*n.slot(quoted) = c
	}
}

func (n *nameCache) slot(quoted []byte) *Channel {
	return &n[maphash.Bytes(nameSeed, quoted)%cachedNames]
}
