package interop_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/turold/turold/client"
)

// These open the pages of the examples in a headless Chromium.

// browse starts a browser, and returns what each call opens a page of its own in:
// with cookies of its own, as another person's browser.
func browse(t *testing.T) func(t *testing.T, url string) *tab {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	require.NotEmpty(t, path, "there is no Chromium (Debian: chromium-headless-shell)")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, // as root, and the pages are ours
		chromedp.Flag("no-proxy-server", true))
	ctx, end := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(end)
	ctx, _ = chromedp.NewContext(ctx)
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) })
	return func(t *testing.T, url string) *tab {
		t.Helper()
		one, end := chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
		t.Cleanup(end)
		require.NoError(t, chromedp.Do(one, chromedp.Navigate(url)))
		p := &tab{t, one}
		return p
	}
}

// A tab is a page that is open.
type tab struct {
	*testing.T
	ctx context.Context
}

func (p *tab) does(what chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, what); err != nil {
		body, _ := chromedp.Run(p.ctx, chromedp.InnerHTML(chromedp.CSS("body")))
		require.NoError(p, err, body)
	}
}

// fill puts a value into each field, and submits the form that is named.
func (p *tab) fill(form string, fields map[string]string) {
	p.Helper()
	for id, value := range fields {
		p.does(chromedp.SetValue(chromedp.CSS(id), value))
	}
	p.does(chromedp.Click(chromedp.CSS(form + " button")))
}

// shows waits until an element that the selector finds has a text.
func (p *tab) shows(selector, text string) {
	p.Helper()
	p.does(chromedp.Poll[chromedp.Void](fmt.Sprintf(`[...document.querySelectorAll(%q)].some((e) => e.textContent.includes(%q))`, selector, text),
		chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(0)))
}

// A program is an example that runs.
type program struct {
	*testing.T
	cmd *exec.Cmd
	out bytes.Buffer
	err bytes.Buffer
	url []string // those it printed first
	end chan struct{}
}

// run builds an example, and runs it until the test ends.
func run(t *testing.T, name string, args ...string) *program {
	t.Helper()
	binary := filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-o", binary, "./examples/"+name)
	build.Dir = ".."
	said, err := build.CombinedOutput()
	require.NoError(t, err, string(said))
	p := &program{T: t, cmd: exec.Command(binary, args...), end: make(chan struct{})}
	p.cmd.Stderr = &p.err
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.end })
	first := make(chan string, 1)
	go func() {
		defer close(p.end)
		for in := bufio.NewScanner(stdout); in.Scan(); {
			fmt.Fprintln(&p.out, in.Text())
			select {
			case first <- in.Text():
			default:
			}
		}
	}()
	select {
	case line := <-first:
		p.url = regexp.MustCompile(`http://[^ ,]*`).FindAllString(line, -1)
	case <-p.end:
		require.Fail(t, "it ended", p.err.String())
	}
	return p
}

// stop tells it to stop, and returns what it printed once it has ended well.
func (p *program) stop(signal os.Signal) string {
	p.Helper()
	require.NoError(p, p.cmd.Process.Signal(signal))
	select {
	case <-p.end:
	case <-time.After(time.Minute):
		require.Fail(p, "it does not end", p.err.String())
	}
	require.NoError(p, p.cmd.Wait(), p.err.String())
	return p.out.String()
}

// TestBackendInABrowser has two people use the page of examples/backend, while
// the Bayeux server dies and comes back, and the service is restarted.
func TestBackendInABrowser(t *testing.T) {
	t.Setenv("BACKEND_KEY", "that of every instance")
	open := browse(t)
	for _, kind := range kinds {
		t.Run(kind.Name, func(t *testing.T) {
			s := start(t, kind)
			service := run(t, "backend", "-serve", "-listen", "127.0.0.1:0", "-server", s.URL())
			people := map[string]*tab{}
			for _, name := range []string{"harold", "william"} {
				p := open(t, service.url[0])
				p.shows("#state", "signed out")
				p.fill("#signin", map[string]string{"#user": name})
				p.shows("#state", "connected")
				people[name] = p
			}
			say := func(from, to, text string) {
				t.Helper()
				people[from].fill("#send", map[string]string{"#to": to, "#text": text})
				people[to].shows("#events .message", from+": "+text)
				people[from].shows("#sent", "sent")
			}
			say("harold", "william", "you swore an oath")

			s.Kill()
			time.Sleep(time.Second)
			require.NoError(t, s.Restart())
			back := time.Now()
			for name, p := range people {
				p.shows("#events .gap", "/user/"+name)
			}
			t.Logf("both pages know of the gap %v after the server listened", time.Since(back))
			time.Sleep(5 * time.Second) // on a busy machine a session may begin anew twice: what is sent in between is lost, and told
			say("william", "harold", "under duress")
			say("harold", "william", "all the same")

			begun := time.Now()
			said := service.stop(syscall.SIGTERM)
			t.Logf("ended %v after SIGTERM", time.Since(begun))
			require.Contains(t, said, "drained in")
			for _, p := range people {
				p.shows("#state", "the service restarts")
			}
			left, err := s.Sessions()
			require.NoError(t, err)
			require.Empty(t, left, "they said goodbye")

			// The next instance has the pages back, without another sign-in.
			address := strings.Trim(strings.TrimPrefix(service.url[0], "http:"), "/")
			service = run(t, "backend", "-serve", "-listen", address, "-server", s.URL())
			for _, p := range people {
				p.shows("#state", "connected")
			}
			say("william", "harold", "well met")
			service.stop(syscall.SIGTERM)
		})
	}
}

// TestChatInABrowser has the CometD project's JavaScript client talk to ours
// through the server for tests.
func TestChatInABrowser(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json"} {
		b, err := os.ReadFile(filepath.Join("..", "examples", "chat", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	said, err := install.CombinedOutput()
	require.NoError(t, err, string(said))
	chat := run(t, "chat", "-listen", "127.0.0.1:0", "-modules", filepath.Join(dir, "node_modules"))

	p := browse(t)(t, chat.url[0])
	p.shows("#state", "connected over websocket")
	c, err := client.Dial(t.Context(), chat.url[1], nil)
	require.NoError(t, err)
	defer c.Close()
	room, err := c.Subscribe(t.Context(), "/chat/room", nil)
	require.NoError(t, err)
	require.NoError(t, c.Publish(t.Context(), "/chat/room", map[string]string{"from": "Go", "text": "hello"}))
	p.shows("#lines li", "Go: hello")
	p.fill("#say", map[string]string{"#name": "Edith", "#text": "well met"})
	p.shows("#lines li", "Edith: well met")
	var heard []string
	for range 2 {
		item, err := room.Next(limit(t, time.Minute))
		require.NoError(t, err)
		m, ok := item.Value()
		require.True(t, ok, "%v", item)
		heard = append(heard, string(m.Data))
	}
	require.Contains(t, strings.Join(heard, " "), "well met")
	require.NoError(t, c.Disconnect(limit(t, time.Minute)))
	require.Contains(t, chat.stop(os.Interrupt), "the page is")
}
