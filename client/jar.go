package client

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"sync"
)

// These bound what a session's own jar keeps: browsers keep as many cookies, and as large
// ones (RFC 6265 section 6.1), and servers take no longer header.
const (
	maxCookies     = 50
	maxCookie      = 4 << 10 // bytes of one
	maxCookieBytes = 32 << 10
)

// A jar is a session's own. What is too large is not kept, and the oldest
// cookies make room for new ones: otherwise a server could set more with each
// answer, and they would all go back with each request.
type jar struct {
	*cookiejar.Jar

	mu    sync.Mutex
	kept  []storedCookie // the oldest first
	bytes int            // of all
}

// A storedCookie names a cookie that was set.
type storedCookie struct {
	scheme, host, from string // of the URL that set it
	name, domain, path string
	bytes              int
}

func newJar() *jar {
	j, _ := cookiejar.New(nil) // it cannot fail
	return &jar{Jar: j}
}

func (j *jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range cookies {
		if size(c) <= maxCookie {
			j.set(u, c)
		}
	}
}

func (j *jar) set(u *url.URL, c *http.Cookie) {
	j.Jar.SetCookies(u, []*http.Cookie{c})
	k := storedCookie{u.Scheme, u.Host, u.Path, c.Name, c.Domain, c.Path, size(c)}
	if i := slices.IndexFunc(j.kept, k.same); i >= 0 {
		j.drop(i)
	}
	j.kept = append(j.kept, k)
	j.bytes += k.bytes
	for len(j.kept) > maxCookies || j.bytes > maxCookieBytes {
		oldest := j.kept[0]
		u := &url.URL{Scheme: oldest.scheme, Host: oldest.host, Path: oldest.from}
		j.Jar.SetCookies(u, []*http.Cookie{{Name: oldest.name, Domain: oldest.domain, Path: oldest.path, MaxAge: -1}})
		j.drop(0)
	}
}

func (j *jar) drop(i int) {
	j.bytes -= j.kept[i].bytes
	j.kept = slices.Delete(j.kept, i, i+1)
}

// same reports whether k takes the place of old in a jar (RFC 6265 section 5.3).
func (k storedCookie) same(old storedCookie) bool {
	return k.name == old.name && k.domain == old.domain && k.path == old.path && k.host == old.host && k.from == old.from
}

func size(c *http.Cookie) int { return len(c.Name) + len(c.Value) + len(c.Path) + len(c.Domain) }
