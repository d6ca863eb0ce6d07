package bayeux

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func decodeOne(t *testing.T, in string) Message {
	ms, err := Decode([]byte(in), Limits{})
	require.NoError(t, err, in)
	require.Len(t, ms, 1, in)
	return ms[0]
}

func TestDecodeMessage(t *testing.T) {
	reply := func(ok bool) *Meta { return &Meta{Verdict: true, Successful: ok} }
	for _, c := range []struct {
		name, in string
		want     Message
	}{
		{"nothing", `{}`, Message{}},
		{"an event", `{"channel":"/a","data":{"n":1}}`, Message{Channel: "/a", Data: []byte(`{"n":1}`)}},
		{"a reply", `{"channel":"/meta/connect","id":"7","successful":true}`, Message{Channel: MetaConnect, ID: "7", Meta: reply(true)}},
		{"a refusal", `{"successful":false}`, Message{Meta: reply(false)}},
		{"unknown keys", `{"x":{"channel":"/b"},"":1,"channel":"/a","x-messages":2,"timestamp":"now"}`, Message{Channel: "/a"}},

		{"data null", `{"data":null}`, Message{Data: []byte(`null`)}},
		{"data false", `{"data":false}`, Message{Data: []byte(`false`)}},
		{"data zero", `{"data":0}`, Message{Data: []byte(`0`)}},
		{"data empty", `{"data":""}`, Message{Data: []byte(`""`)}},
		{"no data, no ext", `{"channel":"/a","ext":null}`, Message{Channel: "/a"}},
		{"null is absent", `{"channel":null,"id":null,"clientId":null,"successful":null,"error":null,"advice":null,"subscription":null}`, Message{}},

		{"a numeric id", `{"id":7}`, Message{ID: "7"}},
		{"a negative id", `{"id":-0}`, Message{ID: "-0"}},
		{"an id beyond floats", `{"id":1e400}`, Message{ID: "1e400"}},
		{"an id beyond integers", `{"id":123456789012345678901234567890}`, Message{ID: "123456789012345678901234567890"}},
		{"a numeric clientId and version", `{"clientId":5,"version":1.0,"minimumVersion":0.9}`, Message{Meta: &Meta{ClientID: "5", Version: "1.0", MinimumVersion: "0.9"}}},

		{"another case is another key", `{"Channel":"/b","ID":1,"DATA":1,"clientid":"x","Successful":true,"channel":"/a"}`, Message{Channel: "/a"}},
		{"an escaped key is the key", `{"ch\u0061nnel":"/a","\u0069d":"1"}`, Message{Channel: "/a", ID: "1"}},
		{"folding is not equality", `{"ſuccessful":true,"Kchannel":"/b"}`, Message{}},
		{"escapes", `{"channel":"\/a","id":"\u00e9\n\ud83d\ude00"}`, Message{Channel: "/a", ID: "é\n😀"}},
		{"lone surrogates", `{"channel":"/\ud800","id":"\udc00x\ud83d","data":"\ud83d"}`, Message{Channel: "/\ufffd", ID: "\ufffdx\ufffd", Data: []byte(`"\ud83d"`)}},

		{"one subscription", `{"subscription":"/a"}`, Message{Meta: &Meta{Subscription: []Channel{"/a"}}}},
		{"several", `{"subscription":["/a","/b/*"]}`, Message{Meta: &Meta{Subscription: []Channel{"/a", "/b/*"}}}},
		{"several with rubbish", `{"subscription":["/a",1,null,{"a":1,"a":2},["/c"],"/b"]}`, Message{Meta: &Meta{Subscription: []Channel{"/a", "/b"}}}},
		{"no subscription", `{"subscription":[]}`, Message{}},
		{"types", `{"supportedConnectionTypes":["websocket",5,"long-polling"]}`, Message{Meta: &Meta{SupportedConnectionTypes: []string{"websocket", "long-polling"}}}},
		{"types of another kind", `{"supportedConnectionTypes":"websocket"}`, Message{}},
		{"a connection type", `{"connectionType":"websocket"}`, Message{Meta: &Meta{ConnectionType: "websocket"}}},

		{"an error object", `{"successful":false,"error":{"code":402,"code":1}}`, Message{Meta: &Meta{Verdict: true, Error: `{"code":402,"code":1}`}}},
		{"an error number", `{"successful":false,"error":402}`, Message{Meta: &Meta{Verdict: true, Error: `402`}}},
		{"advice of another kind", `{"advice":"retry"}`, Message{}},
		{"advice that says nothing", `{"advice":{}}`, Message{Meta: &Meta{Advice: &Advice{}}}},
		{"empty strings say nothing", `{"channel":"","id":"","clientId":"","error":"","version":""}`, Message{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, decodeOne(t, "["+c.in+"]"))
			require.Equal(t, c.want, decodeOne(t, " \t\r\n"+c.in+" \n"), "without the array")
		})
	}
}

// Data and ext are the application's, and come byte for byte.
func TestDecodeKeepsDataAndExt(t *testing.T) {
	for _, v := range []string{
		`{"n":1,"n":2}`, `{ "a" : [ 1 , 2 ] }`, "{\n\t\"a\": 1\r\n}", `123456789012345678901234567890`, `-0`, `1E+400`, `1.10`,
		"\"\u2028\u2029\"", `"\u2028\/\u003c"`, `"<&>"`, `"é\u00e9"`, `"\ud83d\ude00 \ud83d"`, `"\u0000"`, `[]`, `{}`, `[null,false,0,""]`,
		`{"channel":"/x","data":{"successful":true},"ext":[{"advice":{}}]}`, `"` + strings.Repeat(`\\\"`, 50) + `"`,
	} {
		m := decodeOne(t, `[ { "data" : `+v+` , "ext": `+v+"\n} ]")
		require.Equal(t, v, string(m.Data))
		require.Equal(t, v, string(m.Ext))
		require.Contains(t, string(Append(nil, []Message{m})), `"data":`+v)
	}
}

func TestDecodeAliasesItsInput(t *testing.T) {
	b := []byte(`[{"data":{"n":1},"ext":[2],"channel":"/a","id":"5","clientId":"c"}]`)
	ms, err := Decode(b, Limits{})
	require.NoError(t, err)
	m := ms[0]
	require.Same(t, &b[9], unsafe.SliceData(m.Data))
	require.Equal(t, len(m.Data), cap(m.Data), "appending to data must not overwrite what follows it")
	require.Equal(t, len(m.Ext), cap(m.Ext))
	own := m.Clone()
	for i := range b {
		b[i] = 'x'
	}
	require.Equal(t, "xxxxxxx", string(m.Data))
	require.Equal(t, Message{Channel: "/a", ID: "5", Data: []byte(`{"n":1}`), Ext: []byte(`[2]`), Meta: &Meta{ClientID: "c"}}, own)
}

func TestCloneIsDeepEnough(t *testing.T) {
	m := Message{Channel: "/a", Data: []byte(`1`), Meta: &Meta{Subscription: []Channel{"/a"}, SupportedConnectionTypes: []string{"x"}}}
	c := m.Clone()
	require.Equal(t, m, c)
	c.Meta.Subscription[0], c.Meta.SupportedConnectionTypes[0], c.Meta.ClientID, c.Data[0] = "/b", "y", "z", '2'
	require.Equal(t, Message{Channel: "/a", Data: []byte(`1`), Meta: &Meta{Subscription: []Channel{"/a"}, SupportedConnectionTypes: []string{"x"}}}, m)
	empty := Message{}
	require.Equal(t, empty, empty.Clone())
}

// Messages that cannot be told apart are refused together.
func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ in, reason string }{
		{``, "neither an array nor an object"},
		{" \n", "neither an array nor an object"},
		{`null`, "neither an array nor an object"},
		{`5`, "neither an array nor an object"},
		{`"/a"`, "neither an array nor an object"},
		{`x`, "neither an array nor an object"},
		{"\ufeff", "neither an array nor an object"},
		{"\ufeff\ufeff[]", "neither an array nor an object"},
		{`<html>{}</html>`, "neither an array nor an object"},
		{`[`, "no object"},
		{`[{}`, "no comma"},
		{`[{},`, "no object"},
		{`[{},]`, "no object"},
		{`[,{}]`, "no object"},
		{`[{},,{}]`, "no object"},
		{`[{} {}]`, "no comma"},
		{`[{}:{}]`, "no comma"},
		{`[{"data":[}]`, "does not close"},
		{`[{"data":{]}]`, "does not close"},
		{`[{"channel":"/a"]`, "does not close"},
		{`[{"channel":"/a}]`, "does not close"},
		{`[{"channel":"/a\"}]`, "does not close"},
		{`{"a":{`, "does not close"},
		{`[null]`, "no object"},
		{`[[]]`, "no object"},
		{`[{},5]`, "no object"},
		{"[{}\xff,{}]", "no comma"},
		{`[{}]]`, "something behind the batch"},
		{`[{}] x`, "something behind the batch"},
		{`[][]`, "something behind the batch"},
		{`{}{}`, "something behind the batch"},
		{`{},{}`, "something behind the batch"},
		{`{"a"}}`, "something behind the batch"},
	} {
		ms, err := Decode([]byte(c.in), Limits{})
		require.Nil(t, ms, c.in)
		var f *FormatError
		require.ErrorAs(t, err, &f, c.in)
		require.Contains(t, f.Reason, c.reason, c.in)
		require.NoError(t, f.Err)
		require.LessOrEqual(t, f.Offset, int64(len(c.in)), c.in)
		require.Contains(t, err.Error(), "bayeux: unreadable: ")
		require.NotErrorIs(t, err, ErrTooLarge)
	}
}

// A message that cannot be read stands in its place, and costs no other.
func TestUnreadableMessageCostsItself(t *testing.T) {
	const a = `"channel":"/a"`
	deep := strings.Repeat("[", 128) + strings.Repeat("]", 128)
	for _, c := range []struct {
		in, reason string
		parser     bool // it was the JSON parser that objected
		channel    Channel
	}{
		{`{"a"}`, badJSON, true, ""},
		{`{"a":1,}`, badJSON, true, ""},
		{`{a:1}`, badJSON, true, ""},
		{`{1:1}`, badJSON, true, ""},
		{`{x}`, badJSON, true, ""},
		{`{` + a + `,"x":01}`, badJSON, true, "/a"},
		{`{` + a + `,}`, badJSON, true, "/a"},
		{`{` + a + `,"x":-}`, badJSON, true, "/a"},
		{`{` + a + `,"x":1.e5}`, badJSON, true, "/a"},
		{`{` + a + `,"data":{"x":Infinity}}`, badJSON, true, "/a"},
		{`{` + a + `,"data":-Infinity}`, badJSON, true, "/a"},
		{`{` + a + `,"data":NaN}`, badJSON, true, "/a"},
		{`{"data":NaN,` + a + `}`, badJSON, true, "/a"},
		{`{"data":undefined , ` + a + ` }`, badJSON, true, "/a"},
		{`{"ext":nul,` + a + `}`, badJSON, true, "/a"},
		{`{"data":TRUE,` + a + `}`, badJSON, true, "/a"},
		{`{"data":,` + a + `}`, badJSON, true, ""},
		{`{` + a + ` "data":1}`, badJSON, true, ""},
		{`{"x":"` + "\n" + `",` + a + `}`, badJSON, true, "/a"},
		{`{"data":"` + "\x00" + `",` + a + `}`, badJSON, true, "/a"},
		{`{"x":"\x",` + a + `}`, badJSON, true, "/a"},
		{`{"x":"\u00g0",` + a + `}`, badJSON, true, "/a"},
		{`{"\x":1,` + a + `}`, badJSON, true, "/a"},
		{`{"channel":"/\a"}`, badJSON, true, ""},
		{`{"advice":{"interval":},"channel":"/meta/connect"}`, badJSON, true, MetaConnect},
		{`{"subscription":["a",],"channel":"/meta/subscribe"}`, badJSON, true, MetaSubscribe},
		{`{` + a + `,"data":"\ud83d` + "\xff" + `"}`, "not UTF-8", false, "/a"},
		{"{\"data\":\"\xed\xa0\x80\",\"channel\":\"/\u00e9\"}", "not UTF-8", false, "/\u00e9"},
		{"{\"channel\":\"/\xff\"}", "not UTF-8", false, ""},
		{"{\"x\xff\":1,\"channel\":\"/a\"}", "not UTF-8", false, "/a"},
		{`{` + a + `,"data":` + deep + `}`, "", false, "/a"},
		{`{"data":` + deep + `,` + a + `,"ext":` + deep + `}`, "", false, "/a"},
		{`{"channel":"/a","channel":"/b"}`, "a reserved key comes twice", false, ""},
		{`{"channel":null,"channel":"/b"}`, "a reserved key comes twice", false, ""},
		{`{"channel":"/a","ch\u0061nnel":"/b"}`, "a reserved key comes twice", false, ""},
		{`{"id":1,"\u0069d":2,` + a + `}`, "a reserved key comes twice", false, "/a"},
		{`{"data":1,"data":1,` + a + `}`, "a reserved key comes twice", false, "/a"},
		{`{"minimumVersion":"1","minimumVersion":"1"}`, "a reserved key comes twice", false, ""},
		{`{"channel":5,"data":1}`, "wrong type", false, ""},
		{`{"channel":["/a"],"data":1}`, "wrong type", false, ""},
		{`{"id":{},"channel":"/meta/x"}`, "wrong type", false, "/meta/x"},
		{`{"id":true,"channel":"/meta/connect"}`, "wrong type", false, MetaConnect},
		{`{"id":[],"channel":"/a","successful":true}`, "wrong type", false, "/a"},
		{`{"clientId":[],"channel":"/meta/handshake"}`, "wrong type", false, MetaHandshake},
		{`{"version":{},"channel":"/meta/handshake"}`, "wrong type", false, MetaHandshake},
		{`{"channel":"/meta/connect","connectionType":1}`, "wrong type", false, MetaConnect},
		{`{"subscription":5,"channel":"/meta/subscribe"}`, "wrong type", false, MetaSubscribe},
		{`{"channel":"/meta/unsubscribe","subscription":{}}`, "wrong type", false, MetaUnsubscribe},
		{`{"successful":"true","channel":"/meta/connect"}`, "wrong type", false, MetaConnect},
		{`{"successful":1,"channel":"/a"}`, "wrong type", false, "/a"},
		// A quote too many or too few, though all close: what stands where is anybody's guess.
		{`{` + a + `,"data":{"k":"x}},{"channel":"/b","data":{"k":y"}}`, badJSON, true, ""},
		{`{` + a + `,"data":"x"y}`, badJSON, true, ""},
		{`{` + a + `,"data":x"y"}`, badJSON, true, ""},
		{`{` + a + `,{"channel":"/b"}}`, badJSON, true, ""},
	} {
		for _, frame := range []string{"%s", "[%s]", `[{"id":"before"},%s , {"id":"behind"}]`, "\ufeff[{\"id\":\"before\"},\n%s]", `[%[1]s,%[1]s]`} {
			in := fmt.Sprintf(frame, c.in)
			ms, err := Decode([]byte(in), Limits{})
			require.NoError(t, err, in)
			require.Len(t, ms, 1+strings.Count(frame, "before")+strings.Count(frame, "behind")+strings.Count(frame, ",%[1]"), in)
			for i := range ms {
				if strings.HasPrefix(ms[i].ID, "be") {
					require.NoError(t, ms[i].Unreadable())
					continue
				}
				require.Equal(t, c.channel, ms[i].Channel, in)
				require.Nil(t, ms[i].Data)
				require.False(t, ms[i].IsEvent())
				require.False(t, ms[i].Answers(&Request{Channel: ms[i].Channel, ID: ms[i].ID, Unnamed: true}))
				require.NoError(t, ms[i].Err())
				err := ms[i].Unreadable()
				var f *FormatError
				if c.reason == "" {
					require.ErrorIs(t, err, ErrTooLarge)
					continue
				}
				require.ErrorAs(t, err, &f, in)
				require.Contains(t, f.Reason, c.reason, in)
				require.Equal(t, c.parser, f.Err != nil, in)
				require.Equal(t, f.Err, errors.Unwrap(err))
				require.GreaterOrEqual(t, f.Offset, int64(strings.Index(in, c.in)))
				require.LessOrEqual(t, f.Offset, int64(len(in)))
			}
		}
	}
}

// What an unreadable reply acknowledges is told, if it can be read.
func TestWhatCanBeReadOfAnUnreadableMessage(t *testing.T) {
	for in, want := range map[string]Message{
		`{"channel":"/meta/connect","id":"7","successful":true,"ext":{"ack":3},"x":NaN}`:        {Channel: MetaConnect, ID: "7", Ext: []byte(`{"ack":3}`), Meta: &Meta{Successful: true}},
		`{"x":NaN,"ext": {"ack":3} ,"successful":true,"id":7,"channel":"/meta/connect"}`:        {Channel: MetaConnect, ID: "7", Ext: []byte(`{"ack":3}`), Meta: &Meta{Successful: true}},
		`{"channel":"/meta/connect","id":"7","successful":"true","ext":{"ack":NaN}}`:            {Channel: MetaConnect, ID: "7", Meta: &Meta{}},
		`{"channel":"/meta/connect","id":tru,"successful":false,"ext":null,"error":"\x"}`:       {Channel: MetaConnect, Meta: &Meta{}},
		`{"id":"7","id":"8","successful":true,"successful":true,"ext":1,"ext":1,"data":1}`:      {Meta: &Meta{}},
		`{"successful":true,"successful":true,"successful":true,"channel":"/a","channel":"/a"}`: {Meta: &Meta{}},
		`{"data":NaN,"x":{"channel":"/b","id":"1"},"channel":"/a"}`:                             {Channel: "/a", Meta: &Meta{}},
	} {
		m := decodeOne(t, in)
		require.Error(t, m.Unreadable(), in)
		want.Meta.Unreadable = m.Meta.Unreadable
		require.Equal(t, want, m, in)
		require.Equal(t, m, m.Clone())
	}
}

// What a publisher puts beside its data is nothing to who receives it.
func TestWhatMeansNothingIsPassedOver(t *testing.T) {
	for _, v := range []string{`5`, `"x"`, `{}`, `[]`, `[5]`, `true`, `{"a":{"a":1}}`, `"\ud83d"`} {
		for _, key := range []string{"subscription", "version", "minimumVersion", "connectionType", "supportedConnectionTypes", "clientId", "error", "advice", "id", "x"} {
			for _, frame := range []string{`{"channel":"/x","data":1,%q:%s}`, `{%q:%s,"data":1,"channel":"/x"}`} {
				in := fmt.Sprintf(frame, key, v)
				m := decodeOne(t, in)
				require.NoError(t, m.Unreadable(), in)
				require.Equal(t, "1", string(m.Data), in)
				require.Equal(t, Channel("/x"), m.Channel, in)
				require.Nil(t, m.Advice(), in)
				require.True(t, m.IsEvent(), in)
			}
		}
		if v != "true" {
			m := decodeOne(t, `{"successful":`+v+`,"channel":"/x","data":1}`)
			require.Equal(t, Message{Channel: "/x", Data: []byte("1")}, m)
		}
	}
}

// However many events have an advice, that of the replies behind them is read.
func TestAdviceOfEventsIsNoneOfTheServers(t *testing.T) {
	in := `[` + strings.Repeat(`{"advice":{"reconnect":"none"},"channel":"/x"},`, 2*maxAdvicePerBatch) + `{"channel":"/meta/connect","advice":{"reconnect":"retry"}}]`
	ms, err := Decode([]byte(in), Limits{})
	require.NoError(t, err)
	require.Nil(t, ms[0].Meta)
	require.Equal(t, ReconnectRetry, ms[2*maxAdvicePerBatch].Advice().Reconnect)
}

// A decoder that stopped in the middle is as good as new for the next frame.
func TestDecodeAfterFailure(t *testing.T) {
	for range 100 {
		_, err := Decode([]byte(`[{"data":[{"a":[`), Limits{})
		require.Error(t, err)
		faulty := decodeOne(t, `[{"data":[{"a":x}]}]`)
		require.Error(t, faulty.Unreadable())
		require.Equal(t, Message{Channel: "/a"}, decodeOne(t, `[{"channel":"/a"}]`))
	}
}

func TestDecodeBatch(t *testing.T) {
	ms, err := Decode([]byte(`[]`), Limits{})
	require.NoError(t, err)
	require.Empty(t, ms)
	ms, err = Decode([]byte("[\n{\"id\":1} , {}\t,{\"id\":3}]"), Limits{})
	require.NoError(t, err)
	require.Equal(t, []Message{{ID: "1"}, {}, {ID: "3"}}, ms)
}

func TestAppend(t *testing.T) {
	require.Equal(t, `[]`, string(Append(nil, nil)))
	require.Equal(t, `x[{},{}]`, string(Append([]byte("x"), make([]Message, 2))))
	require.Equal(t, `[{"channel":"/a"}]`, string(Append(nil, []Message{{Channel: "/a", Data: json.RawMessage{}, Ext: json.RawMessage{}}})), "empty is absent")
	require.Equal(t, `[{"id":"\"\\\n�"}]`, string(Append(nil, []Message{{ID: "\"\\\n\xff"}})))
	full := Message{Channel: "/a", ID: "1", Data: []byte(`{}`), Ext: []byte(`[]`), Meta: &Meta{
		ClientID: "c", Version: "1.0", MinimumVersion: "0.9", SupportedConnectionTypes: []string{"a", "b"}, ConnectionType: "t",
		Subscription: []Channel{"/x", "/y"}, Verdict: true, Successful: true, Error: "e",
		Advice: &Advice{Reconnect: ReconnectNone, Interval: Millis(1e9), Timeout: Millis(0), MaxInterval: Millis(2e9), MultipleClients: ptr(false), Hosts: []string{"h"},
			Sections: map[string]Advice{"z": {Interval: Millis(1e6)}, "a\"": {Reconnect: ReconnectRetry}, "m": {}}},
	}}
	const want = `[{"channel":"/a","id":"1","clientId":"c","version":"1.0","minimumVersion":"0.9","connectionType":"t","error":"e",` +
		`"supportedConnectionTypes":["a","b"],"subscription":["/x","/y"],"successful":true,` +
		`"advice":{"reconnect":"none","interval":1000,"timeout":0,"maxInterval":2000,"multiple-clients":false,"hosts":["h"],` +
		`"a\"":{"reconnect":"retry"},"m":{},"z":{"interval":1}},"ext":[],"data":{}}]`
	for range 20 { // maps have no order, the output has one
		require.Equal(t, want, string(Append(nil, []Message{full})))
	}
}

func TestValidValue(t *testing.T) {
	for in, valid := range map[string]bool{
		`1`: true, ` {"a":1,"a":[null]} `: true, `"\ud800"`: true, `"é"`: true, `null`: true,
		``: false, ` `: false, `1 2`: false, `{`: false, `{"a"}`: false, "\"\xff\"": false, "\"\n\"": false, `01`: false, `[1,]`: false, `nul`: false,
	} {
		require.Equal(t, valid, ValidValue([]byte(in)), "%q", in)
	}
}
