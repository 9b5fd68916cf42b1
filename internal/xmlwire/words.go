package xmlwire

import "math/bits"

// Loops over text look at eight bytes at a time. A byte of a word is marked by
// its highest bit. Marks above the lowest one may be wrong, since subtraction
// borrows; the lowest is right.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks bytes of class textSpecial, and white space other than blanks.
// It is written out because it is inlined only as long as it is small.
func special(w uint64) uint64 {
	less, and, bracket := w^ones*'<', w^ones*'&', w^ones*']' // those bytes become 0
	return ((w-ones*0x20)&^w | (less-ones)&^less | (and-ones)&^and | (bracket-ones)&^bracket) & highs
}

// plainText returns how many bytes of text are not special for sure.
func plainText(text []byte) int {
	n := 0
	for len(text)-n >= 8 {
		if marks := special(word(text[n:])); marks != 0 {
			return n + bits.TrailingZeros64(marks)/8
		}
		n += 8
	}
	return n
}

// ascii returns how many bytes of text are ASCII for sure.
func ascii(text []byte) int {
	n := 0
	for len(text)-n >= 32 {
		b := text[n : n+32]
		if (word(b)|word(b[8:])|word(b[16:])|word(b[24:]))&highs != 0 {
			break
		}
		n += 32
	}
	for len(text)-n >= 8 {
		if marks := word(text[n:]) & highs; marks != 0 {
			return n + bits.TrailingZeros64(marks)/8
		}
		n += 8
	}
	return n
}

// quoted returns how many bytes of text are the value of an attribute in double
// quotes for sure: if a quote follows them, that is all of it.
func quoted(text []byte) int {
	n := 0
	for ; len(text)-n >= 8; n += 8 {
		w := word(text[n:])
		less, and, quote := w^ones*'<', w^ones*'&', w^ones*'"'
		marks := ((w-ones*0x20)&^w | (less-ones)&^less | (and-ones)&^and | (quote-ones)&^quote) & highs
		if marks != 0 {
			return n + bits.TrailingZeros64(marks)/8
		}
	}
	return n
}

// escapes8 marks the bytes of class escaped, which perhaps are not written as
// they are, as special does. Since those beyond
// ASCII are among them, it need not keep them from looking like others.
func escapes8(w uint64) uint64 {
	quote, angle := w&^(ones*4)^ones*'"', w&^(ones*2)^ones*'<' // '&' is '"' and 4, '>' is '<' and 2
	return (w | (w - ones*0x20) | (quote - ones) | (angle - ones)) & highs
}

// halfWord is the first four bytes of s.
func halfWord(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// word is the first eight bytes of s.
func word[S string | []byte](s S) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
