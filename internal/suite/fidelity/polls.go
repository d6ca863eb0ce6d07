package fidelity

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
)

// polls is a client of long-polling: each body is a request, and there may be
// several at a time.
type polls struct {
	c    *http.Client
	ctx  context.Context // until close
	end  context.CancelFunc
	wg   sync.WaitGroup
	open []*exchange
	n    int
}

func newPolls(s *stage) *polls {
	jar, err := cookiejar.New(nil)
	require.NoError(s, err)
	tr := &http.Transport{DialContext: s.lab.DialContext, MaxIdleConnsPerHost: 10}
	p := &polls{c: &http.Client{Jar: jar, Transport: tr}}
	p.ctx, p.end = context.WithCancel(s.Context())
	return p
}

func (p *polls) send(s *stage, body string) *exchange {
	return p.request(s, http.MethodPost, "application/json", body)
}

// request sends any request; its answer is one line.
func (p *polls) request(s *stage, method, contentType, body string) *exchange {
	x := &exchange{at: time.Now(), got: make(chan string, 1)}
	if len(p.open) > 0 {
		p.n++
		x.label = string(rune('a' + p.n))
	} else {
		p.n = 0
		x.label = "a"
	}
	p.open = append(p.open, x)
	r, err := http.NewRequestWithContext(p.ctx, method, s.server.URL(), strings.NewReader(body))
	require.NoError(s, err)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	p.wg.Go(func() {
		resp, err := p.c.Do(r)
		held := ""
		if strings.Contains(body, "/meta/connect") {
			held = took(time.Since(x.at))
		}
		x.got <- answerOf(resp, err) + held
	})
	return x
}

// answerOf is what a trace tells of a response.
func answerOf(resp *http.Response, err error) string {
	if err != nil {
		return "EOF"
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return "EOF"
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	cookie := ""
	for _, c := range resp.Cookies() {
		cookie = " +" + c.Name
	}
	switch {
	case len(b) == 0:
		return fmt.Sprintf("%d empty", resp.StatusCode)
	case kind == "application/json":
		return fmt.Sprintf("%d%s %s", resp.StatusCode, cookie, b)
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, kind)
}

func (p *polls) finish(s *stage, x *exchange, longest time.Duration) {
	if x.over {
		return
	}
	select {
	case answer := <-x.got:
		p.tell(s, x, answer)
	case <-time.After(longest):
		s.printf("<%s no answer", x.label)
	}
}

func (p *polls) tell(s *stage, x *exchange, answer string) {
	x.over = true
	for i, y := range p.open {
		if x == y {
			p.open = append(p.open[:i:i], p.open[i+1:]...)
			break
		}
	}
	if head, body, ok := strings.Cut(answer, " ["); ok {
		end := strings.LastIndexByte(body, ']') + 1
		answer = head + " " + s.normal("["+body[:end]) + body[end:]
	}
	s.printf("<%s %s", x.label, answer)
}

// pushed waits until every request that is open has an answer, or a lull.
func (p *polls) pushed(s *stage, d time.Duration) {
	time.Sleep(d)
	for _, x := range append([]*exchange(nil), p.open...) {
		select {
		case answer := <-x.got:
			p.tell(s, x, answer)
		default:
		}
	}
}

func (p *polls) idle() { p.c.CloseIdleConnections() }

func (p *polls) close() {
	p.end()
	p.wg.Wait()
	p.c.CloseIdleConnections()
}
