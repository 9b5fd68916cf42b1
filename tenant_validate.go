package bbb

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// What a tenant must keep to.
const (
	maxTenantName   = 100
	maxNamespace    = 32
	minTenantSecret = 8
)

var tenantNameLength = length(1, maxTenantName)

// Validate reports every problem of the tenant in one joined error. The texts name the tenant
// and the field, and hold no value that may be a secret.
func (t *Tenant) Validate() error {
	var problems []error
	add := func(field, problem string) { problems = append(problems, t.problem(field, problem)) }
	if t.Name == "" {
		add("name", "is required")
	}
	if len(t.Secrets) == 0 {
		add("secrets", "has none: nobody could sign")
	}
	seen := make(map[string]bool)
	for i, secret := range t.Secrets {
		field := "secrets[" + strconv.Itoa(i) + "]"
		switch {
		case len(secret) < minTenantSecret:
			add(field, "must have at least "+strconv.Itoa(minTenantSecret)+" characters")
		case strings.TrimSpace(secret) != secret || oneLine(secret) != "":
			add(field, "must be one line without white space around")
		case seen[secret]:
			add(field, "is there twice")
		}
		seen[secret] = true
	}
	return errors.Join(append(problems, t.validate())...)
}

// validate is Validate for what matters once it is known whose call it is. A tenant without a
// name is that of a handler which has only one.
func (t *Tenant) validate() error {
	var problems []error
	add := func(field, problem string) { problems = append(problems, t.problem(field, problem)) }
	report := func(field, problem string) {
		if problem != "" {
			add(field, problem)
		}
	}
	if t.Name != "" {
		switch {
		case strings.TrimSpace(t.Name) != t.Name:
			add("name", "must not begin or end with white space")
		case oneLine(t.Name) != "":
			add("name", oneLine(t.Name))
		default:
			report("name", tenantNameLength(t.Name))
		}
	}
	for i, host := range t.Hosts {
		report("hosts["+strconv.Itoa(i)+"]", hostProblem(host))
	}
	for i, path := range t.Paths {
		report("paths["+strconv.Itoa(i)+"]", pathProblem(path))
	}
	report("namespace", namespaceProblem(t.Namespace))
	if _, err := foldScope(t.meta()); err != nil {
		problems = append(problems, t.wrap(fmt.Errorf("meta: %w", err)))
	}
	for _, part := range []struct {
		field    string
		values   map[string]string
		problems func(*Tenant, map[string]string, func(name, problem string))
		forced   bool
	}{
		{"defaults.create", t.Defaults.Create, createTable.tenantProblems, false},
		{"defaults.join", t.Defaults.Join, joinTable.tenantProblems, false},
		{"forced.create", t.Forced.Create, createTable.tenantProblems, true},
		{"forced.join", t.Forced.Join, joinTable.tenantProblems, true},
	} {
		part.problems(t, part.values, func(name, problem string) { add(part.field+"["+quoted(name)+"]", problem) })
		for _, name := range sortedKeys(part.values) {
			if part.values[name] == "" && !part.forced {
				add(part.field+"["+quoted(name)+"]", "has no value")
			}
		}
	}
	if t.Limits.Meetings < 0 {
		add("limits.meetings", problemNegative)
	}
	if t.Limits.Attendees < 0 {
		add("limits.attendees", problemNegative)
	}
	for _, name := range sortedKeys(t.Labels) {
		if name == "" || strings.TrimSpace(name) != name || strings.ContainsFunc(name+t.Labels[name], isControl) {
			add("labels["+quoted(name)+"]", "is no label")
		}
	}
	return errors.Join(problems...)
}

// problem is an error about a field.
func (t *Tenant) problem(field, text string) error {
	return fmt.Errorf("bbb: tenant %s: %s %s", quoted(t.Name), field, text)
}

func (t *Tenant) wrap(err error) error { return fmt.Errorf("bbb: tenant %s: %w", quoted(t.Name), err) }

// tenantProblems reports what makes no sense as a default or a forced parameter.
func (table *paramTable[P]) tenantProblems(t *Tenant, values map[string]string, report func(name, problem string)) {
	own, _ := foldScope(t.meta())
	taken := make(map[string]bool)
	for _, name := range sortedKeys(values) {
		key := table.canonical(name)
		meta, isMeta := strings.CutPrefix(key, "meta_")
		_, marks := own[meta]
		switch {
		case name == "" || strings.TrimSpace(name) != name || oneLine(name) != "":
			report(name, "is no name of a parameter")
		case key == checksumParam || key == "meetingid" || key == "recordid":
			report(name, "belongs to each call")
		case isMeta && marks:
			report(name, "marks what belongs to the tenant")
		case taken[key]:
			report(name, "is there twice, in another spelling")
		case table.properName(key) != "" && table.byName[name] == nil:
			report(name, "is spelled "+quoted(table.properName(key)))
		default:
			if values[name] != "" {
				if problem := table.valueProblem(name, values[name]); problem != "" {
					report(name, problem)
				}
			}
		}
		taken[key] = true
	}
}

// valueProblem tells why a server could not read a value, or refuse it.
func (table *paramTable[P]) valueProblem(name, value string) string {
	p, err := table.parse(map[string][]string{name: {value}})
	if e, ok := errors.AsType[*ParamError](err); ok {
		return e.Problem
	}
	f := table.byName[name]
	if f == nil {
		return manyLines(value)
	}
	if f.check != nil {
		if problem := f.check(&p); problem != "" {
			return problem
		}
	}
	if text := string(f.write(nil, &p)); text != "" {
		return f.textProblem(text)
	}
	return ""
}

// hostProblem tells what keeps a text from being the host of a request.
func hostProblem(host string) string {
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ""
	}
	switch {
	case host == "":
		return "is empty"
	case strings.ContainsAny(host, "*/@?#: \t") || oneLine(host) != "":
		return "must be a host name alone, without scheme, port or wildcard"
	}
	return ""
}

func pathProblem(path string) string {
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#%*\\") || strings.Contains(path, "//") || oneLine(path) != "" {
		return "must be a plain path that begins with a slash"
	}
	return ""
}

func namespaceProblem(namespace string) string {
	if len(namespace) > maxNamespace {
		return "must have at most " + strconv.Itoa(maxNamespace) + " characters"
	}
	for i := range len(namespace) {
		if c := namespace[i]; !isLetter(c) && !isDigit(c) {
			return "must be letters and digits"
		}
	}
	return ""
}
