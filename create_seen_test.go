package bbb_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A class that opens its meeting sends a create with every click. Each was two requests to the server: is the
// meeting still there, and the create.
func TestCreateOfAMeetingThatWasJustSeen(t *testing.T) {
	t.Parallel()
	type creator interface {
		CreateMeeting(context.Context, bbb.CreateParams) (*bbb.Meeting, error)
	}
	p := bbb.CreateParams{MeetingID: "physics", Name: "Physics", AttendeePW: "attendee-7Kq", ModeratorPW: "moderator-7Kq"}
	for name, c := range map[string]struct {
		change func(t *testing.T, g *bbb.Group) // since the meeting was created
		on     func(t *testing.T, g *bbb.Group) creator
		opts   []bbb.GroupOption
		asked  int
		err    error
	}{
		"at once": {},
		"half a second later": {
			change: func(t *testing.T, _ *bbb.Group) { t.Helper(); wait(t, 501*time.Millisecond) }, asked: 1,
		},
		"when something was done that may have changed it": {
			change: func(t *testing.T, g *bbb.Group) {
				t.Helper()
				_, err := g.Join(t.Context(), bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleViewer})
				require.NoError(t, noted(t, err))
			}, asked: 1,
		},
		"with a shared cache":     {opts: []bbb.GroupOption{bbb.WithCache(bbb.NewMemoryCache())}, asked: 1},
		"on a server that drains": {change: func(t *testing.T, g *bbb.Group) { t.Helper(); server(t, g, "bbb1").SetMode(bbb.ModeDraining) }, asked: 1},
		"in another scope": {
			on: func(t *testing.T, g *bbb.Group) creator { t.Helper(); return scope(t, g, "zoo") }, asked: 1, err: bbb.ErrMeetingExists,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, fakes := newGroup(t, 1, c.opts...)
				_, err := g.CreateMeeting(t.Context(), p)
				require.NoError(t, noted(t, err))
				if c.change != nil {
					c.change(t, g)
				}
				quiet(fakes)
				on := creator(g)
				if c.on != nil {
					on = c.on(t, g)
				}
				m, err := on.CreateMeeting(t.Context(), p)
				assert.Equal(t, c.asked, requests(fakes, "getMeetingInfo"))
				require.ErrorIs(t, noted(t, err), c.err)
				if c.err != nil {
					assert.Zero(t, requests(fakes, "create"))
					return
				}
				assert.Equal(t, 1, requests(fakes, "create"))
				assert.True(t, m.Existed())
				assert.Equal(t, "Physics", m.Name)
			})
		})
	}
}

// Should the meeting have ended since it was seen, it is a new one, and counts as that.
func TestCreateOfAMeetingThatHasJustEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		first := create(t, g, "physics")
		fakes[0].EndMeeting("physics")
		quiet(fakes)
		second := create(t, g, "physics")
		assert.Zero(t, requests(fakes, "getMeetingInfo"))
		assert.False(t, second.Existed())
		assert.NotEqual(t, first.InternalID, second.InternalID)
		assert.EqualValues(t, 2, g.Stats().Placed)
		known, err := g.Meeting(t.Context(), "physics")
		require.NoError(t, noted(t, err))
		assert.Equal(t, second.InternalID, known.InternalID)
	})
}

// justEnded returns a group and the parameters of a meeting that its first server has ended so long after it was
// listed. The other server has less to do.
func justEnded(t testing.TB, after time.Duration) (*bbb.Group, []*bbbtest.Server, bbb.CreateParams) {
	t.Helper()
	g, fakes := newGroup(t, 2)
	p := bbb.CreateParams{MeetingID: "physics", Name: "Physics", AttendeePW: "attendee-7Kq", ModeratorPW: "moderator-7Kq"}
	createOn(t, fakes[0], p)
	createOn(t, fakes[0], bbb.CreateParams{MeetingID: "busy"})
	attend(t, fakes[0], "busy")
	listed(t, g)
	wait(t, after)
	fakes[0].EndMeeting("physics")
	return g, fakes, p
}

// The create of a meeting that had just ended failed on the way, and nobody knew whether its server would carry it
// out yet. When it was repeated, the meeting was not there, and was created on another server, although the first
// one may have it a moment later.
func TestCreateWithoutAnOutcomeOfAMeetingThatHasJustEndedStaysOnItsServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes, p := justEnded(t, time.Millisecond)
		for range 2 {
			fakes[0].Inject(bbbtest.Fault{Call: "create", Status: http.StatusGatewayTimeout, Times: 1})
			_, err := g.CreateMeeting(t.Context(), p)
			require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
			wait(t, time.Millisecond)
		}
		m, err := g.CreateMeeting(t.Context(), p)
		require.NoError(t, noted(t, err))
		assert.Equal(t, "bbb1", m.Server().Name())
		assert.Zero(t, requests(fakes[1:], "create"))
	})
}

// A create of a meeting that had just ended was on its way to the server of the meeting. Another one, a moment later,
// found no meeting anywhere, and created it on another server.
func TestCreatesOfAMeetingThatHasJustEndedMakeOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes, p := justEnded(t, 400*time.Millisecond)
		fakes[0].Inject(bbbtest.Fault{Call: "create", Latency: 300 * time.Millisecond, Times: 1})
		first := after(func() {
			_, err := g.CreateMeeting(t.Context(), p)
			assert.NoError(t, noted(t, err))
		})
		wait(t, 200*time.Millisecond)
		_, err := g.CreateMeeting(t.Context(), p)
		require.NoError(t, noted(t, err))
		<-first
		assert.Equal(t, []string{"bbb1"}, holders(fakes, "physics"))
	})
}
