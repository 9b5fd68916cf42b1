package xmlwire

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Classes of bytes, for loops that look at every byte once. Bytes of 0x80 and
// above are parts of characters; the whole body is known to be UTF-8 before
// any of these loops runs.
const (
	nameStart   = 1 << iota // may begin a name
	namePart                // may continue one
	nameColon               // divides prefix and local name
	nameWide                // part of a name only if its character is (isNameRune)
	textSpecial             // ends a run of plain text
	blank                   // white space of XML
	illegal                 // control character that XML 1.0 cannot hold
	escaped                 // perhaps not written as it is
)

var classes = classTable()

func classTable() (t [256]uint8) {
	for c := range 0x20 {
		t[c] = illegal | textSpecial
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = namePart
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c] = nameStart | namePart
		t[c-'a'+'A'] = nameStart | namePart
	}
	for c := 0x80; c < 0x100; c++ {
		t[c] = nameStart | namePart | nameWide
	}
	t['_'] = nameStart | namePart
	t[':'] = nameStart | namePart | nameColon
	t['-'], t['.'] = namePart, namePart
	t[' '], t['\t'], t['\n'] = blank, blank, blank
	t['\r'] = blank | textSpecial // becomes a line feed
	t['<'], t['&'], t[']'] = textSpecial, textSpecial, textSpecial
	for c := range t {
		if c < ' ' || c >= utf8.RuneSelf || strings.IndexByte(`&<>"`, byte(c)) >= 0 {
			t[c] |= escaped
		}
	}
	return t
}

// isChar reports whether XML 1.0 can hold r at all.
func isChar(r rune) bool {
	switch {
	case r < 0x20:
		return r == '\t' || r == '\n' || r == '\r'
	case r < 0xD800:
		return true
	default:
		return r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= unicode.MaxRune
	}
}

// encodingFault returns the place of the first byte that is not part of a
// legal character beyond ASCII, or -1. Control characters are found later, by
// the loops that look at every byte anyway.
func encodingFault(body []byte) int {
	for i := 0; i < len(body); {
		if body[i] < utf8.RuneSelf {
			i += max(1, ascii(body[i:]))
			continue
		}
		if 0xC2 <= body[i] && body[i] < 0xE0 && i+1 < len(body) && body[i+1]&0xC0 == 0x80 {
			i += 2 // the letters of Europe, which need no call
			continue
		}
		r, size := utf8.DecodeRune(body[i:])
		if r == utf8.RuneError && size <= 1 || r == 0xFFFE || r == 0xFFFF {
			return i
		}
		i += size
	}
	return -1
}

// wideStart and widePart are what the fifth edition of XML 1.0 (NameStartChar,
// NameChar) allows in names beyond ASCII.
var (
	wideStart = &unicode.RangeTable{
		R16: []unicode.Range16{
			{0xC0, 0xD6, 1}, {0xD8, 0xF6, 1}, {0xF8, 0x2FF, 1}, {0x370, 0x37D, 1},
			{0x37F, 0x1FFF, 1}, {0x200C, 0x200D, 1}, {0x2070, 0x218F, 1},
			{0x2C00, 0x2FEF, 1}, {0x3001, 0xD7FF, 1}, {0xF900, 0xFDCF, 1}, {0xFDF0, 0xFFFD, 1},
		},
		R32:         []unicode.Range32{{0x10000, 0xEFFFF, 1}},
		LatinOffset: 2,
	}
	widePart = &unicode.RangeTable{
		R16:         []unicode.Range16{{0xB7, 0xB7, 1}, {0x300, 0x36F, 1}, {0x203F, 0x2040, 1}},
		LatinOffset: 1,
	}
)

// isWideName reports whether the characters of name beyond ASCII may stand
// where they do.
func isWideName(name []byte) bool {
	for i, r := range string(name) {
		if r >= utf8.RuneSelf && !unicode.Is(wideStart, r) && (i == 0 || !unicode.Is(widePart, r)) {
			return false
		}
	}
	return true
}

// isLocalName reports whether name can be written as the name of an element
// and is read back as it was.
func isLocalName(name string) bool {
	if name == "" || classes[name[0]]&nameStart == 0 {
		return false
	}
	all, some := uint8(namePart), uint8(0) // what all bytes are, and some
	for i := range len(name) {
		class := classes[name[i]]
		all &= class
		some |= class
	}
	if all == 0 || some&nameColon != 0 {
		return false
	}
	return some&nameWide == 0 || utf8.ValidString(name) && isWideName([]byte(name))
}

// trim cuts white space of XML off both ends.
func trim(text []byte) []byte {
	for len(text) > 0 && classes[text[0]]&blank != 0 {
		text = text[1:]
	}
	for len(text) > 0 && classes[text[len(text)-1]]&blank != 0 {
		text = text[:len(text)-1]
	}
	return text
}

// reference reads the reference that begins at text[0], an ampersand. It
// returns the character and the length of the reference, or a message. A
// length of len(text) with a message says that text ended too early.
func reference(text []byte) (r rune, size int, fault string) {
	size = 1
	for size < len(text) && (text[size] == '#' || text[size] < utf8.RuneSelf && classes[text[size]]&namePart != 0) {
		size++
	}
	if size == len(text) || size == 1 || text[size] != ';' {
		return 0, size, faultAmpersand
	}
	name := text[1:size]
	size++
	switch string(name) {
	case "amp":
		return '&', size, ""
	case "lt":
		return '<', size, ""
	case "gt":
		return '>', size, ""
	case "quot":
		return '"', size, ""
	case "apos":
		return '\'', size, ""
	}
	if name[0] != '#' {
		return 0, 0, faultEntity
	}
	digits, base := name[1:], 10
	if bytes.HasPrefix(digits, []byte("x")) {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(string(digits), base, 31)
	switch {
	case err != nil:
		return 0, 0, faultReference
	case !isChar(rune(n)):
		return 0, 0, faultCharReference
	}
	return rune(n), size, ""
}

// appendText appends text, which has been checked, with references replaced
// and line ends made line feeds.
func appendText(dst, text []byte) []byte {
	for {
		i := 0
		for i < len(text) && text[i] != '&' && text[i] != '\r' {
			i++
		}
		dst = append(dst, text[:i]...)
		if i == len(text) {
			return dst
		}
		if text[i] == '&' {
			r, size, _ := reference(text[i:])
			dst, text = utf8.AppendRune(dst, r), text[i+size:]
			continue
		}
		dst, text = append(dst, '\n'), bytes.TrimPrefix(text[i+1:], []byte("\n"))
	}
}

// appendLiteral is appendText for a CDATA section, where an ampersand is
// itself.
func appendLiteral(dst, text []byte) []byte {
	for {
		before, after, ok := bytes.Cut(text, []byte{'\r'})
		if !ok {
			return append(dst, text...)
		}
		dst, text = append(append(dst, before...), '\n'), bytes.TrimPrefix(after, []byte("\n"))
	}
}
