package bbb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// StaticTenants finds tenants in a list that does not change. It keeps copies.
//
// A request belongs to the tenant whose Hosts and Paths it fits. When it fits those of several, the one
// that has signed it is chosen, of those with a host before those without, and of longer paths before shorter
// ones. So tenants found by host or path cost a look into a map, and those found by the checksum alone a hash for
// each of them in turn: with ten thousand of these, every request is ten thousand hashes, and a forged one as well.
//
// All problems with the tenants come back in one joined error: those that [Tenant.Validate] finds, a
// name or a namespace that two have, a tenant without a namespace beside others, metadata
// that two have, and a secret shared by tenants that nothing else tells apart.
func StaticTenants(tenants ...*Tenant) (TenantFunc, error) {
	x, err := newTenantIndex(tenants)
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, q *TenantQuery) (*Tenant, error) { return x.find(q), nil }, nil
}

// tenantIndex finds tenants. It does not change.
type tenantIndex struct {
	byName  map[string]*Tenant
	byHost  map[string]tenantsByPath
	anyHost tenantsByPath
}

// tenantsByPath are tenants by the paths that theirs begin with: with a slash at the end, "" for any.
type tenantsByPath map[string][]*Tenant

func newTenantIndex(tenants []*Tenant) (*tenantIndex, error) {
	x := &tenantIndex{
		byName: make(map[string]*Tenant, len(tenants)), byHost: make(map[string]tenantsByPath), anyHost: make(tenantsByPath),
	}
	var problems []error
	if len(tenants) == 0 {
		problems = append(problems, errors.New("bbb: no tenants: nobody could sign"))
	}
	namespaces := make(map[string]*Tenant, len(tenants)) // in lower case: two that differ in case alone are a slip
	bySecret := make(map[string][]*Tenant, len(tenants))
	marks := make(map[string]*Tenant, len(tenants)) // by metadata
	for i, t := range tenants {
		if t == nil {
			problems = append(problems, fmt.Errorf("bbb: tenant number %d is nil", i+1))
			continue
		}
		t = t.clone()
		t.normalize()
		if err := t.Validate(); err != nil {
			problems = append(problems, err)
		}
		if x.byName[t.Name] != nil {
			problems = append(problems, t.problem("name", "is there twice"))
		}
		x.byName[t.Name] = t
		folded := strings.ToLower(t.Namespace)
		switch other := namespaces[folded]; {
		case t.Namespace == "" && len(tenants) > 1:
			problems = append(problems, t.problem("namespace", "is required: there are other tenants, who may use the same meeting IDs"))
		case other != nil:
			problems = append(problems, t.problem("namespace", "is that of tenant "+quoted(other.Name)))
		}
		namespaces[folded] = t
		// Nothing else tells whose the recordings of breakout rooms are.
		if mark := t.mark(); mark != "" {
			if other := marks[mark]; other != nil && other.Name != t.Name {
				problems = append(problems, t.problem("meta", "is that of tenant "+quoted(other.Name)))
			}
			marks[mark] = t
		}
		for n, secret := range t.Secrets {
			if at := slices.IndexFunc(bySecret[secret], t.overlaps); at >= 0 {
				other := bySecret[secret][at]
				problems = append(problems, t.problem(fmt.Sprintf("secrets[%d]", n), "is one of tenant "+quoted(other.Name)+", whose hosts and paths do not exclude it"))
			}
			bySecret[secret] = append(bySecret[secret], t)
		}
		x.add(t)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return x, nil
}

// mark returns the metadata of the tenant as one text, "" for none.
func (t *Tenant) mark() (mark string) {
	meta, _ := foldScope(t.meta())
	for _, key := range sortedKeys(meta) {
		mark += quoted(key) + "=" + quoted(meta[key]) + " "
	}
	return mark
}

// normalize writes hosts and paths the way they are compared.
func (t *Tenant) normalize() {
	for i, host := range t.Hosts {
		t.Hosts[i] = strings.Trim(strings.TrimSuffix(strings.ToLower(host), "."), "[]")
	}
	for i, path := range t.Paths {
		if path != "" && !strings.HasSuffix(path, "/") {
			t.Paths[i] += "/"
		}
	}
}

// overlaps reports whether a request may fit both tenants.
func (t *Tenant) overlaps(other *Tenant) bool {
	if t == other { // the same secret twice is reported as such
		return false
	}
	hosts := len(t.Hosts) == 0 || len(other.Hosts) == 0 ||
		slices.ContainsFunc(t.Hosts, func(h string) bool { return slices.Contains(other.Hosts, h) })
	if !hosts || len(t.Paths) == 0 || len(other.Paths) == 0 {
		return hosts
	}
	return slices.ContainsFunc(t.Paths, func(p string) bool {
		return slices.ContainsFunc(other.Paths, func(q string) bool { return strings.HasPrefix(p, q) || strings.HasPrefix(q, p) })
	})
}

func (x *tenantIndex) add(t *Tenant) {
	if len(t.Hosts) == 0 {
		x.anyHost.add(t)
		return
	}
	for _, host := range t.Hosts {
		if x.byHost[host] == nil {
			x.byHost[host] = make(tenantsByPath)
		}
		x.byHost[host].add(t)
	}
}

func (p tenantsByPath) add(t *Tenant) {
	if len(t.Paths) == 0 {
		p[""] = append(p[""], t)
		return
	}
	for _, path := range t.Paths {
		p[path] = append(p[path], t)
	}
}

// find returns the tenant of a request, or nil.
func (x *tenantIndex) find(q *TenantQuery) *Tenant {
	if q.Name != "" {
		return x.byName[q.Name]
	}
	var room [4][]*Tenant
	lists := x.byHost[strings.Trim(strings.TrimSuffix(q.Host, "."), "[]")].fitting(room[:0], q.Path)
	lists = x.anyHost.fitting(lists, q.Path)
	if len(lists) == 1 && len(lists[0]) == 1 { // the handler verifies the checksum anyway
		return lists[0][0]
	}
	for _, list := range lists {
		for _, t := range list {
			if q.SignedBy(t) {
				return t
			}
		}
	}
	return nil
}

// fitting appends the lists of the tenants whose paths a path begins with, longest first.
func (p tenantsByPath) fitting(dst [][]*Tenant, path string) [][]*Tenant {
	if len(p) == 0 {
		return dst
	}
	for end := len(path); end > 0; end = strings.LastIndexByte(path[:end-1], '/') + 1 {
		if path[end-1] != '/' {
			continue
		}
		if list := p[path[:end]]; list != nil {
			dst = append(dst, list)
		}
	}
	if list := p[""]; list != nil {
		dst = append(dst, list)
	}
	return dst
}
