package bbb

import (
	"crypto/sha1" //nolint:gosec // part of the protocol: every release accepts it, webhooks 2.x accept nothing else
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"sync"
)

// Algorithm is the hash of a checksum. The server tells the algorithms apart by
// the length of the checksum, so nothing else needs to be sent.
type Algorithm uint8

// The algorithms of the API. All releases since 2.4 accept SHA-1 and SHA-256,
// releases since 2.5 also SHA-384 and SHA-512; server owners may allow fewer,
// and no load balancer known to us accepts SHA-384.
const (
	SHA256 Algorithm = iota // the default
	SHA1
	SHA384
	SHA512
	algorithms // their number
)

// String returns the name that server configurations use, such as "sha256".
func (a Algorithm) String() string {
	switch a {
	case SHA1:
		return "sha1"
	case SHA256:
		return "sha256"
	case SHA384:
		return "sha384"
	case SHA512:
		return "sha512"
	}
	return fmt.Sprintf("Algorithm(%d)", uint8(a))
}

// ParseAlgorithm reads a name such as "sha256", "SHA-256" or "SHA256".
func ParseAlgorithm(name string) (Algorithm, error) {
	folded := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "-", "")
	for a := range algorithms {
		if a.String() == folded {
			return a, nil
		}
	}
	return 0, fmt.Errorf("bbb: unknown checksum algorithm %q: know sha1, sha256, sha384, sha512", name)
}

// size is the length of the hash in bytes.
func (a Algorithm) size() int {
	switch a {
	case SHA1:
		return sha1.Size
	case SHA384:
		return sha512.Size384
	case SHA512:
		return sha512.Size
	default:
		return sha256.Size
	}
}

// algorithmOf returns the algorithm whose checksum has that many hex digits.
func algorithmOf(digits int) (Algorithm, bool) {
	for a := range algorithms {
		if 2*a.size() == digits {
			return a, true
		}
	}
	return 0, false
}

// Checksum returns the checksum of a call in lower-case hex: the hash of the
// call's name, the raw query without its checksum, and the secret. The query is
// hashed as given, to the byte: hash what you send, send what you hashed.
//
// call is the part of the path behind /bigbluebutton/api/, such as "create" or
// "hooks/create".
func (a Algorithm) Checksum(call, rawQuery, secret string) string {
	var sum [sha512.Size]byte
	return hex.EncodeToString(a.sum(&sum, call, rawQuery, "", secret))
}

// sum hashes call, the two pieces of a query and the secret.
func (a Algorithm) sum(out *[sha512.Size]byte, call, before, after, secret string) []byte {
	in := newScratch()
	in.text = append(append(append(append(in.text, call...), before...), after...), secret...)
	digest := a.hash(out, in.text)
	in.release()
	return digest
}

func (a Algorithm) hash(out *[sha512.Size]byte, input []byte) []byte {
	switch a {
	case SHA1:
		sum := sha1.Sum(input) //nolint:gosec // part of the protocol
		return out[:copy(out[:], sum[:])]
	case SHA384:
		sum := sha512.Sum384(input)
		return out[:copy(out[:], sum[:])]
	case SHA512:
		sum := sha512.Sum512(input)
		return out[:copy(out[:], sum[:])]
	default:
		sum := sha256.Sum256(input)
		return out[:copy(out[:], sum[:])]
	}
}

// scratch is room in which a text with secrets is put together: a query, or what is hashed.
type scratch struct{ text []byte }

var scratches = sync.Pool{New: func() any { return &scratch{make([]byte, 0, 4<<10)} }}

// maxScratch keeps one huge query from staying in memory for ever.
const maxScratch = 64 << 10

func newScratch() *scratch { return scratches.Get().(*scratch) }

// release gives the room back. Nothing of the text may be in use any more.
func (s *scratch) release() {
	if cap(s.text) > maxScratch {
		return
	}
	s.clear()
	scratches.Put(s)
}

func (s *scratch) clear() {
	clear(s.text)
	s.text = s.text[:0]
}

// Verify reports whether rawQuery, the query of a request exactly as it came,
// carries a valid checksum for call under secret. Only the algorithms given are
// accepted, all four when none is given. The checksum may stand anywhere in the
// query and in either letter case; a query with two checksums is refused. The
// comparison takes constant time.
//
// An empty secret never verifies, although a server whose own secret is empty
// accepts every call.
func Verify(call, rawQuery, secret string, allowed ...Algorithm) bool {
	before, after, checksum, ok := cutChecksum(rawQuery)
	if !ok {
		return false
	}
	s, ok := readSignature(call, before, after, checksum, allowed)
	return ok && s.by(secret)
}

// signature is a checksum, and what it is said to be one of. It is read once and compared with as
// many secrets as there are.
type signature struct {
	call, before, after string      // before and after are the text on both sides of the checksum
	begun               hash.Cloner // has hashed these if they are long, or nil
	algorithm           Algorithm
	digest              [sha512.Size]byte
}

// longSigned is from how many bytes on a text is hashed once, and not for each secret: whoever knows none could
// have a long one hashed for all tenants there are. For short ones that costs more than it saves.
const longSigned = 4 << 10

// readSignature reads a checksum; no algorithms are all of them.
func readSignature(call, before, after, checksum string, allowed []Algorithm) (s signature, ok bool) {
	a, ok := algorithmOf(len(checksum))
	if !ok || len(allowed) > 0 && !slices.Contains(allowed, a) {
		return s, false
	}
	s.call, s.before, s.after, s.algorithm = call, before, after, a
	if _, err := hex.Decode(s.digest[:], []byte(checksum)); err != nil {
		return s, false
	}
	if len(before)+len(after) >= longSigned {
		h := a.newHash()
		for _, text := range []string{call, before, after} {
			_, _ = io.WriteString(h, text) // a hash has no errors
		}
		s.begun = h.(hash.Cloner)
	}
	return s, true
}

// by reports whether the signature was made with a secret, in constant time.
func (s *signature) by(secret string) bool {
	if s.begun != nil {
		return s.continued(secret)
	}
	var want [sha512.Size]byte
	sum := s.algorithm.sum(&want, s.call, s.before, s.after, secret)
	return subtle.ConstantTimeCompare(s.digest[:len(sum)], sum) == 1 && secret != ""
}

// continued is by for a long text.
func (s *signature) continued(secret string) bool {
	h, err := s.begun.Clone()
	if err != nil {
		return false
	}
	_, _ = io.WriteString(h, secret)
	sum := h.Sum(nil)
	return subtle.ConstantTimeCompare(s.digest[:len(sum)], sum) == 1 && secret != ""
}

// CutChecksum splits a raw query into the text that was signed and the
// checksum. Only a parameter named exactly "checksum" counts. It reports false
// when there is none, or more than one.
func CutChecksum(rawQuery string) (signed, checksum string, ok bool) {
	before, after, checksum, ok := cutChecksum(rawQuery)
	if !ok {
		return rawQuery, "", false
	}
	return before + after, checksum, true
}

// cutChecksum returns the text on both sides of the checksum. As a server does,
// it takes the "&" in front of the pair away with it, or the one behind when
// the pair stands first.
func cutChecksum(raw string) (before, after, checksum string, ok bool) {
	const name, rare = "checksum=", len("chec") // a query has fewer of its 'k' than of '&'
	start := -1
	for i := 0; ; i++ {
		k := strings.IndexByte(raw[i:], name[rare])
		if k < 0 {
			break
		}
		i += k
		at := i - rare
		if at < 0 || !strings.HasPrefix(raw[at:], name) || at > 0 && raw[at-1] != '&' {
			continue
		}
		if start >= 0 {
			return "", "", "", false
		}
		start = at
		checksum, _, _ = strings.Cut(raw[at+len(name):], "&")
	}
	if start < 0 {
		return "", "", "", false
	}
	end := start + len(name) + len(checksum)
	switch {
	case start > 0:
		before, after = raw[:start-1], raw[end:]
	case end < len(raw):
		after = raw[end+1:]
	}
	return before, after, checksum, true
}

// unhex returns the value of a hex digit of either case, or a value over 15.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
