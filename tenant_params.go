package bbb

import (
	"maps"
	"net/url"
	"strings"
)

// applyTenant puts the defaults and the forced parameters of the tenant in place, before
// anything is read.
func (q *incoming) applyTenant() {
	switch t := q.tenant; q.call {
	case callCreate:
		q.params = createTable.override(q.params, t.Defaults.Create, t.Forced.Create)
	case callJoin:
		q.params = joinTable.override(q.params, t.Defaults.Join, t.Forced.Join)
	}
}

// undoes names what takes the effect of a parameter away, in lower case. Who forces the one
// does not want the other.
var undoes = map[string][]string{
	"disabledfeatures":  {"disabledfeaturesexclude"},
	"meetingkeepevents": {"keepevents"},
	"password":          {"role"}, // beats the password
}

// override returns the parameters with those that are forced, and the defaults of those
// that are missing. It leaves given alone.
func (t *paramTable[P]) override(given url.Values, defaults, forced map[string]string) url.Values {
	if len(defaults) == 0 && len(forced) == 0 {
		return given
	}
	fixed := make(map[string]bool, len(forced))
	for name := range forced {
		key := t.canonical(name)
		fixed[key] = true
		for _, other := range undoes[key] {
			fixed[other] = true
		}
	}
	all := make(url.Values, len(given)+len(defaults)+len(forced))
	present := make(map[string]bool, len(defaults))
	for name, values := range given {
		key := t.canonical(name)
		if fixed[key] {
			continue
		}
		all[name] = values
		if len(values) > 0 && values[0] != "" && t.understands(name) {
			present[key] = true
		}
	}
	for name, value := range defaults {
		if key := t.canonical(name); !fixed[key] && !present[key] {
			t.drop(all, key) // an empty one of another spelling
			all[name] = []string{value}
		}
	}
	for name, value := range forced {
		if value != "" {
			all[name] = []string{value}
		}
	}
	return all
}

// understands reports whether a name is spelled as servers spell it. One that is not known at
// all may be that of a newer release.
func (t *paramTable[P]) understands(name string) bool {
	return t.byName[name] != nil || t.properName(t.canonical(name)) == ""
}

func (t *paramTable[P]) drop(params url.Values, key string) {
	maps.DeleteFunc(params, func(name string, _ []string) bool { return t.canonical(name) == key })
}

// canonical returns one name for all spellings of a parameter, in lower case.
func (t *paramTable[P]) canonical(name string) string {
	folded := strings.ToLower(name)
	if f := t.byFolded[folded]; f != nil {
		return strings.ToLower(f.name())
	}
	return folded
}

// properName returns the name of a canonical one as servers spell it, "" if it is not known.
func (t *paramTable[P]) properName(key string) string {
	if f := t.byFolded[key]; f != nil {
		return f.name()
	}
	return ""
}

// masked returns values by name as a log may show them.
func (t *paramTable[P]) masked(values map[string]string) map[string]string {
	if values == nil {
		return nil
	}
	shown := make(map[string]string, len(values))
	for name, value := range values {
		shown[name] = t.mask(name, value)
	}
	return shown
}

func (t *paramTable[P]) mask(name, value string) string {
	if value == "" {
		return ""
	}
	if f := t.byName[name]; f != nil {
		if f.mask == nil {
			return value
		}
		return f.mask(value)
	}
	if f, key := t.family(name); f != nil {
		return f.mask(key, value)
	}
	return redacted
}
