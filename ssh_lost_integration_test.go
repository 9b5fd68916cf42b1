//go:build integration

package bbb_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRealSSHUnreachable shows that what keeps ssh from a machine is its failure and
// not the command's, and that ssh's own words are told.
func TestRealSSHUnreachable(t *testing.T) {
	t.Parallel()
	l := newLab(t, "m1")
	l.start(t, "strict", "AuthorizedKeysFile "+l.write(t, "nobody", ""))
	l.write(t, "changed_hosts", "[127.0.0.1]:"+strconv.Itoa(l.machines["m1"].port)+" "+l.read(t, "strict/host_key.pub"))
	at := func(name string, port int, lines string) string {
		return "Host " + name + "\n\tHostName 127.0.0.1\n\tPort " + strconv.Itoa(port) + "\n" + lines
	}
	l.configure(t,
		at("refused", refusing(t), ""),
		at("silent", silent(t), ""),
		at("changed", l.machines["m1"].port, "\tUserKnownHostsFile "+l.path("changed_hosts")),
		at("unknown", l.machines["m1"].port, "\tUserKnownHostsFile "+l.path("nobody")),
		at("nobody", l.machines["m1"].port, "\tUser no-such-user-here"),
	)
	for _, c := range []struct{ host, words string }{
		{"refused", "Connection refused"},
		{"silent", "timed out"},
		{"changed", "Host key verification failed"},
		{"unknown", "Host key verification failed"},
		{"strict", "Permission denied"},
		{"nobody", "Permission denied"},
	} {
		for name, how := range ways {
			how.ConnectTimeout = 2 * time.Second // only the silent one takes as long
			if c.host != "silent" {
				how.ConnectTimeout = patience
			}
			r, err := l.server(t, how, c.host).SSHCommand(t.Context(), []string{"echo", "reached"}, nil)
			e := sshError(t, err, c.host)
			assert.ErrorIs(t, e, bbb.ErrSSH, "%s, %s", c.host, name)
			assert.ErrorContains(t, e, c.words, "%s, %s", c.host, name)
			if r != nil {
				assert.Empty(t, r.Stdout, "%s, %s", c.host, name)
			}
		}
	}
	assert.Empty(t, l.clients())
}

// TestRealSSHDoesNotAsk shows that nobody is asked for a password or for a yes.
func TestRealSSHDoesNotAsk(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start(t, "m1", "AuthenticationMethods password", "PasswordAuthentication yes")
	l.configure(t)
	_, err := l.server(t, bbb.SSH{Options: []string{"BatchMode=no"}}, "m1").SSHCommand(t.Context(), []string{"true"}, nil)
	assert.ErrorIs(t, sshError(t, err, "m1"), bbb.ErrSSH)
	assert.ErrorContains(t, err, "Permission denied")
}

// TestRealSSHConnectionLost shows that a command whose connection broke has not ended,
// whatever it wrote before.
func TestRealSSHConnectionLost(t *testing.T) {
	t.Parallel()
	for name, how := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "m1")
			ended := command(t.Context(), t, l.server(t, how, "m1"), []string{"echo begun; sleep 600"})
			l.machines["m1"].hangUp()
			assert.ErrorIs(t, sshError(t, await(t, ended), "m1"), bbb.ErrSSH)
			eventually(t, "ssh has ended", func() bool { return len(l.clients()) == 0 })
		})
	}
}

// TestRealSSHMachineVanishes shows that a machine which is silent from one moment to
// the next, as when its power fails, does not hold a command for ever.
func TestRealSSHMachineVanishes(t *testing.T) {
	t.Parallel()
	for name, how := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "m1")
			wire := newWire(t, l.machines["m1"].port)
			how.Port = wire.port
			how.Options = []string{"ServerAliveInterval=1", "HostKeyAlias=[127.0.0.1]:" + strconv.Itoa(l.machines["m1"].port)}
			ended := command(t.Context(), t, l.server(t, how, "m1"), []string{"echo begun; sleep 600"})
			wire.cut()
			assert.ErrorIs(t, sshError(t, await(t, ended), "m1"), bbb.ErrSSH)
		})
	}
}

// proxyLab is a lab with ways to m1 that run more processes here than one ssh.
func proxyLab(t testing.TB) *lab {
	t.Helper()
	l := newLab(t, "m1", "gate")
	// Not replaced by their last commands, so that ssh has a child that has a child.
	through := l.script(t, "through", "ssh -F "+l.config+" -W \"$1:$2\" gate\nexit 1\n")
	hangs := l.script(t, "hangs", "while :; do sleep 1; done\n")
	stubborn := l.script(t, "stubborn", "trap '' HUP INT TERM PIPE\nwhile :; do sleep 1; done\n")
	host := func(name, more string) string {
		return "Host " + name + "\n\tHostName 127.0.0.1\n\tPort " + strconv.Itoa(l.machines["m1"].port) + "\n\t" + more
	}
	l.configure(t,
		host("jump", "ProxyJump gate"),
		host("command", "ProxyCommand "+through+" %h %p"),
		host("hangs", "ProxyCommand "+hangs),
		host("stubborn", "ProxyCommand "+stubborn))
	return l
}

// TestRealSSHCancelRunning shows that no process is left when the context ends while
// the command runs, however many ssh needs to get there.
func TestRealSSHCancelRunning(t *testing.T) {
	t.Parallel()
	l := proxyLab(t)
	for _, name := range []string{"m1", "jump", "command"} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := command(ctx, t, l.server(t, bbb.SSH{}, name), []string{"echo begun; sleep 600"})
		require.NotEmpty(t, l.clients(), "there is something to be left")
		cancel()
		assert.ErrorIs(t, sshError(t, await(t, ended), name), context.Canceled)
		assertNobody(t, l)
	}
}

// TestRealSSHCancelConnecting shows the same while ssh waits for a proxy, also for one
// that does not end when it is asked to.
func TestRealSSHCancelConnecting(t *testing.T) {
	t.Parallel()
	l := proxyLab(t)
	for _, name := range []string{"hangs", "stubborn"} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		s := l.server(t, bbb.SSH{ConnectTimeout: patience}, name)
		go func() {
			_, err := s.SSHCommand(ctx, []string{"true"}, nil)
			ended <- err
		}()
		eventually(t, "the proxy runs", func() bool {
			return len(procs(func(p osProc) bool { return strings.HasPrefix(p.command, "/bin/sh "+l.path(name)) })) > 0
		})
		cancel()
		assert.ErrorIs(t, sshError(t, await(t, ended), name), context.Canceled)
		assertNobody(t, l)
	}
}

// TestRealSSHDeadline shows that a command which takes too long, and one whose input
// never comes, end with their context.
func TestRealSSHDeadline(t *testing.T) {
	t.Parallel()
	l := newLab(t, "m1")
	s := l.server(t, bbb.SSH{}, "m1")
	r, w := io.Pipe()
	t.Cleanup(func() { _ = w.Close() })
	for argv, stdin := range map[string]io.Reader{"sleep 600": nil, "cat": r} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := s.SSHCommand(ctx, []string{argv}, stdin)
		cancel()
		assert.ErrorIs(t, sshError(t, err, "m1"), context.DeadlineExceeded, argv)
		assert.NotErrorIs(t, err, bbb.ErrSSH, "ssh did not fail, it was ended")
		assertNobody(t, l)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.SSHCommand(ctx, []string{"true"}, nil)
	assert.ErrorIs(t, sshError(t, err, "m1"), context.Canceled, "before it began")
}

// TestRealSSHClose shows that closing a group ends its commands.
func TestRealSSHClose(t *testing.T) {
	t.Parallel()
	l := newLab(t, "m1")
	s := l.server(t, bbb.SSH{}, "m1")
	ended := command(t.Context(), t, s, []string{"echo begun; sleep 600"})
	closeNow(t, s.Group())
	assert.ErrorIs(t, sshError(t, await(t, ended), "m1"), bbb.ErrClosed)
	assertNobody(t, l)
	_, err := s.SSHCommand(t.Context(), []string{"true"}, nil)
	assert.ErrorIs(t, noted(t, err), bbb.ErrClosed)
}

// assertNobody shows that no ssh of the lab, nor anything that it started, runs. What a
// proxy started is not ours to wait for: it was sent the signal, and may still be at it.
func assertNobody(t testing.TB, l *lab) {
	t.Helper()
	for _, p := range l.clients() {
		assert.NotEqual(t, os.Getpid(), p.parent, "a child is left: %s", p.command)
	}
	eventually(t, "nobody is left", func() bool { return len(l.clients()) == 0 })
}

// refusing returns a port where connections are refused: it is taken, and nobody
// listens.
func refusing(t testing.TB) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, syscall.Close(fd)) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	at, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	return at.(*syscall.SockaddrInet4).Port
}

// silent returns a port where connections are accepted, and nothing is ever said.
func silent(t testing.TB) int {
	t.Helper()
	return serve(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
}

// serve runs f for every connection to the port that it returns, until the end of the
// test, which closes them.
func serve(t testing.TB, f func(net.Conn)) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var (
		running sync.WaitGroup
		mu      sync.Mutex // protects conns
		conns   []net.Conn
	)
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			running.Go(func() {
				defer func() { _ = conn.Close() }()
				f(conn)
			})
		}
	})
	t.Cleanup(func() {
		assert.NoError(t, l.Close())
		mu.Lock()
		for _, conn := range conns {
			_ = conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port
}

// wire is a way to a port that can be cut without either end being told.
type wire struct {
	port  int
	isCut atomic.Bool
}

func newWire(t testing.TB, to int) *wire {
	t.Helper()
	w := new(wire)
	w.port = serve(t, func(near net.Conn) {
		far, err := new(net.Dialer).Dial("tcp", "127.0.0.1:"+strconv.Itoa(to))
		if err != nil {
			return
		}
		back := after(func() {
			w.pass(far, near)
			_ = near.Close()
		})
		w.pass(near, far)
		_ = far.Close()
		<-back
	})
	return w
}

// pass carries bytes to the end of from, and loses them when the wire is cut.
func (w *wire) pass(from, to net.Conn) {
	for buf := make([]byte, 32<<10); ; {
		n, err := from.Read(buf)
		if !w.isCut.Load() {
			_, _ = to.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

func (w *wire) cut() { w.isCut.Store(true) }
