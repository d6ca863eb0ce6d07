package main

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTextsOfErrors: what a command prints names the program, the server without its
// path, and what was expected, each once; and no package.
func TestTextsOfErrors(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	host := l.Addr().String()
	require.NoError(t, l.Close())
	for _, tc := range []struct {
		args []string
		text string
		code int
	}{
		{[]string{"subscribe", "localhost:8080/cometd", "/a"}, "turold: dial: invalid server URL: the scheme is missing: want http, https, ws or wss, such as http://localhost:8080/cometd\n", exitUsage},
		{[]string{"publish", "http://" + host + "/cometd", "/a", "1"}, "turold: dial http://" + host + ": dial tcp " + host + ": connect", exitTransport},
	} {
		var printed strings.Builder
		require.Equal(t, tc.code, run(t.Context(), tc.args, stdio{strings.NewReader(""), io.Discard, &printed}))
		_, text, _ := strings.Cut("\n"+printed.String(), "\nturold: ") // behind the log
		require.Contains(t, "turold: "+text, tc.text)
		require.NotContains(t, text, "client: ")
		require.NotContains(t, text, "transport: ")
	}
}
