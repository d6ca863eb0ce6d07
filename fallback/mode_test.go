package fallback

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestModes(t *testing.T) {
	require.Equal(t, "auto", Mode(0).String())
	for m, name := range modes {
		require.Equal(t, name, Mode(m).String())
		got, err := ParseMode(name)
		require.NoError(t, err)
		require.Equal(t, Mode(m), got)
	}
	require.Equal(t, "mode 9", Mode(9).String())
	for _, name := range []string{"", "WebSocket", "mode 9"} {
		_, err := ParseMode(name)
		require.ErrorContains(t, err, "is no mode")
	}
}
