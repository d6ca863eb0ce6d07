package longpoll

import (
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLengthIsNotBelieved: memory is had for what comes, not for what a header says
// will come.
func TestLengthIsNotBelieved(t *testing.T) {
	for _, says := range []int64{1<<40 + 1, math.MaxInt64} {
		body := io.NopCloser(io.MultiReader(strings.NewReader("[]"), cutShort{}))
		_, err := readBody(&http.Response{ContentLength: says, Body: body}, math.MaxInt)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
	b, err := readBody(&http.Response{ContentLength: -1, Body: io.NopCloser(strings.NewReader("[]"))}, math.MaxInt)
	require.NoError(t, err)
	require.Equal(t, "[]", string(b))
}

// cutShort is what net/http reads from a connection that ended too soon.
type cutShort struct{}

func (cutShort) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
