package bbb_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const createdAnswer = `<response><returncode>SUCCESS</returncode><meetingID>physics</meetingID><internalMeetingID>i-1</internalMeetingID>` +
	`<attendeePW>ap</attendeePW><moderatorPW>mp</moderatorPW><createTime>1700000000000</createTime></response>`

const insertedAnswer = `<response><returncode>SUCCESS</returncode><message>Presentation is being uploaded</message></response>`

// sentBody is what an XML parser of others makes of a body.
type sentBody struct {
	XMLName xml.Name     `xml:"modules"`
	Modules []sentModule `xml:"module"`
}

type sentModule struct {
	Name      string         `xml:"name,attr"`
	Text      string         `xml:",chardata"`
	Documents []sentDocument `xml:"document"`
}

type sentDocument struct {
	Attrs   []xml.Attr `xml:",any,attr"`
	Content string     `xml:",chardata"`
}

func (d sentDocument) attributes() map[string]string {
	m := make(map[string]string)
	for _, a := range d.Attrs {
		m[a.Name.Local] = a.Value
	}
	return m
}

func parseBody(t *testing.T, body []byte) (b sentBody) {
	t.Helper()
	require.NoError(t, xml.Unmarshal(body, &b))
	require.Equal(t, -1, bytes.IndexFunc(body, func(r rune) bool { return r >= 0x7f }), "nothing but ASCII is sent")
	return b
}

// taking is a transport that keeps what was sent and answers.
type taken struct {
	method, call, query, contentType string
	length                           int64
	body                             []byte
}

func taking(t *testing.T, into *[]taken, answers ...string) http.RoundTripper {
	t.Helper()
	return handled(func(w http.ResponseWriter, r *http.Request) {
		got := taken{
			method: r.Method, call: r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], query: r.URL.RawQuery,
			contentType: r.Header.Get("Content-Type"), length: r.ContentLength,
		}
		if r.Body != nil {
			var err error
			if got.body, err = io.ReadAll(r.Body); err != nil {
				panic(err) // such tests use the network
			}
		}
		*into = append(*into, got)
		_, _ = io.WriteString(w, answers[min(len(*into), len(answers))-1])
	})
}

// onceReader hides everything but Read.
type onceReader struct{ io.Reader }

// The XML of random documents is to others what went in.
func TestDocumentsArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 7))
		var docs []bbb.Document
		var want []map[string]string
		var contents [][]byte
		known := true
		for i := range 1 + r.IntN(4) {
			d := bbb.Document{}
			attrs := make(map[string]string)
			flag := func(name string, at **bool, allowed bool) {
				if v := r.IntN(2) == 0 && allowed; r.IntN(2) == 0 {
					*at, attrs[name] = new(v), fmt.Sprint(v)
				}
			}
			flag("current", &d.Current, i == 0)
			flag("downloadable", &d.Downloadable, true)
			flag("removable", &d.Removable, true)
			name := wildName(r) + ".PDF"
			var content []byte
			if r.IntN(3) == 0 {
				d.URL = "https://files.example.org/a?b=<&c=\"d'e" + fmt.Sprint(i)
				attrs["url"] = d.URL
				if r.IntN(2) == 0 {
					d.Filename, attrs["filename"] = name, name
				}
			} else {
				content = randomBytes(r, 1+r.IntN(30_000))
				d.Name, attrs["name"] = name, name
				switch r.IntN(4) {
				case 0:
					d.Content = bytes.NewReader(content)
				case 1:
					d.Content = bytes.NewBuffer(bytes.Clone(content))
				case 2:
					d.Content, d.Size = onceReader{bytes.NewReader(content)}, int64(len(content))
				default:
					d.Content = onceReader{bytes.NewReader(content)}
					known = false
				}
			}
			docs, want, contents = append(docs, d), append(want, attrs), append(contents, content)
		}
		settings := `{"public":{"app":{"name":"` + "a]]>&<b>é中😀" + `"}}}`
		markdown := "# Notes\r\n\tof <b>&amp; é]]>\n"
		var sent []taken
		s := wireServer(t, taking(t, &sent, createdAnswer))
		m, err := s.CreateMeeting(t.Context(), bbb.CreateParams{
			MeetingID: "physics", Name: "Physics 中", Documents: docs, ClientSettingsOverride: json.RawMessage(settings),
			SharedNotesInitialContentJSON: json.RawMessage(`["é"]`), SharedNotesInitialContentMarkdown: markdown,
		})
		require.NoError(t, err, "seed %d", seed)
		assert.Equal(t, "physics", m.ID)
		require.Len(t, sent, 1)
		got := sent[0]
		assert.Equal(t, "POST create application/xml", got.method+" "+got.call+" "+got.contentType)
		assert.True(t, bbb.Verify("create", got.query, wireSecret))
		assert.Contains(t, got.query, "name=Physics+%E4%B8%AD")
		assert.NotContains(t, got.query, "sharedNotes")
		if known {
			assert.Equal(t, int64(len(got.body)), got.length, "seed %d", seed)
		} else {
			assert.Equal(t, int64(-1), got.length, "seed %d", seed)
		}
		body := parseBody(t, got.body)
		require.Len(t, body.Modules, 4)
		assert.Equal(t, "presentation", body.Modules[0].Name)
		require.Len(t, body.Modules[0].Documents, len(docs))
		for i, d := range body.Modules[0].Documents {
			assert.Equal(t, want[i], d.attributes(), "seed %d", seed)
			back, err := base64.StdEncoding.DecodeString(d.Content)
			require.NoError(t, err)
			require.True(t, bytes.Equal(contents[i], back), "seed %d", seed)
		}
		for i, text := range []string{settings, `["é"]`, markdown} {
			assert.Equal(t, text, body.Modules[i+1].Text)
		}
		assert.Equal(t, "clientSettingsOverride sharedNotesInitialContentJson sharedNotesInitialContentMarkdown",
			body.Modules[1].Name+" "+body.Modules[2].Name+" "+body.Modules[3].Name)
	}
}

func wildName(r *rand.Rand) string {
	alphabet := []rune(`abc 019.-_<>&"'é中😀]`)
	var text strings.Builder
	for range 1 + r.IntN(9) {
		text.WriteRune(alphabet[r.IntN(len(alphabet))])
	}
	return "n" + text.String()
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// Without anything for the body the create stays what it was.
func TestNoDocumentsNoBody(t *testing.T) {
	t.Parallel()
	var sent []taken
	s := wireServer(t, taking(t, &sent, createdAnswer))
	_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{
		MeetingID: "physics", Name: "Physics", SharedNotesInitialContentMarkdown: "# Hi", Documents: []bbb.Document{},
	})
	require.NoError(t, err)
	require.Len(t, sent, 1)
	assert.Equal(t, "GET", sent[0].method)
	assert.Contains(t, sent[0].query, "sharedNotesInitialContentMarkdown=%23+Hi")
}

func TestRulesOfDocuments(t *testing.T) {
	t.Parallel()
	text := func() io.Reader { return strings.NewReader("x") }
	for problem, d := range map[string]bbb.Document{
		"has both URL and Content":                        {URL: "https://a.example/b.pdf", Content: text()},
		"has neither URL nor Content":                     {Name: "a.pdf"},
		"has a negative Size":                             {Name: "a.pdf", Content: text(), Size: -1},
		"has a Filename beside its Content":               {Filename: "a.pdf", Content: text()},
		"has a Name beside its URL":                       {Name: "a.pdf", URL: "https://a.example/b.pdf"},
		"has no Name":                                     {Content: text()},
		"has a Name without extension":                    {Name: "slides", Content: text()},
		"has a Name that is only an extension":            {Name: ".pdf", Content: text()},
		"has a Name with an extension that servers":       {Name: "a.exe", Content: text()},
		"has a Name with slashes":                         {Name: "../a.pdf", Content: text()},
		"has a Name with slashes, control characters or ": {Name: "a\xff.pdf", Content: text()},
		"has a URL that is not an absolute":               {URL: "file:///etc/passwd"},
		"has a Filename without extension":                {URL: "https://a.example/b", Filename: "b"},
	} {
		err := bbb.CreateParams{MeetingID: "physics", Name: "Physics", Documents: []bbb.Document{d}}.Validate()
		require.ErrorIs(t, err, bbb.ErrInvalidParams, problem)
		assert.ErrorContains(t, err, `bbb: create: parameter "document 1" `+problem)

		var sent []taken
		s := wireServer(t, taking(t, &sent, insertedAnswer))
		require.ErrorContains(t, s.InsertDocuments(t.Context(), "physics", d), problem)
		require.ErrorContains(t, s.Group().InsertDocuments(t.Context(), "physics", d), problem)
		assert.Empty(t, sent)
	}
	two := []bbb.Document{
		{URL: "https://a.example/b", Current: new(true)}, {URL: "http://a.example/c", Current: new(false)},
		{URL: "http://a.example/c", Filename: "C.DocX", Current: new(true)},
	}
	err := bbb.CreateParams{Name: "Physics", Documents: two}.Validate()
	require.ErrorContains(t, err, `"document 3" is current beside another one`)
	two[2].Current = nil
	require.NoError(t, bbb.CreateParams{Name: "Physics", Documents: two}.Validate())
}

func TestRulesOfModules(t *testing.T) {
	t.Parallel()
	for problem, p := range map[string]bbb.CreateParams{
		`"clientSettingsOverride" is not valid JSON`:                              {ClientSettingsOverride: json.RawMessage(`{`)},
		`"clientSettingsOverride" must be a JSON object`:                          {ClientSettingsOverride: json.RawMessage(` []`)},
		`"sharedNotesInitialContentJson" must be UTF-8`:                           {SharedNotesInitialContentJSON: json.RawMessage("\"\xff\"")},
		`"sharedNotesInitialContentJson" must not contain control`:                {SharedNotesInitialContentJSON: json.RawMessage("\"\uFFFE\"")},
		`"sharedNotesInitialContentMarkdown" must not contain control characters`: {SharedNotesInitialContentMarkdown: "\uFFFF", SharedNotesInitialContentJSON: json.RawMessage("1")},
	} {
		p.Name = "Physics"
		require.ErrorContains(t, p.Validate(), problem)
	}
}

// Printing and checking parameters must not use up what can be read only once.
func TestNothingIsReadBeforeItIsSent(t *testing.T) {
	t.Parallel()
	p := bbb.CreateParams{
		MeetingID: "physics", Name: "Physics",
		Documents:              []bbb.Document{{Name: "a.pdf", Content: onceReader{failing{errors.New("read")}}}, {URL: "https://a.example/" + hidden}},
		ClientSettingsOverride: json.RawMessage(`{"a":1}`), SharedNotesInitialContentJSON: json.RawMessage(`"` + hidden + `"`),
	}
	require.NoError(t, p.Validate())
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("create", slog.Any("params", p))
	text, err := json.Marshal(p)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"Documents":[{`)
	assert.Equal(t, `CreateParams{meetingID=physics name=Physics documents=[2] clientSettingsOverride="[7 bytes]"`+
		` sharedNotesInitialContentJson="[9 bytes]"}`, fmt.Sprint(p))
	assert.NotContains(t, log.String(), hidden)
	assert.NotContains(t, p.Values(), "documents")
}

func TestInsertDocuments(t *testing.T) {
	t.Parallel()
	var sent []taken
	s := wireServer(t, taking(t, &sent, insertedAnswer))
	file := filepath.Join(t.TempDir(), "plan.txt")
	require.NoError(t, os.WriteFile(file, []byte("what we do"), 0o600))
	f, err := os.Open(file)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	_, err = f.Seek(5, io.SeekStart)
	require.NoError(t, err)
	require.NoError(t, s.InsertDocuments(t.Context(), "physics 1", bbb.Document{Name: "plan.txt", Content: f, Removable: new(false)}))
	require.Len(t, sent, 1)
	assert.Equal(t, "POST insertDocument application/xml", sent[0].method+" "+sent[0].call+" "+sent[0].contentType)
	assert.True(t, strings.HasPrefix(sent[0].query, "meetingID=physics+1&checksum="))
	assert.Equal(t, `<?xml version="1.0" encoding="UTF-8"?><modules><module name="presentation">`+
		`<document name="plan.txt" removable="false">d2UgZG8=</document></module></modules>`, string(sent[0].body), "from where the file stood")
	assert.Equal(t, int64(len(sent[0].body)), sent[0].length)
	require.ErrorContains(t, s.InsertDocuments(t.Context(), "a,b"), `"documents" are required`)
}

// The failures of this call have no key.
func TestInsertDocumentsFails(t *testing.T) {
	t.Parallel()
	doc := bbb.Document{URL: "https://a.example/b.pdf"}
	failed := func(rest string) error {
		s := wireServer(t, xmlAnswer("<response><returncode>FAILED</returncode>"+rest+"</response>"))
		return s.InsertDocuments(t.Context(), "physics", doc)
	}
	require.ErrorIs(t, failed("<message>Meeting with id [physics] not found.</message>"), bbb.ErrMeetingNotFound)
	require.ErrorIs(t, failed("<messageKey>notFound</messageKey>"), bbb.ErrMeetingNotFound)
	err := failed("<message>Presentation feature is disabled, ignoring.</message>")
	require.NotErrorIs(t, err, bbb.ErrMeetingNotFound)
	require.EqualError(t, err, "bbb: insertDocument on bbb1: Presentation feature is disabled, ignoring.")
	require.ErrorIs(t, failed("<messageKey>unsupportedContentType</messageKey>"), bbb.ErrInvalidParams)
	s := wireServer(t, answering(404, "text/html", "<html><title>Not Found</title></html>"))
	require.ErrorIs(t, s.InsertDocuments(t.Context(), "physics", doc), bbb.ErrNotSupported)
}

// Over a real connection, as it is used.
func TestDocumentsOverASocket(t *testing.T) {
	t.Parallel()
	var encoding []string
	var body []byte
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		encoding = r.TransferEncoding
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, createdAnswer)
	}))
	defer web.Close()
	s := wireServerAt(t, wireGroup(t), web.URL, wireSecret, nil)
	for chunked, content := range map[bool]io.Reader{
		true: onceReader{strings.NewReader("content")}, false: strings.NewReader("content"),
	} {
		_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{
			MeetingID: "physics", Name: "Physics", Documents: []bbb.Document{{Name: "a.pdf", Content: content}},
		})
		require.NoError(t, err)
		assert.Equal(t, chunked, len(encoding) > 0)
		assert.Contains(t, string(body), `>Y29udGVudA==</document>`)
	}
}
