package bbb_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sessionToken, sessionCookie = "tok3nTok3nTok3n1", "c00kieOfTheSession"

// sessionOn returns a session on a server that answers its calls with h.
func sessionOn(t *testing.T, h http.HandlerFunc) *bbb.Session {
	t.Helper()
	s := wireServer(t, handled(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/join") {
			http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: sessionCookie, Path: "/", Secure: true})
			_, _ = fmt.Fprintf(w, "<response><returncode>SUCCESS</returncode><meeting_id>i-1</meeting_id><user_id>w_1</user_id>"+
				"<auth_token>auth0rised</auth_token><session_token>%s</session_token></response>", sessionToken)
			return
		}
		h(w, r)
	}))
	a, err := s.Join(t.Context(), bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleModerator})
	require.NoError(t, err)
	return a.Session
}

// sessionAnswer is a handler that checks that a call is one of the session.
func sessionAnswer(t *testing.T, status int, wantURL, body string) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, http.MethodGet, r.Method)
		assert.Equal(t, "/bigbluebutton/api/"+wantURL, r.URL.RequestURI())
		c, err := r.Cookie("JSESSIONID")
		if assert.NoError(t, err, "the cookie of the session is sent") {
			assert.Equal(t, sessionCookie, c.Value)
		}
		if status >= 300 && status < 400 {
			w.Header().Set("Location", body)
			body = ""
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestSessionJoinURL(t *testing.T) {
	t.Parallel()
	const odd = "https://bbb1.test/bigbluebutton/api/join?&fullName=A%2520B&checksum=0123456789abcdef0123456789abcdef01234567"
	s := sessionOn(t, sessionAnswer(t, 200, "getJoinUrl?sessionToken="+sessionToken+"&enforceLayout=CAMERAS_ONLY&replaceSession=true&sessionName=phone+1&userdata-bbb_x=y",
		`{"response":{"returncode":"SUCCESS","message":"ok","url":"`+odd+`"}}`))
	p := bbb.SessionURLParams{
		ReplaceSession: new(true), SessionName: "phone 1", EnforceLayout: "CAMERAS_ONLY", UserData: map[string]string{"bbb_x": "y"},
	}
	got, err := s.JoinURL(t.Context(), p)
	require.NoError(t, err)
	assert.Equal(t, odd, got, "to the byte")
	p.UserData = map[string]string{"a-b": "c"}
	_, err = s.JoinURL(t.Context(), p)
	require.ErrorIs(t, err, bbb.ErrInvalidParams)

	s = sessionOn(t, sessionAnswer(t, 200, "getJoinUrl?sessionToken="+sessionToken, `{"returncode":"SUCCESS","url":"u"}`))
	got, err = s.JoinURL(t.Context(), bbb.SessionURLParams{})
	require.NoError(t, err)
	assert.Equal(t, "u", got, "without the object around")
}

// Each call fails in the same ways, and no text holds a token.
func TestSessionCallsFail(t *testing.T) {
	t.Parallel()
	calls := map[string]func(*bbb.Session) error{
		"getJoinUrl":        func(s *bbb.Session) error { _, err := s.JoinURL(t.Context(), bbb.SessionURLParams{}); return err },
		"learningDashboard": func(s *bbb.Session) error { _, err := s.LearningDashboard(t.Context()); return err },
		"stuns":             func(s *bbb.Session) error { _, err := s.STUN(t.Context()); return err },
		"signOut":           func(s *bbb.Session) error { return s.SignOut(t.Context()) },
		"enter":             func(s *bbb.Session) error { _, err := s.Enter(t.Context()); return err },
		"guestWait":         func(s *bbb.Session) error { _, err := s.GuestWait(t.Context()); return err },
	}
	for call, ask := range calls {
		fails := func(status int, body string) error {
			s := sessionOn(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
			})
			err := ask(s)
			require.Error(t, err, "%s %s", call, body)
			for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err)} {
				assert.NotContains(t, text, sessionToken, call)
				assert.NotContains(t, text, sessionCookie, call)
				assert.NotContains(t, text, "auth0rised", call)
			}
			assert.Contains(t, err.Error(), "bbb: "+call+" on bbb1: ")
			return err
		}
		err := fails(200, `{"response":{"returncode":"FAILED","message":"Invalid session token `+sessionToken+`","sessionToken":"`+sessionToken+`"}}`)
		require.ErrorContains(t, err, "Invalid session token")
		var e *bbb.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "Invalid session token [redacted]", e.Message)
		require.ErrorContains(t, fails(200, `{"returncode":"FAILED","message":"Could not find conference.","logoutURL":"https://a"}`), "Could not find conference.")
		require.ErrorIs(t, fails(404, "<html><title>404</title></html>"), bbb.ErrNotSupported)
		require.ErrorIs(t, fails(200, "<html><body>"+sessionToken), bbb.ErrBadAnswer)
		require.ErrorIs(t, fails(500, ""), bbb.ErrBadAnswer)
		require.ErrorIs(t, fails(200, "auth0rised"), bbb.ErrBadAnswer)
		if call != "signOut" {
			require.ErrorContains(t, fails(200, ""), "a session that is over")
			require.ErrorIs(t, fails(200, `{"response":["`+sessionToken+`"]}`), bbb.ErrBadAnswer)
		}
		if call == "getJoinUrl" || call == "learningDashboard" {
			require.ErrorIs(t, fails(200, `{"response":{"returncode":"SUCCESS","data":"{"}}`), bbb.ErrBadAnswer)
		}
		require.ErrorIs(t, ask(&bbb.Session{SessionToken: "x"}), bbb.ErrInvalidParams, "nobody's session")
	}
}

func TestLearningDashboard(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"response":{"returncode":"SUCCESS","data":"{\"users\":{\"é\":1}}","sessionToken":"x"}}`: `{"users":{"é":1}}`,
		`{"response":{"returncode":"SUCCESS","data":{"users":1}}}`:                                `{"users":1}`,
	} {
		s := sessionOn(t, sessionAnswer(t, 200, "learningDashboard?sessionToken="+sessionToken, body))
		data, err := s.LearningDashboard(t.Context())
		require.NoError(t, err)
		assert.JSONEq(t, want, string(data))
	}
}

func TestSTUN(t *testing.T) {
	t.Parallel()
	s := sessionOn(t, sessionAnswer(t, 200, "stuns?sessionToken="+sessionToken, `{"stunServers":[{"url":"stun:a:3478"}],
		"turnServers":[{"username":"u","password":"`+hidden+`","url":"turns:a:443","ttl":86400},{"url":"turn:b","ttl":"60"}],
		"remoteIceCandidates":[{"ip":"192.0.2.1"}]}`))
	got, err := s.STUN(t.Context())
	require.NoError(t, err)
	assert.Equal(t, &bbb.ICEServers{
		STUN: []string{"stun:a:3478"},
		TURN: []bbb.TURNServer{
			{URL: "turns:a:443", Username: "u", Password: hidden, TTL: 86400}, {URL: "turn:b", TTL: 60},
		},
		RemoteCandidates: []string{"192.0.2.1"},
	}, got)
	neverShown(t, *got, got, got.TURN, got.TURN[0], &got.TURN[0])
}

// neverShown checks that no way of printing shows what must stay hidden.
func neverShown(t *testing.T, things ...any) {
	t.Helper()
	var log strings.Builder
	for _, x := range things {
		text, err := json.Marshal(x)
		require.NoError(t, err)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", slog.Any("x", x))
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s %q %x %d", x, x, x, x, x, x, x)+string(text)+log.String(), hidden)
	}
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"<response><returncode>SUCCESS</returncode></response>", `{"response":{"returncode":"SUCCESS"}}`} {
		s := sessionOn(t, sessionAnswer(t, 200, "signOut?sessionToken="+sessionToken, body))
		require.NoError(t, s.SignOut(t.Context()))
	}
}

func TestGuestWait(t *testing.T) {
	t.Parallel()
	const asked = "guestWait?sessionToken=" + sessionToken + "&redirect=false"
	s := sessionOn(t, sessionAnswer(t, 200, asked, `{"response":{"returncode":"SUCCESS","messageKey":"guestWait","message":"Wait.","guestStatus":"WAIT",`+
		`"lobbyMessage":"Soon","url":"https://bbb1.test/guest?sessionToken=`+hidden+`","auth_token":"x"}}`))
	got, err := s.GuestWait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, &bbb.Lobby{
		Status: bbb.GuestWait, MessageKey: "guestWait", Message: "Wait.", LobbyMessage: "Soon", URL: "https://bbb1.test/guest?sessionToken=" + hidden,
	}, got)
	neverShown(t, got, *got, []bbb.Lobby{*got})

	s = sessionOn(t, sessionAnswer(t, 302, asked, "/html5client/join?sessionToken=x"))
	got, err = s.GuestWait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, &bbb.Lobby{Status: bbb.GuestAllow, URL: "https://bbb1.test/html5client/join?sessionToken=x"}, got)

	s = sessionOn(t, sessionAnswer(t, 302, asked, "https://portal.test/bye"))
	got, err = s.GuestWait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, &bbb.Lobby{URL: "https://portal.test/bye"}, got)

	s = sessionOn(t, sessionAnswer(t, 302, asked, ""))
	_, err = s.GuestWait(t.Context())
	require.ErrorIs(t, err, bbb.ErrBadAnswer)

	s = sessionOn(t, sessionAnswer(t, 200, asked, `{"response":{"returncode":"FAILED","messageKey":"guestDeny","message":"Denied"}}`))
	_, err = s.GuestWait(t.Context())
	require.ErrorIs(t, err, bbb.ErrGuestDenied)
}

func TestEnter(t *testing.T) {
	t.Parallel()
	s := sessionOn(t, sessionAnswer(t, 200, "enter?sessionToken="+sessionToken, `{"response":{"returncode":"SUCCESS","fullname":"Ada","confname":"Physics",
		"meetingID":"i-1","externMeetingID":"physics","externUserID":"u1","internalUserID":"w_1","authToken":"`+hidden+`","role":"MODERATOR",
		"guest":false,"guestStatus":"ALLOW","conference":"i-1","room":"i-1","voicebridge":"72013","dialnumber":"613-555-1234","webvoiceconf":"72013",
		"mode":"LIVE","record":"true","isBreakout":false,"logoutTimer":15,"allowStartStopRecording":true,"welcome":"Hi","modOnlyMessage":"psst",
		"bannerText":"b","bannerColor":"#fff","customLogoURL":"l","customCopyright":"c","muteOnStart":true,"allowModsToUnmuteUsers":"false",
		"logoutUrl":"https://a","defaultLayout":"NOLAYOUT","avatarURL":"av","breakoutRooms":{"record":false},
		"customdata":[{"bbb_x":"y"},{"n":1}],"metadata":[{"origin":"portal"}]}}`))
	got, err := s.Enter(t.Context())
	require.NoError(t, err)
	assert.Equal(t, &bbb.Entrance{
		FullName: "Ada", MeetingName: "Physics", MeetingID: "physics", InternalMeetingID: "i-1", UserID: "u1", InternalUserID: "w_1",
		AuthToken: hidden, Role: bbb.RoleModerator, GuestStatus: bbb.GuestAllow, VoiceBridge: "72013", DialNumber: "613-555-1234", Mode: "LIVE",
		Record: true, Welcome: "Hi", ModeratorMessage: "psst", AllowStartStopRecording: true, MuteOnStart: true, LogoutURL: "https://a", LogoutTimer: 15,
		Layout: "NOLAYOUT", AvatarURL: "av", BannerText: "b", BannerColor: "#fff", Logo: "l", Copyright: "c",
		CustomData: map[string]string{"bbb_x": "y", "n": "1"}, Metadata: map[string]string{"origin": "portal"},
	}, got)
	neverShown(t, got, *got)
}

// A session that a load balancer led to is on the server behind it.
func TestSessionBehindALoadBalancer(t *testing.T) {
	t.Parallel()
	var asked []string
	s := wireServer(t, handled(func(w http.ResponseWriter, r *http.Request) {
		switch asked = append(asked, r.URL.Host+r.URL.Path); {
		case r.URL.Host == "bbb1.test":
			w.Header().Set("Location", "https://node7.test/bigbluebutton/api/join?a=b&checksum=c")
			w.WriteHeader(http.StatusFound)
		case strings.HasSuffix(r.URL.Path, "/join"):
			_, _ = io.WriteString(w, "<response><returncode>SUCCESS</returncode><session_token>"+sessionToken+"</session_token></response>")
		default:
			_, _ = io.WriteString(w, "<response><returncode>SUCCESS</returncode></response>")
		}
	}))
	a, err := s.Join(t.Context(), bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleViewer})
	require.NoError(t, err)
	require.NoError(t, a.Session.SignOut(t.Context()))
	assert.Equal(t, []string{"bbb1.test/bigbluebutton/api/join", "node7.test/bigbluebutton/api/join", "node7.test/bigbluebutton/api/signOut"}, asked)
}

func TestConfigXML(t *testing.T) {
	t.Parallel()
	var sent []taken
	s := wireServer(t, taking(t, &sent, "<config><version>1</version></config>",
		"<response><returncode>SUCCESS</returncode><token> t0 </token></response>"))
	config, err := s.DefaultConfigXML(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "<config><version>1</version></config>", string(config))
	token, err := s.SetConfigXML(t.Context(), "phy sics", "<config a='*~'>\n</config>")
	require.NoError(t, err)
	assert.Equal(t, "t0", token)
	require.Len(t, sent, 2)
	assert.Equal(t, "GET getDefaultConfigXML", sent[0].method+" "+sent[0].call)
	assert.Equal(t, "POST setConfigXML application/x-www-form-urlencoded", sent[1].method+" "+sent[1].call+" "+sent[1].contentType)
	assert.Empty(t, sent[1].query)
	const form = "configXML=%3Cconfig+a%3D%27*%7E%27%3E%0A%3C%2Fconfig%3E&meetingID=phy+sics"
	checksum, rest, _ := strings.Cut(string(sent[1].body), "&")
	assert.Equal(t, form, rest)
	assert.Equal(t, "checksum="+bbb.SHA1.Checksum("setConfigXML", form, wireSecret), checksum)

	_, err = s.SetConfigXML(t.Context(), "", "")
	require.ErrorContains(t, err, `"configXML" is required`)
	for body, class := range map[string]error{
		"<response><returncode>FAILED</returncode><messageKey>checksumError</messageKey></response>": bbb.ErrChecksum,
		"": bbb.ErrBadAnswer,
	} {
		s = wireServer(t, xmlAnswer(body))
		_, err = s.DefaultConfigXML(t.Context())
		require.ErrorIs(t, err, class)
		_, err = s.SetConfigXML(t.Context(), "physics", "<config/>")
		require.ErrorIs(t, err, class)
	}
	s = wireServer(t, answering(404, "", ""))
	_, err = s.DefaultConfigXML(t.Context())
	require.ErrorIs(t, err, bbb.ErrNotSupported)
	_, err = s.SetConfigXML(t.Context(), "physics", "<config/>")
	require.ErrorIs(t, err, bbb.ErrNotSupported)
}
