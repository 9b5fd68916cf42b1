package bbb

import (
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

// signed returns the URL of a call. The query is encoded already, and goes out
// to the byte as it was hashed.
func (e endpoint) signed(a Algorithm, call string, query []byte, secret string) string {
	b := make([]byte, 0, len(e.base)+len(call)+len(query)+2*a.size()+len("/?&checksum="))
	b = append(b, e.base...)
	b = append(b, '/')
	b = append(b, call...)
	b = append(b, '?')
	if len(query) > 0 {
		b = append(b, query...)
		b = append(b, '&')
	}
	b = append(b, "checksum="...)
	b = a.appendChecksum(b, call, query, secret)
	return string(b)
}
