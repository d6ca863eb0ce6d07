package client_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
	"github.com/turold/turold/transport"
)

var (
	_ net.Error = (*client.OpError)(nil)
	_ net.Error = (*transport.Error)(nil)
)

// The texts of errors are what a newcomer meets first. They name the package once,
// the server without its path, and what was expected; never a part of the URL that
// may be secret.

// TestTextsOfAddresses has shapes of URLs that are none of a server.
func TestTextsOfAddresses(t *testing.T) {
	const want = ": want http, https, ws or wss, such as http://localhost:8080/cometd"
	for address, text := range map[string]string{
		"":                             "it is empty",
		"localhost:8080/cometd":        "the scheme is missing",
		"localhost/cometd":             "the scheme is missing",
		"127.0.0.1:8080/cometd":        "the scheme is missing",
		"//localhost/cometd":           "the scheme is missing",
		"http:///cometd":               "the host is missing",
		"http:/localhost/cometd":       "the host is missing",
		"https:":                       "the host is missing",
		"ftp://localhost/cometd":       "the scheme is another",
		"http://localhost:port/cometd": "it cannot be parsed",
		"http://user:pa/ss@localhost/": "it cannot be parsed",
	} {
		_, err := client.Dial(t.Context(), address, nil)
		require.EqualError(t, err, "client: dial: invalid server URL: "+text+want, address)
	}
	_, err := client.Dial(t.Context(), "http://localhost", &client.Options{WebSocketURL: "https://localhost/"})
	require.EqualError(t, err, "client: dial: invalid WebSocketURL: the scheme is another: want ws or wss, such as ws://localhost:8080/cometd")
}

// TestTextsOfDial has servers that are none, or refuse.
func TestTextsOfDial(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	denied := bayeuxtest.New(&bayeuxtest.Options{Authorize: func(*http.Request, bayeux.Message) string { return "403::no such user" }})
	for name, tc := range map[string]struct {
		start func(http.Handler) *httptest.Server
		serve http.Handler
		text  string
	}{
		"a path that is not there": {httptest.NewServer, http.NotFoundHandler(), "client: dial http://HOST: status 404: Not Found"},
		"no Bayeux there": {httptest.NewServer, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, "<html>welcome</html>")
		}), "client: dial http://HOST: status 200: a content type that is not JSON"},
		"a sign-in that HTTP refuses":   {httptest.NewServer, status(http.StatusUnauthorized), "client: dial http://HOST: status 401: Unauthorized"},
		"a sign-in that Bayeux refuses": {httptest.NewServer, denied, "client: handshake http://HOST: unauthorized: 403::no such user"},
		"an unknown authority":          {quietTLS, http.NotFoundHandler(), "client: dial https://HOST: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			server := tc.start(tc.serve)
			defer server.Close()
			d := &client.Dialer{Proxy: http.ProxyURL(nil)}
			defer d.Close()
			_, err := d.Dial(t.Context(), server.URL+"/secret?secret=1", nil)
			require.EqualError(t, err, strings.ReplaceAll(tc.text, "HOST", server.Listener.Addr().String()))
			var op *client.OpError
			require.ErrorAs(t, err, &op)
			require.Equal(t, server.URL, op.Server)
			require.False(t, op.Timeout())
		})
	}
}

// quietTLS is httptest.NewTLSServer without a log of refused handshakes.
func quietTLS(h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	return s
}

func TestTextOfARefusedConnection(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	host := l.Addr().String()
	require.NoError(t, l.Close())
	d := &client.Dialer{Proxy: http.ProxyURL(nil)}
	defer d.Close()
	_, err = d.Dial(t.Context(), "http://user:secret@"+host+"/secret", nil)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.Regexp(t, `^client: dial http://`+host+`: dial tcp `+host+`: connect`, err.Error())
}

// TestTimeouts: whose time was up does not matter to Timeout, whose it was is in
// the chain.
func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stack{T: t, net: memnet.New()}
		s.serve(withheld(bayeux.MetaHandshake, time.Minute))
		s.dialer = &client.Dialer{DialContext: s.net.DialContext, Proxy: http.ProxyURL(nil)}
		defer s.close()
		var op *client.OpError

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.dialer.Dial(ctx, site, nil)
		require.EqualError(t, err, "client: dial http://server:80: context deadline exceeded")
		require.ErrorAs(t, err, &op)
		require.True(t, op.Timeout())
		require.ErrorIs(t, err, context.DeadlineExceeded)

		_, err = s.dialer.Dial(t.Context(), site, &client.Options{NetworkDelay: time.Second})
		require.EqualError(t, err, "client: dial http://server:80: cut: no reply in time")
		require.ErrorAs(t, err, &op)
		require.True(t, op.Timeout())
		require.ErrorIs(t, err, client.ErrNoReply)

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = s.dialer.Dial(ctx, site, nil)
		require.ErrorAs(t, err, &op)
		require.False(t, op.Timeout())
		require.ErrorIs(t, err, context.Canceled)
	})
}
