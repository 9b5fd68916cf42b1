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

// Twice in a row, as somebody who tries it out does.
func TestRunOnEmbeddedServers(t *testing.T) {
	t.Parallel()
	for range 2 {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), env(nil), &out))
		for _, lesson := range lessons {
			assert.Regexp(t, lesson.name+` +has ended`, out.String())
		}
		assert.Contains(t, out.String(), "Marie, Albert, Lise")
		assert.Contains(t, out.String(), "3 meetings from 3 servers")
	}
}

func TestRunOnGivenServers(t *testing.T) {
	t.Parallel()
	a, b := bbbtest.Start(t, bbbtest.WithSecret("first-secret")), bbbtest.Start(t, bbbtest.WithSecret("second-secret"))
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), env(map[string]string{
		"BBB_SERVERS": fmt.Sprintf(" a=%s,first-secret ; b=%s,second-secret;", a.URL(), b.URL()),
	}), &out))
	assert.Equal(t, 3, a.Count("create")+b.Count("create"))
	assert.Equal(t, 3, a.Count("end")+b.Count("end"), "nothing is left behind")
	assert.NotContains(t, out.String(), "-secret")

	require.NoError(t, run(t.Context(), env(map[string]string{"BBB_URL": a.URL(), "BBB_SECRET": "first-secret"}), &out))
}

// What goes wrong in the middle leaves no meeting behind, and says what it was.
func TestRunCleansUp(t *testing.T) {
	t.Parallel()
	a := bbbtest.Start(t)
	a.Inject(bbbtest.Fault{Call: "join", Status: 500})
	var out bytes.Buffer
	err := run(t.Context(), env(map[string]string{"BBB_URL": a.URL(), "BBB_SECRET": a.Secret()}), &out)
	require.ErrorContains(t, err, "join on bbb: HTTP 500")
	assert.Equal(t, 3, a.Count("end"))
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	for _, vars := range []map[string]string{
		{"BBB_SERVERS": "https://a.example.org,very-secret"},
		{"BBB_SERVERS": "a=https://a.example.org very-secret"},
		{"BBB_SERVERS": "a=ftp://a.example.org,very-secret"},
		{"BBB_SERVERS": "a=https://a.example.org,very-secret;a=https://b.example.org,very-secret"},
		{"BBB_URL": "https://a.example.org"},
	} {
		err := run(t.Context(), env(vars), &bytes.Buffer{})
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "very-secret")
	}
}
