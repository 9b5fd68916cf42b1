package bbb_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const uploaded = `{"response":{"returncode":"SUCCESS","messageKey":"upload_text_track_success","recordId":"rec-1"}}`

// received is an upload as a server reads it.
type received struct {
	query, field, fileName, contentType, text string
	length                                    int64
	parts                                     int
	method, accept                            string
}

// trackServer makes a server on a socket that takes uploads, and returns where the
// last one is.
func trackServer(t testing.TB) (*bbb.Server, *received) {
	t.Helper()
	var got received
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, _, _ := strings.Cut(r.URL.RawQuery, "&checksum=")
		got = received{query: query, length: r.ContentLength, method: r.Method, accept: r.Header.Get("Accept")}
		form, err := r.MultipartReader()
		if !assert.NoError(t, err) {
			return
		}
		for {
			part, err := form.NextPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				http.Error(w, "broken form", http.StatusBadRequest)
				return
			}
			text, err := io.ReadAll(part)
			if err != nil {
				http.Error(w, "broken part", http.StatusBadRequest)
				return
			}
			got.parts++
			got.field, got.fileName, got.contentType, got.text = part.FormName(), part.FileName(), part.Header.Get("Content-Type"), string(text)
		}
		w.Header().Set("Content-Type", "application/json")
		if got.parts == 0 {
			_, _ = io.WriteString(w, `{"response":{"returncode":"FAILED"}}`)
			return
		}
		_, _ = io.WriteString(w, uploaded)
	}))
	t.Cleanup(ts.Close)
	return wireServerAt(t, wireGroup(t), ts.URL, wireSecret, nil), &got
}

// Whatever can be read can be uploaded; its length is told where it is known.
func TestPutTextTrack(t *testing.T) {
	t.Parallel()
	const text = "WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"
	up := bbb.TextTrackUpload{Kind: bbb.TextTrackSubtitles, Lang: "en_US", Label: "English (US)"}
	file := filepath.Join(t.TempDir(), `odd "name".SRT`)
	require.NoError(t, os.WriteFile(file, []byte("--"+text), 0o600))
	opened := func() *os.File {
		f, err := os.Open(file)
		require.NoError(t, err)
		t.Cleanup(func() { _ = f.Close() })
		_, err = f.Seek(2, io.SeekStart) // only what is behind is meant
		require.NoError(t, err)
		return f
	}
	pipe, into, err := os.Pipe()
	require.NoError(t, err)
	go func() {
		_, _ = io.WriteString(into, text)
		_ = into.Close()
	}()
	t.Cleanup(func() { _ = pipe.Close() })
	for name, tc := range map[string]struct {
		content     io.Reader
		up          bbb.TextTrackUpload
		known       bool
		fileName    string
		contentType string
	}{
		"strings.Reader": {strings.NewReader(text), up, true, "subtitles_en-US.vtt", "text/vtt"},
		"bytes.Buffer":   {bytes.NewBufferString(text), up, true, "subtitles_en-US.vtt", "text/vtt"},
		"section":        {io.NewSectionReader(strings.NewReader(text), 0, int64(len(text))), up, true, "subtitles_en-US.vtt", "text/vtt"},
		"file":           {opened(), up, true, `odd "name".SRT`, "application/x-subrip"},
		"pipe":           {pipe, up, false, "|0", "text/vtt"},
		"stream":         {iotest.OneByteReader(strings.NewReader(text)), up, false, "subtitles_en-US.vtt", "text/vtt"},
		"no seek":        {seeker{strings.NewReader(text), 0}, up, false, "subtitles_en-US.vtt", "text/vtt"},
		"no end":         {seeker{strings.NewReader(text), 1}, up, false, "subtitles_en-US.vtt", "text/vtt"},
		"named": {strings.NewReader(text), bbb.TextTrackUpload{
			Kind: up.Kind, Lang: "en_US", Label: up.Label, FileName: "a/ü.ass", ContentType: "text/x-ssa",
		}, true, "ü.ass", "text/x-ssa"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, got := trackServer(t)
			require.NoError(t, s.PutTextTrack(t.Context(), "rec-1", tc.up, tc.content))
			assert.Equal(t, "recordID=rec-1&kind=subtitles&lang=en_US&label=English+%28US%29", got.query)
			assert.Equal(t, text, got.text)
			assert.Equal(t, tc.known, got.length > int64(len(text)))
			assert.Equal(t, "file", got.field)
			assert.Equal(t, tc.fileName, got.fileName)
			assert.Equal(t, tc.contentType, got.contentType)
			assert.Equal(t, "POST application/json", got.method+" "+got.accept)
			assert.Equal(t, 1, got.parts)
		})
	}
}

// seeker fails to seek after so many times.
type seeker struct {
	io.Reader
	good int
}

func (s seeker) Seek(_ int64, whence int) (int64, error) {
	if whence >= s.good {
		if whence == io.SeekCurrent && s.good == 1 {
			return 0, nil
		}
		return 0, errors.New("no")
	}
	return 0, nil
}

func TestTextTrackUploadIsValidated(t *testing.T) {
	t.Parallel()
	good := bbb.TextTrackUpload{Kind: bbb.TextTrackCaptions, Lang: "de"}
	for _, lang := range []string{"en", "en-US", "pt_BR", "zh-Hant-TW", "sl-rozaj-biske-1994", "de-CH-1901", "x-school", "i-klingon", "es-419"} {
		up := good
		up.Lang = lang
		assert.NoError(t, up.Validate(), lang)
	}
	for _, lang := range []string{"", "e", "x", "-", "en-", "-en", "e1", "english-", "toolongtag", "en US", "en.US", "../x", "1-a", "a-b", "en-ü"} {
		up := good
		up.Lang = lang
		assert.ErrorIs(t, up.Validate(), bbb.ErrInvalidParams, lang)
	}
	err := bbb.TextTrackUpload{Kind: "chapters", Label: "a\nb", FileName: "x\x00", ContentType: "a\r\nX: y"}.Validate()
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok)
	assert.Len(t, joined.Unwrap(), 5)

	s := wireServer(t, roundTripFunc(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("nothing is sent")
	}))
	closed, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	broken := errors.New("broken reader")
	for name, tc := range map[string]struct {
		content io.Reader
		want    error
	}{
		"nil":          {nil, bbb.ErrInvalidParams},
		"empty":        {strings.NewReader(""), bbb.ErrInvalidParams},
		"empty stream": {iotest.DataErrReader(io.LimitReader(strings.NewReader("x"), 0)), bbb.ErrInvalidParams},
		"closed file":  {closed, os.ErrClosed},
		"broken":       {iotest.ErrReader(broken), broken},
		"lost":         {lost{strings.NewReader("x")}, errNoWayBack},
	} {
		err := s.PutTextTrack(t.Context(), "rec-1", good, tc.content)
		require.ErrorIs(t, err, tc.want, name)
	}
	_, ok = errors.AsType[*bbb.ParamError](s.PutTextTrack(t.Context(), "", good, nil))
	assert.True(t, ok)
}

// lost can go to its end and not back.
type lost struct{ io.Reader }

var errNoWayBack = errors.New("cannot go back")

func (lost) Seek(_ int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		return 0, nil
	case io.SeekEnd:
		return 1, nil
	}
	return 0, errNoWayBack
}

// A content that breaks off or shrinks is an error, not a short track.
func TestPutTextTrackThatBreaksOff(t *testing.T) {
	t.Parallel()
	up := bbb.TextTrackUpload{Kind: bbb.TextTrackCaptions, Lang: "de"}
	s, _ := trackServer(t)
	err := s.PutTextTrack(t.Context(), "rec-1", up, io.MultiReader(strings.NewReader("WEBVTT"), iotest.ErrReader(errors.New("disk gone"))))
	require.ErrorContains(t, err, "disk gone")
	require.Error(t, s.PutTextTrack(t.Context(), "rec-1", up, shrunk{strings.NewReader("WEBVTT")}))
}

// shrunk promises more than there is.
type shrunk struct{ io.Reader }

func (shrunk) Len() int { return 1000 }

// A file that grows while it is sent is sent as long as it was.
func TestPutTextTrackThatGrows(t *testing.T) {
	t.Parallel()
	s, got := trackServer(t)
	require.NoError(t, s.PutTextTrack(t.Context(), "rec-1", bbb.TextTrackUpload{Kind: bbb.TextTrackCaptions, Lang: "de"}, grown{strings.NewReader("WEBVTT and more")}))
	assert.Equal(t, "WEBVTT", got.text)
}

type grown struct{ io.Reader }

func (grown) Len() int { return 6 }

// The documentation has a way to delete a track, and the servers refuse it.
func TestDeleteTextTrack(t *testing.T) {
	t.Parallel()
	s, got := trackServer(t)
	err := s.DeleteTextTrack(t.Context(), "rec-1", bbb.TextTrackCaptions, "en_GB")
	require.ErrorIs(t, err, bbb.ErrNotSupported)
	assert.Equal(t, "recordID=rec-1&kind=captions&lang=en_GB", got.query)
	assert.Zero(t, got.parts)
	require.NoError(t, wireServer(t, answering(200, "application/json", uploaded)).
		DeleteTextTrack(t.Context(), "rec-1", bbb.TextTrackCaptions, "de"))
	err = wireServer(t, answering(200, "text/xml", `<response><returncode>FAILED</returncode><messageKey>checksumError</messageKey></response>`)).
		DeleteTextTrack(t.Context(), "rec-1", bbb.TextTrackCaptions, "de")
	require.ErrorIs(t, err, bbb.ErrChecksum)
	assert.NotErrorIs(t, err, bbb.ErrNotSupported)
	require.Error(t, s.DeleteTextTrack(t.Context(), "rec-1", "x", "de"))
}

// From an upload over the list to the download, on a server that does all three.
func TestTextTracksThereAndBack(t *testing.T) {
	t.Parallel()
	fake := bbbtest.Start(t)
	other := bbbtest.Start(t)
	g := newEmptyGroup(t, patient)
	addServer(t, g, other)
	addServer(t, g, fake)
	id := fake.AddRecording(bbbtest.Recording{}).RecordID
	tracks, err := g.TextTracks(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, []bbb.TextTrack{}, tracks)

	text := strings.Repeat("WEBVTT\n", 1000)
	for _, lang := range []string{"de", "en_US", "de"} { // the last one replaces the first
		require.NoError(t, g.PutTextTrack(t.Context(), id, bbb.TextTrackUpload{
			Kind: bbb.TextTrackCaptions, Lang: lang, Label: "in " + lang,
		}, strings.NewReader(text)))
	}
	tracks, err = g.TextTracks(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, tracks, 2)
	for _, track := range tracks {
		assert.Contains(t, []string{"de", "en-US"}, track.Lang)
		assert.Equal(t, bbb.TextTrackCaptions, track.Kind)
		assert.Equal(t, "upload", track.Source)
		suite.secret("URL of a text track", track.Href)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, track.Href, nil)
		require.NoError(t, err)
		resp, err := fake.Transport().RoundTrip(req)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, text, string(body))
	}
	require.ErrorIs(t, noted(t, g.DeleteTextTrack(t.Context(), id, bbb.TextTrackCaptions, "de")), bbb.ErrNotSupported)
	err = noted(t, g.PutTextTrack(t.Context(), "nowhere", bbb.TextTrackUpload{Kind: bbb.TextTrackCaptions, Lang: "de"}, strings.NewReader(text)))
	require.ErrorIs(t, err, bbb.ErrRecordingNotFound)
	_, err = server(t, g, fake.Name()).TextTracks(t.Context(), "nowhere")
	require.ErrorIs(t, noted(t, err), bbb.ErrRecordingNotFound)
	fake.Inject(bbbtest.Fault{Call: "putRecordingTextTrack", Status: 500})
	up := bbb.TextTrackUpload{Kind: bbb.TextTrackCaptions, Lang: "de"}
	require.ErrorIs(t, noted(t, g.PutTextTrack(t.Context(), id, up, strings.NewReader(text))), bbb.ErrBadAnswer)
}

// endless is captions without end, made as they are read.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// sink is a server that throws away what it gets, and tells how much it was.
func sink(t testing.TB) (*bbb.Server, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 64<<10)
		for {
			m, err := r.Body.Read(buf)
			n.Add(int64(m))
			if err != nil {
				break
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, uploaded)
	}))
	t.Cleanup(ts.Close)
	return wireServerAt(t, wireGroup(t), ts.URL, wireSecret, nil), &n
}

// Two hundred megabytes of captions do not take two hundred megabytes of memory.
// Not parallel: it looks at the memory of the whole process.
func TestLargeTextTrackIsNotKept(t *testing.T) {
	const size = 200 << 20
	s, n := sink(t)
	up := bbb.TextTrackUpload{Kind: bbb.TextTrackCaptions, Lang: "de"}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	content := &measured{Reader: io.LimitReader(endless{}, size), size: size}
	content.each = func() {
		runtime.ReadMemStats(&now)
		content.most = max(content.most, int64(now.HeapAlloc)-int64(before.HeapAlloc))
	}
	require.NoError(t, s.PutTextTrack(t.Context(), "rec-1", up, content))
	runtime.ReadMemStats(&now)
	assert.GreaterOrEqual(t, n.Load(), int64(size))
	// What was ever allocated, collected or not: nothing of the size of the content.
	assert.Less(t, now.TotalAlloc-before.TotalAlloc, uint64(16<<20))
	assert.Less(t, content.most, int64(16<<20))
	t.Logf("%d MiB sent, %d KiB allocated in all, at most %d KiB at a time",
		size>>20, (now.TotalAlloc-before.TotalAlloc)>>10, content.most>>10)
}

// measured looks around every ten megabytes.
type measured struct {
	io.Reader
	size, read, most int64
	each             func()
}

func (m *measured) Len() int { return int(m.size) }

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if m.read/(10<<20) != (m.read+int64(n))/(10<<20) {
		m.each()
	}
	m.read += int64(n)
	return n, err
}

func BenchmarkPutTextTrack(b *testing.B) {
	s, _ := sink(b)
	up := bbb.TextTrackUpload{Kind: bbb.TextTrackCaptions, Lang: "de"}
	for _, mib := range []int64{1, 200} {
		b.Run(strconv.FormatInt(mib, 10)+"MiB", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(mib << 20)
			for b.Loop() {
				content := &measured{Reader: io.LimitReader(endless{}, mib<<20), size: mib << 20, each: func() {}}
				if err := s.PutTextTrack(context.Background(), "rec-1", up, content); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
