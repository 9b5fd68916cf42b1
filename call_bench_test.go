package bbb_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// BenchmarkCall is one small call to a server on the loopback that answers at once, beside the limit:
// the bare transport, and nothing made of what comes.
func BenchmarkCall(b *testing.B) {
	address := listServer(b, 0, 0, 0)
	b.Run("limit", func(b *testing.B) {
		transport := &http.Transport{MaxIdleConnsPerHost: 64}
		defer transport.CloseIdleConnections()
		buf := make([]byte, 64<<10)
		b.ReportAllocs()
		for b.Loop() {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+address+"/bigbluebutton/api/isMeetingRunning?meetingID=room-1&checksum=0", nil)
			if err != nil {
				b.Fatal(err)
			}
			resp, err := transport.RoundTrip(req)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, buf); err != nil {
				b.Fatal(err)
			}
			if err := resp.Body.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("server", func(b *testing.B) {
		g, err := bbb.NewGroup("benchmark", bbb.WithTimeout(bbb.DefaultConnectTimeout, time.Minute))
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = g.Close(context.Background()) }()
		s, err := g.New("bbb", "http://"+address, "secret")
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.IsMeetingRunning(b.Context(), "room-1"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// stillTransport answers every request with the same body, without a connection.
type stillTransport string

func (body stillTransport) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(string(body)))}, nil
}

// What a call costs beside the transport is a part of every answer.
func TestCallAllocations(t *testing.T) {
	if raceDetector {
		return
	}
	g, err := bbb.NewGroup("school", bbb.WithTransport(stillTransport("<response><returncode>SUCCESS</returncode><running>true</running></response>")))
	require.NoError(t, err)
	s, err := g.New("bbb1", "bbb1.example.org", "a secret of this test")
	require.NoError(t, err)
	assert.LessOrEqual(t, testing.AllocsPerRun(200, func() {
		if running, err := s.IsMeetingRunning(t.Context(), "room-1"); err != nil || !running {
			t.Error(running, err)
		}
	}), 22.0)
	require.NoError(t, g.Close(context.Background()))
}
