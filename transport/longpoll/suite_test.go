package longpoll

import (
	"testing"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/transport/transporttest"
)

func TestContract(t *testing.T) {
	for name, server := range map[string]*bayeuxtest.Options{
		"CometD":              nil,
		"without a WebSocket": {NoWebSocket: true},
		"Faye":                {Profile: bayeuxtest.Faye},
	} {
		transporttest.Run(t, transporttest.Pipe{Name: name, Open: Open, Server: server})
	}
}
