package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/client"
	"github.com/turold/turold/fallback"
)

// goodbye bounds the /meta/disconnect.
const goodbye = 2 * time.Second

var errSameToken = errors.New("the server refused the token")

// flags are those that all commands but serve share.
type flags struct {
	Transport    string        `enum:"auto,websocket-first,websocket,long-polling" default:"auto" help:"The transports to use: ${enum}."`
	Header       []string      `short:"H" sep:"none" placeholder:"'Name: value'" help:"Send this header with every request and with the upgrade. May be repeated."`
	User         string        `placeholder:"NAME:PASSWORD" help:"Sign in by basic authentication."`
	TokenFile    string        `placeholder:"FILE" help:"Sign in by the bearer token in FILE, which is read again when the server refuses it."`
	WebsocketURL string        `name:"websocket-url" placeholder:"URL" help:"Open the WebSocket at this address. Default: that of the server."`
	Proxy        string        `placeholder:"URL" help:"Connect through this proxy: an http, https or socks5 URL, which may have a name and password. Default: the environment's."`
	Cacert       string        `placeholder:"FILE" help:"Trust the certificates in FILE (PEM) and no others."`
	Cert         string        `placeholder:"FILE" help:"Present the certificate in FILE (PEM) to the server."`
	Key          string        `placeholder:"FILE" help:"The key of --cert (PEM)."`
	Ext          string        `placeholder:"JSON" help:"Send this JSON object as the ext of the handshake."`
	NoAck        bool          `help:"Do not use the acknowledgement extension: a lost connection may lose events."`
	Timeout      time.Duration `placeholder:"DURATION" help:"End after this time, with exit code 4, or 5 where a message has no outcome. Default: never."`
	Log          string        `enum:"text,json" default:"text" help:"The format of the log on standard error: ${enum}."`
	Verbose      int           `short:"v" type:"counter" help:"Log every step. Given twice, log each batch of messages too, without secrets."`
}

// within bounds a context by --timeout.
func (f *flags) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if f.Timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, f.Timeout, errTimeout)
}

// dial begins a session; leave ends it.
func (f *flags) dial(ctx context.Context, s stdio, address string) (c *client.Client, leave func(), err error) {
	d, err := f.dialer(s)
	if err != nil {
		return nil, nil, err
	}
	o, err := f.options()
	if err != nil {
		return nil, nil, err
	}
	if c, err = d.Dial(ctx, address, o); err != nil {
		d.Close()
		return nil, nil, err
	}
	return c, func() {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
		defer cancel()
		_ = c.Disconnect(bye) // the server may be gone
		d.Close()
	}, nil
}

func (f *flags) dialer(s stdio) (*client.Dialer, error) {
	mode, err := fallback.ParseMode(f.Transport)
	if err != nil {
		return nil, err
	}
	d := &client.Dialer{Policy: fallback.Policy{Mode: mode}, Logger: f.logger(s)}
	if f.Verbose > 1 {
		d.Trace = &client.Trace{Wire: f.wire(s, d.Logger)}
	}
	if f.Proxy != "" {
		u, err := url.Parse(f.Proxy)
		if err != nil || u.Host == "" {
			return nil, errors.New("--proxy is no URL") // it may hold a password
		}
		d.Proxy = http.ProxyURL(u)
	}
	d.TLS, err = f.tls()
	return d, err
}

func (f *flags) logger(s stdio) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if f.Verbose > 0 {
		o.Level = slog.LevelDebug
	}
	if f.Log == "json" {
		return slog.New(slog.NewJSONHandler(s.err, o))
	}
	return slog.New(slog.NewTextHandler(s.err, o))
}

// wire prints each batch on a line of its own: > what leaves, < what arrives.
func (f *flags) wire(s stdio, log *slog.Logger) func(*client.Client, client.Wire) {
	if f.Log == "json" {
		return func(_ *client.Client, w client.Wire) {
			log.Debug("wire", "out", w.Out, "transport", w.Transport, "leg", w.Leg, "batch", json.RawMessage(w.Batch))
		}
	}
	return func(_ *client.Client, w client.Wire) {
		direction := '<'
		if w.Out {
			direction = '>'
		}
		_, _ = fmt.Fprintf(s.err, "%c %s %d %s\n", direction, w.Transport, w.Leg, w.Batch)
	}
}

// tls is nil if nothing was asked for.
func (f *flags) tls() (*tls.Config, error) {
	if f.Cacert == "" && f.Cert == "" && f.Key == "" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.Cacert != "" {
		pem, err := os.ReadFile(f.Cacert)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", f.Cacert)
		}
	}
	if f.Cert != "" || f.Key != "" {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func (f *flags) options() (*client.Options, error) {
	o := &client.Options{WebSocketURL: f.WebsocketURL, NoAck: f.NoAck, Header: http.Header{}}
	for _, line := range f.Header {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" {
			return nil, errors.New("--header wants 'Name: value'")
		}
		o.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if f.User != "" {
		o.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(f.User)))
	}
	if f.TokenFile != "" {
		o.Credentials = f.token
	}
	if f.Ext != "" {
		if !bayeux.ValidValue([]byte(f.Ext)) {
			return nil, errors.New("--ext is not JSON")
		}
		o.Ext = json.RawMessage(f.Ext)
	}
	return o, nil
}

// token reads the token. One that was refused is not tried twice.
func (f *flags) token(_ context.Context, refused *client.Credential) (*client.Credential, error) {
	b, err := os.ReadFile(f.TokenFile)
	if err != nil {
		return nil, err
	}
	bearer := "Bearer " + strings.TrimSpace(string(b))
	if refused != nil && refused.Header.Get("Authorization") == bearer {
		return nil, errSameToken
	}
	return &client.Credential{Header: http.Header{"Authorization": {bearer}}}, nil
}
