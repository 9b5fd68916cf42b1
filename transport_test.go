package bbb

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A connection that is made anew costs no certificates: not for the next list, and not for a join,
// which has a connection of its own each time. All calls speak HTTP/1.1, also with servers that could do
// more.
func TestConnectionsResumeTheirSession(t *testing.T) {
	t.Parallel()
	states := make(chan *tls.ConnectionState, 1)
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "HTTP/1.1", r.Proto)
		states <- r.TLS
		_, _ = w.Write([]byte("<response><returncode>SUCCESS</returncode></response>"))
	}))
	web.EnableHTTP2 = true
	web.StartTLS()
	t.Cleanup(web.Close)
	g, err := NewGroup("internal", WithTimeout(time.Minute, time.Minute))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	g.transport.TLSClientConfig.RootCAs = roots
	g.onceTransport = newOnceTransport(g.transport)
	s, err := g.New("bbb1", web.URL, "secret")
	require.NoError(t, err)
	list := func() *tls.ConnectionState {
		_, err := s.Meetings(t.Context())
		require.NoError(t, err)
		return <-states
	}
	assert.False(t, list().DidResume)
	assert.False(t, list().DidResume, "the same connection")
	g.transport.CloseIdleConnections()
	assert.True(t, list().DidResume)
	for range 2 {
		_, _ = s.Join(t.Context(), JoinParams{MeetingID: "physics", FullName: "Ada", Role: RoleViewer})
		assert.True(t, (<-states).DidResume)
	}
	require.NoError(t, g.Close(context.Background()))
}
