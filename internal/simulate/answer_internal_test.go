package simulate

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb"
)

// The answers say to a real group what the fleet means.
func TestAnswersAreReadAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	c := Default()
	c.Servers, c.Weights = 2, []float64{1}
	f := newFleet(c, []meeting{
		{created: 0, start: time.Minute, end: time.Hour, arrivals: []span{2 * time.Minute, 3 * time.Minute}},
		{created: time.Minute, start: time.Minute, end: 2 * time.Minute, arrivals: []span{time.Minute}},
	})
	p, err := newGroups(c, f, nil)
	require.NoError(t, err)
	defer func() { assert.NoError(t, p.close(context.Background())) }()
	g, servers := p.groups[0], p.servers[0]

	m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Lesson"})
	require.NoError(t, err)
	assert.Equal(t, "lesson-0", m.ID)
	assert.Equal(t, epoch, m.CreateTime.UTC())
	assert.False(t, m.Existed())
	home := f.serverOf(0)
	assert.Same(t, servers[home], m.Server())

	f.advance(time.Minute)
	require.NoError(t, p.create(t.Context(), 0, 1))
	away := f.serverOf(1)

	f.advance(2*time.Minute - 1)
	require.NoError(t, p.poll(t.Context(), 0, home))
	require.NoError(t, p.poll(t.Context(), 0, away))
	assert.Equal(t, map[string]int{"lesson-0": 0, "lesson-1": 1}, attendees(g.CachedMeetings(t.Context())))

	f.advance(2 * time.Minute)
	list, err := servers[home].Meetings(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1, "the other one is over")
	assert.Equal(t, map[string]int{"lesson-0": 1}, attendees(list))
	assert.Equal(t, m.InternalID, list[0].InternalID)
	assert.Equal(t, epoch.Add(2*time.Minute), list[0].StartTime.UTC())
	assert.True(t, list[0].Running)
	assert.Equal(t, epoch.Add(2*time.Minute), list[0].FetchedAt)

	f.advance(3 * time.Minute)
	m, err = m.Refresh(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, m.ParticipantCount)
	assert.Equal(t, 1, m.ModeratorCount)
	require.NoError(t, p.join(t.Context(), 0, 0))

	f.advance(time.Hour)
	_, err = m.Refresh(t.Context())
	assert.ErrorIs(t, err, bbb.ErrMeetingNotFound)
	for s := range g.Servers() {
		list, err := s.Meetings(t.Context())
		assert.NoError(t, err)
		assert.Empty(t, list)
	}
}

// A group that did something which no workload asks for would not be measured in
// silence.
func TestAnswersRefuseWhatIsNotSimulated(t *testing.T) {
	t.Parallel()
	c := Default()
	c.Servers = 2
	f := newFleet(c, []meeting{{end: time.Hour}})
	p, err := newGroups(c, f, nil)
	require.NoError(t, err)
	defer func() { assert.NoError(t, p.close(context.Background())) }()
	servers := p.servers[0]

	_, err = servers[0].CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "physics", Name: "Physics"})
	assert.ErrorContains(t, err, "no such meeting")
	_, err = servers[0].CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: meetingID(0), Name: "Lesson"})
	assert.NoError(t, err)
	_, err = servers[1].CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: meetingID(0), Name: "Lesson"})
	assert.ErrorContains(t, err, "on another server")
	_, err = servers[0].Recordings(t.Context(), bbb.RecordingFilter{})
	assert.ErrorContains(t, err, "does not know the call getRecordings")

	stranger, err := p.groups[0].New("stranger", "https://bbb7.example.org", "simulated-secret")
	require.NoError(t, err)
	assert.ErrorContains(t, stranger.Refresh(t.Context()), "there is no server bbb7.example.org")
}

func attendees(meetings []*bbb.Meeting) map[string]int {
	counts := make(map[string]int)
	for _, m := range meetings {
		counts[m.ID] = m.ParticipantCount
	}
	return counts
}
