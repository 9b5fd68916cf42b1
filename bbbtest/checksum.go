package bbbtest

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// algorithm is one of the hash functions a checksum can be made with.
type algorithm struct {
	name   string
	digits int // hexadecimal digits of a checksum, by which the server tells them apart
	sum    func(string) string
}

var algorithms = []algorithm{
	{"sha1", 40, func(s string) string { h := sha1.Sum([]byte(s)); return hex.EncodeToString(h[:]) }},
	{"sha256", 64, func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }},
	{"sha384", 96, func(s string) string { h := sha512.Sum384([]byte(s)); return hex.EncodeToString(h[:]) }},
	{"sha512", 128, func(s string) string { h := sha512.Sum512([]byte(s)); return hex.EncodeToString(h[:]) }},
}

func algorithmByName(name string) *algorithm {
	if i := slices.IndexFunc(algorithms, func(a algorithm) bool { return a.name == name }); i >= 0 {
		return &algorithms[i]
	}
	return nil
}

// verify checks the checksum of a request. It accepts whatever any known server accepts for a body:
// the hash over the query alone, over the sorted parameters, or over the body as it came.
func (s *Server) verify(q *request) *failure {
	secrets := s.currentSecrets()
	if secrets[0] == "" {
		return nil
	}
	given := q.params.Get("checksum")
	if given == "" {
		return s.validation("checksumError", "You must provide the checksum")
	}
	mismatch := s.validation("checksumError", "Checksums do not match")
	i := slices.IndexFunc(algorithms, func(a algorithm) bool { return a.digits == len(given) })
	if i < 0 || !slices.Contains(s.conf.algorithms, algorithms[i].name) {
		return mismatch
	}
	if q.repeated {
		// A parameter that stands in the query and in the body never gets past this check.
		return mismatch
	}
	if s.conf.release.atLeast(2, 5) {
		given = strings.ToLower(given) // 2.4 compared the letters exactly
	}
	for _, text := range q.signedTexts() {
		for _, secret := range secrets {
			if algorithms[i].sum(q.call+text+secret) == given {
				return nil
			}
		}
	}
	return mismatch
}

// signedTexts lists the texts between call name and secret that the checksum may cover.
func (q *request) signedTexts() []string {
	texts := []string{cutChecksum(q.rawQuery)}
	if q.form == nil {
		return texts
	}
	if q.rawQuery == "" {
		texts = append(texts, sortedForm(q.form))
	}
	if q.rawForm != "" {
		texts = append(texts, cutChecksum(q.rawForm))
	}
	return texts
}

// cutChecksum takes the pair named checksum out of a raw query, wherever it stands, and leaves every
// other byte alone.
func cutChecksum(raw string) string {
	pairs := strings.Split(raw, "&")
	kept := slices.DeleteFunc(slices.Clone(pairs), func(pair string) bool {
		return strings.HasPrefix(pair, "checksum=")
	})
	if len(kept) == len(pairs) {
		return raw
	}
	// "?&checksum=..." leaves nothing: the separator goes with the pair.
	return strings.Join(kept, "&")
}

// sanitizeQuery does to a query what the server does before hashing it: control characters go, and
// so does white space at the ends.
func sanitizeQuery(raw string) string {
	text := slices.DeleteFunc([]byte(raw), func(c byte) bool { return c < 0x20 || c == 0x7F })
	return strings.TrimSpace(string(text))
}

// sortedForm is the text a server makes of the parameters of a body when the query is empty: names
// sorted and left as they are, values encoded the way Java's URLEncoder does.
func sortedForm(form url.Values) string {
	var pairs []string
	for _, name := range sortedKeys(form) {
		if name != "checksum" {
			pairs = append(pairs, name+"="+javaEncode(form.Get(name)))
		}
	}
	return strings.Join(pairs, "&")
}

// javaEncode differs from url.QueryEscape in two characters: * stays and ~ does not.
func javaEncode(s string) string {
	return strings.NewReplacer("%2A", "*", "~", "%7E").Replace(url.QueryEscape(s))
}
