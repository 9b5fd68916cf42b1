package bbb_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What servers tell of themselves is a hint at most.
func TestReleaseIsLearnedFromTheVersion(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"<version>2.0</version><apiVersion>2.0</apiVersion><bbbVersion>3.0.19</bbbVersion>":                                 "3.0.19",
		"<version>2.0</version><apiVersion>2.0</apiVersion><bbbVersion/><graphqlWebsocketUrl>wss://a</graphqlWebsocketUrl>": "3.0 or later",
		"<version>2.0</version><apiVersion>2.0</apiVersion><bbbVersion></bbbVersion>":                                       "unknown",
		"<version>2.0</version><build>1.6</build>":                                                                          "unknown",
		"<version>2.0</version>": "perhaps 2.4",
	} {
		s := wireServer(t, xmlAnswer("<response><returncode>SUCCESS</returncode>"+body+"</response>"))
		assert.Equal(t, "unknown", s.Release().String())
		_, err := s.Version(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, s.Release().String(), body)
		if want == "perhaps 2.4" {
			require.NoError(t, s.SendChatMessage(t.Context(), "physics", bbb.ChatMessage{Text: "x"}), "a guess refuses nothing")
			assert.False(t, s.Release().Known())
		}
	}
}

func TestStatedAndLearnedRelease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		version, fail := "3.0.19", false
		s := wireServer(t, handled(func(w http.ResponseWriter, _ *http.Request) {
			if fail {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			_, _ = io.WriteString(w, "<response><returncode>SUCCESS</returncode><version>2.0</version><bbbVersion>"+version+"</bbbVersion></response>")
		}), bbb.WithRelease("3.0"))
		ask := func() string {
			_, err := s.Version(t.Context())
			require.NoError(t, err)
			return s.Release().String()
		}
		assert.Equal(t, "3.0", s.Release().String())
		assert.Equal(t, "3.0.19", ask(), "within what was stated, the server knows better")
		wait(t, 11*time.Minute)
		assert.Equal(t, "3.0", s.Release().String(), "too long ago")
		assert.Equal(t, "3.0.19", ask())
		fail = true
		wait(t, time.Second)
		assert.Equal(t, "3.0.19", ask(), "not asked again")
		require.Error(t, s.Refresh(t.Context()))
		assert.Equal(t, "3.0", s.Release().String(), "it may be under an upgrade")
		_, err := s.Version(t.Context())
		require.Error(t, err, "so it is asked")
		fail, version = false, "2.7.1"
		wait(t, time.Second)
		assert.Equal(t, "3.0", ask(), "the owner's word counts")
	})
}

// A call that is not there costs no request, and the text says why.
func TestCallsOfOtherReleases(t *testing.T) {
	t.Parallel()
	doc := bbb.Document{URL: "https://a.example/b.pdf"}
	calls := map[string]func(*bbb.Server) error{
		"insertDocument": func(s *bbb.Server) error { return s.InsertDocuments(t.Context(), "physics", doc) },
		"sendChatMessage": func(s *bbb.Server) error {
			return s.SendChatMessage(t.Context(), "physics", bbb.ChatMessage{Text: "x"})
		},
		"getDefaultConfigXML": func(s *bbb.Server) error {
			_, err := s.DefaultConfigXML(t.Context())
			return err
		},
		"setConfigXML": func(s *bbb.Server) error {
			_, err := s.SetConfigXML(t.Context(), "physics", "<config/>")
			return err
		},
	}
	for _, test := range []struct{ release, call, problem string }{
		{"2.4", "insertDocument", "exists since BigBlueButton 2.5, the server is 2.4"},
		{"2.7.12", "sendChatMessage", "exists since BigBlueButton 3.0, the server is 2.7.12"},
		{"2.4", "getDefaultConfigXML", "is gone since BigBlueButton 2.4, the server is 2.4"},
		{"3.0", "setConfigXML", "is gone since BigBlueButton 2.4, the server is 3.0"},
		{"2.5", "insertDocument", ""}, {"3.0", "sendChatMessage", ""}, {"2.3", "setConfigXML", ""}, {"3.0.0-rc.1", "sendChatMessage", ""},
	} {
		var sent []taken
		s := wireServer(t, taking(t, &sent, insertedAnswer), bbb.WithRelease(test.release))
		err := calls[test.call](s)
		if test.problem == "" {
			require.NoError(t, err, "%s on %s", test.call, test.release)
			assert.Len(t, sent, 1)
			continue
		}
		require.ErrorIs(t, err, bbb.ErrNotSupported)
		require.EqualError(t, err, "bbb: "+test.call+" on bbb1: not supported by the server: the call "+test.problem)
		assert.Empty(t, sent)
	}
	_, err := sessionOn(t, sessionAnswer(t, 200, "enter?sessionToken="+sessionToken, `{"response":{"returncode":"SUCCESS"}}`)).Enter(t.Context())
	require.NoError(t, err)
}

func TestAlgorithmsOfOldReleases(t *testing.T) {
	t.Parallel()
	g := wireGroup(t)
	for _, a := range []bbb.Algorithm{bbb.SHA384, bbb.SHA512} {
		_, err := g.New("old", "https://old.test", wireSecret, bbb.WithAlgorithm(a), bbb.WithRelease("2.4"))
		require.ErrorContains(t, err, "exists since BigBlueButton 2.5, the server is 2.4")
	}
	n := 0
	s := wireServer(t, handled(func(w http.ResponseWriter, _ *http.Request) {
		n++
		_, _ = io.WriteString(w, "<response><returncode>SUCCESS</returncode><bbbVersion>2.4.9</bbbVersion></response>")
	}), bbb.WithAlgorithm(bbb.SHA512))
	_, err := s.Version(t.Context())
	require.NoError(t, err)
	_, err = s.Meetings(t.Context())
	require.ErrorIs(t, err, bbb.ErrNotSupported)
	assert.Equal(t, 1, n)
	for problem, opt := range map[string]bbb.Option{
		`WithRelease: "new"`: bbb.WithRelease("new"), "WithUnsupportedParams: unknown": bbb.WithUnsupportedParams(9),
	} {
		_, err = g.New("bad", "https://bad.test", wireSecret, opt)
		require.ErrorContains(t, err, problem)
	}
}

func TestUnsupportedParams(t *testing.T) {
	t.Parallel()
	p := bbb.CreateParams{
		MeetingID: "physics", Name: "Physics", DarkLogo: "https://a.example/" + hidden, UserCameraCap: new(1), WebVoice: "1",
		PluginParams: map[string]string{"a": "b"}, ClientSettingsOverride: json.RawMessage(`{}`), SharedNotesInitialContentJSON: json.RawMessage(`1`),
	}
	join := bbb.JoinParams{MeetingID: "physics", FullName: "Bot", Role: bbb.RoleViewer, Bot: new(true)}
	build := func(release string, policy bbb.UnsupportedParams) (*bbb.Server, *[]taken, *records) {
		log, lines := logged(t)
		g := wireGroup(t, log)
		sent := new([]taken)
		opts := []bbb.ServerOption{bbb.WithUnsupportedParams(policy)}
		if release != "" {
			opts = append(opts, bbb.WithRelease(release))
		}
		return wireServerAt(t, g, "https://bbb1.test", wireSecret, taking(t, sent, createdAnswer), opts...), sent, lines
	}
	for _, test := range []struct {
		release string
		policy  bbb.UnsupportedParams
	}{{"2.7", bbb.SendUnsupported}, {"", bbb.RefuseUnsupported}, {"", bbb.DropUnsupported}, {"3.0", bbb.RefuseUnsupported}} {
		s, sent, lines := build(test.release, test.policy)
		_, err := s.CreateMeeting(t.Context(), p)
		require.NoError(t, err)
		require.Len(t, *sent, 1)
		for _, name := range []string{"darklogo", "userCameraCap", "webVoice", "plugin_a"} {
			assert.Contains(t, (*sent)[0].query, name)
		}
		assert.Equal(t, "POST", (*sent)[0].method)
		assert.Empty(t, lines.with("parameter left out"))
		link, err := s.JoinURL(t.Context(), join)
		require.NoError(t, err)
		assert.Contains(t, link, "bot=true")
	}

	s, sent, _ := build("2.7", bbb.RefuseUnsupported)
	_, err := s.CreateMeeting(t.Context(), p)
	require.ErrorIs(t, err, bbb.ErrNotSupported)
	for _, name := range []string{"darklogo", "plugin_", "clientSettingsOverride", "sharedNotesInitialContentJson"} {
		require.ErrorContains(t, err, "the parameter "+name+" exists since BigBlueButton 3.0, the server is 2.7")
	}
	assert.NotContains(t, err.Error(), hidden)
	assert.NotContains(t, err.Error(), "userCameraCap")
	_, err = s.JoinURL(t.Context(), join)
	require.ErrorContains(t, err, "bbb: join on bbb1: not supported by the server: the parameter bot exists since")
	_, err = s.Join(t.Context(), join)
	require.ErrorIs(t, err, bbb.ErrNotSupported)
	p2 := p
	p2.MeetingID = ""
	_, err = s.Group().CreateMeeting(t.Context(), p2)
	require.ErrorIs(t, err, bbb.ErrNoServer)
	require.ErrorIs(t, err, bbb.ErrNotSupported)
	assert.Empty(t, *sent)

	s, sent, lines := build("2.7", bbb.DropUnsupported)
	_, err = s.CreateMeeting(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, *sent, 1)
	assert.Equal(t, "GET", (*sent)[0].method, "nothing is left for a body")
	query, err := url.ParseQuery((*sent)[0].query)
	require.NoError(t, err)
	assert.Equal(t, []string{"1"}, query["userCameraCap"])
	for _, name := range []string{"darklogo", "plugin_a"} {
		assert.NotContains(t, query, name)
	}
	left := lines.with("parameter left out")
	require.Len(t, left, 4)
	assert.Equal(t, "darklogo", left[0]["parameter"])
	assert.Equal(t, "WARN", left[0]["level"])
	assert.Equal(t, "exists since BigBlueButton 3.0, the server is 2.7", left[0]["reason"])
	assert.Equal(t, "https://a.example/"+hidden, p.DarkLogo, "the caller's own are left alone")
	link, err := s.JoinURL(t.Context(), join)
	require.NoError(t, err)
	assert.NotContains(t, link, "bot=")
}
