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

	mu      sync.RWMutex // protects the fields below; held for no I/O
	owner   *Server      // that the meetings are on
	asked   time.Time    // when the server was asked for the whole list
	list    []*Meeting   // in the server's order; nil where one was dropped
	place   map[string]int
	dropped map[string]time.Time // those that ended since the server was asked
	stale   time.Time            // when something was changed that only asking again can tell
	tidyLen int                  // length of list from which put looks for old ones
}

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
	place := make(map[string]int, len(list))
	for i, m := range list {
		if at, ok := c.dropped[m.ID]; m.ID == "" || ok && at.After(asked) {
			list[i] = nil
			continue
		}
		if twice, ok := place[m.ID]; ok { // such as one that was ended, and created anew at once
			if over(m) && !over(list[twice]) {
				list[i] = nil
				continue
			}
			list[twice] = nil
		}
		list[i], place[m.ID] = c.owned(m), i
	}
	for _, m := range c.list {
		if m == nil {
			continue
		}
		i, there := place[m.ID]
		switch later := m.FetchedAt.After(asked); {
		case there && later:
			list[i] = m
		case later:
			place[m.ID] = len(list)
			list = append(list, m)
		case !there:
			gone = append(gone, m.ID)
		}
	}
	for id, at := range c.dropped {
		if !at.After(asked) {
			delete(c.dropped, id)
		}
	}
	c.asked, c.list, c.place, c.tidyLen = asked, list, place, 0
	return gone
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
	if c.place == nil {
		c.place = make(map[string]int, len(list))
	}
	for _, m := range list {
		_, here := c.place[m.ID]
		if at, ended := c.dropped[m.ID]; here || ended && !at.Before(m.FetchedAt) {
			continue
		}
		c.place[m.ID] = len(c.list)
		c.list = append(c.list, c.owned(m))
		taken = append(taken, m)
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
	m = c.owned(m)
	if i, ok := c.place[m.ID]; ok {
		if old := c.list[i]; !m.FetchedAt.Before(old.FetchedAt) {
			c.list[i] = m
		}
		return nil, true
	}
	if c.place == nil {
		c.place = make(map[string]int)
	}
	if len(c.list) >= max(c.tidyLen, 1024) {
		gone = c.tidy(m.FetchedAt.Add(-placementTime))
	}
	c.place[m.ID] = len(c.list)
	c.list = append(c.list, m)
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
	clear(c.place)
	for i, m := range c.list {
		c.place[m.ID] = i
	}
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
	if i, ok := c.place[id]; ok {
		c.list[i] = nil
		delete(c.place, id)
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
// or later, and reports whether that is so.
func (c *meetingSet) freshList(dst []*Meeting, from time.Time) ([]*Meeting, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.fresh(c.asked, from) {
		return dst, false
	}
	for _, m := range c.list {
		if m != nil {
			dst = append(dst, m)
		}
	}
	return dst, true
}

// freshSince reports whether the server was asked for all of them at that time or later.
func (c *meetingSet) freshSince(from time.Time) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.fresh(c.asked, from)
}

// freshOne returns a meeting if it was seen at that time or later, else nil.
func (c *meetingSet) freshOne(id string, from time.Time) *Meeting {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if i, ok := c.place[id]; ok && c.fresh(c.list[i].FetchedAt, from) {
		return c.list[i]
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
	if i, ok := c.place[id]; ok {
		return c.list[i]
	}
	return nil
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
