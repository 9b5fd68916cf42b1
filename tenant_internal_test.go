package bbb

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is made of a tenant is kept for as long as the tenant is, also when a lookup makes
// a new one for every request.
func TestViewsOfTenants(t *testing.T) {
	t.Parallel()
	g, err := NewGroup("school")
	require.NoError(t, err)
	defer func() { assert.NoError(t, g.Close(t.Context())) }()
	count := func() (n int) {
		g.tenancy.views.Range(func(_, _ any) bool { n++; return true })
		return n
	}
	kept := &Tenant{Name: "kept", Namespace: "kept"}
	first, err := kept.within(g.all)
	require.NoError(t, err)
	assert.Equal(t, "kept-", first.prefix)
	for range 100 {
		_, err := (&Tenant{Name: "fleeting", Meta: map[string]string{"A": "b"}}).within(g.all)
		require.NoError(t, err)
	}
	for i := 0; i < 1000 && count() > 1; i++ {
		runtime.GC() // and then the cleanups, at their leisure
	}
	assert.Equal(t, 1, count())
	again, err := kept.within(g.all)
	require.NoError(t, err)
	assert.Same(t, first, again)
	runtime.KeepAlive(kept)

	narrow, err := g.Scope(map[string]string{"tenant": "kept", "course": "math"})
	require.NoError(t, err)
	in, err := kept.within(narrow)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"tenant": "kept", "course": "math"}, in.meta)
	assert.Equal(t, 1, count(), "of the whole group only")
}
