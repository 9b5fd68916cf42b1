package bbb_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// requireError checks what every error of a call promises: it names server and
// call, is an *Error with the status, stands on one line, and tells no secret.
func requireError(t *testing.T, err error, call string, status int) *bbb.Error {
	t.Helper()
	require.Error(t, err)
	var e *bbb.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "bbb1", e.Server)
	assert.Equal(t, call, e.Call)
	assert.Equal(t, status, e.StatusCode)
	text := err.Error()
	assert.True(t, strings.HasPrefix(text, "bbb: "+call+" on bbb1: "), text)
	assert.NotContains(t, text, "\n")
	assert.Less(t, len(text), 1000)
	assert.NotContains(t, text, wireSecret)
	assert.NotContains(t, text, url.QueryEscape(wireSecret))
	assert.NotRegexp(t, `checksum=[0-9a-f]`, text)
	return e
}

func getMeetings(t *testing.T, rt http.RoundTripper, opts ...bbb.ServerOption) error {
	t.Helper()
	meetings, err := wireServer(t, rt, opts...).Meetings(t.Context())
	if err != nil {
		assert.Nil(t, meetings)
	}
	return err
}

// htmlPages are pages as the web servers in front of BigBlueButton write them.
var htmlPages = map[string]string{
	"nginx":   "<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n<center><h1>%s</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n",
	"tomcat":  "<!doctype html><html lang=\"en\"><head><title>%s</title><style>body {font-family:Tahoma;}</style></head><body><h1>%s</h1></body></html>",
	"xhtml":   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\">\n<html xmlns=\"http://www.w3.org/1999/xhtml\"><head>\n<title>\n%s\n</title></head><body>%s</body></html>",
	"comment": "\n<!-- error page -->\n<html><head><title>%s</title></head><body>%s</body></html>",
	"upper":   "<HTML><HEAD><TITLE>%s</TITLE></HEAD><BODY>%s<BR></BODY></HTML>",
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	for status, title := range map[int]string{
		200: "Welcome to BigBlueButton", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
		500: "Internal Server Error", 502: "502 Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out",
	} {
		for name, page := range htmlPages {
			err := getMeetings(t, answering(status, "text/html; charset=utf-8", strings.ReplaceAll(page, "%s", title)))
			requireError(t, err, "getMeetings", status)
			require.ErrorIs(t, err, bbb.ErrBadAnswer, "%s %d", name, status)
			assert.ErrorContains(t, err, "an HTML page", "%s %d", name, status)
			assert.ErrorContains(t, err, title, "%s %d", name, status)
			assert.Equal(t, status == 404 || status == 405, errors.Is(err, bbb.ErrNotSupported), "%s %d", name, status)
			if status != 200 {
				assert.ErrorContains(t, err, fmt.Sprintf("HTTP %d: ", status))
			}
		}
	}
}

func TestTitlesThatAreNotShown(t *testing.T) {
	t.Parallel()
	for name, title := range map[string]string{
		"secret":    "denied for " + wireSecret,
		"parameter": "GET /api/join?password=hunter2&checksum=deadbeef",
	} {
		err := getMeetings(t, answering(500, "text/html", "<html><title>"+title+"</title></html>"))
		requireError(t, err, "getMeetings", 500)
		assert.NotContains(t, err.Error(), "hunter2", name)
		assert.NotContains(t, err.Error(), "deadbeef", name)
	}
	err := getMeetings(t, answering(500, "text/html", "<html><title>"+strings.Repeat("long ", 1000)+"</title></html>"))
	requireError(t, err, "getMeetings", 500)
	err = getMeetings(t, answering(500, "text/html", "<html><title>a &lt;b&gt;\n\n c</title></html>"))
	assert.ErrorContains(t, err, `"a <b> c"`)
}

func TestBodiesThatAreNoAnswer(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("<a>", 100_000) + strings.Repeat("</a>", 100_000)
	const head, tail = "<response><returncode>SUCCESS</returncode>", "</response>"
	for name, c := range map[string]struct{ body, want string }{
		"empty":                 {"", "an empty body"},
		"blank":                 {" \r\n\t ", "an empty body"},
		"byte order mark":       {"\xef\xbb\xbf", "an empty body"},
		"text":                  {"upstream timed out", `begins with "upstream timed out"`},
		"binary":                {"\x00\x01\x02", `begins with "\x00\x01\x02"`},
		"gzip nobody asked for": {"\x1f\x8b\x08\x00abc", "begins with"},
		"JSON of something":     {`{"hello":"world"}`, "JSON"},
		"JSON success":          {`{"response":{"returncode":"SUCCESS"}}`, "JSON"},
		"broken JSON":           {`{"response":`, "JSON"},
		"JSON list":             {`[1]`, `begins with "[1]"`},
		"another document":      {"<Error><Code>NoSuchBucket</Code></Error>", `"Error"`},
		"no returncode":         {"<response><version>2.0</version></response>", "no returncode"},
		"odd returncode":        {"<response><returncode>MAYBE</returncode></response>", "no returncode"},
		"never closed":          {head, "ends too early"},
		"trailing text":         {head + tail + "x", "xml: byte"},
		"two documents":         {head + tail + head + tail, "xml: byte"},
		"crossed tags":          {"<response><returncode>SUCCESS</response></returncode>", "xml: byte"},
		"entity of its own":     {head + "&nbsp;" + tail, "xml: byte"},
		"DTD":                   {`<!DOCTYPE response SYSTEM "http://evil.example/x.dtd">` + head + tail, "document type"},
		"entity bomb":           {`<!DOCTYPE response [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>` + head + "&b;" + tail, "document type"},
		"invalid UTF-8":         {head + "<meetings><meeting><meetingName>\xff\xfe</meetingName></meeting></meetings>" + tail, "UTF-8"},
		"Latin-1":               {`<?xml version="1.0" encoding="ISO-8859-1"?>` + head + tail, "UTF-8"},
		"UTF-16":                {"\xff\xfe<\x00r\x00", "begins with"},
		"control character":     {head + "<a>\x01</a>" + tail, "xml: byte"},
		"deep":                  {"<response>" + deep + tail, "xml: byte"},
		"number that is none":   {head + "<meetings><meeting><participantCount>many</participantCount></meeting></meetings>" + tail, `"participantCount" is not`},
		"number out of range":   {head + "<meetings><meeting><createTime>99999999999999999999</createTime></meeting></meetings>" + tail, `"createTime" is not`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for status, contentType := range map[int]string{200: "text/xml", 500: "text/plain"} {
				err := getMeetings(t, answering(status, contentType, c.body))
				requireError(t, err, "getMeetings", status)
				require.ErrorIs(t, err, bbb.ErrBadAnswer)
				assert.ErrorContains(t, err, c.want)
				assert.NotErrorIs(t, err, bbb.ErrAnswerTooLarge)
			}
		})
	}
}

// The content type tells nothing: bbb-web, proxies and misconfigured servers
// write different ones over the same answers. The body decides.
func TestContentTypesAreNotBelieved(t *testing.T) {
	t.Parallel()
	const good = "<response><returncode>SUCCESS</returncode><meetings><meeting><meetingID>m1</meetingID></meeting></meetings></response>"
	for _, contentType := range []string{"", "text/xml", "text/xml;charset=utf-8", "application/xml", "text/html", "text/plain", "application/json", "application/octet-stream", ";;;"} {
		meetings, err := wireServer(t, answering(200, contentType, good)).Meetings(t.Context())
		require.NoError(t, err, contentType)
		require.Len(t, meetings, 1)

		err = getMeetings(t, answering(200, contentType, "no such thing"))
		requireError(t, err, "getMeetings", 200)
		require.ErrorIs(t, err, bbb.ErrBadAnswer)
		if mediaType, _, _ := strings.Cut(contentType, ";"); mediaType != "" {
			assert.ErrorContains(t, err, "("+mediaType+")", "what it said it was")
		}
	}
}

func TestFailedInOtherStatusAndFormat(t *testing.T) {
	t.Parallel()
	const failed = "<response><returncode>FAILED</returncode><messageKey>internalError</messageKey><message>no backend</message></response>"
	err := getMeetings(t, answering(503, "application/xml", failed))
	e := requireError(t, err, "getMeetings", 503)
	assert.Equal(t, "internalError", e.Key)
	assert.Equal(t, "no backend", e.Message)
	require.NotErrorIs(t, err, bbb.ErrBadAnswer, "it is an answer")
	assert.ErrorContains(t, err, "HTTP 503: internalError: no backend")

	// A proxy may answer JSON to a call that asked for XML.
	for _, body := range []string{
		`{"response":{"returncode":"FAILED","messageKey":"checksumError","message":"no"}}`,
		"\xef\xbb\xbf" + ` {"returncode":"failed","messageKey":"checksumError","message":"no"}`,
	} {
		err = getMeetings(t, answering(200, "application/json", body))
		assert.Equal(t, "checksumError", requireError(t, err, "getMeetings", 200).Key)
		require.ErrorIs(t, err, bbb.ErrChecksum)
	}

	err = getMeetings(t, answering(500, "text/xml", "<response><returncode>SUCCESS</returncode></response>"))
	requireError(t, err, "getMeetings", 500)
	require.ErrorIs(t, err, bbb.ErrBadAnswer, "status and text contradict each other")

	err = getMeetings(t, xmlAnswer("<response><returncode>FAILED</returncode></response>"))
	requireError(t, err, "getMeetings", 200)
	assert.ErrorContains(t, err, "FAILED without a reason")

	err = getMeetings(t, xmlAnswer("<response><returncode>FAILED</returncode><messageKey></messageKey><message>\n only \n words \n</message></response>"))
	assert.Equal(t, "bbb: getMeetings on bbb1: only words", err.Error())
}

// What a server says may be long, have many lines, and repeat our secrets.
func TestWordsOfTheServerAreTamed(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		strings.Repeat("ä long story\n", 500),
		"Given " + strings.NewReplacer("&", "&amp;").Replace(wireSecret) + " was wrong",
		"for /create?attendeePW=hunter2&amp;checksum=deadbeef",
		"line\nwith\r\nforged=\"log\" level=ERROR&#10;entries",
	} {
		err := getMeetings(t, xmlAnswer("<response><returncode>FAILED</returncode><messageKey>k"+words+"</messageKey><message>"+words+"</message></response>"))
		requireError(t, err, "getMeetings", 200)
		assert.NotContains(t, err.Error(), "hunter2")
		assert.NotContains(t, err.Error(), "deadbeef")
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]string{
		"https://login.example.org/sso?token=x&checksum=abc": "a redirect to https://login.example.org/sso",
		"https://u:pw@login.example.org/":                    "a redirect to https://login.example.org/",
		"/maintenance.html":                                  "a redirect to /maintenance.html",
		"":                                                   "a redirect to nowhere",
	} {
		followed := 0
		err := getMeetings(t, handled(func(w http.ResponseWriter, _ *http.Request) {
			followed++
			w.Header()["Location"] = []string{location}
			w.WriteHeader(http.StatusFound)
		}))
		requireError(t, err, "getMeetings", http.StatusFound)
		require.ErrorIs(t, err, bbb.ErrBadAnswer)
		assert.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "pw@")
		assert.Equal(t, 1, followed, "a redirect is not followed: the checksum would go with it")
	}
}

// A body cut short by a closed connection must never pass for a shorter list.
func TestAnswerTruncatedAtEveryByte(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(filepath.Join("testdata", "answers", "getMeetingsSuccess-many.xml"))
	require.NoError(t, err)
	whole := bytes.TrimRight(body, "\n")
	var got []byte
	s := wireServer(t, handled(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(got) }))
	for n := range whole {
		got = whole[:n]
		meetings, err := s.Meetings(t.Context())
		require.Error(t, err, "%d of %d bytes", n, len(whole))
		require.ErrorIs(t, err, bbb.ErrBadAnswer)
		require.Nil(t, meetings)
	}
	got = whole
	meetings, err := s.Meetings(t.Context())
	require.NoError(t, err)
	assert.Len(t, meetings, 4)
}

func TestConnectionCutInTheBody(t *testing.T) {
	t.Parallel()
	fake := bbbtest.New()
	s := wireServerAt(t, wireGroup(t), fake.URL(), fake.Secret(), fake.Transport())
	for _, n := range []int{-1, 1, 20, 40} {
		remove := fake.Inject(bbbtest.Fault{CutBody: n})
		_, err := s.Meetings(t.Context())
		remove()
		requireError(t, err, "getMeetings", 200)
		require.ErrorIs(t, err, bbb.ErrBadAnswer)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.ErrorContains(t, err, "the connection ended after")
	}
	fake.Inject(bbbtest.Fault{Drop: true})
	_, err := s.Meetings(t.Context())
	requireError(t, err, "getMeetings", 0)
	require.ErrorIs(t, err, io.EOF)
}

// Over a socket net/http asks for gzip by itself, and unpacks it.
func TestGzipOverASocket(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if assert.Equal(t, "gzip", r.Header.Get("Accept-Encoding")) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, "<response><returncode>SUCCESS</returncode><meetings><meeting><meetingID>m1</meetingID></meeting></meetings></response>")
			_ = z.Close()
		}
	}))
	t.Cleanup(srv.Close)
	meetings, err := wireServerAt(t, wireGroup(t), srv.URL, wireSecret, nil).Meetings(t.Context())
	require.NoError(t, err)
	require.Len(t, meetings, 1)
	assert.Equal(t, "m1", meetings[0].ID)
}

// What a transport says of a request has the signed URL in it.
func TestTransportErrorsTellNoURL(t *testing.T) {
	t.Parallel()
	cause := errors.New("no route to host")
	for name, wrap := range map[string]func(*http.Request) error{
		"plain":            func(*http.Request) error { return cause },
		"url.Error inside": func(r *http.Request) error { return &url.Error{Op: "Get", URL: r.URL.String(), Err: cause} },
		"text of the URL":  func(r *http.Request) error { return errors.Join(errors.New("for "+r.URL.String()), cause) },
		"the secret":       func(*http.Request) error { return errors.Join(errors.New("bad "+wireSecret), cause) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wireServer(t, roundTripFunc(func(r *http.Request) (*http.Response, error) { return nil, wrap(r) }))
			_, err := s.Join(t.Context(), bbb.JoinParams{MeetingID: "m1", FullName: "Zoë", Password: "hunter2"})
			requireError(t, err, "join", 0)
			require.ErrorIs(t, err, cause, "the chain can be matched")
			for e := err; e != nil; e = errors.Unwrap(e) {
				assert.NotContains(t, e.Error(), "hunter2")
				assert.NotRegexp(t, `checksum=[0-9a-f]`, e.Error())
				assert.NotContains(t, e.Error(), wireSecret)
			}
			if ue, ok := errors.AsType[*url.Error](err); ok {
				assert.NotContains(t, ue.Error(), "hunter2")
				assert.NotContains(t, ue.URL, "?")
			}
			var timeout interface{ Timeout() bool }
			if errors.As(err, &timeout) {
				assert.False(t, timeout.Timeout())
			}
			type temporary interface {
				error
				Temporary() bool
			}
			if network, ok := errors.AsType[temporary](err); ok {
				assert.NotContains(t, network.Error(), "hunter2", "through another interface of *url.Error")
			}
			assert.NotErrorIs(t, err, context.Canceled)
		})
	}
}
