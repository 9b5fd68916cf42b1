package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w := io.Pipe()
	done := make(chan error)
	go func() {
		done <- run(ctx, []string{"-addr", "127.0.0.1:0", "-secret", "S3", "-version", "2.7"}, w)
		_ = w.Close()
	}()
	var urls []string
	var all strings.Builder
	lines := bufio.NewScanner(r)
	for len(urls) < 2 && lines.Scan() {
		all.WriteString(lines.Text() + "\n")
		if url, ok := strings.CutPrefix(lines.Text(), "try: curl '"); ok {
			urls = append(urls, strings.TrimSuffix(url, "'"))
		}
	}
	assert.Contains(t, all.String(), "    URL: http://127.0.0.1:")
	assert.Contains(t, all.String(), "    Secret: S3\n")
	require.Len(t, urls, 2)

	rest := make(chan string)
	go func() {
		text, _ := io.ReadAll(r)
		rest <- string(text)
	}()
	for _, url := range urls {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		require.NoError(t, err)
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Contains(t, string(body), "<returncode>SUCCESS</returncode>")
		assert.Contains(t, string(body), "<meetingID>demo</meetingID>")
	}
	stop()
	require.NoError(t, <-done)
	log := <-rest
	assert.Contains(t, log, `GET /bigbluebutton/api/create meetingID="demo" name="Demo" -> 200`)
	assert.Contains(t, log, "GET /bigbluebutton/api/getMeetings -> 200")
	_, calls, _ := strings.Cut(log, "in a browser")
	_, calls, _ = strings.Cut(calls, "\n")
	assert.NotContains(t, calls, "checksum")
	assert.NotContains(t, calls, "S3")
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	require.NoError(t, run(t.Context(), []string{"-h"}, io.Discard))
	require.Error(t, run(t.Context(), []string{"-version", "old"}, io.Discard))
	require.Error(t, run(t.Context(), []string{"-addr", "nowhere"}, io.Discard))
}
