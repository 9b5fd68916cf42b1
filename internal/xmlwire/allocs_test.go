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
		}), 4.0*n, name)
	}
	recs := recordingsBody(n) // a list more in each, and two of images
	assert.Less(t, testing.AllocsPerRun(10, func() {
		var r recordings
		if err := recordingsRecord.Decode(recs, "response", &r, xmlwire.Limits{}); err != nil {
			t.Error(err)
		}
	}), 7.0*n)
	m := sample(n)
	dst := meetingsRecord.Append(nil, "response", &m)
	assert.Less(t, testing.AllocsPerRun(10, func() { dst = meetingsRecord.Append(dst[:0], "response", &m) }), 2.0)
}

// What did not change takes a copy of the struct, and nothing of what is in it.
func TestReuseAllocations(t *testing.T) {
	const n = 200
	body := meetingsBody(n)
	old := round{seen: new(xmlwire.Seen[meeting])}
	assert.NoError(t, roundRecord.Decode(body, "response", &old, xmlwire.Limits{}))
	assert.Less(t, testing.AllocsPerRun(10, func() {
		r := round{seen: old.seen}
		if err := roundRecord.Decode(body, "response", &r, xmlwire.Limits{}); err != nil {
			t.Error(err)
		}
	}), 1.1*n)
}
