package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// flood is a body without end that counts what was taken of it.
type flood struct {
	b      byte
	taken  atomic.Int64
	closed atomic.Bool
}

func (f *flood) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = f.b
	}
	f.taken.Add(int64(len(p)))
	return len(p), nil
}

func (f *flood) Close() error {
	f.closed.Store(true)
	return nil
}

// A server that was taken over, or a wrong URL, may send for ever. The call ends
// at the limit, and so does the memory it takes.
func TestEndlessAnswerEndsAtTheLimit(t *testing.T) {
	t.Parallel()
	for _, b := range []byte{0, '<', ' ', 'x'} {
		body := &flood{b: b}
		err := getMeetings(t, streamed(http.Header{}, -1, body), bbb.WithAnswerLimit(1<<20))
		requireError(t, err, "getMeetings", 200)
		require.ErrorIs(t, err, bbb.ErrAnswerTooLarge)
		require.ErrorIs(t, err, bbb.ErrBadAnswer)
		assert.ErrorContains(t, err, "more than 1048576 bytes")
		assert.LessOrEqual(t, body.taken.Load(), int64(4<<20), "read on behind the limit")
		assert.True(t, body.closed.Load(), "the connection is given up")
	}
}

func TestHundredMegabytesOfZeros(t *testing.T) { // not parallel: it measures memory
	fake := bbbtest.New()
	fake.Inject(bbbtest.Fault{Flood: 100 << 20})
	s := wireServerAt(t, wireGroup(t), fake.URL(), fake.Secret(), fake.Transport(), bbb.WithAnswerLimit(1<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := s.Meetings(t.Context())
	runtime.ReadMemStats(&after)
	requireError(t, err, "getMeetings", 200)
	require.ErrorIs(t, err, bbb.ErrAnswerTooLarge)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(10<<20), "bytes allocated")
}

// A body that is announced as too large is not read at all; one that is
// announced as larger than it is, or as smaller, is not believed.
func TestAnnouncedLengthsAreNotBelieved(t *testing.T) {
	t.Parallel()
	body := &flood{}
	err := getMeetings(t, streamed(http.Header{}, 1<<40, body))
	require.ErrorIs(t, err, bbb.ErrAnswerTooLarge)
	assert.Zero(t, body.taken.Load())
	assert.True(t, body.closed.Load())

	for _, length := range []int64{1, 1 << 24, math.MaxInt64} {
		s := wireServer(t, streamed(http.Header{}, length, io.NopCloser(strings.NewReader(successAnswer))), bbb.WithAnswerLimit(math.MaxInt64))
		_, err := s.Meetings(t.Context())
		require.NoError(t, err, "announced as %d", length)
	}
}

func TestAnswerOfExactlyTheLimit(t *testing.T) {
	t.Parallel()
	n := int64(len(successAnswer))
	require.NoError(t, getMeetings(t, xmlAnswer(successAnswer), bbb.WithAnswerLimit(n)))
	err := getMeetings(t, xmlAnswer(successAnswer), bbb.WithAnswerLimit(n-1))
	require.ErrorIs(t, err, bbb.ErrAnswerTooLarge)
	require.NoError(t, getMeetings(t, xmlAnswer(successAnswer), bbb.WithAnswerLimit(math.MaxInt64)), "no limit")
}

// Over a real socket, the announced length and what comes may differ too.
func TestLyingServersOverASocket(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw  string
		want error
	}{
		"closes early":    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 500\r\n\r\n" + successAnswer, io.ErrUnexpectedEOF},
		"announces less":  {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 30\r\n\r\n" + successAnswer, bbb.ErrBadAnswer},
		"broken chunks":   {"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<resp\r\nzz\r\n", nil},
		"no HTTP":         {"SSH-2.0-OpenSSH_9.6\r\n", nil},
		"nothing":         {"", nil},
		"only the header": {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\n", io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wireServerAt(t, wireGroup(t), "http://"+rawListener(t, c.raw), wireSecret, nil)
			_, err := s.Meetings(t.Context())
			require.Error(t, err)
			var e *bbb.Error
			require.ErrorAs(t, err, &e)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
			assert.NotErrorIs(t, err, context.DeadlineExceeded)
			assert.NotContains(t, err.Error(), "checksum=")
			assert.True(t, strings.HasPrefix(err.Error(), "bbb: getMeetings on bbb1: "), err)
		})
	}
}

// rawListener answers every connection with the same bytes and closes it.
func rawListener(t *testing.T, raw string) (addr string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = fmt.Fprint(conn, raw)
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}
