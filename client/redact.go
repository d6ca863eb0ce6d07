package client

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/internal/wire"
)

// minSecretBytes is the length of the shortest secret that is looked for in what a server
// says: shorter ones are parts of words.
const minSecretBytes = 6

// redactorOf returns what takes the session's secrets out of the errors in a batch, which
// the client returns and logs in the server's own words; nil: there are none. The caller
// does not hold the mutex.
func (c *Client) redactorOf(ms []bayeux.Message) *strings.Replacer {
	t := c.dialer.Trace
	traced := t != nil && t.Wire != nil
	for i := range ms {
		if quotesServer(&ms[i], traced) {
			return c.newRedactor()
		}
	}
	return nil
}

// quotesServer reports whether the error of a message may be quoted. That of an event
// is quoted by Trace.Wire alone: any publisher may have written it. With a verdict beside
// it, what looks like an event may be the reply to a call.
func quotesServer(m *bayeux.Message, traced bool) bool {
	if m.IsEvent() && !traced && (m.Meta == nil || !m.Meta.Verdict) {
		return false
	}
	return m.Meta != nil && m.Meta.Error != "" || m.Err() != nil
}

// replyError returns m.Err without the session's secrets. Its Kind is by what the server
// said: a header may hold words by which it is found.
func (c *Client) replyError(m *bayeux.Message) error {
	err := m.Err()
	var e *bayeux.Error
	if errors.As(err, &e) && c.redactor != nil {
		e.Raw, e.Text = c.redactor.Replace(e.Raw), c.redactor.Replace(e.Text)
		for i := range e.Args {
			e.Args[i] = c.redactor.Replace(e.Args[i])
		}
	}
	if e != nil && len(e.Raw) > maxErrorBytes {
		e.Raw, e.Text = truncate(e.Raw), truncate(e.Text)
		for i := range e.Args {
			e.Args[i] = truncate(e.Args[i])
		}
	}
	return err
}

// maxErrorBytes bounds what is kept of each part of a server's error: the application may
// keep a Receipt for long.
const maxErrorBytes = 1 << 10

func truncate(s string) string { return strings.Clone(s[:min(len(s), maxErrorBytes)]) }

// newRedactor puts masked in the place of whatever may be one: the clientId, the
// values of headers and cookies, what an address holds beside host and path, and
// the strings in the ext of the handshake.
func (c *Client) newRedactor() *strings.Replacer {
	t := c.settings.Target() // first: those of the one before are in past then
	c.mu.Lock()
	all := append(c.handshake.secrets(), c.clientID)
	all = append(all, secretsInExt(c.ext)...)
	if c.oldSecrets != nil {
		all = append(all, c.oldSecrets.secrets...)
	}
	c.mu.Unlock()
	for _, values := range t.Header {
		all = append(all, values...)
	}
	for _, u := range []*url.URL{t.URL, t.Socket()} {
		all = append(all, secretsInURL(u)...)
	}
	for _, cookie := range c.settings.Jar.Cookies(t.URL) {
		all = append(all, cookie.Value)
	}
	return newReplacer(all)
}

// The newest of the past secrets are kept: servers quote what they were sent.
const (
	maxPastSecrets = 64
	maxPastBytes   = 16 << 10
)

// pastSecrets are secrets that were in use, the latest last: clientIds, and what was in
// credentials. Most sessions have none.
type pastSecrets struct {
	secrets []string
	bytes   int
}

// rememberSecrets keeps secrets that are in use no more, so that they stay hidden.
func (c *Client) rememberSecrets(secrets ...string) {
	for _, s := range secrets {
		if len(s) < minSecretBytes || c.oldSecrets != nil && slices.Contains(c.oldSecrets.secrets, s) {
			continue
		}
		if c.oldSecrets == nil {
			c.oldSecrets = new(pastSecrets)
		}
		p := c.oldSecrets
		p.secrets, p.bytes = append(p.secrets, s), p.bytes+len(s)
		for len(p.secrets) > maxPastSecrets || p.bytes > maxPastBytes && len(p.secrets) > 1 {
			p.bytes -= len(p.secrets[0])
			p.secrets = slices.Delete(p.secrets, 0, 1)
		}
	}
}

// secrets are those of the credential.
func (hs *handshakeState) secrets() (all []string) {
	all = secretsInExt(hs.ext)
	if hs.credential == nil {
		return all
	}
	for _, values := range hs.credential.Header {
		all = append(all, values...)
	}
	if u, err := url.Parse(hs.credential.URL); err == nil {
		all = append(all, secretsInURL(u)...)
	}
	return all
}

// secretsInExt are the strings in an ext.
func secretsInExt(ext object) (all []string) {
	for _, raw := range ext {
		var v any
		_ = json.Unmarshal(raw, &v) // it was marshalled
		all = append(all, stringsIn(v)...)
	}
	return all
}

// secretsInURL is what may be secret in an address.
func secretsInURL(u *url.URL) []string {
	all := []string{u.RawQuery}
	for _, values := range u.Query() {
		all = append(all, values...)
	}
	if u.User != nil {
		password, _ := u.User.Password()
		all = append(all, u.User.Username(), password, wire.BasicAuth(u.User))
	}
	return all
}

// stringsIn are the strings in a JSON value, names aside.
func stringsIn(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, x := range v {
			all = append(all, stringsIn(x)...)
		}
	case map[string]any:
		for _, x := range v {
			all = append(all, stringsIn(x)...)
		}
	}
	return all
}

// newReplacer masks each of the secrets and its parts, the longest first: a server
// may quote a token without the Bearer, and a cookie without its name.
func newReplacer(secrets []string) *strings.Replacer {
	all := slices.Clone(secrets)
	for _, s := range secrets {
		for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,;&", r) }) {
			_, value, _ := strings.Cut(part, "=")
			all = append(all, part, strings.Trim(value, `"`))
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range all {
		if len(s) >= minSecretBytes {
			pairs = append(pairs, s, masked)
		}
	}
	return strings.NewReplacer(pairs...)
}
