package bayeux

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Append appends the batch as a JSON array, as Bayeux section 2.4 wants it on
// every transport; the same messages always give the same bytes. Data and Ext
// must be valid JSON or empty, and are copied as they are; strings that are not
// UTF-8 have their bad bytes replaced by U+FFFD. An empty batch appends "[]",
// which no server should be sent: CometD closes the socket for it.
func Append(dst []byte, ms []Message) []byte {
	dst = append(dst, '[')
	for i := range ms {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = ms[i].append(dst)
	}
	return append(dst, ']')
}

func (m *Message) append(dst []byte) []byte {
	dst = append(dst, '{')
	if m.Channel != "" {
		dst = appendText(dst, `"channel":`, string(m.Channel))
	}
	if m.ID != "" {
		dst = appendText(dst, `"id":`, m.ID)
	}
	if m.Meta != nil {
		dst = m.Meta.append(dst)
	}
	if len(m.Ext) > 0 {
		dst = appendRaw(dst, `"ext":`, m.Ext)
	}
	if len(m.Data) > 0 {
		dst = appendRaw(dst, `"data":`, m.Data)
	}
	return closeObject(dst)
}

// Every member is followed by a comma, which closeObject takes back.

func closeObject(dst []byte) []byte {
	if dst[len(dst)-1] == ',' {
		dst = dst[:len(dst)-1]
	}
	return append(dst, '}')
}

func appendRaw(dst []byte, key string, v []byte) []byte {
	return append(append(append(dst, key...), v...), ',')
}

func appendText(dst []byte, key, s string) []byte {
	dst = append(dst, key...)
	dst, _ = jsontext.AppendQuote(dst, s) // its error reports replaced bytes only
	return append(dst, ',')
}

func appendTexts[S ~string](dst []byte, key string, all []S) []byte {
	dst = append(append(dst, key...), '[')
	for i, s := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst, _ = jsontext.AppendQuote(dst, string(s))
	}
	return append(dst, ']', ',')
}

func (t *Meta) append(dst []byte) []byte {
	for _, f := range [...]struct{ key, v string }{
		{`"clientId":`, t.ClientID}, {`"version":`, t.Version}, {`"minimumVersion":`, t.MinimumVersion},
		{`"connectionType":`, t.ConnectionType}, {`"error":`, t.Error},
	} {
		if f.v != "" {
			dst = appendText(dst, f.key, f.v)
		}
	}
	if t.SupportedConnectionTypes != nil {
		dst = appendTexts(dst, `"supportedConnectionTypes":`, t.SupportedConnectionTypes)
	}
	switch len(t.Subscription) {
	case 0:
	case 1:
		dst = appendText(dst, `"subscription":`, string(t.Subscription[0]))
	default:
		dst = appendTexts(dst, `"subscription":`, t.Subscription)
	}
	if t.Verdict {
		dst = append(strconv.AppendBool(append(dst, `"successful":`...), t.Successful), ',')
	}
	if t.Advice != nil {
		dst = append(t.Advice.append(append(dst, `"advice":`...)), ',')
	}
	return dst
}

func (a *Advice) append(dst []byte) []byte {
	dst = append(dst, '{')
	if a.Reconnect != "" {
		dst = appendText(dst, `"reconnect":`, string(a.Reconnect))
	}
	for _, f := range [...]struct {
		key string
		v   *time.Duration
	}{{`"interval":`, a.Interval}, {`"timeout":`, a.Timeout}, {`"maxInterval":`, a.MaxInterval}} {
		if f.v != nil {
			dst = append(strconv.AppendInt(append(dst, f.key...), f.v.Milliseconds(), 10), ',')
		}
	}
	if a.MultipleClients != nil {
		dst = append(strconv.AppendBool(append(dst, `"multiple-clients":`...), *a.MultipleClients), ',')
	}
	if a.Hosts != nil {
		dst = appendTexts(dst, `"hosts":`, a.Hosts)
	}
	if len(a.Sections) > 0 {
		dst = appendSections(dst, a.Sections)
	}
	return closeObject(dst)
}

func appendSections(dst []byte, sections map[string]Advice) []byte {
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		dst, _ = jsontext.AppendQuote(dst, name)
		s := sections[name]
		dst = append(s.append(append(dst, ':')), ',')
	}
	return dst
}
