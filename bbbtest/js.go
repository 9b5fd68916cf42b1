package bbbtest

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
)

// jsJSON writes JSON as JavaScript's JSON.stringify does: what encoding/json escapes beyond that
// stays as it is.
func jsJSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("bbbtest: an event that is no JSON: " + err.Error())
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out.WriteByte(text[i])
			continue
		}
		switch rest := text[i:]; {
		case bytes.HasPrefix(rest, []byte(`\u2028`)):
			out.WriteString("\u2028")
			i += 5
		case bytes.HasPrefix(rest, []byte(`\u2029`)):
			out.WriteString("\u2029")
			i += 5
		case bytes.HasPrefix(rest, []byte(`\ufffd`)):
			out.WriteString("\ufffd")
			i += 5
		default:
			out.Write(rest[:2])
			i++
		}
	}
	return out.String()
}

// field is one field of a form whose order matters.
type field struct{ name, value string }

// form encodes fields in their order, a blank as + or as %20.
func form(plus bool, fields ...field) string {
	var pairs []string
	for _, f := range fields {
		value := javaEncode(f.value) // URLSearchParams keeps the same letters
		if !plus {
			value = strings.ReplaceAll(url.QueryEscape(f.value), "+", "%20")
		}
		pairs = append(pairs, f.name+"="+value)
	}
	return strings.Join(pairs, "&")
}
