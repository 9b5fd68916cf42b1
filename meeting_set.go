package bbb

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// meetingSet is what is known of the meetings of one server.
type meetingSet struct {
	heard atomic.Pointer[heardList] // the list as the server gave it, or nil; replaced with mu held

	mu      sync.RWMutex         // protects the fields below; held for no I/O
	owner   *Server              // that the meetings are on
	version uint64               // of what list has: another one after each change, and none that another set ever has
	asked   time.Time            // when the server was asked for the whole list
	list    []*Meeting           // in the server's order; nil where one was dropped
	place   idTable              // of list
	drops   uint64               // how often drop was called
	dropped map[string]time.Time // those that ended since the server was asked
	stale   time.Time            // when something was changed that only asking again can tell
	tidyLen int                  // length of list from which put looks for old ones
}

// setVersions counts the changes of all sets.
var setVersions atomic.Uint64

// changed gives the set another version. The lock is held.
func (c *meetingSet) changed() { c.version = setVersions.Add(1) }

// replace takes the whole list that the server gave when it was asked at that
// time, and returns the IDs of the meetings that are gone. A meeting that was
// put later is kept: it was created while the list was on its way. One that was
// dropped later is not taken. A list older than the one that is there changes
// nothing. The list becomes the set's own.
func (c *meetingSet) replace(asked time.Time, list []*Meeting) (gone []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked.Before(c.asked) {
		return nil
	}
	if c.renew(asked, list) {
		return nil
	}
	c.changed()
	old := c.list
	c.list, c.place = list, newIDTable(len(list))
	for i, m := range list {
		if at, ok := c.dropped[m.ID]; m.ID == "" || ok && at.After(asked) {
			list[i] = nil
			continue
		}
		if twice, ok := c.place.find(c, m.ID); ok { // such as one that was ended, and created anew at once
			if over(m) && !over(list[twice]) {
				list[i] = nil
				continue
			}
			list[twice] = nil
		}
		list[i] = c.owned(m)
		c.place.put(c, i)
	}
	for _, m := range old {
		if m == nil {
			continue
		}
		i, there := c.place.find(c, m.ID)
		switch later := m.FetchedAt.After(asked); {
		case there && later:
			c.list[i] = m
		case later:
			c.add(m)
		case !there:
			gone = append(gone, m.ID)
		}
	}
	for id, at := range c.dropped {
		if !at.After(asked) {
			delete(c.dropped, id)
		}
	}
	c.asked, c.tidyLen = asked, 0
	return gone
}

// renew takes a list of the meetings that are there, in their order, as nearly every list
// is, and reports whether it is one. The lock is held.
func (c *meetingSet) renew(asked time.Time, list []*Meeting) bool {
	if len(list) != len(c.list) || len(c.dropped) > 0 {
		return false
	}
	for i, m := range c.list {
		if m == nil || m.ID != list[i].ID || m.FetchedAt.After(asked) {
			return false
		}
	}
	same := true
	for i, m := range list {
		list[i] = c.owned(m)
		same = same && list[i] == c.list[i]
	}
	if !same {
		c.changed()
	}
	c.asked, c.list, c.tidyLen = asked, list, 0
	return true
}

func (c *meetingSet) places() int { return len(c.list) }

func (c *meetingSet) idAt(i int) string {
	if m := c.list[i]; m != nil {
		return m.ID
	}
	return ""
}

// find returns a meeting and where it is. The lock is held.
func (c *meetingSet) find(id string) (int, *Meeting) {
	if i, ok := c.place.find(c, id); ok {
		return i, c.list[i]
	}
	return 0, nil
}

// add takes a meeting that is not there. The lock is held.
func (c *meetingSet) add(m *Meeting) {
	c.list = append(c.list, m)
	c.place.added(c)
}

// among returns those of a list that are there, and how often one was dropped up to now.
func (c *meetingSet) among(list []*Meeting) (there []*Meeting, drops uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for i, m := range list {
		known := i < len(c.list) && c.idAt(i) == m.ID && m.ID != ""
		if !known {
			_, known = c.place.find(c, m.ID)
		}
		switch {
		case known && there != nil:
			there = append(there, m)
		case !known && there == nil:
			there = append(make([]*Meeting, 0, len(list)), list[:i]...)
		}
	}
	if there == nil {
		there = list
	}
	return there, c.drops
}

// dropCount returns how often a meeting was dropped.
func (c *meetingSet) dropCount() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.drops
}

// last returns the list that the server gave last, for the next one to be compared with.
func (c *meetingSet) last() *heardList {
	if h := c.heard.Load(); h != nil {
		return h
	}
	return newHeardList(new(xmlwire.Seen[Meeting]))
}

// hear takes the list that the server gave when it was asked at that time, if there is none that is
// newer.
func (c *meetingSet) hear(asked time.Time, list *heardList) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !asked.Before(c.asked) {
		c.heard.Store(list)
	}
}

// offer takes those meetings of a list from elsewhere that are not here and did
// not end since. What is here stays: the clock of another machine does not tell
// which is newer.
func (c *meetingSet) offer(list []*Meeting) (taken []*Meeting) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range list {
		_, here := c.find(m.ID)
		if at, ended := c.dropped[m.ID]; here != nil || ended && !at.Before(m.FetchedAt) {
			continue
		}
		c.add(c.owned(m))
		taken = append(taken, m)
	}
	if len(taken) > 0 {
		c.changed()
	}
	return taken
}

// put takes one meeting, and reports whether it did: not one that was dropped after it was asked
// for. In a process that never asks for the whole list, which
// would clear out what is over, it returns now and then the IDs of meetings
// that are too old to be still there.
func (c *meetingSet) put(m *Meeting) (gone []string, taken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.dropped[m.ID]; ok && at.After(m.FetchedAt) {
		return nil, false
	}
	delete(c.dropped, m.ID)
	c.changed()
	m = c.owned(m)
	if i, old := c.find(m.ID); old != nil {
		if !m.FetchedAt.Before(old.FetchedAt) {
			c.list[i] = m
		}
		return nil, true
	}
	if len(c.list) >= max(c.tidyLen, 1024) {
		gone = c.tidy(m.FetchedAt.Add(-placementTime))
	}
	c.add(m)
	return gone, true
}

// tidy drops what is older than the given time. The lock is held.
func (c *meetingSet) tidy(before time.Time) (gone []string) {
	c.list = slices.DeleteFunc(c.list, func(m *Meeting) bool {
		if m != nil && m.FetchedAt.Before(before) {
			gone = append(gone, m.ID)
			m = nil
		}
		return m == nil
	})
	c.place.build(c)
	c.tidyLen = 2 * len(c.list)
	return gone
}

// drop takes out a meeting that was over at that time.
func (c *meetingSet) drop(id string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dropped == nil {
		c.dropped = make(map[string]time.Time)
	}
	if len(c.dropped) >= 1024 { // nobody asks for the list; a list that is under way is not older
		for id, t := range c.dropped {
			if at.Sub(t) > time.Minute {
				delete(c.dropped, id)
			}
		}
	}
	c.dropped[id] = at
	c.drops++
	if i, m := c.find(id); m != nil {
		c.list[i] = nil
		c.changed()
	}
}

// outdate says that something was done at that time which what is known here does not
// tell, such as a join.
func (c *meetingSet) outdate(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stale = at
}

// freshList appends the meetings if the server was asked for all of them at that time
// or later, and reports whether that is so, and which version that is.
func (c *meetingSet) freshList(dst []*Meeting, from time.Time) (list []*Meeting, version uint64, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.fresh(c.asked, from) {
		return dst, 0, false
	}
	dst = slices.Grow(dst, len(c.list))
	for _, m := range c.list {
		if m != nil {
			dst = append(dst, m)
		}
	}
	return dst, c.version, true
}

// freshSince reports whether the server was asked for all of them at that time or later, and which version
// that is.
func (c *meetingSet) freshSince(from time.Time) (version uint64, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.version, c.fresh(c.asked, from)
}

// freshOne returns a meeting if it was seen at that time or later, else nil.
func (c *meetingSet) freshOne(id string, from time.Time) *Meeting {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if _, m := c.find(id); m != nil && c.fresh(m.FetchedAt, from) {
		return m
	}
	return nil
}

// fresh reports whether what was asked for then tells all since from. The lock is held.
func (c *meetingSet) fresh(asked, from time.Time) bool {
	return !asked.IsZero() && !asked.Before(from) && (c.stale.IsZero() || asked.After(c.stale))
}

func (c *meetingSet) get(id string) *Meeting {
	c.mu.RLock()
	defer c.mu.RUnlock()
	_, m := c.find(id)
	return m
}

// findInternal returns the meeting with that internal ID.
func (c *meetingSet) findInternal(internalID string) *Meeting {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, m := range c.list {
		if m != nil && m.InternalID == internalID {
			return m
		}
	}
	return nil
}

// since appends the meetings that were fetched at that time or later.
func (c *meetingSet) since(dst []*Meeting, from time.Time) []*Meeting {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, m := range c.list {
		if m != nil && !m.FetchedAt.Before(from) {
			dst = append(dst, m)
		}
	}
	return dst
}
