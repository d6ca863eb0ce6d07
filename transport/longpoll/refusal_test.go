package longpoll

import (
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
