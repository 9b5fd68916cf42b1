package bbb

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object of which nothing is taken for granted: what is missing,
// null or of another kind reads as zero. bbb-webhooks leaves out what it does not
// know, and a value of a strange kind must not cost the whole event. Names are
// tried in order, for values that are spelled in two ways.
type object map[string]json.RawMessage

// parseObject returns nil for anything but an object.
func parseObject(text json.RawMessage) object {
	var o object
	if json.Unmarshal(text, &o) != nil {
		return nil
	}
	return o
}

func (o object) raw(names ...string) json.RawMessage {
	for _, name := range names {
		if raw, ok := o[name]; ok && string(raw) != "null" {
			return raw
		}
	}
	return nil
}

func (o object) object(names ...string) object { return parseObject(o.raw(names...)) }

// text reads a text; a number or a truth value reads as it is written.
func (o object) text(names ...string) string { return jsonText(o.raw(names...)) }

func jsonText(raw json.RawMessage) string {
	var s string
	switch {
	case len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || string(raw) == "null":
		return ""
	case json.Unmarshal(raw, &s) == nil:
		return s
	}
	return string(raw)
}

func (o object) flag(names ...string) bool {
	return strings.EqualFold(strings.TrimSpace(o.text(names...)), "true")
}

// number reads a whole number, also out of a text; a fraction is cut off.
func (o object) number(names ...string) int64 {
	text := strings.TrimSpace(o.text(names...))
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) >= 1<<62 {
		return 0
	}
	return int64(f)
}

// millis reads a time in milliseconds since 1970, or as RFC 3339 has it.
func (o object) millis(names ...string) time.Time {
	if ms := o.number(names...); ms != 0 {
		return time.UnixMilli(ms).UTC()
	}
	return parseTimeText(o.text(names...))
}

// duration reads a number of units.
func (o object) duration(unit time.Duration, names ...string) time.Duration {
	n := o.number(names...)
	if n > math.MaxInt64/int64(unit) || n < math.MinInt64/int64(unit) {
		return 0
	}
	return time.Duration(n) * unit
}

func (o object) list(names ...string) []json.RawMessage {
	var list []json.RawMessage
	if json.Unmarshal(o.raw(names...), &list) != nil {
		return nil
	}
	return list
}

func (o object) texts(names ...string) []string {
	list := o.list(names...)
	if list == nil {
		return nil
	}
	texts := make([]string, len(list))
	for i, raw := range list {
		texts[i] = jsonText(raw)
	}
	return texts
}

// textMap reads an object of texts. Values that are objects or lists themselves
// read as their JSON.
func (o object) textMap(names ...string) map[string]string {
	inner := o.object(names...)
	if inner == nil {
		return nil
	}
	m := make(map[string]string, len(inner))
	for key, raw := range inner {
		if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
			m[key] = string(raw)
			continue
		}
		m[key] = jsonText(raw)
	}
	return m
}

// timeTexts are the ways in which times are written as texts; of some callbacks
// it is not documented.
var timeTexts = []string{time.RFC3339Nano, "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST", "2006-01-02T15:04:05.999999999Z0700"}

func parseTimeText(text string) time.Time {
	for _, layout := range timeTexts {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
