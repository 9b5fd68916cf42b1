//go:build !race

// Under the race detector sync.Pool drops values at random, so that allocations
// tell nothing. The tests run without it, too.

package bbb_test

import (
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
)

// Verifying stands in front of every request to a proxy, so it must not make
// work for the garbage collector.
func TestChecksumAllocations(t *testing.T) {
	query := sampleQuery + "&checksum=" + bbb.SHA256.Checksum("create", sampleQuery, sampleSecret)
	assert.Zero(t, testing.AllocsPerRun(200, func() {
		if !bbb.Verify("create", query, sampleSecret, bbb.SHA256) {
			t.Error("not verified")
		}
	}), "Verify")
	assert.LessOrEqual(t, testing.AllocsPerRun(200, func() {
		_ = bbb.SHA256.Checksum("create", sampleQuery, sampleSecret)
	}), 2.0, "Checksum makes the text it returns")
}
