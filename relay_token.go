package bbb

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
)

// relayKind is what is sent to the URL of a relay. It stands in the URL.
type relayKind string

const (
	relayEnded     relayKind = "ended"     // a meetingEndedURL
	relayEnd       relayKind = "end"       // the metadata endCallbackUrl
	relayReady     relayKind = "ready"     // a recording is ready
	relayAnalytics relayKind = "analytics" // the report of a meeting
	relayHook      relayKind = "hook"      // events
)

var relayKinds = []relayKind{relayEnded, relayEnd, relayReady, relayAnalytics, relayHook}

// sealed is what the URL of a relay knows. Nothing else does: a callback may come years
// later, and to another process.
type sealed struct {
	tenant  string // its name
	meeting string // its ID as servers know it; empty for hooks to all meetings
	target  string // URL of the tenant

	// Of hooks alone.
	events []EventName // empty for all
	raw    bool
}

// appendTo writes the fields: a length in front of each but the last.
func (s *sealed) appendTo(dst []byte, kind relayKind) []byte {
	field := func(text string) { dst = append(binary.AppendUvarint(dst, uint64(len(text))), text...) }
	field(s.tenant)
	field(s.meeting)
	if kind == relayHook {
		events := formatHookEvents(&Hook{Events: s.events})
		if s.raw {
			events = "," // which is no list of events
		}
		field(events)
	}
	return append(dst, s.target...)
}

func parseSealed(text []byte, kind relayKind) (*sealed, bool) {
	ok := true
	field := func() string {
		n, size := binary.Uvarint(text)
		if size <= 0 || n > uint64(len(text)-size) { //nolint:gosec // size is not more than the text has
			ok = false
			return ""
		}
		value := string(text[size : size+int(n)]) //nolint:gosec // not more than the text has
		text = text[size+int(n):]                 //nolint:gosec // the same
		return value
	}
	s := &sealed{tenant: field(), meeting: field()}
	if kind == relayHook {
		switch events := field(); events {
		case "":
		case ",":
			s.raw = true
		default:
			for name := range strings.SplitSeq(events, ",") {
				s.events = append(s.events, EventName(name))
			}
		}
	}
	s.target = string(text)
	return s, ok
}

// relaySeal seals what is in the URLs of one kind, with one key. It is SIV: the first 16 bytes
// of an HMAC over the text are both the proof that the text is ours and the start of the
// counters that it is encrypted with. So the same text always gives the same token, which no
// nonce would: a create that is repeated, here or by another replica, is the same create. And
// the token is short: it has to fit into a URL into a URL.
type relaySeal struct {
	mac   []byte
	block cipher.Block
}

const relaySealSize = 16

func newRelaySeal(key string, kind relayKind) (*relaySeal, error) {
	// Another kind or version has other keys, so it need not be in the token.
	both, err := hkdf.Key(sha256.New, []byte(key), nil, "bbb callback relay, version 1, "+string(kind), 64)
	if err != nil {
		return nil, fmt.Errorf("key of %s callbacks: %w", kind, err)
	}
	block, err := aes.NewCipher(both[32:])
	if err != nil {
		return nil, fmt.Errorf("key of %s callbacks: %w", kind, err)
	}
	return &relaySeal{mac: both[:32], block: block}, nil
}

func (k *relaySeal) sum(text []byte) []byte {
	mac := hmac.New(sha256.New, k.mac)
	mac.Write(text)
	return mac.Sum(nil)[:relaySealSize]
}

// seal returns a token of letters, digits, "-" and "_".
func (k *relaySeal) seal(text []byte) string {
	token := append(k.sum(text), text...)
	cipher.NewCTR(k.block, token[:relaySealSize]).XORKeyStream(token[relaySealSize:], token[relaySealSize:])
	return base64.RawURLEncoding.EncodeToString(token)
}

// open returns what was sealed, if it was by this key.
func (k *relaySeal) open(token string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < relaySealSize {
		return nil, false
	}
	text := raw[relaySealSize:]
	cipher.NewCTR(k.block, raw[:relaySealSize]).XORKeyStream(text, text)
	return text, hmac.Equal(k.sum(text), raw[:relaySealSize])
}

// relayURLs makes the URLs of a relay and reads them.
type relayURLs struct {
	base string // what all begin with, with a slash at the end
	keys map[relayKind][]*relaySeal
}

// relayURLMax is how long a URL of a relay may be: servers, and what stands in front of them, take requests of 8 KiB, and
// a create has up to four such URLs.
const relayURLMax = 1900

// relayMark is what stands between the URL of the API and the kind.
const relayMark = "/callback/"

// newRelayURLs takes the keys that tokens are opened with, of which the first seals.
func newRelayURLs(publicURL string, keys []string) (*relayURLs, error) {
	u := &relayURLs{base: strings.TrimRight(publicURL, "/") + relayMark, keys: make(map[relayKind][]*relaySeal, len(relayKinds))}
	for _, kind := range relayKinds {
		for _, key := range keys {
			seal, err := newRelaySeal(key, kind)
			if err != nil {
				return nil, err
			}
			u.keys[kind] = append(u.keys[kind], seal)
		}
	}
	return u, nil
}

// seal returns the URL that stands for s; false when it is too long.
func (u *relayURLs) seal(kind relayKind, s *sealed) (string, bool) {
	text := s.appendTo(make([]byte, 0, 64+len(s.target)+len(s.meeting)), kind)
	full := u.base + string(kind) + "/" + u.keys[kind][0].seal(text)
	return full, len(full) <= relayURLMax
}

// open reads what stands behind the mark: a kind and a token.
func (u *relayURLs) open(rest string) (relayKind, *sealed, bool) {
	name, token, _ := strings.Cut(rest, "/")
	kind := relayKind(name)
	if len(token) > relayURLMax {
		return kind, nil, false
	}
	for _, key := range u.keys[kind] {
		if text, ok := key.open(token); ok {
			s, ok := parseSealed(text, kind)
			return kind, s, ok
		}
	}
	return kind, nil, false
}

// target returns what a URL of ours stands for, if it is one and of that tenant. One that was
// made by a key that is forgotten stands for nothing.
func (u *relayURLs) target(tenant, text string) (target string, ours bool) {
	at := strings.LastIndex(text, relayMark)
	if at < 0 {
		return "", false
	}
	text = strings.TrimSpace(text) // some answers are padded
	at = strings.LastIndex(text, relayMark)
	if _, s, ok := u.open(text[at+len(relayMark):]); ok {
		if s.tenant != tenant {
			return "", true
		}
		return s.target, true
	}
	return "", strings.HasPrefix(text, u.base)
}
