package client

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
)

// TestWhoseErrorsAreQuoted: an event's error, which any publisher may write, costs nothing.
func TestWhoseErrorsAreQuoted(t *testing.T) {
	for text, row := range map[string]struct{ quoted, traced bool }{
		`{"channel":"/a","data":1}`:                                                       {false, false},
		`{"channel":"/a","data":1,"error":"403::no"}`:                                     {false, true},
		`{"channel":"/service/a","id":"1","data":1,"successful":false,"error":"403::no"}`: {true, true},
		`{"channel":"/service/a","id":"1","data":1,"successful":false}`:                   {true, true},
		`{"channel":"/a","id":"1","successful":true}`:                                     {false, false},
		`{"channel":"/a","id":"1","successful":false}`:                                    {true, true},
		`{"channel":"/meta/connect","id":"1","successful":false,"error":"402::no"}`:       {true, true},
		`{"channel":"/meta/subscribe","id":"1","successful":true,"error":"odd"}`:          {true, true},
	} {
		ms, err := bayeux.Decode([]byte(batch(text)), bayeux.Limits{})
		require.NoError(t, err)
		require.Equal(t, row.quoted, quotesServer(&ms[0], false), text)
		require.Equal(t, row.traced, quotesServer(&ms[0], true), text)
	}
}
