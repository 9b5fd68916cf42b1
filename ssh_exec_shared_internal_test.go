//go:build unix

package bbb

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The first command over a shared connection was kept for as long as the group: with all
// that it wrote, and its words, which may be secrets.
func TestSharedConnectionKeepsNoCommand(t *testing.T) {
	t.Parallel()
	var sh sshShared
	m := sh.master("ssh", sshArgs{command: &RemoteCommand{
		Server: "bbb1", Host: "bbb1.test", SSH: SSH{User: "monitor"}, Argv: []string{"secret"},
		Stdin: new(bytes.Buffer), Stdout: new(bytes.Buffer), Stderr: new(bytes.Buffer),
	}})
	defer sh.close()
	require.NotNil(t, m)
	assert.Equal(t, &RemoteCommand{Host: "bbb1.test", SSH: SSH{User: "monitor"}}, m.args.command)
}

// A Runner that went on after the group had been closed made a directory and a connection
// that nobody ended.
func TestNothingIsSharedAfterClose(t *testing.T) {
	t.Parallel()
	var sh sshShared
	args := sshArgs{command: &RemoteCommand{Host: "bbb1.test", SSH: SSH{ControlPersist: time.Minute}}}
	m := sh.master("ssh", args)
	require.NotNil(t, m)
	sh.close()
	_, err := os.Stat(filepath.Dir(m.args.socket))
	require.ErrorIs(t, err, os.ErrNotExist)
	socket, err := sh.connect(t.Context(), "ssh", args)
	require.NoError(t, err)
	assert.Empty(t, socket)
	sh.close()
}
