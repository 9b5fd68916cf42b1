package bbb

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Those who share a lock must not keep somebody waiting for it for ever, however many come.
func TestSharedKeyLockYields(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var k keyLocks
		first, ok := k.tryShare("room")
		require.True(t, ok)
		second, ok := k.tryShare("room")
		require.True(t, ok)
		locked := make(chan func())
		go func() {
			unlock, err := k.lock(t.Context(), "room")
			assert.NoError(t, err)
			locked <- unlock
		}()
		synctest.Wait()
		_, ok = k.tryShare("room")
		assert.False(t, ok, "somebody waits")
		other, ok := k.tryShare("other room")
		require.True(t, ok)
		other()
		first()
		synctest.Wait()
		select {
		case <-locked:
			t.Fatal("one still shares it")
		default:
		}
		second()
		unlock := <-locked
		_, ok = k.tryShare("room")
		assert.False(t, ok, "somebody has it")
		unlock()
		again, ok := k.tryShare("room")
		require.True(t, ok)
		again()
		assert.Empty(t, k.locks)
	})
}
