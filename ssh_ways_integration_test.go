//go:build integration

package bbb_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRealSSHOptions shows that each field of SSH does what it says, with a
// configuration of ssh that names nothing but the known hosts.
func TestRealSSHOptions(t *testing.T) {
	t.Parallel()
	l := newLab(t, "m1", "m2")
	l.key(t, "other_key")
	known := "UserKnownHostsFile=" + l.path("known_hosts")
	all := bbb.SSH{
		User: l.user, Port: l.machines["m1"].port, IdentityFile: l.path("user_key"), ConfigFile: l.write(t, "bare", ""),
		Options: []string{"IdentityAgent=none", "StrictHostKeyChecking=yes", known},
	}
	reaches := func(t *testing.T, how bbb.SSH) (string, error) {
		t.Helper()
		f := newFake(t, "bbb1")
		g := newEmptyGroup(t, bbb.WithTransport(f.Transport()), bbb.WithSSH(all))
		s := addServer(t, g, f, bbb.WithHost("127.0.0.1"), bbb.WithSSH(how))
		r, err := s.SSHCommand(t.Context(), []string{"echo $SSH_CONNECTION"}, nil)
		if err != nil {
			return "", sshError(t, err, "bbb1")
		}
		fields := strings.Fields(string(r.Stdout))
		require.Len(t, fields, 4)
		return fields[3], nil
	}

	port, err := reaches(t, bbb.SSH{})
	require.NoError(t, err, "the group says it all")
	assert.Equal(t, strconv.Itoa(l.machines["m1"].port), port)

	port, err = reaches(t, bbb.SSH{Port: l.machines["m2"].port})
	require.NoError(t, err, "a server has a port of its own")
	assert.Equal(t, strconv.Itoa(l.machines["m2"].port), port)

	config := "Host 127.0.0.1\n\tPort " + strconv.Itoa(l.machines["m2"].port) + "\n\tUser nobody-by-this-name\n"
	port, err = reaches(t, bbb.SSH{ConfigFile: l.write(t, "other_config", config)})
	require.NoError(t, err, "port and user win over the configuration")
	assert.Equal(t, strconv.Itoa(l.machines["m1"].port), port)

	_, err = reaches(t, bbb.SSH{User: "nobody-by-this-name"})
	assert.ErrorContains(t, err, "Permission denied")
	_, err = reaches(t, bbb.SSH{IdentityFile: l.path("other_key")})
	assert.ErrorContains(t, err, "Permission denied")
	_, err = reaches(t, bbb.SSH{Options: []string{"IdentityAgent=none", "UserKnownHostsFile=" + l.write(t, "none", ""), "GlobalKnownHostsFile=/dev/null"}})
	assert.ErrorContains(t, err, "Host key verification failed")
	_, err = reaches(t, bbb.SSH{ConfigFile: l.path("no-such-file")})
	assert.ErrorContains(t, err, "no-such-file")
	_, err = reaches(t, bbb.SSH{Options: []string{"NoSuchOption=yes"}})
	assert.ErrorIs(t, err, bbb.ErrSSH)
	assert.ErrorContains(t, err, "nosuchoption", "ssh has it in lower case")

	// What nobody wants of a command, however the configuration is made for people.
	people := "Host *\n\tRequestTTY force\n\tRemoteCommand echo wrong\n\tForwardAgent yes\n\tPermitLocalCommand yes\n" +
		"\tLocalCommand echo wrong\n\tLocalForward 127.0.0.1:" + strconv.Itoa(l.machines["m2"].port) + " 127.0.0.1:1\n\tExitOnForwardFailure yes\n"
	port, err = reaches(t, bbb.SSH{ConfigFile: l.write(t, "people", people)})
	require.NoError(t, err)
	assert.Equal(t, strconv.Itoa(l.machines["m1"].port), port)
}

// TestRealSSHJump shows that a machine behind another is reached, through the first.
func TestRealSSHJump(t *testing.T) {
	t.Parallel()
	l := newLab(t, "inner", "gate")
	l.configure(t, "Host inner\n\tProxyJump gate")
	r, err := l.server(t, bbb.SSH{}, "inner").SSHCommand(t.Context(), []string{"cat; exit 9"}, strings.NewReader("hello"))
	require.NoError(t, noted(t, err))
	assert.Equal(t, "hello", string(r.Stdout))
	assert.Equal(t, 9, r.ExitStatus)
	assert.Equal(t, 1, l.machines["inner"].logins())
	assert.Equal(t, 1, l.machines["gate"].logins())

	l.configure(t, "Host inner\n\tProxyJump gate", "Host gate\n\tUserKnownHostsFile "+l.write(t, "none", ""))
	_, err = l.server(t, bbb.SSH{}, "inner").SSHCommand(t.Context(), []string{"true"}, nil)
	assert.ErrorIs(t, sshError(t, err, "inner"), bbb.ErrSSH)
	assert.ErrorContains(t, err, "Host key verification failed", "the words of the ssh to the gate")
	assert.Empty(t, l.clients())
}

// TestRealSSHShared shows that commands share a connection, that none is harmed by what
// becomes of another, and that nothing is left when the group is closed. It sees that by
// a directory for temporary files of its own, so it runs alone.
func TestRealSSHShared(t *testing.T) {
	l := newLab(t, "m1", "m2")
	m := l.machines["m1"]
	dir, err := os.MkdirTemp("", "") //nolint:usetesting // the path of a socket must be short
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	t.Setenv("TMPDIR", dir)
	masters := func() []osProc {
		return procs(func(p osProc) bool { return strings.Contains(p.command, dir) })
	}

	for name, persist := range map[string]bbb.SSH{"shared": {ControlPersist: patience}, "alone": {}} {
		before := m.logins()
		g := l.group(t, persist, "m1", "m2")
		s := server(t, g, "m1")
		for range 3 {
			r, err := s.SSHCommand(t.Context(), []string{"cat"}, strings.NewReader("hello"))
			require.NoError(t, noted(t, err))
			assert.Equal(t, "hello", string(r.Stdout))
		}
		if name == "alone" {
			assert.Equal(t, 3, m.logins()-before)
			require.NoError(t, g.Close(t.Context()))
			assert.Empty(t, files(t, dir), "of commands that are done, nothing is left")
			continue
		}
		assert.Equal(t, 1, m.logins()-before)

		// One command is cancelled, another goes on.
		ctx, cancel := context.WithCancel(t.Context())
		cancelled := command(ctx, t, s, []string{"echo begun; sleep 600"})
		r, err := s.SSHCommand(t.Context(), []string{"echo ok"}, nil)
		require.NoError(t, noted(t, err))
		assert.Equal(t, "ok\n", string(r.Stdout))
		cancel()
		assert.ErrorIs(t, sshError(t, await(t, cancelled), "m1"), context.Canceled)
		_, err = s.SSHCommand(t.Context(), []string{"true"}, nil)
		require.NoError(t, noted(t, err))
		assert.Equal(t, 1, m.logins()-before, "the connection is still the same")

		// More at once than sshd takes on one connection (MaxSessions is 100 here).
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				r, err := s.SSHCommand(t.Context(), []string{"echo", "ok"}, nil)
				if assert.NoError(t, noted(t, err)) {
					assert.Equal(t, "ok\n", string(r.Stdout))
				}
			})
		}
		all.Wait()
		assert.Equal(t, 1, m.logins()-before)

		// The connection breaks: the next command makes a new one.
		m.hangUp()
		eventually(t, "the connection is closed", func() bool { return !m.connected() })
		eventually(t, "the next command works", func() bool {
			_, err := s.SSHCommand(t.Context(), []string{"true"}, nil)
			return noted(t, err) == nil
		})
		assert.Equal(t, 2, m.logins()-before)

		_, err = server(t, g, "m2").SSHCommand(t.Context(), []string{"true"}, nil)
		require.NoError(t, noted(t, err))
		require.NotEmpty(t, files(t, dir))
		require.NotEmpty(t, masters())
		running := command(t.Context(), t, s, []string{"echo begun; sleep 600"})
		closeNow(t, g)
		assert.ErrorIs(t, sshError(t, await(t, running), "m1"), bbb.ErrClosed)
		assert.Empty(t, files(t, dir), "no socket is left, nor anything else")
		eventually(t, "no connection is left", func() bool { return !m.connected() && !l.machines["m2"].connected() && len(masters()) == 0 })
	}
}

// TestRealSSHSharedMany shows that commands which begin at the same time on a machine
// that nobody is connected to all work, and share the one connection.
func TestRealSSHSharedMany(t *testing.T) {
	t.Parallel()
	l := newLab(t, "m1")
	s := l.server(t, bbb.SSH{ControlPersist: patience}, "m1")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			r, err := s.SSHCommand(t.Context(), []string{"cat"}, strings.NewReader("hello"))
			if assert.NoError(t, noted(t, err)) {
				assert.Equal(t, "hello", string(r.Stdout))
			}
		})
	}
	all.Wait()
	assert.Equal(t, 1, l.machines["m1"].logins())
}

// files returns what is below a directory.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var list []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			list = append(list, path)
		}
		return err
	}))
	return list
}
