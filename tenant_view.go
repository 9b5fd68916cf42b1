package bbb

import (
	"maps"
	"strings"
)

// within returns the part of a scope that belongs to the tenant.
func (t *Tenant) within(sc *Scope) (*Scope, error) {
	own := t.Meta
	if own == nil && t.Name != "" {
		own = map[string]string{metaTenant: t.Name}
	}
	meta := sc.Meta()
	if meta == nil {
		meta = make(map[string]string, len(own))
	}
	maps.Copy(meta, own)
	narrowed, err := sc.group.Scope(meta)
	if err != nil {
		return nil, err
	}
	narrowed.prefix = sc.prefix + t.prefix()
	return narrowed, nil
}

// metaTenant is the metadata that marks what belongs to a tenant, unless Tenant.Meta says otherwise.
const metaTenant = "tenant"

// prefix is what stands in front of the tenant's meeting IDs on the servers.
func (t *Tenant) prefix() string {
	if t.Namespace == "" {
		return ""
	}
	return t.Namespace + "-"
}

// realID returns the ID that servers know a meeting of the caller by.
func (q *incoming) realID(id string) string {
	if id == "" {
		return ""
	}
	return q.scope.prefix + id
}

// shownID returns the ID that the caller knows a meeting by. One that does not have the prefix, as that
// of a breakout room, which its server has made up, is shown as it is.
func (q *incoming) shownID(id string) string { return strings.TrimPrefix(id, q.scope.prefix) }

// shown returns a meeting as the caller may see it: the ID is the caller's, and the metadata of the scope is
// left out. Others hold m, so what changes is a copy.
func (q *incoming) shown(m *Meeting) *Meeting {
	if q.scope.prefix == "" && len(q.scope.meta) == 0 {
		return m
	}
	seen := *m
	seen.ID = q.shownID(m.ID)
	seen.Metadata = maps.Clone(m.Metadata)
	for key := range q.scope.meta {
		delete(seen.Metadata, key)
	}
	return &seen
}
