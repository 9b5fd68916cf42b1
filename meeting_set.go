package bbb

import (
	"slices"
	"sync"
	"time"
)

// meetingSet is what is known of the meetings of one server.
type meetingSet struct {
	mu      sync.RWMutex // protects the fields below; held for no I/O
	asked   time.Time    // when the server was asked for the whole list
	list    []*Meeting   // in the server's order; nil where one was dropped
	place   map[string]int
	tidyLen int // length of list from which put looks for old ones
}

// replace takes the whole list that the server gave when it was asked at that
// time, and returns the IDs of the meetings that are gone. A meeting that was
// put later is kept: it was created while the list was on its way. A list older
// than the one that is there changes nothing.
func (c *meetingSet) replace(asked time.Time, list []*Meeting) (gone []string) {
	place := make(map[string]int, len(list))
	for i, m := range list {
		place[m.ID] = i
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked.Before(c.asked) {
		return nil
	}
	for _, m := range c.list {
		if m == nil {
			continue
		}
		i, there := place[m.ID]
		switch later := m.FetchedAt.After(asked); {
		case there && later:
			list[i] = m
		case !there && later:
			place[m.ID] = len(list)
			list = append(list, m)
		case !there:
			gone = append(gone, m.ID)
		}
	}
	c.asked, c.list, c.place, c.tidyLen = asked, list, place, 0
	return gone
}

// put takes one meeting. In a process that never asks for the whole list, which
// would clear out what is over, it returns now and then the IDs of meetings
// that are too old to be still there.
func (c *meetingSet) put(m *Meeting) (gone []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i, ok := c.place[m.ID]; ok {
		if old := c.list[i]; !m.FetchedAt.Before(old.FetchedAt) {
			c.list[i] = m
		}
		return nil
	}
	if c.place == nil {
		c.place = make(map[string]int)
	}
	if len(c.list) >= max(c.tidyLen, 1024) {
		gone = c.tidy(m.FetchedAt.Add(-placementTime))
	}
	c.place[m.ID] = len(c.list)
	c.list = append(c.list, m)
	return gone
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

func (c *meetingSet) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i, ok := c.place[id]; ok {
		c.list[i] = nil
		delete(c.place, id)
	}
}

func (c *meetingSet) get(id string) *Meeting {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if i, ok := c.place[id]; ok {
		return c.list[i]
	}
	return nil
}

func (c *meetingSet) len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.place)
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
