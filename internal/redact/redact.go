// Package redact takes secrets out of texts that people will read: errors,
// log lines, the first bytes of an answer nobody expected.
package redact

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Mask stands where a secret stood.
const Mask = "[redacted]"

// minSecret is the length from which the text of a secret itself is searched
// for. Shorter ones would blank out ordinary words.
const minSecret = 4

// pair matches name=value where the name says that the value is a secret: in a
// query, in a cookie, and in a query that is itself a value in another one, once
// or more often encoded. There the end of the value is not looked for: the rest
// of the outer value goes with it.
var pair = regexp.MustCompile(`(?i)(checksum|password|[a-z]*pw|[a-z]*session_?token|auth_?token|jsessionid|secret|salt|userdata-[^=&%\s]*)(=|%(?:25)*3d)[^&\s"'<>]+`)

// quoted matches "name": "value" and name: value.
var quoted = regexp.MustCompile(`(?i)("?(?:checksum|password|[a-z]*pw|session_?token|auth_?token|secret|salt)"?\s*:\s*"?)([^"\s,;}<>]+)`)

// digest matches a run of hex digits. Those as long as a checksum are one, unless
// a dash and a number follow: an internal meeting ID.
var digest = regexp.MustCompile(`[0-9a-fA-F]{40,}(-[0-9]+)?`)

// element matches <name>value</name> for the names whose text is a secret.
var element = regexp.MustCompile(`(?is)<((?:attendee|moderator)pw|password|session_?token|auth_?token|token|secret)>(?:<!\[CDATA\[.*?(?:\]\]>|$)|[^<])+`)

// Text returns s without the values of parameters, cookies and elements that
// are secrets by their name, and without any occurrence of the given secrets.
func Text(s string, secrets ...string) string {
	if len(secrets) > 1 { // the longest first: a part of one may be another
		secrets = slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return len(b) - len(a) })
	}
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			s = strings.ReplaceAll(s, secret, Mask)
			if q := url.QueryEscape(secret); q != secret {
				s = strings.ReplaceAll(s, q, Mask)
			}
		}
	}
	s = pair.ReplaceAllString(s, "${1}${2}"+Mask)
	s = quoted.ReplaceAllString(s, "${1}"+Mask)
	s = digest.ReplaceAllStringFunc(s, func(run string) string {
		switch len(run) {
		case 40, 64, 96, 128:
			return Mask
		}
		return run
	})
	return element.ReplaceAllString(s, "<${1}>"+Mask)
}

// URL returns raw without its query, fragment and user: what may be shown of a
// signed URL. A text that is no URL comes back as [Mask].
func URL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return Mask
	}
	u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment, u.User = "", false, "", "", nil
	return u.String()
}

// Error returns err with a text that holds no secret. The chain below stays
// matchable with [errors.Is] and [errors.As]; only an *url.Error, which holds
// the signed URL, is replaced by a copy without its query.
func Error(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	var ue *url.Error
	clean := Text(text, secrets...)
	if clean == text && !errors.As(err, &ue) {
		return err
	}
	return &scrubbed{text: clean, err: err, secrets: secrets}
}

// scrubbed has no Unwrap on purpose: whoever walks the chain and prints what
// is below would print the secret after all.
type scrubbed struct {
	text    string
	err     error
	secrets []string
}

func (s *scrubbed) Error() string { return s.text }

// Format writes the text for every verb; some would show the fields.
func (s *scrubbed) Format(f fmt.State, verb rune) {
	text := s.text
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = f.Write([]byte(text))
}

func (s *scrubbed) GoString() string     { return "redact.Error(" + s.text + ")" }
func (s *scrubbed) Is(target error) bool { return errors.Is(s.err, target) }

// Timeout and Temporary keep the error a net.Error, and callers who look for one
// from finding the *url.Error below.
func (s *scrubbed) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(s.err, &t) && t.Timeout()
}

func (s *scrubbed) Temporary() bool {
	var t interface{ Temporary() bool }
	return errors.As(s.err, &t) && t.Temporary()
}

func (s *scrubbed) As(target any) bool {
	if p, ok := target.(**url.Error); ok {
		var ue *url.Error
		if !errors.As(s.err, &ue) {
			return false
		}
		*p = &url.Error{Op: ue.Op, URL: URL(ue.URL), Err: Error(ue.Err, s.secrets...)}
		return true
	}
	found := reflect.ValueOf(target).Elem()
	before := reflect.New(found.Type()).Elem()
	before.Set(found)
	if !errors.As(s.err, target) {
		return false
	}
	// An interface may be met by the very error that has to stay hidden.
	if err, ok := reflect.TypeAssert[error](found); ok && found.Kind() == reflect.Interface && Error(err, s.secrets...) != err { //nolint:errorlint // changed, or the very same
		found.Set(before)
		return false
	}
	return true
}
