package bbb_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every value of a file is compared with what encoding/xml says. With the
// environment variable BBB_TESTDATA, files of your own are read as well.
func TestRecordingFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "recordings", "metadata*.xml"))
	require.NoError(t, err)
	require.Len(t, files, 2)
	if dir := os.Getenv("BBB_TESTDATA"); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "metadata*.xml"))
		require.NoError(t, err)
		files = append(files, more...)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			r, err := bbb.ParseRecordingFile(text)
			require.NoError(t, err)
			assertRecordingFile(t, parseTree(t, text), r)
		})
	}
}

func assertRecordingFile(t *testing.T, e *tree, r *bbb.Recording) {
	t.Helper()
	number := func(text string) int64 {
		if text == "" {
			return 0
		}
		n, err := strconv.ParseInt(text, 10, 64)
		require.NoError(t, err)
		return n
	}
	millis := func(text string) time.Time {
		if number(text) == 0 {
			return time.Time{}
		}
		return time.UnixMilli(number(text)).UTC()
	}
	meta, meeting, playback := e.at("meta"), e.at("meeting"), e.at("playback")
	either := func(attr, key string) string {
		if v := meeting.attrs[attr]; v != "" {
			return v
		}
		return meta.first(key)
	}
	assert.Equal(t, e.first("id"), r.ID)
	assert.Equal(t, e.first("state"), string(r.State))
	assert.Equal(t, e.first("published") == "true", r.Published)
	assert.Equal(t, millis(e.first("start_time")), r.StartTime)
	assert.Equal(t, millis(e.first("end_time")), r.EndTime)
	assert.EqualValues(t, number(e.first("participants")), r.Participants)
	assert.Equal(t, number(e.first("raw_size")), r.RawSize)
	assert.Equal(t, meeting.attrs["id"], r.InternalMeetingID)
	assert.Equal(t, either("externalId", "meetingId"), r.MeetingID)
	assert.Equal(t, either("name", "meetingName"), r.Name)
	assert.Equal(t, strings.EqualFold(either("breakout", "isBreakout"), "true"), r.IsBreakout)
	want := map[string]string{}
	for _, child := range meta.children {
		want[child.name] = child.text
	}
	assert.Equal(t, want, r.Metadata)

	require.Len(t, r.Formats, 1)
	f := r.Formats[0]
	assert.Equal(t, playback.first("format"), f.Type)
	assert.Equal(t, strings.TrimSpace(playback.first("link")), f.URL)
	assert.Equal(t, number(playback.first("processing_time")), f.ProcessingTime)
	assert.Equal(t, time.Duration(number(playback.first("duration")))*time.Millisecond, f.Length)
	assert.Equal(t, number(playback.first("size")), f.Size)
	assert.Equal(t, f.Size, r.Size)
	images := playback.at("extensions").at("preview").at("images").all("image")
	require.Len(t, f.Previews, len(images))
	for i, image := range images {
		assert.Equal(t, strings.TrimSpace(image.text), f.Previews[i].URL)
		assert.Equal(t, image.attrs["alt"], f.Previews[i].Alt)
		assert.EqualValues(t, number(image.attrs["width"]), f.Previews[i].Width)
		assert.EqualValues(t, number(image.attrs["height"]), f.Previews[i].Height)
	}
}

func TestRecordingFileWithoutAFormat(t *testing.T) {
	t.Parallel()
	r, err := bbb.ParseRecordingFile([]byte("<recording><id>rec-1</id><state>processing</state></recording>"))
	require.NoError(t, err)
	assert.Equal(t, &bbb.Recording{ID: "rec-1", State: bbb.RecordingProcessing}, r)
}

func TestBrokenRecordingFiles(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "<recording>", "<response/>", "no XML", "<recording><start_time>soon</start_time></recording>"} {
		r, err := bbb.ParseRecordingFile([]byte(text))
		require.ErrorIs(t, err, bbb.ErrBadAnswer, text)
		assert.Nil(t, r)
	}
}
