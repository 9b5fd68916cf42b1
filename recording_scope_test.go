package bbb_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A tenant sees and changes its own recordings, and cannot tell those of others
// from none.
func TestRecordingsOfAScope(t *testing.T) {
	t.Parallel()
	own, foreign := someRecs("own", 3), someRecs("other", 3)
	for i := range foreign {
		foreign[i].meta = map[string]string{"school": "south"}
	}
	own[0].meta = map[string]string{"School": " north\n", "Topic": "math"} // padded, and in another case
	padded := own[0].id
	hosts := []*recordingHost{{recs: slices.Concat(own, foreign)}, {recs: foreign}}
	g := hostGroup(t, hosts)
	// This server finds too much, as some do, so that the scope has to look itself.
	loose := &recordingHost{recs: slices.Concat(someRecs("loose", 2), []rec{{id: "none", state: "published"}})}
	loose.recs[1].meta = map[string]string{"school": "northern"}
	looseID := loose.recs[0].id
	_, err := g.New("loose", "https://loose.test", wireSecret, bbb.WithTransport(withoutMeta(loose)))
	require.NoError(t, err)
	_, err = g.New("padded", "https://padded.test", wireSecret, bbb.WithTransport(withoutMeta(&recordingHost{recs: own[:1]})))
	require.NoError(t, err)
	sc, err := g.Scope(map[string]string{"SCHOOL": "north"})
	require.NoError(t, err)

	list, err := sc.Recordings(t.Context(), bbb.RecordingFilter{Limit: 100})
	require.NoError(t, err)
	want := []string{padded, own[1].id, own[2].id, looseID}
	assert.ElementsMatch(t, want, recordIDs(list.Recordings))
	assert.Equal(t, 4, list.Total)
	assert.Contains(t, hosts[0].asked("getRecordings")[0], "meta_school=north")
	all, err := collect(sc.AllRecordings(t.Context(), bbb.RecordingFilter{}))
	require.NoError(t, err)
	assert.ElementsMatch(t, want, recordIDs(all))
	for _, f := range []bbb.RecordingFilter{
		{Meta: map[string]string{"school": "south"}}, {Meta: map[string]string{"school": "%"}, MeetingIDs: []string{"none"}},
		{RecordIDs: []string{"other"}}, {Meta: map[string]string{"School": "south%"}},
	} {
		list, err := sc.Recordings(t.Context(), f)
		require.NoError(t, err)
		assert.Empty(t, list.Recordings)
		assert.Zero(t, list.Total)
	}
	list, err = sc.Recordings(t.Context(), bbb.RecordingFilter{Meta: map[string]string{"school": "%", "topic": "math"}})
	require.NoError(t, err)
	assert.Equal(t, []string{padded}, recordIDs(list.Recordings))

	text := func(err error) string { return strings.ReplaceAll(fmt.Sprint(err), foreign[0].id, "nowhere") }
	for name, change := range changes(sc) {
		nowhere, outside := change(t.Context(), "nowhere"), change(t.Context(), foreign[0].id)
		assert.Equal(t, text(nowhere), text(outside), name)
		if name != "delete" {
			require.ErrorIs(t, outside, bbb.ErrRecordingNotFound)
			require.NoError(t, change(t.Context(), own[1].id), name)
		}
	}
	up := bbb.TextTrackUpload{Kind: bbb.TextTrackCaptions, Lang: "de"}
	for name, f := range map[string]func(id string) error{
		"tracks": func(id string) error { _, err := sc.TextTracks(t.Context(), id); return err },
		"put":    func(id string) error { return sc.PutTextTrack(t.Context(), id, up, strings.NewReader("x")) },
		"delete": func(id string) error { return sc.DeleteTextTrack(t.Context(), id, up.Kind, up.Lang) },
	} {
		nowhere, outside := f("nowhere"), f(foreign[0].id)
		require.ErrorIs(t, outside, bbb.ErrRecordingNotFound, name)
		assert.Equal(t, text(nowhere), text(outside))
		require.NoError(t, f(own[1].id))
	}
	require.NoError(t, sc.DeleteRecordings(t.Context(), own[1].id, foreign[0].id))
	assert.Equal(t, "published", hosts[1].states()[foreign[0].id])
	assert.Equal(t, "published", hosts[0].states()[foreign[0].id])
	assert.NotContains(t, hosts[0].states(), own[1].id)

	err = sc.UpdateRecordings(t.Context(), map[string]string{"School": "south"}, own[2].id)
	require.ErrorIs(t, err, bbb.ErrInvalidParams)
	require.ErrorContains(t, err, "belongs to the scope")
	require.NoError(t, sc.UpdateRecordings(t.Context(), map[string]string{"school": "north", "x": "y"}, own[2].id))
}

// withoutMeta is a server that pays no attention to metadata.
func withoutMeta(h *recordingHost) http.RoundTripper {
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		q := r.URL.Query()
		if strings.HasSuffix(r.URL.Path, "/getRecordings") {
			for name := range q {
				if strings.HasPrefix(name, "meta_") {
					q.Del(name)
				}
			}
		}
		r = r.Clone(r.Context())
		r.URL.RawQuery = q.Encode()
		return h.RoundTrip(r)
	})
}

func TestTextTracksOfAGroup(t *testing.T) {
	t.Parallel()
	hosts := []*recordingHost{{recs: someRecs("a", 2)}, {recs: someRecs("b", 2)}, {recs: someRecs("b", 1)}}
	hosts[2].recs[0].formats = 5 // the better copy
	g := hostGroup(t, hosts)
	up := bbb.TextTrackUpload{Kind: bbb.TextTrackSubtitles, Lang: "pt-BR", Label: "Português"}
	require.NoError(t, g.PutTextTrack(t.Context(), "b-00000", up, strings.NewReader("WEBVTT")))
	assert.Equal(t, []string{"POST putRecordingTextTrack?recordID=b-00000&kind=subtitles&lang=pt-BR&label=Portugu%C3%AAs"}, hosts[2].asked("putRecordingTextTrack"))
	assert.Empty(t, hosts[1].tracks)
	tracks, err := g.TextTracks(t.Context(), "b-00000")
	require.NoError(t, err)
	assert.Equal(t, "https://x.example/1.vtt", tracks[0].Href)
	require.NoError(t, g.DeleteTextTrack(t.Context(), "a-00001", up.Kind, up.Lang))

	hosts[0].fail = func(string, int) bool { return true }
	_, err = g.TextTracks(t.Context(), "b-00001")
	require.NoError(t, err, "found although one is silent")
	_, err = g.TextTracks(t.Context(), "a-00001")
	assert.Equal(t, []string{"bbb1"}, groupError(t, err).Names())
	assert.NotErrorIs(t, err, bbb.ErrRecordingNotFound)
	for _, err := range []error{
		g.PutTextTrack(t.Context(), "", up, nil), g.PutTextTrack(t.Context(), "a", bbb.TextTrackUpload{}, strings.NewReader("x")),
		g.DeleteTextTrack(t.Context(), "a", "x", ""), second(g.TextTracks(t.Context(), "")), second(server(t, g, "bbb2").TextTracks(t.Context(), "a,b")),
		server(t, g, "bbb2").DeleteTextTrack(t.Context(), "a", "x", ""), g.PutTextTrack(t.Context(), "b-00001", up, nil),
	} {
		assert.ErrorIs(t, err, bbb.ErrInvalidParams)
	}
}

func second[T any](_ T, err error) error { return err }
