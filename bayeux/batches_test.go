package bayeux

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// told says all that was read of a batch, a line a message.
func told(ms []Message) []string {
	lines := []string{}
	for i := range ms {
		lines = append(lines, toldOf(&ms[i]))
	}
	return lines
}

func toldOf(m *Message) string {
	words := []string{string(m.Channel)}
	say := func(format string, v string) {
		if v != "" {
			words = append(words, fmt.Sprintf(format, v))
		}
	}
	say("#%s", m.ID)
	if m.Meta != nil && m.Meta.Verdict {
		words = append(words, map[bool]string{true: "ok", false: "no"}[m.Granted()])
	}
	var e *Error
	if errors.As(m.Err(), &e) {
		say("(%s)", e.Kind.String())
	}
	if t := m.Meta; t != nil {
		say("client=%s", t.ClientID)
		say("version=%s", t.Version)
		say("types=%s", strings.Join(t.SupportedConnectionTypes, ","))
		if t.Subscription != nil {
			words = append(words, fmt.Sprint("to=", t.Subscription))
		}
		if t.Advice != nil {
			words = append(words, toldOfAdvice(t.Advice))
		}
	}
	say("ext=%s", string(m.Ext))
	say("data=%s", string(m.Data))
	return strings.TrimSpace(strings.Join(words, " "))
}

func toldOfAdvice(a *Advice) string {
	s := "advice=" + string(a.Reconnect)
	for _, d := range []*time.Duration{a.Interval, a.Timeout, a.MaxInterval} {
		if s += "/"; d != nil {
			s += d.String()
		}
	}
	if a.MultipleClients != nil && *a.MultipleClients {
		s += " crowded"
	}
	return s
}

func batches(t testing.TB) map[string]string {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	all := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		all[strings.TrimSuffix(filepath.Base(f), ".json")] = string(b)
	}
	return all
}

// What real servers sent: CometD 5 to 9 and Faye 1.4 as observed, Salesforce
// and dxFeed as their documents and their users' reports have it.
func TestDecodeRealBatches(t *testing.T) {
	all := batches(t)
	require.Len(t, all, len(realBatches))
	for name, in := range all {
		t.Run(name, func(t *testing.T) {
			ms, err := Decode([]byte(in), Limits{})
			require.NoError(t, err)
			require.Equal(t, realBatches[name], told(ms))
			again, err := Decode(Append(nil, ms), Limits{})
			require.NoError(t, err)
			require.Equal(t, ms, again)
		})
	}
}

// realBatches says what testdata holds, in the words of told.
var realBatches = map[string][]string{
	"cometd-ack-object": {`/meta/handshake #1 ok client=1x version=1.0 types=websocket,long-polling ext={"ack":{"enabled":true,"batch":3}}`},
	"cometd-bad-id":     {`/meta/connect #p-3 no (malformed)`},
	"cometd-batch": {
		`/lab/seq data={"n":1}`,
		`/lab/seq data={"n":2}`,
		`/meta/subscribe #8 ok to=[/lab/x]`,
		`/meta/connect #9 ok advice=retry/0s/20s/`,
		`/lab/chat #10 ok`,
	},
	"cometd-connect": {`/meta/connect #2 ok`},
	"cometd-connect-ack": {
		`/lab/seq data={"n":1}`,
		`/meta/connect #7 ok ext={"ack":2}`,
	},
	"cometd-connect-advice": {`/meta/connect #3 ok advice=retry/0s/30s/`},
	"cometd-disconnect-http": {
		`/meta/disconnect ok`,
		`/meta/connect #4 ok advice=none///`,
	},
	"cometd-disconnect-socket":         {`/meta/disconnect ok`},
	"cometd-disconnect-socket-connect": {`/meta/connect #4 ok advice=none/0s/3s/`},
	"cometd-handshake":                 {`/meta/handshake #1 ok client=21xapy48p6pux9lpixw5qfiswx version=1.0 types=websocket,long-polling,callback-polling advice=retry/0s/20s/ ext={"ack":true}`},
	"cometd-handshake-maxinterval":     {`/meta/handshake #1 ok client=21xapy48p6pux9lpixw5qfiswx version=1.0 types=websocket,long-polling,callback-polling advice=retry/50ms/7s/4s ext={"ack":true}`},
	"cometd-handshake-refused":         {`/meta/handshake #1 no (unauthorized) advice=none///`},
	"cometd-multiple-clients":          {`/meta/connect #3 ok advice=retry/2s// crowded`},
	"cometd-no-channel":                {`#1 no (malformed)`},
	"cometd-reply-ack":                 {`/meta/subscribe #6 ok to=[/lab/x] ext={}`},
	"cometd-rpc": {
		`/service/rpc #13 ok data={"q":1}`,
		`/service/rpc #13 ok`,
	},
	"cometd-subscribe-denied":  {`/meta/subscribe #4 no (forbidden) to=[/lab/deny]`},
	"cometd-unknown-connect":   {`/meta/connect #1 no (unknown session) advice=handshake/0s//`},
	"cometd-unknown-publish":   {`/lab/chat #4 no (unknown session)`},
	"cometd-unknown-subscribe": {`/meta/subscribe #2 no (unknown session) to=[/lab/seq]`},
	"dxfeed-service":           {`/service/data data=["Quote",["AAPL",0,150.5,"NaN"]]`},
	"faye-auth":                {`/meta/subscribe #4 no (forbidden) to=[/a]`},
	"faye-connect-events": {
		`/meta/connect #3 ok client=o5vj advice=retry/0s/2s/`,
		`/a #8 data={"t":"hi"}`,
	},
	"faye-empty":                  {},
	"faye-handshake":              {`/meta/handshake #1 ok client=o5vj version=1.0 types=long-polling,cross-origin-long-polling,callback-polling,websocket,eventsource,in-process advice=retry/0s/2s/`},
	"faye-handshake-refused":      {`/meta/handshake #1 no (malformed) advice=handshake///`},
	"faye-publish":                {`/a #8b ok client=o5vj`},
	"faye-publish-no-data":        {`/a #9 no (malformed) client=o5vj`},
	"faye-subscribe-partly":       {`/meta/subscribe #5 no (forbidden) client=o5vj to=[/ok /service/x]`},
	"faye-surrogate":              {`/a #9 data={"t":"cut \ud83d"}`},
	"faye-unknown-connect":        {`/meta/connect #7 no (unknown session) advice=handshake///`},
	"faye-unknown-subscribe":      {`/meta/subscribe #8 no (unknown session) client=nope to=[/a]`},
	"salesforce-busy":             {`/meta/subscribe #4 no (busy) client=1cyu4 to=[/topic/X] ext={"sfdc":{"failureReason":"503::Server is too busy"}}`},
	"salesforce-connect":          {`/meta/connect #2 ok client=1cyu4 advice=retry/0s/1m50s/`},
	"salesforce-generic":          {`/u/C data={"event":{"createdDate":"2016-03-29T16:40:08.208Z","replayId":55},"payload":"text or JSON"}`},
	"salesforce-handshake":        {`/meta/handshake #1 ok client=1cyu4 version=1.0 types=long-polling ext={"replay":true,"payload.format":true}`},
	"salesforce-handshake-denied": {`/meta/handshake no (unauthorized) advice=none/// ext={"sfdc":{"failureReason":"401::Authentication invalid"},"replay":true}`},
	"salesforce-platform":         {`/event/E__e data={"schema":"dffQ2","payload":{"CreatedDate":"2017-04-14T13:35:23.120Z","CreatedById":"005"},"event":{"replayId":9007199254740993}}`},
	"salesforce-pushtopic":        {`/topic/T client=1cyu4 data={"event":{"createdDate":"2016-03-29T16:40:08.208Z","replayId":13,"type":"created"},"sobject":{"Id":"001","Name":"x"}}`},
	"salesforce-replay-wrong":     {`/meta/subscribe #3 no (malformed) client=1cyu4 to=[/topic/X]`},
	"salesforce-subscribe":        {`/meta/subscribe #3 ok client=1cyu4 to=[/event/Low_Ink__e]`},
	"salesforce-token-dead":       {`/meta/connect #7 no (unauthorized) client=1cyu4 advice=none/0s//`},
	"salesforce-unknown-disconnect": {
		`/meta/disconnect`,
		`/meta/connect #9 no (unknown session) client=1cyu4 advice=none///`,
	},
	"salesforce-unknown-handshake": {`/meta/connect #9 no (unknown session) client=1cyu4 advice=handshake/0s//`},
	"salesforce-unknown-none":      {`/meta/connect #9 no (unknown session) client=1cyu4 advice=none///`},
}
