package xmlwire

import (
	"encoding/binary"
	"math/bits"
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

// appendEscaped copies s while it looks what in it is to be escaped, since that
// is rare: words of eight bytes, the last of which may have some bytes of the one
// before once more.
func appendEscaped(dst []byte, s string, e *escapes) []byte {
	for {
		from, n := len(dst), len(s)
		if cap(dst)-from < n {
			dst = slices.Grow(dst, n)
		}
		to := dst[from : from+n]
		same := n // so many bytes are copied for good
		switch {
		case n >= 8:
			for i := 0; ; i = min(i+8, n-8) {
				w := word(s[i:])
				binary.LittleEndian.PutUint64(to[i:], w)
				if marks := escapes8(w); marks != 0 {
					same = i + bits.TrailingZeros64(marks)/8
					break
				}
				if i == n-8 {
					break
				}
			}
		case n >= 4:
			first, last := halfWord(s), halfWord(s[n-4:])
			binary.LittleEndian.PutUint32(to, first)
			binary.LittleEndian.PutUint32(to[n-4:], last)
			if marks := escapes8(uint64(first) | uint64(last)<<32); marks != 0 {
				if same = bits.TrailingZeros64(marks) / 8; same >= 4 {
					same += n - 8 // in last
				}
			}
		default:
			for same = 0; same < n && classes[s[same]]&escaped == 0; same++ {
				to[same] = s[same]
			}
		}
		dst = dst[:from+same]
		if same == n {
			return dst
		}
		s = s[same:]
		size := 1
		switch c := s[0]; {
		case c < utf8.RuneSelf:
			if e[c] == "" {
				dst = append(dst, c)
			} else {
				dst = append(dst, e[c]...)
			}
		case 0xC2 <= c && c < 0xE0 && len(s) > 1 && s[1]&0xC0 == 0x80:
			dst = append(dst, c, s[1]) // the letters of Europe, which need no call
			size = 2
		default:
			var r rune
			r, size = utf8.DecodeRuneInString(s)
			if !isChar(r) {
				r = utf8.RuneError
			}
			dst = utf8.AppendRune(dst, r)
		}
		s = s[size:]
	}
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
