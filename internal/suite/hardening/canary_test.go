package hardening

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/turold/turold/client"
)

// Every secret of these tests contains this word, and nothing else does.
const word = "canary"

// A canary looks for secrets in whatever can be printed. Safe for concurrent use.
type canary struct {
	t *testing.T

	mu    sync.Mutex
	words []string // that are looked for
	seen  int      // texts that were looked at
	leaks map[string]bool
}

// newCanary looks for the word, also as the bytes that fmt prints of a []byte,
// and for the user parts of URLs as a header carries them.
func newCanary(t *testing.T, users ...string) *canary {
	k := &canary{t: t, words: []string{word}, leaks: map[string]bool{}}
	for _, format := range []string{"%v", "%#v", "%x", "%X"} {
		k.words = append(k.words, strings.Trim(strings.TrimPrefix(fmt.Sprintf(format, []byte(word)), "[]byte"), "[]{}"))
	}
	for _, user := range users {
		k.words = append(k.words, base64.StdEncoding.EncodeToString([]byte(user)))
	}
	return k
}

// also looks for another secret from now on.
func (k *canary) also(secret string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if secret != "" {
		k.words = append(k.words, secret)
	}
}

// text is looked at, case aside.
func (k *canary) text(where, s string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen++
	lower := strings.ToLower(s)
	for _, w := range k.words {
		if at := strings.Index(lower, strings.ToLower(w)); at >= 0 {
			k.leaks[fmt.Sprintf("%s: …%.300s", where, s[max(at-100, 0):])] = true
			return
		}
	}
}

// value is looked at in each form that fmt has for it.
func (k *canary) value(where string, v any) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		k.text(where+" as "+verb, fmt.Sprintf(verb, v))
	}
}

// err is looked at with all that it wraps, except what an application's own
// type says about its data.
func (k *canary) err(where string, err error) {
	if err == nil {
		return
	}
	k.value(fmt.Sprintf("%s, %T", where, err), err)
	switch w := err.(type) {
	case *client.DecodeError:
	case interface{ Unwrap() []error }:
		for _, e := range w.Unwrap() {
			k.err(where, e)
		}
	default:
		k.err(where, errors.Unwrap(err))
	}
}

// Write takes a line of a log.
func (k *canary) Write(line []byte) (int, error) {
	k.text("the log", string(line))
	return len(line), nil
}

// logger logs everything, in both forms.
func (k *canary) logger() *slog.Logger {
	all := &slog.HandlerOptions{Level: slog.LevelDebug - 4}
	return slog.New(slog.NewMultiHandler(slog.NewTextHandler(k, all), slog.NewJSONHandler(k, all)))
}

// verify fails the test with what was found.
func (k *canary) verify() {
	k.t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seen == 0 {
		k.t.Error("nothing was looked at")
	}
	for leak := range k.leaks {
		k.t.Error(leak)
	}
}

// TestCanary finds a secret in each form, at each depth.
func TestCanary(t *testing.T) {
	type holder struct{ Secret string }
	cause := errors.New("a " + word)
	for name, show := range map[string]func(*canary){
		"text":              func(k *canary) { k.text("", "a CANARY") },
		"field":             func(k *canary) { k.value("", holder{word}) },
		"bytes":             func(k *canary) { k.value("", []byte("a "+word)) },
		"the user of a URL": func(k *canary) { k.text("", "Basic "+base64.StdEncoding.EncodeToString([]byte("me:it"))) },
		"cause":             func(k *canary) { k.err("", hidden{cause}) },
		"joined":            func(k *canary) { k.err("", hidden{errors.Join(hidden{nil}, cause)}) },
		"log":               func(k *canary) { k.logger().Log(t.Context(), slog.LevelDebug-4, "x", "y", holder{word}) },
		"another":           func(k *canary) { k.also("other"); k.text("", "another") },
	} {
		k := newCanary(t, "me:it")
		show(k)
		if len(k.leaks) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
	k := newCanary(t, "me:it")
	k.err("", hidden{errors.Join(hidden{nil})})
	k.logger().Debug("nothing")
	k.verify()
}

// A hidden error does not say what it wraps.
type hidden struct{ cause error }

func (hidden) Error() string              { return "hidden" }
func (hidden) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("hidden")) }
func (h hidden) Unwrap() error            { return h.cause }
