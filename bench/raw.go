package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gorilla/websocket"
)

// A word is a message as the loops without Turold have it: its data may be kept.
type word struct {
	channel, id, clientID string
	data                  []byte
}

// A walker reads batches by tokens, with the decoder that Turold has.
type walker struct {
	jsontext.Decoder
	in bytes.Buffer
}

// walk reads one batch, whose bytes the words keep.
func (w *walker) walk(b []byte, words []word) ([]word, error) {
	w.in = *bytes.NewBuffer(b)
	w.Reset(&w.in, jsontext.AllowDuplicateNames(true))
	if _, err := w.ReadToken(); err != nil {
		return nil, err
	}
	for w.PeekKind() == jsontext.KindBeginObject {
		var m word
		if err := w.object(b, &m); err != nil {
			return nil, err
		}
		words = append(words, m)
	}
	_, err := w.ReadToken()
	return words, err
}

func (w *walker) object(b []byte, m *word) error {
	if _, err := w.ReadToken(); err != nil {
		return err
	}
	for w.PeekKind() == jsontext.KindString {
		key, err := w.ReadToken()
		if err != nil {
			return err
		}
		name := key.String()
		v, err := w.ReadValue()
		if err != nil {
			return err
		}
		end := int(w.InputOffset())
		switch name {
		case "data":
			m.data = b[end-len(v) : end]
		case "channel":
			m.channel = string(v[1 : len(v)-1])
		case "id":
			m.id = string(v[1 : len(v)-1])
		case "clientId":
			m.clientID = string(v[1 : len(v)-1])
		}
	}
	_, err := w.ReadToken()
	return err
}

// A rawSocket is a session on a WebSocket without Turold.
type rawSocket struct {
	*websocket.Conn
	walker
	buf bytes.Buffer
	id  string
}

var rawBuffers sync.Pool

func dialRaw(ctx context.Context, p params) (*rawSocket, error) {
	d := websocket.Dialer{NetDialContext: dialFar(false), ReadBufferSize: 4096, WriteBufferPool: &rawBuffers, WriteBufferSize: 32 << 10}
	if p.Small {
		d.ReadBufferSize = 1024
	}
	if p.TLS {
		d.TLSClientConfig = p.tls()
	}
	c, _, err := d.DialContext(ctx, "ws"+strings.TrimPrefix(p.url(false), "http"), nil)
	if err != nil {
		return nil, err
	}
	return &rawSocket{Conn: c}, nil
}

// begin shakes hands, subscribes, and sends a connect that may be held.
func (k *rawSocket) begin() error {
	for _, text := range []string{shakeText, subscribeText, connectText} {
		if err := k.write(fmt.Sprintf(text, k.id)); err != nil {
			return err
		}
		if text == connectText {
			return nil
		}
		words, err := k.next(nil)
		if err != nil {
			return err
		}
		if len(words) > 0 && k.id == "" {
			k.id = words[0].clientID
		}
	}
	return nil
}

const (
	shakeText     = `[{"channel":"/meta/handshake","id":"h","version":"1.0","supportedConnectionTypes":["websocket","long-polling"]%.0s}]`
	subscribeText = `[{"channel":"/meta/subscribe","id":"s","clientId":"%s","subscription":"/bench/events"}]`
	connectText   = `[{"channel":"/meta/connect","id":"c","clientId":"%s","connectionType":"websocket"}]`
	firstText     = `[{"channel":"/meta/subscribe","id":"s","clientId":"%[1]s","subscription":"/bench/events"},` +
		`{"channel":"/meta/connect","id":"c","clientId":"%[1]s","connectionType":"long-polling","advice":{"timeout":0}}]`
)

func (k *rawSocket) write(text string) error {
	return k.WriteMessage(websocket.TextMessage, []byte(text))
}

// next reads a frame into a buffer that is used again, copies it at its exact
// size, and walks it.
func (k *rawSocket) next(words []word) ([]word, error) {
	_, r, err := k.NextReader()
	if err != nil {
		return nil, err
	}
	k.buf.Reset()
	if _, err := k.buf.ReadFrom(r); err != nil {
		return nil, err
	}
	return k.walk(bytes.Clone(k.buf.Bytes()), words)
}

// A rawPoster is a session of POSTs without Turold.
type rawPoster struct {
	http *http.Client
	url  string
	id   string
	walker
}

// poster makes POSTs to a near or far server. A connection to a far one takes a
// round trip.
func poster(p params, far bool) *rawPoster {
	t := &http.Transport{MaxIdleConnsPerHost: 2, DialContext: dialFar(far)}
	if p.TLS {
		t.TLSClientConfig, t.ForceAttemptHTTP2 = p.tls(), true
	}
	jar, _ := cookiejar.New(nil) // it cannot fail
	return &rawPoster{http: &http.Client{Transport: t, Jar: jar}, url: p.url(far)}
}

func (k *rawPoster) post(ctx context.Context, text string, words []word) ([]word, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, k.url, strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := k.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b := make([]byte, max(res.ContentLength, 0))
	if _, err := io.ReadFull(res.Body, b); err != nil {
		return nil, err
	}
	return k.walk(b, words)
}

// begin shakes hands.
func (k *rawPoster) begin(ctx context.Context) error {
	words, err := k.post(ctx, fmt.Sprintf(shakeText, ""), nil)
	if err == nil && len(words) == 0 {
		err = errors.New("no answer to the handshake")
	}
	if err == nil {
		k.id = words[0].clientID
	}
	return err
}

var turn atomic.Uint32

// local is one of four addresses of this machine, in turn: each has ports for
// some 28,000 connections to a server, and a restart of it uses up as many as
// there are sessions, three times.
func local() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+turn.Add(1)%4))} }

// dialFar makes connections, to what is far ones that take a round trip to open.
func dialFar(far bool) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if far {
			time.Sleep(roundTrip)
		}
		d := net.Dialer{LocalAddr: local()}
		return d.DialContext(ctx, network, addr)
	}
}

// url is where the server is.
func (p params) url(far bool) string {
	scheme, host := "http", p.At.Plain
	switch {
	case p.TLS && far:
		scheme, host = "https", p.At.FarTLS
	case p.TLS:
		scheme, host = "https", p.At.TLS
	case far:
		host = p.At.FarPlain
	}
	return scheme + "://" + host + "/cometd?" + p.Query
}

func (p params) tls() *tls.Config {
	_, roots := certificates()
	return &tls.Config{RootCAs: roots}
}

var numberKey = []byte(`{"n":`)

// number is what an event's data has.
func number(data []byte) int64 {
	b, ok := bytes.CutPrefix(data, numberKey)
	if !ok {
		return 0
	}
	end := bytes.IndexAny(b, ",}")
	n, _ := strconv.ParseInt(string(b[:max(end, 0)]), 10, 64)
	return n
}
