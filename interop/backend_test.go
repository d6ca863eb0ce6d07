package interop_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/interop/servers"
)

// TestBackendBudget fills examples/backend with users, each with one stream, and
// prints what a README may say of it.
func TestBackendBudget(t *testing.T) {
	for name, option := range map[string]string{"WebSocket": "ws=true", "long-polling": "ws=false"} {
		t.Run(name, func(t *testing.T) { budget(t, start(t, servers.CometD, option)) })
	}
}

func budget(t *testing.T, s *servers.Server) {
	const count = 500
	service := run(t, "backend", "-serve", "-listen", "127.0.0.1:0", "-server", s.URL())
	none := service.uses()
	pool := &http.Transport{MaxConnsPerHost: 2 * count}
	defer pool.CloseIdleConnections()
	browser := &http.Client{Transport: pool}

	begun := time.Now()
	streams := make([]io.ReadCloser, count)
	var all sync.WaitGroup
	for worker := range 10 {
		all.Go(func() {
			for i := worker; i < count; i += 10 {
				streams[i] = service.enter(browser, fmt.Sprint("user", i))
			}
		})
	}
	all.Wait()
	require.False(t, t.Failed())
	t.Logf("%d users came in %v", count, time.Since(begun))
	time.Sleep(3 * time.Second) // the sessions have moved to their WebSockets
	health := service.health(browser)
	require.Equal(t, [3]int{count, count, count}, [3]int{health.Users, health.Streams, health.Sessions})
	pool.CloseIdleConnections()
	full := service.uses()
	per := func(a, b int) float64 { return float64(b-a) / count }
	t.Logf("a user with one stream: %.2f descriptors, %.0f KiB; and %d descriptors, %d MiB without any",
		per(none.files, full.files), per(none.kib, full.kib), none.files, none.kib>>10)
	if none.files > 0 {
		require.LessOrEqual(t, full.files, none.files+3*count)
	}

	begun = time.Now()
	service.stop(syscall.SIGTERM)
	t.Logf("drained and ended in %v", time.Since(begun))
	for _, stream := range streams {
		rest, err := io.ReadAll(stream)
		require.NoError(t, err)
		require.Contains(t, string(rest), "event: bye")
		require.NoError(t, stream.Close())
	}
	left, err := s.Sessions()
	require.NoError(t, err)
	require.Empty(t, left)
}

// enter signs a user in and opens a stream.
func (p *program) enter(c *http.Client, name string) io.ReadCloser {
	answer, err := c.Post(p.url[0]+"signin", "application/json", strings.NewReader(fmt.Sprintf(`{"user":%q,"password":"tapestry"}`, name)))
	if err != nil {
		p.Errorf("%s signs in: %v", name, err)
		return nil
	}
	answer.Body.Close()
	r, _ := http.NewRequest(http.MethodGet, p.url[0]+"events", nil)
	r.AddCookie(answer.Cookies()[0])
	answer, err = c.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		p.Errorf("%s opens a stream: %v, %v", name, answer, err)
		return nil
	}
	return answer.Body
}

// A use is what a process holds; zero where /proc does not tell.
type use struct{ files, kib int }

func (p *program) uses() (u use) {
	dir := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	files, err := os.ReadDir(dir + "fd")
	if err != nil {
		return u
	}
	u.files = len(files)
	status, err := os.ReadFile(dir + "status")
	require.NoError(p, err)
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	_, err = fmt.Sscan(rest, &u.kib)
	require.NoError(p, err)
	return u
}

// health is what the service says of itself.
func (p *program) health(c *http.Client) (h struct{ Users, Streams, Sessions int }) {
	answer, err := c.Get(p.url[0] + "health")
	require.NoError(p, err)
	defer answer.Body.Close()
	require.NoError(p, json.NewDecoder(answer.Body).Decode(&h))
	return h
}
