package longpoll

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestContentTypes(t *testing.T) {
	for contentType, want := range map[string]bool{
		"application/json":                    true,
		"application/json;charset=UTF-8":      true,
		"Application/JSON; charset=\"utf-8\"": true,
		"application/json; charset":           true,
		"text/json":                           true,
		"application/vnd.bayeux+json":         true,
		"application/json-seq":                false,
		"text/javascript":                     false,
		"application/javascript":              false,
		"text/html":                           false,
		"text/plain; x=application/json":      false,
		"image/svg+json":                      false,
		"":                                    false,
		";;;":                                 false,
	} {
		require.Equal(t, want, isJSON(contentType), contentType)
	}
}

// TestAServersWordsAreNoMark: the text of a GOAWAY is the server's, and does not
// say that a request was not looked at.
func TestAServersWordsAreNoMark(t *testing.T) {
	refused := "http2: Transport: cannot retry err [stream error: stream ID 3; REFUSED_STREAM; received from peer] after Request.Body was written"
	require.True(t, unprocessed(errors.New(refused)))
	require.False(t, unprocessed(fmt.Errorf("http2: server sent GOAWAY and closed the connection; LastStreamID=3, ErrCode=NO_ERROR, debug=%q", refused)))
}
