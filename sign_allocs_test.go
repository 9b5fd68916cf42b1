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
