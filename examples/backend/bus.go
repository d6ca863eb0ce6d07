package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
)

// startBus serves it on a port of the loopback interface.
func startBus(ctx context.Context, key signer) (*bayeuxtest.Running, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return bayeuxtest.Serve(l, "/cometd", newBus(key), nil), nil
}

// newBus makes the Bayeux server of the demonstration, which grants a handshake
// to those whose token is good.
func newBus(key signer) *bayeuxtest.Server {
	return bayeuxtest.New(&bayeuxtest.Options{Authorize: func(_ *http.Request, m bayeux.Message) string {
		if m.Channel != bayeux.MetaHandshake {
			return "" // a real server also looks at who subscribes to whose channel
		}
		var a auth
		if json.Unmarshal(m.Ext, &a) != nil || a.Auth.User == "" || key.verify(a.Auth.Token) != a.Auth.User {
			return "403::handshake_denied"
		}
		return ""
	}})
}
