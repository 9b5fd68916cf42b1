package bbb_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A call that is not modelled hands on whatever is not a failure, as it came.
func TestCallHandsOnWhatCame(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"XML":                "<response><returncode>SUCCESS</returncode><hooks/></response>",
		"lower case":         "<response><returncode>success</returncode></response>",
		"XML of another":     "<playback/>",
		"JSON":               `{"response":{"returncode":"SUCCESS"}}`,
		"JSON of another":    `{"data":[1]}`,
		"text":               "pong",
		"page":               "<!DOCTYPE html><html><title>Hi</title></html>",
		"nothing":            "",
		"truncated XML":      "<response><returncode>FAILED",
		"without an opinion": "<response><version>2.0</version></response>",
	} {
		a, err := wireServer(t, answering(200, "text/plain", body)).Call(t.Context(), "hooks/list", nil)
		require.NoError(t, err, name)
		assert.Equal(t, body, string(a.Body), name)
		assert.Equal(t, 200, a.StatusCode)
		assert.Equal(t, "text/plain", a.ContentType)
	}
}

func TestCallSeesFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		key    string
		class  error
		text   string
	}{
		"XML":            {200, "<response><returncode>FAILED</returncode><messageKey>checksumError</messageKey></response>", "checksumError", bbb.ErrChecksum, "checksumError"},
		"list":           {200, "<response><returncode>FAILED</returncode><errors><error key=\"notFound\" message=\"m\"/></errors></response>", "notFound", bbb.ErrMeetingNotFound, "m"},
		"JSON":           {200, `{"response":{"returncode":"FAILED","messageKey":"checksumError"}}`, "checksumError", bbb.ErrChecksum, "checksumError"},
		"XML 500":        {500, "<response><returncode>FAILED</returncode><messageKey>internalError</messageKey></response>", "internalError", nil, "HTTP 500: internalError"},
		"unknown call":   {404, "<html><title>Not Found</title></html>", "", bbb.ErrNotSupported, `HTTP 404: not a BigBlueButton answer: an HTML page "Not Found"`},
		"redirect":       {302, "", "", bbb.ErrBadAnswer, "a redirect to nowhere"},
		"JSON 500":       {500, `{"error":"x"}`, "", bbb.ErrBadAnswer, "JSON"},
		"success, 500":   {500, successAnswer, "", bbb.ErrBadAnswer, "no answer"},
		"other XML, 500": {500, "<Error/>", "", bbb.ErrBadAnswer, "no answer"},
		"empty, 503":     {503, "", "", bbb.ErrBadAnswer, "HTTP 503: not a BigBlueButton answer: an empty body"},
	} {
		a, err := wireServer(t, answering(c.status, "", c.body)).Call(t.Context(), "hooks/list", nil)
		assert.Nil(t, a, name)
		e := requireError(t, err, "hooks/list", c.status)
		assert.Equal(t, c.key, e.Key, name)
		require.ErrorContains(t, err, c.text, name)
		if c.class != nil {
			require.ErrorIs(t, err, c.class, name)
		}
	}
}

func TestCallNames(t *testing.T) {
	t.Parallel()
	rt := roundTripFunc(func(*http.Request) (*http.Response, error) {
		t.Error("a request was made")
		return nil, http.ErrServerClosed
	})
	for _, name := range []string{"", "/", "/end", "end/", "end?x=1", "end#x", "a b", "a%20b", "a\nb"} {
		_, err := wireServer(t, rt).Call(t.Context(), name, url.Values{"password": {"hunter2"}})
		require.ErrorIs(t, err, bbb.ErrInvalidParams, "%q", name)
	}
}

// An ID that no server takes is not sent to one.
func TestMeetingIDsAreChecked(t *testing.T) {
	t.Parallel()
	s := wireServer(t, roundTripFunc(func(*http.Request) (*http.Response, error) {
		t.Error("a request was made")
		return nil, http.ErrServerClosed
	}))
	for _, id := range []string{"", "x", "a,b", "a\nb", " room "} {
		_, err := s.Meeting(t.Context(), id)
		require.ErrorIs(t, err, bbb.ErrInvalidParams, "%q", id)
		_, err = s.IsMeetingRunning(t.Context(), id)
		require.ErrorIs(t, err, bbb.ErrInvalidParams, "%q", id)
		require.ErrorIs(t, s.EndMeeting(t.Context(), id, ""), bbb.ErrInvalidParams, "%q", id)
	}
}

// Faults come out of every call, and with nothing beside them.
func TestEveryCallReportsFaults(t *testing.T) {
	t.Parallel()
	fake := bbbtest.New()
	s := fakeServer(t, fake)
	_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "other", Name: "Other"})
	require.NoError(t, err)
	m, err := s.Meeting(t.Context(), "other")
	require.NoError(t, err)
	calls := everyCall(t, s)
	calls["meeting.End"] = func() error { return m.End(t.Context()) }
	calls["refresh"] = func() error { return s.Refresh(t.Context()) }
	fake.SetDown(true)
	for name, call := range calls {
		switch err := call(); name {
		case "cached", "joinURL":
			require.NoError(t, err, name)
		default:
			require.Error(t, err, name)
			var e *bbb.Error
			require.ErrorAs(t, err, &e, name)
			assert.Equal(t, "bbb1", e.Server, name)
		}
	}
	fake.SetDown(false)
	require.NoError(t, s.Refresh(t.Context()))
	assert.Len(t, s.CachedMeetings(t.Context()), 1, "the end that failed ended nothing")
}

func TestSessionsOfAGroup(t *testing.T) {
	t.Parallel()
	up, down := bbbtest.New(bbbtest.WithHost("https://a.test")), bbbtest.New(bbbtest.WithHost("https://b.test"))
	network := bbbtest.NetworkOf(up, down)
	g := wireGroup(t)
	s := wireServerAt(t, g, up.URL(), up.Secret(), network)
	wireServerAt(t, g, down.URL(), down.Secret(), network)
	joined(t, s)
	sessions, err := g.Sessions(t.Context())
	require.NoError(t, err)
	require.Len(t, sessions, 1)
	assert.Equal(t, `"Zoë" in "Room"`, sessions[0].String())
	assert.Same(t, s, sessions[0].Server())

	down.SetDown(true)
	sessions, err = g.Sessions(t.Context())
	assert.Len(t, sessions, 1, "those of the others")
	var ge *bbb.GroupError
	require.ErrorAs(t, err, &ge)
	assert.Equal(t, []string{"bbb2"}, ge.Names())
}

// The role of a join by password is known only where the meeting is.
func TestRoleOfAnUnknownMeetingStaysOpen(t *testing.T) {
	t.Parallel()
	fake, _, _ := roomOn(t, "3.0", bbb.CreateParams{})
	s := fakeServer(t, fake)
	p := zoe()
	p.Role, p.Password = "", "the-mp"
	a, err := s.Join(t.Context(), p)
	require.NoError(t, err)
	assert.Empty(t, a.Role)
}
