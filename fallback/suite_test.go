package fallback_test

import (
	"testing"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/fallback"
	"github.com/turold/turold/transport"
	"github.com/turold/turold/transport/longpoll"
	"github.com/turold/turold/transport/transporttest"
	"github.com/turold/turold/transport/websocket"
)

// valve is the fallback over the real pipes, with a referee between it and each
// of them.
func valve(p fallback.Policy) transport.Opener {
	return fallback.New(p, transporttest.Check(websocket.Open), transporttest.Check(longpoll.Open), nil)
}

func TestContract(t *testing.T) {
	for _, mode := range []fallback.Mode{fallback.Auto, fallback.WebSocketFirst, fallback.WebSocketOnly, fallback.LongPollingOnly} {
		transporttest.Run(t, transporttest.Pipe{Name: mode.String(), Open: valve(fallback.Policy{Mode: mode}), Probes: mode == fallback.Auto})
	}
	for _, mode := range []fallback.Mode{fallback.Auto, fallback.WebSocketFirst} {
		transporttest.Run(t, transporttest.Pipe{
			Name: mode.String() + " where no WebSocket passes", Open: valve(fallback.Policy{Mode: mode}),
			Server: &bayeuxtest.Options{NoWebSocket: true}, Probes: mode == fallback.Auto,
		})
	}
	transporttest.Run(t, transporttest.Pipe{
		Name: "websocket-first where no HTTP passes", Open: valve(fallback.Policy{Mode: fallback.WebSocketFirst}),
		Server: &bayeuxtest.Options{NoLongPolling: true},
	})
}
