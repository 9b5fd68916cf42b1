package bbb

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// longAnswer is the length from which on an answer may not fit into what the system buffers of a
	// connection, so that writing it waits for the client.
	longAnswer = 64 << 10
	// keptAnswer is how large a buffer may be that is kept for the next answer.
	keptAnswer = 1 << 20
)

// answerBuffers keeps the buffers in which answers are put together.
var answerBuffers = sync.Pool{New: func() any { return new(make([]byte, 0, 8<<10)) }}

func releaseAnswer(buf *[]byte) {
	if cap(*buf) <= keptAnswer {
		answerBuffers.Put(buf)
	}
}

// isWebPage reports whether a redirect may go there: to a web page, absolute or of our own host.
func isWebPage(location string) bool {
	return strings.HasPrefix(location, "https://") || strings.HasPrefix(location, "http://") ||
		strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//")
}

// escapeLocation writes a URL for a header. What no URL has is escaped, so that nothing in it ends the
// header, or is read by a browser in another way than by us, as a backslash is.
func escapeLocation(location string) string {
	odd := func(c byte) bool { return c <= ' ' || c >= 0x7F || strings.IndexByte("\\\"<>^`{|}", c) >= 0 }
	for i := range len(location) {
		if !odd(location[i]) {
			continue
		}
		escaped := []byte(location[:i])
		for _, c := range []byte(location[i:]) {
			if odd(c) {
				escaped = fmt.Appendf(escaped, "%%%02X", c)
			} else {
				escaped = append(escaped, c)
			}
		}
		return string(escaped)
	}
	return location
}

// write sends the answer, whose body is given.
func (x *exchange) write(resp *Response, body []byte) {
	header := x.w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	if x.call != callGetMeetingInfo { // as servers do
		header.Set("Cache-Control", "no-cache")
	}
	if x.allow != "" {
		header.Set("Allow", x.allow)
	}
	if resp.Location != "" {
		header.Set("Location", escapeLocation(resp.Location))
	}
	if resp.StatusCode != http.StatusNoContent {
		if contentType := resp.ContentType(); contentType != "" {
			header.Set("Content-Type", contentType)
		}
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	x.w.WriteHeader(resp.StatusCode)
	if x.r.Method == http.MethodHead || len(body) == 0 {
		return
	}
	if len(body) >= longAnswer {
		defer x.slowly()()
	}
	_, _ = x.w.Write(body) // nobody is there to be told
}

// slowly gives the client the time of a request to take the answer, unless the server has a time of its
// own. What it returns ends that, for the next request of the connection.
func (x *exchange) slowly() func() {
	if s, ok := x.r.Context().Value(http.ServerContextKey).(*http.Server); ok && s.WriteTimeout > 0 {
		return func() {}
	}
	c := http.NewResponseController(x.w)
	if c.SetWriteDeadline(time.Now().Add(x.h.cfg.timeout)) != nil {
		return func() {}
	}
	return func() {
		_ = c.Flush()
		_ = c.SetWriteDeadline(time.Time{})
	}
}
