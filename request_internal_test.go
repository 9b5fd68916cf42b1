package bbb

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func internalServer(t *testing.T, fake *bbbtest.Server, opts ...ServerOption) *Server {
	t.Helper()
	g, err := NewGroup("internal")
	require.NoError(t, err)
	t.Cleanup(func() { _ = g.Close(context.Background()) })
	s, err := g.New("bbb1", fake.URL(), fake.Secret(), append([]ServerOption{WithTransport(fake.Transport())}, opts...)...)
	require.NoError(t, err)
	return s
}

// What the caller did says nothing about the server; what the server did does.
func TestHealthLearnsFromTheServerOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault    bbbtest.Fault
		ctx      func(context.Context) (context.Context, context.CancelFunc)
		failures int
	}{
		"answers":          {},
		"says no":          {fault: bbbtest.Fault{Body: "<response><returncode>FAILED</returncode><messageKey>notFound</messageKey></response>"}},
		"time-out of ours": {fault: bbbtest.Fault{Hang: true}, failures: 1},
		"refused":          {fault: bbbtest.Fault{Refuse: true}, failures: 1},
		"error page":       {fault: bbbtest.Fault{HTML: true}, failures: 1},
		"cut off":          {fault: bbbtest.Fault{CutBody: 7}, failures: 1},
		"unknown call":     {fault: bbbtest.Fault{Status: 404}, failures: 1},
		"caller's deadline": {
			fault: bbbtest.Fault{Hang: true},
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Millisecond)
			},
		},
		"caller's cancel": {
			fault: bbbtest.Fault{Hang: true},
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Millisecond, cancel)
				return ctx, cancel
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := bbbtest.New()
				s := internalServer(t, fake)
				if c.fault.Body != "" || c.fault.Hang || c.fault.Refuse || c.fault.HTML || c.fault.CutBody != 0 || c.fault.Status != 0 {
					fake.Inject(c.fault)
				}
				ctx, cancel := context.WithCancel(t.Context())
				if c.ctx != nil {
					ctx, cancel = c.ctx(t.Context())
				}
				defer cancel()
				_, _ = s.IsMeetingRunning(ctx, "room")
				assert.Equal(t, c.failures, s.Health().Failures)
				assert.Equal(t, c.failures == 0, s.Health().Failures == 0)

				if c.failures > 0 {
					fake.ClearFaults()
					_, err := s.IsMeetingRunning(t.Context(), "room")
					require.NoError(t, err)
					assert.Zero(t, s.Health().Failures, "one answer makes up for it")
				}
			})
		})
	}
}

// A list of recordings that took too long three times made its server offline, and the
// meetings on it were created a second time elsewhere. So only the calls about meetings
// count, and whether there is a connection at all.
func TestOtherCallsReleaseNoMeetings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault    bbbtest.Fault
		call     string
		failures int
	}{
		"recordings that take too long":    {bbbtest.Fault{Hang: true}, callGetRecordings, 0},
		"an error page instead":            {bbbtest.Fault{Status: 500}, callGetRecordings, 0},
		"a document that is too large":     {bbbtest.Fault{Status: 413}, callInsertDocument, 0},
		"broken off":                       {bbbtest.Fault{Drop: true}, callInsertDocument, 0},
		"no connection":                    {bbbtest.Fault{Refuse: true}, callGetRecordings, 3},
		"meetings that take too long":      {bbbtest.Fault{Hang: true}, callGetMeetings, 3},
		"an error page for meetings":       {bbbtest.Fault{Status: 502}, callGetMeetingInfo, 3},
		"meetings that are not for us":     {bbbtest.Fault{Status: 403}, callGetMeetings, 3},
		"a server without the call":        {bbbtest.Fault{Status: 404}, callEnd, 3},
		"too many questions":               {bbbtest.Fault{Status: 429}, callGetMeetings, 0},
		"a question that is too long":      {bbbtest.Fault{Status: 414}, callIsMeetingRunning, 0},
		"a balancer that knows not":        {bbbtest.Fault{Status: 400, Body: failedWith("unsupportedRequest")}, callGetMeetings, 3},
		"a balancer whose servers fail":    {bbbtest.Fault{Status: 400, Body: failedWith(keyInternalError)}, callGetMeetings, 3},
		"a balancer whose recordings fail": {bbbtest.Fault{Body: failedWith(keyInternalError)}, callGetRecordings, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, err := NewGroup("internal")
				require.NoError(t, err)
				t.Cleanup(func() { _ = g.Close(context.Background()) })
				var first *Server
				fakes := []*bbbtest.Server{bbbtest.New(), bbbtest.New(), bbbtest.New()}
				for i, f := range fakes {
					s, err := g.New(fmt.Sprint("bbb", i), f.URL(), f.Secret(), WithTransport(f.Transport()))
					require.NoError(t, err)
					if first == nil {
						first = s
					}
				}
				require.NoError(t, g.Refresh(t.Context()))
				c.fault.Call = c.call
				fakes[0].Inject(c.fault)
				for range 3 {
					_, err := first.Call(t.Context(), c.call, url.Values{"meetingID": {"physics"}})
					require.Error(t, err)
				}
				assert.Equal(t, c.failures, first.Health().Failures)
				assert.Equal(t, c.failures == 3, first.health.offline())
			})
		})
	}
}

func failedWith(key string) string {
	return "<response><returncode>FAILED</returncode><messageKey>" + key + "</messageKey></response>"
}

// Only what is certain counts: a create that may have been carried out must not
// be sent to another server.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"refused":           {refused, true},
		"wrapped":           {&Error{Call: "create", Err: fmt.Errorf("x: %w", &url.Error{Op: "Post", Err: refused})}, true},
		"unknown host":      {&net.DNSError{Err: "no such host", IsNotFound: true}, true},
		"dead proxy":        {&net.OpError{Op: "proxyconnect", Net: "tcp", Err: refused}, true},
		"bad certificate":   {&tls.CertificateVerificationError{Err: errors.New("expired")}, true},
		"reset":             {&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}, false},
		"broken while sent": {&net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}, false},
		"closed":            {io.EOF, false},
		"cut off":           {io.ErrUnexpectedEOF, false},
		"time-out":          {context.DeadlineExceeded, false},
		"FAILED":            {&Error{Call: "create", Key: "internalError"}, false},
		"error page":        {&Error{Call: "create", StatusCode: 502, Err: ErrBadAnswer}, false},
	} {
		assert.Equal(t, c.want, unreachable(c.err), name)
	}
}

func TestRefusedIsUnreachable(t *testing.T) {
	t.Parallel()
	fake := bbbtest.New()
	s := internalServer(t, fake)
	fake.SetDown(true)
	_, err := s.Meetings(t.Context())
	assert.True(t, unreachable(err), err)
	fake.SetDown(false)
	fake.Inject(bbbtest.Fault{Drop: true})
	_, err = s.Meetings(t.Context())
	assert.False(t, unreachable(err), err)
}

// A server whose certificate has expired never saw the request.
func TestUntrustedCertificateIsUnreachable(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{}, 1)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- struct{}{} }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	g, err := NewGroup("internal", WithTimeout(time.Minute, time.Minute))
	require.NoError(t, err)
	s, err := g.New("bbb1", srv.URL, "secret")
	require.NoError(t, err)
	_, err = s.Meetings(t.Context())
	require.ErrorContains(t, err, "certificate")
	assert.True(t, unreachable(err))
	assert.Empty(t, reached)
}
