package bbb

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// modules is the XML body of a create or an insertDocument. Parameters are not
// in it, nor does the checksum cover it.
type modules struct {
	documents      []Document
	clientSettings json.RawMessage
	notesJSON      json.RawMessage
	notesMarkdown  string
}

// modules returns what of a create goes into a body, or nil when it needs none.
func (p *CreateParams) modules() *modules {
	if len(p.Documents) == 0 && len(p.ClientSettingsOverride) == 0 && len(p.SharedNotesInitialContentJSON) == 0 {
		return nil
	}
	return &modules{
		documents: p.Documents, clientSettings: p.ClientSettingsOverride,
		notesJSON: p.SharedNotesInitialContentJSON,
	}
}

// documentParam is how a ParamError calls the document of that index.
func documentParam(i int) string { return "document " + strconv.Itoa(i+1) }

// xmlProblem tells what XML cannot carry in any way.
func xmlProblem(text string) string {
	if !utf8.ValidString(text) {
		return "must be UTF-8"
	}
	if strings.ContainsFunc(text, func(r rune) bool {
		return r < 0x20 && r != '\n' && r != '\r' && r != '\t' || r == 0xFFFE || r == 0xFFFF
	}) {
		return "must not contain control characters"
	}
	return ""
}

// reportModules reports what is wrong with the body of a create.
func reportModules(p *CreateParams, report func(param, problem string)) {
	reportDocuments(p.Documents, report)
	if problem := xmlProblem(p.SharedNotesInitialContentMarkdown); problem != "" && p.modules() != nil {
		report("sharedNotesInitialContentMarkdown", problem)
	}
	for _, m := range []struct {
		name string
		text json.RawMessage
	}{
		{"clientSettingsOverride", p.ClientSettingsOverride},
		{"sharedNotesInitialContentJson", p.SharedNotesInitialContentJSON},
	} {
		switch {
		case len(m.text) == 0:
		case !json.Valid(m.text):
			report(m.name, "is not valid JSON")
		case xmlProblem(string(m.text)) != "":
			report(m.name, xmlProblem(string(m.text)))
		case m.name == "clientSettingsOverride" && firstByte(m.text) != '{':
			report(m.name, "must be a JSON object")
		}
	}
}

// upload returns the body, to be sent by one attempt. Nothing of a content is
// read before the transport reads.
func (m *modules) upload(s *Server, call string) (*upload, error) {
	fail := func(err error) (*upload, error) {
		return nil, &Error{Server: s.name, Call: call, Err: &contentError{err}}
	}
	for i := range m.documents {
		d := &m.documents[i]
		if c, ok := d.Content.(*content); ok {
			switch {
			case c.size > s.cfg.uploadLimit:
				return fail(tooLargeDocument(d.Name, s.cfg.uploadLimit))
			case c.size == 0:
				return fail(fmt.Errorf("document %q is empty", d.Name))
			}
		}
	}
	b := bodyBuilder{text: []byte(`<?xml version="1.0" encoding="UTF-8"?><modules>`)}
	if len(m.documents) > 0 {
		b.text = append(b.text, `<module name="presentation">`...)
		for i := range m.documents {
			if err := b.document(&m.documents[i], s.cfg.uploadLimit); err != nil {
				return fail(err)
			}
		}
		b.text = append(b.text, `</module>`...)
	}
	b.module("clientSettingsOverride", string(m.clientSettings))
	b.module("sharedNotesInitialContentJson", string(m.notesJSON))
	b.module("sharedNotesInitialContentMarkdown", m.notesMarkdown)
	b.text = append(b.text, `</modules>`...)
	b.flush()
	length := b.length
	if b.unknown {
		length = -1
	}
	return &upload{
		body: io.MultiReader(b.parts...), contentType: "application/xml", length: length,
		again: func() (*upload, error) { return m.upload(s, call) },
	}, nil
}

// gone returns errContentRead if the body cannot be sent again.
func (m *modules) gone() error {
	if m == nil {
		return nil
	}
	for i := range m.documents {
		if c, ok := m.documents[i].Content.(*content); ok {
			if _, err := c.take(); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle ends a call that failed or not: no transport reads the contents any
// more, and those that can seek are back at their start if it failed.
func settleDocuments(docs []Document, err error) {
	if err != nil {
		_ = (&modules{documents: docs}).gone()
	}
}

// bodyBuilder collects the pieces of a body.
type bodyBuilder struct {
	text    []byte // what is to come before the next piece
	parts   []io.Reader
	length  int64
	unknown bool // the length is not known
}

func (b *bodyBuilder) flush() {
	b.parts = append(b.parts, strings.NewReader(string(b.text)))
	b.length += int64(len(b.text))
	b.text = b.text[:0]
}

func (b *bodyBuilder) module(name, text string) {
	if text == "" {
		return
	}
	b.text = append(append(append(b.text, `<module name="`...), name...), `">`...)
	b.text = append(appendASCII(b.text, text), `</module>`...)
}

func (b *bodyBuilder) attribute(name, value string) {
	if value != "" {
		b.text = append(append(append(append(b.text, ' '), name...), `="`...), appendASCII(nil, value)...)
		b.text = append(b.text, '"')
	}
}

func (b *bodyBuilder) flag(name string, value *bool) {
	if value != nil {
		b.attribute(name, strconv.FormatBool(*value))
	}
}

func (b *bodyBuilder) document(d *Document, limit int64) error {
	b.text = append(b.text, `<document`...)
	b.attribute("url", d.URL)
	b.attribute("filename", d.Filename)
	b.attribute("name", d.Name)
	b.flag("current", d.Current)
	b.flag("downloadable", d.Downloadable)
	b.flag("removable", d.Removable)
	c, ok := d.Content.(*content)
	if !ok {
		b.text = append(b.text, `/>`...)
		return nil
	}
	turn, err := c.take()
	if err != nil {
		return err
	}
	b.text = append(b.text, '>')
	b.flush()
	b.parts = append(b.parts, &base64Reader{src: &contentReader{content: c, turn: turn, name: d.Name, limit: limit}})
	if c.size < 0 {
		b.unknown = true
	} else {
		b.length += (c.size + 2) / 3 * 4
	}
	b.text = append(b.text, `</document>`...)
	return nil
}

// appendASCII escapes a text for XML so that nothing but ASCII remains: servers
// read the body in the character set that their Java was started with, which is
// not always UTF-8. For that reason texts are not in CDATA sections, as they are
// in the documentation; to an XML parser it is the same.
func appendASCII(dst []byte, text string) []byte {
	dst = slices.Grow(dst, len(text))
	for _, r := range text {
		if r < 0x20 || r > 0x7e || strings.ContainsRune(`<>&"'`, r) {
			dst = append(strconv.AppendInt(append(dst, '&', '#'), int64(r), 10), ';')
		} else {
			dst = append(dst, byte(r))
		}
	}
	return dst
}

// shownModules yields what a log may show of the body of a create: how much there
// is of it.
func shownModules(p *CreateParams) iter.Seq2[string, string] {
	return func(yield func(name, text string) bool) {
		if n := len(p.Documents); n > 0 && !yield("documents", "["+strconv.Itoa(n)+"]") {
			return
		}
		if n := len(p.ClientSettingsOverride); n > 0 && !yield("clientSettingsOverride", "["+strconv.Itoa(n)+" bytes]") {
			return
		}
		if n := len(p.SharedNotesInitialContentJSON); n > 0 {
			yield("sharedNotesInitialContentJson", "["+strconv.Itoa(n)+" bytes]")
		}
	}
}
