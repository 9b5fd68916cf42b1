package bbb_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// endedOn puts a meeting on one fake and has it ended there: the fake lists it for a
// while yet. The one who is in it makes it the one to keep, by the rule for twins.
func endedOn(t testing.TB, g *bbb.Group, f *bbbtest.Server, id string) {
	t.Helper()
	createOn(t, f, bbb.CreateParams{MeetingID: id})
	attend(t, f, id)
	wait(t, time.Minute)
	require.NoError(t, server(t, g, f.Name()).EndMeeting(t.Context(), id, ""))
	wait(t, time.Second)
}

// A teacher ends his meeting and opens it again at once, on another server by way of
// another process. Servers list an ended meeting for some seconds; it had people in
// it, and was older, so the group went on with that one, and reported a split.
func TestEndedMeetingLosesToTheLiveOne(t *testing.T) {
	t.Parallel()
	for name, ended := range map[string]int{"ended on the first": 0, "ended on the last": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var w witness
				fakes := newFakes(t, 3, bbbtest.WithEndDelay(time.Minute))
				g := newGroupOf(t, fakes, w.option(t))
				endedOn(t, g, fakes[ended], "physics")
				list, err := g.Meetings(t.Context())
				require.NoError(t, err)
				require.Equal(t, []string{"physics"}, ids(list), "the only one stays in lists")
				assert.True(t, list[0].HasBeenForciblyEnded)
				m, err := g.Meeting(t.Context(), "physics")
				require.NoError(t, noted(t, err), "its server still answers for it")
				assert.True(t, m.HasBeenForciblyEnded)

				createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics"})
				m, err = server(t, g, "bbb2").Meeting(t.Context(), "physics")
				require.NoError(t, err)
				assert.False(t, m.HasBeenForciblyEnded)
				assert.Equal(t, "bbb2", locate(t, g, "physics"), "as soon as it was seen")
				for range 3 {
					goesOnWith(t, g, "bbb2")
					wait(t, 5*time.Second)
				}
				fresh := newGroupOf(t, fakes, w.option(t))
				goesOnWith(t, fresh, "bbb2")

				// The server of the live one is silent for once: its place is kept.
				heal := fakes[1].Inject(bbbtest.Fault{Call: "getMeetings", Status: 500})
				_, err = g.Meetings(t.Context())
				assert.Equal(t, []string{"bbb2"}, groupError(t, err).Names())
				assert.Equal(t, "bbb2", locate(t, g, "physics"))
				heal()
				wait(t, time.Minute)
				goesOnWith(t, g, "bbb2")
				assert.Empty(t, w.splits)
				assert.Zero(t, g.Stats().Splits)
			})
		})
	}
}

// The same for who never asks for a list but has it Run.
func TestRunTakesAnEndedMeetingForNoTwin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w witness
		fakes := newFakes(t, 2, bbbtest.WithEndDelay(time.Minute))
		g := newGroupOf(t, fakes, w.option(t))
		stop := running(t, g, 5*time.Second)
		endedOn(t, g, fakes[0], "physics")
		createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics"})
		wait(t, 30*time.Second)
		assert.Equal(t, "bbb2", locate(t, g, "physics"))
		cached := g.CachedMeetings(t.Context())
		require.Len(t, cached, 1)
		assert.False(t, cached[0].HasBeenForciblyEnded)
		wait(t, time.Minute)
		stop()
		assert.Empty(t, w.splits)
	})
}

// A place that was given by hand is void when the meeting there is ended.
func TestRebindUntilTheMeetingIsEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(t, 2, bbbtest.WithEndDelay(time.Minute))
		g := newGroupOf(t, fakes)
		split(t, fakes)
		require.NoError(t, g.Rebind(t.Context(), "physics", "bbb2"))
		goesOnWith(t, g, "bbb2")
		endBehindTheBack(t, fakes[1], "physics")
		goesOnWith(t, g, "bbb1")
	})
}

// endBehindTheBack ends a meeting as a moderator does: no group takes part.
func endBehindTheBack(t testing.TB, f *bbbtest.Server, id string) {
	t.Helper()
	g, err := bbb.NewGroup("somebody else", bbb.WithTransport(f.Transport()), bbb.WithLogger(suite.logger(t)))
	require.NoError(t, err)
	defer func() { assert.NoError(t, g.Close(t.Context())) }()
	require.NoError(t, addServer(t, g, f).EndMeeting(t.Context(), id, ""))
}

// A server has both, the one that was ended and the one that was created at once after
// it, in any order.
func TestServerWithAnEndedAndALiveMeeting(t *testing.T) {
	t.Parallel()
	const head, tail = `<response><returncode>SUCCESS</returncode><meetings>`, `</meetings></response>`
	ended := `<meeting><meetingID>physics</meetingID><internalMeetingID>a-1</internalMeetingID><hasBeenForciblyEnded>true</hasBeenForciblyEnded></meeting>`
	live := `<meeting><meetingID>physics</meetingID><internalMeetingID>a-2</internalMeetingID><hasBeenForciblyEnded>false</hasBeenForciblyEnded></meeting>`
	for _, list := range []string{ended + live, live + ended} {
		g, fakes := newGroup(t, 1)
		fakes[0].Inject(bbbtest.Fault{Call: "getMeetings", Body: head + list + tail})
		all, err := g.Meetings(t.Context())
		require.NoError(t, err)
		for _, meetings := range [][]*bbb.Meeting{all, g.CachedMeetings(t.Context())} {
			require.Len(t, meetings, 1)
			assert.Equal(t, "a-2", meetings[0].InternalID)
		}
	}
}

// A server is being drained, and somebody ends his meeting there and opens it again. The
// server still listed the one that had ended, so it was sent the create as well, and
// was not empty for another lesson.
func TestEndedMeetingOfADrainingServerIsCreatedElsewhere(t *testing.T) {
	t.Parallel()
	for name, byUs := range map[string]bool{"ended by a call": true, "ended by a moderator": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fakes := newFakes(t, 3, bbbtest.WithEndDelay(8*time.Second))
				g := newGroupOf(t, fakes)
				m := create(t, g, "physics")
				from := holder(t, fakes, "physics")
				attend(t, from, "physics")
				wait(t, time.Minute)
				done, err := draining(t.Context(), t, m.Server())
				wait(t, time.Second)
				if byUs {
					require.NoError(t, m.End(t.Context()))
				} else {
					endBehindTheBack(t, from, "physics")
				}
				wait(t, time.Second)
				again := create(t, g, "physics")
				assert.NotEqual(t, from.Name(), again.Server().Name())
				assert.False(t, again.Existed())
				wait(t, 10*time.Second)
				require.True(t, isOver(done))
				require.NoError(t, *err)
				goesOnWith(t, g, again.Server().Name())
			})
		})
	}
}
