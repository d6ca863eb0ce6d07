package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/turold/turold/client"
)

// demonstrate has two users talk through the service.
func demonstrate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	key := newKey()
	bus, err := startBus(ctx, key)
	if err != nil {
		return err
	}
	defer bus.Close()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := newService(new(client.Dialer), bus.URL, key, limits{users: 2, streams: 1, idle: time.Second})
	go func() { _ = s.http.Serve(l) }()
	d := demo{url: "http://" + l.Addr().String(), users: map[string]*device{}}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"Harold and William sign in", func() error {
			return errors.Join(d.enter(ctx, "harold"), d.enter(ctx, "william"))
		}},
		{"Edith is one more than the limit", func() error {
			if err := d.enter(ctx, "edith"); err == nil {
				return errors.New("she was let in")
			}
			return nil
		}},
		{"Harold writes to William", func() error {
			return errors.Join(d.send(ctx, "harold", "william", "you swore an oath"), d.hears("william", "you swore an oath"))
		}},
		{"the Bayeux server forgets everybody, as after a restart", func() error {
			bus.CutAll()
			bus.Forget("")
			return errors.Join(d.hears("harold", `{"channel":"/user/harold"}`), d.hears("william", `{"channel":"/user/william"}`)) // of a gap
		}},
		{"William answers", func() error {
			return errors.Join(d.send(ctx, "william", "harold", "under duress"), d.hears("harold", "under duress"))
		}},
		{"William leaves, and is shed a second later", func() error {
			d.users["william"].Close()
			return d.until(func() bool { return s.report().Shed == 1 && len(bus.Sessions()) == 1 })
		}},
		{"the service is told to stop", func() error {
			err := bus.Publish("/news", map[string]string{"text": "the last event"})
			if err == nil {
				err = d.until(func() bool { return s.report().Passed >= 3 })
			}
			err = errors.Join(err, s.drain(ctx))
			return errors.Join(err, d.hears("harold", "the last event"), d.hears("harold", "event: bye"))
		}},
	} {
		fmt.Println(step.what)
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	if left := len(bus.Sessions()); left > 0 {
		return fmt.Errorf("%d sessions did not say goodbye", left)
	}
	fmt.Printf("health: %+v\n", s.report())
	return nil
}

// A demo is the users' side.
type demo struct {
	url   string
	users map[string]*device
}

// A device is one that is signed in and has a stream.
type device struct {
	cookie *http.Cookie
	lines  *bufio.Scanner
	io.Closer
}

// enter signs a user in and opens a stream.
func (d *demo) enter(ctx context.Context, name string) error {
	answer, err := d.do(ctx, http.MethodPost, "/signin", nil, map[string]string{"user": name, "password": password})
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	signed := answer.Cookies()[0]
	stream, err := d.do(ctx, http.MethodGet, "/events", signed, nil)
	if err != nil {
		return err
	}
	d.users[name] = &device{signed, bufio.NewScanner(stream.Body), stream.Body}
	return nil
}

func (d *demo) send(ctx context.Context, from, to, text string) error {
	answer, err := d.do(ctx, http.MethodPost, "/send", d.users[from].cookie, map[string]string{"to": to, "text": text})
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// hears reads a user's stream up to a line that has text in it, and prints it.
func (d *demo) hears(name, text string) error {
	lines := d.users[name].lines
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			fmt.Printf("  %s hears %s\n", name, lines.Text())
			return nil
		}
	}
	return fmt.Errorf("the stream of %s ended: %w", name, errors.Join(io.ErrUnexpectedEOF, lines.Err()))
}

func (d *demo) until(done func() bool) error {
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("it did not come to that")
		}
	}
	return nil
}

// do makes a request, and is content with 200 and 204 only.
func (d *demo) do(ctx context.Context, method, path string, signed *http.Cookie, body any) (*http.Response, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, d.url+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if signed != nil {
		r.AddCookie(signed)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		defer answer.Body.Close()
		said, _ := io.ReadAll(answer.Body)
		return nil, fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(said)))
	}
	return answer, nil
}
