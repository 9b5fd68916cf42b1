package bbbtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

const bothEnds = "&meetingEndedURL=http%3A%2F%2Fapp%2Fended%3Fid%3D1&meta_endCallbackUrl=http%3A%2F%2Fapp%2Fmeta"

func urls(list []got) []string {
	var urls []string
	for _, g := range list {
		urls = append(urls, g.method+" "+g.url)
	}
	return urls
}

func TestEndCallback(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts  []bbbtest.Option
		query string
		want  []string
	}{
		"3.0":   {nil, "", []string{"GET http://app/ended?id=1&recordingmarks=false", "GET http://app/meta?recordingmarks=false&meetingID=a+b"}},
		"2.7":   {[]bbbtest.Option{bbbtest.WithVersion("2.7")}, "", []string{"GET http://app/ended?id=1", "GET http://app/meta?recordingmarks=false&meetingID=a+b"}},
		"marks": {[]bbbtest.Option{bbbtest.WithVersion("2.7"), bbbtest.WithEndMarks(true)}, "&record=true&autoStartRecording=true", []string{"GET http://app/ended?id=1&recordingmarks=true", "GET http://app/meta?recordingmarks=true&meetingID=a+b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver()
				s := inProcess(t, append(c.opts, bbbtest.WithCallbackTransport(r), bbbtest.WithEndDelay(7*time.Second))...)
				s.call("create", "meetingID=a%20b&name=abc"+bothEnds+c.query)
				_, err := s.AddBreakout("a b", 1)
				require.NoError(t, err)
				s.call("join", "meetingID=a%20b&fullName=x&role=VIEWER")
				m, _ := s.Meeting("a b")
				s.call("end", "meetingID=a%20b&password="+m.ModeratorPW)
				require.NoError(t, s.WaitCallbacks(t.Context()))
				list := r.taken()
				assert.ElementsMatch(t, c.want, urls(list))
				assert.Equal(t, 7*time.Second, list[0].at, "when it has ended, though nobody called anything")
				s.call("end", "meetingID=a%20b&password="+m.ModeratorPW)
				require.NoError(t, s.WaitCallbacks(t.Context()))
				assert.Empty(t, r.taken(), "once")
			})
		})
	}
}

func TestEndCallbackRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		c := inProcess(t, bbbtest.WithCallbackTransport(r))
		create := func() {
			c.call("create", "meetingID=abc&name=abc&meetingEndedURL=http%3A%2F%2Fapp%2F")
			c.EndMeeting("abc")
		}
		r.respond(status(http.StatusInternalServerError))
		create()
		require.NoError(t, c.WaitCallbacks(t.Context()))
		var at []int
		for _, g := range r.taken() {
			at = append(at, int(g.at/time.Second))
		}
		assert.Equal(t, []int{0, 30, 90, 210, 510}, at)

		create()
		synctest.Wait()
		r.respond(status(http.StatusNoContent))
		require.NoError(t, c.WaitCallbacks(t.Context()))
		assert.Len(t, r.taken(), 2)

		r.respond(status(http.StatusFound))
		create()
		wait(time.Second)
		c.Restart()
		require.NoError(t, c.WaitCallbacks(t.Context()))
		assert.Len(t, r.taken(), 1, "a restart loses the others")

		create()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.WaitCallbacks(ctx), context.DeadlineExceeded)
		require.NoError(t, c.Close())
		require.NoError(t, c.WaitCallbacks(t.Context()), "Close ends everything")
	})
}

func TestEndCallbackThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		r.respond(func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
		c := inProcess(t, bbbtest.WithCallbackTransport(r), bbbtest.WithEndWaits(time.Second))
		c.call("create", "meetingID=abc&name=abc&meetingEndedURL=http%3A%2F%2Fapp%2F")
		c.call("create", "meetingID=bad&name=bad&meetingEndedURL=%3A%2F%2F")
		c.EndMeeting("abc")
		c.EndMeeting("bad")
		require.NoError(t, c.WaitCallbacks(t.Context()))
		list := r.taken()
		require.Len(t, list, 2)
		assert.Equal(t, 6*time.Second, list[1].at, "five seconds and the wait")
	})
}

func TestEndProbe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"200": {nil, "/ Mozilla, / "},
		"204": {status(http.StatusNoContent), "/ Mozilla"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				w.Header().Set("Location", "/to?x")
				w.WriteHeader(http.StatusSeeOther)
			}
		}, "/ Mozilla, /to Mozilla, /to "},
		"loop": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/")
			w.WriteHeader(http.StatusFound)
		}, "/ Mozilla, / Mozilla, / Mozilla, / Mozilla, / Mozilla, / Mozilla"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver()
				r.respond(c.answer)
				s := inProcess(t, bbbtest.WithCallbackTransport(r), bbbtest.WithEndProbe(), bbbtest.WithEndWaits(), bbbtest.WithEndMarks(false))
				s.call("create", "meetingID=abc&name=abc&meetingEndedURL=http%3A%2F%2Fapp%2F")
				s.EndMeeting("abc")
				require.NoError(t, s.WaitCallbacks(t.Context()))
				var seen []string
				for _, g := range r.taken() {
					path := strings.TrimSuffix(strings.TrimPrefix(g.url, "http://app"), "?x")
					seen = append(seen, path+" "+g.header.Get("User-Agent"))
				}
				assert.Equal(t, c.want, strings.Join(seen, ", "))
			})
		})
	}
}

func TestRecordingReady(t *testing.T) {
	t.Parallel()
	for name, alg := range map[string]string{"bbb-recording-ready-url": "HS256", "bn-recording-ready-url": "HS512", "canvas-recording-ready-url": "HS256"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver()
				r.respond(status(http.StatusInternalServerError))
				c := inProcess(t, bbbtest.WithCallbackTransport(r), bbbtest.WithReadyAlgorithm(alg), bbbtest.WithRecordingDelay(time.Minute))
				c.call("create", "meetingID=abc&name=abc&record=true&meta_"+name+"=http%3A%2F%2Fapp%2Fready")
				require.NoError(t, c.Attend("abc", bbbtest.Attendee{}))
				c.call("end", "meetingID=abc")
				require.NoError(t, c.WaitCallbacks(t.Context()))
				list := r.taken()
				assert.Equal(t, []string{"POST http://app/ready", "POST http://app/ready"}, urls(list), "once for each format, and no second try")
				assert.Equal(t, time.Minute, list[0].at)
				header, claims := token(t, alg, list[1].form.Get("signed_parameters"))
				assert.Len(t, header, 1)
				assert.Equal(t, map[string]any{"meeting_id": "abc", "record_id": c.Recordings()[0].RecordID}, claims)
			})
		})
	}
	assert.Panics(t, func() { bbbtest.WithReadyAlgorithm("none") })
	c := inProcess(t)
	c.AddRecording(bbbtest.Recording{RecordID: "r", State: "processing", Metadata: map[string]string{"bbb-recording-ready-url": "://"}})
	require.NoError(t, c.SetRecordingState("r", "published"))
	require.NoError(t, c.WaitCallbacks(t.Context()))
}

func TestAnalyticsCallback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		c := inProcess(t, bbbtest.WithCallbackTransport(r))
		target := "&meta_analytics-callback-url=http%3A%2F%2Fapp%2Fstats"
		c.call("create", "meetingID=dull&name=dull"+target)
		c.EndMeeting("dull")
		c.call("create", "meetingID=bad&name=bad&meetingKeepEvents=true&meta_analytics-callback-url=%3A%2F%2F")
		c.EndMeeting("bad")
		c.call("create", "meetingID=abc&name=abc&meetingKeepEvents=true&meta_gl_x=1&meta_gl-y=1&meta_meeting-id=9&meta_A-b=c&preUploadedPresentation=x"+target)
		require.NoError(t, c.Attend("abc", bbbtest.Attendee{UserID: "u", FullName: "Ann", Role: "MODERATOR"}))
		wait(time.Minute)
		c.Leave("abc", "u")
		wait(time.Minute)
		require.NoError(t, c.Attend("abc", bbbtest.Attendee{UserID: "u", FullName: "Ann"}))
		wait(time.Minute)
		c.EndMeeting("abc")
		require.NoError(t, c.WaitCallbacks(t.Context()))
		list := r.taken()
		require.Equal(t, []string{"POST http://app/stats"}, urls(list))
		assert.Equal(t, "application/json BigBlueButton Analytics Callback", list[0].header.Get("Content-Type")+" "+list[0].header.Get("User-Agent"))
		text, ok := strings.CutPrefix(list[0].header.Get("Authorization"), "Bearer ")
		require.True(t, ok)
		header, claims := token(t, "HS512", text)
		assert.Equal(t, "JWT", header["typ"])
		assert.Equal(t, map[string]any{"exp": float64(time.Now().Add(24 * time.Hour).Unix())}, claims)
		var body struct {
			Version  string
			ID       string `json:"meeting_id"`
			Internal string `json:"internal_meeting_id"`
			Data     struct {
				Metadata  map[string]string
				Duration  int
				Attendees []map[string]any
				Files     []string
			}
		}
		require.NoError(t, json.Unmarshal([]byte(list[0].body), &body))
		m, _ := c.Meeting("abc")
		assert.Equal(t, "1.0 abc "+m.InternalID, body.Version+" "+body.ID+" "+body.Internal)
		assert.Equal(t, map[string]string{"a_b": "c", "analytics_callback_url": "http://app/stats"}, body.Data.Metadata)
		assert.Equal(t, 180, body.Data.Duration)
		require.Len(t, body.Data.Attendees, 1)
		u := body.Data.Attendees[0]
		assert.Equal(t, []any{"u", "Ann", true, float64(120)}, []any{u["ext_user_id"], u["name"], u["moderator"], u["duration"]})
		assert.Len(t, u["joins"], 2)
		assert.NotContains(t, list[0].body, "w_", "no internal user ids")
	})
}

func TestCallbackOverSockets(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		assert.Equal(t, "/ended", r.URL.Path)
	}))
	defer app.Close()
	c := overSocket(t)
	c.call("create", "meetingID=abc&name=abc&meetingEndedURL="+app.URL+"/ended")
	c.call("end", "meetingID=abc")
	require.NoError(t, c.WaitCallbacks(t.Context()))
	assert.EqualValues(t, 1, calls.Load())
	require.NoError(t, c.Close())
	c.EndMeeting("abc")
}

func TestCallbacksAreNotSentByAClosedServer(t *testing.T) {
	t.Parallel()
	r := newReceiver()
	c := inProcess(t, bbbtest.WithCallbackTransport(r))
	c.call("create", "meetingID=abc&name=abc"+bothEnds)
	require.NoError(t, c.Close())
	c.EndMeeting("abc")
	require.NoError(t, c.WaitCallbacks(t.Context()))
	assert.Empty(t, r.taken())
	assert.Error(t, c.MarkRecording("abc"), "there is no such meeting any more")
}

func TestCallbackHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mux := http.NewServeMux()
		var calls atomic.Int64
		mux.HandleFunc("GET app/", func(_ http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			assert.Equal(t, "id=1&recordingmarks=false", r.URL.RawQuery)
		})
		mux.HandleFunc("GET slow/", func(_ http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			<-r.Context().Done()
		})
		c := inProcess(t, bbbtest.WithCallbackHandler(mux), bbbtest.WithEndWaits(time.Second))
		for i, target := range []string{"http://app/ended?id=1", "http://slow/", "ftp://app/"} {
			c.call("create", fmt.Sprintf("name=abc&meetingID=m%d&meetingEndedURL=%s", i, url.QueryEscape(target)))
			c.EndMeeting(fmt.Sprint("m", i))
		}
		require.NoError(t, c.WaitCallbacks(t.Context()))
		assert.EqualValues(t, 3, calls.Load())
	})
}
