package bbb

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// knownBy is what a set knows, by ID, found by each ID and in the list.
func knownBy(t *testing.T, c *meetingSet) map[string]*Meeting {
	t.Helper()
	known := make(map[string]*Meeting)
	for _, m := range c.since(nil, time.Time{}) {
		require.Same(t, m, c.get(m.ID))
		require.NotContains(t, known, m.ID)
		known[m.ID] = m
	}
	return known
}

// A set does what its rules say, told here in the plainest way: over a map, with a new one
// for every list.
func TestMeetingSetIsLikeAMap(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		var (
			c       meetingSet
			known   = make(map[string]*Meeting)
			dropped = make(map[string]time.Time)
			list    []string // of the server
			now     = noon
			listed  time.Time
		)
		for n := range 20 {
			list = append(list, fmt.Sprint("m", n))
		}
		for range 200 {
			now = now.Add(time.Second)
			id := fmt.Sprint("m", r.IntN(40))
			switch r.IntN(6) {
			case 0:
				m := seen(id, now)
				c.put(m)
				known[id] = m
				delete(dropped, id)
			case 1:
				c.drop(id, now)
				delete(known, id)
				dropped[id] = now
			case 2: // the list changes somewhere
				if i := r.IntN(len(list)); r.IntN(2) == 0 {
					list = append(list[:i:i], list[i+1:]...)
				} else {
					list = append(list[:i:i], append([]string{fmt.Sprint("m", r.IntN(40))}, list[i:]...)...)
				}
			default:
				asked := now.Add(-time.Duration(r.IntN(3)) * time.Second)
				var meetings []*Meeting
				for _, id := range list {
					meetings = append(meetings, seen(id, asked))
				}
				gone := c.replace(asked, append([]*Meeting(nil), meetings...))
				if asked.Before(listed) {
					assert.Empty(t, gone)
					continue
				}
				listed = asked
				next := make(map[string]*Meeting)
				for _, m := range meetings {
					if at, ok := dropped[m.ID]; !ok || !at.After(asked) {
						next[m.ID] = m
					}
				}
				var want []string
				for id, m := range known {
					if m.FetchedAt.After(asked) {
						next[id] = m
					} else if next[id] == nil {
						want = append(want, id)
					}
				}
				assert.ElementsMatch(t, want, gone)
				known = next
				there, _ := c.among(meetings)
				for _, m := range there {
					assert.Contains(t, known, m.ID)
				}
			}
			got := knownBy(t, &c)
			require.Len(t, got, len(known))
			for id, m := range known {
				require.Same(t, m, got[id], id)
			}
		}
	}
}

// A list of the same meetings in the same order is taken in place. That gives what taking
// it anew gives.
func TestLedgerRenewsWhatItWouldRebuild(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	seats := func(l *ledger) map[string]seat {
		all := make(map[string]seat)
		for _, m := range l.seats {
			if m.id != "" {
				require.Equal(t, m, *l.seat(m.id))
				all[m.id] = m
			}
		}
		require.Len(t, all, len(l.seats)-l.free)
		return all
	}
	renewed := 0
	for range 50 {
		var one, other ledger
		now, n := noon, 1+r.IntN(40)
		one.clock.moment(now)
		other.clock.moment(now)
		for range 100 {
			now = now.Add(time.Duration(1+r.IntN(20)) * time.Second)
			id := fmt.Sprint("m", r.IntN(n))
			switch r.IntN(8) {
			case 0:
				assert.Equal(t, one.joined(id, 2, now), other.joined(id, 2, now))
			case 1:
				one.drop(id)
				other.drop(id)
			case 2:
				one.reserve(nil, id, 30, now)
				other.reserve(nil, id, 30, now)
			case 3:
				one.settle(id, 30, now.Add(time.Minute))
				other.settle(id, 30, now.Add(time.Minute))
			default:
				var list []*Meeting
				for i := range n {
					list = append(list, &Meeting{
						ID: fmt.Sprint("m", i), InternalID: fmt.Sprint(r.IntN(20) / 19), CreateTime: noon, ParticipantCount: r.IntN(5),
						HasBeenForciblyEnded: r.IntN(200) == 0,
					})
				}
				other.rebuild(now, list)
				other.asked = now
				if one.renew(now, list) {
					renewed++
				} else {
					one.rebuild(now, list)
				}
				one.asked = now
			}
			require.Equal(t, seats(&other), seats(&one))
		}
	}
	assert.Positive(t, renewed)
}
