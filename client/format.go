package client

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
)

// What is alive prints as what it is, for every verb: fmt would look into it
// without its locks, and find what it was given.

// Format says where the client stands, and nothing of what it was given.
func (c *Client) Format(f fmt.State, _ rune) { say(f, "client: "+c.Status().String()) }

// Format says how many sessions there are.
func (d *Dialer) Format(f fmt.State, _ rune) {
	say(f, fmt.Sprintf("client: dialer of %d sessions", d.Stats().Sessions))
}

// Format names the channel.
func (s *Subscription) Format(f fmt.State, _ rune) {
	say(f, "client: subscription to "+string(s.channel))
}

// Format names the channel.
func (r *Receipt) Format(f fmt.State, _ rune) {
	say(f, "client: receipt of "+string(r.p.message.Channel))
}

func say(f fmt.State, what string) { _, _ = io.WriteString(f, what) }

// LogValue is for handlers that would marshal the fields.
func (c *Client) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// LogValue is for handlers that would marshal the fields.
func (d *Dialer) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(d)) }

// Format names the headers, and prints nothing else: any other part may be secret.
func (o Options) Format(f fmt.State, _ rune) {
	say(f, "client: options with the headers "+names(o.Header))
}

// Format names the headers, and prints nothing else.
func (c Credential) Format(f fmt.State, _ rune) {
	say(f, "client: credential with the headers "+names(c.Header))
}

func names(h http.Header) string { return fmt.Sprint(slices.Sorted(maps.Keys(h))) }

// LogValue is for handlers that would marshal the fields.
func (o Options) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(o)) }

// LogValue is for handlers that would marshal the fields.
func (c Credential) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }
