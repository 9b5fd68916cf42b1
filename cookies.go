package bbb

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// cookies is the cookie jar of one server. It remembers the Set-Cookie lines as
// they came, so that the jar of another process can be filled with them.
type cookies struct {
	jar  *cookiejar.Jar
	host string      // of the server; a join may be redirected to another one
	some atomic.Bool // there ever was a cookie

	mu    sync.Mutex        // protects the fields below
	lines map[string]string // by name and path; only those for the server's own URL
	dirty bool              // changed since the last take
}

func newCookies(host string) *cookies {
	jar, _ := cookiejar.New(nil) // never fails
	return &cookies{jar: jar, host: host, lines: make(map[string]string)}
}

// SetCookies implements [http.CookieJar].
func (c *cookies) SetCookies(u *url.URL, set []*http.Cookie) {
	c.jar.SetCookies(u, set)
	c.some.Store(true)
	if u.Host != c.host {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cookie := range set {
		key := cookie.Name + ";" + cookie.Path
		if cookie.MaxAge < 0 {
			delete(c.lines, key)
		} else {
			c.lines[key] = cookie.String()
		}
		c.dirty = true
	}
}

// Cookies implements [http.CookieJar].
func (c *cookies) Cookies(u *url.URL) []*http.Cookie {
	if !c.some.Load() {
		return nil
	}
	return c.jar.Cookies(u)
}

// addTo puts the cookies that belong to a request into it.
func (c *cookies) addTo(req *http.Request) {
	for _, cookie := range c.Cookies(req.URL) {
		req.AddCookie(cookie)
	}
}

// take returns the cookies as text if they changed since the last take.
func (c *cookies) take() (text string, changed bool) {
	if !c.some.Load() {
		return "", false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dirty {
		return "", false
	}
	c.dirty = false
	lines := make([]string, 0, len(c.lines))
	for _, line := range c.lines {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), true
}

// restore fills the jar with what take returned elsewhere.
func (c *cookies) restore(u *url.URL, text string) {
	var set []*http.Cookie
	for line := range strings.SplitSeq(text, "\n") {
		if cookie, err := http.ParseSetCookie(line); err == nil {
			set = append(set, cookie)
		}
	}
	if len(set) == 0 {
		return
	}
	c.SetCookies(u, set)
	c.mu.Lock()
	c.dirty = false
	c.mu.Unlock()
}
