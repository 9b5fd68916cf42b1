package bbb_test

import (
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/require"
)

// FuzzVerify signs a query, puts the checksum between any two of its pairs, and
// expects it to verify there; with any single byte changed it must not.
func FuzzVerify(f *testing.F) {
	for _, g := range goldenChecksums {
		f.Add(g.call, g.query, g.secret, uint8(g.algorithm), uint8(1), uint16(7), byte(1))
	}
	f.Add("hooks/create", "callbackURL=https%3A%2F%2Fa.example%2F%3Fchecksum%3Dx", "s", uint8(0), uint8(0), uint16(0), byte(0x20))
	f.Add("create", "&&a&=b&", "x", uint8(2), uint8(3), uint16(50), byte(0x80))
	f.Fuzz(func(t *testing.T, call, query, secret string, algorithm, place uint8, flipAt uint16, flip byte) {
		pairs := strings.Split(query, "&")
		for _, pair := range pairs {
			if strings.HasPrefix(pair, "checksum=") {
				return // signed already
			}
		}
		a := bbb.Algorithm(algorithm % 4)
		sum := a.Checksum(call, query, secret)
		at := int(place) % (len(pairs) + 1)
		signed := strings.Join(append(append(append([]string(nil), pairs[:at]...), "checksum="+sum), pairs[at:]...), "&")
		if query == "" {
			signed = "checksum=" + sum
		}

		text, cut, ok := bbb.CutChecksum(signed)
		require.True(t, ok)
		require.Equal(t, query, text, "cut out of %q", signed)
		require.Equal(t, sum, cut)
		require.Equal(t, secret != "", bbb.Verify(call, signed, secret))
		require.Equal(t, secret != "", bbb.Verify(call, signed, secret, a))
		require.False(t, bbb.Verify(call, signed, secret, (a+1)%4), "another algorithm")

		i := int(flipAt) % len(signed)
		changed := []byte(signed)
		changed[i] ^= flip
		if flip == 0 || strings.EqualFold(string(changed), signed) && inChecksum(signed, i) {
			return // nothing changed but the case of a hex digit
		}
		require.False(t, bbb.Verify(call, string(changed), secret), "%q instead of %q", changed, signed)
	})
}

func inChecksum(signed string, i int) bool {
	_, sum, _ := bbb.CutChecksum(signed)
	start := strings.Index("&"+signed, "&checksum=") + len("checksum=")
	return start <= i && i < start+len(sum)
}
