package bbb_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// formOf writes a form with the boundary "b"; each part is a header and a text.
func formOf(parts ...[2]string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("--b\r\nContent-Disposition: form-data; " + p[0] + "\r\n\r\n" + p[1] + "\r\n")
	}
	return b.String() + "--b--\r\n"
}

// trackFormType goes with formOf.
const trackFormType = "multipart/form-data; boundary=b"

// regexpToken finds the token in the address of a text track.
var regexpToken = regexp.MustCompile(`/textTrack/[^/]+/`)

var (
	filePart  = [2]string{"name=\"file\"; filename=\"my track.srt\"\r\nContent-Type: application/x-subrip", "1\n00:01 --> 00:02\nHello"}
	otherPart = [2]string{`name="note"`, "for you"}
)

// upload has a text track uploaded.
func upload(t *testing.T, g *bbb.Group, query string, body io.Reader, contentType string) *bbb.Response {
	t.Helper()
	r := g.HandleFromData(t.Context(), "putRecordingTextTrack", values(t, query), body, bbb.HandleContentType(contentType))
	_ = noted(t, r.Err)
	return r
}

// posted returns what a server itself answers to an upload.
func posted(t *testing.T, g *bbb.Group, f *bbbtest.Server, query, body, contentType string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		server(t, g, f.Name()).URL("putRecordingTextTrack", values(t, query)), strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", contentType)
	resp, err := f.Transport().RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return text
}

// sameAnswer compares two answers, of which JSON may have its keys in any order.
func sameAnswer(t *testing.T, want []byte, r *bbb.Response, what string) {
	t.Helper()
	if want[0] == '<' {
		assert.Equal(t, "text/xml;charset=utf-8", r.ContentType(), what)
		assert.Equal(t, outline(t, want), outline(t, r.AppendBody(nil)), what)
		return
	}
	assert.Equal(t, "application/json;charset=utf-8", r.ContentType(), what)
	assert.JSONEq(t, string(want), string(r.AppendBody(nil)), what)
}

func TestTextTracksAreAnsweredAsByAServer(t *testing.T) {
	t.Parallel()
	direct, behind := newFake(t, "bbb2"), newFake(t, "bbb2")
	alone := newGroupOf(t, []*bbbtest.Server{direct})
	g := newGroupOf(t, []*bbbtest.Server{newFake(t, "bbb1"), behind, newFake(t, "bbb3")})
	for _, f := range []*bbbtest.Server{direct, behind} {
		f.AddRecording(bbbtest.Recording{RecordID: "rec-1", MeetingID: "math"})
		f.AddRecording(bbbtest.Recording{RecordID: "rec-2", MeetingID: "math"})
		f.AddRecording(bbbtest.Recording{RecordID: "rec-3", State: "deleted"})
	}
	for _, query := range []string{"", "recordID=", "recordID=rec-1", "recordID=none", "recordID=rec", "recordID=rec-3", "recordID=a,b", "recordID=%3Cb%3E%22"} {
		sameAnswer(t, said(t, alone, direct, "getRecordingTextTracks", query), handledBy(t, g, "getRecordingTextTracks", query), query)
	}
	good := "recordID=rec-1&kind=subtitles&lang=en_US&label=%22First%22+%3Cone%3E"
	for _, one := range []struct{ query, body, contentType string }{
		{"", formOf(filePart), trackFormType},
		{"recordID=none", formOf(filePart), trackFormType},
		{"recordID=none&kind=x", formOf(filePart), trackFormType},
		{"recordID=rec-1", formOf(filePart), trackFormType},
		{"recordID=rec-1&kind=x&lang=%25", formOf(filePart), trackFormType},
		{"recordID=rec-1&kind=Captions&lang=en", formOf(filePart), trackFormType},
		{"recordID=rec-1&kind=captions", formOf(filePart), trackFormType},
		{"recordID=rec-1&kind=captions&lang=%25", formOf(filePart), trackFormType},
		{"recordID=rec-1&kind=captions&lang=en", formOf(), trackFormType},
		{"recordID=rec-1&kind=captions&lang=en", formOf(otherPart), trackFormType},
		{"recordID=rec-1&kind=captions&lang=en", formOf([2]string{`name="file"; filename="empty.vtt"`, ""}), trackFormType},
		{"recordID=rec-1&kind=captions&lang=en", "no form at all", trackFormType},
		{"recordID=rec-1&kind=captions&lang=en", "WEBVTT", "text/vtt"},
		{"recordID=rec-1&kind=captions&lang=en", "WEBVTT", ""},
		{good, formOf(filePart), trackFormType},
		{"recordID=rec-1&kind=captions&lang=de", formOf(otherPart, filePart, otherPart), trackFormType},
		{"recordID=rec-1&kind=captions&lang=de", formOf([2]string{`name="file"; filename="second.vtt"`, "WEBVTT"}), trackFormType},
		{"recordID=rec-2&kind=captions&lang=de", formOf([2]string{`name="file"`, "WEBVTT"}), trackFormType},
	} {
		r := upload(t, g, one.query, strings.NewReader(one.body), one.contentType)
		assert.Equal(t, http.StatusOK, r.StatusCode)
		sameAnswer(t, posted(t, alone, direct, one.query, one.body, one.contentType), r, one.query+" "+one.body)
	}
	for i, r := range behind.Recordings() {
		for j, want := range direct.Recordings()[i].Tracks {
			if want.ContentType == "" { // the parts of a form need not tell
				assert.Equal(t, "text/vtt", r.Tracks[j].ContentType)
				r.Tracks[j].ContentType = ""
			}
			if want.FileName == "" {
				assert.Equal(t, "captions_de.vtt", r.Tracks[j].FileName)
				r.Tracks[j].FileName = ""
			}
		}
		assert.Equal(t, direct.Recordings()[i].Tracks, r.Tracks)
	}
	r := handledBy(t, g, "getRecordingTextTracks", "recordID=rec-1")
	var got, want struct {
		Response struct {
			Returncode string
			Tracks     []struct{ Href, Kind, Label, Lang, Source string }
		}
	}
	require.NoError(t, json.Unmarshal(r.AppendBody(nil), &got))
	require.NoError(t, json.Unmarshal(said(t, alone, direct, "getRecordingTextTracks", "recordID=rec-1"), &want))
	require.Len(t, got.Response.Tracks, 2)
	for i := range got.Response.Tracks {
		token := regexpToken.FindString(got.Response.Tracks[i].Href)
		assert.NotEmpty(t, token)
		want.Response.Tracks[i].Href = regexpToken.ReplaceAllString(want.Response.Tracks[i].Href, token) // one for each question
	}
	assert.Equal(t, want, got)
	assert.IsType(t, []bbb.TextTrack{}, r.Value)
}

// An upload that breaks off, or fails behind us, is not taken, and the client is told.
func TestUploadsThatFail(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	fakes[1].AddRecording(bbbtest.Recording{RecordID: "rec-1"})
	const query = "recordID=rec-1&kind=captions&lang=en"
	outcome := func(body io.Reader) string {
		r := upload(t, g, query, body, trackFormType)
		assert.NotContains(t, string(r.AppendBody(nil)), "bbb2")
		assert.True(t, json.Valid(r.AppendBody(nil)))
		return r.Key
	}
	whole := formOf(filePart)
	assert.Equal(t, "upload_text_track_failed", outcome(strings.NewReader(whole[:len(whole)-8])), "cut off")
	assert.Equal(t, "upload_text_track_failed", outcome(io.MultiReader(strings.NewReader(whole[:100]), iotest.ErrReader(errors.New("gone")))))
	assert.Equal(t, "upload_text_track_failed", outcome(strings.NewReader("--b\r\nno header\r\n\r\n"+whole)))
	limited := http.MaxBytesReader(nil, io.NopCloser(strings.NewReader(whole)), 110)
	r := upload(t, g, query, limited, trackFormType)
	assert.Equal(t, http.StatusRequestEntityTooLarge, r.StatusCode)
	assert.Equal(t, "upload_text_track_failed", outcome(strings.NewReader(strings.TrimSuffix(strings.Repeat(formOf(otherPart), 1), "--\r\n")+
		"\r\n"+strings.Repeat("--b\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n", 200)+formOf(filePart))), "too many parts")
	assert.Empty(t, fakes[1].Recordings()[0].Tracks)

	fakes[1].Inject(bbbtest.Fault{Call: "putRecordingTextTrack", Status: http.StatusBadGateway, Times: 1})
	assert.Equal(t, "internalError", outcome(strings.NewReader(whole)))
	assert.Equal(t, "upload_text_track_success", outcome(iotest.OneByteReader(strings.NewReader(whole))))
	assert.Equal(t, "my track.srt", fakes[1].Recordings()[0].Tracks[0].FileName)
	fakes[1].SetDown(true)
	assert.Equal(t, "internalError", outcome(strings.NewReader(whole)), "it is not known who has the recording")
	odd := upload(t, g, query, nil, "")
	assert.True(t, odd.Failed())
}

// A file goes through as it is read: nothing holds the whole of it.
func TestUploadsAreStreamed(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	fakes[0].AddRecording(bbbtest.Recording{RecordID: "rec-1"})
	const size = 64 << 20
	head, tail, _ := strings.Cut(formOf([2]string{`name="file"; filename="a.vtt"`, "HERE"}), "HERE")
	sum := sha256.New()
	body := io.MultiReader(strings.NewReader(head), io.TeeReader(io.LimitReader(endless{}, size), sum), strings.NewReader(tail))
	r := upload(t, g, "recordID=rec-1&kind=captions&lang=en", body, trackFormType)
	require.NoError(t, r.Err)
	var text bytes.Buffer
	n, err := r.WriteTo(&text)
	require.NoError(t, err)
	assert.EqualValues(t, text.Len(), n)
	assert.JSONEq(t, `{"response":{"returncode":"SUCCESS","messageKey":"upload_text_track_success","message":"Text track uploaded successfully","recordId":"rec-1"}}`, text.String())
	track := fakes[0].Recordings()[0].Tracks[0]
	assert.EqualValues(t, size, track.Size)
	assert.Equal(t, hex.EncodeToString(sum.Sum(nil)), track.SHA256)
}
