package xmlwire

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// escapes says for each byte of a text what to write instead; "" is the byte
// itself.
type escapes [utf8.RuneSelf]string

// Beyond the five with names, what readers normalise away is escaped: a
// carriage return everywhere, tabs and line feeds in attributes.
var (
	inText      = escapeTable(nil)
	inAttribute = escapeTable(map[byte]string{'\t': "&#x9;", '\n': "&#xA;", '"': "&quot;"})
)

const replacement = "\uFFFD"

func escapeTable(more map[byte]string) (t escapes) {
	for c := range byte(0x20) {
		t[c] = replacement
	}
	t['\t'], t['\n'] = "", ""
	t['\r'] = "&#xD;"
	t['&'], t['<'], t['>'] = "&amp;", "&lt;", "&gt;" // '>' because of "]]>"
	for c, s := range more {
		t[c] = s
	}
	return t
}

// appendEscaped copies s while it looks whether anything in it is to be
// escaped, since that is rare.
func appendEscaped(dst []byte, s string, e *escapes) []byte {
	from, n := len(dst), len(s)
	if cap(dst)-from < n {
		dst = slices.Grow(dst, n)
	}
	to := dst[from : from+n]
	var marks uint64
	switch {
	case n >= 8:
		for i := 0; i <= n-8; i += 8 {
			w := word(s[i:])
			binary.LittleEndian.PutUint64(to[i:], w)
			marks |= escapes8(w)
		}
		w := word(s[n-8:]) // the rest, and some before it once more
		binary.LittleEndian.PutUint64(to[n-8:], w)
		marks |= escapes8(w)
	case n >= 4:
		first, last := halfWord(s), halfWord(s[n-4:])
		binary.LittleEndian.PutUint32(to, first)
		binary.LittleEndian.PutUint32(to[n-4:], last)
		marks = escapes8(uint64(first) | uint64(last)<<32)
	default:
		for i := range n {
			to[i] = s[i]
			marks |= uint64(classes[s[i]] & escaped)
		}
	}
	if marks != 0 {
		return appendEscapes(dst, s, e)
	}
	return dst[:from+n]
}

// appendEscapes is appendEscaped for a text with something to escape in it,
// most likely.
func appendEscapes(dst []byte, s string, e *escapes) []byte {
	done := 0 // s[:done] is written
	for i := sameText(s); i < len(s); i += sameText(s[i:]) {
		instead, size := "", 1
		switch c := s[i]; {
		case c < utf8.RuneSelf:
			instead = e[c]
		case 0xC2 <= c && c < 0xE0 && i+1 < len(s) && s[i+1]&0xC0 == 0x80:
			size = 2 // the letters of Europe, which need no call
		default:
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError || !isChar(r) {
				instead = replacement
			}
		}
		if instead != "" {
			dst = append(append(dst, s[done:i]...), instead...)
			done = i + size
		}
		i += size
	}
	return append(dst, s[done:]...)
}

// AppendText appends s as the text of an element. What XML cannot hold is
// replaced by U+FFFD.
func AppendText(dst []byte, s string) []byte { return appendEscaped(dst, s, &inText) }

// AppendElement appends an element called name with a text.
func AppendElement(dst []byte, name, text string) []byte {
	dst = append(append(append(dst, '<'), name...), '>')
	inside := len(dst)
	return closeElement(AppendText(dst, text), name, inside)
}

// closeElement ends the element called name whose start tag ends before
// dst[inside]. One without anything in it becomes <name/>.
func closeElement(dst []byte, name string, inside int) []byte {
	if len(dst) == inside {
		return append(dst[:inside-len(">")], "/>"...)
	}
	return append(append(append(dst, "</"...), name...), '>')
}

// piece is a text that is written often, such as a tag. Most are short, and
// copied as an array of a fixed size, which takes no call.
type piece struct {
	padded [48]byte // the text and zeros behind it, or nothing if it is longer
	text   string
}

func newPiece(text string) (p piece) {
	p.text = text
	if len(text) <= len(p.padded) {
		copy(p.padded[:], text)
	}
	return p
}

// append appends p. What is behind it in dst, up to its capacity, is lost.
func (p *piece) append(dst []byte) []byte {
	n := len(dst)
	if cap(dst)-n < len(p.padded) || len(p.text) > len(p.padded) {
		return append(dst, p.text...)
	}
	*(*[len(p.padded)]byte)(dst[n : n+len(p.padded)]) = p.padded
	return dst[:n+len(p.text)]
}

// tags are the tags of an element that is written often.
type tags struct{ start, end piece }

func newTags(name string) tags {
	return tags{start: newPiece("<" + name + ">"), end: newPiece("</" + name + ">")}
}

// close is closeElement.
func (t *tags) close(dst []byte, inside int) []byte {
	if len(dst) == inside {
		return append(dst[:inside-len(">")], "/>"...)
	}
	return t.end.append(dst)
}
