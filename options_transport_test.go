package bbb_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// net/http sends a GET again whose kept connection broke, so a call that must not be
// repeated goes over no kept one, also with a transport of the user's.
func TestGivenTransportKeepsNoConnectionForJoins(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]func() bbb.Option{
		"none":        func() bbb.Option { return bbb.WithUserAgent("portal") },
		"transport":   func() bbb.Option { return bbb.WithTransport(&http.Transport{}) },
		"client":      func() bbb.Option { return bbb.WithHTTPClient(&http.Client{Transport: &http.Transport{}}) },
		"zero client": func() bbb.Option { return bbb.WithHTTPClient(&http.Client{}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept := make(chan bool, 1)
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				kept <- !r.Close
				w.Header().Set("Content-Type", "text/xml")
				_, _ = w.Write([]byte("<response><returncode>SUCCESS</returncode></response>"))
			}))
			t.Cleanup(web.Close)
			g := newEmptyGroup(t, patient)
			s, err := g.New("bbb1", web.URL, "not-much-of-a-secret", opt())
			require.NoError(t, err)

			_, err = s.Meetings(t.Context())
			require.NoError(t, noted(t, err))
			assert.True(t, <-kept)
			_, _ = s.Join(t.Context(), bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleViewer})
			assert.False(t, <-kept, "a join")
		})
	}
}
