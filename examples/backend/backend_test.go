package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/turold/turold/bayeux/bayeuxtest"
	"github.com/turold/turold/bayeux/bayeuxtest/memnet"
	"github.com/turold/turold/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A lab is the service with its Bayeux server on a network in memory.
type lab struct {
	*testing.T
	net     *memnet.Network
	bus     *bayeuxtest.Running
	service *service
	http    *http.Client
	key     signer
}

func onLab(t *testing.T, most limits, f func(*lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		x := &lab{T: t, net: memnet.New(), key: signer("key")}
		x.net.SetLatency(10 * time.Millisecond)
		x.bus = x.serveBus()
		defer func() { x.bus.Close() }()
		d := &client.Dialer{DialContext: x.net.DialContext, Proxy: http.ProxyURL(nil)}
		defer d.Close()
		x.service = newService(d, "http://bus:80/cometd", x.key, most)
		l, err := x.net.Listen("service:80")
		require.NoError(t, err)
		go func() { _ = x.service.http.Serve(l) }()
		defer x.service.http.Close()
		pool := &http.Transport{DialContext: x.net.DialContext}
		defer pool.CloseIdleConnections()
		x.http = &http.Client{Transport: pool}
		f(x)
		x.service.http.Close()
		d.Close()
		x.service.users.follows.Wait()
		synctest.Wait()
		users, streams := x.service.users.count()
		require.Zero(t, users+streams)
	})
}

func (x *lab) serveBus() *bayeuxtest.Running {
	l, err := x.net.Listen("bus:80")
	require.NoError(x, err)
	return bayeuxtest.Serve(l, "/cometd", newBus(x.key), nil)
}

// do makes a request as a user, and returns the answer's status.
func (x *lab) do(method, path, name string, body any) (int, *http.Response) {
	x.Helper()
	b, err := json.Marshal(body)
	require.NoError(x, err)
	r, err := http.NewRequestWithContext(x.Context(), method, "http://service"+path, strings.NewReader(string(b)))
	require.NoError(x, err)
	if name != "" {
		r.AddCookie(&http.Cookie{Name: cookie, Value: x.key.sign(name, time.Now().Add(time.Hour))})
	}
	answer, err := x.http.Do(r)
	require.NoError(x, err)
	return answer.StatusCode, answer
}

// status is do for answers without a body of interest.
func (x *lab) status(method, path, name string, body any) int {
	x.Helper()
	status, answer := x.do(method, path, name, body)
	answer.Body.Close()
	return status
}

// A tap is a stream that is read.
type tap struct {
	lines chan string // closed at its end
	close func() error
}

func (x *lab) listen(name string) *tap {
	x.Helper()
	status, answer := x.do(http.MethodGet, "/events", name, nil)
	require.Equal(x, http.StatusOK, status)
	require.Equal(x, "text/event-stream", answer.Header.Get("Content-Type"))
	p := &tap{lines: make(chan string, 10_000), close: answer.Body.Close}
	go func() {
		defer close(p.lines)
		for in := bufio.NewScanner(answer.Body); in.Scan(); {
			if text := in.Text(); text != "" && !strings.HasPrefix(text, "retry: ") {
				p.lines <- text
			}
		}
	}()
	return p
}

// got is what came so far.
func (p *tap) got() (lines []string) {
	synctest.Wait()
	for {
		select {
		case line, open := <-p.lines:
			if !open {
				return append(lines, "end")
			}
			lines = append(lines, line)
		default:
			return lines
		}
	}
}

func (x *lab) publish(name string, data any) {
	require.NoError(x, x.bus.Publish(channels(name)[0], data))
}

var roomy = limits{users: 100, streams: 4, idle: time.Minute}

func TestEventsGoToEachDeviceOfTheirUser(t *testing.T) {
	onLab(t, roomy, func(x *lab) {
		one, two, other := x.listen("harold"), x.listen("harold"), x.listen("william")
		require.Len(x, x.bus.Sessions(), 2, "one a user")
		require.Equal(x, http.StatusNoContent, x.status(http.MethodPost, "/send", "william", map[string]string{"to": "harold", "text": "a\nb"}))
		require.NoError(x, x.bus.Publish("/news", json.RawMessage("{\"text\" :\n1}")))
		time.Sleep(time.Second)
		want := []string{`data: {"channel":"/user/harold","data":{"from":"william","text":"a\nb"}}`, `data: {"channel":"/news","data":{"text":1}}`}
		require.ElementsMatch(x, want, one.got())
		require.ElementsMatch(x, want, two.got())
		require.Equal(x, want[1:], other.got())
		time.Sleep(time.Hour)
		require.Greater(x, len(one.got()), 200, "heartbeats")
		x.publish("harold", 1)
		time.Sleep(time.Second)
		require.Equal(x, []string{`data: {"channel":"/user/harold","data":1}`}, one.got(), "it lives on, as long as it is listened to")
	})
}

func TestWhoIsNotSignedInGetsNothing(t *testing.T) {
	onLab(t, roomy, func(x *lab) {
		require.Equal(x, http.StatusUnauthorized, x.status(http.MethodGet, "/events", "", nil))
		require.Equal(x, http.StatusUnauthorized, x.status(http.MethodPost, "/send", "", nil))
		for user, pass := range map[string]string{"harold": "wrong", "a/b": password, "": password} {
			require.Equal(x, http.StatusUnauthorized, x.status(http.MethodPost, "/signin", "", map[string]string{"user": user, "password": pass}))
		}
		status, answer := x.do(http.MethodPost, "/signin", "", map[string]string{"user": "harold", "password": password})
		require.Equal(x, http.StatusNoContent, status)
		require.Equal(x, "harold", x.key.verify(answer.Cookies()[0].Value))
		require.Empty(x, x.key.verify(answer.Cookies()[0].Value+"x"))
		require.Empty(x, signer("another").verify(answer.Cookies()[0].Value))
		time.Sleep(signedIn + 2*time.Second)
		require.Empty(x, x.key.verify(answer.Cookies()[0].Value), "it expired")
		require.Equal(x, http.StatusConflict, x.status(http.MethodPost, "/send", "harold", map[string]string{"to": "a"}), "no stream is open")
		require.Equal(x, http.StatusBadRequest, x.status(http.MethodPost, "/send", "harold", 1))
		require.Equal(x, http.StatusBadRequest, x.status(http.MethodPost, "/send", "harold", map[string]string{"to": "a/b"}))
		require.Zero(x, x.bus.Stats().Handshakes)
	})
}

func TestLimits(t *testing.T) {
	onLab(t, limits{users: 2, streams: 2, idle: time.Minute}, func(x *lab) {
		first := x.listen("a")
		x.listen("a")
		require.Equal(x, http.StatusServiceUnavailable, x.status(http.MethodGet, "/events", "a", nil), "a third stream")
		x.listen("b")
		status, answer := x.do(http.MethodGet, "/events", "c", nil)
		require.Equal(x, http.StatusServiceUnavailable, status, "a third user")
		require.NotEmpty(x, answer.Header.Get("Retry-After"))
		answer.Body.Close()
		require.EqualValues(x, 2, x.service.report().Full)
		first.close()
		time.Sleep(time.Second)
		x.listen("a")
		require.Len(x, x.bus.Sessions(), 2)
	})
}

func TestIdleUsersAreShed(t *testing.T) {
	onLab(t, limits{users: 1, streams: 2, idle: time.Minute}, func(x *lab) {
		stream := x.listen("harold")
		time.Sleep(time.Hour)
		stream.close()
		time.Sleep(59 * time.Second)
		require.Len(x, x.bus.Sessions(), 1)
		stream = x.listen("harold") // back in time
		time.Sleep(10 * time.Minute)
		require.EqualValues(x, 1, x.service.report().Handshakes, "the same session")
		stream.close()
		time.Sleep(59 * time.Second)
		require.Len(x, x.bus.Sessions(), 1)
		time.Sleep(2 * time.Second)
		require.Empty(x, x.bus.Sessions(), "it said goodbye")
		h := x.service.report()
		require.Zero(x, h.Users+h.Sessions)
		require.EqualValues(x, 1, h.Shed)
		x.listen("william") // there is room again
		require.Len(x, x.bus.Sessions(), 1)
	})
}

func TestCredentialsAreRenewed(t *testing.T) {
	onLab(t, roomy, func(x *lab) {
		stream := x.listen("harold")
		time.Sleep(3 * time.Hour) // the first token has long expired
		x.bus.CutAll()
		x.bus.Forget("")
		time.Sleep(time.Minute)
		require.Contains(x, stream.got(), "event: gap")
		x.publish("harold", 1)
		time.Sleep(time.Second)
		require.Contains(x, stream.got(), `data: {"channel":"/user/harold","data":1}`)
		require.EqualValues(x, 2, x.service.report().Handshakes)
	})
}

func TestServerThatRefuses(t *testing.T) {
	onLab(t, roomy, func(x *lab) {
		x.service.users.key = signer("one that the server does not know")
		require.Equal(x, http.StatusForbidden, x.status(http.MethodGet, "/events", "harold", nil))
		time.Sleep(time.Second)
		users, streams := x.service.users.count()
		require.Zero(x, users+streams)
		require.Zero(x, x.service.report().Sessions)
	})
}

func TestOutageOfTheServer(t *testing.T) {
	onLab(t, roomy, func(x *lab) {
		stream := x.listen("harold")
		time.Sleep(5 * time.Second)
		require.NoError(x, x.bus.Close())
		time.Sleep(time.Minute)
		require.NotContains(x, stream.got(), "end")
		require.Equal(x, http.StatusServiceUnavailable, x.status(http.MethodGet, "/events", "william", nil), "nobody can begin a session")
		status := x.status(http.MethodPost, "/send", "harold", map[string]string{"to": "harold"})
		require.Equal(x, http.StatusServiceUnavailable, status, "it was not taken")
		require.Equal(x, http.StatusOK, x.status(http.MethodGet, "/health", "", nil))
		x.bus = x.serveBus()
		time.Sleep(time.Minute)
		require.Contains(x, stream.got(), "event: gap")
		x.publish("harold", 1)
		time.Sleep(time.Second)
		require.Contains(x, stream.got(), `data: {"channel":"/user/harold","data":1}`)
	})
}

func TestServerThatSendsAUserAway(t *testing.T) {
	onLab(t, roomy, func(x *lab) {
		stream := x.listen("harold")
		time.Sleep(5 * time.Second) // a connect is held
		x.bus.Disconnect("")
		time.Sleep(time.Second)
		require.Equal(x, []string{"event: over", "data: {}", "end"}, stream.got())
		x.listen("harold")
		require.Len(x, x.bus.Sessions(), 1, "another session")
	})
}

// TestDeviceThatDoesNotRead is cut off, and holds up nobody.
func TestDeviceThatDoesNotRead(t *testing.T) {
	onLab(t, roomy, func(x *lab) {
		status, mute := x.do(http.MethodGet, "/events", "harold", nil)
		require.Equal(x, http.StatusOK, status)
		defer mute.Body.Close()
		stream := x.listen("harold")
		for n := range 3000 {
			x.publish("harold", fmt.Sprint(n, strings.Repeat(" ", 1000)))
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		got := 0
		for _, line := range stream.got() {
			if strings.HasPrefix(line, "data: ") {
				got++
			}
		}
		require.Equal(x, 3000, got)
		h := x.service.report()
		require.Equal(x, 1, h.Streams)
		require.Zero(x, h.Gaps)
	})
}

func TestDrainTellsEveryStream(t *testing.T) {
	onLab(t, roomy, func(x *lab) {
		const count = 50
		var streams []*tap
		for n := range count {
			streams = append(streams, x.listen(fmt.Sprint("user", n)))
		}
		time.Sleep(5 * time.Second)
		require.NoError(x, x.bus.Publish("/news", "last"))
		for x.service.report().Passed == 0 {
			time.Sleep(time.Microsecond)
		}
		ctx, cancel := context.WithTimeout(x.Context(), 10*time.Second)
		defer cancel()
		x.net.Stall("bus:80", true, true) // so that it takes a while
		begun := time.Now()
		done := make(chan error, 1)
		go func() { done <- x.service.drain(ctx) }()
		synctest.Wait()
		require.Equal(x, http.StatusServiceUnavailable, x.status(http.MethodGet, "/health", "", nil))
		require.Equal(x, http.StatusServiceUnavailable, x.status(http.MethodGet, "/events", "late", nil))
		time.Sleep(time.Second)
		x.net.Stall("bus:80", false, false)
		require.NoError(x, <-done)
		x.Logf("%d users drained in %v", count, time.Since(begun))
		require.Empty(x, x.bus.Sessions())
		heard := 0
		for _, s := range streams {
			lines := s.got()
			if lines[0] == `data: {"channel":"/news","data":"last"}` {
				heard++
				lines = lines[1:]
			}
			require.Equal(x, []string{"event: bye", "data: {}", "end"}, lines)
		}
		require.EqualValues(x, x.service.report().Passed, heard, "what came was passed on")
	})
}

// TestDrainWithinItsTime: the server does not answer any more.
func TestDrainWithinItsTime(t *testing.T) {
	onLab(t, roomy, func(x *lab) {
		stream := x.listen("harold")
		time.Sleep(5 * time.Second)
		x.net.Stall("bus:80", true, true)
		ctx, cancel := context.WithTimeout(x.Context(), 3*time.Second)
		defer cancel()
		var left *client.DrainError
		require.ErrorAs(x, x.service.drain(ctx), &left)
		require.Equal(x, 1, left.Unconfirmed)
		require.Equal(x, []string{"event: bye", "data: {}", "end"}, stream.got())
		x.net.Stall("bus:80", false, false)
	})
}

func TestDemonstration(t *testing.T) { require.NoError(t, demonstrate(t.Context())) }
