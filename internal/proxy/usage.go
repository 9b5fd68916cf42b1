package proxy

import (
	"context"
	"strings"

	"github.com/bbbgroup/bbb"
)

// metaTenant is the metadata that marks the meetings of a tenant which says nothing else.
const metaTenant = "tenant"

// usage is what a tenant has on the servers, as far as is known.
type usage struct{ Meetings, People int }

// usages returns what each tenant has, in the order of the tenants. No server is asked.
func usages(ctx context.Context, g *bbb.Group, tenants []*bbb.Tenant) []usage {
	list := make([]usage, len(tenants))
	if len(tenants) == 0 {
		return list
	}
	plain := make(map[string]int, len(tenants)) // those known by the metadata "tenant" alone
	var rest []int
	for i, t := range tenants {
		if t.Meta == nil {
			plain[t.Name] = i
		} else {
			rest = append(rest, i)
		}
	}
	for _, m := range g.CachedMeetings(ctx) {
		if m.HasBeenForciblyEnded {
			continue
		}
		if i, ok := plain[strings.TrimSpace(m.Metadata[metaTenant])]; ok {
			list[i].add(m)
		}
		for _, i := range rest {
			if owns(tenants[i], m) {
				list[i].add(m)
			}
		}
	}
	return list
}

func (u *usage) add(m *bbb.Meeting) {
	if !m.IsBreakout {
		u.Meetings++
	}
	u.People += m.ParticipantCount
}

// owns reports whether a meeting is that of a tenant with metadata of its own.
func owns(t *bbb.Tenant, m *bbb.Meeting) bool {
	for name, value := range t.Meta {
		if strings.TrimSpace(m.Metadata[strings.ToLower(name)]) != value {
			return false
		}
	}
	return m.IsBreakout || t.Namespace == "" || strings.HasPrefix(m.ID, t.Namespace+"-")
}
