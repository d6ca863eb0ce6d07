package client_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/client"
)

// TestCredentialIsOnEveryRequest: the upgrade of the WebSocket carries it too,
// and so does the one after a refusal.
func TestCredentialIsOnEveryRequest(t *testing.T) {
	for _, refusals := range []int{0, 1, 2} {
		t.Run(strconv.Itoa(refusals), func(t *testing.T) {
			var mu sync.Mutex
			var bare int
			so := &bayeuxtest.Options{
				Request: func(_ http.ResponseWriter, r *http.Request) bool {
					mu.Lock()
					defer mu.Unlock()
					if r.Header.Get("Authorization") == "" {
						bare++
					}
					return false
				},
				Authorize: func(r *http.Request, m bayeux.Message) string {
					if m.Channel == bayeux.MetaHandshake && r.Header.Get("Authorization") != "Bearer "+strconv.Itoa(refusals) {
						return "401::expired"
					}
					return ""
				},
			}
			co := func() *client.Options {
				asked := 0
				return &client.Options{Credentials: func(_ context.Context, refused *client.Credential) (*client.Credential, error) {
					require.Equal(t, asked > 0, refused != nil)
					defer func() { asked++ }()
					return &client.Credential{Header: http.Header{"Authorization": {"Bearer " + strconv.Itoa(asked)}}}, nil
				}}
			}
			onStackWith(t, so, co, func(s *stack) {
				require.NoError(s, s.c.Publish(s.Context(), "/a", 1))
				require.Zero(s, bare)
			})
		})
	}
}
