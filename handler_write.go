package bbb

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// keptAnswer is how large a buffer may be that is kept for the next answer.
const keptAnswer = 1 << 20

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
	if x.r.Method != http.MethodHead && len(body) > 0 {
		_, _ = x.w.Write(body) // nobody is there to be told
	}
}

// hurry sets when the body must have arrived, where the connection can do that, and unless the server
// has a time of its own. It matters also for a body that nobody wants: the server waits for some of it before
// it sends the answer.
func hurry(w http.ResponseWriter, r *http.Request, until time.Time) {
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); r.ContentLength == 0 || ok && s.ReadTimeout > 0 {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(until)
}

// slowly gives the client some time to take an answer, unless the server has a time of its own. What it
// returns ends that, for the next request of the connection. Short answers need it as well: who asks again and
// again and reads nothing fills what the system buffers of a connection.
func slowly(w http.ResponseWriter, r *http.Request, d time.Duration) func() {
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && s.WriteTimeout > 0 {
		return func() {}
	}
	c := http.NewResponseController(w)
	if c.SetWriteDeadline(time.Now().Add(d)) != nil {
		return func() {}
	}
	return func() {
		_ = c.Flush()
		_ = c.SetWriteDeadline(time.Time{})
	}
}
