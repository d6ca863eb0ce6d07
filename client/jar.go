package client

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"sync"
)

// What a session's own jar keeps: browsers have room for as many, and as large
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
	kept  []kept // the oldest first
	bytes int    // of all
}

// kept is a cookie as it was set.
type kept struct {
	at *url.URL
	c  http.Cookie
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
			j.set(kept{u, *c})
		}
	}
}

func (j *jar) set(k kept) {
	j.Jar.SetCookies(k.at, []*http.Cookie{&k.c})
	if i := slices.IndexFunc(j.kept, k.same); i >= 0 {
		j.drop(i)
	}
	j.kept = append(j.kept, k)
	j.bytes += size(&k.c)
	for len(j.kept) > maxCookies || j.bytes > maxCookieBytes {
		oldest := j.kept[0]
		oldest.c.MaxAge = -1
		j.Jar.SetCookies(oldest.at, []*http.Cookie{&oldest.c})
		j.drop(0)
	}
}

func (j *jar) drop(i int) {
	j.bytes -= size(&j.kept[i].c)
	j.kept = slices.Delete(j.kept, i, i+1)
}

// same reports whether k takes the place of old in a jar (RFC 6265 section 5.3).
func (k kept) same(old kept) bool {
	return k.c.Name == old.c.Name && k.c.Domain == old.c.Domain && k.c.Path == old.c.Path && k.at.Host == old.at.Host && k.at.Path == old.at.Path
}

func size(c *http.Cookie) int { return len(c.Name) + len(c.Value) + len(c.Path) + len(c.Domain) }
