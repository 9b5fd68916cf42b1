package bbb

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// apiSegment is the segment of a path that calls stand behind.
const apiSegment = "/api"

// splitPath splits an escaped path into what stands before the segment "api", unescaped, and the
// call. A path without that segment, as http.StripPrefix leaves it, is the call. call is empty for a
// path that leads nowhere. A call is compared to the byte with those that are known, so that one that
// is spelled in another way, with escapes, dot segments, doubled slashes or a slash at the end, is none.
func splitPath(escaped string) (prefix, call string) {
	if !strings.HasPrefix(escaped, "/") {
		escaped = "/" + escaped
	}
	rest := escaped
	for end := len(escaped); ; {
		at := strings.LastIndex(escaped[:end], apiSegment)
		if at < 0 {
			break
		}
		if after := at + len(apiSegment); after == len(escaped) || escaped[after] == '/' {
			prefix, rest = escaped[:at+1], escaped[after:]
			break
		}
		end = at
	}
	prefix, ok := plainPrefix(prefix)
	switch call = strings.TrimPrefix(rest, "/"); {
	case !ok || call == callIndex: // that is our word for it, not a path
		return prefix, ""
	case call == "":
		return prefix, callIndex
	}
	return prefix, call
}

// plainPrefix unescapes a path that tenants may be told apart by, and refuses one that somebody else on
// the way may read in another way than we do.
func plainPrefix(escaped string) (string, bool) {
	if strings.Contains(escaped, "//") || strings.Contains(escaped, "/./") || strings.Contains(escaped, "/../") {
		return "", false
	}
	if !strings.Contains(escaped, "%") {
		return escaped, true
	}
	plain, err := url.PathUnescape(escaped)
	if err != nil || strings.Count(plain, "/") != strings.Count(escaped, "/") ||
		strings.Count(plain, ".") != strings.Count(escaped, ".") || strings.ContainsFunc(plain, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7F }) {
		return "", false
	}
	return plain, true
}

// hostOf returns the host name that a request asks for, in lower case and without port.
func hostOf(r *http.Request) string {
	host := r.Host
	if strings.IndexByte(host, ':') >= 0 { // to be told that there is no port costs an error
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// changesNothing reports whether a call only tells what there is, so that HEAD may stand for GET.
func changesNothing(call string) bool {
	switch call {
	case callIndex, callIsMeetingRunning, callGetMeetingInfo, callGetMeetings, callGetSessions,
		callGetRecordings, callGetTextTracks, callHooksList:
		return true
	}
	return false
}

// allows reports whether a call may be made with a method.
func (c *apiCall) allows(call, method string) bool {
	for _, m := range c.methods {
		if m == method || m == http.MethodGet && method == http.MethodHead && changesNothing(call) {
			return true
		}
	}
	return false
}

// allow is the header Allow of a call.
func (c *apiCall) allow(call string) string {
	list := strings.Join(c.methods, ", ")
	if c.allows(call, http.MethodHead) {
		list += ", " + http.MethodHead
	}
	return list + ", " + http.MethodOptions
}
