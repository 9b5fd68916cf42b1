package bbb_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The ssh of a ProxyJump is not told of BatchMode. It asked for a password at the terminal
// of the program, where it was stopped for being in the background, and the command hung; or
// it opened a window.
func TestSSHCannotAskAnybody(t *testing.T) {
	t.Parallel()
	s := newFakeSSH(t, newSSH).server(t)
	r, err := sshRun(t, s, "show /proc/self/stat", nil)
	require.NoError(t, err)
	stat := strings.Fields(string(r.Stdout)) // proc_pid_stat(5)
	require.Greater(t, len(stat), 6)
	assert.Equal(t, stat[0], stat[4], "a process group of its own, to end it with all that it starts")
	assert.Equal(t, stat[0], stat[5], "a session of its own")
	assert.Equal(t, "0", stat[6], "which has no terminal")
	r, err = sshRun(t, s, "env SSH_ASKPASS_REQUIRE", nil)
	require.NoError(t, err)
	assert.Equal(t, "never", string(r.Stdout))
}
