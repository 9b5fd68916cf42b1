package bbb

import "slices"

// literalInQuery marks the bytes that stand for themselves in a query: A-Z a-z 0-9 - _ and dot.
//
// '~' and '*' are percent-encoded although some encoders keep one or the other: the text that was
// signed is the text that is sent, so every server accepts the longer form, while a proxy that
// encodes anew before it verifies agrees with others only on this smallest common set.
var literalInQuery = func() (literal [256]bool) {
	for c := byte('0'); c <= '9'; c++ {
		literal[c] = true
	}
	for c := byte('A'); c <= 'Z'; c++ {
		literal[c], literal[c+'a'-'A'] = true, true
	}
	literal['-'], literal['_'], literal['.'] = true, true, true
	return literal
}()

// appendQueryEscape appends s to dst as a query name or value: a space becomes '+', everything that
// is not literal becomes %XX in upper case. It allocates nothing but what dst needs to grow.
func appendQueryEscape(dst []byte, s string) []byte {
	return escapeQueryTail(append(dst, s...), len(dst))
}

// escapeQueryTail percent-encodes dst[from:] in place. Working on the tail lets a value be written
// by strconv.AppendInt and its like straight into the query, with no buffer in between.
func escapeQueryTail(dst []byte, from int) []byte {
	const hex = "0123456789ABCDEF"
	grow := 0
	for _, c := range dst[from:] {
		if !literalInQuery[c] && c != ' ' {
			grow += 2
		}
	}
	read := len(dst)
	write := read + grow
	dst = slices.Grow(dst, grow)[:write]
	// Backwards, so that nothing is overwritten before it has been read.
	for read > from {
		read--
		c := dst[read]
		switch {
		case literalInQuery[c]:
			write--
			dst[write] = c
		case c == ' ':
			write--
			dst[write] = '+'
		default:
			write -= 3
			dst[write], dst[write+1], dst[write+2] = '%', hex[c>>4], hex[c&15]
		}
	}
	return dst
}
