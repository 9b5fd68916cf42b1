//go:build unix

package bbb_test

import (
	"errors"
	"io"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The kernel killed the process that held a connection, and its socket stayed. ssh does not
// listen where something is already: each command left one more ssh behind, logged in and
// idle, which not even Close could end.
func TestSSHSharedConnectionThatWasKilled(t *testing.T) {
	t.Parallel()
	f := newFakeSSH(t, newSSH)
	s := f.server(t, bbb.WithSSH(bbb.SSH{ControlPersist: time.Minute}))
	_, err := sshRun(t, s, "exit 0", nil)
	require.NoError(t, err)
	master := f.calls(t)[0]
	socket := master[slices.Index(master, "-S")+1]
	conn, err := new(net.Dialer).DialContext(t.Context(), "unix", socket)
	require.NoError(t, err)
	_, err = io.WriteString(conn, "exit")
	require.NoError(t, err)
	require.NoError(t, conn.(*net.UnixConn).CloseWrite())
	require.Eventually(t, func() bool {
		again, err := new(net.Dialer).DialContext(t.Context(), "unix", socket)
		if err == nil {
			_ = again.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	}, 20*time.Second, time.Millisecond)
	require.NoError(t, conn.Close())

	_, err = sshRun(t, s, "exit 0", nil)
	require.NoError(t, err)
	require.Len(t, f.calls(t), 4, "a new one, and the command")
	_, err = sshRun(t, s, "exit 0", nil)
	require.NoError(t, err)
	assert.Len(t, f.calls(t), 5, "which is shared")
}
