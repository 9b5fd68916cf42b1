package bbb_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// places are the ways to say by hand where a meeting is, or to ask for it.
type places interface {
	Locate(ctx context.Context, id string) (*bbb.Server, error)
	Forget(ctx context.Context, id string) error
	Rebind(ctx context.Context, id, server string) error
}

var (
	_ places = (*bbb.Group)(nil)
	_ places = (*bbb.Scope)(nil)
)

// locate returns the name of the server that has a meeting.
func locate(t testing.TB, on places, id string) string {
	t.Helper()
	s, err := on.Locate(t.Context(), id)
	require.NoError(t, noted(t, err))
	return s.Name()
}

func TestLocate(t *testing.T) {
	t.Parallel()
	cache := bbb.NewMemoryCache()
	fakes := newFakes(t, 3)
	g := newGroupOf(t, fakes, bbb.WithCache(cache))
	want := create(t, g, "physics").Server().Name()
	for _, f := range fakes {
		f.SetDown(true)
	}
	quiet(fakes)
	assert.Equal(t, want, locate(t, g, "physics"), "the index knows")
	assert.Equal(t, want, locate(t, newGroupOf(t, fakes, bbb.WithCache(cache)), "physics"), "the cache knows")
	assert.Zero(t, requests(fakes, "*"), "nobody was asked")

	stranger := newGroupOf(t, fakes)
	_, err := stranger.Locate(t.Context(), "physics")
	assert.True(t, groupError(t, err).AllFailed())
	for _, f := range fakes {
		f.SetDown(false)
	}
	require.NoError(t, stranger.Refresh(t.Context()))
	quiet(fakes)
	assert.Equal(t, want, locate(t, newGroupOf(t, fakes), "physics"), "a search finds it")
	assert.Equal(t, 3, requests(fakes, "*"), "one request to each server, and no more")

	_, err = g.Locate(t.Context(), "chemistry")
	require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
	other(t, fakes, holder(t, fakes, "physics")).SetDown(true)
	_, err = g.Locate(t.Context(), "chemistry")
	assert.Len(t, groupError(t, err).Names(), 1, "it might be on that one")
	require.NotErrorIs(t, err, bbb.ErrMeetingNotFound)
}

// The claim of a create that is under way says where the meeting will be, if all goes
// well. Only when that server confirms it, it is there.
func TestLocateDoesNotTakeAClaimForAPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := bbb.NewMemoryCache()
		fakes := newFakes(t, 2)
		a, b := newGroupOf(t, fakes, bbb.WithCache(cache)), newGroupOf(t, fakes, bbb.WithCache(cache))
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Call: "create", Latency: time.Second})
		}
		done := after(func() { create(t, a, "physics") })
		wait(t, time.Second/2)
		for _, g := range []*bbb.Group{a, b} {
			_, err := g.Locate(t.Context(), "physics")
			require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound, "not yet")
		}
		<-done
		assert.Equal(t, holder(t, fakes, "physics").Name(), locate(t, b, "physics"))
	})
}

// A scope verifies what it says of a place, a group does not.
func TestLocateOfAMeetingThatHasEnded(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	blue := scope(t, g, "blue")
	create(t, blue, "physics")
	held := holder(t, fakes, "physics")
	assert.Equal(t, held.Name(), locate(t, blue, "physics"))
	held.EndMeeting("physics")
	assert.Equal(t, held.Name(), locate(t, g, "physics"), "a hint")
	_, err := blue.Locate(t.Context(), "physics")
	require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
	_, err = g.Locate(t.Context(), "physics")
	require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound, "the hint is refuted by now")
}

func TestByHandErrors(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	create(t, g, "physics")
	elsewhere := newGroupOf(t, newFakes(t, 1))
	for _, on := range []places{g, scope(t, g, "blue")} {
		for _, id := range []string{"", "a,b"} {
			_, err := on.Locate(t.Context(), id)
			require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams)
			require.ErrorIs(t, noted(t, on.Forget(t.Context(), id)), bbb.ErrInvalidParams)
			require.ErrorIs(t, noted(t, on.Rebind(t.Context(), id, "bbb1")), bbb.ErrInvalidParams)
		}
		quiet(fakes)
		for _, name := range []string{"", "bbb3", elsewhere.Name()} {
			err := on.Rebind(t.Context(), "physics", name)
			require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams)
			require.EqualError(t, err, `bbb: rebind: parameter "server" is not the name of a server of the group`)
		}
		assert.Zero(t, requests(fakes, "*"))
		require.NoError(t, on.Forget(t.Context(), "never heard of"))
	}
	require.NoError(t, g.Close(context.Background()))
	_, err := g.Locate(t.Context(), "physics")
	require.ErrorIs(t, noted(t, err), bbb.ErrClosed)
	require.ErrorIs(t, noted(t, g.Forget(t.Context(), "physics")), bbb.ErrClosed)
	require.ErrorIs(t, noted(t, g.Rebind(t.Context(), "physics", "bbb1")), bbb.ErrClosed)
}

// Wherever the place of a meeting is known from, afterwards nobody asks there first.
// The meeting itself goes on and is found again.
func TestForget(t *testing.T) {
	t.Parallel()
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprintf("shared cache %v", shared), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fakes := newFakes(t, 3)
				cache := bbb.NewMemoryCache()
				process := func() *bbb.Group {
					if !shared {
						return newGroupOf(t, fakes)
					}
					return newGroupOf(t, fakes, bbb.WithCache(cache))
				}
				g := process()
				create(t, g, "physics")
				create(t, g, "chemistry")
				held := holder(t, fakes, "physics")
				require.NoError(t, g.Refresh(t.Context()))
				wait(t, time.Second)
				quiet(fakes)
				require.NoError(t, g.Forget(t.Context(), "physics"))
				assert.Zero(t, requests(fakes, "*"), "nobody is told")
				assert.Equal(t, []string{"chemistry"}, ids(g.CachedMeetings(t.Context())))
				assert.Equal(t, holder(t, fakes, "chemistry").Name(), locate(t, g, "chemistry"), "nothing else is forgotten")
				if shared {
					assert.Equal(t, []string{"chemistry"}, ids(process().CachedMeetings(t.Context())), "a new process does not know it either")
				}
				assert.Zero(t, requests(fakes, "*"))

				assert.True(t, create(t, g, "physics").Existed(), "it is found again")
				assert.Equal(t, 3, requests(fakes, "getMeetings"))
				assert.Equal(t, []string{held.Name()}, holders(fakes, "physics"))

				held.EndMeeting("physics")
				require.NoError(t, g.Forget(t.Context(), "physics"))
				assert.False(t, create(t, g, "physics").Existed(), "and placed anew when it is nowhere")
			})
		})
	}
}

// A server has died with a meeting. Without Forget, three creates would fail first.
func TestForgetAMeetingOfADeadServer(t *testing.T) {
	t.Parallel()
	cache := bbb.NewMemoryCache()
	fakes := newFakes(t, 3)
	g := newGroupOf(t, fakes, bbb.WithCache(cache))
	create(t, g, "physics")
	held := holder(t, fakes, "physics")
	held.SetDown(true)
	require.NoError(t, g.Forget(t.Context(), "physics"))
	m := create(t, g, "physics")
	assert.False(t, m.Existed())
	assert.NotEqual(t, held.Name(), m.Server().Name())
	assert.Equal(t, m.Server().Name(), locate(t, newGroupOf(t, fakes, bbb.WithCache(cache)), "physics"))
}

// The outcome of a create is unknown, and repetitions insist on a server that is up
// and did not act on it. Somebody who knows that can free the ID.
func TestForgetAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprintf("shared cache %v", shared), func(t *testing.T) {
			t.Parallel()
			var opts []bbb.GroupOption
			if shared {
				opts = append(opts, bbb.WithCache(bbb.NewMemoryCache()))
			}
			g, fakes := newGroup(t, 2, opts...)
			for _, f := range fakes {
				f.Inject(bbbtest.Fault{Call: "create", Status: 502, Times: 1})
			}
			p := bbb.CreateParams{Name: "Physics", MeetingID: "physics"}
			_, err := g.CreateMeeting(t.Context(), p)
			require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
			hit := fakes[0]
			if hit.Count("create") == 0 {
				hit = fakes[1]
			}
			createOn(t, hit, bbb.CreateParams{MeetingID: "makes it the worse choice"})
			hit.Inject(bbbtest.Fault{Call: "create", Status: 502})
			other(t, fakes, hit).ClearFaults()
			_, err = g.CreateMeeting(t.Context(), p)
			require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown, "the same server")

			require.NoError(t, g.Refresh(t.Context()))
			require.NoError(t, g.Forget(t.Context(), "physics"))
			m := create(t, g, "physics")
			assert.NotEqual(t, hit.Name(), m.Server().Name())
			assert.Equal(t, []string{m.Server().Name()}, holders(fakes, "physics"))
		})
	}
}

// A create is under way when its claim is forgotten by hand. Another process does not
// wait for it any more, which is what was asked for, and may make the meeting a second
// time. That is not silent: the split is reported, and one of the two is kept.
func TestForgetDuringACreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w witness
		cache := bbb.NewMemoryCache()
		fakes := newFakes(t, 2)
		a := newGroupOf(t, fakes, bbb.WithCache(cache))
		b := newGroupOf(t, fakes, bbb.WithCache(cache), w.option(t))
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Call: "create", Latency: 5 * time.Second, Times: 1})
		}
		var first, second *bbb.Meeting
		doneA := after(func() { first = create(t, a, "physics") })
		wait(t, time.Second)
		hit := fakes[0]
		if hit.Count("create") == 0 {
			hit = fakes[1]
		}
		other(t, fakes, hit).ClearFaults()
		createOn(t, hit, bbb.CreateParams{MeetingID: "makes it the worse choice"})
		require.NoError(t, b.Refresh(t.Context()))
		doneB := after(func() { second = create(t, b, "physics") })
		wait(t, time.Second)
		assert.Empty(t, holders(fakes, "physics"), "b waits for a")

		require.NoError(t, b.Forget(t.Context(), "physics"))
		<-doneB
		assert.NotEqual(t, hit.Name(), second.Server().Name())
		<-doneA
		assert.Equal(t, hit.Name(), first.Server().Name(), "it goes on")
		assert.Len(t, holders(fakes, "physics"), 2)
		require.NoError(t, b.Refresh(t.Context()))
		assert.Equal(t, []bbb.SplitEvent{{Group: "school", MeetingID: "physics", Kept: hit.Name(), Other: second.Server().Name()}}, w.splits)
		assert.Equal(t, hit.Name(), locate(t, a, "physics"))
		assert.Equal(t, hit.Name(), locate(t, b, "physics"), "they agree on the older one")
	})
}

// A scope forgets what is in it, and nothing else.
func TestForgetInAScope(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := bbb.NewMemoryCache()
		fakes := newFakes(t, 2)
		g := newGroupOf(t, fakes, bbb.WithCache(cache))
		blue, red := scope(t, g, "blue"), scope(t, g, "red")
		create(t, red, "physics")
		create(t, blue, "chemistry")
		wait(t, time.Second)
		require.NoError(t, blue.Forget(t.Context(), "physics"))
		require.NoError(t, blue.Forget(t.Context(), "chemistry"))
		assert.Equal(t, []string{"physics"}, ids(g.CachedMeetings(t.Context())))
		quiet(fakes)
		assert.Equal(t, holder(t, fakes, "physics").Name(), locate(t, g, "physics"))
		assert.Zero(t, requests(fakes, "*"))
		assert.Equal(t, holder(t, fakes, "chemistry").Name(), locate(t, blue, "chemistry"), "found anew")

		// Whose create it was that nobody knows the outcome of, a scope cannot tell.
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Call: "create", Status: 502, Times: 1})
		}
		_, err := red.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Biology", MeetingID: "biology"})
		require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
		before, _, err := cache.Get(t.Context(), "bbb:school:place:biology")
		require.NoError(t, err)
		require.NoError(t, blue.Forget(t.Context(), "biology"))
		now, _, err := cache.Get(t.Context(), "bbb:school:place:biology")
		require.NoError(t, err)
		assert.Equal(t, string(before), string(now))
	})
}
