package bbb

import (
	"encoding/binary"
	"net/url"
	"slices"
)

// queryEscapes is how a query writes each byte: up to three bytes, the first one lowest, in the next
// two what class the byte is of, and above that the number of bytes. A-Z a-z 0-9 - _ and dot stand for themselves, a space becomes '+', all else %XX in upper case.
//
// '~' and '*' are percent-encoded although some encoders keep one or the other: the text that was
// signed is the text that is sent, so every server accepts the longer form, while a proxy that
// encodes anew before it verifies agrees with others only on this smallest common set.
var queryEscapes = func() (escapes [256]uint64) {
	const hex = "0123456789ABCDEF"
	for c := range uint64(256) {
		class := uint64(byteClasses[c]) << 24
		switch b := byte(c); {
		case isLetter(b), isDigit(b), b == '-', b == '_', b == '.':
			escapes[c] = c | class | 1<<40
		case c == ' ':
			escapes[c] = '+' | class | 1<<40
		default:
			escapes[c] = '%' | uint64(hex[c>>4])<<8 | uint64(hex[c&15])<<16 | class | 3<<40
		}
	}
	return escapes
}()

// appendQueryEscape appends s to dst as a query name or value. It allocates nothing but what dst needs to grow.
func appendQueryEscape[T string | []byte](dst []byte, s T) []byte {
	dst, _ = appendEscapeSeen(dst, s)
	return dst
}

// appendEscapeSeen is appendQueryEscape that also tells the classes of the bytes of s, so that nothing has to
// look at all of them once more.
//
// It writes four bytes for each one and goes on behind those that count. A branch for each byte would be one that
// processors guess wrong about as often as there is something to encode, which costs more than all the rest.
func appendEscapeSeen[T string | []byte](dst []byte, s T) (escaped []byte, seen byteClass) {
	n, all := len(dst), uint64(0)
	dst = slices.Grow(dst, 3*len(s)+1)
	dst = dst[:cap(dst)]
	for i := range len(s) {
		e := queryEscapes[s[i]]
		binary.LittleEndian.PutUint32(dst[n:n+4], uint32(e)) //nolint:gosec // not the class and the number
		n += int(e >> 40)
		all |= e
	}
	return dst[:n], byteClass(all >> 24)
}

// escapeQueryTail encodes dst[from:] in place. Working on the tail lets a value be written by
// strconv.AppendInt and its like straight into the query. All but lists need no more than the look at it.
func escapeQueryTail(dst []byte, from int) []byte {
	changes := func(c byte) bool {
		e := queryEscapes[c]
		return e>>40 != 1 || e&0xFF != uint64(c) // a percent sign begins with itself
	}
	if !slices.ContainsFunc(dst[from:], changes) {
		return dst
	}
	// Moved away so far that the encoding does not reach it.
	n := len(dst) - from
	far := from + 3*n + 1
	dst = slices.Grow(dst, far+n-len(dst))
	text := dst[far : far+n]
	copy(text, dst[from:])
	return appendQueryEscape(dst[:from], text)
}

// encodeValues encodes parameters sorted by name, without "checksum".
func encodeValues(values url.Values) []byte { return appendValues(nil, 0, values) }

// appendValues is encodeValues for what goes on with a query that begins at start.
func appendValues(dst []byte, start int, values url.Values) []byte {
	if len(values) == 0 {
		return dst
	}
	var room [sortedRoom]keyed[[]string]
	for _, e := range sortedEntries(room[:0], values) {
		if e.key == checksumParam {
			continue
		}
		for _, value := range e.value {
			dst = append(appendQueryEscape(appendSeparator(dst, start), e.key), '=')
			dst = appendQueryEscape(dst, value)
		}
	}
	return dst
}

// appendSeparator appends '&', unless the query that begins at start is still empty.
func appendSeparator(dst []byte, start int) []byte {
	if len(dst) > start {
		dst = append(dst, '&')
	}
	return dst
}
