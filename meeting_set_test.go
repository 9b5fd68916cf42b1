package bbb

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func seen(id string, at time.Time) *Meeting { return &Meeting{ID: id, FetchedAt: at} }

func (c *meetingSet) ids() []string {
	list := []string{}
	for _, m := range c.since(nil, time.Time{}) {
		list = append(list, m.ID)
	}
	return list
}

func TestMeetingSetOlderListChangesNothing(t *testing.T) {
	t.Parallel()
	var c meetingSet
	c.replace(noon, []*Meeting{seen("physics", noon)})
	assert.Empty(t, c.replace(noon.Add(-time.Second), []*Meeting{seen("chemistry", noon.Add(-time.Second))}))
	assert.Equal(t, []string{"physics"}, c.ids())
	assert.Equal(t, []string{"physics"}, c.replace(noon.Add(time.Second), nil))
	assert.Empty(t, c.ids())
}

// What was put while a list was on its way is newer than what the list says.
func TestMeetingSetKeepsLaterNews(t *testing.T) {
	t.Parallel()
	var c meetingSet
	later := noon.Add(time.Second)
	c.put(seen("created", later))
	updated := seen("updated", later)
	c.put(updated)
	c.put(seen("old", noon.Add(-time.Second)))
	gone := c.replace(noon, []*Meeting{seen("updated", noon), seen("other", noon)})
	assert.Equal(t, []string{"old"}, gone)
	assert.ElementsMatch(t, []string{"updated", "other", "created"}, c.ids())
	assert.Same(t, updated, c.get("updated"))

	c.put(seen("updated", noon))
	assert.Same(t, updated, c.get("updated"), "older news of one meeting do not count either")
	c.drop("updated", later)
	c.drop("updated", later)
	assert.Nil(t, c.get("updated"))
	assert.Len(t, c.ids(), 2)
	assert.Len(t, c.since(nil, later), 1)
}

// A process that creates meetings for weeks and never asks for a list does not grow
// for ever.
func TestMeetingSetIsBounded(t *testing.T) {
	t.Parallel()
	var c meetingSet
	gone := 0
	for i := range 20_000 {
		now := noon.Add(time.Duration(i) * 10 * time.Minute) // 144 in a day
		old, _ := c.put(seen(fmt.Sprintf("room-%d", i), now))
		gone += len(old)
		if i%2 == 0 {
			c.drop(fmt.Sprintf("room-%d", i), now)
		}
	}
	assert.LessOrEqual(t, len(c.list), 1100)
	assert.LessOrEqual(t, len(c.dropped), 1100)
	assert.Positive(t, gone)
	assert.NotNil(t, c.get("room-19999"))
	assert.Nil(t, c.get("room-1"))
	for _, id := range c.ids() {
		assert.NotNil(t, c.get(id))
	}
}

func TestMeetingSetEnded(t *testing.T) {
	t.Parallel()
	var c meetingSet
	c.put(seen("physics", noon))
	c.drop("physics", noon.Add(2*time.Second))
	c.replace(noon.Add(time.Second), []*Meeting{seen("physics", noon.Add(time.Second))})
	assert.Empty(t, c.ids(), "asked before the end")
	c.replace(noon.Add(3*time.Second), []*Meeting{seen("physics", noon.Add(3*time.Second))})
	assert.Equal(t, []string{"physics"}, c.ids(), "asked after it: the ID was used again")
	assert.Empty(t, c.dropped, "nothing is kept longer than needed")
	c.drop("physics", noon.Add(5*time.Second))
	_, taken := c.put(seen("physics", noon.Add(4*time.Second)))
	assert.False(t, taken, "asked before the end, too")
	assert.Empty(t, c.ids())
	_, taken = c.put(seen("physics", noon.Add(6*time.Second)))
	assert.True(t, taken)
}
