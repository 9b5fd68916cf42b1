package simulate

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"time"
)

const (
	burstTime    = 2 * time.Minute // within which the meetings of a burst start
	meanArrival  = 4 * time.Minute // from the start of a meeting to an arrival
	shortMeeting = 40 * time.Minute
	longMeeting  = 90 * time.Minute
)

// The generators of a seed draw apart, so that what one of them draws does not
// change what another one does.
const (
	workloadStream = iota + 1
	scheduleStream
	policyStream
)

func draws(seed int, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(seed), stream)) //nolint:gosec // seeds are over 0, and what they give is to be repeated
}

// meeting is one meeting of the workload.
type meeting struct {
	created, start, end span
	arrivals            []span // in order; the last ones may come too late
}

// size returns how many people the meeting is for.
func (m *meeting) size() int { return len(m.arrivals) }

// running reports whether a server lists the meeting, if it was created.
func (m *meeting) running(at span) bool { return m.created <= at && at < m.end }

// attendees returns how many people are in the meeting. They come one by one and
// leave together.
func (m *meeting) attendees(at span) int {
	if at >= m.end {
		return 0
	}
	return sort.Search(len(m.arrivals), func(i int) bool { return m.arrivals[i] > at })
}

// workload returns the meetings of a seed in the order in which they are created.
func workload(c Config, seed int) []meeting {
	r := draws(seed, workloadStream)
	list := make([]meeting, 0, c.Meetings*(c.Hours+1))
	inBurst := int(math.Round(c.Burst * float64(c.Meetings)))
	for hour := range c.Hours + 1 {
		for i := range c.Meetings {
			within := time.Hour
			if i < inBurst {
				within = burstTime
			}
			var m meeting
			m.start = time.Duration(hour)*time.Hour + upTo(r, within)
			m.created = m.start - upTo(r, c.Early)
			m.end = m.start + shortMeeting + upTo(r, longMeeting-shortMeeting)
			size := math.Round(c.Median * math.Exp(c.Sigma*r.NormFloat64()))
			m.arrivals = make([]span, int(min(max(size, 1), float64(c.Cap))))
			for j := range m.arrivals {
				m.arrivals[j] = m.start + time.Duration(r.ExpFloat64()*float64(meanArrival))
			}
			slices.Sort(m.arrivals)
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(a, b meeting) int { return int(a.created - b.created) })
	return list
}

// upTo draws a time, evenly. It draws also where there is nothing to choose, so
// that one parameter does not change what else is drawn.
func upTo(r *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(r.Float64() * float64(d))
}
