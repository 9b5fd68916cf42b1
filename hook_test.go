package bbb_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const hookCreated = `<response><returncode>SUCCESS</returncode><hookID>1</hookID><permanentHook>false</permanentHook><rawData>false</rawData></response>`

const hookExists = `<response>
  <returncode>SUCCESS</returncode>
  <hookID>8e6a1f2c-3b0d-4c61-9a2e-2f3f0f6c3f11</hookID>
  <messageKey>duplicateWarning</messageKey>
  <message>There is already a hook for this callback URL.</message>
</response>`

const hookList = `<response>
  <returncode>SUCCESS</returncode>
  <hooks>
    <hook>
      <hookID>1</hookID>
      <callbackURL><![CDATA[https://portal.example/hooks?a=1&b=<2>]]></callbackURL>
      <permanentHook>false</permanentHook>
      <rawData>false</rawData>
    </hook>
    <hook>
      <hookID>8e6a1f2c-3b0d-4c61-9a2e-2f3f0f6c3f11</hookID>
      <callbackURL><![CDATA[https://portal.example/physics]]></callbackURL>
      <meetingID><![CDATA[physics & more]]></meetingID>
      <eventID>user-joined,user-left</eventID>
      <permanentHook>false</permanentHook>
      <rawData>false</rawData>
    </hook>
    <hook>
      <hookID>3</hookID>
      <callbackURL>https://portal.example/silent</callbackURL>
      <meetingID><![CDATA[algebra]]></meetingID>
      <eventID></eventID>
      <permanentHook>true</permanentHook>
      <rawData>true</rawData>
    </hook>
  </hooks>
</response>`

// recording is a transport that keeps the URLs of the requests.
func recording(seen *[]string, rt http.RoundTripper) http.RoundTripper {
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		*seen = append(*seen, r.Method+" "+r.URL.String())
		return rt.RoundTrip(r)
	})
}

// The calls of bbb-webhooks are hashed with SHA-1, whatever those of the server
// are, and an empty filter is not sent: it would be kept as one that lets nothing
// through.
func TestHookCallsAsTheyAreSent(t *testing.T) {
	t.Parallel()
	var seen []string
	s := wireServer(t, recording(&seen, xmlAnswer(hookCreated)), bbb.WithAlgorithm(bbb.SHA512))
	at := "GET https://bbb1.test/bigbluebutton/api/"

	_, err := s.CreateHook(t.Context(), bbb.HookParams{CallbackURL: "https://portal.example/hooks?a=1&b=ü"})
	require.NoError(t, err)
	query := "callbackURL=https%3A%2F%2Fportal.example%2Fhooks%3Fa%3D1%26b%3D%C3%BC"
	assert.Equal(t, at+"hooks/create?"+query+"&checksum="+bbb.SHA1.Checksum("hooks/create", query, wireSecret), seen[0])

	_, err = s.CreateHook(t.Context(), bbb.HookParams{
		CallbackURL: "https://portal.example/", MeetingID: "physics", Events: []bbb.EventName{bbb.EventUserJoined, bbb.EventUserLeft}, Raw: new(false),
	})
	require.NoError(t, err)
	query = "callbackURL=https%3A%2F%2Fportal.example%2F&meetingID=physics&eventID=user-joined%2Cuser-left&getRaw=false"
	assert.Equal(t, at+"hooks/create?"+query+"&checksum="+bbb.SHA1.Checksum("hooks/create", query, wireSecret), seen[1])

	_, err = s.Hooks(t.Context(), "physics")
	require.NoError(t, err)
	assert.Equal(t, at+"hooks/list?checksum="+bbb.SHA1.Checksum("hooks/list", "", wireSecret), seen[2], "without the meeting ID")

	require.NoError(t, s.DestroyHook(t.Context(), "17"))
	assert.Equal(t, at+"hooks/destroy?hookID=17&checksum="+bbb.SHA1.Checksum("hooks/destroy", "hookID=17", wireSecret), seen[3])

	seen = nil
	s = wireServer(t, recording(&seen, xmlAnswer(hookList)), bbb.WithHookAlgorithm(bbb.SHA384))
	_, err = s.Hooks(t.Context(), "")
	require.NoError(t, err)
	assert.Contains(t, seen[0], "checksum="+bbb.SHA384.Checksum("hooks/list", "", wireSecret))
}

func TestHookAlgorithmIsChecked(t *testing.T) {
	t.Parallel()
	_, err := bbb.NewGroup("school", bbb.WithHookAlgorithm(99))
	assert.ErrorContains(t, err, "WithHookAlgorithm")
}

func TestCreateHook(t *testing.T) {
	t.Parallel()
	p := bbb.HookParams{CallbackURL: "https://portal.example/?token=hush-hush-hush", MeetingID: "physics", Events: []bbb.EventName{"a", "b"}}
	s := wireServer(t, xmlAnswer(hookCreated))
	h, err := s.CreateHook(t.Context(), p)
	require.NoError(t, err)
	assert.Equal(t, "1", h.ID)
	assert.Equal(t, p.CallbackURL, h.CallbackURL)
	assert.Equal(t, "physics", h.MeetingID)
	assert.Equal(t, p.Events, h.Events)
	assert.False(t, h.Existed())
	assert.Same(t, s, h.Server())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(verb, h), "hush", verb)
		assert.NotContains(t, fmt.Sprintf(verb, *h), "hush", verb)
		assert.NotContains(t, fmt.Sprintf(verb, p)+fmt.Sprintf(verb, &p), "hush", verb)
	}
	assert.Contains(t, h.String(), "portal.example")
	assert.Contains(t, h.GoString(), "bbb.Hook")
	assert.NotContains(t, h.LogValue().String()+p.LogValue().String()+p.GoString(), "hush")

	h, err = wireServer(t, xmlAnswer(hookExists)).CreateHook(t.Context(), p)
	require.NoError(t, err)
	assert.True(t, h.Existed())
	assert.Equal(t, "8e6a1f2c-3b0d-4c61-9a2e-2f3f0f6c3f11", h.ID)
	assert.Empty(t, h.Events, "what an existing hook filters is not known")
	assert.Empty(t, h.MeetingID)
}

func TestHooks(t *testing.T) {
	t.Parallel()
	s := wireServer(t, xmlAnswer(hookList))
	all, err := s.Hooks(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, all, 3)
	assert.Equal(t, "https://portal.example/hooks?a=1&b=<2>", all[0].CallbackURL)
	assert.Empty(t, all[0].MeetingID)
	assert.Nil(t, all[0].Events, "no filter")
	assert.Equal(t, "physics & more", all[1].MeetingID)
	assert.Equal(t, []bbb.EventName{bbb.EventUserJoined, bbb.EventUserLeft}, all[1].Events)
	assert.Equal(t, []bbb.EventName{}, all[2].Events, "a filter that lets nothing through")
	assert.True(t, all[2].Permanent)
	assert.True(t, all[2].Raw)
	assert.Same(t, s, all[2].Server())

	some, err := s.Hooks(t.Context(), "algebra")
	require.NoError(t, err)
	require.Len(t, some, 2, "its own and those for all meetings")
	assert.Equal(t, "1", some[0].ID)
	assert.Equal(t, "3", some[1].ID)

	none, err := wireServer(t, xmlAnswer(`<response><returncode>SUCCESS</returncode><hooks></hooks></response>`)).Hooks(t.Context(), "")
	require.NoError(t, err)
	assert.NotNil(t, none)
	assert.Empty(t, none)
}

func TestHookErrors(t *testing.T) {
	t.Parallel()
	failed := func(key string) http.RoundTripper {
		return xmlAnswer("<response><returncode>FAILED</returncode><messageKey>" + key + "</messageKey><message>No.</message></response>")
	}
	for key, class := range map[string]error{
		"checksumError": bbb.ErrChecksum, "destroyMissingHook": bbb.ErrHookNotFound, "missingParamHookID": bbb.ErrInvalidParams,
		"destroyHookError": nil, "listHookError": nil, "unsupportedRequest": bbb.ErrNotSupported,
	} {
		s := wireServer(t, failed(key))
		err := (s.DestroyHook(t.Context(), "1"))
		var e *bbb.Error
		require.ErrorAs(t, err, &e, key)
		assert.Equal(t, key, e.Key)
		if class != nil {
			assert.ErrorIs(t, err, class)
		}
		_, err = s.Hooks(t.Context(), "")
		assert.ErrorAs(t, err, &e)
		_, err = s.CreateHook(t.Context(), bbb.HookParams{CallbackURL: "http://portal.example"})
		assert.ErrorAs(t, err, &e)
	}
	// Releases since 3.0 answer so to a checksum of a length they do not know.
	_, err := wireServer(t, answering(500, "text/html", "<html><title>Error</title></html>")).Hooks(t.Context(), "")
	require.ErrorIs(t, err, bbb.ErrBadAnswer)
	assert.ErrorContains(t, err, "500")

	notRemoved := xmlAnswer("<response><returncode>SUCCESS</returncode><removed>false</removed></response>")
	assert.ErrorContains(t, wireServer(t, notRemoved).DestroyHook(t.Context(), "1"), "did not remove")

	list, err := wireServer(t, xmlAnswer(hookList)).Hooks(t.Context(), "")
	require.NoError(t, err)
	assert.NoError(t, list[0].Destroy(t.Context()))
}

func TestHookParamsAreChecked(t *testing.T) {
	t.Parallel()
	s := wireServer(t, xmlAnswer(hookCreated))
	for name, p := range map[string]bbb.HookParams{
		"callbackURL": {},
		"relative":    {CallbackURL: "/hooks"},
		"scheme":      {CallbackURL: "ftp://portal.example"},
		"blank":       {CallbackURL: "https://portal.example/a b"},
		"fragment":    {CallbackURL: "https://portal.example/#"},
		"checksum":    {CallbackURL: "https://portal.example/?a=1&checksum=2"},
		"meeting":     {CallbackURL: "https://portal.example", MeetingID: "a,b"},
		"event":       {CallbackURL: "https://portal.example", Events: []bbb.EventName{"user-left", ""}},
		"comma":       {CallbackURL: "https://portal.example", Events: []bbb.EventName{"user-left,user-joined"}},
		"raw":         {CallbackURL: "https://portal.example", Events: []bbb.EventName{"user-left"}, Raw: new(true)},
	} {
		_, err := s.CreateHook(t.Context(), p)
		assert.ErrorIs(t, err, bbb.ErrInvalidParams, name)
		_, err = s.Group().CreateHook(t.Context(), p)
		assert.ErrorIs(t, err, bbb.ErrInvalidParams, name)
	}
	assert.ErrorIs(t, s.DestroyHook(t.Context(), " "), bbb.ErrInvalidParams)
	assert.ErrorIs(t, s.Group().DestroyHook(t.Context(), ""), bbb.ErrInvalidParams)
	all := bbb.HookParams{MeetingID: "a,b", Events: []bbb.EventName{"x"}, Raw: new(true)}.Validate()
	for _, param := range []string{"callbackURL", "meetingID", "getRaw"} {
		assert.ErrorContains(t, all, param, "all problems at once")
	}
}

// bbb-webhooks is a service of its own: that it is away is no reason to think that
// the meetings of the server are, and to create them elsewhere.
func TestHooksSayNothingAboutTheServersHealth(t *testing.T) {
	t.Parallel()
	fakes := newFakes(t, 2)
	g := newGroupOf(t, fakes[:1])
	broken := answering(502, "text/html", "<html><title>502 Bad Gateway</title></html>")
	s := addServer(t, g, fakes[1], bbb.WithTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "/hooks/") {
			return broken.RoundTrip(r)
		}
		return fakes[1].Transport().RoundTrip(r)
	})))
	for range 5 {
		_, err := s.Hooks(t.Context(), "")
		require.ErrorIs(t, noted(t, err), bbb.ErrBadAnswer)
	}
	for i := range 100 { // the two are drawn at random
		if m := create(t, g, fmt.Sprintf("lesson-%d", i)); m.Server() == s {
			return
		}
	}
	t.Error("the server gets no meetings any more")
}
