package bbb

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // bbb-webhooks 2.x and the default of 3.x
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"hash"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// hookPost is what a post of bbb-webhooks says.
type hookPost struct {
	event     string // JSON
	timestamp string // milliseconds since 1970
	domain    string
}

// sent returns the time at which the post was first sent.
func (p *hookPost) sent() (time.Time, bool) {
	if len(p.timestamp) > 18 {
		return time.Time{}, false
	}
	ms, err := strconv.ParseUint(p.timestamp, 10, 63)
	if err != nil {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(ms)).UTC(), true
}

// parseHookPost reads the form that bbb-webhooks sends, or the same as JSON. A
// field that is there twice is not read: nobody could say which one counts.
func parseHookPost(r *http.Request, body []byte) (*hookPost, bool) {
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media == contentTypeJSON {
		o := parseObject(body)
		p := &hookPost{event: string(o.raw("event")), timestamp: o.text("timestamp"), domain: o.text("domain")}
		var text string
		if json.Unmarshal([]byte(p.event), &text) == nil {
			p.event = text
		}
		return p, p.event != ""
	}
	// Every sender begins with one of its fields. A text that begins otherwise was
	// signed as something else, the JSON of the 2.x rule or a post for a longer URL,
	// and would read as a form where people wrote "&event=" in it.
	if !slices.ContainsFunc([]string{"event=", "domain=", "timestamp="}, func(field string) bool { return bytes.HasPrefix(body, []byte(field)) }) {
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, false
	}
	var p hookPost
	var ok [3]bool
	p.event, ok[0] = single(form, "event")
	p.timestamp, ok[1] = single(form, "timestamp")
	p.domain, ok[2] = single(form, "domain")
	return &p, ok[0] && ok[1] && (ok[2] || len(form["domain"]) == 0)
}

// signedJSON is the text that bbb-webhooks 2.x signs: what JavaScript's
// JSON.stringify makes of the fields in this order. It escapes neither slashes nor
// "<", nor the line separators that Go's encoding/json cannot be kept from
// escaping. False means that no such sender wrote the fields.
func (p *hookPost) signedJSON() ([]byte, bool) {
	if _, ok := p.sent(); !ok || len(p.timestamp) > 1 && p.timestamp[0] == '0' || !utf8.ValidString(p.event) || !utf8.ValidString(p.domain) {
		return nil, false
	}
	b := make([]byte, 0, len(p.event)+len(p.event)/4+len(p.domain)+64)
	b = appendJavaScriptString(append(b, `{"event":`...), p.event)
	b = append(append(b, `,"timestamp":`...), p.timestamp...)
	b = appendJavaScriptString(append(b, `,"domain":`...), p.domain)
	return append(b, '}'), true
}

// appendJavaScriptString appends a string literal as JSON.stringify writes it.
func appendJavaScriptString(dst []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		default:
			if at := bytes.IndexByte([]byte("\b\t\n\f\r"), c); at >= 0 {
				dst = append(dst, '\\', "btnfr"[at])
			} else {
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
		}
	}
	return append(dst, '"')
}

// hookProof is what a post came with to show who sent it.
type hookProof struct {
	checksum []byte
	alg      Algorithm
	bearer   string
}

// readHookProof returns false when there is none, or one that cannot be right.
func readHookProof(r *http.Request) (hookProof, bool) {
	_, _, checksum, ok := cutChecksum(r.URL.RawQuery)
	if !ok {
		p := hookProof{bearer: bearer(r)}
		return p, p.bearer != "" && !hasParam(r.URL.RawQuery, checksumParam)
	}
	p := hookProof{}
	if p.alg, ok = algorithmOf(len(checksum)); !ok {
		return p, false
	}
	var err error
	p.checksum, err = hex.DecodeString(checksum)
	return p, err == nil
}

// hookRule is a way in which bbb-webhooks shows who it is.
type hookRule uint8

const (
	refusedRule     hookRule = iota
	bodyRule                 // 3.4 and later: the body as it was sent
	fieldsRule               // 2.x: JSON of the fields
	unprotectedRule          // 3.0.0 to 3.3.1: nothing of the body
	bearerRule               // the secret itself
)

// verify tries the rules by which a post may be signed. A rule that does not cover
// the body is tried only when that was asked for.
func (c *callbackConfig) verify(p hookProof, callbackURL string, body []byte, post *hookPost) (*Server, hookRule) {
	if p.bearer != "" {
		return c.verifyBearer(p)
	}
	if s, ok := c.signedBy(p, callbackURL, body); ok {
		return s, bodyRule
	}
	if post != nil && p.alg == SHA1 { // 2.x knows no other
		if text, ok := post.signedJSON(); ok {
			if s, ok := c.signedBy(p, callbackURL, text); ok {
				return s, fieldsRule
			}
		}
	}
	if c.unprotected {
		if s, ok := c.signedBy(p, callbackURL, []byte("{}")); ok {
			return s, unprotectedRule
		}
	}
	return nil, refusedRule
}

func (c *callbackConfig) verifyBearer(p hookProof) (*Server, hookRule) {
	// Hashed, so that not even the length of a secret shows in the time.
	got := sha256.Sum256([]byte(p.bearer))
	s, ok := c.sender(func(secret string) bool {
		want := sha256.Sum256([]byte(secret))
		return subtle.ConstantTimeCompare(got[:], want[:]) == 1
	})
	if !ok {
		return nil, refusedRule
	}
	return s, bearerRule
}

// signedBy finds the secret with which URL and text give the checksum. What comes
// before the secret is hashed once: a group may have a thousand of them.
func (c *callbackConfig) signedBy(p hookProof, callbackURL string, text []byte) (*Server, bool) {
	begun := p.alg.newHash()
	begun.Write([]byte(callbackURL))
	begun.Write(text)
	return c.sender(func(secret string) bool {
		h, err := begun.(hash.Cloner).Clone()
		if err != nil {
			return false
		}
		h.Write([]byte(secret))
		return subtle.ConstantTimeCompare(h.Sum(nil), p.checksum) == 1
	})
}

func (a Algorithm) newHash() hash.Hash {
	switch a {
	case SHA1:
		return sha1.New() //nolint:gosec // part of the protocol
	case SHA384:
		return sha512.New384()
	case SHA512:
		return sha512.New()
	default:
		return sha256.New()
	}
}
