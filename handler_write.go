package bbb

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
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

// Headers that are always the same. The lists are shared, so nobody may write to them; http.Header.Set and
// Add do not.
var (
	noSniff = []string{"nosniff"}
	noCache = []string{"no-cache"}
)

// write sends the answer, whose body is given.
func (x *exchange) write(resp *Response, body []byte) {
	header := x.w.Header() // the names are canonical, which Set would look up
	header["X-Content-Type-Options"] = noSniff
	if x.call != callGetMeetingInfo { // as servers do
		header["Cache-Control"] = noCache
	}
	if x.allow != "" {
		header.Set("Allow", x.allow)
	}
	if resp.Location != "" {
		header.Set("Location", escapeLocation(resp.Location))
	}
	if resp.StatusCode != http.StatusNoContent {
		if contentType := resp.ContentType(); contentType != "" {
			x.contentType[0] = contentType
			header["Content-Type"] = x.contentType[:]
		}
		x.contentLength[0] = strconv.Itoa(len(body))
		header["Content-Length"] = x.contentLength[:]
	}
	x.w.WriteHeader(resp.StatusCode)
	if x.r.Method != http.MethodHead && len(body) > 0 {
		_, _ = x.w.Write(body) // nobody is there to be told
	}
}
