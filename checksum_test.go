package bbb_test

import (
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The public sample of the API's documentation.
const (
	sampleSecret = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"
	sampleQuery  = "name=Test+Meeting&meetingID=abc123&attendeePW=111222&moderatorPW=333444"
)

// goldenChecksums were computed by other means than this package.
var goldenChecksums = []struct {
	algorithm                     bbb.Algorithm
	call, query, secret, checksum string
}{
	{bbb.SHA1, "create", sampleQuery, sampleSecret, "1fcbb0c4fc1f039f73aa6d697d2db9ba7f803f17"},
	{bbb.SHA256, "create", sampleQuery, sampleSecret, "da9185f7f333cfdfcd6eeac32dca3777510c4c436020d8b887ba5515bd1d189e"},
	{bbb.SHA384, "create", sampleQuery, sampleSecret, "891ac633df39d0a1b4f8d597f3e190833216c4b29c4fb51ea3ca72757eeb958d6e7b49a845cf29f5c6019c7d29d029d1"},
	{bbb.SHA512, "create", sampleQuery, sampleSecret, "de73ad61d11a5c801b68d4bd6ec5248546085cefb0b25c85f3c46249ea93a3a4b120f92c0a8a58d7512cb77821884951a3b01245f3435dbbef49fff3cc3988b4"},
	// Without parameters there are only the name and the secret.
	{bbb.SHA1, "getMeetings", "", sampleSecret, "2027baa7771026e9e93392f55031535d1444c41f"},
	{bbb.SHA256, "getMeetings", "", sampleSecret, "a5370c5f3d97d56d53b435684cdbc429c2898a3bf9f435518b4279e1e0dbfc8c"},
	// The bytes count, not what they decode to.
	{bbb.SHA1, "isMeetingRunning", "meetingID=a%20b%2Cc", sampleSecret, "ebb827f7f259c5243aa629c175023543b958ff2f"},
	{bbb.SHA1, "isMeetingRunning", "meetingID=a+b%2Cc", sampleSecret, "4c10fe521e8a4f2080229623b0218e9fad6947ac"},
	{bbb.SHA1, "isMeetingRunning", "meetingID=Foo", "MyTestSalt", "f59b73c5cf1db387da4ca7d937049420d4c50a12"},
}

func TestChecksumOfKnownCalls(t *testing.T) {
	t.Parallel()
	for _, g := range goldenChecksums {
		t.Run(g.algorithm.String()+" "+g.call+" "+g.query, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, g.checksum, g.algorithm.Checksum(g.call, g.query, g.secret))

			signed := g.query + "&checksum=" + g.checksum
			if g.query == "" {
				signed = "checksum=" + g.checksum
			}
			assert.True(t, bbb.Verify(g.call, signed, g.secret))
			assert.True(t, bbb.Verify(g.call, signed, g.secret, bbb.SHA1, bbb.SHA256, bbb.SHA384, bbb.SHA512))
			assert.False(t, bbb.Verify(strings.ToUpper(g.call), signed, g.secret), "the name is exact")
			assert.False(t, bbb.Verify(g.call, signed, g.secret+"x"))
			assert.False(t, bbb.Verify(g.call, signed, strings.ToUpper(g.secret)))
		})
	}
}

// A client may put the checksum anywhere, and servers cut it out wherever it is.
func TestVerifyFindsTheChecksumAnywhere(t *testing.T) {
	t.Parallel()
	sum := bbb.SHA256.Checksum("create", "a=1&b=2&c=3", sampleSecret)
	for _, query := range []string{
		"checksum=" + sum + "&a=1&b=2&c=3",
		"a=1&checksum=" + sum + "&b=2&c=3",
		"a=1&b=2&checksum=" + sum + "&c=3",
		"a=1&b=2&c=3&checksum=" + sum,
		"a=1&b=2&c=3&checksum=" + strings.ToUpper(sum),
	} {
		assert.True(t, bbb.Verify("create", query, sampleSecret), query)
		signed, got, ok := bbb.CutChecksum(query)
		assert.True(t, ok)
		assert.Equal(t, "a=1&b=2&c=3", signed, query)
		assert.True(t, strings.EqualFold(sum, got))
	}
}

func TestCutChecksum(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, query, signed, checksum string
		ok                            bool
	}{
		{name: "alone", query: "checksum=ab", checksum: "ab", ok: true},
		{name: "behind an empty query", query: "&checksum=ab", checksum: "ab", ok: true},
		{name: "empty", query: "a=1&checksum=", signed: "a=1", ok: true},
		{name: "empty pairs stay", query: "a=1&&checksum=ab&&b=2", signed: "a=1&&&b=2", checksum: "ab", ok: true},
		{name: "an end of its own", query: "checksum=ab&", checksum: "ab", ok: true},
		{name: "name in the beginning of another", query: "checksumHash=sha256&checksum=ab", signed: "checksumHash=sha256", checksum: "ab", ok: true},
		{name: "name in the end of another", query: "xchecksum=1&checksum=ab", signed: "xchecksum=1", checksum: "ab", ok: true},
		{name: "only other names", query: "xchecksum=1&checksumHash=2", signed: "xchecksum=1&checksumHash=2"},
		{name: "no value", query: "a=1&checksum", signed: "a=1&checksum"},
		{name: "other case", query: "Checksum=ab", signed: "Checksum=ab"},
		{name: "encoded name", query: "%63hecksum=ab", signed: "%63hecksum=ab"},
		{name: "inside a value", query: "a=checksum=ab", signed: "a=checksum=ab"},
		{name: "two", query: "checksum=ab&a=1&checksum=ab", signed: "checksum=ab&a=1&checksum=ab"},
		{name: "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			signed, checksum, ok := bbb.CutChecksum(c.query)
			assert.Equal(t, c.ok, ok)
			assert.Equal(t, c.signed, signed)
			assert.Equal(t, c.checksum, checksum)
		})
	}
}

// Two checksums are an attempt to have one party verify the one and another
// party the other.
func TestVerifyRefusesTwoChecksums(t *testing.T) {
	t.Parallel()
	sum := bbb.SHA1.Checksum("end", "meetingID=Foo", "MyTestSalt")
	require.True(t, bbb.Verify("end", "meetingID=Foo&checksum="+sum, "MyTestSalt"))
	assert.False(t, bbb.Verify("end", "checksum="+sum+"&meetingID=Foo&checksum="+sum, "MyTestSalt"))
	assert.False(t, bbb.Verify("end", "meetingID=Foo&checksum="+sum+"&checksum=", "MyTestSalt"))
}

// Parameters whose name only resembles "checksum" are signed like any other.
func TestVerifySignsResemblingNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"xchecksum", "checksumHash", "Checksum", "checksum%20"} {
		query := name + "=1"
		sum := bbb.SHA256.Checksum("end", query, "MyTestSalt")
		assert.True(t, bbb.Verify("end", query+"&checksum="+sum, "MyTestSalt"), name)
		assert.False(t, bbb.Verify("end", "checksum="+sum, "MyTestSalt"), "%s was left out", name)
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	good := bbb.SHA256.Checksum("end", "", "MyTestSalt")
	require.True(t, bbb.Verify("end", "checksum="+good, "MyTestSalt"))
	for name, checksum := range map[string]string{
		"nothing":       "",
		"too short":     good[:63],
		"too long":      good + "0",
		"not hex":       good[:63] + "g",
		"not hex early": "g" + good[1:],
		"another":       bbb.SHA256.Checksum("end", "", "another"),
		"encoded":       "%" + good[1:],
		"odd length":    good[:39],
	} {
		assert.False(t, bbb.Verify("end", "checksum="+checksum, "MyTestSalt"), name)
	}
	assert.False(t, bbb.Verify("end", "", "MyTestSalt"), "no checksum at all")
	assert.False(t, bbb.Verify("end", "checksum="+bbb.SHA256.Checksum("end", "", ""), ""),
		"an empty secret would let everybody in")
}

func TestVerifyTakesOnlyTheAlgorithmsAllowed(t *testing.T) {
	t.Parallel()
	all := []bbb.Algorithm{bbb.SHA1, bbb.SHA256, bbb.SHA384, bbb.SHA512}
	for _, a := range all {
		query := "checksum=" + a.Checksum("end", "", "MyTestSalt")
		for _, allowed := range all {
			assert.Equal(t, a == allowed, bbb.Verify("end", query, "MyTestSalt", allowed), "%v, allowed %v", a, allowed)
		}
		assert.True(t, bbb.Verify("end", query, "MyTestSalt"), "all when none is named")
	}
}

func TestAlgorithmNames(t *testing.T) {
	t.Parallel()
	for want, spellings := range map[bbb.Algorithm][]string{
		bbb.SHA1:   {"sha1", "SHA1", "SHA-1", " sha1\n"},
		bbb.SHA256: {"sha256", "SHA-256", "Sha256"},
		bbb.SHA384: {"sha384", "SHA-384"},
		bbb.SHA512: {"sha512", "SHA-512"},
	} {
		for _, name := range spellings {
			got, err := bbb.ParseAlgorithm(name)
			require.NoError(t, err, name)
			assert.Equal(t, want, got, name)
		}
		assert.Equal(t, spellings[0], want.String())
	}
	for _, name := range []string{"", "md5", "sha", "sha-224", "256"} {
		_, err := bbb.ParseAlgorithm(name)
		assert.ErrorContains(t, err, "unknown checksum algorithm", name)
	}
	assert.Equal(t, "Algorithm(9)", bbb.Algorithm(9).String())
}

func BenchmarkVerify(b *testing.B) {
	query := sampleQuery + "&checksum=" + bbb.SHA256.Checksum("create", sampleQuery, sampleSecret)
	b.ReportAllocs()
	for b.Loop() {
		if !bbb.Verify("create", query, sampleSecret) {
			b.Fatal("not verified")
		}
	}
}
