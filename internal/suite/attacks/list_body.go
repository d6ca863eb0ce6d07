package attacks

import (
	"fmt"
	"strings"
)

// Limit is the longest message that a client takes by default.
const Limit = 1 << 20

// bodies are texts in the place of a batch.
func bodies() []Attack {
	large, bad, lacking := Sees{TooLarge: true}, Sees{Op: "decode"}, Sees{Lacking: true}
	all := []Attack{
		{Name: "one level too deep", Payload: Payload{Head: `[{"data":` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `}]`}, Sees: lacking},
		{Name: "half a million levels", Payload: Payload{Loop: "[", Times: Limit / 2, Tail: strings.Repeat("]", 10)}, Sees: bad},
		{Name: "levels without end", Payload: Payload{Loop: `{"data":`, Times: Endless}, Sees: large},
		{Name: "too many messages", Payload: Payload{Head: "[{}", Loop: ",{}", Times: 20_000, Tail: "]"}, Sees: large},
		{Name: "a hundred thousand events", Payload: Payload{Head: "[{}", Loop: `,{"channel":"/b","data":1}`, Times: 100_000, Tail: "]"}, Sees: lacking},
		{Name: "a million zeros", Payload: Payload{Head: "[0", Loop: ",0", Times: Limit/2 - 10, Tail: "]"}, Sees: bad},
		{Name: "a million empty arrays", Payload: Payload{Head: "[[]", Loop: ",[]", Times: Limit/3 - 10, Tail: "]"}, Sees: bad},
		{Name: "messages without end", Payload: Payload{Head: "[{}", Loop: ",{}", Times: Endless}, Sees: large},
		{Name: "one byte too many", Payload: Payload{Head: "[", Loop: " ", Times: Limit - 1, Tail: "]"}, Sees: lacking},
		{Name: "white space without end", Payload: Payload{Head: "[", Loop: " ", Times: Endless}, Sees: large},
		{Name: "replies that each have an advice of many parts", Payload: Payload{Head: "[{}", Loop: `,{"advice":{"a":{"timeout":1}}}`, Times: 19_999, Tail: "]"}, Sees: lacking},
		{Name: "replies of every member", Payload: Payload{Head: "[{}", Loop: `,{"successful":true,"advice":{"timeout":1,"interval":1}}`, Times: 18_000, Tail: "]"}, Sees: lacking},
		{Name: "an error as long as the limit", On: Event, Payload: Payload{Head: `[{"channel":"/a","id":"{id}","successful":false,"error":"400::`, Loop: long, Times: Limit/len(long) - 2, Tail: `"}]`},
			Sees: Sees{Refused: true}},
		{Name: "an error of commas", On: Event, Payload: Payload{Head: `[{"channel":"/a","id":"{id}","successful":false,"error":"400:`, Loop: ",", Times: Limit - 1000, Tail: `:x"}]`},
			Sees: Sees{Refused: true}},
		{Name: "truncated", Payload: Payload{Head: `[{"channel":"/a","id":"{id}","successful":tr`}, Sees: bad},
		{Name: "nothing", Payload: Payload{Head: " "}, Sees: lacking},
		{Name: "null", Payload: Payload{Head: `null`}, Sees: bad},
		{Name: "a string", Payload: Payload{Head: `"secret"`}, Sees: bad},
		{Name: "two batches", Payload: Payload{Head: `[{honest}][{honest}]`}, Sees: bad},
		{Name: "a batch in a batch", Payload: Payload{Head: `[[{honest}]]`}, Sees: bad},
		{Name: "a byte order mark", Payload: Payload{Head: "\xef\xbb\xbf[{honest}]"}},
		{Name: "a NUL behind it", Payload: Payload{Head: "[{honest}]\x00"}, Sees: bad},
		{Name: "UTF-16", Payload: Payload{Head: "\xff\xfe[\x00]\x00"}, Sees: bad},
		{Name: "invalid UTF-8", Payload: Payload{Head: "[{\"channel\":\"/b\",\"data\":\"\xff\"},{honest}]"}},
		{Name: "a surrogate in UTF-8", Payload: Payload{Head: "[{\"channel\":\"/b\",\"data\":\"\xed\xa0\x80\"},{honest}]"}},
		{Name: "a reserved key twice", Payload: Payload{Head: `[{"channel":"/a","id":"{id}","id":"x","successful":true}]`}, Sees: lacking},
		{Name: "a reserved key twice, once escaped", Payload: Payload{Head: `[{"channel":"/a","id":"{id}","\u0069d":"x","successful":true}]`}, Sees: lacking},
		{Name: "successful as a string", Payload: Payload{Head: `[{"channel":"/a","id":"{id}","successful":"true"}]`}, Sees: lacking},
		{Name: "a clientId that is an object", Payload: Payload{Head: `[{"clientId":{"$ne":""},"successful":true}]`}, Sees: lacking},
		{Name: "a channel that is a number", Payload: Payload{Head: `[{"channel":1}]`}, Sees: lacking},
		{Name: "NaN", Payload: Payload{Head: `[{"channel":"/b","data":NaN},{honest}]`}},
		{Name: "a comment", Payload: Payload{Head: `[/* {honest} */]`}, Sees: bad},
		{Name: "a single quote", Payload: Payload{Head: `[{'channel':'/b'},{honest}]`}},
	}
	return at(AsBody, append(all, taken()...))
}

// taken are texts that are odd and in order.
func taken() []Attack {
	return []Attack{
		{Name: "as long as the limit", On: Event, Payload: Payload{Head: "[{honest},", Loop: " ", Times: Limit - 1000, Tail: `{"channel":"/b","data":1}]`}, Sees: Sees{Dropped: 1}},
		{Name: "twenty thousand messages", On: Event, Payload: Payload{Head: "[{honest}", Loop: `,{"channel":"/b","data":1}`, Times: 19_998, Tail: "]"}, Sees: Sees{Dropped: 19_998}},
		{Name: "a lone surrogate", On: Event, Payload: Payload{Head: `[{"channel":"/b\ud800","data":"\udfff"},{honest}]`}, Sees: Sees{Dropped: 1}},
		{Name: "1e999999", On: Event, Payload: Payload{Head: `[{"channel":"/b","data":1e999999,"id":1e999999},{honest}]`}, Sees: Sees{Dropped: 1}},
		{Name: "a number of half a million digits", On: Event, Payload: Payload{Head: `[{honest},{"channel":"/b","data":`, Loop: "9", Times: Limit / 2, Tail: `}]`}, Sees: Sees{Dropped: 1}},
		{Name: "keys that differ in case", On: Event, Payload: Payload{Head: `[{"Channel":"/a","CHANNEL":"/a","ID":"{id}","SUCCESSFUL":false,"CLIENTID":"x","Data":2},{honest}]`}, Sees: Sees{Stray: 1}},
		{Name: "one object", On: Event, Payload: Payload{Head: `{"channel":"/a","id":"{id}","successful":true}`}},
		{Name: "unknown members", On: Event, Payload: Payload{Head: `[{"channel":"/b","__proto__":{"successful":true},"constructor":1,"":2},{honest}]`}, Sees: Sees{Stray: 1}},
	}
}

// spoofs are messages that nobody asked for, beside the honest answer.
func spoofs() []Attack {
	all := []Attack{
		{Name: "an event with our id", Payload: Payload{Head: `{"channel":"/b","id":"{id}","data":1},`}, Sees: Sees{Dropped: 1}},
		{Name: "an event with our id and clientId", Payload: Payload{Head: `{"channel":"/b","id":"{id}","clientId":"{client}","data":1},`}, Sees: Sees{Dropped: 1}},
		{Name: "a reply to an id that was never sent", Payload: Payload{Head: `{"channel":"/a","id":"99999","successful":true},`}, Sees: Sees{Stray: 1}},
		{Name: "a reply to an id far below zero", Payload: Payload{Head: `{"channel":"/a","id":-99999999999999999999,"successful":false},`}, Sees: Sees{Stray: 1}},
		{Name: "a reply without an id", Payload: Payload{Head: `{"channel":"/a","successful":false},`}, Sees: Sees{Stray: 1}},
		{Name: "a reply on another channel", Payload: Payload{Head: `{"channel":"/meta/subscribe","id":"{id}","successful":false,"error":"403::no"},`}, Sees: Sees{Stray: 1}},
		{Name: "a reply on a service channel", Payload: Payload{Head: `{"channel":"/service/x","id":"{id}","successful":false},`}, Sees: Sees{Stray: 1}},
		{Name: "a reply on no channel", Payload: Payload{Head: `{"id":"{id}","successful":false,"error":"402::unknown"},`}, Sees: Sees{Stray: 1}},
		{Name: "two replies to one id", Payload: Payload{Head: `{honest},{"channel":"/a","id":"{id}","successful":false},`}, Sees: Sees{Stray: 1}},
		{Name: "a handshake of the server's own", Payload: Payload{Head: `{"channel":"/meta/handshake","id":"{id}","clientId":"evil","successful":true},`}, Sees: Sees{Stray: 1}},
		{Name: "a handshake's refusal", Payload: Payload{Head: `{"channel":"/meta/handshake","id":"1","successful":false,"advice":{"reconnect":"none"}},`}, Sees: Sees{Stray: 1}},
		{Name: "a connect's reply to nothing, to end it all", Payload: Payload{Head: `{"channel":"/meta/connect","id":"99999","successful":false,"error":"402::unknown","advice":{"reconnect":"none"}},`}, Sees: Sees{Stray: 1}},
		{Name: "a disconnect's reply to nothing", Payload: Payload{Head: `{"channel":"/meta/disconnect","id":"99999","successful":true,"advice":{"reconnect":"none"}},`}, Sees: Sees{Stray: 1}},
		{Name: "advice on an event", Payload: Payload{Head: `{"channel":"/b","data":1,"advice":{"reconnect":"none","interval":100000}},`}, Sees: Sees{Dropped: 1}},
		{Name: "advice alone", Payload: Payload{Head: `{"channel":"/meta/connect","advice":{"reconnect":"none","interval":100000}},`}, Sees: Sees{Stray: 1}},
		{Name: "/meta/x/y", Payload: Payload{Head: `{"channel":"/meta/x/y","data":1},{"channel":"/meta/x/y","id":"{id}","successful":true},`}, Sees: Sees{Stray: 2}},
		{Name: "/meta/subscribe/x", Payload: Payload{Head: `{"channel":"/meta/subscribe/x","data":1},{"channel":"/meta/subscribe/x","id":"{id}","successful":false},`}, Sees: Sees{Stray: 2}},
		{Name: "/meta/connect/x", Payload: Payload{Head: `{"channel":"/meta/connect/x","id":"{id}","successful":false,"advice":{"reconnect":"none"}},`}, Sees: Sees{Stray: 1}},
		{Name: "/meta", Payload: Payload{Head: `{"channel":"/meta","data":1},`}, Sees: Sees{Dropped: 1}},
		{Name: "no channel", Payload: Payload{Head: `{"data":1},{"channel":"","data":1},{"channel":null},`}, Sees: Sees{Stray: 3}},
		{Name: "channels that are patterns", Payload: Payload{Head: `{"channel":"/*","data":1},{"channel":"/**","data":1},{"channel":"*","data":1},`}, Sees: Sees{Dropped: 3}},
		{Name: "channels that are no names", Payload: Payload{Head: `{"channel":"a","data":1},{"channel":"//a","data":1},{"channel":"/a/","data":1},{"channel":"/A","data":1},{"channel":"/a\u0000","data":1},`}, Sees: Sees{Dropped: 3}},
		{Name: "a thousand events that nobody subscribed to", Payload: Payload{Loop: `{"channel":"/b","data":1},`, Times: 1000}, Sees: Sees{Dropped: 1000}},
		{Name: "a thousand replies to nothing", Payload: Payload{Loop: `{"channel":"/a","id":"99999","successful":true},`, Times: 1000}, Sees: Sees{Stray: 1000}},
		{Name: "a channel of half a million parts", Payload: Payload{Head: `{"channel":"`, Loop: "/b", Times: 250_000, Tail: `","data":1},`}, Sees: Sees{Dropped: 1}},
		{Name: "an acknowledgement that was not agreed", Payload: Payload{Head: `{"channel":"/b","data":1,"ext":{"ack":9223372036854775807}},`}, Sees: Sees{Dropped: 1}},
	}
	for i := range all {
		all[i].On, all[i].Head, all[i].Tail = Event, "["+all[i].Head, all[i].Tail+"{honest}]"
	}
	return at(AsBody, append(all, Attack{
		Name: "another clientId in the replies", On: Event,
		Payload: Payload{Head: `[{"channel":"/a","id":"{id}","clientId":"evil","successful":true}]`},
	}))
}

// handshakes are answers to a handshake.
func handshakes() []Attack {
	var all []Attack
	add := func(name, members string, sees Sees) {
		p := Payload{Head: `[{"channel":"/meta/handshake","id":"{id}",` + members + `}]`}
		all = append(all, Attack{Name: name, On: Handshake, Payload: p, Sees: sees})
	}
	const granted = `"clientId":"{client}","successful":true`
	add("no clientId", `"successful":true`, Sees{Fails: true, Ends: true})
	add("an empty clientId", `"clientId":"","successful":true`, Sees{Fails: true, Ends: true})
	add("a refusal for good", `"successful":false,"error":"403::no","advice":{"reconnect":"none"}`, Sees{Refused: true, Ends: true})
	add("a refusal with an advice of handshake", `"successful":false,"error":"403::no","advice":{"reconnect":"handshake","interval":0}`, Sees{Refused: true, Ends: true})
	add("an advice of none though granted", granted+`,"advice":{"reconnect":"none"}`, Sees{})
	add("a clientId of control characters", `"clientId":"\u0000\r\nX: y\u2028\"\\","successful":true`, Sees{})
	add("a clientId that is a number", `"clientId":-1e400,"successful":true`, Sees{})
	add("types nobody knows", granted+`,"supportedConnectionTypes":["x",1,null,[[]],"\u0000"]`, Sees{})
	add("no types", granted+`,"supportedConnectionTypes":[]`, Sees{})
	add("types that are no list", granted+`,"supportedConnectionTypes":{"a":1}`, Sees{})
	add("a version from the future", granted+`,"version":"999999999999999999999.0","minimumVersion":"99"`, Sees{})
	add("acknowledgement of a kind nobody knows", granted+`,"ext":{"ack":"yes"}`, Sees{})
	add("acknowledgement that begins at 2^63", granted+`,"ext":{"ack":{"enabled":false,"batch":9223372036854775808}}`, Sees{})
	add("an ext that is no object", granted+`,"ext":[1e999999,{"ack":true}]`, Sees{})
	all = append(all,
		Attack{Name: "a clientId as long as the limit", On: Handshake, Sees: Sees{Fails: true, Ends: true},
			Payload: Payload{Head: `[{"channel":"/meta/handshake","id":"{id}","successful":true,"clientId":"`, Loop: long, Times: Limit/len(long) - 2, Tail: `"}]`}},
		Attack{Name: "a thousand replies to one handshake", On: Handshake, Sees: Sees{Stray: 1000},
			Payload: Payload{Head: `[{honest}`, Loop: `,{"channel":"/meta/handshake","id":"{id}","clientId":"evil","successful":true}`, Times: 1000, Tail: `]`}},
		Attack{Name: "a handshake's reply under another id", On: Handshake, Sees: Sees{Lacking: true, Ends: true},
			Payload: Payload{Head: `[{"channel":"/meta/handshake","id":"99999","clientId":"evil","successful":true}]`}},
		Attack{Name: "a connect's reply to a handshake", On: Handshake, Sees: Sees{Lacking: true, Ends: true},
			Payload: Payload{Head: `[{"channel":"/meta/connect","id":"{id}","clientId":"evil","successful":true}]`}},
	)
	return at(AsBody, all)
}

// advices are what a connect's reply advises, again and again.
func advices() []Attack {
	var all []Attack
	add := func(name, advice string, sees Sees) {
		p := Payload{Head: `[{others}{"channel":"/meta/connect","id":"{id}","successful":true,"advice":` + advice + `}]`}
		all = append(all, Attack{Name: name, On: Connect, Payload: p, Sees: sees})
	}
	calm := Sees{Requests: 60}
	for _, n := range []string{"-1", "0", "-9223372036854775808", "9223372036854775808", "1e308", "1e999999", `"1e999999"`, `"NaN"`, `"0x10"`, "null", "[]", "0.0001"} {
		add("an interval of "+n, `{"interval":`+n+`}`, calm)
		add("a timeout of "+n, `{"timeout":`+n+`,"maxInterval":`+n+`}`, calm)
	}
	add("none", `{"reconnect":"none"}`, Sees{Left: true, Ends: true, Requests: 60})
	add("an unknown word", `{"reconnect":"reboot","multiple-clients":"x"}`, calm)
	add("handshake, each time", `{"reconnect":"handshake","interval":0}`, Sees{Fails: true, Requests: 60})
	add("a list of hosts", `{"hosts":["{other}","http://{other}/"],"reconnect":"retry"}`, calm)
	add("advice that is no object", `"none"`, calm)
	add("advice in advice", `{"websocket":{"websocket":{"reconnect":"none"}},"long-polling":{"long-polling":{"reconnect":"none"}}}`, calm)
	add("two words", `{"reconnect":"none","reconnect":"retry"}`, calm)
	parts := make([]string, 40)
	for i := range parts {
		parts[i] = fmt.Sprintf(`"part %d {1} %s":{"hosts":[%s""]}`, i, strings.Repeat("x", 8000), strings.Repeat(`"",`, 5000))
	}
	add("lists of hosts in many parts", `{`+strings.Join(parts, ",")+`}`, Sees{})
	all[len(all)-1].Times = 5
	return at(AsBody, all)
}
