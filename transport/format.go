package transport

import (
	"fmt"
	"io"
	"log/slog"
)

// Format prints the two hosts and nothing else: any other part may be secret.
func (t Target) Format(f fmt.State, _ rune) {
	s := "transport: no target"
	if t.URL != nil {
		socket := t.Socket()
		s = "transport: " + t.URL.Scheme + "://" + t.URL.Host + " " + socket.Scheme + "://" + socket.Host
	}
	_, _ = io.WriteString(f, s)
}

// LogValue is for handlers that would marshal the fields.
func (t Target) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(t)) }

// Format prints what the Target does.
func (s *Session) Format(f fmt.State, verb rune) { s.Target().Format(f, verb) }

// LogValue is for handlers that would marshal the fields.
func (s *Session) LogValue() slog.Value { return s.Target().LogValue() }
