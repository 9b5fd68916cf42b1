package bbb_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A configuration that is read again must not lose a meeting: neither its place, nor its seats,
// nor what is known of how the server does.
func TestReplaceKeepsWhatIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		old := server(t, g, "bbb1")
		create(t, old, "physics")
		attend(t, fakes[0], "physics")
		_, err := g.Meetings(t.Context())
		require.NoError(t, noted(t, err))
		before := g.Stats().Servers[0]

		const secret = "another secret of bbb1"
		suite.secret("secret of a server", secret)
		fakes[0].SetSecret(secret)
		quiet(fakes)
		next, err := old.Replace(secret, bbb.WithWeight(3), bbb.WithLabels(bbb.Labels{"gpu": ""}), bbb.WithMode(bbb.ModeDraining))
		require.NoError(t, noted(t, err))
		assert.Zero(t, requests(fakes, "*"), "nobody is asked")
		assert.Same(t, next, server(t, g, "bbb1"))
		assert.Equal(t, 2, g.Len())
		after := g.Stats().Servers[0]
		assert.Equal(t, "bbb1", after.Server, "the order stays")
		assert.InDelta(t, 3, after.Weight, 0)
		assert.Equal(t, bbb.Labels{"gpu": ""}, after.Labels)
		assert.Equal(t, bbb.ModeDraining, after.Health.Mode)
		assert.Equal(t, before.Calls, after.Calls)
		assert.Equal(t, before.Load, after.Load)
		assert.Equal(t, before.Health.AnsweredAt, after.Health.AnsweredAt)

		assert.Equal(t, "bbb1", locate(t, g, "physics"))
		assert.Zero(t, requests(fakes, "*"), "its place is known")
		cached := g.CachedMeetings(t.Context())
		require.Equal(t, []string{"physics"}, ids(cached))
		assert.Same(t, next, cached[0].Server(), "its calls are signed with the new secret")
		running, err := g.IsMeetingRunning(t.Context(), "physics")
		require.NoError(t, noted(t, err))
		assert.True(t, running)
		assert.Equal(t, 1, requests(fakes, "*"))
		assert.NotEqual(t, "bbb1", create(t, g, "algebra").Server().Name(), "it is draining")
	})
}

// A create that is on its way when its server is replaced ends there, and its meeting is
// found there.
func TestReplaceDuringACreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		defer fakes[0].Inject(bbbtest.Fault{Call: "create", Latency: 2 * time.Second, Times: 1})()
		created := make(chan error, 1)
		go func() {
			_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "physics", Name: "physics"})
			created <- err
		}()
		wait(t, time.Second)
		_, err := server(t, g, "bbb1").Replace(fakes[0].Secret(), bbb.WithWeight(2))
		require.NoError(t, noted(t, err))
		require.NoError(t, noted(t, <-created))
		assert.Equal(t, "bbb1", create(t, g, "physics").Server().Name())
		assert.Len(t, fakes[0].Meetings(), 1)
		assert.Equal(t, 1, g.Stats().Servers[0].Load.Meetings, "its seats are counted once")
	})
}

// A call that is on its way when its server is replaced took effect like any other: with answers from what
// is known, a meeting was not there that had just been created, and one was that had been ended.
func TestReplaceKeepsWhatCallsUnderWayFindOut(t *testing.T) {
	t.Parallel()
	const join = "meetingID=physics&fullName=Ada&role=VIEWER&redirect=false"
	for name, c := range map[string]struct {
		call, query string
		latency     time.Duration // until after the replacement, or before it
		want        string
	}{
		"create":         {"create", "meetingID=math&name=Math", 2 * time.Second, "physics math"},
		"end":            {"end", "meetingID=physics", 2 * time.Second, ""},
		"join":           {"join", join, 2 * time.Second, "physics"},
		"join before it": {"join", join, 0, "physics"},
		"list":           {"getMeetings", "", 2 * time.Second, "physics"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, fakes := newGroup(t, 1)
				create(t, g, "physics")
				_, err := g.Meetings(t.Context())
				require.NoError(t, noted(t, err))
				wait(t, time.Second)
				defer fakes[0].Inject(bbbtest.Fault{Call: c.call, Latency: c.latency, Times: 1})()
				done := after(func() { assert.NoError(t, handledBy(t, g, c.call, c.query).Err) })
				wait(t, time.Second)
				next, err := server(t, g, "bbb1").Replace(fakes[0].Secret(), bbb.WithWeight(2))
				require.NoError(t, noted(t, err))
				<-done
				fresh := bbb.HandleFresh(time.Hour)
				assert.Equal(t, c.want, listed(t, g, fresh))
				for _, m := range g.CachedMeetings(t.Context()) {
					assert.Same(t, next, m.Server(), "its calls are signed with the new secret")
				}
				if c.call == "join" {
					m, ok := handledBy(t, g, "getMeetingInfo", "meetingID=physics", fresh).Value.(*bbb.Meeting)
					require.True(t, ok)
					assert.Equal(t, 1, m.ParticipantCount)
				}
				quiet(fakes)
				if c.call == "create" {
					assert.Equal(t, "bbb1", locate(t, g, "math"))
					assert.Zero(t, requests(fakes, "*"), "its place is known")
				}
			})
		})
	}
}

// A server that fails does not become one that is well because its weight has changed.
func TestReplaceKeepsTheState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		fakes[0].SetDown(true)
		for range 3 {
			_, err := g.Meetings(t.Context())
			require.Error(t, noted(t, err))
			wait(t, time.Second)
		}
		require.Equal(t, bbb.StateOffline, server(t, g, "bbb1").State())
		next, err := server(t, g, "bbb1").Replace(fakes[0].Secret(), bbb.WithWeight(2))
		require.NoError(t, noted(t, err))
		assert.Equal(t, bbb.StateOffline, next.State())
		assert.NotEmpty(t, next.Health().Cause)
	})
}

func TestReplaceRefuses(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	first := server(t, g, "bbb1")
	_, err := first.Replace("", bbb.WithWeight(-1))
	require.ErrorContains(t, noted(t, err), "WithWeight")
	require.ErrorContains(t, err, "the secret is empty")
	assert.Same(t, first, server(t, g, "bbb1"))

	_, err = first.Replace(fakes[0].Secret())
	require.NoError(t, noted(t, err))
	_, err = first.Replace(fakes[0].Secret())
	require.ErrorIs(t, noted(t, err), bbb.ErrServerRemoved)
	now := server(t, g, "bbb1")
	require.NoError(t, g.Close(t.Context()))
	_, err = now.Replace(fakes[0].Secret())
	require.ErrorIs(t, noted(t, err), bbb.ErrClosed)
}

// Whoever asks while servers are replaced never misses a meeting.
func TestReplaceMissesNothing(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	create(t, server(t, g, "bbb1"), "physics")
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for range 50 {
				s, err := g.Locate(t.Context(), "physics")
				if assert.NoError(t, noted(t, err)) {
					assert.Equal(t, "bbb1", s.Name())
				}
				_, err = g.Meeting(t.Context(), "physics")
				assert.NoError(t, noted(t, err))
			}
		})
	}
	for i := range 50 {
		_, err := server(t, g, "bbb1").Replace(fakes[0].Secret(), bbb.WithWeight(float64(i+1)))
		assert.NoError(t, noted(t, err))
	}
	work.Wait()
	assert.Zero(t, requests(fakes[1:], "create"))
}
