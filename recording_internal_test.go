package bbb

import (
	"net/url"
	"testing"
	"time"

	"github.com/bbbgroup/bbb/internal/xmlwire"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The tables of fields serve both directions: what is written comes back.
func TestRecordingsAreWrittenAsTheyAreRead(t *testing.T) {
	t.Parallel()
	full := &Recording{
		ID: "rec-1", MeetingID: "a & b", InternalMeetingID: "rec-1", Name: " <Algebra> ", IsBreakout: true, Published: true, Protected: true,
		State: RecordingPublished, StartTime: time.UnixMilli(1_700_000_000_001).UTC(), EndTime: time.UnixMilli(1_700_000_060_000).UTC(),
		Participants: 3, RawSize: 1 << 40, Size: 99, Metadata: map[string]string{"school": "north", "empty": ""},
		ParentID: "parent", Sequence: 2, FreeJoin: true, BreakoutRooms: []string{"x", "y"},
		Formats: []PlaybackFormat{
			{
				Type: "presentation", URL: "https://x.example/?a=1&b=2", ProcessingTime: 7, Length: time.Hour, Size: 98,
				Previews: []PreviewImage{{URL: "https://x.example/1.png", Alt: `"one"`, Width: 3, Height: 4}, {URL: "https://x.example/2.png"}},
			},
			{Type: "podcast"},
		},
		Data: []DataFormat{{Type: "raw", URL: "https://x.example/raw"}},
	}
	want := recordingsAnswer{
		status: status{Returncode: "SUCCESS"}, Total: 7,
		Recordings: []*Recording{full, {ID: "rec-2"}, {ID: "rec-3", Unreadable: true}},
	}
	body := recordingsRecord.Append(nil, "response", &want)
	var got recordingsAnswer
	require.NoError(t, recordingsRecord.Decode(body, "response", &got, xmlwire.Limits{}))
	assert.Equal(t, want, got)
	assert.NotContains(t, string(recordingRecord.Append(nil, "recording", &Recording{ID: "rec-2"})), "error")
}

// A filter that is sent is read back as it was.
func TestRecordingFilterComesBack(t *testing.T) {
	t.Parallel()
	for _, f := range []RecordingFilter{
		{},
		{MeetingIDs: []string{"a b", "c/d"}, Offset: 5, Limit: 100},
		{RecordIDs: []string{"x", "y&z"}, States: []RecordingState{RecordingAnyState, "new"}, Meta: map[string]string{"bbb-origin": "%ü+ %", "a": "1"}},
	} {
		param, ids := f.ids()
		s := &Server{cfg: &serverConfig{maxURLLength: DefaultMaxURLLength}}
		query := s.batches(callGetRecordings, param, ids, page{f.Offset, f.Limit}.appendQuery(f.appendQuery(nil)), 0)
		require.Len(t, query, 1)
		v, err := url.ParseQuery(string(query[0]))
		require.NoError(t, err)
		got, err := ParseRecordingFilter(v)
		require.NoError(t, err)
		assert.Equal(t, f, got)
	}
	got, err := ParseRecordingFilter(url.Values{
		"recordID": {" a, ,b,", "c"}, "meta_Topic": {"x", "y"}, "meta_none": {""}, "checksum": {"0"}, "other": {"1"}, "limit": {""},
	})
	require.NoError(t, err)
	assert.Equal(t, RecordingFilter{RecordIDs: []string{"a", "b"}, Meta: map[string]string{"topic": "x"}}, got)

	_, err = ParseRecordingFilter(url.Values{"offset": {"-1"}, "limit": {"many"}, "meta_a": {"1"}, "meta_A": {"2"}})
	require.ErrorIs(t, err, ErrInvalidParams)
	for _, text := range []string{`"offset" must not be negative`, `"limit" must be a number`, `"meta_a" is there twice`} {
		assert.ErrorContains(t, err, text)
	}
}
