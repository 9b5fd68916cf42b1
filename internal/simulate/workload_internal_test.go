package simulate

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The sizes, starts, lengths and arrivals are distributed as the configuration says.
func TestWorkloadIsDistributedAsConfigured(t *testing.T) {
	t.Parallel()
	c := Default()
	c.Meetings, c.Hours, c.Early = 20000, 1, 5*time.Minute
	meetings := workload(c, 1)
	require.Len(t, meetings, 40000)

	var sizes []int
	var onTheHour, capped, inTime, people int
	var early, length, late time.Duration
	for _, m := range meetings {
		sizes = append(sizes, m.size())
		if m.start%time.Hour < burstTime {
			onTheHour++
		}
		if m.size() == c.Cap {
			capped++
		}
		early += m.start - m.created
		length += m.end - m.start
		assert.True(t, m.created <= m.start && m.start-m.created <= c.Early)
		assert.True(t, m.end-m.start >= shortMeeting && m.end-m.start <= longMeeting)
		assert.True(t, slices.IsSorted(m.arrivals))
		for _, at := range m.arrivals {
			people++
			late += at - m.start
			if at-m.start <= meanArrival {
				inTime++
			}
		}
	}
	n := time.Duration(len(meetings))
	slices.Sort(sizes)
	assert.GreaterOrEqual(t, sizes[0], 1)
	assert.Equal(t, c.Cap, sizes[len(sizes)-1])
	assert.InDelta(t, 14, sizes[len(sizes)/2], 1, "the median")
	assert.InDelta(t, 14*2.718, sizes[len(sizes)*8413/10000], 2, "one sigma above the median")
	assert.InDelta(t, 0.0039, float64(capped)/float64(n), 0.002, "as much as is over ln(200/14) sigmas")
	// Of the others, 2 in 60 start by chance within the same two minutes.
	assert.InDelta(t, 0.7+0.3*2/60, float64(onTheHour)/float64(n), 0.005)
	assert.InDelta(t, (65 * time.Minute).Minutes(), (length / n).Minutes(), 0.5)
	assert.InDelta(t, 2.5, (early / n).Minutes(), 0.1)
	assert.InDelta(t, 4, late.Minutes()/float64(people), 0.1)
	assert.InDelta(t, 0.632, float64(inTime)/float64(people), 0.01, "within the mean of an exponential distribution")
	assert.True(t, slices.IsSortedFunc(meetings, func(a, b meeting) int { return int(a.created - b.created) }))
}

// A seed is one workload, whatever is done with it; another seed is another one.
func TestWorkloadDependsOnTheSeedAlone(t *testing.T) {
	t.Parallel()
	c := Default()
	meetings := workload(c, 7)
	assert.NotEqual(t, meetings, workload(c, 8))

	other := c
	other.Servers, other.Refresh, other.Replicas, other.Joins = 5, time.Minute, 3, true
	assert.Equal(t, meetings, workload(other, 7))

	other.Early = 10 * time.Minute
	assert.ElementsMatch(t, starts(meetings), starts(workload(other, 7)))
}

func starts(meetings []meeting) (list []span) {
	for _, m := range meetings {
		list = append(list, m.start)
	}
	return list
}

func TestAttendeesComeOneByOneAndLeaveTogether(t *testing.T) {
	t.Parallel()
	const s = time.Second
	m := meeting{created: 10 * s, start: 20 * s, end: 60 * s, arrivals: []span{20 * s, 30 * s, 30 * s, 70 * s}}
	for at, want := range map[span]int{
		0: 0, 19 * s: 0, 20 * s: 1, 29 * s: 1, 30 * s: 3, 59 * s: 3, 60 * s: 0, 70 * s: 0,
	} {
		assert.Equal(t, want, m.attendees(at), "%v", at)
	}
	assert.Equal(t, 4, m.size())
	assert.False(t, m.running(9*s))
	assert.True(t, m.running(10*s), "with nobody in it")
	assert.True(t, m.running(59*s))
	assert.False(t, m.running(60*s))
}

// All happens in order, and the last poll of each server before a create is known
// to be needed.
func TestScheduleIsInOrder(t *testing.T) {
	t.Parallel()
	c := Default()
	c.Servers, c.Replicas, c.Joins, c.Early = 3, 2, true, time.Minute
	meetings := workload(c, 3)

	type turn struct{ replica, server int }
	polled := map[turn]event{}
	created := make([]bool, len(meetings))
	var creates, joins [2]int
	last := meetings[0].created - c.Refresh
	for _, e := range schedule(c, 3, meetings) {
		require.GreaterOrEqual(t, e.at, last)
		last = e.at
		k := turn{e.replica, e.server}
		switch e.kind {
		case poll:
			if before, ok := polled[k]; ok {
				require.Equal(t, c.Refresh, e.at-before.at)
			}
			polled[k] = e
		case create:
			require.Equal(t, meetings[e.meeting].created, e.at)
			created[e.meeting] = true
			creates[e.replica]++
			for s := range c.Servers {
				p, ok := polled[turn{e.replica, s}]
				require.True(t, ok)
				require.True(t, p.needed)
				require.Less(t, e.at-p.at, c.Refresh)
			}
		case join:
			require.True(t, created[e.meeting])
			require.Less(t, e.at, meetings[e.meeting].end)
			joins[e.replica]++
		}
	}
	assert.NotContains(t, created, false)
	assert.Len(t, polled, 6)
	assert.InDelta(t, 1, float64(creates[0])/float64(creates[1]), 0.3)
	assert.InDelta(t, 1, float64(joins[0])/float64(joins[1]), 0.1)

	c.Joins = false
	for _, e := range schedule(c, 3, meetings) {
		require.NotEqual(t, join, e.kind)
	}
}

// Of the polls, those are made that are needed, the first that shows a meeting,
// and those before and after its first attendee.
func TestPollsThatNobodyNoticesAreLeftOut(t *testing.T) {
	t.Parallel()
	const s = time.Second
	c := Default()
	c.Servers, c.Refresh = 2, 10*s
	f := newFleet(c, []meeting{{created: 25 * s, start: 25 * s, end: 110 * s, arrivals: []span{55 * s, 65 * s}}})
	p := newPolls(c, f)
	var made []span
	for at := span(0); at <= 160*s; at += 10 * s {
		if at == 30*s {
			f.place(0, 1)
		}
		if p.matters(event{at: at, kind: poll, server: 1, needed: at == 80*s}) {
			made = append(made, at/s)
		}
		assert.Equal(t, at == 90*s, p.matters(event{at: at, kind: poll, server: 0, needed: at == 90*s}))
	}
	assert.Equal(t, []span{30, 50, 60, 80}, made)
}

func TestLastPoll(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for at, want := range map[span]span{
		3 * s: 3 * s, 4 * s: 3 * s, 12 * s: 3 * s, 13 * s: 13 * s, 2 * s: -7 * s, -7 * s: -7 * s, -8 * s: -17 * s,
	} {
		assert.Equal(t, want, lastPoll(3*s, 10*s, at), "%v", at)
	}
}
