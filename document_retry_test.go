package bbb_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	refusedAnswer = `<response><returncode>FAILED</returncode><messageKey>checksumError</messageKey><message>Checksums do not match</message></response>`
	takenAnswer   = `<response><returncode>FAILED</returncode><messageKey>idNotUnique</messageKey><message>taken</message></response>`
)

func createWith(content io.Reader) bbb.CreateParams {
	return bbb.CreateParams{MeetingID: "physics", Name: "Physics", Documents: []bbb.Document{{Name: "a.pdf", Content: content}}}
}

func TestTooLargeDocumentIsNotSent(t *testing.T) {
	t.Parallel()
	var sent []taken
	s := wireServer(t, taking(t, &sent, createdAnswer), bbb.WithUploadLimit(10))
	for name, d := range map[string]bbb.Document{
		"reader": {Name: "a.pdf", Content: strings.NewReader("0123456789x")},
		"buffer": {Name: "a.pdf", Content: bytes.NewBufferString("0123456789x")},
		"size":   {Name: "a.pdf", Content: onceReader{strings.NewReader("")}, Size: 11},
	} {
		_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", Documents: []bbb.Document{d}})
		require.ErrorIs(t, err, bbb.ErrDocumentTooLarge, name)
		require.ErrorIs(t, err, bbb.ErrInvalidParams, name)
		require.NotErrorIs(t, err, bbb.ErrOutcomeUnknown, name)
		require.EqualError(t, err, `bbb: create on bbb1: document too large: "a.pdf" has more than 10 bytes`)
		require.ErrorIs(t, s.InsertDocuments(t.Context(), "physics", d), bbb.ErrDocumentTooLarge, name)
	}
	_, err := s.CreateMeeting(t.Context(), createWith(strings.NewReader("")))
	require.ErrorContains(t, err, `document "a.pdf" is empty`)
	assert.Empty(t, sent)
	_, err = s.CreateMeeting(t.Context(), createWith(strings.NewReader("0123456789")))
	require.NoError(t, err)
	_, err = bbb.NewGroup("g", bbb.WithUploadLimit(0))
	require.ErrorContains(t, err, "WithUploadLimit: 0")
	_, err = s.Group().New("other", "https://bbb2.test", wireSecret, bbb.WithUploadLimit(0))
	require.ErrorContains(t, err, "WithUploadLimit: 0")
}

// What is wrong with a content while it is sent is not held against the server,
// and not called an unknown outcome: a body without its end is not acted on.
func TestContentFailsUnderWay(t *testing.T) {
	t.Parallel()
	var complete atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err == nil && r.Method == http.MethodPost {
			complete.Add(1)
		}
		_, _ = io.WriteString(w, createdAnswer)
	}))
	defer web.Close()
	broken := errors.New("disk on fire")
	for problem, d := range map[string]bbb.Document{
		"document too large":                    {Content: onceReader{strings.NewReader(strings.Repeat("x", 200))}},
		`document "a.pdf" is empty`:             {Content: onceReader{strings.NewReader("")}},
		`document "a.pdf": disk on fire`:        {Content: io.MultiReader(strings.NewReader("abc"), failing{broken})},
		`document "a.pdf" is not of the size 5`: {Content: onceReader{strings.NewReader("abc")}, Size: 5},
		`document "a.pdf" is not of the size 2`: {Content: onceReader{strings.NewReader("abc")}, Size: 2},
	} {
		g := wireGroup(t)
		s := wireServerAt(t, g, web.URL, wireSecret, nil, bbb.WithUploadLimit(100))
		d.Name = "a.pdf"
		_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", Documents: []bbb.Document{d}})
		require.ErrorContains(t, err, problem)
		require.NotErrorIs(t, err, bbb.ErrOutcomeUnknown, problem)
		require.ErrorContains(t, s.InsertDocuments(t.Context(), "physics", d), "bbb: insertDocument on bbb1: ")
	}
	assert.Zero(t, complete.Load())
}

// A second secret gets the content from its start, if there is a way back.
func TestDocumentsAndTheSecondSecret(t *testing.T) {
	t.Parallel()
	var sent []taken
	s := wireServer(t, taking(t, &sent, refusedAnswer, createdAnswer), bbb.WithSecondSecret(newSecret))
	_, err := s.CreateMeeting(t.Context(), createWith(strings.NewReader("content")))
	require.NoError(t, err)
	require.Len(t, sent, 2)
	assert.Equal(t, string(sent[0].body), string(sent[1].body))
	assert.Contains(t, string(sent[1].body), ">Y29udGVudA==<")
	assert.True(t, bbb.Verify("create", sent[1].query, newSecret))

	sent = nil
	s = wireServer(t, taking(t, &sent, refusedAnswer), bbb.WithSecondSecret(newSecret))
	for _, content := range []io.Reader{onceReader{strings.NewReader("content")}, brokenSeeker{strings.NewReader("content"), new(int)}} {
		sent = nil
		_, err = s.CreateMeeting(t.Context(), createWith(content))
		require.ErrorIs(t, err, bbb.ErrChecksum)
		require.ErrorContains(t, err, "not sent again: the content was read already and cannot be rewound")
		assert.Len(t, sent, 1)
	}

	// Refused before anything was read, a content can still be sent.
	var bodies []string
	s = wireServer(t, handled(func(w http.ResponseWriter, r *http.Request) {
		if bbb.Verify("create", r.URL.RawQuery, newSecret) {
			body, _ := io.ReadAll(r.Body)
			bodies = append(bodies, string(body))
			_, _ = io.WriteString(w, createdAnswer)
			return
		}
		_, _ = io.WriteString(w, refusedAnswer)
	}), bbb.WithSecondSecret(newSecret))
	_, err = s.CreateMeeting(t.Context(), createWith(onceReader{strings.NewReader("content")}))
	require.NoError(t, err)
	require.Len(t, bodies, 1)
	assert.Contains(t, bodies[0], ">Y29udGVudA==<")
}

// brokenSeeker finds the way back once only, when it is measured.
type brokenSeeker struct {
	*strings.Reader
	seeks *int
}

func (b brokenSeeker) Seek(offset int64, whence int) (int64, error) {
	if *b.seeks++; *b.seeks > 3 {
		return 0, errors.New("no way back")
	}
	return b.Reader.Seek(offset, whence)
}

// A password of its own is what the group finds out; the create is then sent again.
func TestDocumentsAndATakenID(t *testing.T) {
	t.Parallel()
	info := `<response><returncode>SUCCESS</returncode><meetingID>physics</meetingID><internalMeetingID>i-1</internalMeetingID>` +
		`<attendeePW>ap</attendeePW><moderatorPW>mp</moderatorPW></response>`
	var sent []taken
	s := wireServer(t, taking(t, &sent, takenAnswer, info, createdAnswer))
	_, err := s.CreateMeeting(t.Context(), createWith(strings.NewReader("content")))
	require.NoError(t, err)
	require.Len(t, sent, 3)
	assert.Equal(t, string(sent[0].body), string(sent[2].body))

	sent = nil
	s = wireServer(t, taking(t, &sent, takenAnswer, info, createdAnswer))
	_, err = s.CreateMeeting(t.Context(), createWith(onceReader{strings.NewReader("content")}))
	require.ErrorIs(t, err, bbb.ErrMeetingExists)
	require.ErrorContains(t, err, "not sent again")
	assert.Len(t, sent, 1)
}

// A definite refusal leads to the next server, with the content from its start.
func TestDocumentsGoToTheNextServer(t *testing.T) {
	t.Parallel()
	build := func(read bool) (*bbb.Group, *[]string) {
		g := wireGroup(t)
		bodies := new([]string)
		var asked atomic.Int32
		for i := range 2 {
			wireServerAt(t, g, "https://bbb"+string(rune('1'+i))+".test", wireSecret, handled(func(w http.ResponseWriter, r *http.Request) {
				first := asked.Add(1) == 1
				if read || !first {
					body, _ := io.ReadAll(r.Body)
					*bodies = append(*bodies, string(body))
				}
				if first {
					w.WriteHeader(http.StatusForbidden)
					return
				}
				_, _ = io.WriteString(w, createdAnswer)
			}))
		}
		return g, bodies
	}
	p := createWith(strings.NewReader("content"))
	p.MeetingID = ""
	g, bodies := build(true)
	_, err := g.CreateMeeting(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, *bodies, 2)
	assert.Equal(t, (*bodies)[0], (*bodies)[1])

	p = createWith(onceReader{strings.NewReader("content")})
	p.MeetingID = ""
	g, bodies = build(true)
	_, err = g.CreateMeeting(t.Context(), p)
	require.ErrorContains(t, err, "HTTP 403")
	require.ErrorContains(t, err, "not sent again")
	assert.Len(t, *bodies, 1)

	p = createWith(onceReader{strings.NewReader("content")})
	p.MeetingID = ""
	g, bodies = build(false)
	_, err = g.CreateMeeting(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, *bodies, 1)
	assert.Contains(t, (*bodies)[0], ">Y29udGVudA==<")
}

// After an unknown outcome the same create is to be sent again, with the same
// file: it stands where it stood before.
func TestFileIsBackAfterAFailure(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.pdf")
	require.NoError(t, os.WriteFile(path, []byte("the content"), 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	_, err = f.Seek(4, io.SeekStart)
	require.NoError(t, err)
	down := true
	var bodies []string
	s := wireServer(t, roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			body, _ := io.ReadAll(r.Body)
			bodies = append(bodies, string(body))
		}
		if down {
			return nil, io.ErrUnexpectedEOF
		}
		return xmlAnswer(createdAnswer).RoundTrip(r)
	}))
	_, err = s.CreateMeeting(t.Context(), createWith(f))
	require.ErrorIs(t, err, bbb.ErrOutcomeUnknown)
	require.ErrorIs(t, s.InsertDocuments(t.Context(), "physics", bbb.Document{Name: "a.pdf", Content: f}), io.ErrUnexpectedEOF)
	down = false
	_, err = s.CreateMeeting(t.Context(), createWith(f))
	require.NoError(t, err)
	require.Len(t, bodies, 3)
	assert.Equal(t, bodies[0], bodies[2])
	assert.Contains(t, bodies[2], ">"+base64.StdEncoding.EncodeToString([]byte("content"))+"<")
}

// A pipe has no end to seek to.
func TestPipesAreDocumentsOfUnknownSize(t *testing.T) {
	t.Parallel()
	in, out, err := os.Pipe()
	require.NoError(t, err)
	go func() {
		_, _ = out.WriteString("content")
		_ = out.Close()
	}()
	t.Cleanup(func() { _ = in.Close() })
	var sent []taken
	s := wireServer(t, taking(t, &sent, createdAnswer))
	_, err = s.CreateMeeting(t.Context(), createWith(in))
	require.NoError(t, err)
	require.Len(t, sent, 1)
	assert.Equal(t, int64(-1), sent[0].length)
	assert.Contains(t, string(sent[0].body), ">Y29udGVudA==<")
}

// zeros is a content of any size that takes no memory.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), z.left))
	clear(p[:n])
	z.left -= int64(n)
	return n, nil
}

// A presentation larger than the memory that is left must be possible. What is
// allocated in all is the bound here, and it does not depend on when the
// collector runs.
func TestLargeContentIsNotKept(t *testing.T) { //nolint:paralleltest // counts what the whole process allocates
	size := int64(200 << 20)
	if raceDetector {
		size = 40 << 20 // encoding takes its time there
	}
	var arrived atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		arrived.Store(n)
		_, _ = io.WriteString(w, createdAnswer)
	}))
	defer web.Close()
	s := wireServerAt(t, wireGroup(t), web.URL, wireSecret, nil, bbb.WithUploadLimit(size))
	for _, declared := range []int64{0, size} {
		p := createWith(&zeros{left: size})
		p.Documents[0].Size = declared
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := s.CreateMeeting(t.Context(), p)
		runtime.ReadMemStats(&after)
		require.NoError(t, err)
		assert.Greater(t, arrived.Load(), size*4/3)
		grown := after.TotalAlloc - before.TotalAlloc
		assert.Less(t, grown, uint64(16<<20), "bytes allocated for %d", size)
		t.Logf("%d bytes allocated to send %d", grown, size)
	}
}

func BenchmarkCreateWithDocument(b *testing.B) {
	const size = 30_000_000
	s := wireServer(b, handled(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, createdAnswer)
	}))
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		_, err := s.CreateMeeting(b.Context(), createWith(&zeros{left: size}))
		require.NoError(b, err)
	}
}

func TestGroupInsertsWhereTheMeetingIs(t *testing.T) {
	t.Parallel()
	type member struct{ has bool }
	build := func(members ...member) (*bbb.Group, *[]string) {
		g := wireGroup(t)
		log := new([]string)
		for i, m := range members {
			name := "bbb" + string(rune('1'+i))
			wireServerAt(t, g, "https://"+name+".test", wireSecret, handled(func(w http.ResponseWriter, r *http.Request) {
				call := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
				meeting := `<meetingID>physics</meetingID><internalMeetingID>i-1</internalMeetingID><metadata><tenant>blue</tenant></metadata>`
				switch {
				case call == "getMeetings" && m.has:
					_, _ = io.WriteString(w, "<response><returncode>SUCCESS</returncode><meetings><meeting>"+meeting+"</meeting></meetings></response>")
				case call == "getMeetings":
					_, _ = io.WriteString(w, "<response><returncode>SUCCESS</returncode><meetings/></response>")
				case call == "getMeetingInfo" && m.has:
					_, _ = io.WriteString(w, "<response><returncode>SUCCESS</returncode>"+meeting+"</response>")
				case call == "getMeetingInfo":
					_, _ = io.WriteString(w, "<response><returncode>FAILED</returncode><messageKey>notFound</messageKey></response>")
				case call == "insertDocument" && m.has:
					body, _ := io.ReadAll(r.Body)
					*log = append(*log, name+" "+string(body[bytes.Index(body, []byte("<document")):]))
					_, _ = io.WriteString(w, insertedAnswer)
				case call == "sendChatMessage" && m.has:
					*log = append(*log, name+" "+r.URL.Query().Get("message"))
					_, _ = io.WriteString(w, "<response><returncode>SUCCESS</returncode><messageKey/><message/></response>")
				default:
					_, _ = io.WriteString(w, "<response><returncode>FAILED</returncode><message>Meeting with id [physics] not found.</message></response>")
				}
			}))
		}
		return g, log
	}
	const want = `bbb2 <document name="a.pdf">Y29udGVudA==</document></module></modules>`
	for _, content := range []func() io.Reader{
		func() io.Reader { return strings.NewReader("content") },
		func() io.Reader { return onceReader{strings.NewReader("content")} },
	} {
		g, log := build(member{}, member{has: true})
		doc := bbb.Document{Name: "a.pdf", Content: content()}
		require.NoError(t, g.InsertDocuments(t.Context(), "physics", doc))
		m, err := g.Meeting(t.Context(), "physics")
		require.NoError(t, err)
		doc.Content = content()
		require.NoError(t, m.InsertDocuments(t.Context(), doc))
		blue, err := g.Scope(map[string]string{"tenant": "blue"})
		require.NoError(t, err)
		doc.Content = content()
		require.NoError(t, blue.InsertDocuments(t.Context(), "physics", doc))
		assert.Equal(t, []string{want, want, want}, *log)

		*log = nil
		msg := bbb.ChatMessage{Text: "Hello"}
		require.NoError(t, g.SendChatMessage(t.Context(), "physics", msg))
		require.NoError(t, blue.SendChatMessage(t.Context(), "physics", msg))
		require.NoError(t, m.SendChat(t.Context(), msg))
		assert.Equal(t, []string{"bbb2 Hello", "bbb2 Hello", "bbb2 Hello"}, *log)

		*log = nil
		red, err := g.Scope(map[string]string{"tenant": "red"})
		require.NoError(t, err)
		doc.Content = content()
		require.ErrorIs(t, red.InsertDocuments(t.Context(), "physics", doc), bbb.ErrMeetingNotFound)
		require.ErrorIs(t, red.SendChatMessage(t.Context(), "physics", msg), bbb.ErrMeetingNotFound)
		assert.Empty(t, *log)

		g, _ = build(member{}, member{})
		doc.Content = content()
		require.ErrorIs(t, g.InsertDocuments(t.Context(), "physics", doc), bbb.ErrMeetingNotFound)
		require.ErrorIs(t, g.SendChatMessage(t.Context(), "physics", msg), bbb.ErrMeetingNotFound)
	}
}

// A connection that fails is a failure, and nothing is sent again.
func TestInsertIsNeverRepeated(t *testing.T) {
	t.Parallel()
	n := 0
	s := wireServer(t, roundTripFunc(func(*http.Request) (*http.Response, error) {
		n++
		return nil, syscall.ECONNRESET
	}))
	require.ErrorIs(t, s.InsertDocuments(t.Context(), "physics", bbb.Document{URL: "https://a.example/b.pdf"}), syscall.ECONNRESET)
	require.ErrorIs(t, s.SendChatMessage(t.Context(), "physics", bbb.ChatMessage{Text: "x"}), syscall.ECONNRESET)
	assert.Equal(t, 2, n)
}
