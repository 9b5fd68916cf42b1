package bbb

import (
	"context"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fullListener returns the address of a listener whose queue is full: the kernel
// answers no further connection, as a machine does that is gone.
func fullListener(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, syscall.Listen(fd, 0))
	bound, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	addr := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: bound.(*syscall.SockaddrInet4).Port}).String()
	dialer := net.Dialer{Timeout: time.Second} // one that only was not soon enough proves nothing
	for range 16 {
		conn, err := dialer.DialContext(t.Context(), "tcp", addr)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	if os.Getenv("CI") != "" {
		t.Fatal("this system queues connections without end: nothing tests the time to connect")
	}
	t.Skip("this system queues connections without end")
	return ""
}

// The time to connect is short by default because one dead server of fifty
// shall not hold up a list. The transport is shared by servers with different
// times, so each request brings its own.
func TestConnectTimeoutOfEachServer(t *testing.T) {
	t.Parallel()
	addr := fullListener(t)
	g, err := NewGroup("internal", WithTimeout(50*time.Millisecond, time.Minute))
	require.NoError(t, err)
	s, err := g.New("bbb1", "http://"+addr, "secret")
	require.NoError(t, err)
	_, err = s.Meetings(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "no connection within 50ms")
	assert.True(t, unreachable(err), err)
	assert.Positive(t, s.Health().Failures)
}

// The deadline of the caller may be shorter still. Then it is the caller who
// gave up, and the server is not blamed.
func TestCallersDeadlineWhileConnecting(t *testing.T) {
	t.Parallel()
	g, err := NewGroup("internal", WithTimeout(time.Minute, time.Hour))
	require.NoError(t, err)
	s, err := g.New("bbb1", "http://"+fullListener(t), "secret")
	require.NoError(t, err)
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		_, err = s.Meetings(ctx)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotContains(t, err.Error(), "no connection within")
		require.Zero(t, s.Health().Failures, err)
	}
}
