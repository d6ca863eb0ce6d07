package servers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// orphan makes the test binary a process that starts a server and waits to be killed.
const orphan = "TUROLD_INTEROP_ORPHAN"

func TestMain(m *testing.M) {
	if os.Getenv(orphan) != "" {
		s, err := Faye.Start()
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("pid", s.live.cmd.Process.Pid)
		select {}
	}
	goleak.VerifyTestMain(m)
}

// gone waits until a process is.
func gone(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ") // a zombie waits for whoever reaps orphans here
	}, 10*time.Second, 10*time.Millisecond, "the process lives on")
}

func TestKilledServerComesBackOnItsPort(t *testing.T) {
	s, err := Faye.Start()
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	pid := s.live.cmd.Process.Pid
	s.Kill()
	require.Error(t, exec.Command("kill", "-0", strconv.Itoa(pid)).Run(), "it is gone when Kill returns")
	_, err = net.Dial("tcp", s.Addr())
	require.Error(t, err)
	_, err = s.Sessions()
	require.ErrorContains(t, err, "dead")

	c, err := s.Count()
	require.NoError(t, err)
	for range 3 {
		conn, err := net.Dial("tcp", s.Addr())
		if err == nil { // the reset may come before Dial returns
			_, err = conn.Read(make([]byte, 1))
			conn.Close()
		}
		require.Error(t, err)
	}
	require.Eventually(t, func() bool { return len(c.Connections()) == 3 }, 10*time.Second, time.Millisecond)
	require.Error(t, s.Restart(), "the port is taken")
	c.Close()

	require.NoError(t, s.Restart())
	require.Empty(t, mustSessions(t, s))
	s.Stop()
	s.Stop()
}

func mustSessions(t *testing.T, s *Server) []Session {
	list, err := s.Sessions()
	require.NoError(t, err)
	return list
}

func TestServerEndsWithWhoStartedIt(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("it reads /proc")
	}
	self, err := os.Executable()
	require.NoError(t, err)
	starter := exec.Command(self)
	starter.Env = append(os.Environ(), orphan+"=1")
	out, err := starter.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, starter.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	var pid int
	_, err = fmt.Sscanf(line, "pid %d", &pid)
	require.NoError(t, err, line)
	require.NoError(t, starter.Process.Kill())
	_ = starter.Wait()
	gone(t, pid)
}

func TestRelayCanBeCutAndMended(t *testing.T) {
	s, err := Faye.Start()
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	r, err := s.NewRelay()
	require.NoError(t, err)
	t.Cleanup(r.Close)
	hc := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	shake := func() error {
		body := strings.NewReader(`[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"]}]`)
		resp, err := hc.Post(s.URLVia(r.Addr()), "application/json", body)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return errors.Join(err, resp.Body.Close())
	}
	require.NoError(t, shake())
	r.Cut()
	require.Error(t, shake())
	r.Mend()
	require.NoError(t, shake())
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, k := range []*Kind{CometD, Faye} {
		_, err := k.Start()
		require.ErrorContains(t, err, "install", k.Name)
	}
}

func TestFailedBuildLeavesNothing(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	source := fstest.MapFS{"a": {Data: []byte("x")}}
	_, err := built("thing", source, "sh", "-c", "echo why; exit 3")
	require.ErrorContains(t, err, "why")
	dir, err := built("thing", source, "sh", "-c", "echo built > b")
	require.NoError(t, err, "the first attempt is not taken for a result")
	again, err := built("thing", source, "false")
	require.NoError(t, err, "built once")
	require.Equal(t, dir, again)
	b, err := os.ReadFile(dir + "/b")
	require.NoError(t, err)
	require.Equal(t, "built\n", string(b))
}

// Where hosts are namespaces, threads end all the time: the one that started a
// build would take the build with it.
func TestBuildOutlivesThreads(t *testing.T) {
	stop := make(chan struct{})
	var ending, building sync.WaitGroup
	for range 2 {
		ending.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				ended := make(chan struct{})
				go func() {
					runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
					close(ended)
				}()
				<-ended
			}
		})
	}
	failed := make(chan error, 64)
	for range 8 {
		building.Go(func() {
			for range cap(failed) / 8 {
				if err := run("", "sleep", "0.02"); err != nil {
					failed <- err
				}
			}
		})
	}
	building.Wait()
	close(stop)
	ending.Wait()
	close(failed)
	for err := range failed {
		require.NoError(t, err)
	}
}
