//go:build !race

// Under the race detector sync.Pool drops values at random, so that allocations
// tell nothing. The tests run without it, too.

package bbb

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A portal makes a link for every person on every page, and a proxy signs every request anew: checking, encoding
// and signing make the URL that is returned, and nothing besides.
func TestSigningAllocations(t *testing.T) { //nolint:paralleltest // counts allocations
	_, signers := benchSigners(t)
	for _, signer := range signers {
		assert.LessOrEqual(t, testing.AllocsPerRun(200, func() { signer.url() }), 1.0, signer.name)
	}
}

// A proxy verifies with the secrets of all tenants that a request may belong to, and anybody can make it do so.
func TestVerifyingAllocations(t *testing.T) { //nolint:paralleltest // counts allocations
	query := "meetingID=x&password=y"
	secrets := []string{"the first secret", "the second secret", "the third secret"}
	for a := range algorithms {
		signed := query + "&checksum=" + a.Checksum(callEnd, query, secrets[2])
		var read signatures
		assert.Zero(t, testing.AllocsPerRun(200, func() {
			read.list = nil
			before, after, cut, _ := cutChecksum(signed)
			s, _ := readSignature(callEnd, before, after, cut, nil)
			read.add(s)
			if !read.by(secrets) {
				t.Error("not verified")
			}
		}), a)
	}
}

// The parameters of a request are a map in two pieces, a list of values, and one piece of memory for what was encoded.
func TestParsingAllocations(t *testing.T) { //nolint:paralleltest // counts allocations
	for query, most := range map[string]float64{
		"meetingID=course-1234&checksum=0123456789abcdef":                3,
		"meetingID=course%201&fullName=Zo%C3%AB+O%27Neil&role=MODERATOR": 4,
	} {
		assert.LessOrEqual(t, testing.AllocsPerRun(200, func() {
			if _, err := parseQuery(query, 100); err != nil {
				t.Error(err)
			}
		}), most, query)
	}
}
