package bbb

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The name of a meeting that was created with a form of megabytes kept all of the form until the server was asked
// for its meetings.
//
// Not parallel: memory of other tests would be counted.
func TestParametersDoNotKeepTheForm(t *testing.T) { //nolint:paralleltest // counts memory
	const n, size = 32, 1 << 20
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for _, query := range []string{"name=x&welcome=", "name=a+b&welcome=%20"} {
		before, kept := heap(), make([]string, n)
		for i := range kept {
			params, err := parseQuery(query+strings.Repeat("w", size), 100)
			require.NoError(t, err)
			kept[i] = params.Get("name")
		}
		assert.Less(t, heap(), before+n*size/4, query)
		runtime.KeepAlive(kept)
	}
}
