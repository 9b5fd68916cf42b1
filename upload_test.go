package bbb_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/require"
)

// A body that is not read to its end when the answer is there already must not be
// read by the transport after the call: it is the caller's again.
func TestUploadEndsWithItsCall(t *testing.T) {
	t.Parallel()
	fake := bbbtest.Start(t)
	fake.AddRecording(bbbtest.Recording{RecordID: "rec-1"})
	g := newEmptyGroup(t, patient)
	suite.secret("secret of a server", "not-the-secret-of-it")
	s, err := g.New("bbb1", fake.URL(), "not-the-secret-of-it")
	require.NoError(t, err)
	up := bbb.TextTrackUpload{Kind: bbb.TextTrackCaptions, Lang: "en"}
	for range 20 {
		text := &slowText{}
		err := s.PutTextTrack(t.Context(), "rec-1", up, text)
		require.Error(t, noted(t, err))
		text.n = 0 // a race, if somebody still reads
	}
}

type slowText struct{ n int }

func (s *slowText) Read(p []byte) (int, error) {
	if s.n++; s.n > 5000 {
		return 0, io.EOF
	}
	return copy(p, "WEBVTT\n\n"), nil
}

// An answer that does not say that it was a success is none.
func TestJSONWithoutAReturncode(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"error":"gateway timeout"}`, `{"response":null}`, `{"response":{"messageKey":"noRecordings"}}`} {
		s := wireServer(t, answering(http.StatusOK, "application/json", body))
		_, err := s.TextTracks(t.Context(), "rec-1")
		require.ErrorIs(t, noted(t, err), bbb.ErrBadAnswer, body)
	}
}
