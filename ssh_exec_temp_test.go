//go:build unix

package bbb_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A program in a container whose file system is read-only could not run any command, for
// want of a file for what ssh might say.
func TestSSHWithoutTemporaryFiles(t *testing.T) {
	f := newFakeSSH(t, newSSH)
	t.Setenv("TMPDIR", filepath.Join(f.dir, "not there"))
	s := f.server(t, bbb.WithSSH(bbb.SSH{ControlPersist: time.Minute}))
	for _, status := range []int{0, 3} {
		r, err := sshRun(t, s, "out a; exit "+string(rune('0'+status)), nil)
		require.NoError(t, err)
		assert.Equal(t, status, r.ExitStatus)
		assert.Equal(t, "a", string(r.Stdout))
	}
	calls := f.calls(t)
	require.Len(t, calls, 2, "nothing is shared")
	assert.NotContains(t, calls[0], "-E")
	assert.NotContains(t, calls[0], "-S")
	assert.Contains(t, calls[0], "SessionType=default", "the release is known all the same")

	r, err := sshRun(t, s, "err Password_of_the_command; exit 255", nil)
	require.ErrorIs(t, err, bbb.ErrSSH, "whose status it is cannot be told")
	require.ErrorIs(t, err, fs.ErrNotExist, "that is why")
	assert.NotContains(t, err.Error(), "Password")
	assert.Equal(t, "Password_of_the_command", string(r.Stderr))
}

// A service that ran no command for some days could run none any more: its directory for
// sockets had been cleaned away.
func TestSSHSharedConnectionsWhenTheirDirectoryIsGone(t *testing.T) {
	t.Parallel()
	f := newFakeSSH(t, newSSH)
	s := f.server(t, bbb.WithSSH(bbb.SSH{ControlPersist: time.Minute}))
	for range 2 {
		_, err := sshRun(t, s, "exit 0", nil)
		require.NoError(t, err)
		calls := f.calls(t)
		args := calls[len(calls)-1]
		require.NoError(t, os.RemoveAll(filepath.Dir(args[slices.Index(args, "-S")+1])))
	}
}
