package bbb

import (
	"bytes"
	"encoding/json"
	"strings"
)

// editMembers returns a JSON object in which edit has replaced the values of members, or left members out by
// returning nil. All else stays to the byte, numbers and what nobody knows included. What is no
// object is returned as it is.
func editMembers(text json.RawMessage, edit func(name string, value json.RawMessage) json.RawMessage) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(text))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return text
	}
	edited := append(make([]byte, 0, len(text)+64), '{')
	changed := false
	for d.More() {
		from := d.InputOffset()
		name, err := d.Token()
		if err != nil {
			return text
		}
		member := bytes.TrimLeft(text[from:d.InputOffset()], ", \t\r\n")
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return text
		}
		now := edit(name.(string), value)
		if changed = changed || !bytes.Equal(now, value); now == nil {
			continue
		}
		if len(edited) > 1 {
			edited = append(edited, ',')
		}
		edited = append(append(append(edited, member...), ':'), now...)
	}
	if _, err := d.Token(); err != nil || !changed {
		return text
	}
	return append(edited, '}')
}

// jsonString returns a text as JSON.
func jsonString(text string) json.RawMessage {
	return appendJavaScriptString(make([]byte, 0, len(text)+2), strings.ToValidUTF8(text, "\uFFFD"))
}

// ownID returns a meeting ID in JSON as the caller knows it.
func (q *incoming) ownID(value json.RawMessage) json.RawMessage {
	id := jsonText(value)
	if own := q.shownID(id); own != id {
		return jsonString(own)
	}
	return value
}

// ownJSON returns metadata in JSON as the caller may see it. Reports have "_" for "-" in their names.
func (q *incoming) ownJSON(value json.RawMessage) json.RawMessage {
	return editMembers(value, func(name string, value json.RawMessage) json.RawMessage {
		folded := foldMeta(name)
		for key := range q.scope.meta {
			if foldMeta(key) == folded {
				return nil
			}
		}
		text := jsonText(value)
		switch target, ours := q.relay.urls.target(q.tenantName(), text); {
		case !ours:
			if folded == "meetingid" { // which servers add themselves
				return q.ownID(value)
			}
			return value
		case target == "":
			return nil
		default:
			return jsonString(target)
		}
	})
}

func foldMeta(name string) string { return strings.ReplaceAll(strings.ToLower(name), "-", "_") }
