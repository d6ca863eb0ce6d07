package wire

import (
	"net/http"
	"strings"
)

// ResponseCookies returns the cookies that a response sets, with their values as they
// came. net/http refuses values with quotes inside, backslashes or bytes beyond ASCII;
// servers that set them want them back all the same.
func ResponseCookies(h http.Header) []*http.Cookie {
	var all []*http.Cookie
	for _, line := range h["Set-Cookie"] {
		if c, err := http.ParseSetCookie(line); err == nil {
			if !c.Quoted {
				c.Value = strings.Trim(c.Value, " ")
			}
			all = append(all, c)
		} else if c := parseLenient(line); c != nil {
			all = append(all, c)
		}
	}
	return all
}

// parseLenient reads a Set-Cookie line without looking into the value. It returns nil
// if something else than the value is wrong with the line.
func parseLenient(line string) *http.Cookie {
	pair, attributes, _ := strings.Cut(line, ";")
	name, value, ok := strings.Cut(pair, "=")
	value = strings.Trim(value, " \t")
	if !ok || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil
	}
	c, err := http.ParseSetCookie(name + "=x;" + attributes)
	if err != nil {
		return nil
	}
	c.Value = value
	return c
}

// AddCookies puts the cookies into a request's header byte for byte: the
// AddCookie of http.Request quotes values with a space or a comma, and drops
// what it holds for invalid.
func AddCookies(h http.Header, all []*http.Cookie) {
	if len(all) == 0 {
		return
	}
	var line strings.Builder
	line.WriteString(strings.Join(h["Cookie"], "; "))
	for _, c := range all {
		if line.Len() > 0 {
			line.WriteString("; ")
		}
		line.WriteString(c.Name)
		line.WriteByte('=')
		if c.Quoted {
			line.WriteString(`"` + c.Value + `"`)
		} else {
			line.WriteString(c.Value)
		}
	}
	h.Set("Cookie", line.String())
}
