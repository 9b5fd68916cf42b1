package bbb_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each call about hooks waited ten seconds for a server that was known to be offline
// and hung. And a server that was offline when a hook was made never got it, until
// somebody called EnsureHooks.
func TestHooksAndAnOfflineServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		require.NoError(t, g.Refresh(t.Context()))
		s := server(t, g, "bbb1")
		heal := fakes[0].Inject(bbbtest.Fault{Hang: true})
		for range 3 {
			_ = noted(t, s.Refresh(t.Context()))
			wait(t, time.Second)
		}
		require.Equal(t, offline, s.State())

		const second = "https://portal.example/second"
		calls := map[string]func() error{
			"create": func() error {
				hooks, err := g.CreateHook(t.Context(), bbb.HookParams{CallbackURL: portal})
				assert.Len(t, hooks, 2)
				return err
			},
			"list": func() error {
				hooks, err := g.Hooks(t.Context(), "")
				assert.Len(t, hooks, 2)
				return err
			},
			"ensure":  func() error { return g.EnsureHooks(t.Context()) },
			"destroy": func() error { return g.DestroyHook(t.Context(), second) },
		}
		for _, call := range []string{"create", "list", "ensure", "destroy"} {
			start := time.Now()
			err := calls[call]()
			assert.Zero(t, time.Since(start), call)
			assert.Equal(t, []string{"bbb1"}, groupError(t, err).Names(), call)
			require.ErrorIs(t, err, bbb.ErrOffline, call)
		}

		heal()
		wait(t, bbb.DefaultRequestTimeout+time.Second) // for the probe that hangs
		quiet(fakes)
		for i := range 3 {
			require.NoError(t, s.Refresh(t.Context()))
			synctest.Wait()
			assert.Equal(t, i == 2, fakes[0].Count("hooks/create") == 1, "when it is online, and only then: %v", s.State())
			wait(t, time.Second)
		}
		hooks, err := s.Hooks(t.Context(), "")
		require.NoError(t, err)
		require.Len(t, hooks, 1)
		assert.Equal(t, portal, hooks[0].CallbackURL)
		require.NoError(t, g.EnsureHooks(t.Context()))
		assert.Equal(t, 1, requests(fakes, "hooks/create"), "the others have it")
	})
}
