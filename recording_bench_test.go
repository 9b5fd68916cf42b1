package bbb_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/require"
)

// pages answers getRecordings out of texts that are there already, so that a
// benchmark measures the client.
func pages(host *recordingHost) http.RoundTripper {
	var texts []string
	for offset := 0; offset < len(host.recs); offset += 100 {
		texts = append(texts, host.list(map[string][]string{"offset": {strconv.Itoa(offset)}, "limit": {"100"}}))
	}
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		n, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(texts[n/100])), Request: r}, nil
	})
}

// A window of 10,000 recordings on 20 servers, and a loop over all of them. kept is
// what the loop needs beyond a page.
func BenchmarkGroupRecordings(b *testing.B) {
	g := newEmptyGroup(b)
	recs := someRecs("r", 10_000)
	for i := range 20 {
		host := &recordingHost{recs: recs[i*500 : (i+1)*500]}
		_, err := g.New(fmt.Sprint("bbb", i), fmt.Sprintf("https://bbb%d.test", i), wireSecret, bbb.WithTransport(pages(host)))
		require.NoError(b, err)
	}
	b.Run("window", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			list, err := g.Recordings(b.Context(), bbb.RecordingFilter{Limit: 100})
			require.NoError(b, err)
			require.Equal(b, 10_000, list.Total)
		}
	})
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			for _, err := range g.AllRecordings(b.Context(), bbb.RecordingFilter{}) {
				require.NoError(b, err)
				n++
			}
			require.Equal(b, 10_000, n)
		}
	})
}
