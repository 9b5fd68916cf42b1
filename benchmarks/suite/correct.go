package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// wireCase is an answer to getMeetings, and the name of its one meeting that is to be read
// from it. What is broken is to be refused.
type wireCase struct {
	what, body, name string
	refused          bool
}

// named is an answer with XML in place of the meeting's name.
func named(inside string) string { return wrapped("<meetingName>" + inside + "</meetingName>") }

func wrapped(fields string) string {
	return "<response><returncode>SUCCESS</returncode><meetings><meeting>" + fields + "<meetingID>m</meetingID></meeting></meetings></response>"
}

// wireCases are what servers write, or something on the way to them makes of it. A library that is
// fast because it passes over one of them is no peer.
func wireCases() []wireCase {
	right := func(what, body, name string) wireCase { return wireCase{what: what, body: body, name: name} }
	refused := func(what, body string) wireCase { return wireCase{what: what, body: body, refused: true} }
	plain := named("A")
	return []wireCase{
		right("entities", named("R&lt;&quot;&apos;S"), `R<"'S`),
		right("numeric entities", named("&#65;&#x42;"), "AB"),
		right("adjacent entities", named("&amp;&amp;&lt;"), "&&<"),
		right("entities once", named("&amp;lt;"), "&lt;"),
		right("CDATA", named("<![CDATA[A <b> & C]]>"), "A <b> & C"),
		right("CDATA in text", named("A <![CDATA[& ]]>&amp; B"), "A & & B"),
		right("empty CDATA", named("<![CDATA[]]>"), ""),
		right("comment in text", named("A<!-- <x> -->B"), "AB"),
		right("comment between elements", wrapped("<!-- </meeting> --><meetingName>A</meetingName>"), "A"),
		right("processing instruction", `<?xml version="1.0" encoding="UTF-8"?><?x y?>`+plain, "A"),
		right("namespace prefix", wrapped(`<b:meetingName xmlns:b="urn:b">A</b:meetingName>`), "A"),
		right("default namespace", strings.Replace(plain, "<response>", `<response xmlns="urn:b">`, 1), "A"),
		right("self-closing", wrapped("<meetingName/><dialNumber/>"), ""),
		right("attribute with >", wrapped(`<meetingName a="x>y">A</meetingName>`), "A"),
		right("attribute with quotes", wrapped(`<meetingName a='"' b="'">A</meetingName>`), "A"),
		right("attribute with / at the end", wrapped(`<meetingName a="x/">A</meetingName>`), "A"),
		right("byte order mark", "\ufeff"+plain, "A"),
		right("pretty white space", strings.ReplaceAll(plain, "><", ">\n\t  <"), "A"),
		right("CRLF", named("A\r\nB"), "A\nB"),
		right("outer blanks", named("  A  "), "  A  "),
		right("end tag with a blank", wrapped("<meetingName>A</meetingName >"), "A"),
		right("UTF-8", named("Jürgen ☃ 𝄞"), "Jürgen ☃ 𝄞"),
		right("unknown elements", wrapped("<x><meetingName>no</meetingName><y/></x><meetingName>A</meetingName>"), "A"),
		right("newline at the end", plain+"\n", "A"),

		refused("truncated in a tag", plain[:len(plain)-5]),
		refused("truncated between tags", strings.TrimSuffix(plain, "</meetings></response>")),
		refused("truncated in text", plain[:strings.Index(plain, "A</")+1]),
		refused("mismatched end tag", wrapped("<meetingName>A</meetingID>")),
		refused("unknown entity", named("&nbsp;")),
		refused("document type", "<!DOCTYPE response>"+plain),
		refused("entity declaration", `<!DOCTYPE response [<!ENTITY a "A">]>`+named("&a;")),
		refused("HTML page", "<!DOCTYPE html><html><head><title>502</title></head><body><hr>Bad Gateway</body></html>"),
		refused("HTML page without a type", "<html><body>Bad Gateway</body></html>"),
		refused("empty body", ""),
		refused("bare &", named("A & B")),
		refused("&#0;", named("A&#0;")),
		refused("invalid UTF-8", named("A\xff")),
		refused("nesting without bound", wrapped(strings.Repeat("<x>", 100_000)+strings.Repeat("</x>", 100_000))),
	}
}

var errCount = errors.New("not one meeting")

// nameReaders are the decoders that are compared: each reads the name of the only meeting.
var nameReaders = []struct {
	name string
	read func(body []byte) (string, error)
}{
	{"this library", func(body []byte) (string, error) {
		var a meetings
		err := meetingsRecord.Decode(body, "response", &a, xmlwire.Limits{})
		if err != nil || len(a.Meetings) != 1 {
			return "", errors.Join(errCount, err)
		}
		return a.Meetings[0].Name, nil
	}},
	{"encoding/xml", func(body []byte) (string, error) {
		var a referenceMeetings
		err := xml.Unmarshal(body, &a)
		if err != nil || len(a.Meetings) != 1 {
			return "", errors.Join(errCount, err)
		}
		return a.Meetings[0].Name, nil
	}},
	{"tdewolff/parse, typed", func(body []byte) (string, error) {
		list, err := lexed(body)
		if err != nil || len(list) != 1 {
			return "", errors.Join(errCount, err)
		}
		return list[0].Name, nil
	}},
}

// wrongCases are those that a decoder gets wrong: another name, or what it reads although it is
// broken.
func wrongCases(read func([]byte) (string, error)) (wrong []string) {
	for _, c := range wireCases() {
		name, err := read([]byte(c.body))
		if c.refused != (err != nil) || !c.refused && name != c.name {
			wrong = append(wrong, c.what)
		}
	}
	return wrong
}

func correctTable(r *report) {
	n := len(wireCases())
	p := part{
		title: "What the decoders get right",
		note:  "Answers to getMeetings as servers write them, or something on the way to them makes of them; what is broken is to be refused.",
		head:  []string{"how", "right", "read otherwise, or read although broken"},
	}
	for i, d := range nameReaders {
		wrong := wrongCases(d.read)
		p.rows = append(p.rows, []string{d.name, fmt.Sprintf("%d of %d", n-len(wrong), n), strings.Join(wrong, "; ")})
		if i == 0 {
			r.goal("decode, cases that are right", fmt.Sprint(n), "", fmt.Sprint(n-len(wrong)), len(wrong) == 0)
		}
	}
	r.add(p)
}
