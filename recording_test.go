package bbb_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRecordingFilterIsSent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		filter bbb.RecordingFilter
		want   string
	}{
		"nothing": {bbb.RecordingFilter{}, "offset=0&limit=100"},
		"window":  {bbb.RecordingFilter{Limit: 10}, "offset=0&limit=10"},
		"meetings": {
			bbb.RecordingFilter{MeetingIDs: []string{"a b", "c/d", "a b"}, Limit: 5},
			"meetingID=a+b%2Cc%2Fd&offset=0&limit=5",
		},
		"records count before meetings": {
			bbb.RecordingFilter{MeetingIDs: []string{"room"}, RecordIDs: []string{"bb", "a"}},
			"recordID=bb%2Ca&offset=0&limit=100",
		},
		"a beginning covers what begins with it": {
			bbb.RecordingFilter{RecordIDs: []string{"abc-2", "abd", "ab", "b", "abc-1", "b"}},
			"recordID=ab%2Cb&offset=0&limit=100",
		},
		"states and metadata": {
			bbb.RecordingFilter{
				States: []bbb.RecordingState{bbb.RecordingProcessed, bbb.RecordingPublished},
				Meta:   map[string]string{"bbb-origin": "my portal%", "Z": "ü"},
			},
			"state=processed%2Cpublished&meta_Z=%C3%BC&meta_bbb-origin=my+portal%25&offset=0&limit=100",
		},
		"everything": {
			bbb.RecordingFilter{RecordIDs: []string{"x"}, States: []bbb.RecordingState{"any"}, Meta: map[string]string{"a": "%"}, Limit: 1},
			"recordID=x&state=any&meta_a=%25&offset=0&limit=1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &recordingHost{}
			list, err := hostServer(t, h).Recordings(t.Context(), tc.filter)
			require.NoError(t, err)
			assert.Equal(t, bbb.RecordingList{Recordings: []*bbb.Recording{}}, list)
			assert.Equal(t, []string{"GET getRecordings?" + tc.want}, h.asked("getRecordings"))
		})
	}
}

func TestRecordingFilterIsValidated(t *testing.T) {
	t.Parallel()
	bad := bbb.RecordingFilter{
		MeetingIDs: []string{"a,b"}, RecordIDs: []string{"", "c,d", " e", "f\n"}, States: []bbb.RecordingState{"", "x y"},
		Meta: map[string]string{"a_b": "x", "c": "", "d": "\x00", "E": "1", "e": "2"}, Offset: -1, Limit: 101,
	}
	err := bad.Validate()
	require.ErrorIs(t, err, bbb.ErrInvalidParams)
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok)
	assert.Len(t, joined.Unwrap(), 13)
	assert.Contains(t, err.Error(), `"limit" must be at most 100`)
	require.ErrorContains(t, bbb.RecordingFilter{Limit: -1}.Validate(), "must not be negative")
	require.NoError(t, bbb.RecordingFilter{}.Validate())

	g := hostGroup(t, []*recordingHost{{}})
	s := server(t, g, "bbb1")
	_, err = s.Recordings(t.Context(), bad)
	require.ErrorIs(t, err, bbb.ErrInvalidParams)
	_, err = g.Recordings(t.Context(), bad)
	require.ErrorIs(t, err, bbb.ErrInvalidParams)
	for _, seq := range []func(func(*bbb.Recording, error) bool){
		s.AllRecordings(t.Context(), bbb.RecordingFilter{Offset: 1, Limit: 1}), g.AllRecordings(t.Context(), bbb.RecordingFilter{Offset: 1, Limit: 1}),
	} {
		_, err = collect(seq)
		require.ErrorIs(t, err, bbb.ErrInvalidParams)
		assert.Contains(t, err.Error(), "leave the loop")
	}
	for _, change := range changes(s) {
		require.ErrorIs(t, change(t.Context()), bbb.ErrInvalidParams)
		require.ErrorIs(t, change(t.Context(), "a", "b,c"), bbb.ErrInvalidParams)
	}
	err = g.UpdateRecordings(t.Context(), map[string]string{"a_b": "", "x": "\x00", "y": "1", "Y": "2"}, "rec")
	joined, ok = err.(interface{ Unwrap() []error })
	require.True(t, ok)
	assert.Len(t, joined.Unwrap(), 3)
	require.ErrorContains(t, s.UpdateRecordings(t.Context(), nil, "rec"), "nothing to change")
}

// changer is what has the changes: a server, a group or a scope.
type changer interface {
	PublishRecordings(ctx context.Context, ids ...string) error
	UnpublishRecordings(ctx context.Context, ids ...string) error
	DeleteRecordings(ctx context.Context, ids ...string) error
	UpdateRecordings(ctx context.Context, meta map[string]string, ids ...string) error
}

func changes(c changer) map[string]func(context.Context, ...string) error {
	return map[string]func(context.Context, ...string) error{
		"publish": c.PublishRecordings, "unpublish": c.UnpublishRecordings, "delete": c.DeleteRecordings,
		"update": func(ctx context.Context, ids ...string) error {
			return c.UpdateRecordings(ctx, map[string]string{"Topic": "a & b", "gone": ""}, ids...)
		},
	}
}

// Every way of paging gives the same windows.
func TestRecordingWindows(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 99, 100, 101, 200, 250} {
		recs := someRecs("r", max(n, 1))[:n]
		for _, paging := range []pagingKind{totals, blocks, unpaged} {
			h := &recordingHost{paging: paging, recs: recs}
			s := hostServer(t, h)
			for _, window := range [][2]int{{0, 0}, {0, 10}, {95, 10}, {n, 5}, {300, 100}, {7, 0}, {0, 100}} {
				list, err := s.Recordings(t.Context(), bbb.RecordingFilter{Offset: window[0], Limit: window[1]})
				require.NoError(t, err)
				from := min(window[0], n)
				to := n
				if window[1] > 0 {
					to = min(from+window[1], n)
				}
				want := []string{}
				for _, r := range recs[from:to] {
					want = append(want, r.id)
				}
				require.Equal(t, want, recordIDs(list.Recordings), "%d of %d, paging %d", window, n, paging)
				require.NotNil(t, list.Recordings)
				require.Equal(t, n, list.Total)
			}
		}
		s := hostServer(t, &recordingHost{paging: untotaled, recs: recs})
		all, err := collect(s.AllRecordings(t.Context(), bbb.RecordingFilter{}))
		require.NoError(t, err)
		require.Len(t, all, n)
	}
}

// Recordings that appear at the front move others to the next page. They come once.
func TestRecordingsThatAppearMeanwhile(t *testing.T) {
	t.Parallel()
	h := &recordingHost{recs: someRecs("old", 450)}
	s := hostServer(t, h)
	seen := map[string]int{}
	for r, err := range s.AllRecordings(t.Context(), bbb.RecordingFilter{}) {
		require.NoError(t, err)
		seen[r.ID]++
		if len(seen)%50 == 0 {
			h.mu.Lock()
			h.recs = slices.Concat(someRecs(fmt.Sprintf("new%d", len(seen)), 20), h.recs)
			h.mu.Unlock()
		}
	}
	for id, n := range seen {
		assert.Equal(t, 1, n, id)
	}
	old := 0
	for id := range seen {
		if strings.HasPrefix(id, "old") {
			old++
		}
	}
	assert.Equal(t, 450, old)
}

// What is remembered does not grow with the pages: after a thousand others, an ID
// is new again.
func TestDuplicatesFarApart(t *testing.T) {
	t.Parallel()
	recs := someRecs("r", 1500)
	h := &recordingHost{recs: slices.Concat(recs, recs[:1])}
	all, err := collect(hostServer(t, h).AllRecordings(t.Context(), bbb.RecordingFilter{}))
	require.NoError(t, err)
	assert.Len(t, all, 1501)
	h.recs = slices.Concat(recs[:900], recs[:1])
	all, err = collect(hostServer(t, h).AllRecordings(t.Context(), bbb.RecordingFilter{}))
	require.NoError(t, err)
	assert.Len(t, all, 900)
}

func TestLeavingTheLoop(t *testing.T) {
	t.Parallel()
	h := &recordingHost{recs: someRecs("r", 300)}
	g := hostGroup(t, []*recordingHost{h, {recs: someRecs("q", 300)}})
	for _, seq := range []func(func(*bbb.Recording, error) bool){
		server(t, g, "bbb1").AllRecordings(t.Context(), bbb.RecordingFilter{}), g.AllRecordings(t.Context(), bbb.RecordingFilter{}),
	} {
		n := 0
		for _, err := range seq {
			require.NoError(t, err)
			if n++; n == 150 {
				break
			}
		}
		assert.Len(t, h.asked("getRecordings"), 2)
	}
	h.fail = func(_ string, n int) bool { return n == 6 }
	list, err := collect(server(t, g, "bbb1").AllRecordings(t.Context(), bbb.RecordingFilter{}))
	require.Error(t, err)
	assert.Len(t, list, 100)
	_, err = server(t, g, "bbb1").Recordings(t.Context(), bbb.RecordingFilter{})
	require.NoError(t, err)
	h.fail = func(string, int) bool { return true }
	_, err = server(t, g, "bbb1").Recordings(t.Context(), bbb.RecordingFilter{})
	require.Error(t, err)
	_, err = server(t, g, "bbb1").Recordings(t.Context(), bbb.RecordingFilter{Limit: 1})
	require.Error(t, err)
}

// Long lists of IDs are cut below the limit of a URL; nothing is lost or done twice.
func TestLongListsOfIDs(t *testing.T) {
	t.Parallel()
	recs := someRecs(strings.Repeat("long/", 10), 120)
	var ids []string
	for _, r := range recs {
		ids = append(ids, r.id)
	}
	const longest = 2000
	h := &recordingHost{recs: slices.Clone(recs)}
	s := hostServer(t, h, bbb.WithMaxURLLength(longest), bbb.WithAlgorithm(bbb.SHA512))
	short := func(call string) {
		t.Helper()
		asked := h.asked(call)
		require.Greater(t, len(asked), 3)
		for _, r := range asked {
			method, rest, _ := strings.Cut(r, " ")
			assert.Equal(t, "GET", method)
			assert.LessOrEqual(t, len("https://bbb1.test/bigbluebutton/api/")+len(rest)+len("&checksum=")+128, longest)
		}
	}
	list, err := s.Recordings(t.Context(), bbb.RecordingFilter{RecordIDs: ids, Offset: 5, Limit: 100})
	require.NoError(t, err)
	assert.Equal(t, ids[5:105], recordIDs(list.Recordings))
	assert.Equal(t, 120, list.Total)
	short("getRecordings")

	require.NoError(t, s.UnpublishRecordings(t.Context(), append(ids, ids...)...))
	short("publishRecordings")
	for id, state := range h.states() {
		assert.Equal(t, "unpublished", state, id)
	}
	// Some of the requests find nothing; on one server that is no error.
	h.recs = h.recs[:1]
	require.NoError(t, s.PublishRecordings(t.Context(), ids...))
	short("publishRecordings")
	require.ErrorIs(t, s.PublishRecordings(t.Context(), ids[1:]...), bbb.ErrRecordingNotFound)
	require.NoError(t, s.DeleteRecordings(t.Context(), ids...))
	assert.Empty(t, h.states())

	// Only an update may go out by POST, when one ID is too much already.
	h.recs = someRecs("r", 2)
	h.asked("")
	require.NoError(t, s.UpdateRecordings(t.Context(), map[string]string{"a": strings.Repeat("x", 3000)}, "r-00000", "r-00001"))
	assert.Equal(t, []string{"POST updateRecordings?", "POST updateRecordings?"}, h.asked("updateRecordings"))
	assert.Len(t, h.recs[0].meta["a"], 3000)
}

func TestChangesOfRecordings(t *testing.T) {
	t.Parallel()
	h := &recordingHost{recs: someRecs("r", 3)}
	s := hostServer(t, h)
	list, err := s.Recordings(t.Context(), bbb.RecordingFilter{RecordIDs: []string{"r-00001"}})
	require.NoError(t, err)
	r := list.Recordings[0]
	h.asked("")
	require.NoError(t, r.Unpublish(t.Context()))
	require.NoError(t, r.Publish(t.Context()))
	require.NoError(t, r.Update(t.Context(), map[string]string{"Topic": "a & b", "school": ""}))
	assert.Equal(t, map[string]string{"topic": "a & b"}, h.recs[slices.IndexFunc(h.recs, func(r rec) bool { return r.id == "r-00001" })].meta)
	tracks, err := r.TextTracks(t.Context())
	require.NoError(t, err)
	assert.Len(t, tracks, 1)
	require.NoError(t, r.PutTextTrack(t.Context(), bbb.TextTrackUpload{Kind: bbb.TextTrackCaptions, Lang: "de"}, strings.NewReader("WEBVTT")))
	require.NoError(t, r.Delete(t.Context()))
	assert.Equal(t, []string{
		"GET publishRecordings?recordID=r-00001&publish=false",
		"GET publishRecordings?recordID=r-00001&publish=true",
		"GET updateRecordings?recordID=r-00001&meta_Topic=a+%26+b&meta_school=",
		"GET getRecordingTextTracks?recordID=r-00001",
		"POST putRecordingTextTrack?recordID=r-00001&kind=captions&lang=de",
		"GET deleteRecordings?recordID=r-00001",
	}, h.requests)
	assert.Len(t, h.states(), 2)
	for name, change := range changes(s) {
		err := change(t.Context(), "r-00001")
		if name == "delete" {
			assert.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, bbb.ErrRecordingNotFound, name)
		assert.NotErrorIs(t, err, bbb.ErrMeetingNotFound)
	}
	_, err = s.TextTracks(t.Context(), "r-00001")
	require.ErrorIs(t, err, bbb.ErrRecordingNotFound)
	h.fail = func(string, int) bool { return true }
	for name, change := range changes(s) {
		require.Error(t, change(t.Context(), "r-00002"), name)
	}
}

// The same key means different things: what was not found depends on the call.
func TestNotFoundDependsOnTheCall(t *testing.T) {
	t.Parallel()
	s := wireServer(t, xmlAnswer(`<response><returncode>FAILED</returncode><messageKey>notFound</messageKey><message>x</message></response>`))
	_, err := s.Meeting(t.Context(), "room")
	require.ErrorIs(t, err, bbb.ErrMeetingNotFound)
	require.NotErrorIs(t, err, bbb.ErrRecordingNotFound)
	_, err = s.Recordings(t.Context(), bbb.RecordingFilter{})
	require.ErrorIs(t, err, bbb.ErrRecordingNotFound)
	require.NotErrorIs(t, err, bbb.ErrMeetingNotFound)
	assert.ErrorIs(t, &bbb.Error{Call: "any", Key: "recordingNotFound"}, bbb.ErrRecordingNotFound)
	assert.NotErrorIs(t, &bbb.Error{Call: "end", Key: "noRecordings"}, bbb.ErrRecordingNotFound)
}

// A playback URL may be the key to a protected recording, so nothing prints one.
func TestNoPrintedRecordingShowsItsURLs(t *testing.T) {
	t.Parallel()
	const token = "https://bbb.example/one-time-token"
	r := &bbb.Recording{
		ID: "rec-1", MeetingID: "room", Name: "Algebra", State: bbb.RecordingPublished,
		Formats: []bbb.PlaybackFormat{{Type: "video", URL: token, Length: time.Hour}}, Data: []bbb.DataFormat{{Type: "raw", URL: token}},
	}
	track := bbb.TextTrack{Kind: bbb.TextTrackCaptions, Lang: "en", Label: "English", Source: "live", Href: token}
	for _, x := range []any{r, *r, r.Formats, r.Formats[0], &r.Formats[0], r.Data, r.Data[0], track, &track, []bbb.TextTrack{track}} {
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "x", x)
		switch x.(type) {
		case []bbb.PlaybackFormat, []bbb.DataFormat: // JSON of a list is what a portal hands on
		default:
			assert.NotContains(t, log.String(), "token")
		}
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", x, x, x, x), "token")
	}
	assert.Equal(t, `recording "Algebra" (rec-1): published, 1 formats`, r.String())
	assert.Equal(t, "video of 1h0m0s", r.Formats[0].String())
	assert.Contains(t, fmt.Sprint(bbb.Recording{Unreadable: true}), "unreadable")
	assert.Contains(t, fmt.Sprint(bbb.Recording{Published: true}), "published")
	assert.Contains(t, fmt.Sprint(bbb.Recording{}), "unpublished")
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "f", bbb.RecordingFilter{
		MeetingIDs: []string{"room"}, RecordIDs: []string{"r"}, States: []bbb.RecordingState{"any"}, Meta: map[string]string{"key": "hidden"}, Limit: 5,
	})
	assert.Contains(t, log.String(), "f.meetingIDs=room f.recordIDs=r f.states=any f.meta=key f.offset=0 f.limit=5")
	assert.NotContains(t, log.String(), "hidden")
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "f", r.Data[0])
}

func TestRecordingTellsOfItself(t *testing.T) {
	t.Parallel()
	r := &bbb.Recording{StartTime: at(1000), EndTime: at(61_000), Formats: []bbb.PlaybackFormat{{Type: "notes"}, {Type: "video", Size: 7}}}
	assert.Equal(t, time.Minute, r.Duration())
	assert.Zero(t, (&bbb.Recording{StartTime: at(1000)}).Duration())
	assert.Equal(t, int64(7), r.Format("video").Size)
	assert.Nil(t, r.Format("podcast"))
	assert.True(t, bbb.RecordingAvailable.IsPublished())
	assert.True(t, bbb.RecordingPublished.IsPublished())
	assert.False(t, bbb.RecordingProcessed.IsPublished())
	s := hostServer(t, &recordingHost{recs: someRecs("r", 1)})
	list, err := s.Recordings(t.Context(), bbb.RecordingFilter{})
	require.NoError(t, err)
	assert.Contains(t, list.Recordings[0].String(), "on bbb1")
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "r", list.Recordings[0])
	assert.Contains(t, log.String(), "r.server=bbb1")
}

// Some servers name a recording by its internal meeting ID only.
func TestRecordingWithoutRecordID(t *testing.T) {
	t.Parallel()
	s := wireServer(t, xmlAnswer(`<response><returncode>SUCCESS</returncode><recordings><recording><internalMeetingID>i-1</internalMeetingID></recording></recordings></response>`))
	list, err := s.Recordings(t.Context(), bbb.RecordingFilter{})
	require.NoError(t, err)
	assert.Equal(t, []string{"i-1"}, recordIDs(list.Recordings))
}

func TestRecordingsOfAPageThatIsNoAnswer(t *testing.T) {
	t.Parallel()
	s := wireServer(t, answering(http.StatusBadGateway, "text/html", "<html><title>Bad Gateway</title></html>"))
	_, err := s.Recordings(t.Context(), bbb.RecordingFilter{})
	require.ErrorIs(t, err, bbb.ErrBadAnswer)
	var e *bbb.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 502, e.StatusCode)
}
