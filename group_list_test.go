package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fill puts two meetings on each fake and returns their IDs in the order of a list.
func fill(t testing.TB, fakes []*bbbtest.Server) []string {
	t.Helper()
	var all []string
	for _, f := range fakes {
		for i := range 2 {
			id := fmt.Sprintf("%s-room-%d", f.Name(), i)
			createOn(t, f, bbb.CreateParams{MeetingID: id})
			all = append(all, id)
		}
	}
	return all
}

func TestMeetingsOfAllServers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 4)
		list, err := g.Meetings(t.Context())
		require.NoError(t, err)
		assert.NotNil(t, list)
		assert.Empty(t, list)

		want := fill(t, fakes)
		for i, f := range fakes { // whoever is first in the list answers last
			f.Inject(bbbtest.Fault{Latency: time.Duration(4-i) * time.Second})
		}
		start := time.Now()
		list, err = g.Meetings(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, ids(list), "in the order of the servers, and of each server")
		assert.Equal(t, 4*time.Second, time.Since(start), "all at the same time")
		for i, m := range list {
			assert.Equal(t, fakes[i/2].Name(), m.Server().Name())
		}
	})
}

// sick makes three of five servers fail, each in its own way.
func sick(fakes []*bbbtest.Server) {
	fakes[0].SetDown(true)
	fakes[2].Inject(bbbtest.Fault{Call: "getMeetings", Hang: true})
	fakes[3].Inject(bbbtest.Fault{Call: "getMeetings", Body: "<html><title>It works!</title></html>", ContentType: "text/html"})
}

func checkSick(t *testing.T, list []*bbb.Meeting, err error) {
	t.Helper()
	assert.Equal(t, []string{"bbb2-room-0", "bbb2-room-1", "bbb5-room-0", "bbb5-room-1"}, ids(list))
	ge := groupError(t, err)
	assert.Equal(t, []string{"bbb1", "bbb3", "bbb4"}, ge.Names(), "exactly those that failed")
	assert.Equal(t, 5, ge.Asked)
	assert.Equal(t, "getMeetings", ge.Call)
	assert.False(t, ge.AllFailed())
	require.ErrorIs(t, ge.Servers[1], context.DeadlineExceeded)
	require.ErrorIs(t, ge.Servers[2], bbb.ErrBadAnswer)
	assert.ErrorContains(t, ge, "It works!")
	require.NotErrorIs(t, ge.Servers[0], context.DeadlineExceeded)
	var e *bbb.Error
	require.ErrorAs(t, ge.Servers[0], &e)
	assert.Equal(t, "bbb1", e.Server)
}

func TestPartialList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 5)
		fill(t, fakes)
		sick(fakes)
		start := time.Now()
		list, err := g.Meetings(t.Context())
		assert.Equal(t, bbb.DefaultRequestTimeout, time.Since(start), "exactly the time-out of the one that hangs")
		checkSick(t, list, err)

		require.Error(t, noted(t, g.Refresh(t.Context())))
		assert.Len(t, g.CachedMeetings(t.Context()), 4)
		sessions, err := g.Sessions(t.Context())
		assert.Equal(t, []string{"bbb1"}, groupError(t, err).Names())
		assert.Empty(t, sessions)
	})
}

func TestPartialListOverSockets(t *testing.T) {
	t.Parallel()
	g := newEmptyGroup(t, bbb.WithTimeout(time.Minute, 5*time.Second))
	fakes := make([]*bbbtest.Server, 5)
	for i := range fakes {
		fakes[i] = bbbtest.Start(t, bbbtest.WithName(fmt.Sprintf("bbb%d", i+1)), bbbtest.WithRequestFunc(suite.request))
		suite.secret("secret of a server", fakes[i].Secret())
		addServer(t, g, fakes[i])
	}
	want := fill(t, fakes)
	list, err := g.Meetings(t.Context())
	require.NoError(t, noted(t, err))
	require.Equal(t, want, ids(list))

	sick(fakes)
	start := time.Now()
	list, err = g.Meetings(t.Context())
	assert.Less(t, time.Since(start), bbb.DefaultRequestTimeout)
	checkSick(t, list, err)
	for _, f := range fakes {
		f.ClearFaults()
	}
	fakes[0].SetDown(false)
	list, err = g.Meetings(t.Context())
	require.NoError(t, noted(t, err), "all is well again")
	assert.Equal(t, want, ids(list))
}

func TestOutage(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	fill(t, fakes)
	for _, f := range fakes {
		f.SetDown(true)
	}
	list, err := g.Meetings(t.Context())
	assert.Empty(t, list)
	assert.True(t, groupError(t, err).AllFailed())
	assert.True(t, groupError(t, g.Refresh(t.Context())).AllFailed())
	_, err = g.Meeting(t.Context(), "physics")
	assert.True(t, groupError(t, err).AllFailed())
	_, err = g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
	assert.True(t, groupError(t, err).AllFailed(), "with nobody to ask, it may exist")
	_, err = g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
	require.ErrorIs(t, noted(t, err), bbb.ErrNoServer)
}

func TestListCancelledByTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		fill(t, fakes)
		fakes[1].Inject(bbbtest.Fault{Hang: true})
		why := errors.New("the user has left")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer cancel()
		list, err := g.Meetings(ctx)
		assert.Len(t, list, 4, "what is there is not thrown away")
		require.ErrorIs(t, noted(t, err), why)
		assert.Equal(t, []string{"bbb2"}, groupError(t, err).Names())
		fakes[1].ClearFaults()
		for i := range 9 { // nobody is held to be failing
			create(t, g, fmt.Sprintf("new-%d", i))
		}
		for _, f := range fakes {
			assert.Equal(t, 3, f.Count("create")-2, f.Name())
		}
	})
}

// split puts one meeting ID on two fakes, the one on the first being older.
func split(t testing.TB, fakes []*bbbtest.Server) {
	t.Helper()
	createOn(t, fakes[0], bbb.CreateParams{MeetingID: "physics"})
	wait(t, time.Second)
	createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics"})
}

func TestSplitMeeting(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		people []int // the fakes on which somebody is
		kept   string
		other  string
	}{
		"nobody in either: the older one": {kept: "bbb1", other: "bbb2"},
		"people in both: the older one":   {people: []int{0, 1}, kept: "bbb1", other: "bbb2"},
		"people in the older":             {people: []int{0}, kept: "bbb1", other: "bbb2"},
		"people in the newer":             {people: []int{1}, kept: "bbb2", other: "bbb1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, reversed := range []bool{false, true} { // the order of the group does not matter
				synctest.Test(t, func(t *testing.T) {
					fakes := newFakes(t, 2)
					split(t, fakes)
					for _, i := range test.people {
						attend(t, fakes[i], "physics")
					}
					if reversed {
						fakes[0], fakes[1] = fakes[1], fakes[0]
					}
					var w witness
					opt, log := logged(t)
					g := newGroupOf(t, fakes, w.option(t), opt)
					for range 3 {
						list, err := g.Meetings(t.Context())
						require.NoError(t, err)
						require.Equal(t, []string{"physics"}, ids(list), "it is one meeting for users")
						assert.Equal(t, test.kept, list[0].Server().Name())
						m, err := g.Meeting(t.Context(), "physics")
						require.NoError(t, err)
						assert.Equal(t, test.kept, m.Server().Name(), "calls go to the same one")
						cached := g.CachedMeetings(t.Context())
						require.Equal(t, []string{"physics"}, ids(cached))
						assert.Equal(t, test.kept, cached[0].Server().Name())
					}
					assert.Equal(t, []bbb.SplitEvent{{Group: "school", MeetingID: "physics", Kept: test.kept, Other: test.other}}, w.splits, "reported once")
					lines := log.with("meeting exists on two servers")
					require.Len(t, lines, 1)
					assert.Equal(t, "WARN", lines[0]["level"])
					assert.Equal(t, "physics", lines[0]["meeting"])
					assert.Equal(t, test.kept, lines[0]["kept"])
					assert.Equal(t, test.other, lines[0]["other"])
				})
			}
		})
	}
}

func TestSplitIsReportedAgainOnlyAfterItWasGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w witness
		g, fakes := newGroup(t, 3, w.option(t))
		split(t, fakes)
		refresh := func() {
			for range 2 {
				_ = noted(t, g.Refresh(t.Context()))
			}
		}
		refresh()
		assert.Len(t, w.splits, 1)

		// A server that does not answer for once does not make it gone.
		for _, f := range fakes {
			f.SetDown(true)
			refresh()
			f.SetDown(false)
			refresh()
			assert.Len(t, w.splits, 1, "after %s had been down", f.Name())
		}

		fakes[1].EndMeeting("physics")
		refresh()
		assert.Len(t, w.splits, 1)
		createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics"})
		refresh()
		assert.Len(t, w.splits, 2, "a new one")

		createOn(t, fakes[2], bbb.CreateParams{MeetingID: "physics"})
		refresh()
		fakes[1].EndMeeting("physics")
		refresh()
		require.GreaterOrEqual(t, len(w.splits), 2)

		g.Remove("bbb3")
		refresh()
		createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics"})
		before := len(w.splits)
		refresh()
		assert.Len(t, w.splits, before+1, "it was gone when its server left")
	})
}

func TestCachedMeetings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2, bbb.WithCacheTime(time.Minute))
		want := fill(t, fakes)
		cached := func() []string { t.Helper(); return ids(g.CachedMeetings(t.Context())) }
		assert.Empty(t, cached(), "nobody has asked yet")
		require.NoError(t, g.Refresh(t.Context()))
		quiet(fakes)
		assert.Equal(t, want, cached())
		wait(t, time.Minute)
		assert.Equal(t, want, cached(), "just still new enough")
		assert.Zero(t, requests(fakes, "*"))
		wait(t, time.Millisecond)
		assert.Empty(t, cached(), "too old")
		assert.Zero(t, requests(fakes, "*"))

		require.NoError(t, g.Refresh(t.Context()))
		fakes[0].EndMeeting("bbb1-room-0")
		require.NoError(t, g.EndMeeting(t.Context(), "bbb1-room-1", ""))
		assert.Equal(t, []string{"bbb1-room-0", "bbb2-room-0", "bbb2-room-1"}, cached(), "what we ended is gone at once")
		_, err := g.Meeting(t.Context(), "bbb1-room-0")
		require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
		assert.Equal(t, []string{"bbb2-room-0", "bbb2-room-1"}, cached(), "and what a server does not know any more")
		create(t, g, "physics")
		assert.ElementsMatch(t, []string{"bbb2-room-0", "bbb2-room-1", "physics"}, cached(), "a new one is there at once")
		require.NoError(t, g.EndMeeting(t.Context(), "physics", ""))
		assert.Equal(t, []string{"bbb2-room-0", "bbb2-room-1"}, cached())

		attend(t, fakes[1], "bbb2-room-1")
		m, err := g.Meeting(t.Context(), "bbb2-room-1")
		require.NoError(t, err)
		assert.Equal(t, 1, m.ParticipantCount)
		assert.Equal(t, 1, g.CachedMeetings(t.Context())[1].ParticipantCount, "news of one meeting count")
	})
}

// Callers own the lists they get: what they do to them harms nobody.
func TestListsBelongToTheirCallers(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	want := fill(t, fakes)
	sc, err := g.Scope(nil)
	require.NoError(t, err)
	for name, list := range map[string]func() []*bbb.Meeting{
		"Meetings":              func() []*bbb.Meeting { l, err := g.Meetings(t.Context()); require.NoError(t, err); return l },
		"CachedMeetings":        func() []*bbb.Meeting { return g.CachedMeetings(t.Context()) },
		"Scope.Meetings":        func() []*bbb.Meeting { l, err := sc.Meetings(t.Context()); require.NoError(t, err); return l },
		"Server.CachedMeetings": func() []*bbb.Meeting { return server(t, g, "bbb1").CachedMeetings(t.Context()) },
		"Server.Meetings": func() []*bbb.Meeting {
			l, err := server(t, g, "bbb1").Meetings(t.Context())
			require.NoError(t, err)
			return l
		},
	} {
		require.NoError(t, g.Refresh(t.Context()))
		mine := list()
		require.NotEmpty(t, mine, name)
		clear(mine)
		_ = append(mine[:0], &bbb.Meeting{ID: "mine"})
		assert.Equal(t, want, ids(g.CachedMeetings(t.Context())), name)
		_, err := g.Meeting(t.Context(), want[0])
		require.NoError(t, err, name)
	}
}

// A list that was made before the end of a meeting arrives after it. The meeting must
// not rise from the dead in what is cached, nor its place in the index.
func TestEndedWhileTheListIsOnItsWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		create(t, g, "physics")
		create(t, g, "chemistry")
		remove := fakes[0].Inject(bbbtest.Fault{Call: "getMeetings", Latency: 5 * time.Second, Processed: true})
		listed := after(func() { assert.NoError(t, g.Refresh(t.Context())) })
		wait(t, time.Second)
		require.NoError(t, g.EndMeeting(t.Context(), "physics", ""))
		require.NoError(t, g.EndMeeting(t.Context(), "chemistry", ""))
		create(t, g, "chemistry")
		<-listed
		remove()
		assert.Equal(t, []string{"chemistry"}, ids(g.CachedMeetings(t.Context())), "one ended, one was created anew")
		_, err := g.JoinURL(t.Context(), viewer("physics"))
		require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "physics"})
		require.NoError(t, g.Refresh(t.Context()))
		assert.Len(t, g.CachedMeetings(t.Context()), 2, "but a later list counts")
	})
}

func TestSessionsOfAllServers(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	for _, f := range fakes {
		createOn(t, f, bbb.CreateParams{MeetingID: "on-" + f.Name()})
		_, err := g.Join(t.Context(), bbb.JoinParams{MeetingID: "on-" + f.Name(), FullName: "Ada on " + f.Name(), Role: bbb.RoleViewer})
		require.NoError(t, err)
	}
	all, err := g.Sessions(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	for i, f := range fakes {
		assert.Equal(t, "Ada on "+f.Name(), all[i].UserName)
		assert.Equal(t, f.Name(), all[i].Server().Name())
		m, _ := f.Meeting("on-" + f.Name())
		assert.Equal(t, m.InternalID, all[i].InternalMeetingID)
	}
}
