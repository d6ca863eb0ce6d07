package longpoll

import (
	"testing"

	"github.com/turold/turold/transport/transporttest"
)

func TestContract(t *testing.T) {
	transporttest.Run(t, transporttest.Pipe{Name: "longpoll", Open: Open})
}
