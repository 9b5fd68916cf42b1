package bbb_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The answers about recordings are read by TestAnswersOfServers, with the others.
func init() {
	maps.Copy(fileReaders, map[string]func(t *testing.T, s *bbb.Server, e *tree){
		"getRecordingsSuccess": func(t *testing.T, s *bbb.Server, e *tree) {
			elements := e.at("recordings").all("recording")
			total := e.number("totalElements") + e.at("pagination").number("totalElements")
			if total == 0 {
				total = len(elements)
			}
			list, err := s.Recordings(t.Context(), bbb.RecordingFilter{Limit: 100})
			require.NoError(t, err)
			assert.Equal(t, total, list.Total)
			require.NotNil(t, list.Recordings)
			require.Len(t, list.Recordings, len(elements))
			for i, r := range list.Recordings {
				assertRecording(t, elements[i], r)
				assert.Same(t, s, r.Server())
				assert.False(t, r.FetchedAt.IsZero())
			}
		},
		"getRecordingsFailed": failedBy(func(t *testing.T, s *bbb.Server) error {
			_, err := s.Recordings(t.Context(), bbb.RecordingFilter{})
			return err
		}),
		"publishRecordingsSuccess": func(t *testing.T, s *bbb.Server, _ *tree) {
			require.NoError(t, s.PublishRecordings(t.Context(), "rec-1"))
			require.NoError(t, s.UnpublishRecordings(t.Context(), "rec-1"))
		},
		"publishRecordingsFailed": failedBy(func(t *testing.T, s *bbb.Server) error {
			err := s.PublishRecordings(t.Context(), "rec-1")
			require.ErrorIs(t, err, bbb.ErrRecordingNotFound)
			require.NotErrorIs(t, err, bbb.ErrMeetingNotFound)
			return err
		}),
		"deleteRecordingsSuccess": func(t *testing.T, s *bbb.Server, _ *tree) {
			require.NoError(t, s.DeleteRecordings(t.Context(), "rec-1"))
		},
		"deleteRecordingsFailed": func(t *testing.T, s *bbb.Server, e *tree) {
			require.Equal(t, "notFound", e.first("messageKey"))
			require.NoError(t, s.DeleteRecordings(t.Context(), "rec-1"), "gone is gone")
		},
		"updateRecordingsSuccess": func(t *testing.T, s *bbb.Server, _ *tree) {
			require.NoError(t, s.UpdateRecordings(t.Context(), map[string]string{"a": "b"}, "rec-1"))
		},
		"updateRecordingsFailed": failedBy(func(t *testing.T, s *bbb.Server) error {
			err := s.UpdateRecordings(t.Context(), map[string]string{"a": "b"}, "rec-1")
			require.ErrorIs(t, err, bbb.ErrRecordingNotFound)
			return err
		}),
		"getRecordingTextTracksFailed": failedBy(func(t *testing.T, s *bbb.Server) error {
			_, err := s.TextTracks(t.Context(), "rec-1")
			return err
		}),
	})
}

// assertRecording compares every field of a recording with the element it stands
// in.
func assertRecording(t *testing.T, e *tree, r *bbb.Recording) {
	t.Helper()
	want := &bbb.Recording{
		ID: e.first("recordID"), MeetingID: e.first("meetingID"), InternalMeetingID: e.first("internalMeetingID"), Name: e.raw("name"),
		IsBreakout: e.flag("isBreakout"), Published: e.flag("published"), Protected: e.flag("protected"), State: bbb.RecordingState(e.first("state")),
		StartTime: utc(e.moment("startTime")), EndTime: utc(e.moment("endTime")),
		Participants: e.number("participants"), RawSize: int64(e.number("rawSize")), Size: int64(e.number("size")),
		ParentID: e.at("breakout").first("parentId"), Sequence: e.at("breakout").number("sequence"), FreeJoin: e.at("breakout").flag("freeJoin"),
	}
	if unreadable := e.all("error"); len(unreadable) > 0 {
		want.ID, want.Unreadable = unreadable[0].first("recordID"), true
	}
	if pairs := e.at("metadata").pairs(); len(pairs) > 0 {
		want.Metadata = pairs
	}
	for _, room := range e.at("breakoutRooms").all("breakoutRoom") {
		want.BreakoutRooms = append(want.BreakoutRooms, strings.TrimSpace(room.text))
	}
	for _, f := range e.at("playback").all("format") {
		format := bbb.PlaybackFormat{
			Type: f.first("type"), URL: f.first("url"), ProcessingTime: int64(f.number("processingTime")),
			Length: time.Duration(f.number("length")) * time.Minute, Size: int64(f.number("size")),
		}
		for _, i := range f.at("preview", "images").all("image") {
			width := (&tree{children: []*tree{{name: "n", text: i.attrs["width"]}}}).number("n")
			height := (&tree{children: []*tree{{name: "n", text: i.attrs["height"]}}}).number("n")
			format.Previews = append(format.Previews, bbb.PreviewImage{
				URL: strings.TrimSpace(i.text), Alt: strings.TrimSpace(i.attrs["alt"]), Width: width, Height: height,
			})
		}
		want.Formats = append(want.Formats, format)
	}
	for _, f := range e.at("data").all("format") {
		want.Data = append(want.Data, bbb.DataFormat{Type: f.first("type"), URL: f.first("url")})
	}
	// As JSON, because printing shows no URLs, and the server is not compared.
	want.FetchedAt = r.FetchedAt
	wantText, err := json.MarshalIndent(want, "", " ")
	require.NoError(t, err)
	gotText, err := json.MarshalIndent(r, "", " ")
	require.NoError(t, err)
	assert.Equal(t, string(wantText), string(gotText))
}

func utc(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.UTC()
}

// trackReaders decode a JSON file by the call in its name and compare every value
// with what encoding/json finds.
var trackReaders = map[string]func(t *testing.T, s *bbb.Server, e map[string]any){
	"getRecordingTextTracksSuccess": func(t *testing.T, s *bbb.Server, e map[string]any) {
		tracks, err := s.TextTracks(t.Context(), "rec-1")
		require.NoError(t, err)
		require.NotNil(t, tracks)
		list, _ := e["tracks"].([]any)
		require.Len(t, tracks, len(list))
		for i, track := range tracks {
			for key, got := range map[string]string{
				"href": track.Href, "kind": string(track.Kind), "lang": track.Lang, "label": track.Label, "source": track.Source,
			} {
				want, _ := list[i].(map[string]any)[key].(string)
				assert.Equal(t, want, got, key)
			}
		}
	},
	"getRecordingTextTracksFailed": func(t *testing.T, s *bbb.Server, e map[string]any) {
		tracks, err := s.TextTracks(t.Context(), "rec-1")
		if e["messageKey"] == "noCaptionsFound" {
			require.NoError(t, err)
			assert.Equal(t, []bbb.TextTrack{}, tracks)
			return
		}
		assertKey(t, e, err)
		if e["messageKey"] == "noRecordings" {
			assert.ErrorIs(t, err, bbb.ErrRecordingNotFound)
		}
	},
	"putRecordingTextTrackSuccess": func(t *testing.T, s *bbb.Server, _ map[string]any) {
		require.NoError(t, putTrack(t, s))
	},
	"putRecordingTextTrackFailed": func(t *testing.T, s *bbb.Server, e map[string]any) {
		assertKey(t, e, putTrack(t, s))
		err := s.DeleteTextTrack(t.Context(), "rec-1", bbb.TextTrackCaptions, "de")
		assertKey(t, e, err)
		if e["messageKey"] == "empty_uploaded_text_track" {
			assert.ErrorIs(t, err, bbb.ErrNotSupported)
		}
	},
	// Some servers call it a SUCCESS, and it is a failure.
	"putRecordingTextTrackFailedSuccessfully": func(t *testing.T, s *bbb.Server, e map[string]any) {
		assertKey(t, e, putTrack(t, s))
	},
}

func putTrack(t *testing.T, s *bbb.Server) error {
	t.Helper()
	return s.PutTextTrack(t.Context(), "rec-1", bbb.TextTrackUpload{Kind: bbb.TextTrackCaptions, Lang: "de"}, strings.NewReader("WEBVTT\n"))
}

func assertKey(t *testing.T, e map[string]any, err error) {
	t.Helper()
	var got *bbb.Error
	require.ErrorAs(t, err, &got)
	assert.Equal(t, e["messageKey"], got.Key)
	assert.Equal(t, e["message"], got.Message)
	assert.Equal(t, 200, got.StatusCode)
	assert.Equal(t, s1, got.Server)
}

const s1 = "bbb1"

// TestTextTrackAnswers reads the JSON files of testdata, and of a directory of
// your own; see TestAnswersOfServers.
func TestTextTrackAnswers(t *testing.T) {
	t.Parallel()
	dirs := []string{filepath.Join("testdata", "answers")}
	if dir := os.Getenv("BBB_TESTDATA"); dir != "" {
		dirs = append(dirs, dir)
	}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".json"), "-")
			reader := trackReaders[name]
			require.NotNil(t, reader, "nothing reads %s", file)
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				body, err := os.ReadFile(file)
				require.NoError(t, err)
				var e map[string]any
				require.NoError(t, json.NewDecoder(bytes.NewReader(body)).Decode(&e))
				if inner, ok := e["response"].(map[string]any); ok {
					e = inner
				}
				reader(t, wireServer(t, answering(200, "application/json", string(body))), e)
			})
		}
	}
}
