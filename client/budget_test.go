package client

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// TestARefusalThatWasMendedIsNoneLater: a token that expires each hour is renewed each
// hour, wherever it is refused first, and whatever was refused long ago and not asked for again.
func TestARefusalThatWasMendedIsNoneLater(t *testing.T) {
	asked := 0
	o := &Options{Credentials: func(context.Context, *Credential) (*Credential, error) {
		asked++
		return &Credential{Header: http.Header{"X-Token": {strconv.Itoa(asked)}}}, nil
	}}
	bubble(t, o, acked, func(c *Client, p *pipe) {
		refused := &transport.Error{Op: "status", Status: 401, Err: errors.New("unauthorized")}
		p.subscribe(c, "/a", nil, socket())
		x := exchange()
		go func() { _ = c.Publish(context.Background(), "/a", 1) }()
		synctest.Wait()
		p.draw(transport.LaneCommands, x)
		p.end(x, refused)
		time.Sleep(time.Minute)
		for range 5 {
			y := exchange()
			p.hold(y)
			p.end(y, refused)
			time.Sleep(time.Minute)
			require.NoError(t, c.Err())
			y = exchange()
			id := p.hold(y)
			p.say(y, batch(reply(bayeux.MetaConnect, id, `"ext":{"ack":1}`)))
			p.end(y, nil)
			time.Sleep(time.Hour)
		}
		require.Equal(t, 7, asked, "at first, and once for each refusal")
	})
}
