package main

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestRunOnEmbeddedServers(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, env(nil), &out))
	for _, line := range []string{
		`berlin +8 +0\.10 .* 10\.0 +0\.0 +0\.0 +25\.0 .* sadf +1\.00`,
		`vienna +8 +2\.4\d .* 95\.0 +3\.5 +0\.0 +75\.0 .* sadf +0\.10  CPU at 0\.95.*`,
		`lisbon +4 +0\.7\d .* +34\.0 .* proc +\d\.\d\d  .*sadf.*`,
		`athens +ssh failed: .*Connection refused`,
		`\d\d:\d\d:\d\d  3 of 4 machines answered`, `PLACEMENT +factor .*`,
	} {
		assert.Regexp(t, `(?m)^`+line+`$`, out.String())
	}
}

// The table comes again and again until somebody has seen enough, which is no error.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 35*time.Second)
		defer stop()
		var out bytes.Buffer
		require.NoError(t, run(ctx, []string{"-watch"}, env(nil), &out))
		assert.Equal(t, 4, bytes.Count(out.Bytes(), []byte("\nberlin "))) // after 0, 10, 20 and 30 seconds
	})
}

// Who ends it while it reads gets no half a table.
func TestEndWhileReading(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out bytes.Buffer
	require.NoError(t, run(ctx, []string{"-watch"}, env(nil), &out))
	require.ErrorIs(t, run(ctx, nil, env(nil), &out), context.Canceled)
	assert.NotContains(t, out.String(), "CPU%")
}

func TestScript(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-script"}, env(nil), &out))
	assert.Contains(t, out.String(), "sadf -j")
}

func TestSettings(t *testing.T) {
	t.Parallel()
	require.NoError(t, run(t.Context(), []string{"-h"}, env(nil), io.Discard))
	for _, args := range [][]string{
		{"-no-such-flag"}, {"-interval", "10ms"}, {"-timeout", "0"}, {"-port", "70000", "a"}, {"-user", "-oProxyCommand=x", "a"},
		{"a", "a"}, {"--", "-oProxyCommand=x"}, {"-local", "a"},
	} {
		assert.Error(t, run(t.Context(), args, env(nil), io.Discard), "%v", args)
	}
	require.ErrorContains(t, run(t.Context(), []string{"a", "-watch"}, env(nil), io.Discard), "flags come before the hosts: -watch")
	for _, vars := range []map[string]string{
		{"BBB_SERVERS": "https://a.example.org,very-secret"},
		{"BBB_SERVERS": "a=ftp://a.example.org,very-secret"},
		{"BBB_URL": "https://a.example.org"},
	} {
		err := run(t.Context(), nil, env(vars), io.Discard)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "very-secret")
	}
}
