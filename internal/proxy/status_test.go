package proxy

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// text returns the words of a page, and checks that it is well-formed.
func text(t *testing.T, page string) string {
	t.Helper()
	// What HTML leaves open, and what a parser of XML would not know.
	page = regexp.MustCompile(`<(meta|!DOCTYPE)[^>]*>`).ReplaceAllString(page, "")
	page = regexp.MustCompile(`(?s)<style>.*</style>`).ReplaceAllString(page, "")
	page = regexp.MustCompile(` open>`).ReplaceAllString(page, ">")
	d := xml.NewDecoder(strings.NewReader(page))
	var words []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return strings.Join(words, " ")
		}
		require.NoError(t, err, page)
		if data, ok := token.(xml.CharData); ok {
			words = append(words, strings.Fields(string(data))...)
		}
	}
}

func TestStatusOfNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0, nil)
	w := r.get("/status")
	assert.Equal(t, http.StatusOK, w.Code)
	words := text(t, w.Body.String())
	assert.Contains(t, words, "There are no servers")
	assert.Contains(t, words, "No meeting was placed since the program was started.")
	assert.NotContains(t, words, "Tenants")

	policy := w.Header().Get("Content-Security-Policy")
	assert.Contains(t, policy, "default-src 'none'; style-src 'sha256-")
	assert.NotContains(t, policy, "unsafe")
	assert.NotContains(t, w.Body.String(), "<script")
	assert.NotContains(t, w.Body.String(), "style=", "the policy would forbid it")
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	assert.Contains(t, w.Body.String(), `http-equiv="refresh"`)
	assert.NotContains(t, r.get("/status?still").Body.String(), `http-equiv="refresh"`)
	assert.Equal(t, http.StatusServiceUnavailable, r.get("/healthz").Code)
}

func TestStatusOfServersWithMeetings(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3, func(c map[string]any) {
		c["servers"].([]any)[0].(map[string]any)["labels"] = map[string]any{"gpu": "<b>"}
	})
	r.meet("physics", "Ada", "Ben")
	r.meet("algebra", "Cleo")
	_, err := r.group.CreateMeeting(t.Context(), bbb.CreateParams{
		MeetingID: "staff room", Name: "Staff", Placement: bbb.Placement{Size: 30, Require: bbb.Labels{"planet": "mars"}},
	})
	require.Error(t, err)
	london, _ := r.group.Server("london")
	london.SetMachineLoad(bbb.MachineLoad{CPU: 0.824, RunQueue: 1.5, Memory: 0.61})
	require.NoError(t, r.group.Refresh(t.Context()))

	page := r.get("/status").Body.String()
	words := text(t, page)
	assert.Contains(t, words, "All 3 servers take meetings")
	assert.Contains(t, words, "Meetings 2 People 3")
	for _, name := range []string{"london", "madrid", "oslo"} {
		assert.Contains(t, words, name+" "+name+".test")
	}
	assert.Contains(t, words, "gpu=<b>")
	assert.Contains(t, words, "82 % memory 61 % run queue 1.50")
	assert.Contains(t, words, "chosen")
	assert.Contains(t, words, "no server wanted: 30 people, only planet=mars")
	assert.Contains(t, words, "labels rules out")
	assert.Equal(t, 3, strings.Count(page, "<details"), "each decision")
	for _, private := range []string{"physics", "algebra", "staff room", "Secret name", "Ada", "Cleo"} {
		assert.NotContains(t, words, private)
	}
	assert.Equal(t, http.StatusOK, r.get("/healthz").Code)
}

func TestStatusWithAServerDown(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3, nil)
	r.meet("physics", "Ada")
	r.fakes[1].SetDown(true)
	oslo, _ := r.group.Server("oslo")
	oslo.SetMode(bbb.ModeDraining)
	for range 3 {
		_ = r.group.Refresh(context.Background()) // madrid fails
	}
	words := text(t, r.get("/status").Body.String())
	assert.Contains(t, words, "1 of 3 servers offline")
	assert.Regexp(t, `madrid madrid\.test offline \d+ s ago: .*connection refused`, words)
	assert.Contains(t, words, "online draining")

	var health struct {
		Status          string
		Servers, Taking int
	}
	w := r.get("/healthz")
	assert.Equal(t, http.StatusOK, w.Code)
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &health))
	assert.Equal(t, "ok 3 1", fmt.Sprint(health.Status, " ", health.Servers, " ", health.Taking))
}

// A fleet of hundreds is on the page, with the best of each decision.
func TestStatusOfManyServers(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0, nil)
	for i := range 60 {
		name := fmt.Sprintf("bbb%02d", i)
		r.fakes = append(r.fakes, bbbtest.New(bbbtest.WithName(name), bbbtest.WithSecret(serverSecret+name)))
		f := r.fakes[i]
		r.net.Add(f)
		_, err := r.group.New(name, f.URL(), f.Secret())
		require.NoError(t, err)
	}
	for i := range keptDecisions + 3 {
		r.meet(fmt.Sprintf("meeting %d", i))
	}
	page := r.get("/status").Body.String()
	assert.Equal(t, keptDecisions, strings.Count(page, "<details"))
	assert.Regexp(t, `and (39|40) more servers`, text(t, page))
	assert.Contains(t, page, "bbb59.test")
}

// Who was chosen is shown, also by a choice at random among the many that are not.
func TestStatusShowsTheChosenServer(t *testing.T) {
	t.Parallel()
	ranking := &bbb.Ranking{Chosen: "bbb29"}
	for i := range 30 {
		ranking.Servers = append(ranking.Servers, bbb.RankedServer{Server: fmt.Sprintf("bbb%02d", i), Score: 1})
	}
	row := decisionOf(bbb.RankingEvent{Ranking: ranking}, ranking.Time)
	require.Len(t, row.Servers, shownServers+1)
	assert.True(t, row.Servers[shownServers].Chosen)
	assert.Equal(t, 9, row.More)
}

// A tenant that has all it may have is marked, and one without a limit never is.
func TestStatusOfFullTenants(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		used, limit int
		full        bool
		share       int
	}{{0, 0, false, 0}, {9, 0, false, 0}, {4, 5, false, 80}, {5, 5, true, 100}, {6, 5, true, 100}} {
		assert.Equal(t, test.full, full(test.used, test.limit), "%+v", test)
		assert.Equal(t, test.share, share(test.used, test.limit), "%+v", test)
	}
}

// A page is for reading; anything else at its path is a request like others.
func TestPagesAreOnlyRead(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, nil)
	for method, want := range map[string]string{http.MethodGet: "text/html; charset=utf-8", http.MethodHead: "text/html; charset=utf-8", http.MethodPost: "text/xml;charset=utf-8"} {
		w := httptest.NewRecorder()
		r.routes(true).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "/status", http.NoBody))
		assert.Equal(t, want, w.Header().Get("Content-Type"), method)
	}
}

// What a client that is slow or talks too much can hold is bounded.
func TestServerHasBounds(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0, nil)
	srv := r.server(r.routes(true), &Config{})
	assert.Equal(t, 10*time.Second, srv.ReadHeaderTimeout)
	assert.Positive(t, srv.IdleTimeout)
	assert.Equal(t, bbb.DefaultHandlerURLLimit+maxHeader, srv.MaxHeaderBytes)
	assert.Equal(t, 300+maxHeader, r.server(r.routes(true), &Config{Limits: LimitsConf{URL: 300}}).MaxHeaderBytes)
}

// Pages for operators are off unless they are wanted, and then where they are wanted.
func TestPagesAreOffByDefault(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, func(c map[string]any) {
		delete(c, "metrics")
		delete(c, "status")
	})
	for _, path := range []string{"/status", "/metrics", "/status/", "//status"} {
		w := r.get(path)
		assert.Equal(t, http.StatusNotFound, w.Code, path)
		assert.Contains(t, w.Body.String(), "unsupportedRequest", "as for any path that nobody knows")
	}
	assert.Equal(t, http.StatusOK, r.get("/healthz").Code)
	assert.Nil(t, r.events.last(), "decisions are not made data for nobody")
}
