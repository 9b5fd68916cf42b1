//go:build integration

package rediscache_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// server is a real redis-server or valkey-server on a loopback port of its own, with a
// directory of its own. It is stopped by its process ID.
type server struct {
	t       testing.TB
	program string
	dir     string
	port    string
	args    []string
	cmd     *exec.Cmd
}

// programs are the servers that the tests run on: all that there are, one at least. The
// part redis of .ci/run says which have to be there.
func programs(t testing.TB) []string {
	t.Helper()
	var found []string
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			found = append(found, path)
		}
	}
	require.NotEmpty(t, found, "there is neither redis-server nor valkey-server: .ci/run redis installs one")
	return found
}

// onEach runs a test on each of the programs.
func onEach(t *testing.T, f func(t *testing.T, program string)) {
	for _, program := range programs(t) {
		t.Run(filepath.Base(program), func(t *testing.T) {
			t.Parallel()
			f(t, program)
		})
	}
}

// startServer starts a server that writes every change to its disk.
func startServer(t testing.TB, program string, args ...string) *server {
	t.Helper()
	s := &server{t: t, program: program, dir: t.TempDir(), args: args}
	// Another program may take the port before the server does; then there is a next one.
	for range 20 {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		_, s.port, err = net.SplitHostPort(l.Addr().String())
		require.NoError(t, err)
		require.NoError(t, l.Close())
		if s.start() {
			t.Cleanup(s.kill)
			return s
		}
	}
	s.fail("the server does not start")
	return nil
}

func (s *server) addr() string { return net.JoinHostPort("127.0.0.1", s.port) }

func (s *server) url() string { return "redis://" + s.addr() }

// start reports false when the server ended before it answered.
func (s *server) start() bool {
	s.t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(s.t, err)
	s.cmd = exec.CommandContext(context.Background(), s.program, append([]string{
		"--port", s.port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always",
	}, s.args...)...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	require.NoError(s.t, s.cmd.Start())
	require.NoError(s.t, log.Close())
	ended := make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(ended) }()
	client := redis.NewClient(&redis.Options{Addr: s.addr(), MaxRetries: -1})
	defer func() { require.NoError(s.t, client.Close()) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(time.Minute); ; {
		// One with a password answers that it wants it.
		err := client.Ping(s.t.Context()).Err()
		if reply, ok := errors.AsType[redis.Error](err); err == nil || ok && redis.HasErrorPrefix(reply, "NOAUTH") {
			return true
		}
		select {
		case <-ended:
			return false
		case <-limit:
			s.fail("the server does not answer")
		case <-tick.C:
		}
	}
}

func (s *server) fail(what string) {
	s.t.Helper()
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	require.FailNow(s.t, what, "%s", text)
}

// kill ends the server at once, and waits until it has gone.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); {
		conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", s.addr())
		if err != nil {
			return
		}
		_ = conn.Close()
	}
	assert.Fail(s.t, "the server was not stopped")
}

// restart kills the server and starts it again on the same port, with its data or
// without.
func (s *server) restart(lose bool) {
	s.t.Helper()
	s.kill()
	if lose {
		s.lose()
	}
	s.again()
}

// lose deletes the data of a server that is not running.
func (s *server) lose() {
	s.t.Helper()
	require.NoError(s.t, os.RemoveAll(filepath.Join(s.dir, "appendonlydir")))
}

// again starts a server that was killed.
func (s *server) again() {
	s.t.Helper()
	for range 20 { // the port may be taken for a moment by the connections that end
		if s.start() {
			return
		}
	}
	s.fail("the server does not start again")
}

// freeze stops the process, so that it is there and does not answer.
func (s *server) freeze(yes bool) {
	s.t.Helper()
	sig := syscall.SIGCONT
	if yes {
		sig = syscall.SIGSTOP
	}
	require.NoError(s.t, s.cmd.Process.Signal(sig))
}

func (s *server) client() *redis.Client {
	s.t.Helper()
	client := redis.NewClient(&redis.Options{Addr: s.addr(), ContextTimeoutEnabled: true})
	s.t.Cleanup(func() { assert.NoError(s.t, client.Close()) })
	return client
}

// eventually waits until f is true.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	limit := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-limit:
			require.FailNow(t, "never: "+what)
		}
	}
}
