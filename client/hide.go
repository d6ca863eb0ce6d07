package client

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/turold/turold/bayeux"
	"github.com/turold/turold/transport"
)

// shortest is the length from which a secret is looked for in what a server
// says: shorter ones are parts of words.
const shortest = 6

// hiding is what takes the session's secrets out of the errors in a batch, which
// are told and logged in the server's own words; nil if there are none. It is
// called without the lock.
func (c *Client) hiding(ms []bayeux.Message) *strings.Replacer {
	if slices.ContainsFunc(ms, func(m bayeux.Message) bool { return m.Meta != nil && m.Meta.Error != "" || m.Err() != nil }) {
		return c.secrets()
	}
	return nil
}

// said is m.Err without the session's secrets. Its Kind is by what the server
// said: a header may hold words by which it is found.
func (c *Client) said(m *bayeux.Message) error {
	err := m.Err()
	var e *bayeux.Error
	if errors.As(err, &e) && c.hidden != nil {
		e.Raw, e.Text = c.hidden.Replace(e.Raw), c.hidden.Replace(e.Text)
		for i := range e.Args {
			e.Args[i] = c.hidden.Replace(e.Args[i])
		}
	}
	if e != nil && len(e.Raw) > longestError {
		e.Raw, e.Text = short(e.Raw), short(e.Text)
		for i := range e.Args {
			e.Args[i] = short(e.Args[i])
		}
	}
	return err
}

// longestError is what is kept of each part of a server's error: a Receipt may be
// kept for long.
const longestError = 1 << 10

func short(s string) string { return strings.Clone(s[:min(len(s), longestError)]) }

// secrets puts masked in the place of whatever may be one: the clientId, the
// values of headers and cookies, what an address holds beside host and path, and
// the strings in the ext of the handshake.
func (c *Client) secrets() *strings.Replacer {
	t := c.s.Target() // first: those of the one before are in past then
	c.mu.Lock()
	all := append(c.shake.secrets(), c.id)
	all = append(all, ofExt(c.ext)...)
	if c.past != nil {
		all = append(all, c.past.secrets...)
	}
	c.mu.Unlock()
	for _, values := range t.Header {
		all = append(all, values...)
	}
	for _, u := range []*url.URL{t.URL, t.Socket()} {
		all = append(all, ofURL(u)...)
	}
	for _, cookie := range c.s.Jar.Cookies(t.URL) {
		all = append(all, cookie.Value)
	}
	return replacer(all)
}

// Of what was in use the latest is kept: servers quote what they were sent.
const (
	pastSecrets = 64
	pastBytes   = 16 << 10
)

// past are secrets that were in use, the latest last: clientIds, and what was in
// credentials. Most sessions have none.
type past struct {
	secrets []string
	bytes   int
}

// remember keeps secrets that are in use no more, so that they stay hidden.
func (c *Client) remember(secrets ...string) {
	for _, s := range secrets {
		if len(s) < shortest || c.past != nil && slices.Contains(c.past.secrets, s) {
			continue
		}
		if c.past == nil {
			c.past = new(past)
		}
		p := c.past
		p.secrets, p.bytes = append(p.secrets, s), p.bytes+len(s)
		for len(p.secrets) > pastSecrets || p.bytes > pastBytes && len(p.secrets) > 1 {
			p.bytes -= len(p.secrets[0])
			p.secrets = slices.Delete(p.secrets, 0, 1)
		}
	}
}

// secrets are those of the credential.
func (s *shake) secrets() (all []string) {
	all = ofExt(s.ext)
	if s.cred == nil {
		return all
	}
	for _, values := range s.cred.Header {
		all = append(all, values...)
	}
	if u, err := url.Parse(s.cred.URL); err == nil {
		all = append(all, ofURL(u)...)
	}
	return all
}

// ofExt are the strings in an ext.
func ofExt(ext object) (all []string) {
	for _, raw := range ext {
		var v any
		_ = json.Unmarshal(raw, &v) // it was marshalled
		all = append(all, stringsIn(v)...)
	}
	return all
}

// ofURL is what may be secret in an address.
func ofURL(u *url.URL) []string {
	all := []string{u.RawQuery}
	for _, values := range u.Query() {
		all = append(all, values...)
	}
	if u.User != nil {
		password, _ := u.User.Password()
		all = append(all, u.User.Username(), password, transport.BasicAuth(u.User))
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

// replacer masks each of the secrets and its parts, the longest first: a server
// may quote a token without the Bearer, and a cookie without its name.
func replacer(secrets []string) *strings.Replacer {
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
		if len(s) >= shortest {
			pairs = append(pairs, s, masked)
		}
	}
	return strings.NewReplacer(pairs...)
}
