package bbb_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A server says nothing of a recording that is not ready when it is asked to
// publish it beside another one that is. It is not said to be published.
func TestPublishingWhatIsNotReady(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	fakes[0].AddRecording(bbbtest.Recording{RecordID: "making", State: "processing"})
	fakes[0].AddRecording(bbbtest.Recording{RecordID: "made", State: "unpublished"})
	err := g.PublishRecordings(t.Context(), "making", "made")
	var failed *bbb.RecordingsError
	require.ErrorAs(t, noted(t, err), &failed)
	assert.Equal(t, []string{"making"}, failed.NotFound)
	require.ErrorIs(t, err, bbb.ErrRecordingNotFound)
	for _, r := range fakes[0].Recordings() {
		assert.Equal(t, map[string]string{"making": "processing", "made": "published"}[r.RecordID], r.State)
	}
}

// cutShort tells a length that it does not have, like a file that is cut while it is
// read.
type cutShort struct{ io.Reader }

func (cutShort) Len() int { return 1000 }

// A text that ends before its length is the caller's fault and not the server's.
func TestTextTrackThatShrinks(t *testing.T) {
	t.Parallel()
	fake := bbbtest.Start(t)
	fake.AddRecording(bbbtest.Recording{RecordID: "rec-1"})
	g := newEmptyGroup(t, patient)
	s := addServer(t, g, fake)
	for range 4 {
		err := s.PutTextTrack(t.Context(), "rec-1", bbb.TextTrackUpload{Kind: bbb.TextTrackCaptions, Lang: "en"}, cutShort{strings.NewReader("WEBVTT")})
		require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams)
	}
	_, err := g.Meetings(t.Context())
	require.NoError(t, noted(t, err), "it does not count as offline")
}

// Text tracks are sent again with the second secret when they can be.
func TestTextTrackWithTheSecondSecret(t *testing.T) {
	t.Parallel()
	fake := bbbtest.Start(t, bbbtest.WithSecret("the-new-secret-of-it"))
	fake.AddRecording(bbbtest.Recording{RecordID: "rec-1"})
	up := bbb.TextTrackUpload{Kind: bbb.TextTrackCaptions, Lang: "en"}
	for i := range 10 {
		g := newEmptyGroup(t, patient)
		suite.secret("secret of a server", "the-old-secret-of-it")
		suite.secret("secret of a server", "the-new-secret-of-it")
		s, err := g.New(fmt.Sprintf("bbb%d", i), fake.URL(), "the-old-secret-of-it", bbb.WithSecondSecret("the-new-secret-of-it"))
		require.NoError(t, err)
		require.NoError(t, noted(t, s.PutTextTrack(t.Context(), "rec-1", up, strings.NewReader("WEBVTT"))))
	}
}

// A window of a server that pages and does not tell how many there are.
func TestWindowWithoutATotal(t *testing.T) {
	t.Parallel()
	recs := someRecs("rec", 150)
	h := &recordingHost{paging: untotaled, recs: recs}
	for _, offset := range []int{0, 10, 145} {
		list, err := hostServer(t, h).Recordings(t.Context(), bbb.RecordingFilter{Offset: offset, Limit: 10})
		require.NoError(t, err)
		assert.Equal(t, 150, list.Total)
		require.Len(t, list.Recordings, min(10, 150-offset))
		assert.Equal(t, recs[offset].id, list.Recordings[0].ID)
	}
}
