package bbb

import (
	"iter"
	"log/slog"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// checksumParam is the one name that belongs to signing and never to the parameters of a call.
const checksumParam = "checksum"

// A param is one line of a [paramTable]: everything there is to know about one parameter of a call
// whose typed form is P. Encoding, parsing, validation and redaction all read this one description.
// The constructors (textParam, flagParam ...) are in param_kinds.go, the rules in param_rules.go.
type param[P any] struct {
	names []string // wire names, all of them sent; the first is the parameter's proper name
	heads []string // the same with "&" and "=", as they stand in a query
	reads []string // wire names that are understood, the first present one counts

	field func(*P) any                             // pointer to the struct field
	write func(dst []byte, p *P) []byte            // appends the wire text, nothing when absent
	text  func(p *P) string                        // the wire text of a field that holds it; nil for other kinds
	flag  func(p *P) *bool                         // the value of a field that is a flag; nil for other kinds
	tame  bool                                     // write appends nothing that has to be encoded
	read  func(p *P, text string) (problem string) // sets the field from a wire text
	check func(p *P) (problem string)              // what only the typed value tells; may be nil
	chars paramRule                                // what text must satisfy when present and not plain, see isPlain
	bad   byteClass                                // the bytes that make chars find something in a text of ASCII
	rules []paramRule                              // what text must satisfy besides when present
	must  bool                                     // an empty text is a problem
	mask  func(text string) string                 // how logs show it; nil means as it is
}

func (f *param[P]) name() string { return f.names[0] }

// alsoSentAs gives the parameter a further wire name that is sent beside the first.
func (f *param[P]) alsoSentAs(name string) *param[P] {
	f.names = append(f.names, name)
	return f.alsoReadAs(name)
}

// alsoReadAs gives the parameter a further wire name that is understood but never sent.
func (f *param[P]) alsoReadAs(name string) *param[P] {
	f.reads = append(f.reads, name)
	return f
}

// required makes the absence of the parameter, which is a text, a problem.
func (f *param[P]) required() *param[P] {
	f.must = true
	return f
}

// rule adds rules for a parameter that is a text.
func (f *param[P]) rule(rules ...paramRule) *param[P] {
	f.rules = append(f.rules, rules...)
	return f
}

// secret keeps the value out of every log line.
func (f *param[P]) secret() *param[P] {
	f.mask = maskAll
	return f
}

// present reports whether the parameter would be sent.
func (f *param[P]) present(p *P) bool {
	if f.text != nil {
		return f.text(p) != ""
	}
	return len(f.write(nil, p)) > 0
}

// clear makes the parameter absent.
func (f *param[P]) clear(p *P) { reflect.ValueOf(f.field(p)).Elem().SetZero() }

// goName is the name of the struct field, such as "LockSettings.DisableCam". It is looked up by the
// field's address, and only for messages, so that no table line repeats its field's name.
func (f *param[P]) goName() string {
	p := new(P)
	return fieldName(reflect.ValueOf(p).Elem(), reflect.ValueOf(f.field(p)))
}

func fieldName(structure, field reflect.Value) string {
	for i := range structure.NumField() {
		v, name := structure.Field(i), structure.Type().Field(i).Name
		if v.Addr().Pointer() == field.Pointer() && v.Type() == field.Type().Elem() {
			return name
		}
		if v.Kind() == reflect.Struct {
			if inner := fieldName(v, field); inner != "" {
				return name + "." + inner
			}
		}
	}
	return ""
}

// A paramFamily is an open set of parameters that share a prefix and live in one map, such as
// meta_NAME in Meta.
type paramFamily[P any] struct {
	prefix  string
	field   func(*P) *map[string]string
	keyRule paramRule
	// plainKey are the bytes that keys as most are have behind a first letter. What has no others satisfies keyRule,
	// and no two such keys differ in case only if servers fold it.
	plainKey byteClass
	// foldsCase: servers fold the key to lower case, so no two keys may differ in case only.
	foldsCase bool
	// leaveInExtra tells the keys that belong in Extra instead of the map; may be nil.
	leaveInExtra func(key string) bool
	mask         func(key, value string) string
}

func (f *paramFamily[P]) isPlainKey(key string, seen byteClass) bool {
	return seen&^f.plainKey == 0 && key != "" && isLetter(key[0])
}

func (f *paramFamily[P]) goName() string {
	p := new(P)
	return fieldName(reflect.ValueOf(p).Elem(), reflect.ValueOf(f.field(p)))
}

// A paramTable describes all parameters of one API call whose typed form is P. It is built once by
// newParamTable and only read afterwards.
type paramTable[P any] struct {
	call     string // name of the API call
	params   []*param[P]
	families []paramFamily[P]
	extra    func(*P) *url.Values
	// body yields what travels beside the parameters, as a log may show it; may be nil.
	body func(p *P) iter.Seq2[string, string]
	// joint tells the problems that no single parameter shows.
	joint func(p *P) problemList

	judged   []*param[P] // those that validate looks at: a flag cannot be wrong
	byName   map[string]*param[P]
	byFolded map[string]*param[P] // the same in lower case
}

func newParamTable[P any](t paramTable[P]) *paramTable[P] {
	t.byName, t.byFolded = make(map[string]*param[P]), make(map[string]*param[P])
	for _, f := range t.params {
		for _, name := range f.names {
			f.heads = append(f.heads, "&"+name+"=")
		}
		if f.text == nil && (f.must || f.chars != nil || len(f.rules) > 0) {
			panic("bbb: parameter " + f.name() + " of " + t.call + " is no text, so nothing would look at its rules")
		}
		if f.text != nil || f.check != nil {
			t.judged = append(t.judged, f)
		}
		for _, name := range f.reads {
			if t.byName[name] != nil {
				panic("bbb: parameter " + name + " of " + t.call + " is in the table twice")
			}
			t.byName[name], t.byFolded[strings.ToLower(name)] = f, f
		}
	}
	return &t
}

// family finds the family that a wire name belongs to, and the key in its map.
func (t *paramTable[P]) family(name string) (f *paramFamily[P], key string) {
	for i := range t.families {
		f := &t.families[i]
		if key, ok := strings.CutPrefix(name, f.prefix); ok && (f.leaveInExtra == nil || !f.leaveInExtra(key)) {
			return f, key
		}
	}
	return nil, ""
}

// appendQuery appends the parameters as a query: in the order of the table, then each family and at
// last Extra, sorted by name. The same value therefore always gives the same bytes.
func (t *paramTable[P]) appendQuery(dst []byte, p *P) []byte {
	dst, _ = t.appendJudged(dst, p, false)
	return dst
}

// appendChecked is validate and appendQuery in one: encoding looks at each byte anyway.
func (t *paramTable[P]) appendChecked(dst []byte, p *P) ([]byte, error) {
	dst, sound := t.appendJudged(dst, p, true)
	if sound {
		return dst, nil
	}
	return dst, t.validate(p)
}

// appendJudged is appendQuery that also tells whether the parameters are sound, if they were up to here. Then
// validate would find no problem; otherwise it may.
func (t *paramTable[P]) appendJudged(dst []byte, p *P, sound bool) (_ []byte, stillSound bool) {
	start := len(dst)
	for _, f := range t.params {
		// Texts and flags are the most by far, and most of them are absent.
		switch {
		case f.text != nil:
			text := f.text(p)
			if text == "" {
				sound = sound && !f.must
				continue
			}
			var seen byteClass
			for _, head := range f.heads {
				dst, seen = appendEscapeSeen(appendHead(dst, start, head), text)
			}
			sound = sound && f.sound(text, seen)
		case f.flag != nil:
			if flag := f.flag(p); flag != nil {
				for _, head := range f.heads {
					dst = strconv.AppendBool(appendHead(dst, start, head), *flag)
				}
			}
		default:
			dst = f.appendPairs(dst, start, p)
			sound = sound && (f.check == nil || f.check(p) == "")
		}
	}
	for i := range t.families {
		f := &t.families[i]
		m := *f.field(p)
		if len(m) == 0 {
			continue
		}
		var room [sortedRoom]keyed[string]
		for _, e := range sortedEntries(room[:0], m) {
			if e.value == "" {
				sound = false // nobody looked at the key
				continue
			}
			var inKey, inValue byteClass
			dst = append(appendSeparator(dst, start), f.prefix...)
			dst, inKey = appendEscapeSeen(dst, e.key)
			dst, inValue = appendEscapeSeen(append(dst, '='), e.value)
			sound = sound && f.isPlainKey(e.key, inKey) && isSound(e.value, inValue, controlByte)
		}
	}
	extra := *t.extra(p)
	sound = sound && len(extra) == 0 && len(t.joint(p)) == 0
	return appendValues(dst, start, extra), sound
}

// appendPairs appends a parameter that is no text to the query that begins at start.
func (f *param[P]) appendPairs(dst []byte, start int, p *P) []byte {
	for _, head := range f.heads {
		pair := len(dst)
		dst = appendHead(dst, start, head)
		value := len(dst)
		dst = f.write(dst, p)
		if len(dst) == value {
			return dst[:pair]
		}
		if !f.tame {
			dst = escapeQueryTail(dst, value)
		}
	}
	return dst
}

// appendHead appends "&name=", without the '&' where the query that begins at start is still empty.
func appendHead(dst []byte, start int, head string) []byte {
	if len(dst) == start {
		head = head[1:]
	}
	return append(dst, head...)
}

// values is appendQuery without the encoding.
func (t *paramTable[P]) values(p *P) url.Values {
	v := make(url.Values)
	for _, f := range t.params {
		if text := string(f.write(nil, p)); text != "" {
			for _, name := range f.names {
				v.Add(name, text)
			}
		}
	}
	for i := range t.families {
		f := &t.families[i]
		for key, value := range *f.field(p) {
			if value != "" {
				v.Add(f.prefix+key, value)
			}
		}
	}
	for name, values := range *t.extra(p) {
		if len(values) > 0 {
			v[name] = append(v[name], values...)
		}
	}
	return v
}

// parse is the other direction: it reads what it can and reports the rest, so value and error may
// both be of use. The first value of a repeated name wins and an empty one counts as absent, as on
// servers.
func (t *paramTable[P]) parse(v url.Values) (p P, err error) {
	var problems problemList
	for _, f := range t.params {
		for _, name := range f.reads {
			if text := v.Get(name); text != "" {
				if problem := f.read(&p, text); problem != "" {
					problems.add(t.call, name, problem)
				}
				break
			}
		}
	}
	var extra url.Values
	folded := make(map[string]bool)
	for _, name := range sortedKeys(v) {
		if name == "" || name == checksumParam || t.byName[name] != nil || len(v[name]) == 0 {
			continue
		}
		f, key := t.family(name)
		switch {
		case f == nil:
			if extra == nil {
				extra = make(url.Values)
			}
			extra[name] = slices.Clone(v[name])
			continue
		case v[name][0] == "":
			continue
		}
		if problem := f.keyRule(key); problem != "" {
			problems.add(t.call, name, problem)
			continue
		}
		if f.foldsCase && folded[strings.ToLower(name)] {
			problems.add(t.call, name, problemFolded)
			continue
		}
		folded[strings.ToLower(name)] = true
		m := f.field(&p)
		if *m == nil {
			*m = make(map[string]string)
		}
		(*m)[key] = v[name][0]
	}
	*t.extra(&p) = extra
	return p, problems.err()
}

// shown yields every parameter that is present the way a log may show it.
func (t *paramTable[P]) shown(p *P) iter.Seq2[string, string] {
	return func(yield func(name, text string) bool) {
		for _, f := range t.params {
			text := string(f.write(nil, p))
			if text == "" {
				continue
			}
			if f.mask != nil {
				text = f.mask(text)
			}
			if !yield(f.name(), text) {
				return
			}
		}
		for i := range t.families {
			f := &t.families[i]
			m := *f.field(p)
			for _, key := range sortedKeys(m) {
				if !yield(f.prefix+key, f.mask(key, m[key])) {
					return
				}
			}
		}
		if t.body != nil {
			for name, text := range t.body(p) {
				if !yield(name, text) {
					return
				}
			}
		}
		// What is not modelled may be anything, so only its name is shown.
		for _, name := range sortedKeys(*t.extra(p)) {
			if !yield(name, redacted) {
				return
			}
		}
	}
}

// describe writes the parameters in one line for people, secrets left out.
func (t *paramTable[P]) describe(typeName string, p *P) string {
	dst := append([]byte(typeName), '{')
	for name, text := range t.shown(p) {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ' ')
		}
		dst = append(appendReadable(dst, name), '=')
		dst = appendReadable(dst, text)
	}
	return string(append(dst, '}'))
}

// appendReadable quotes what would break the line or pretend to be more than one word of it.
func appendReadable(dst []byte, text string) []byte {
	if strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`"={}`, r)
	}) {
		return strconv.AppendQuote(dst, text)
	}
	return append(dst, text...)
}

// logValue is describe for slog: a group with one attribute for each parameter.
func (t *paramTable[P]) logValue(p *P) slog.Value {
	var attrs []slog.Attr
	for name, text := range t.shown(p) {
		attrs = append(attrs, slog.String(name, text))
	}
	return slog.GroupValue(attrs...)
}
