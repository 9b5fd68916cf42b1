package bbbtest

import (
	"encoding/xml"
	"io"
	"slices"
	"strings"
)

// Document is a presentation that came in the XML body of a create or an insertDocument.
type Document struct {
	URL  string // set when the server shall download it
	Name string // name, or filename beside a URL
	// Content is the base64 text as sent, when it came inside the body and is short: at most 64 KiB.
	Content string
	// Size and SHA256, in hex, are those of the file that came inside the body, however long. They
	// are empty when it is no base64.
	Size         int64
	SHA256       string
	Current      bool
	Downloadable bool
	Removable    bool
}

// modules is what an XML body held.
type modules struct {
	documents []Document
	texts     map[string]string
}

// readModules reads an XML body as it comes. What a real server does with one that is no XML is not
// known; the fake takes it for empty.
func readModules(body io.Reader) (modules, *failure) {
	spill := newSpill(body)
	r := &moduleReader{spill: spill, in: xml.NewDecoder(spill), read: modules{texts: map[string]string{}}}
	for depth := 0; ; {
		token, err := r.in.Token()
		if err != nil {
			if depth == 0 && err == io.EOF && r.bad == nil { //nolint:errorlint // the decoder gives io.EOF itself
				break
			}
			return modules{}, r.bad
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			if depth == 1 && token.Name.Local != "modules" {
				return modules{}, nil
			}
			r.open(depth, token)
		case xml.CharData:
			r.text.Write(token)
		case xml.EndElement:
			r.close(depth)
			depth--
		}
	}
	markCurrent(r.read.documents)
	return r.read, nil
}

// moduleReader is the state of readModules.
type moduleReader struct {
	spill *spill
	in    *xml.Decoder
	read  modules
	bad   *failure
	name  string // of the module
	doc   *Document
	text  strings.Builder // of the innermost module or document
}

func (r *moduleReader) open(depth int, e xml.StartElement) {
	attrs := map[string]string{}
	for _, a := range e.Attr {
		attrs[a.Name.Local] = a.Value
	}
	switch {
	case depth == 2 && e.Name.Local == "module":
		r.name = attrs["name"]
		r.text.Reset()
	case depth == 3 && e.Name.Local == "document" && r.name == "presentation":
		r.text.Reset()
		r.doc = &Document{
			URL:          attrs["url"],
			Name:         attrs["name"],
			Current:      isTrue(attrs["current"], false),
			Downloadable: isTrue(attrs["downloadable"], false),
			Removable:    isTrue(attrs["removable"], true),
		}
		if r.doc.URL != "" {
			r.doc.Name = attrs["filename"]
		}
	}
}

func (r *moduleReader) close(depth int) {
	switch {
	case depth == 2 && r.name != "":
		if r.name != "presentation" {
			r.read.texts[r.name] = strings.TrimSpace(r.spill.without(r.text.String()))
		}
		r.name = ""
	case depth == 3 && r.doc != nil:
		if r.bad == nil && r.doc.URL == "" && !strings.Contains(r.doc.Name, ".") {
			r.bad = &failure{"fileNameError", "The file name of a document has no extension"}
		}
		if r.doc.URL == "" {
			r.content(r.text.String())
		}
		r.read.documents = append(r.read.documents, *r.doc)
		r.doc = nil
	}
}

// content takes in the text of a document, which may have been too long to come as text.
func (r *moduleReader) content(text string) {
	if long := r.spill.find(text); long != nil {
		long.document(r.doc)
		return
	}
	text = strings.TrimSpace(text)
	sink := newBase64Sink()
	_, _ = io.WriteString(sink, text)
	sink.document(r.doc)
	if len(text) <= maxHead {
		r.doc.Content = text
	}
}

// markCurrent leaves one document current: the first that asks for it, otherwise the first.
func markCurrent(docs []Document) {
	if len(docs) == 0 {
		return
	}
	current := max(slices.IndexFunc(docs, func(d Document) bool { return d.Current }), 0)
	for i := range docs {
		docs[i].Current = i == current
	}
}

// isTrue reads a boolean as Java does.
func isTrue(text string, absent bool) bool {
	if text == "" {
		return absent
	}
	return strings.EqualFold(strings.TrimSpace(text), "true")
}
