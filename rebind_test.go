package bbb_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// goesOnWith checks that a group has one meeting "physics" for its users, on that
// server, whatever it is asked.
func goesOnWith(t testing.TB, g *bbb.Group, name string) {
	t.Helper()
	list, err := g.Meetings(t.Context())
	require.NoError(t, noted(t, err))
	for _, meetings := range [][]*bbb.Meeting{list, g.CachedMeetings(t.Context())} {
		require.Equal(t, []string{"physics"}, ids(meetings))
		assert.Equal(t, name, meetings[0].Server().Name(), "in lists")
	}
	assert.Equal(t, name, locate(t, g, "physics"))
	m, err := g.Meeting(t.Context(), "physics")
	require.NoError(t, noted(t, err))
	assert.Equal(t, name, m.Server().Name())
	assert.Equal(t, name, create(t, g, "physics").Server().Name(), "a create goes there")
}

// By the rule, the group goes on with the older meeting, or the one with people in
// it. What was said by hand is stronger, for as long as that meeting is there.
func TestRebindToTheTwinAndBack(t *testing.T) {
	t.Parallel()
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprintf("shared cache %v", shared), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var w witness
				opts := []bbb.GroupOption{w.option(t)}
				cache := bbb.NewMemoryCache()
				if shared {
					opts = append(opts, bbb.WithCache(cache))
				}
				g, fakes := newGroup(t, 3, opts...)
				split(t, fakes)
				attend(t, fakes[0], "physics")
				goesOnWith(t, g, "bbb1")

				quiet(fakes)
				require.NoError(t, g.Rebind(t.Context(), "physics", "bbb2"))
				assert.Equal(t, 1, requests(fakes, "*"), "it was asked whether it has it")
				assert.Equal(t, 1, fakes[1].Count("getMeetingInfo"))
				for range 3 {
					goesOnWith(t, g, "bbb2")
					wait(t, bbb.DefaultCacheTime)
				}
				if shared { // to a process that knows nothing of it
					assert.Equal(t, "bbb2", locate(t, newGroupOf(t, fakes, bbb.WithCache(cache)), "physics"))
				}

				require.NoError(t, g.Rebind(t.Context(), "physics", "bbb1"))
				goesOnWith(t, g, "bbb1")
				require.NoError(t, g.Rebind(t.Context(), "physics", "bbb2"))
				require.NoError(t, g.Forget(t.Context(), "physics"))
				goesOnWith(t, g, "bbb1")
				assert.Equal(t, []bbb.SplitEvent{{Group: "school", MeetingID: "physics", Kept: "bbb1", Other: "bbb2"}}, w.splits, "reported once, as it was found")
			})
		})
	}
}

// The split is found after the binding: it is reported as the group handles it.
func TestSplitFoundAfterRebind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w witness
		g, fakes := newGroup(t, 2, w.option(t))
		split(t, fakes)
		require.NoError(t, g.Rebind(t.Context(), "physics", "bbb2"))
		goesOnWith(t, g, "bbb2")
		assert.Equal(t, []bbb.SplitEvent{{Group: "school", MeetingID: "physics", Kept: "bbb2", Other: "bbb1"}}, w.splits)
	})
}

// The binding ends with the meeting that it is about, however the group learns of
// that, and with the place of that server in the group.
func TestBindingEndsWithItsMeeting(t *testing.T) {
	t.Parallel()
	ended := func(f *bbbtest.Server) { f.EndMeeting("physics") }
	for name, end := range map[string]func(*testing.T, *bbb.Group, *bbbtest.Server){
		"by a list": func(t *testing.T, g *bbb.Group, f *bbbtest.Server) {
			ended(f)
			require.NoError(t, g.Refresh(t.Context()))
		},
		"by an answer": func(t *testing.T, g *bbb.Group, f *bbbtest.Server) {
			ended(f)
			m, err := g.Meeting(t.Context(), "physics")
			require.NoError(t, err)
			assert.Equal(t, "bbb1", m.Server().Name(), "the other one was found")
		},
		"by its own end": func(t *testing.T, g *bbb.Group, f *bbbtest.Server) {
			require.NoError(t, g.EndMeeting(t.Context(), "physics", ""))
			ended(f)
		},
		"with the server": func(_ *testing.T, g *bbb.Group, f *bbbtest.Server) { g.Remove(f.Name()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, fakes := newGroup(t, 2)
				split(t, fakes)
				require.NoError(t, g.Rebind(t.Context(), "physics", "bbb2"))
				goesOnWith(t, g, "bbb2")
				wait(t, time.Second)
				end(t, g, fakes[1])
				goesOnWith(t, g, "bbb1")
				if name == "with the server" {
					return
				}
				createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics"})
				attend(t, fakes[0], "physics")
				goesOnWith(t, g, "bbb1") // a new meeting, of which nobody said anything
			})
		})
	}
}

// A server that does not answer for once keeps its binding. When it counts as offline
// and the meeting is created elsewhere, the binding is over: people are there now.
func TestBindingToAServerThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		split(t, fakes)
		require.NoError(t, g.Rebind(t.Context(), "physics", "bbb2"))
		fakes[1].SetDown(true)
		list, err := g.Meetings(t.Context())
		assert.Equal(t, []string{"bbb2"}, groupError(t, err).Names())
		require.Equal(t, []string{"physics"}, ids(list))
		assert.Equal(t, "bbb1", list[0].Server().Name(), "what there is to show")
		assert.Equal(t, "bbb2", locate(t, g, "physics"))
		fakes[1].SetDown(false)
		goesOnWith(t, g, "bbb2")

		fakes[1].SetDown(true)
		fakes[0].EndMeeting("physics")
		for range 3 {
			_ = noted(t, g.Refresh(t.Context()))
		}
		m := create(t, g, "physics")
		assert.False(t, m.Existed())
		there := holder(t, []*bbbtest.Server{fakes[0], fakes[2]}, "physics")
		attend(t, there, "physics")
		synctest.Wait() // until it was asked in vain
		fakes[1].SetDown(false)
		_ = noted(t, g.Refresh(t.Context())) // this asks it in the background
		synctest.Wait()
		goesOnWith(t, g, there.Name())
	})
}

// What is not there cannot be bound, and nothing is changed by the attempt.
func TestRebindOfAMeetingThatIsGone(t *testing.T) {
	t.Parallel()
	cache := bbb.NewMemoryCache()
	g, fakes := newGroup(t, 3, bbb.WithCache(cache))
	create(t, g, "physics")
	held := holder(t, fakes, "physics")
	wrong := other(t, fakes, held)
	before, _, err := cache.Get(t.Context(), "bbb:school:place:physics")
	require.NoError(t, err)

	require.ErrorIs(t, noted(t, g.Rebind(t.Context(), "physics", wrong.Name())), bbb.ErrMeetingNotFound)
	wrong.SetDown(true)
	err = noted(t, g.Rebind(t.Context(), "physics", wrong.Name()))
	require.ErrorContains(t, err, "getMeetingInfo on "+wrong.Name())
	require.NotErrorIs(t, err, bbb.ErrMeetingNotFound)
	wrong.SetDown(false)

	now, _, err := cache.Get(t.Context(), "bbb:school:place:physics")
	require.NoError(t, err)
	assert.Equal(t, string(before), string(now))
	goesOnWith(t, g, held.Name())
	held.EndMeeting("physics")
	require.ErrorIs(t, noted(t, g.Rebind(t.Context(), "physics", held.Name())), bbb.ErrMeetingNotFound)
}

// Somebody says where the meeting is while a create of it hangs, in this process or
// in another. The create takes nothing back, and goes where it was said to.
func TestRebindDuringACreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := bbb.NewMemoryCache()
		fakes := newFakes(t, 2)
		a, b := newGroupOf(t, fakes, bbb.WithCache(cache)), newGroupOf(t, fakes, bbb.WithCache(cache))
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Call: "create", Hang: true, Times: 1})
		}
		var err error
		done := after(func() {
			_, err = a.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
		})
		wait(t, time.Second)
		hit := fakes[0]
		if hit.Count("create") == 0 {
			hit = fakes[1]
		}
		twin := other(t, fakes, hit)
		twin.ClearFaults()
		createOn(t, twin, bbb.CreateParams{MeetingID: "physics"})
		require.NoError(t, b.Rebind(t.Context(), "physics", twin.Name()))
		assert.Equal(t, twin.Name(), create(t, b, "physics").Server().Name(), "nobody waits")
		<-done
		require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
		assert.Equal(t, twin.Name(), create(t, a, "physics").Server().Name())
		assert.Equal(t, []string{twin.Name()}, holders(fakes, "physics"))
	})
}

// A scope binds what is in it, whether it knew that before or not.
func TestRebindInAScope(t *testing.T) {
	t.Parallel()
	for _, warm := range []bool{false, true} {
		t.Run(fmt.Sprintf("warm %v", warm), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, fakes := newGroup(t, 3)
				blue, red := scope(t, g, "blue"), scope(t, g, "red")
				mine := map[string]string{"tenant": "blue"}
				createOn(t, fakes[0], bbb.CreateParams{MeetingID: "physics", Meta: mine})
				wait(t, time.Second)
				createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics", Meta: mine})
				if warm {
					require.NoError(t, g.Refresh(t.Context()))
				}
				err := noted(t, blue.Rebind(t.Context(), "physics", "bbb3"))
				require.ErrorIs(t, err, bbb.ErrMeetingNotFound)
				outside := noted(t, red.Rebind(t.Context(), "physics", "bbb2"))
				require.ErrorIs(t, outside, bbb.ErrMeetingNotFound)
				nowhere := noted(t, red.Rebind(t.Context(), "chemistry", "bbb2"))
				require.EqualError(t, outside, nowhere.Error())
				require.NoError(t, blue.Rebind(t.Context(), "physics", "bbb2"))
				goesOnWith(t, g, "bbb2")
				assert.Equal(t, "bbb2", locate(t, blue, "physics"))
				fakes[1].SetDown(true)
				require.ErrorContains(t, noted(t, blue.Rebind(t.Context(), "physics", "bbb2")), "bbb2")
				require.NotErrorIs(t, noted(t, red.Rebind(t.Context(), "chemistry", "bbb2")), bbb.ErrMeetingNotFound, "who knows")
			})
		})
	}
}

// The group does without a disabled server, so what was bound to it was not found:
// Rebind said that all was well, and the next call went to the other server.
func TestRebindToADisabledServer(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	split(t, fakes)
	attend(t, fakes[0], "physics")
	server(t, g, "bbb2").SetMode(bbb.ModeDisabled)
	goesOnWith(t, g, "bbb1")
	quiet(fakes)
	err := noted(t, g.Rebind(t.Context(), "physics", "bbb2"))
	var pe *bbb.ParamError
	require.ErrorAs(t, err, &pe)
	assert.Equal(t, "server", pe.Param)
	assert.Contains(t, pe.Problem, "disabled")
	assert.Zero(t, requests(fakes, "*"), "nobody is asked")
	goesOnWith(t, g, "bbb1")
}
