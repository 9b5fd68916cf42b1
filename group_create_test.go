package bbb_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGeneratedIDsAreNotSearchedFor(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	seen := make(map[string]bool)
	for range 20 {
		m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.NoError(t, err)
		assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, m.ID)
		assert.False(t, seen[m.ID])
		seen[m.ID] = true
		assert.False(t, m.Existed())
		assert.Equal(t, m.Server().Name(), holder(t, fakes, m.ID).Name())
	}
	assert.Equal(t, 20, requests(fakes, "create"))
	assert.Equal(t, 20, requests(fakes, "*"), "one request each, none to look whether the ID is free")
}

func TestMeetingIDFunc(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	g, fakes := newGroup(t, 2, bbb.WithMeetingIDFunc(func() string { return fmt.Sprintf("room-%d", n.Add(1)) }))
	m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
	require.NoError(t, err)
	assert.Equal(t, "room-1", m.ID)
	m, err = server(t, g, "bbb2").CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
	require.NoError(t, err)
	assert.Equal(t, "room-2", m.ID, "a server asks the same function")
	assert.Equal(t, 2, requests(fakes, "*"))

	create(t, g, "given")
	assert.EqualValues(t, 2, n.Load(), "not asked for an ID that was given")

	bad := newGroupOf(t, fakes, bbb.WithMeetingIDFunc(func() string { return "a,b" }))
	_, err = bad.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
	require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams, "its IDs are checked as well")
}

func TestOriginAndLogoutURL(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	require.NoError(t, err)
	for name, test := range map[string]struct {
		opts   []bbb.GroupOption
		params bbb.CreateParams
		origin string
		server string
		logout string
	}{
		"defaults": {origin: "school", server: host},
		"of the group": {
			opts:   []bbb.GroupOption{bbb.WithOrigin("portal", "portal.example.org"), bbb.WithLogoutURL("https://portal.example.org/bye")},
			origin: "portal", server: "portal.example.org", logout: "https://portal.example.org/bye",
		},
		"switched off": {opts: []bbb.GroupOption{bbb.WithOrigin("", "")}},
		"of the caller": {
			opts:   []bbb.GroupOption{bbb.WithOrigin("portal", "portal.example.org"), bbb.WithLogoutURL("https://portal.example.org/bye")},
			params: bbb.CreateParams{LogoutURL: "https://else.example/", Meta: map[string]string{"bbb-origin": "mine", "bbb-origin-server-name": "mine.example"}},
			origin: "mine", server: "mine.example", logout: "https://else.example/",
		},
		"of the caller in another letter case": {
			opts:   []bbb.GroupOption{bbb.WithOrigin("portal", "portal.example.org")},
			params: bbb.CreateParams{Meta: map[string]string{"BBB-Origin": "mine", "Bbb-Origin-Server-Name": "mine.example"}},
			origin: "mine", server: "mine.example",
		},
		"one of the two": {
			opts:   []bbb.GroupOption{bbb.WithOrigin("portal", "portal.example.org")},
			params: bbb.CreateParams{Meta: map[string]string{"bbb-origin": "mine", "topic": "waves"}},
			origin: "mine", server: "portal.example.org",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, fakes := newGroup(t, 1, test.opts...)
			p := test.params
			p.Name = "Physics"
			given := len(p.Meta)
			m, err := g.CreateMeeting(t.Context(), p)
			require.NoError(t, err)
			there, ok := fakes[0].Meeting(m.ID)
			require.True(t, ok)
			assert.Equal(t, test.origin, there.Metadata["bbb-origin"])
			assert.Equal(t, test.server, there.Metadata["bbb-origin-server-name"])
			assert.Equal(t, test.logout, there.Params.Get("logoutURL"))
			assert.Equal(t, there.Metadata, orEmpty(m.Metadata), "the answer is completed with what was sent")
			assert.Equal(t, p.Meta["topic"], there.Metadata["topic"])
			assert.Len(t, p.Meta, given, "the caller's map is left alone")
			names := 0
			for name := range there.Params {
				if strings.EqualFold(name, "meta_bbb-origin") {
					names++
				}
			}
			assert.LessOrEqual(t, names, 1, "never twice in two letter cases")
		})
	}
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// Old servers compare the passwords of a repeated create with those they invented,
// so a create without any could never be repeated. That is why they are always sent,
// and the same ones from every process.
func TestPasswordsAreAlwaysSentAndTheSame(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.4", "2.7", "3.0", "4.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			fakes := newFakes(t, 3, bbbtest.WithVersion(version))
			g := newGroupOf(t, fakes)
			m := create(t, g, "physics")
			assert.NotEmpty(t, m.AttendeePW)
			assert.NotEmpty(t, m.ModeratorPW)
			assert.NotEqual(t, m.AttendeePW, m.ModeratorPW)
			there, ok := holder(t, fakes, "physics").Meeting("physics")
			require.True(t, ok)
			assert.Equal(t, m.AttendeePW, there.Params.Get("attendeePW"))
			assert.Equal(t, m.ModeratorPW, there.Params.Get("moderatorPW"))

			again := create(t, g, "physics")
			assert.True(t, again.Existed())
			assert.Equal(t, m.InternalID, again.InternalID)
			elsewhere := create(t, newGroupOf(t, fakes), "physics") // another process, no common cache
			assert.True(t, elsewhere.Existed())
			assert.Equal(t, m.InternalID, elsewhere.InternalID)
			assert.Equal(t, m.ModeratorPW, elsewhere.ModeratorPW)
			assert.Equal(t, m.AttendeePW, elsewhere.AttendeePW)
			assert.Equal(t, m.Server().Name(), elsewhere.Server().Name())

			second := create(t, g, "chemistry")
			assert.NotEqual(t, m.ModeratorPW, second.ModeratorPW, "each meeting has its own")
		})
	}
}

func TestCreateFindsTheMeetingWhereverItIs(t *testing.T) {
	t.Parallel()
	fakes := newFakes(t, 4)
	for i, f := range fakes {
		id := fmt.Sprintf("room-%d", i)
		there := createOn(t, f, bbb.CreateParams{MeetingID: id, Name: "The first name", Meta: map[string]string{"topic": "waves"}})
		attend(t, f, id)
		m, err := newGroupOf(t, fakes).CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: id, Name: "Another name"})
		require.NoError(t, noted(t, err))
		assert.True(t, m.Existed())
		assert.Equal(t, f.Name(), m.Server().Name())
		assert.Equal(t, there.InternalID, m.InternalID)
		assert.Equal(t, "The first name", m.Name, "nothing was changed, and the answer says what is")
		assert.Equal(t, "waves", m.Metadata["topic"])
		assert.Equal(t, 1, m.ParticipantCount)
		assert.Equal(t, []string{f.Name()}, holders(fakes, id))
	}
}

func TestCreateWithOtherPasswords(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	first, err := g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "physics", Name: "Physics", ModeratorPW: "pw-mod-one-one", AttendeePW: "pw-att-one-one"})
	require.NoError(t, err)
	for name, p := range map[string]bbb.CreateParams{
		"both":          {ModeratorPW: "pw-mod-two-two", AttendeePW: "pw-att-two-two"},
		"one":           {ModeratorPW: "pw-mod-two-two", AttendeePW: "pw-att-one-one"},
		"only one sent": {ModeratorPW: "pw-mod-two-two"},
	} {
		p.MeetingID, p.Name = "physics", "Physics"
		_, err = g.CreateMeeting(t.Context(), p)
		require.ErrorIs(t, noted(t, err), bbb.ErrMeetingExists, name)
	}
	again, err := g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "physics", Name: "Physics", ModeratorPW: "pw-mod-one-one", AttendeePW: "pw-att-one-one"})
	require.NoError(t, noted(t, err))
	assert.Equal(t, first.InternalID, again.InternalID)
	assert.Len(t, holders(fakes, "physics"), 1)
}

// A meeting that somebody else created has passwords we cannot derive. A create
// without passwords means "the one that is there".
func TestCreateAdoptsThePasswordsOfTheMeeting(t *testing.T) {
	t.Parallel()
	for name, create := range map[string]func(*bbb.Group) (*bbb.Meeting, error){
		"by the group": func(g *bbb.Group) (*bbb.Meeting, error) {
			return g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "physics", Name: "Physics"})
		},
		"by the server": func(g *bbb.Group) (*bbb.Meeting, error) {
			s, _ := g.Server("bbb2")
			return s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "physics", Name: "Physics"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, fakes := newGroup(t, 2)
			createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics", ModeratorPW: "pw-mod-foreign", AttendeePW: "pw-att-foreign"})
			m, err := create(g)
			require.NoError(t, noted(t, err))
			assert.True(t, m.Existed())
			assert.Equal(t, "pw-mod-foreign", m.ModeratorPW)
			assert.Equal(t, "pw-att-foreign", m.AttendeePW)
		})
	}
}

func TestInvalidCreateSendsNothing(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{
		MeetingID: "a,b", VoiceBridge: "letters", LogoutURL: "not a URL", Meta: map[string]string{"not_a_key": "x"},
	})
	require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams)
	for _, param := range []string{"meetingID", "name", "voiceBridge", "logoutURL", "meta_not_a_key"} {
		assert.ErrorContains(t, err, param, "all problems at once")
	}
	sc, scopeErr := g.Scope(map[string]string{"tenant": "blue"})
	require.NoError(t, scopeErr)
	_, err = sc.CreateMeeting(t.Context(), bbb.CreateParams{Meta: map[string]string{"tenant": "red"}})
	require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams)
	assert.ErrorContains(t, err, "name")
	assert.ErrorContains(t, err, "meta_tenant")

	for _, id := range []string{"", " physics", "a,b", "x"} {
		_, err = g.Meeting(t.Context(), id)
		require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams, "%q", id)
		_, err = g.IsMeetingRunning(t.Context(), id)
		require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams, "%q", id)
		require.ErrorIs(t, noted(t, g.EndMeeting(t.Context(), id, "")), bbb.ErrInvalidParams, "%q", id)
		_, err = g.JoinURL(t.Context(), bbb.JoinParams{MeetingID: id, FullName: "Ada", Role: bbb.RoleViewer})
		require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams, "%q", id)
		_, err = g.Join(t.Context(), bbb.JoinParams{MeetingID: id, FullName: "Ada", Role: bbb.RoleViewer})
		require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams, "%q", id)
	}
	assert.Zero(t, requests(fakes, "*"))
}

func TestLongCreateGoesOutByPost(t *testing.T) {
	t.Parallel()
	welcome := strings.Repeat("Welcome, & please mute yourself. ", 200)
	for name, opts := range map[string][]bbb.GroupOption{
		"signed in the query": nil,
		"signed in the form":  {bbb.WithFormSigning(bbb.SignForm)},
		"at a lower limit":    {bbb.WithMaxURLLength(256)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, fakes := newGroup(t, 2, opts...)
			m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "physics", Name: "Physics", Welcome: welcome})
			require.NoError(t, noted(t, err))
			f := holder(t, fakes, "physics")
			there, _ := f.Meeting("physics")
			assert.Equal(t, welcome, there.Params.Get("welcome"))
			assert.Equal(t, m.ModeratorPW, there.Params.Get("moderatorPW"))
			var methods []string
			for _, r := range f.Requests() {
				if r.Call == "create" {
					methods = append(methods, r.Method)
				}
			}
			assert.Equal(t, []string{http.MethodPost}, methods)
			assert.True(t, create(t, g, "physics").Existed(), "the repetition may be short")
		})
	}
}

func TestAllParametersArrive(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1, bbb.WithOrigin("portal", "portal.example.org"), bbb.WithLogoutURL("https://portal.example.org/bye"))
	p := bbb.CreateParams{
		MeetingID: "physics", Name: "Physics & Übung", AttendeePW: "pw-att-arrives", ModeratorPW: "pw-mod-arrives",
		VoiceBridge: "71234", Welcome: "<b>Hello</b>\nworld", MaxParticipants: new(30), Duration: new(90 * time.Minute),
		Record: new(true), MuteOnStart: new(false), GuestPolicy: bbb.GuestPolicyAskModerator,
		DisabledFeatures: []bbb.Feature{bbb.FeatureChat, bbb.FeaturePolls}, Meta: map[string]string{"Topic": "waves + optics"},
		LockSettings: bbb.LockSettings{DisableCam: new(true)}, BannerColor: "#ff0000",
		Extra: map[string][]string{"newParameter": {"x=1&y=2"}},
	}
	m, err := g.CreateMeeting(t.Context(), p)
	require.NoError(t, err)

	want := p
	want.LogoutURL = "https://portal.example.org/bye"
	want.Meta = map[string]string{"Topic": "waves + optics", "bbb-origin": "portal", "bbb-origin-server-name": "portal.example.org"}
	there, _ := fakes[0].Meeting("physics")
	assert.Equal(t, want.Values(), there.Params)

	assert.Equal(t, "Physics & Übung", m.Name)
	assert.Equal(t, 30, m.MaxUsers)
	assert.True(t, m.Recording)
	assert.Equal(t, 90*time.Minute, m.Duration)
	assert.Equal(t, "71234", m.VoiceBridge)
	assert.Equal(t, "waves + optics", m.Metadata["topic"])
	assert.Equal(t, there.InternalID, m.InternalID)
	assert.Equal(t, there.CreateTime(), m.CreateTime.UnixMilli())
	assert.WithinDuration(t, time.Now(), m.FetchedAt, time.Minute)
}

// What create returns is what getMeetingInfo returns, as far as both tell it.
func TestCreatedMeetingIsLikeTheAskedOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, _ := newGroup(t, 2)
		created, err := g.CreateMeeting(t.Context(), bbb.CreateParams{
			Name: "Physics", Record: new(true), MaxParticipants: new(5), Meta: map[string]string{"Topic": "waves"},
		})
		require.NoError(t, err)
		asked, err := created.Refresh(t.Context())
		require.NoError(t, err)
		got, want := *created, *asked
		got.MessageKey, got.Message = want.MessageKey, want.Message
		got.StartTime, got.EndTime = want.StartTime, want.EndTime
		got.CreateDate = want.CreateDate
		assert.Equal(t, want, got)
	})
}
