package bbb

import (
	"bytes"
	"errors"
	"net/url"
	"strings"
)

// The reasons why a query or a form cannot be read.
var (
	errTooManyParams = errors.New("there are too many parameters")
	errBadEscape     = errors.New("an escape is malformed")
)

// parseQuery reads the parameters of a query or form. Unlike url.ParseQuery it takes a semicolon for
// text, as servlet containers do, and refuses an escape that is none instead of dropping the
// parameter. Names keep the "[]" that some clients put there. What is not UTF-8 becomes U+FFFD.
func parseQuery(raw string, limit int) (url.Values, error) {
	n := strings.Count(raw, "&") + 1
	if n > limit {
		return nil, errTooManyParams
	}
	params := make(url.Values, n)
	first := make([]string, n) // the first values of all names
	decoded := queryDecoder{room: len(raw)}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, ok := decoded.text(name)
		if !ok {
			return nil, errBadEscape
		}
		if value, ok = decoded.text(value); !ok {
			return nil, errBadEscape
		}
		switch had := params[name]; {
		case name == "":
		case had != nil:
			params[name] = append(had, value)
		default:
			first[0] = value
			params[name], first = first[:1:1], first[1:]
		}
	}
	return params, nil
}

// sharedQuery is how long a query can be whose names and values stay in one piece of memory with it. Some are kept
// for as long as a meeting, such as its name, and one must not keep a form of megabytes.
const sharedQuery = 4 << 10

// queryDecoder decodes names and values. All that it decodes of a query that is not long is in one piece of memory,
// which is allocated when the first one needs it.
type queryDecoder struct {
	texts strings.Builder
	room  int // how long all texts can be together
}

// text decodes a name or a value.
func (d *queryDecoder) text(s string) (text string, ok bool) {
	long := d.room > sharedQuery
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		if long {
			s = strings.Clone(s)
		}
		return validText(s), true
	}
	if long {
		d.texts.Reset()
		d.texts.Grow(len(s))
	} else {
		d.texts.Grow(d.room - d.texts.Len()) // once: later there is that much
	}
	from := d.texts.Len()
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi > 15 || lo > 15 {
				return "", false
			}
			c = hi<<4 | lo
			i += 2
		}
		d.texts.WriteByte(c)
	}
	return validText(d.texts.String()[from:]), true
}

// validText replaces what is not UTF-8.
func validText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// javaQuery writes parameters as bbb-web does before it hashes those of a form: sorted by name, the
// names as they are, the values in the encoding of Java's URLEncoder, of which the first counts. It is not ok when
// a name has a separator in it: then other parameters have the same text, and a checksum of theirs would do.
func javaQuery(params url.Values) (text string, ok bool) {
	var b []byte
	for i, name := range sortedKeys(params) {
		if strings.ContainsAny(name, "&=") {
			return "", false
		}
		if i > 0 {
			b = append(b, '&')
		}
		b = append(append(b, name...), '=')
		value := len(b)
		b = appendQueryEscape(b, params.Get(name))
		b = append(b[:value], bytes.ReplaceAll(b[value:], []byte("%2A"), []byte("*"))...)
	}
	return string(b), true
}
