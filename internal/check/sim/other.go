package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/turold/turold/bayeux"
)

// An other is another client of the servers, whose publishes are what the
// sessions read. Servers relay what it writes beside its data; none of it
// concerns anybody.
type other struct {
	rng  *rand.Rand
	loud bool // it writes such things
}

// asides are members that mean something in a message of another kind.
var asides = []string{
	`"id":"probe"`, `"id":"1"`, `"id":"17"`, `"clientId":"another"`,
	`"successful":true`, `"successful":false`, `"successful":"yes"`,
	`"error":""`, `"error":"402::session_unknown"`, `"error":"403::denied"`, `"error":5`,
	`"advice":{"reconnect":"none"}`, `"advice":{"reconnect":"handshake","interval":0}`, `"advice":{"timeout":1,"interval":600000}`,
	`"subscription":5`, `"subscription":["/c1"]`, `"subscription":"/c0"`,
	`"connectionType":5`, `"connectionType":"websocket"`, `"supportedConnectionTypes":["long-polling"]`,
	`"version":{}`, `"minimumVersion":[]`, `"timestamp":0`, `"ext":{"ack":9000000000}`, `"ext":{}`, `"more":[{"channel":"/meta/connect"}]`,
}

// writes is a message with a number, as it is written; empty: with nothing beside it.
func (o *other) writes(ch bayeux.Channel, n int) string {
	if !o.loud || o.rng.IntN(2) == 0 {
		return ""
	}
	members := []string{fmt.Sprintf(`"channel":%q`, ch), fmt.Sprintf(`"data":%d`, n)}
	for range 1 + o.rng.IntN(3) {
		members = append(members, asides[o.rng.IntN(len(asides))])
	}
	o.rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ",") + "}"
}
