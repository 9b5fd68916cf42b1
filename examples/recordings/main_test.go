package main

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestRunOnEmbeddedServers(t *testing.T) {
	t.Parallel()
	for range 2 {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), env(nil), &out))
		assert.Contains(t, out.String(), "page 1 of 12 recordings")
		assert.Contains(t, out.String(), `found by its topic "optics"`)
		assert.Contains(t, out.String(), "captions uploaded")
		assert.Contains(t, out.String(), "published again, all but no-such-recording")
		assert.Contains(t, out.String(), "4 recordings, all deleted; 8 of others are left")
	}
}

// Nothing is changed on real servers, and one that fails is named.
func TestRunOnGivenServersOnlyReads(t *testing.T) {
	t.Parallel()
	a, b := bbbtest.Start(t, bbbtest.WithSecret("first-secret")), bbbtest.Start(t, bbbtest.WithSecret("second-secret"))
	a.AddRecording(bbbtest.Recording{MeetingID: "room"})
	b.Inject(bbbtest.Fault{Call: "getRecordings", Status: 500})
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), env(map[string]string{
		"BBB_SERVERS": fmt.Sprintf(" a=%s,first-secret ; b=%s,second-secret;;  ;", a.URL(), b.URL()),
	}), &out))
	assert.Contains(t, out.String(), "without those of b")
	assert.Contains(t, out.String(), "page 1 of 1 recordings")
	assert.Equal(t, len(a.Requests()), a.Count("getRecordings"))

	err := run(t.Context(), env(map[string]string{"BBB_URL": a.URL(), "BBB_SECRET": "wrong-secret"}), &out)
	require.ErrorContains(t, err, "checksumError")
	assert.NotContains(t, err.Error(), "wrong-secret")
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	for _, vars := range []map[string]string{
		{"BBB_SERVERS": "https://a.example.org,very-secret"},
		{"BBB_SERVERS": "a=ftp://a.example.org,very-secret"},
		{"BBB_URL": "https://a.example.org"},
	} {
		err := run(t.Context(), env(vars), new(bytes.Buffer))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "very-secret")
	}
}
