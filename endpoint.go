package bbb

import (
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"net"
	"net/url"
	"strings"
)

// endpoint is the place of a server's API.
type endpoint struct {
	base string   // such as "https://bbb1.example.org/bigbluebutton/api", without a slash at the end
	url  *url.URL // the same, parsed
}

var errNoScheme = errors.New("the URL must begin with https:// or http://")

// parseEndpoint accepts what people paste: with or without scheme, trailing
// slash, "/bigbluebutton" and "/api". Another path in front of these is kept,
// as load balancers use it to tell their customers apart.
func parseEndpoint(raw string) (endpoint, error) {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return endpoint{}, errors.New("empty URL")
	}
	if !strings.Contains(raw, "://") {
		if scheme, _, _ := strings.Cut(raw, ":"); strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https") {
			return endpoint{}, errNoScheme // "http:/bbb1.example.org", not a host called "http"
		}
		raw = "https://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		// The cause may repeat the text, and with it a password in it.
		return endpoint{}, errors.New("the URL cannot be parsed")
	}
	u.Scheme = strings.ToLower(u.Scheme)
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return endpoint{}, errNoScheme
	case u.Hostname() == "":
		return endpoint{}, errors.New("the URL has no host")
	case u.User != nil:
		return endpoint{}, errors.New("the URL must not hold a user or password")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return endpoint{}, errors.New("the URL must not have a query or fragment")
	}
	u.Host = normalHost(u)

	path := strings.TrimRight(u.EscapedPath(), "/")
	switch {
	case path == "/api" || path == "":
		path = "/bigbluebutton/api"
	case strings.HasSuffix(path, "/api"):
	case strings.HasSuffix(path, "/bigbluebutton"):
		path += "/api"
	default:
		path += "/bigbluebutton/api"
	}
	base := u.Scheme + "://" + u.Host + path
	parsed, err := url.Parse(base)
	if err != nil {
		return endpoint{}, errors.New("the URL cannot be parsed")
	}
	return endpoint{base: base, url: parsed}, nil
}

// normalHost writes one machine one way, so that a server given twice is seen.
func normalHost(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}

// signed returns the URL of the call that in begins with, whose name has that length. The query behind it is
// encoded already, and goes out to the byte as it is hashed.
func (e endpoint) signed(a Algorithm, in *scratch, name int, secret string) string {
	var room [2 * sha512.Size]byte
	checksum := in.checksum(room[:0], a, secret)
	call, query := in.text[:name], in.text[name:]
	// One expression: the compiler makes all of it in the one allocation of the result.
	if len(query) == 0 {
		return e.base + "/" + string(call) + "?checksum=" + string(checksum)
	}
	return e.base + "/" + string(call) + "?" + string(query) + "&checksum=" + string(checksum)
}

// signedQuery is the query of signed alone, for a name and a query that are not beside each other.
func signedQuery(a Algorithm, call string, query []byte, secret string) string {
	in := newScratch()
	defer in.release()
	in.text = append(append(in.text, call...), query...)
	var room [2 * sha512.Size]byte
	checksum := in.checksum(room[:0], a, secret)
	if len(query) == 0 {
		return "checksum=" + string(checksum)
	}
	return string(query) + "&checksum=" + string(checksum)
}

// checksum appends the checksum of the text, a name with a query, in hex. The text is what it
// was afterwards, perhaps with more room behind it.
func (s *scratch) checksum(dst []byte, a Algorithm, secret string) []byte {
	var sum [sha512.Size]byte
	text := append(s.text, secret...)
	dst = hex.AppendEncode(dst, a.hash(&sum, text))
	clear(text[len(s.text):])
	s.text = text[:len(s.text)]
	return dst
}

// at returns the URL of a call, or of the API itself, with a query that is encoded and signed. It is what url.Parse
// would make of the text, without looking at all of that again.
func (e endpoint) at(call, query string) *url.URL {
	u := *e.url
	u.RawQuery = query
	if call != "" {
		u.Path += "/" + call
		if u.RawPath != "" {
			u.RawPath += "/" + call
		}
	}
	return &u
}
