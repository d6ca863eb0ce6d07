package wire

import (
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
)

// TestReadWhole at and around its limit, however the bytes come.
func TestReadWhole(t *testing.T) {
	for _, limit := range []int{1, 511, 512, 513, 1000, largestPooled, largestPooled + 1, 200_000} {
		for _, n := range []int{0, limit - 1, limit, limit + 1, 3 * limit} {
			in := strings.Repeat("x", n)
			b, err := ReadWhole(iotest.HalfReader(strings.NewReader(in)), limit, "a body")
			if n > limit {
				require.ErrorIs(t, err, bayeux.ErrTooLarge)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, in, string(b))
		}
	}
	_, err := ReadWhole(iotest.ErrReader(iotest.ErrTimeout), 10, "a body")
	require.ErrorIs(t, err, iotest.ErrTimeout)
}

// TestDecodeKeepsNoMoreThanTwice: what a message keeps is its frame only where
// that is mostly messages.
func TestDecodeKeepsNoMoreThanTwice(t *testing.T) {
	const event = `{"channel":"/a","data":"0123456789","ext":{"a":1}}`
	for _, tc := range []struct {
		name, in string
		copied   bool
	}{
		{"messages", `[` + event + `,` + event + `]`, false},
		{"white space", `[` + event + strings.Repeat(" ", 1000) + `]`, true},
		{"an unknown member", `[` + event + `,{"x":"` + strings.Repeat("y", 1000) + `"}]`, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := []byte(tc.in)
			ms, err := Decode(b, bayeux.Limits{})
			require.NoError(t, err)
			want, err := bayeux.Decode([]byte(tc.in), bayeux.Limits{})
			require.NoError(t, err)
			require.Equal(t, want, ms)
			clear(b)
			require.Equal(t, tc.copied, string(ms[0].Data) == `"0123456789"`)
		})
	}
	_, err := Decode([]byte("x"), bayeux.Limits{})
	require.Error(t, err)
}
