package xmlwire

import (
	"hash/maphash"
	"strings"
)

// memory makes the strings of an answer. Two thousand texts of ten bytes each
// would be two thousand objects; so they are put into chunks, one behind the
// other.
//
// A string keeps its chunk alive, and with it the neighbours. One chunk for
// the whole answer would mean that a single meeting, kept until it ends, keeps
// all the others of that answer in memory. Chunks are therefore small: what is
// kept keeps at most two of them besides what it holds.
type memory struct {
	chunk  strings.Builder // filled once and never changed
	words  [256]string     // short texts of small sets, by their hash
	common [2048]common    // short texts that were there before, by their hash
}

// common is a text that came at least twice. Most texts come once, so a text is
// given a place when it comes again: until then only its hash is here. A text
// that is here is a string of its own, since it would keep the chunk of one
// answer alive in all that came later.
type common struct {
	text string
	hash uint32 // of the one that came last and is not here
	use  uint32 // how often text came, less how often others did
}

var commonSeed = maphash.MakeSeed()

const (
	chunkSize = 2 << 10
	longText  = chunkSize / 8 // gets a string of its own rather than waste the end of a chunk
	longWord  = 64
)

// copyOf returns text as a string. rest is how many bytes of the body are yet
// to come, of which about a quarter are values: a small answer gets a small
// chunk.
func (m *memory) copyOf(text []byte, rest int) string {
	if len(text) > m.chunk.Cap()-m.chunk.Len() {
		if len(text) >= longText {
			return string(text)
		}
		m.chunk.Reset()
		m.chunk.Grow(max(len(text), min(chunkSize, rest/4)))
	}
	from := m.chunk.Len()
	m.chunk.Write(text)
	return m.chunk.String()[from:]
}

// word returns text as a string, and nearly always the same string for the
// same text, so that the role of a thousand attendees is kept once. Words are
// remembered from one answer to the next.
func (m *memory) word(text []byte) string {
	n := len(text)
	if n == 0 || n > longWord {
		return string(text)
	}
	w := &m.words[hash(text)>>56%uint64(len(m.words))]
	if *w != string(text) {
		*w = string(text)
	}
	return *w
}

// again returns a text that came at least once before, as the same string most
// often, and otherwise false. Like words, such texts are remembered from one
// answer to the next.
func (m *memory) again(text []byte) (string, bool) {
	n := len(text)
	if n == 0 || n > longWord {
		return "", n == 0
	}
	h := maphash.Bytes(commonSeed, text) // of all of it: URLs differ in their middle
	i := h >> 32 % uint64(len(m.common))
	low := uint32(h)                     //nolint:gosec // the others
	a, b := &m.common[i], &m.common[i^1] // either may have it
	if b.text == string(text) {
		a = b
	}
	switch {
	case a.text == string(text):
		a.use = min(a.use+1, 8)
		return a.text, true
	case a.hash != low:
		a.hash = low
		return "", false
	case b.use < a.use:
		a = b
	}
	if a.use > 0 { // who comes more often stays
		a.use--
		return "", false
	}
	a.text, a.use = string(text), 1
	return a.text, true
}

// hash tells short texts apart by their length and both ends, which is where
// the keys of metadata and the names of roles and clients differ. Its upper
// bits are the good ones.
func hash(text []byte) uint64 {
	n := len(text)
	h := uint64(n)
	if n >= 8 {
		h += word(text) ^ word(text[n-8:])*3
	} else {
		h += uint64(text[0])<<16 ^ uint64(text[n/2])<<8 ^ uint64(text[n-1])
	}
	return h * 0x9E3779B97F4A7C15
}

// forget leaves the chunk to those who have strings in it.
func (m *memory) forget() { m.chunk.Reset() }

// keep returns text as a string.
func (d *decoder) keep(text []byte) string { return d.copyOf(text, len(d.buf)-d.pos) }

// keepCommon is keep for a text that is often equal to another one.
func (d *decoder) keepCommon(text []byte) string {
	if s, ok := d.again(text); ok {
		return s
	}
	return d.keep(text)
}
