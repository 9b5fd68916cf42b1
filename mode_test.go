package bbb_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestModes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		opt, log := logged(t)
		g, _ := newGroup(t, 1, n.option(t), opt)
		s := server(t, g, "bbb1")
		assert.Equal(t, bbb.ModeEnabled, s.Mode())
		for _, m := range []bbb.Mode{bbb.ModeEnabled, bbb.ModeDraining, bbb.ModeDraining, bbb.Mode(7), bbb.ModeDisabled} {
			s.SetMode(m)
		}
		assert.Equal(t, bbb.ModeDisabled, s.Mode())
		assert.Equal(t, bbb.ModeDisabled, s.Health().Mode)
		now := n.modes[0].Time
		assert.Equal(t, []bbb.ModeEvent{
			{Group: "school", Server: "bbb1", From: bbb.ModeEnabled, To: bbb.ModeDraining, Time: now},
			{Group: "school", Server: "bbb1", From: bbb.ModeDraining, To: bbb.ModeDisabled, Time: now},
		}, n.modes)
		lines := log.with("server was given a mode")
		require.Len(t, lines, 2)
		assert.Equal(t, "INFO", lines[0]["level"])
		assert.Equal(t, "enabled", lines[0]["from"])
		assert.Equal(t, "draining", lines[0]["to"])
	})
}

func TestModeAsText(t *testing.T) {
	t.Parallel()
	for m, text := range map[bbb.Mode]string{
		bbb.ModeEnabled: "enabled", bbb.ModeDraining: "draining", bbb.ModeDisabled: "disabled",
	} {
		assert.Equal(t, text, m.String())
		written, err := m.MarshalText()
		require.NoError(t, err)
		var read bbb.Mode
		require.NoError(t, read.UnmarshalText(written))
		assert.Equal(t, m, read)
	}
	assert.Equal(t, "Mode(3)", bbb.Mode(3).String())
	_, err := bbb.Mode(3).MarshalText()
	require.Error(t, err)
	m := bbb.ModeDraining
	require.Error(t, m.UnmarshalText([]byte("gone")))
	assert.Equal(t, bbb.ModeDraining, m)
}

func TestWithMode(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	f := newFake(t, "bbb2")
	s := addServer(t, g, f, bbb.WithMode(bbb.ModeDisabled))
	assert.Equal(t, bbb.ModeDisabled, s.Mode())
	require.NoError(t, g.Refresh(t.Context()))
	assert.Equal(t, 1, fakes[0].Count("getMeetings"))
	_, err := g.New("bbb3", "bbb3.test", "a-secret-of-bbb3", bbb.WithMode(3))
	require.ErrorContains(t, noted(t, err), "WithMode: unknown mode 3")
}

// A draining server takes part in everything, but gets no new meeting.
func TestDrainingServer(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	parent := create(t, server(t, g, "bbb1"), "physics")
	require.NoError(t, g.Refresh(t.Context()))
	server(t, g, "bbb1").SetMode(bbb.ModeDraining)
	for range 20 {
		assert.Equal(t, "bbb2", create(t, g, "").Server().Name())
	}
	again := create(t, g, "physics")
	assert.Equal(t, "bbb1", again.Server().Name(), "a create of what it has goes there")
	room, err := g.CreateMeeting(t.Context(), bbb.CreateParams{
		Name: "Room", MeetingID: "room-1", IsBreakout: new(true), ParentMeetingID: parent.ID, Sequence: new(1),
	})
	require.NoError(t, noted(t, err))
	assert.Equal(t, "bbb1", room.Server().Name())
	list, err := g.Meetings(t.Context())
	require.NoError(t, err)
	assert.Contains(t, ids(list), "physics")

	server(t, g, "bbb2").SetMode(bbb.ModeDraining)
	_, err = g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Chemistry"})
	require.ErrorIs(t, noted(t, err), bbb.ErrNoServer)
	assert.Equal(t, 2, fakes[0].Count("create")-1)
}

// A disabled server is as good as not in the group: it is not asked, it is no
// failure, and what is on it is neither found nor in the way.
func TestDisabledServer(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]bbb.GroupOption{
		"alone": nil, "with a cache": {bbb.WithCache(bbb.NewMemoryCache())},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, fakes := newGroup(t, 3, opts...)
			for _, id := range []string{"physics", "chemistry", "biology"} {
				create(t, server(t, g, "bbb1"), id)
			}
			held := create(t, g, "physics")
			create(t, g, "chemistry")
			s := server(t, g, "bbb1")
			require.NoError(t, g.Refresh(t.Context()))

			s.SetMode(bbb.ModeDisabled)
			fakes[0].SetDown(true)
			quiet(fakes)
			list, err := g.Meetings(t.Context())
			require.NoError(t, noted(t, err), "it is no failure")
			assert.Empty(t, list)
			assert.Empty(t, g.CachedMeetings(t.Context()))
			_, err = g.Sessions(t.Context())
			require.NoError(t, noted(t, err))
			_, err = g.Recordings(t.Context(), bbb.RecordingFilter{})
			require.NoError(t, noted(t, err))
			for _, err := range g.AllRecordings(t.Context(), bbb.RecordingFilter{}) {
				require.NoError(t, noted(t, err))
			}
			_, err = g.Hooks(t.Context(), "")
			require.NoError(t, noted(t, err))
			results := bbb.FanOut(t.Context(), g, func(_ context.Context, s *bbb.Server) (string, error) { return s.Name(), nil })
			assert.Equal(t, []string{"bbb2", "bbb3"}, results.Values())
			_, err = g.Meeting(t.Context(), "physics")
			require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound, "every server that counts has answered")
			_, err = g.CreateMeeting(t.Context(), bbb.CreateParams{
				Name: "Room", MeetingID: "room-1", IsBreakout: new(true), ParentMeetingID: "biology", Sequence: new(1),
			})
			require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
			_, err = g.CreateMeeting(t.Context(), bbb.CreateParams{
				Name: "Room", MeetingID: "room-2", IsBreakout: new(true), ParentMeetingID: held.InternalID, Sequence: new(1),
			})
			require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
			moved := create(t, g, "physics")
			assert.False(t, moved.Existed())
			assert.NotEqual(t, "bbb1", moved.Server().Name())
			assert.Empty(t, fakes[0].Requests(), "and nobody asked it")

			// Whoever is seen with its meetings counts as their server.
			createOn(t, fakes[1], bbb.CreateParams{MeetingID: "biology"})
			require.NoError(t, server(t, g, "bbb2").Refresh(t.Context()))
			quiet(fakes)
			_, err = g.Meeting(t.Context(), "biology")
			require.NoError(t, noted(t, err))
			assert.Zero(t, requests(fakes, "getMeetings"), "it need not be looked for")

			// Its own methods work: somebody may look at it.
			fakes[0].SetDown(false)
			own, err := s.Meetings(t.Context())
			require.NoError(t, noted(t, err))
			assert.Len(t, own, 3)
			_, err = held.Refresh(t.Context())
			require.NoError(t, noted(t, err))
			again, err := g.Meeting(t.Context(), "physics")
			require.NoError(t, noted(t, err))
			assert.Equal(t, moved.Server(), again.Server())

			s.SetMode(bbb.ModeEnabled)
			m, err := g.Meeting(t.Context(), "chemistry")
			require.NoError(t, noted(t, err))
			assert.Equal(t, "bbb1", m.Server().Name())
			assert.Zero(t, s.Health().ReturnedAt, "it was not offline")
		})
	}
}

// The server that the claim of a create is for was disabled before its outcome was
// known: the repetition does not insist on it.
func TestClaimForADisabledServer(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	heal := make([]func(), len(fakes))
	for i, f := range fakes {
		heal[i] = f.Inject(bbbtest.Fault{Call: "create", Status: 502})
	}
	_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
	require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
	for i, f := range fakes {
		heal[i]()
		if f.Count("create") > 0 {
			server(t, g, f.Name()).SetMode(bbb.ModeDisabled)
		}
	}
	m := create(t, g, "physics")
	assert.Equal(t, bbb.ModeEnabled, m.Server().Mode())
}

// A server that was disabled when the group wanted a hook gets it when it takes
// part again.
func TestHooksOfAServerThatIsEnabled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		f := newFake(t, "bbb2")
		_, err := g.CreateHook(t.Context(), bbb.HookParams{CallbackURL: "https://portal.test/hook"})
		require.NoError(t, noted(t, err))
		late := newGroupOf(t, []*bbbtest.Server{fakes[0], f})
		server(t, late, "bbb2").SetMode(bbb.ModeDisabled)
		_, err = late.CreateHook(t.Context(), bbb.HookParams{CallbackURL: "https://portal.test/hook"})
		require.NoError(t, noted(t, err))
		synctest.Wait()
		assert.Empty(t, f.Requests())
		another := newFake(t, "bbb3")
		addServer(t, late, another, bbb.WithMode(bbb.ModeDisabled), bbb.WithTransport(another.Transport()))
		synctest.Wait()
		assert.Empty(t, another.Requests())
		server(t, late, "bbb2").SetMode(bbb.ModeEnabled)
		synctest.Wait()
		assert.Equal(t, 1, f.Count("hooks/create"))
	})
}
