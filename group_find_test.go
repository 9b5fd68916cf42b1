package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKnownPlaceCostsNoSearch(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 5)
	create(t, g, "physics")
	held := holder(t, fakes, "physics")
	join := bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleModerator}

	quiet(fakes)
	_, err := g.JoinURL(t.Context(), join)
	require.NoError(t, err)
	assert.Zero(t, requests(fakes, "*"), "a join URL needs no request at all")

	m, err := g.Meeting(t.Context(), "physics")
	require.NoError(t, err)
	assert.Equal(t, "physics", m.ID)
	_, err = g.Join(t.Context(), join)
	require.NoError(t, err)
	running, err := g.IsMeetingRunning(t.Context(), "physics")
	require.NoError(t, err)
	assert.True(t, running)
	require.NoError(t, g.EndMeeting(t.Context(), "physics", ""))
	assert.Zero(t, requests(fakes, "getMeetings"))
	assert.Equal(t, len(held.Requests()), requests(fakes, "*"), "nobody else was asked")
	assert.Empty(t, holders(fakes, "physics"))
}

// What nobody told the group is found by one search, and known from then on.
func TestSearchFindsAndRemembers(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 4)
	for i, f := range fakes {
		createOn(t, f, bbb.CreateParams{MeetingID: fmt.Sprintf("room-%d", i)})
	}
	quiet(fakes)
	for i, f := range fakes {
		m, err := g.Meeting(t.Context(), fmt.Sprintf("room-%d", i))
		require.NoError(t, err)
		assert.Equal(t, f.Name(), m.Server().Name())
	}
	assert.Equal(t, len(fakes), requests(fakes, "getMeetings"), "one search found them all")
}

// A meeting that ended and was created anew on another server behind our back: the
// index is a hint, and a wrong one is dropped.
func TestStaleHint(t *testing.T) {
	t.Parallel()
	join := bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleModerator}
	for name, call := range map[string]func(*testing.T, *bbb.Group) (string, error){
		"Meeting": func(t *testing.T, g *bbb.Group) (string, error) {
			m, err := g.Meeting(t.Context(), "physics")
			if err != nil {
				return "", err
			}
			return m.Server().Name(), nil
		},
		"Join": func(t *testing.T, g *bbb.Group) (string, error) {
			a, err := g.Join(t.Context(), join)
			if err != nil {
				return "", err
			}
			return a.Session.Server().Name(), nil
		},
		"IsMeetingRunning": func(t *testing.T, g *bbb.Group) (string, error) {
			running, err := g.IsMeetingRunning(t.Context(), "physics")
			if err != nil || !running {
				return "not running", err
			}
			return "bbb2", nil
		},
		"CreateMeeting": func(t *testing.T, g *bbb.Group) (string, error) {
			m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
			if err != nil {
				return "", err
			}
			return m.Server().Name(), nil
		},
		"EndMeeting": func(t *testing.T, g *bbb.Group) (string, error) {
			return "bbb2", g.EndMeeting(t.Context(), "physics", "")
		},
	} {
		for _, shared := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/shared cache %v", name, shared), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var opts []bbb.GroupOption
					if shared {
						opts = append(opts, bbb.WithCache(bbb.NewMemoryCache()))
					}
					g, fakes := newGroup(t, 3, opts...)
					createOn(t, fakes[0], bbb.CreateParams{MeetingID: "physics"})
					first := create(t, g, "physics")
					require.Equal(t, "bbb1", first.Server().Name())

					fakes[0].EndMeeting("physics")
					createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics"})
					attend(t, fakes[1], "physics")
					if !shared {
						wait(t, time.Second) // see TestCreateOfAMeetingThatWasJustSeen
					}
					got, err := call(t, g)
					require.NoError(t, noted(t, err))
					assert.Equal(t, "bbb2", got)
					if name == "EndMeeting" {
						assert.Empty(t, holders(fakes, "physics"))
					} else {
						assert.Equal(t, []string{"bbb2"}, holders(fakes, "physics"))
					}
				})
			})
		}
	}
}

// JoinURL asks nobody when the place is known, so it cannot know better.
func TestJoinURLBelievesTheHint(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	m := create(t, g, "physics")
	holder(t, fakes, "physics").EndMeeting("physics")
	raw, err := g.JoinURL(t.Context(), bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleModerator})
	require.NoError(t, err)
	assert.Contains(t, raw, m.Server().BaseURL())
	_, err = g.Meeting(t.Context(), "physics") // as its documentation says
	require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
	_, err = g.JoinURL(t.Context(), bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleModerator})
	require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
}

// A second process on the same Cache finds a meeting without asking anybody for lists.
func TestCacheHint(t *testing.T) {
	t.Parallel()
	cache := bbb.NewMemoryCache()
	a, fakes := newGroup(t, 5, bbb.WithCache(cache))
	create(t, a, "physics")
	held := holder(t, fakes, "physics")
	for range 3 {
		b := newGroupOf(t, fakes, bbb.WithCache(cache))
		quiet(fakes)
		m, err := b.Meeting(t.Context(), "physics")
		require.NoError(t, err)
		assert.Equal(t, held.Name(), m.Server().Name())
		assert.True(t, create(t, b, "physics").Existed())
		assert.Zero(t, requests(fakes, "getMeetings"))
	}
	require.NoError(t, a.EndMeeting(t.Context(), "physics", ""))
	claim, _, err := cache.Get(t.Context(), "bbb:school:place:physics")
	require.NoError(t, err)
	assert.Regexp(t, "^void ", string(claim), "its end is known to all")
}

func TestManyMissesShareASearch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		createOn(t, fakes[2], bbb.CreateParams{MeetingID: "physics"})
		quiet(fakes)
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Call: "getMeetings", Latency: time.Second})
		}
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				wait(t, time.Duration(i)*time.Millisecond/2) // some come while it is under way
				if i%10 == 0 {
					_, err := g.Meeting(t.Context(), "physics")
					assert.NoError(t, noted(t, err))
					return
				}
				_, err := g.Meeting(t.Context(), fmt.Sprintf("unknown-%d", i%7))
				assert.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
			})
		}
		wg.Wait()
		for _, f := range fakes {
			assert.LessOrEqual(t, f.Count("getMeetings"), 2, f.Name())
			assert.Positive(t, f.Count("getMeetings"), f.Name())
		}
	})
}

// The lists of the search that is under way may have been made before the meeting
// was: whoever comes later must not take them for the last word.
func TestMeetingCreatedDuringASearch(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(*testing.T, *bbb.Group) error{
		"Meeting": func(t *testing.T, g *bbb.Group) error {
			_, err := g.Meeting(t.Context(), "physics")
			return err
		},
		"CreateMeeting": func(t *testing.T, g *bbb.Group) error {
			m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
			if err == nil && !m.Existed() {
				return errors.New("created a second time")
			}
			return err
		},
	} {
		for _, later := range []time.Duration{0, time.Second} {
			t.Run(fmt.Sprintf("%s/%v later", name, later), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					g, fakes := newGroup(t, 2)
					for _, f := range fakes { // they answer what was true when they were asked
						f.Inject(bbbtest.Fault{Call: "getMeetings", Latency: 5 * time.Second, Processed: true})
					}
					first := after(func() {
						_, err := g.Meeting(t.Context(), "chemistry")
						assert.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
					})
					synctest.Wait()
					wait(t, later)
					createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics"})
					require.NoError(t, noted(t, call(t, g)))
					<-first
					assert.Equal(t, []string{"bbb2"}, holders(fakes, "physics"))
					assert.LessOrEqual(t, fakes[0].Count("getMeetings"), 2)
				})
			})
		}
	}
}

// The place that an old search reports may be where the meeting was before it ended
// and was created anew. That answer must not end the search.
func TestMeetingMovedDuringASearch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "physics"})
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Call: "getMeetings", Latency: 5 * time.Second, Processed: true})
		}
		first := after(func() {
			_, err := g.Meeting(t.Context(), "chemistry")
			assert.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
		})
		wait(t, time.Second)
		fakes[0].EndMeeting("physics")
		createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics"})
		m, err := g.Meeting(t.Context(), "physics")
		require.NoError(t, noted(t, err))
		assert.Equal(t, "bbb2", m.Server().Name())
		<-first
	})
}

// "Not found" is an answer that all servers give together. When one is silent, the
// meeting may be there.
func TestNotFoundAndSilence(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	join := bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleModerator}
	calls := map[string]func() error{
		"getMeetingInfo":   func() error { _, err := g.Meeting(t.Context(), "physics"); return err },
		"isMeetingRunning": func() error { _, err := g.IsMeetingRunning(t.Context(), "physics"); return err },
		"end":              func() error { return g.EndMeeting(t.Context(), "physics", "pw-not-needed") },
		"join":             func() error { _, err := g.JoinURL(t.Context(), join); return err },
		"join by us":       func() error { _, err := g.Join(t.Context(), join); return err },
	}
	for name, call := range calls {
		err := noted(t, call())
		switch name {
		case "isMeetingRunning", "end":
			require.NoError(t, err, name)
		default:
			require.ErrorIs(t, err, bbb.ErrMeetingNotFound, name)
			var e *bbb.Error
			require.ErrorAs(t, err, &e)
			assert.Empty(t, e.Server, "the group itself says so")
			assert.Equal(t, "notFound", e.Key)
			assert.Equal(t, http.StatusOK, e.StatusCode)
		}
	}

	fakes[1].SetDown(true)
	for name, call := range calls {
		err := call()
		require.NotErrorIs(t, err, bbb.ErrMeetingNotFound, name)
		ge := groupError(t, err)
		assert.Equal(t, []string{"bbb2"}, ge.Names(), name)
		assert.Equal(t, 3, ge.Asked)
		assert.False(t, ge.AllFailed())
	}

	// Where the meeting is, silence elsewhere does not matter.
	createOn(t, fakes[2], bbb.CreateParams{MeetingID: "physics"})
	for name, call := range calls {
		if name != "end" {
			require.NoError(t, noted(t, call()), name)
		}
	}
	require.NoError(t, noted(t, g.EndMeeting(t.Context(), "physics", "")))
}

func TestIsMeetingRunning(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	running := func() bool {
		t.Helper()
		is, err := g.IsMeetingRunning(t.Context(), "physics")
		require.NoError(t, noted(t, err))
		return is
	}
	assert.False(t, running(), "nobody knows it")
	create(t, g, "physics")
	assert.False(t, running(), "nobody is in it")
	attend(t, holder(t, fakes, "physics"), "physics")
	assert.True(t, running())
	held := holder(t, fakes, "physics")
	held.EndMeeting("physics")
	assert.False(t, running(), "it is over")
	createOn(t, other(t, fakes, held), bbb.CreateParams{MeetingID: "physics"})
	attend(t, other(t, fakes, held), "physics")
	assert.True(t, running(), `"no" from the old place was not the last word`)
}

func TestEndMeeting(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.4", "2.6", "3.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			fakes := newFakes(t, 3, bbbtest.WithVersion(version))
			g := newGroupOf(t, fakes)
			require.NoError(t, g.EndMeeting(t.Context(), "physics", ""), "what was wanted is so")
			require.NoError(t, g.EndMeeting(t.Context(), "physics", "pw-any-at-all"))

			m := create(t, g, "physics")
			err := g.EndMeeting(t.Context(), "physics", m.AttendeePW)
			require.ErrorIs(t, noted(t, err), bbb.ErrPassword)
			require.ErrorIs(t, noted(t, g.EndMeeting(t.Context(), "physics", "pw-mod-guessed")), bbb.ErrPassword)
			assert.Zero(t, requests(fakes, "end"), "nothing was sent")
			assert.Len(t, holders(fakes, "physics"), 1)

			require.NoError(t, g.EndMeeting(t.Context(), "physics", m.ModeratorPW))
			assert.Empty(t, holders(fakes, "physics"))

			m = create(t, g, "physics")
			quiet(fakes)
			require.NoError(t, g.EndMeeting(t.Context(), "physics", ""))
			assert.Empty(t, holders(fakes, "physics"))
			require.Equal(t, 1, requests(fakes, "end"))
			for _, f := range fakes {
				for _, r := range f.Requests() {
					if r.Call == "end" {
						assert.Equal(t, m.ModeratorPW, r.Params().Get("password"), "old releases demand it")
					}
				}
			}
			require.NoError(t, m.End(t.Context()), "ending twice is no error")
		})
	}
}

// A caller may leave while others wait for the same search.
func TestSearchBelongsToNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics"})
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Call: "getMeetings", Latency: 3 * time.Second})
		}
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		left := after(func() {
			_, err := g.Meeting(ctx, "physics")
			assert.ErrorIs(t, noted(t, err), context.DeadlineExceeded)
		})
		synctest.Wait()
		start := time.Now()
		_, err := g.Meeting(t.Context(), "physics")
		require.NoError(t, noted(t, err))
		assert.Equal(t, 3*time.Second, time.Since(start))
		<-left
		assert.Equal(t, 1, fakes[0].Count("getMeetings"), "the search went on without the one who began it")
	})
}
