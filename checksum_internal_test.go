package bbb

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whoever knows no secret could have 64 KiB of a URL, or 2 MiB of a form, hashed once for each tenant.
func TestLongTextsAreHashedOnce(t *testing.T) {
	t.Parallel()
	for a := range algorithms {
		for _, n := range []int{0, 100, longSigned - 1, longSigned, 64 << 10} {
			before, after := strings.Repeat("x", n/2), strings.Repeat("y", n-n/2)
			s, ok := readSignature(callCreate, before, after, a.Checksum(callCreate, before+after, "right"), nil)
			require.True(t, ok)
			if n >= longSigned {
				s.before, s.after = "", "" // not needed any more
			}
			for range 2 {
				assert.True(t, s.by("right"), "%v %d", a, n)
				for _, wrong := range []string{"", "wrong", "rightt", "yright"} {
					assert.False(t, s.by(wrong), "%v %d", a, n)
				}
			}
		}
		empty, ok := readSignature(callCreate, strings.Repeat("x", longSigned), "", a.Checksum(callCreate, strings.Repeat("x", longSigned), ""), nil)
		require.True(t, ok)
		assert.False(t, empty.by(""), "an empty secret")
	}
}

// BenchmarkForgedURL is a request of somebody who knows no secret, to a thousand tenants that nothing else
// tells apart. A long URL should cost little more than a short one.
func BenchmarkForgedURL(b *testing.B) {
	for name, n := range map[string]int{"short": 200, "long": 64 << 10} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s, _ := readSignature(callCreate, strings.Repeat("x", n), "", strings.Repeat("0", 2*SHA512.size()), nil)
				for range 1000 {
					s.by("a secret of some tenant")
				}
			}
		})
	}
}
