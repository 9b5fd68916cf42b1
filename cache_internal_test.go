package bbb

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Expired values leave the memory by and by, also those that nobody asks for
// again: a group that runs for months has seen many meetings.
func TestMemoryCacheSweeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := NewMemoryCache().(*memoryCache)
		most := 0
		for round := range 20 {
			for i := range sweepEvery / 2 {
				require.NoError(t, cache.Set(t.Context(), fmt.Sprintf("%d-%d", round, i), nil, time.Second))
			}
			<-time.After(time.Minute)
			most = max(most, cache.store.ItemCount())
		}
		assert.LessOrEqual(t, most, sweepEvery+sweepEvery/2)
	})
}
