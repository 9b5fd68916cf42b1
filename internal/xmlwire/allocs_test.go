//go:build !race

// Under the race detector sync.Pool drops values at random, so that allocations
// tell nothing. The tests run without it, too.

package xmlwire_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// Reading allocates a meeting, its list of attendees, the two parts of its map
// and its share of the chunks that hold its texts; writing allocates nothing.
func TestAllocations(t *testing.T) {
	const n = 200
	for name, body := range map[string][]byte{"in order": meetingsBody(n), "shuffled": shuffledBody(n)} {
		assert.Less(t, testing.AllocsPerRun(10, func() {
			var m meetings
			if err := meetingsRecord.Decode(body, "response", &m, xmlwire.Limits{}); err != nil {
				t.Error(err)
			}
		}), 6.0*n, name)
	}
	m := sample(n)
	dst := meetingsRecord.Append(nil, "response", &m)
	assert.Less(t, testing.AllocsPerRun(10, func() { dst = meetingsRecord.Append(dst[:0], "response", &m) }), 2.0)
}
