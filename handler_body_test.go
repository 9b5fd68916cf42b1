package bbb_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// postTo makes a POST with a body of a type; "" is none.
func postTo(t testing.TB, h http.Handler, target, contentType, body string) *httptest.ResponseRecorder {
	t.Helper()
	header := map[string]string{}
	if contentType != "" {
		header["Content-Type"] = contentType
	}
	return askWith(t, h, http.MethodPost, target, header, body)
}

// TestHandlerContentTypes: which bodies a call takes. The type of a body that is empty
// does not matter.
func TestHandlerContentTypes(t *testing.T) {
	t.Parallel()
	const odd, modules, formType, parts, none = "unsupportedContentType", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", ""
	for _, c := range []struct {
		call, contentType, key string
	}{
		{"create", modules, none}, {"create", "text/xml", none}, {"create", "application/xml; charset=UTF-8", none},
		{"create", "Text/XML;charset=utf-8", none}, {"create", "application/xml; charset", none},
		{"create", formType, odd}, {"create", parts, odd}, {"create", "application/json", odd}, {"create", "", odd},
		{"create", "text/plain", odd}, {"create", "nonsense;;", odd}, {"create", "application/xmlx", odd},
		{"isMeetingRunning", modules, odd}, {"isMeetingRunning", formType, odd}, {"isMeetingRunning", "", odd},
		{"end", "application/json", odd}, {"updateRecordings", parts, odd},
		{"insertDocument", formType, odd}, {"insertDocument", parts, odd}, {"insertDocument", "", odd},
		{"putRecordingTextTrack", modules, odd}, {"putRecordingTextTrack", formType, odd},
	} {
		t.Run(c.call+" "+c.contentType, func(t *testing.T) {
			t.Parallel()
			g, fakes := newGroup(t, 1)
			h := newHandler(t, g)
			target := handlerRoot + c.call + "?" + signedQuery(c.call, roomQuery+"&recordID=x", handlerSecret)
			for _, body := range []string{"<modules/>", ""} {
				quiet(fakes)
				for _, chunked := range []bool{false, true} {
					var from io.Reader = strings.NewReader(body)
					if chunked {
						from = io.MultiReader(from) // without a length
					}
					r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, from)
					if c.contentType != "" {
						r.Header.Set("Content-Type", c.contentType)
					}
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					wellFormed(t, w)
					if key := keyOf(t, w); body == "" {
						assert.NotEqual(t, odd, key)
					} else {
						assert.Equal(t, c.key, key, "chunked %v: %s", chunked, w.Body)
					}
				}
			}
		})
	}
}

// TestHandlerForms has a client send its parameters in a form, signed in each of the
// known ways, to handlers that allow each.
func TestHandlerForms(t *testing.T) {
	t.Parallel()
	const formType = "application/x-www-form-urlencoded"
	body := "name=R%c3%a4um+1&meetingID=room&moderatorPW=moderator-7Kq&attendeePW=attendee-7Kq&welcome=~%7e*%20+!&meta_k=v"
	sorted := "attendeePW=attendee-7Kq&meetingID=room&meta_k=v&moderatorPW=moderator-7Kq&name=R%C3%A4um+1&welcome=%7E%7E*++%21"
	sum := func(text string) string { return checksumOf(newHashes["sha1"](), "create", text, handlerSecret) }
	parts, partsType := multipartOf(t, map[string]string{
		"name": "Räum 1", "meetingID": "room", "moderatorPW": "moderator-7Kq", "attendeePW": "attendee-7Kq", "welcome": "~~*  !", "meta_k": "v",
	})
	signedParts, signedPartsType := multipartOf(t, map[string]string{
		"name": "Räum 1", "meetingID": "room", "moderatorPW": "moderator-7Kq", "attendeePW": "attendee-7Kq", "welcome": "~~*  !", "meta_k": "v",
		"checksum": sum(sorted),
	})
	for what, c := range map[string]struct {
		query, contentType, body string
		inQuery, inForm          bool // accepted with SignQuery, with SignForm
	}{
		"checksum in the query, over nothing":           {"?checksum=" + sum(""), formType, body, true, false},
		"checksum in the query, over a parameter there": {"?" + "record=true&checksum=" + sum("record=true"), formType, body, true, false},
		"checksum in the form, over nothing":            {"", formType, body + "&checksum=" + sum(""), true, false},
		"checksum in the form, over the query":          {"?record=true", formType, "checksum=" + sum("record=true") + "&" + body, true, false},
		"checksum in the form, over the form":           {"", formType, body + "&checksum=" + sum(body), false, true},
		"the same, in front":                            {"", formType, "checksum=" + sum(body) + "&" + body, false, true},
		"the same, with a charset":                      {"", formType + "; charset=UTF-8", "checksum=" + sum(body) + "&" + body, false, true},
		"checksum in the form, over the sorted form":    {"", formType, body + "&checksum=" + sum(sorted), false, true},
		"a multipart form":                              {"?checksum=" + sum(""), partsType, parts, true, false},
		"a multipart form with the checksum in it":      {"", signedPartsType, signedParts, false, true},
		"over the form, with a query":                   {"?record=true", formType, body + "&checksum=" + sum(body), false, false},
		"over the sorted form, with a query":            {"?record=true", formType, body + "&checksum=" + sum(sorted), false, false},
		"a parameter hidden in the name of another one": {
			"", formType, "name=R%c3%a4um+1&meetingID%3Droom%26meta_k=v&moderatorPW=moderator-7Kq&attendeePW=attendee-7Kq&welcome=~%7e*%20+!&checksum=" + sum(sorted), false, false,
		},
		"two checksums in the form":                      {"", formType, body + "&checksum=" + sum(body) + "&checksum=" + sum(body), false, false},
		"a checksum in both":                             {"?checksum=" + sum(""), formType, body + "&checksum=" + sum(body), false, false},
		"a name in both":                                 {"?name=other&checksum=" + sum("name=other"), formType, body, false, false},
		"a name in both, one of it escaped":              {"?n%61me=other&checksum=" + sum("n%61me=other"), formType, body, false, false},
		"an escaped checksum in the query":               {"?%63hecksum=" + sum(""), formType, body, false, false},
		"a form that was changed":                        {"", formType, body + "x&checksum=" + sum(body), false, false},
		"no checksum":                                    {"", formType, body, false, false},
		"no checksum, and a query":                       {"?record=true", formType, body, false, false},
		"signed as XML is":                               {"?" + body + "&checksum=" + sum(body), formType, "welcome=other", false, false},
		"a form that looks like the query of the secret": {"", formType, body + "&%63hecksum=" + sum(body), false, false},
	} {
		for way, allowed := range map[bbb.FormSigning]bool{bbb.SignQuery: c.inQuery, bbb.SignForm: c.inForm} {
			g, fakes := newGroup(t, 1)
			h := newHandler(t, g, bbb.WithHandlerForms(way))
			w := postTo(t, h, handlerRoot+"create"+c.query, c.contentType, c.body)
			wellFormed(t, w)
			if !allowed {
				assert.Equal(t, "checksumError", keyOf(t, w), "%s, way %d", what, way)
				assert.Zero(t, requests(fakes, "*"), what)
				continue
			}
			require.Empty(t, keyOf(t, w), "%s, way %d: %s", what, way, w.Body)
			m, ok := fakes[0].Meeting("room")
			require.True(t, ok, what)
			assert.Equal(t, "Räum 1", m.Name, what)
			assert.Equal(t, "~~*  !", m.Params.Get("welcome"), what)
			assert.Equal(t, "v", m.Metadata["k"], what)
			assert.Equal(t, strings.Contains(c.query, "record"), m.Record, what)
		}
	}
}

// multipartOf writes a multipart form.
func multipartOf(t *testing.T, fields map[string]string) (body, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		require.NoError(t, w.WriteField(name, value))
	}
	require.NoError(t, w.Close())
	return b.String(), w.FormDataContentType()
}

// TestHandlerTakesOurForms: a handler in front of a handler. A create that is too long
// for a URL arrives, in both ways of signing.
func TestHandlerTakesOurForms(t *testing.T) {
	t.Parallel()
	for _, way := range []bbb.FormSigning{bbb.SignQuery, bbb.SignForm} {
		g, fakes := newGroup(t, 1)
		h := newHandler(t, g, bbb.WithHandlerForms(way))
		s := wireServerAt(t, wireGroup(t), "https://proxy.test", handlerSecret, handled(h.ServeHTTP), bbb.WithMaxURLLength(256), bbb.WithFormSigning(way))
		welcome := strings.Repeat("Grüße ~*' ", 100)
		_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "room", Name: "Room", Welcome: welcome})
		require.NoError(t, noted(t, err))
		m, ok := fakes[0].Meeting("room")
		require.True(t, ok)
		assert.Equal(t, welcome, m.Params.Get("welcome"))
	}
}

// TestHandlerBadForms: forms that cannot be read, for callers who sign as they should.
func TestHandlerBadForms(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	h := newHandler(t, g, bbb.WithHandlerForms(bbb.SignQuery), bbb.WithHandlerParamLimit(10))
	target := handlerRoot + "create?checksum=" + checksumOf(newHashes["sha512"](), "create", "", handlerSecret)
	file := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nx\r\n--b--\r\n"
	field := "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nx\r\n"
	for what, c := range map[string]struct {
		contentType, body, key string
		status                 int
	}{
		"an escape":           {"application/x-www-form-urlencoded", "name=%zz", "validationError", 200},
		"too many":            {"application/x-www-form-urlencoded", strings.Repeat("a=b&", 10), "validationError", 200},
		"too many parts":      {"multipart/form-data; boundary=b", strings.Repeat(field, 11) + "--b--\r\n", "validationError", 200},
		"a file":              {"multipart/form-data; boundary=b", file, "unsupportedContentType", 200},
		"no boundary":         {"multipart/form-data", field + "--b--\r\n", "unsupportedContentType", 200},
		"an end that is lost": {"multipart/form-data; boundary=b", field, "validationError", 200},
		"too large":           {"application/x-www-form-urlencoded", "name=" + strings.Repeat("x", 2<<20), "sizeError", 413},
	} {
		w := postTo(t, h, target, c.contentType, c.body)
		wellFormed(t, w)
		assert.Equal(t, c.key, keyOf(t, w), what)
		assert.Equal(t, c.status, w.Code, what)
	}
	assert.Zero(t, requests(fakes, "*"))
}

// blanks is a body of any length that nobody has to hold.
type blanks struct {
	left, read int64
	prefix     string
}

func (e *blanks) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), e.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	e.prefix = e.prefix[copy(p[:n], e.prefix):]
	e.left -= n
	e.read += n
	return int(n), nil
}

// TestHandlerGigabytes: a body over the limit is not read when its length is said, and
// not further than to the limit when it is not.
func TestHandlerGigabytes(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	g, fakes := newGroup(t, 1)
	h := newHandler(t, g, bbb.WithHandlerBodyLimit(limit), bbb.WithHandlerForms(bbb.SignQuery, bbb.SignForm))
	create(t, g, "room")
	rec := fakes[0].AddRecording(bbbtest.Recording{MeetingID: "room"})
	for _, c := range []struct{ call, query, contentType, prefix string }{
		{"create", "meetingID=large&name=Room", "application/xml", "<modules>"},
		{"insertDocument", "meetingID=room", "text/xml", "<modules><module name=\"presentation\"><document name=\"a.pdf\">"},
		{"create", "meetingID=large&name=Room", "application/x-www-form-urlencoded", "a="},
		{"create", "meetingID=large&name=Room", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n"},
		{"putRecordingTextTrack", "recordID=" + rec.RecordID + "&kind=subtitles&lang=en", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n"},
	} {
		for _, length := range []int64{1 << 30, -1} {
			body := &blanks{left: 1 << 30, prefix: c.prefix}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, handlerRoot+c.call+"?"+signedQuery(c.call, c.query, handlerSecret), body)
			r.ContentLength = length
			r.Header.Set("Content-Type", c.contentType)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			what := fmt.Sprintf("%s %s %d: %s", c.call, c.contentType, length, w.Body)
			assert.Equal(t, http.StatusRequestEntityTooLarge, w.Code, what)
			assert.Equal(t, "sizeError", keyOf(t, w), what)
			wellFormed(t, w)
			if length > 0 {
				assert.Zero(t, body.read, what)
			} else {
				assert.LessOrEqual(t, body.read, int64(limit+64<<10), what)
			}
		}
	}
	_, ok := fakes[0].Meeting("large")
	assert.False(t, ok)

	// Without a checksum nothing is read at all, and neither with GET.
	for method, status := range map[string]int{http.MethodPost: 200, http.MethodGet: 200} {
		body := &blanks{left: 1 << 30}
		r := httptest.NewRequestWithContext(t.Context(), method, handlerRoot+"create?meetingID=room&checksum="+strings.Repeat("0", 40), body)
		r.ContentLength = -1
		r.Header.Set("Content-Type", "application/xml")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, status, w.Code)
		assert.Equal(t, "checksumError", keyOf(t, w))
		assert.Zero(t, body.read)
	}
}

// TestHandlerStreamsUploads: what is uploaded arrives, whatever it is wrapped in.
func TestHandlerStreamsUploads(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	h := newHandler(t, g)
	modules := `<?xml version="1.0"?><modules><module name="presentation"><document name="a.txt">QUJD</document></module></modules>`
	w := postTo(t, h, handlerRoot+"create?"+signedQuery("create", roomQuery, handlerSecret), "application/xml", modules)
	require.Empty(t, keyOf(t, w), w.Body)
	fake := holder(t, fakes, "room")
	m, _ := fake.Meeting("room")
	require.Len(t, m.Documents, 1)

	rec := fake.AddRecording(bbbtest.Recording{MeetingID: "room"})
	var b bytes.Buffer
	mw := multipart.NewWriter(&b)
	part, err := mw.CreateFormFile("file", "x.vtt")
	require.NoError(t, err)
	_, _ = io.WriteString(part, "WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n")
	require.NoError(t, mw.Close())
	query := url.Values{"recordID": {rec.RecordID}, "kind": {"subtitles"}, "lang": {"en"}, "label": {"English"}}.Encode()
	w = postTo(t, h, handlerRoot+"putRecordingTextTrack?"+signedQuery("putRecordingTextTrack", query, handlerSecret), mw.FormDataContentType(), b.String())
	wellFormed(t, w)
	t.Log(w.Body)
}

// TestHandlerWordsOfChecksums are those of servers, where calls differ.
func TestHandlerWordsOfChecksums(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1)
	h := newHandler(t, g)
	const missing, wrong, recordings, hooks = "You must provide the checksum", "Checksums do not match", "You did not pass the checksum security check", "You did not pass the checksum security check."
	for call, want := range map[string][2]string{
		"create": {missing, wrong}, "join": {missing, wrong}, "getMeetings": {missing, wrong}, "sendChatMessage": {missing, wrong},
		"getRecordings": {recordings, recordings}, "updateRecordings": {recordings, recordings}, "getRecordingTextTracks": {recordings, recordings},
		"hooks/create": {hooks, hooks}, "hooks/list": {hooks, hooks},
	} {
		for i, query := range []string{"recordID=x", "recordID=x&checksum=" + strings.Repeat("0", 40)} {
			texts := wellFormed(t, ask(t, h, http.MethodGet, handlerRoot+call+"?"+query))
			assert.Equal(t, []string{"checksumError"}, texts["messageKey"], call)
			assert.Equal(t, []string{want[i]}, texts["message"], call)
		}
	}
	w := postTo(t, h, handlerRoot+"putRecordingTextTrack?recordID=x", "", "")
	assert.JSONEq(t, `{"response":{"returncode":"FAILED","messageKey":"paramError","message":"Missing param checksum."}}`, w.Body.String())
	w = postTo(t, h, handlerRoot+"putRecordingTextTrack?recordID=x&checksum="+strings.Repeat("0", 40), "", "")
	assert.Equal(t, []string{recordings}, wellFormed(t, w)["message"])
}
