package rawserver

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/turold/turold/bayeux"
)

// Channel is the one that has events.
const Channel = "/bench/events"

// eventSize is the bytes of every event as JSON.
const eventSize = 252

// hold is how long a connect is held unless it asks for less.
const hold = 30 * time.Second

// event makes one whose data has a number n.
func event(n int64) []byte {
	b := fmt.Appendf(nil, `{"channel":%q,"data":{"n":%d,"text":"`, Channel, n)
	return fmt.Appendf(b, `%s"}}`, strings.Repeat("x", eventSize-len(b)-len(`"}}`)))
}

// events makes a frame of n of them.
func events(n int) []byte { return array(bytes.Repeat(append(event(0), ','), n)) }

// array makes a batch of messages that each have a comma behind them.
func array(b []byte) []byte {
	b = append([]byte{'['}, b...)
	b[len(b)-1] = ']'
	return b
}

// granted answers a handshake.
func granted(m *bayeux.Message, id string, ack bool) []byte {
	ext := ""
	if ack {
		ext = `,"ext":{"ack":true}`
	}
	return fmt.Appendf(nil, `{"channel":"/meta/handshake","id":%q,"successful":true,"clientId":%q,"version":"1.0",`+
		`"supportedConnectionTypes":["websocket","long-polling"],"advice":{"reconnect":"retry","interval":0,"timeout":%d}%s},`,
		m.ID, id, hold.Milliseconds(), ext)
}

// unknown answers whom the server does not know.
func unknown(m *bayeux.Message) []byte {
	return fmt.Appendf(nil, `{"channel":%q,"id":%q,"successful":false,"error":"402::Unknown client",`+
		`"advice":{"reconnect":"handshake","interval":0}},`, m.Channel, m.ID)
}

// accepted answers any other command.
func accepted(m *bayeux.Message) []byte {
	sub := ""
	if m.Meta != nil && len(m.Meta.Subscription) > 0 {
		sub = fmt.Sprintf(`,"subscription":%q`, m.Meta.Subscription[0])
	}
	return fmt.Appendf(nil, `{"channel":%q,"id":%q,"successful":true%s},`, m.Channel, m.ID, sub)
}

// connected answers a connect; batch is the acknowledged one, 0 for none.
func connected(dst []byte, id string, batch int) []byte {
	dst = append(append(append(dst, `{"channel":"/meta/connect","id":"`...), id...), `","successful":true`...)
	if batch > 0 {
		dst = append(strconv.AppendInt(append(dst, `,"ext":{"ack":`...), int64(batch), 10), '}')
	}
	return append(dst, "},"...)
}

var (
	idKey   = []byte(`"id":"`)
	metaKey = []byte(`"/meta/`)
)

// published answers a frame of publishes and nothing else, by looking for ids.
func published(dst, b []byte) []byte {
	dst = append(dst, '[')
	for {
		i := bytes.Index(b, idKey)
		if i < 0 {
			break
		}
		b = b[i+len(idKey):]
		end := bytes.IndexByte(b, '"')
		dst = append(append(append(dst, `{"channel":"/bench/in","id":"`...), b[:end]...), `","successful":true},`...)
	}
	dst[len(dst)-1] = ']'
	return dst
}
