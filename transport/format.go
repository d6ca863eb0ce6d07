package transport

import (
	"fmt"
	"io"
	"log/slog"
)

// Format implements fmt.Formatter: it prints the schemes and hosts of both addresses
// and no other part, since any may be secret.
func (t Target) Format(f fmt.State, _ rune) {
	s := "transport: no target"
	if t.URL != nil {
		socket := t.Socket()
		s = "transport: " + t.URL.Scheme + "://" + t.URL.Host + " " + socket.Scheme + "://" + socket.Host
	}
	_, _ = io.WriteString(f, s)
}

// LogValue implements slog.LogValuer, so that no handler marshals the fields: it is
// what Format prints.
func (t Target) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(t)) }

// Format implements fmt.Formatter: it prints what the Target prints.
func (s *SessionConfig) Format(f fmt.State, verb rune) { s.Target().Format(f, verb) }

// LogValue implements slog.LogValuer, so that no handler marshals the fields: it is
// what Format prints.
func (s *SessionConfig) LogValue() slog.Value { return s.Target().LogValue() }
