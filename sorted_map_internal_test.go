package bbb

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is signed depends on the order, whether or not there is room on the stack.
func TestSortedEntries(t *testing.T) {
	t.Parallel()
	for n := range 2 * sortedRoom {
		m := make(map[string]int, n)
		for i := range n {
			m[fmt.Sprint(rand.Int64N(1000), "-", i)] = i
		}
		var keys []string
		var room [sortedRoom]keyed[int]
		for _, e := range sortedEntries(room[:0], m) {
			keys = append(keys, e.key)
			require.Equal(t, m[e.key], e.value)
		}
		require.Equal(t, sortedKeys(m), keys)
	}
}
