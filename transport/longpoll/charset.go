package longpoll

import (
	"bytes"
	"fmt"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/turold/turold/bayeux"
)

// charsets are those a body is read in, by their names in a Content-Type. JSON is
// UTF-8 (RFC 8259 section 8.1), but old servers and proxies are known to write the others.
var charsets = map[string]encoding.Encoding{
	"iso-8859-1":   charmap.ISO8859_1,
	"windows-1252": charmap.Windows1252,
	"utf-16":       unicode.UTF16(unicode.BigEndian, unicode.UseBOM), // RFC 2781 section 4.3
	"utf-16be":     unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	"utf-16le":     unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
}

// inUTF8 returns a body in UTF-8, of at most limit bytes. A body that is UTF-8 already
// stays as it is, whatever the header says; text in UTF-16 may look like UTF-8, but has
// NUL in it, which JSON has not.
func inUTF8(b []byte, contentType string, limit int) ([]byte, error) {
	if len(contentType) <= len("application/json") || utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 {
		return b, nil
	}
	_, params, _ := mime.ParseMediaType(contentType)
	charset := charsets[strings.ToLower(params["charset"])]
	if charset == nil {
		return b, nil
	}
	text, err := charset.NewDecoder().Bytes(b) // three times as long at most
	if err != nil {
		return nil, err
	}
	if len(text) > limit {
		return nil, fmt.Errorf("%w: a body of %d bytes in UTF-8, at most %d", bayeux.ErrTooLarge, len(text), limit)
	}
	return text, nil
}
