package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

// output may be read while it is written.
type output struct {
	mu  sync.Mutex // protects buf
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestRunOnEmbeddedServers(t *testing.T) {
	t.Parallel()
	out := new(output)
	require.NoError(t, run(t.Context(), env(nil), out))
	for _, text := range []string{"on bbb-2.7", "on bbb-3.0"} {
		assert.Contains(t, out.String(), text)
	}
	for _, id := range []string{"physics", "algebra"} {
		assert.Regexp(t, `bbb-[23]\.[07]: Ada joined `+id, out.String())
		assert.Contains(t, out.String(), id+" has ended")
		assert.Contains(t, out.String(), "a recording of "+id+" is ready")
		assert.Contains(t, out.String(), "attendees of "+id+": 1")
	}
	assert.Contains(t, out.String(), "meeting-created")
	assert.Contains(t, out.String(), "meeting-ended")
}

func TestRunOnAGivenServer(t *testing.T) {
	t.Parallel()
	f := bbbtest.Start(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, done := new(output), make(chan error)
	go func() {
		done <- run(ctx, env(map[string]string{"BBB_URL": f.URL(), "BBB_SECRET": f.Secret(), "LISTEN": "127.0.0.1:0"}), out)
	}()
	// The server has the hook before the program knows, and to interrupt that is a failure.
	require.Eventually(t, func() bool { return strings.Contains(out.String(), " on bbb\n") }, 10*time.Second, time.Millisecond)
	require.Len(t, f.Hooks(), 1)
	f.Emit(bbbtest.Event{ID: "chat-group-message-sent", MeetingID: "physics", Attributes: map[string]any{
		"chat-message": map[string]any{"message": "Hello", "sender": map[string]any{"name": "Ada"}},
	}})
	require.NoError(t, f.WaitCallbacks(t.Context()))
	stop()
	require.NoError(t, <-done)
	assert.Contains(t, out.String(), `bbb: Ada says "Hello"`)
	assert.Empty(t, f.Hooks(), "nothing is left behind")
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	for _, vars := range []map[string]string{
		{"BBB_URL": "https://bbb.example.org"},
		{"BBB_URL": "https://bbb.example.org", "BBB_SECRET": "very-secret", "LISTEN": "nowhere"},
		{"BBB_URL": "https://bbb.example.org", "BBB_SECRET": "very-secret", "LISTEN": "127.0.0.1:0", "PUBLIC_URL": "nothing"},
		{"BBB_URL": "http://127.0.0.1:1", "BBB_SECRET": "very-secret", "LISTEN": "127.0.0.1:0"},
	} {
		err := run(t.Context(), env(vars), new(output))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "very-secret")
	}
}
