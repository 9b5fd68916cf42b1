package main

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb"
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
		text := out.String()
		for _, line := range []string{
			`\* madrid  10\.000  load 1 \(0 meetings, 0 people, 0 expected\)`,
			`  athens .* disks 0\.25 \(slow disks for what is recorded\)`,
			`  boston .* machine 0\.6 \(CPU at 0\.70\)`,
			`\* vienna   7\.\d{3}  load .*`,
			`  madrid     out  .*refused`,
			`\* berlin   6\.\d{3}  load .*`,
			`  vienna .* labels 0\.25 \(lacks the preferred gpu\), load .*`,
			`  boston     out  labels: lacks region=eu`,
			`  lisbon     out  state: draining`,
			`  no server available:`,
			`    lisbon: state: draining`,
			`    boston: labels: lacks region=asia`,
			`  all +22 +147 +\d+ +`,
		} {
			assert.Regexp(t, `(?m)^`+line+`$`, text)
		}
		assert.Equal(t, 12, bytes.Count(out.Bytes(), []byte("■")))
	}
}

// Nothing is created on real servers, and one that fails is shown.
func TestRunOnGivenServersOnlyReads(t *testing.T) {
	t.Parallel()
	a, b := bbbtest.Start(t, bbbtest.WithSecret("first-secret")), bbbtest.Start(t, bbbtest.WithSecret("second-secret"))
	b.Inject(bbbtest.Fault{Status: 500})
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), env(map[string]string{
		"BBB_SERVERS": fmt.Sprintf(" a=%s,first-secret ; b=%s,second-secret;;  ;", a.URL(), b.URL()),
	}), &out))
	assert.Regexp(t, `(?m)^  a  10\.000 `, out.String())
	assert.Regexp(t, `(?m)^  b     out  state: unstable, .*HTTP 500`, out.String())
	assert.Equal(t, len(a.Requests()), a.Count("getMeetings"))
	assert.NotContains(t, out.String(), "-secret")

	err := run(t.Context(), env(map[string]string{"BBB_URL": a.URL(), "BBB_SECRET": "wrong-secret"}), &out)
	require.ErrorIs(t, err, bbb.ErrChecksum)
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
