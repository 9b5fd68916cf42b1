package bbb_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// roomOn makes a meeting on a fake of that release and returns its server.
func roomOn(t *testing.T, version string, p bbb.CreateParams) (*bbbtest.Server, *bbb.Server, *bbb.Meeting) {
	t.Helper()
	fake := bbbtest.New(bbbtest.WithVersion(version), bbbtest.WithHost("https://bbb1.test"))
	s := fakeServer(t, fake)
	p.MeetingID, p.Name, p.AttendeePW, p.ModeratorPW = "room", "Room", "the-ap", "the-mp"
	m, err := s.CreateMeeting(t.Context(), p)
	require.NoError(t, err)
	return fake, s, m
}

var releases = []string{"2.4", "2.5", "2.6", "2.7", "3.0", "4.0"}

func zoe() bbb.JoinParams {
	return bbb.JoinParams{MeetingID: "room", FullName: "Zoë", Role: bbb.RoleViewer}
}

func TestJoinOfEveryRelease(t *testing.T) {
	t.Parallel()
	for _, version := range releases {
		fake, s, m := roomOn(t, version, bbb.CreateParams{})
		a, err := s.Join(t.Context(), zoe())
		require.NoError(t, err, version)
		assert.Equal(t, bbb.GuestAllow, a.Session.GuestStatus)
		assert.Len(t, a.Session.SessionToken, 16)
		assert.Contains(t, a.Session.URL, "sessionToken="+a.Session.SessionToken)
		assert.Equal(t, m.InternalID, a.Session.InternalMeetingID)
		held, _ := fake.Meeting("room")
		require.Len(t, held.Attendees, 1)
		assert.Equal(t, held.Attendees[0].InternalUserID, a.Session.InternalUserID)

		// By its password, the role is known because the meeting is.
		p := zoe()
		p.Role, p.Password = "", "the-mp"
		a, err = s.Join(t.Context(), p)
		require.NoError(t, err)
		assert.Equal(t, bbb.RoleModerator, a.Role)
		p.Password = "the-ap"
		a, err = s.Join(t.Context(), p)
		require.NoError(t, err)
		assert.Equal(t, bbb.RoleViewer, a.Role)
	}
}

// The failures that servers tell by a redirect, by XML, or by either, depending
// on the release, are the same errors here.
func TestJoinRefusalsOfEveryRelease(t *testing.T) {
	t.Parallel()
	for _, version := range releases {
		for name, c := range map[string]struct {
			create bbb.CreateParams
			before func(*testing.T, *bbbtest.Server, *bbb.Server)
			change func(*bbb.JoinParams)
			want   error
		}{
			"unknown meeting": {change: func(p *bbb.JoinParams) { p.MeetingID = "no-such" }, want: bbb.ErrMeetingNotFound},
			"ended": {
				before: func(t *testing.T, _ *bbbtest.Server, s *bbb.Server) {
					require.NoError(t, s.EndMeeting(t.Context(), "room", ""))
				},
				want: bbb.ErrMeetingNotFound,
			},
			"ended, as its own class": {
				before: func(t *testing.T, _ *bbbtest.Server, s *bbb.Server) {
					require.NoError(t, s.EndMeeting(t.Context(), "room", ""))
				},
				want: bbb.ErrMeetingEnded,
			},
			"full": {
				create: bbb.CreateParams{MaxParticipants: new(1)},
				before: func(t *testing.T, _ *bbbtest.Server, s *bbb.Server) {
					p := zoe()
					p.UserID = "somebody"
					_, err := s.Join(t.Context(), p)
					require.NoError(t, err)
				},
				change: func(p *bbb.JoinParams) { p.UserID = "another" },
				want:   bbb.ErrMeetingFull,
			},
			"wrong password":  {change: func(p *bbb.JoinParams) { p.Role, p.Password = "", "guess" }, want: bbb.ErrPassword},
			"another meeting": {change: func(p *bbb.JoinParams) { p.CreateTime = time.UnixMilli(1) }, want: bbb.ErrInvalidParams},
			"wrong secret": {
				before: func(_ *testing.T, fake *bbbtest.Server, _ *bbb.Server) { fake.SetSecret("another") },
				want:   bbb.ErrChecksum,
			},
		} {
			t.Run(version+" "+name, func(t *testing.T) {
				t.Parallel()
				fake, s, _ := roomOn(t, version, c.create)
				if c.before != nil {
					c.before(t, fake, s)
				}
				p := zoe()
				if c.change != nil {
					c.change(&p)
				}
				_, err := s.Join(t.Context(), p)
				require.ErrorIs(t, err, c.want)
				require.NotErrorIs(t, err, bbb.ErrBadAnswer)
				var e *bbb.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, "join", e.Call)
				assert.Equal(t, "bbb1", e.Server)
				assert.NotEmpty(t, e.Key)
				assert.NotEmpty(t, e.Message)
				assert.NotContains(t, err.Error(), "guess")
			})
		}
	}
}

// A guest in the lobby has joined; a guest turned away has not, on new releases.
func TestGuests(t *testing.T) {
	t.Parallel()
	for _, version := range releases {
		guest := zoe()
		guest.Guest = new(true)
		_, s, _ := roomOn(t, version, bbb.CreateParams{GuestPolicy: bbb.GuestPolicyAskModerator})
		a, err := s.Join(t.Context(), guest)
		require.NoError(t, err, version)
		assert.Equal(t, bbb.GuestWait, a.Session.GuestStatus, version)

		_, s, _ = roomOn(t, version, bbb.CreateParams{GuestPolicy: bbb.GuestPolicyAlwaysDeny})
		a, err = s.Join(t.Context(), guest)
		if version < "3.0" {
			require.NoError(t, err, version)
			assert.Equal(t, bbb.GuestDeny, a.Session.GuestStatus, version)
		} else {
			require.ErrorIs(t, err, bbb.ErrGuestDenied, version)
		}
	}
}

// What is certain to fail is not sent.
func TestJoinIsCheckedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	s := wireServer(t, roundTripFunc(func(*http.Request) (*http.Response, error) {
		t.Error("a request was made")
		return nil, http.ErrServerClosed
	}))
	for name, p := range map[string]bbb.JoinParams{
		"neither role nor password": {MeetingID: "room", FullName: "Zoë"},
		"no name":                   {MeetingID: "room", Role: bbb.RoleViewer},
		"no meeting":                {FullName: "Zoë", Role: bbb.RoleViewer},
		"no such role":              {MeetingID: "room", FullName: "Zoë", Role: "BOSS"},
		"checksum of one's own":     {MeetingID: "room", FullName: "Zoë", Role: bbb.RoleViewer, Extra: url.Values{"checksum": {"x"}}},
	} {
		_, err := s.Join(t.Context(), p)
		require.ErrorIs(t, err, bbb.ErrInvalidParams, name)
		_, err = s.JoinURL(t.Context(), p)
		require.ErrorIs(t, err, bbb.ErrInvalidParams, name)
	}
}

// A Meeting leads only into itself, not into a later one of the same ID.
func TestMeetingJoinsItself(t *testing.T) {
	t.Parallel()
	fake, s, m := roomOn(t, "3.0", bbb.CreateParams{})
	p := zoe()
	p.MeetingID = ""
	joinURL, err := m.JoinURL(t.Context(), p)
	require.NoError(t, err)
	assert.Contains(t, joinURL, fmt.Sprintf("createTime=%d", m.CreateTime.UnixMilli()))
	assert.Contains(t, joinURL, "meetingID=room&")
	p.MeetingID = "another"
	_, err = m.JoinURL(t.Context(), p)
	require.ErrorIs(t, err, bbb.ErrInvalidParams)
	_, err = m.Join(t.Context(), p)
	require.ErrorIs(t, err, bbb.ErrInvalidParams)

	fake.EndMeeting("room")
	fake.Inject(bbbtest.Fault{Call: "create", ClockSkew: time.Hour, Times: 1}) // a time of its own
	_, err = s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "room", Name: "Later", AttendeePW: "the-ap", ModeratorPW: "the-mp"})
	require.NoError(t, err)
	p.MeetingID = ""
	_, err = m.Join(t.Context(), p)
	require.ErrorIs(t, err, bbb.ErrInvalidParams, "the meeting of that create time is over")
}

func TestMeetingManagesItself(t *testing.T) {
	t.Parallel()
	fake, s, m := roomOn(t, "3.0", bbb.CreateParams{})
	assert.Same(t, s, m.Server())
	running, err := m.IsRunning(t.Context())
	require.NoError(t, err)
	assert.False(t, running)
	require.NoError(t, fake.Attend("room", bbbtest.Attendee{FullName: "Bo"}))
	running, err = m.IsRunning(t.Context())
	require.NoError(t, err)
	assert.True(t, running)
	newer, err := m.Refresh(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, newer.ParticipantCount)
	assert.Zero(t, m.ParticipantCount, "a snapshot stays")
	assert.Equal(t, "Bo", newer.Attendees[0].FullName)

	require.ErrorIs(t, s.EndMeeting(t.Context(), "room", "the-ap"), bbb.ErrPassword)
	require.Zero(t, fake.Count("end"), "nothing was ended")
	require.NoError(t, m.End(t.Context()))
	require.NoError(t, m.End(t.Context()), "over is over")
	_, err = m.Refresh(t.Context())
	require.ErrorIs(t, err, bbb.ErrMeetingNotFound)
	require.NoError(t, s.EndMeeting(t.Context(), "room", "anything"))
	assert.Empty(t, s.CachedMeetings(t.Context()))
}

// redirects answers each request by the first rule whose host it has.
func redirects(rules map[string]string) (http.RoundTripper, *[]string) {
	var seen []string
	return handled(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.String())
		w.Header()["Location"] = []string{rules[r.URL.Host]}
		w.WriteHeader(http.StatusFound)
	}), &seen
}

func TestJoinFailureInARedirect(t *testing.T) {
	t.Parallel()
	errorsParam := func(text string) string { return "https://portal.example/over?lang=de&errors=" + url.QueryEscape(text) }
	for name, c := range map[string]struct{ location, key, message string }{
		"one":      {errorsParam(`[{"key":"guestDeniedAccess","message":"Guest denied"}]`), "guestDeniedAccess", "Guest denied"},
		"two":      {errorsParam(`[{"key":"validationError","message":"a"},{"key":"x","message":"b"}]`), "validationError", "a"},
		"tell":     {errorsParam(`[{"key":"k","message":"for password=hunter2"}]`), "k", "for password=[redacted]"},
		"relative": {"/?errors=" + url.QueryEscape(`[{"key":"checksumError","message":"m"}]`), "checksumError", "m"},
	} {
		rt, seen := redirects(map[string]string{"bbb1.test": c.location})
		_, err := wireServer(t, rt).Join(t.Context(), zoe())
		e := requireError(t, err, "join", http.StatusFound)
		assert.Equal(t, c.key, e.Key, name)
		assert.Equal(t, c.message, e.Message, name)
		assert.Len(t, *seen, 1)
	}
	for name, location := range map[string]string{
		"no JSON":       errorsParam("oops"),
		"empty list":    errorsParam("[]"),
		"another shape": errorsParam(`{"key":"k"}`),
		"a front page":  "https://portal.example/?from=join&password=hunter2",
		"nowhere":       "",
		"another API":   "ftp://x.example/bigbluebutton/api/join?checksum=deadbeef",
		"unparsable":    "https://a.example/%zz?sessionToken=hunter2",
	} {
		rt, seen := redirects(map[string]string{"bbb1.test": location})
		_, err := wireServer(t, rt).Join(t.Context(), zoe())
		require.Error(t, err, name)
		if name != "unparsable" { // which net/http refuses before we see it
			requireError(t, err, "join", http.StatusFound)
			require.ErrorIs(t, err, bbb.ErrBadAnswer, name)
		}
		assert.NotContains(t, err.Error(), "hunter2", name)
		assert.NotContains(t, err.Error(), "deadbeef", name)
		assert.Len(t, *seen, 1, name)
	}
}

func TestJoinSuccessInARedirect(t *testing.T) {
	t.Parallel()
	rt, _ := redirects(map[string]string{"bbb1.test": "/html5client?sessionToken=abcdefgh12345678"})
	a, err := wireServer(t, rt).Join(t.Context(), zoe())
	require.NoError(t, err)
	assert.Equal(t, "abcdefgh12345678", a.Session.SessionToken)
	assert.Equal(t, "https://bbb1.test/html5client?sessionToken=abcdefgh12345678", a.Session.URL)
	assert.Equal(t, bbb.RoleViewer, a.Role)
}

// A load balancer sends the join on to the server behind it, signed for that
// one. We go with it, and say who told us what in the end.
func TestJoinThroughALoadBalancer(t *testing.T) {
	t.Parallel()
	behind := bbbtest.New(bbbtest.WithHost("https://behind.test"))
	direct := fakeServer(t, behind)
	_, err := direct.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "room", Name: "Room", AttendeePW: "the-ap", ModeratorPW: "the-mp"})
	require.NoError(t, err)
	for hops := range 5 {
		balancer := handled(func(w http.ResponseWriter, r *http.Request) {
			var n int
			_, _ = fmt.Sscanf(r.URL.Host, "bbb%d.test", &n)
			next, _ := url.Parse(fmt.Sprintf("https://bbb%d.test/bigbluebutton/api/join", n+1))
			next.RawQuery = r.URL.RawQuery
			w.Header().Set("Location", next.String())
			if n >= hops {
				params := r.URL.Query()
				params.Del("checksum")
				w.Header().Set("Location", direct.URL("join", params))
			}
			w.WriteHeader([]int{302, 307}[n%2])
		})
		rt := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "behind.test" {
				return behind.Transport().RoundTrip(r)
			}
			return balancer.RoundTrip(r)
		})
		s := wireServer(t, rt, bbb.WithSecondSecret("a-second-secret"))
		a, err := s.Join(t.Context(), zoe())
		p := zoe()
		p.MeetingID = "no-such"
		_, refused := s.Join(t.Context(), p)
		if hops > 3 {
			for _, err := range []error{err, refused} {
				requireError(t, err, "join", 302)
				require.ErrorIs(t, err, bbb.ErrBadAnswer)
				assert.ErrorContains(t, err, "one redirect too many")
				assert.NotContains(t, err.Error(), "the-ap")
			}
			continue
		}
		require.NoError(t, err, "%d load balancers", hops)
		assert.Contains(t, a.Session.URL, "https://behind.test/html5client")
		require.ErrorIs(t, refused, bbb.ErrMeetingNotFound, "%d load balancers hid the reason", hops)
		assert.Contains(t, refused.Error(), "join on bbb1", "the server that was asked")
	}
}

// The signature of another server is not repaired with our second secret.
func TestTargetOfARedirectIsAskedOnce(t *testing.T) {
	t.Parallel()
	behind := bbbtest.New(bbbtest.WithHost("https://behind.test"))
	rt := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "behind.test" {
			return behind.Transport().RoundTrip(r)
		}
		rt, _ := redirects(map[string]string{"bbb1.test": behind.URL() + "api/join?meetingID=room&fullName=Z&role=VIEWER&checksum=" + strings.Repeat("0", 64)})
		return rt.RoundTrip(r)
	})
	_, err := wireServer(t, rt, bbb.WithSecondSecret("a-second-secret")).Join(t.Context(), zoe())
	require.ErrorIs(t, err, bbb.ErrChecksum)
	assert.Equal(t, 1, behind.Count("join"))
}
