package bbb

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A disk that is full takes nothing of what is left, or half of it. Whoever read on waited
// for ever, or got what was not the input.
func TestStdinWhenTheDiskIsFull(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "full")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	full, err := os.Open(path) // not for writing
	require.NoError(t, err)

	s := newSharedStdin(t.Context(), io.MultiReader(strings.NewReader("abc")))
	s.kept = keptStdin{head: []byte("what was read"), rest: full, file: &spool{File: full, named: true}}
	s.size = int64(len(s.kept.head))
	for range 2 {
		r := s.open()
		got, err := io.ReadAll(r)
		assert.Equal(t, "what was read", string(got))
		require.ErrorContains(t, err, "stdin cannot be kept for other servers: write ")
		r.close()
	}
	s.close()
	_, err = os.Stat(path)
	require.ErrorIs(t, err, os.ErrNotExist, "a file that has a name until then is removed too")
}

// Two hundred servers were told to restart something, from a terminal that nobody typed
// into. Each of the commands was waited for a tenth of a second more, in case its stdin
// should be read yet.
func TestCommandThatEndedNeedsNoStdin(t *testing.T) {
	t.Parallel()
	terminal, nobody := io.Pipe()
	s := newSharedStdin(t.Context(), terminal)
	own := s.open()
	p, err := openPipes(exec.CommandContext(t.Context(), "never started"), own, io.Discard, io.Discard)
	require.NoError(t, err)
	p.started()
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	p.copy(stop)
	p.finish(ctx)
	select {
	case <-p.stdin.done:
	default:
		assert.Fail(t, "it is still read")
	}
	require.NoError(t, context.Cause(ctx), "the command has not failed for that")
	require.NoError(t, nobody.Close())
	s.close()
}
