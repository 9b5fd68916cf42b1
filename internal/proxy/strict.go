package proxy

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// decodeStrict reads JSON into v, a pointer to a struct, and refuses what encoding/json passes
// over in silence: fields that nobody knows, names in another letter case, and names that come
// twice, of which the last one would count. Of everything that does not fit it tells all, with
// the path to it and without the values, which may be secrets.
func decodeStrict(text []byte, v any) error {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var raw json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		if e, ok := errors.AsType[*json.SyntaxError](err); ok {
			before := text[:min(int(e.Offset), len(text))]
			return fmt.Errorf("line %d: %w", 1+bytes.Count(before, []byte("\n")), e)
		}
		return err
	}
	var p problems
	fits("", raw, reflect.TypeOf(v).Elem(), &p)
	if len(p) > 0 {
		return p.err()
	}
	return json.Unmarshal(text, v)
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// fits looks whether JSON fits a type.
func fits(path string, raw json.RawMessage, t reflect.Type, p *problems) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if string(raw) == "null" {
		return
	}
	if own := reflect.PointerTo(t); own.Implements(jsonUnmarshaler) || own.Implements(textUnmarshaler) {
		if err := json.Unmarshal(raw, reflect.New(t).Interface()); err != nil {
			p.add(path, "%w", err)
		}
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		object, ok := objectOf(path, raw, p)
		if !ok {
			return
		}
		known := fieldTypes(t)
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if field, ok := known[name]; ok {
				fits(below(path, name), object[name], field, p)
			} else {
				p.add(below(path, name), "there is no such field; known are %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			}
		}
	case reflect.Map:
		object, ok := objectOf(path, raw, p)
		if !ok {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			fits(below(path, name), object[name], t.Elem(), p)
		}
	case reflect.Slice:
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			p.add(cmp.Or(path, "the file"), "need a list")
			return
		}
		for i, one := range list {
			fits(fmt.Sprintf("%s[%d]", path, i), one, t.Elem(), p)
		}
	default:
		if json.Unmarshal(raw, reflect.New(t).Interface()) != nil {
			p.add(path, "need %s", kindName(t.Kind()))
		}
	}
}

// objectOf reads an object, of which each name may come once.
func objectOf(path string, raw json.RawMessage, p *problems) (object map[string]json.RawMessage, ok bool) {
	if json.Unmarshal(raw, &object) != nil {
		p.add(cmp.Or(path, "the file"), "need an object")
		return nil, false
	}
	seen := make(map[string]bool, len(object))
	d := json.NewDecoder(bytes.NewReader(raw))
	_, _ = d.Token() // the brace; all of it was read once without an error
	for d.More() {
		name, _ := d.Token()
		var value json.RawMessage
		_ = d.Decode(&value)
		if name := name.(string); seen[name] { //nolint:forcetypeassert // names of JSON are texts
			p.add(below(path, name), "is there twice")
		} else {
			seen[name] = true
		}
	}
	return object, true
}

func below(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// fieldTypes returns the fields of a struct by their names in JSON.
func fieldTypes(t reflect.Type) map[string]reflect.Type {
	known := make(map[string]reflect.Type)
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			known[name] = field.Type
		}
	}
	return known
}

func kindName(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	default:
		return "a whole number"
	}
}
