package bbbtest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

type trackAnswer struct {
	Returncode, MessageKey, Message, RecordID string
	Tracks                                    []struct{ Href, Kind, Label, Lang, Source string }
}

// json reads a JSON answer.
func (a answer) json(t *testing.T) trackAnswer {
	t.Helper()
	require.Equal(t, "application/json", a.header.Get("Content-Type"), a.body)
	var v struct{ Response trackAnswer }
	require.NoError(t, json.Unmarshal([]byte(a.body), &v))
	return v.Response
}

// put uploads a track; an empty one has no file at all.
func (c *client) put(query, text string) answer {
	c.tb.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	if text != "" {
		part, err := w.CreateFormFile("file", "a.vtt")
		require.NoError(c.tb, err)
		_, err = io.WriteString(part, text)
		require.NoError(c.tb, err)
	}
	require.NoError(c.tb, w.WriteField("other", "x"))
	require.NoError(c.tb, w.Close())
	return c.raw(http.MethodPost, "putRecordingTextTrack?"+query, w.FormDataContentType(), body.String())
}

func TestPutTextTrack(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(...bbbtest.Option) *client) {
		c := start()
		c.AddRecording(bbbtest.Recording{RecordID: "r"})
		signed := func(query string) string { return sign("putRecordingTextTrack", query, secret) }
		for query, want := range map[string]string{
			"recordID=r":                                "paramError",
			signed(""):                                  "paramError",
			"checksum=0":                                "paramError",
			signed("recordID=x"):                        "noRecordings",
			signed("recordID=r"):                        "paramError",
			signed("recordID=r&kind=x"):                 "invalidKind",
			signed("recordID=r&kind=captions"):          "paramError",
			signed("recordID=r&kind=captions&lang=%25"): "invalidLang",
			signed("recordID=r&kind=captions&lang=en"):  "empty_uploaded_text_track",
		} {
			got := c.put(query, "").json(t)
			assert.Equal(t, "FAILED "+want, got.Returncode+" "+got.MessageKey, query)
			assert.NotEmpty(t, got.Message)
		}
		wrong := c.put("recordID=r&checksum=0", "x")
		assert.Equal(t, "checksumError", wrong.key(), "in XML")
		assert.Equal(t, "unsupportedContentType", c.raw(http.MethodPost, "putRecordingTextTrack?"+signed("recordID=r"), "text/vtt", "x").key())
		assert.Equal(t, http.StatusMethodNotAllowed, c.call("putRecordingTextTrack", "recordID=r").status)

		got := c.put(signed("recordID=r&kind=subtitles&lang=en_US&label=First"), "WEBVTT 1").json(t)
		assert.Equal(t, "SUCCESS upload_text_track_success r", got.Returncode+" "+got.MessageKey+" "+got.RecordID)
		c.put(signed("recordID=r&kind=captions&lang=en-US"), "WEBVTT 2")
		c.put(signed("recordID=r&kind=subtitles&lang=en-US&label=Again"), "WEBVTT 3")
		tracks := c.Recordings()[0].Tracks
		require.Len(t, tracks, 2)
		assert.Equal(t, "captions", tracks[0].Kind)
		assert.Equal(t, bbbtest.TextTrack{
			Kind: "subtitles", Lang: "en-US", Label: "Again", Source: "upload", FileName: "a.vtt", ContentType: "application/octet-stream",
			Size: 8, SHA256: sum("sha256", "WEBVTT 3"), Head: []byte("WEBVTT 3"),
		}, tracks[1])
	})
}

func TestPutLargeTextTrack(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	c.AddRecording(bbbtest.Recording{RecordID: "r"})
	const size = 80 << 20 // more than the fake would hold in memory
	before := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"
	send := func(r io.Reader, length int64) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			c.URL()+"api/putRecordingTextTrack?"+sign("putRecordingTextTrack", "recordID=r&kind=captions&lang=en", secret), r)
		require.NoError(t, err)
		req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		req.ContentLength = length
		return c.http.Do(req)
	}
	hash := sha256.New()
	file := io.TeeReader(io.LimitReader(zeros{}, size), hash)
	resp, err := send(io.MultiReader(strings.NewReader(before), file, strings.NewReader("\r\n--b--\r\n")), -1)
	require.NoError(t, err)
	assert.Equal(t, "SUCCESS", c.read(resp).json(t).Returncode)
	track := c.Recordings()[0].Tracks[0]
	assert.EqualValues(t, size, track.Size)
	assert.Len(t, track.Head, 64<<10)
	assert.Equal(t, hex.EncodeToString(hash.Sum(nil)), track.SHA256)
	log := c.Requests()
	assert.Len(t, log[len(log)-1].Body, 1<<20)
}

// zeros is endless.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestHalfAnUploadIsNone(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	c.AddRecording(bbbtest.Recording{RecordID: "r"})
	for _, call := range []string{"putRecordingTextTrack", "create"} {
		broken, w := io.Pipe()
		go func() {
			_, _ = io.WriteString(w, "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx")
			_ = w.CloseWithError(io.ErrUnexpectedEOF)
		}()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL()+"api/"+call+"?"+sign(call, "recordID=r&kind=captions&lang=en&meetingID=abc&name=abc", secret), broken)
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/xml")
		if call != "create" {
			req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		}
		resp, err := c.http.Do(req)
		require.NoError(t, err)
		assert.Equal(t, http.StatusBadRequest, c.read(resp).status)
	}
	assert.Empty(t, c.Recordings()[0].Tracks)
	assert.Empty(t, c.Meetings())
}

func TestGetTextTracks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t)
		c.AddRecording(bbbtest.Recording{RecordID: "r"})
		assert.Equal(t, "missingParamRecordID", c.call("getRecordingTextTracks", "").key(), "in XML")
		assert.Equal(t, "checksumError", c.raw(http.MethodGet, "getRecordingTextTracks?recordID=r&checksum=0", "", "").key(), "in XML")
		none := c.call("getRecordingTextTracks", "recordID=x").json(t)
		assert.Equal(t, "FAILED noRecordings No recording found for x", none.Returncode+" "+none.MessageKey+" "+none.Message)
		assert.Equal(t, "noCaptionsFound", c.call("getRecordingTextTracks", "recordID=r").json(t).MessageKey)
		require.Error(t, c.AddTextTrack("none", bbbtest.TextTrack{}))
		require.NoError(t, c.AddTextTrack("r", bbbtest.TextTrack{Kind: "captions", Lang: "de", Label: "Deutsch", Source: "live", Head: []byte("WEBVTT")}))
		require.NoError(t, c.AddTextTrack("r", bbbtest.TextTrack{Kind: "captions", Lang: "fr", Size: 1 << 40}))

		get := func(href string) *http.Response {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, href, nil)
			require.NoError(t, err)
			resp, err := c.http.Do(req)
			require.NoError(t, err)
			return resp
		}
		list := c.call("getRecordingTextTracks", "recordID=r").json(t)
		require.Len(t, list.Tracks, 2)
		track := list.Tracks[0]
		assert.Equal(t, "SUCCESS captions Deutsch de live", fmt.Sprint(list.Returncode, " ", track.Kind, " ", track.Label, " ", track.Lang, " ", track.Source))
		u, err := url.Parse(track.Href)
		require.NoError(t, err)
		assert.Regexp(t, `^/bigbluebutton/textTrack/\w+/r/captions_de\.vtt$`, u.Path)
		assert.Equal(t, "WEBVTT", c.read(get(track.Href)).body)
		assert.Equal(t, http.StatusNotFound, c.read(get(track.Href)).status, "once")
		assert.Equal(t, http.StatusNotFound, c.read(get(list.Tracks[1].Href)).status, "it was not kept")

		late := c.call("getRecordingTextTracks", "recordID=r").json(t).Tracks[0].Href
		wait(time.Hour + time.Second)
		assert.Equal(t, http.StatusNotFound, c.read(get(late)).status)
		c.call("getRecordingTextTracks", "recordID=r")

		c = inProcess(t, bbbtest.WithQuirks(bbbtest.Quirks{UnwrappedJSON: true}))
		assert.True(t, strings.HasPrefix(c.call("getRecordingTextTracks", "recordID=x").body, `{"messageKey":"noRecordings"`))
	})
}
