package bbb_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeServer is a server of the package in front of a fake without a socket.
func fakeServer(t *testing.T, fake *bbbtest.Server, opts ...bbb.ServerOption) *bbb.Server {
	t.Helper()
	return wireServerAt(t, wireGroup(t), fake.URL(), fake.Secret(), bbbtest.NetworkOf(fake), opts...)
}

func TestRequestTimeoutIsKeptToTheInstant(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]bbbtest.Fault{
		"hangs":               {Hang: true},
		"hangs when done":     {Hang: true, Processed: true},
		"slow":                {Latency: time.Hour},
		"slow by a bit":       {Latency: 3*time.Second + time.Millisecond},
		"slow body, flooding": {Flood: 1 << 40, Latency: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := bbbtest.New()
				fake.Inject(fault)
				s := fakeServer(t, fake, bbb.WithTimeout(time.Second, 3*time.Second))
				start := time.Now()
				_, err := s.Meetings(t.Context())
				assert.Equal(t, 3*time.Second, time.Since(start))
				requireError(t, err, "getMeetings", 0)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.NotErrorIs(t, err, context.Canceled)
				require.NotErrorIs(t, err, bbb.ErrBadAnswer, "nothing came that could be bad")
				assert.ErrorContains(t, err, "no complete answer within 3s")
			})
		})
	}
}

// The time-out covers the body to its last byte: a server that trickles cannot
// hold a call for ever.
func TestTimeoutCoversTheBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := wireServer(t, roundTripFunc(func(r *http.Request) (*http.Response, error) {
			body, w := io.Pipe()
			go func() {
				defer w.Close()
				for {
					select {
					case <-r.Context().Done():
						w.CloseWithError(r.Context().Err())
						return
					case <-time.After(time.Second):
						if _, err := io.WriteString(w, " "); err != nil {
							return
						}
					}
				}
			}()
			return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: -1, Body: body, Request: r}, nil
		}))
		start := time.Now()
		_, err := s.Meetings(t.Context())
		assert.Equal(t, bbb.DefaultRequestTimeout, time.Since(start))
		requireError(t, err, "getMeetings", 200)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestSlowIsNotTooSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := bbbtest.New()
		fake.Inject(bbbtest.Fault{Latency: bbb.DefaultRequestTimeout - time.Millisecond})
		s := fakeServer(t, fake)
		_, err := s.Meetings(t.Context())
		require.NoError(t, err)
	})
}

func TestCallersDeadlineAndCancel(t *testing.T) {
	t.Parallel()
	mine := errors.New("the user closed the page")
	for name, c := range map[string]struct {
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		want []error
		not  error
		text string
	}{
		"deadline": {
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Second)
			},
			want: []error{context.DeadlineExceeded}, not: context.Canceled, text: "context deadline exceeded",
		},
		"deadline with a cause": {
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeoutCause(ctx, time.Second, mine)
			},
			want: []error{context.DeadlineExceeded, mine}, not: context.Canceled, text: "the user closed the page",
		},
		"cancel": {
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Second, cancel)
				return ctx, cancel
			},
			want: []error{context.Canceled}, not: context.DeadlineExceeded, text: "context canceled",
		},
		"cancel with a cause": {
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(time.Second, func() { cancel(mine) })
				return ctx, func() { cancel(nil) }
			},
			want: []error{context.Canceled, mine}, not: context.DeadlineExceeded, text: "the user closed the page",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := bbbtest.New()
				fake.Inject(bbbtest.Fault{Hang: true})
				s := fakeServer(t, fake)
				ctx, cancel := c.ctx(t.Context())
				defer cancel()
				start := time.Now()
				_, err := s.Meetings(ctx)
				assert.Equal(t, time.Second, time.Since(start))
				requireError(t, err, "getMeetings", 0)
				for _, want := range c.want {
					require.ErrorIs(t, err, want)
				}
				require.NotErrorIs(t, err, c.not)
				assert.ErrorContains(t, err, c.text)
			})
		})
	}
}

func TestRefusedAndUnknownHosts(t *testing.T) {
	t.Parallel()
	fake := bbbtest.New()
	fake.SetDown(true)
	_, err := fakeServer(t, fake).Meetings(t.Context())
	requireError(t, err, "getMeetings", 0)
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	assert.Equal(t, "dial", op.Op)

	s := wireServer(t, bbbtest.NetworkOf(fake))
	_, err = s.Meetings(t.Context())
	requireError(t, err, "getMeetings", 0)
	var dns *net.DNSError
	require.ErrorAs(t, err, &dns)
	assert.True(t, dns.IsNotFound)
}

// Over sockets, with nothing in between: a port that nobody listens on.
func TestRefusedOverASocket(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	_, err = wireServerAt(t, wireGroup(t), "http://"+addr, wireSecret, nil).Meetings(t.Context())
	requireError(t, err, "getMeetings", 0)
	assert.ErrorContains(t, err, "connection refused")
	assert.NotErrorIs(t, err, context.DeadlineExceeded)
}

func TestClosedGroupRefusesCalls(t *testing.T) {
	t.Parallel()
	fake := bbbtest.New()
	s := fakeServer(t, fake)
	require.NoError(t, s.Group().Close(t.Context()))
	_, err := s.Meetings(t.Context())
	require.ErrorIs(t, err, bbb.ErrClosed)
	_, err = s.Call(t.Context(), "getMeetings", nil)
	require.ErrorIs(t, err, bbb.ErrClosed)
	assert.Zero(t, fake.Count("getMeetings"))
}

// A call that Close has to end is ended by us, not by the server.
func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := bbbtest.New()
		fake.Inject(bbbtest.Fault{Hang: true})
		s := fakeServer(t, fake, bbb.WithTimeout(time.Second, time.Hour))
		done := make(chan error)
		go func() { _, err := s.Meetings(context.Background()); done <- err }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		closed := make(chan error)
		go func() { closed <- s.Group().Close(ctx) }()
		err := <-done
		require.ErrorIs(t, err, bbb.ErrClosed)
		require.NotErrorIs(t, err, context.Canceled, "nobody cancelled")
		require.ErrorIs(t, <-closed, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(start))
	})
}
