package bbb

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Limits of a body. What is longer than a document may be is found out when it is sent.
const (
	maxModuleToken = 2 << 20 // bytes of a tag, or of the text of a module; servers fetch up to 1 MiB of it
	maxDocuments   = 1000
	maxModuleDepth = 32
)

const (
	presentationModule = "presentation"
	byteOrderMark      = "\xef\xbb\xbf"
)

// textModules are the modules whose text counts. Of others nothing is kept.
var textModules = map[string]bool{moduleSettings: true, moduleNotesJSON: true, moduleNotesMarkdown: true}

const (
	moduleSettings      = "clientSettingsOverride"
	moduleNotesJSON     = "sharedNotesInitialContentJson"
	moduleNotesMarkdown = "sharedNotesInitialContentMarkdown"
)

// inboundModules is the XML body of a create or an insertDocument that came in.
type inboundModules struct {
	documents []Document
	texts     map[string]string // of the modules that are texts, by name; the first of a name counts
	contents  *inboundContents  // of the documents; nil without a body
}

// close ends the contents of the documents.
func (m *inboundModules) close() {
	if m.contents != nil {
		m.contents.close()
	}
}

// readModules reads the body of the call. Documents that come in it are decoded as they are read, and
// kept until the call is over, the larger ones in a file: their server is found afterwards, and if it refuses
// the call, they go to the next one. The answer is to a body that cannot be read to its end, because then a
// meeting would begin without its documents; an empty one is none.
func (q *incoming) readModules() (*inboundModules, *Response) {
	if q.body == nil { // as in nearly all calls
		return new(inboundModules), nil
	}
	m := &inboundModules{texts: make(map[string]string), contents: new(inboundContents)}
	in := &moduleReader{buf: bufio.NewReaderSize(q.body, 32<<10), into: m}
	if _, err := in.buf.Peek(1); errors.Is(err, io.EOF) {
		return m, nil
	}
	if mark, _ := in.buf.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = in.buf.Discard(len(mark))
	}
	if !isXML(q.contentType) {
		return m, q.badContentType()
	}
	err := in.read()
	if err == nil {
		for _, c := range in.parts {
			m.documents[c.document].Content = m.contents.section(c.start, c.end)
		}
		return m, nil
	}
	m.close()
	_, disk := errors.AsType[*spoolError](err)
	if _, limit := errors.AsType[*http.MaxBytesError](err); disk || limit {
		return m, q.failed(err)
	}
	// The parser's words are about the client's own body.
	return m, q.refuse(keyValidation, "The body of the request is not the XML it should be.",
		fmt.Errorf("bbb: %s: %w: %w", q.call, ErrInvalidParams, err))
}

// contentPart says where the content of a document was kept.
type contentPart struct {
	document   int
	start, end int64
}

// moduleReader reads a body in one pass. Tags are the business of encoding/xml. It would hold the text of an
// element in memory as a whole, so the contents of documents are read past it: it takes its bytes one by one
// from ReadByte, and none ahead.
type moduleReader struct {
	buf   *bufio.Reader
	into  *inboundModules
	parts []contentPart

	taken      int  // bytes that the parser has taken for one token
	prev, last byte // that it has taken
	depth      int
	module     string          // that we are in
	text       strings.Builder // of it
}

// ReadByte implements [io.ByteReader] for the parser.
func (r *moduleReader) ReadByte() (byte, error) {
	if r.taken++; r.taken > maxModuleToken {
		return 0, errors.New("a tag or text is too long")
	}
	c, err := r.buf.ReadByte()
	if err == nil {
		r.prev, r.last = r.last, c
	}
	return c, err
}

// Read implements [io.Reader], as the parser wants for its input; it uses ReadByte.
func (r *moduleReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}

func (r *moduleReader) read() error {
	parser := xml.NewDecoder(r)
	// Servers make a text of the body before they parse it, so what it says of its character set
	// means nothing to them, and some clients say UTF-16 of what is none.
	parser.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for {
		r.taken = 0
		token, err := parser.Token()
		switch {
		case errors.Is(err, io.EOF) && r.depth == 0: // the parser says otherwise when an element is open
			return nil
		case err != nil:
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			r.depth++
			err = r.open(token)
		case xml.EndElement:
			r.close()
			r.depth--
		case xml.CharData:
			err = r.characters(token)
		case xml.Directive:
			err = errors.New("a document type is not allowed")
		}
		if err != nil {
			return err
		}
	}
}

// open takes a start tag.
func (r *moduleReader) open(e xml.StartElement) error {
	name := e.Name.Local
	switch {
	case r.depth > maxModuleDepth:
		return errors.New("elements are nested too deep")
	case r.depth == 1 && name != "modules":
		return errors.New("the root element is not modules")
	case r.depth == 2 && name == "module":
		if module := attribute(e, "name"); module == presentationModule || textModules[module] {
			r.module = module
		}
		r.text.Reset()
	case r.depth == 3 && name == "document" && r.module == presentationModule:
		return r.document(e)
	}
	return nil
}

// close takes an end tag.
func (r *moduleReader) close() {
	if r.depth != 2 {
		return
	}
	if _, twice := r.into.texts[r.module]; r.module != "" && r.module != presentationModule && !twice {
		r.into.texts[r.module] = strings.TrimSpace(r.text.String())
	}
	r.module = ""
}

// characters takes text.
func (r *moduleReader) characters(text []byte) error {
	switch {
	case r.depth == 0 && len(bytes.TrimSpace(text)) > 0:
		return errors.New("there is text outside the root element")
	case r.depth != 2 || r.module == "":
		return nil
	}
	if r.text.Len()+len(text) > maxModuleToken {
		return errors.New("the text of a module is too long")
	}
	r.text.Write(text)
	return nil
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// document takes the start tag of a document, and the content if that comes along. Servers pass over one
// that has neither URL nor name.
func (r *moduleReader) document(e xml.StartElement) error {
	d := Document{URL: strings.TrimSpace(attribute(e, "url"))}
	flag := func(name string) *bool {
		text := attribute(e, name)
		if text == "" {
			return nil
		}
		return new(strings.EqualFold(text, "true"))
	}
	d.Current, d.Downloadable, d.Removable = flag("current"), flag("downloadable"), flag("removable")
	if len(r.into.documents) == maxDocuments {
		return errors.New("there are too many documents")
	}
	if d.URL != "" {
		d.Filename = attribute(e, "filename")
		r.into.documents = append(r.into.documents, d)
		return nil // what stands in the element means nothing
	}
	if d.Name = attribute(e, "name"); d.Name == "" {
		return nil
	}
	start := r.into.contents.size
	if r.prev != '/' || r.last != '>' { // or it has ended with its start tag
		if err := r.content(); err != nil {
			return fmt.Errorf("document %d: %w", len(r.into.documents)+1, err)
		}
	}
	if r.into.contents.size == start {
		return fmt.Errorf("document %d is empty", len(r.into.documents)+1)
	}
	r.parts = append(r.parts, contentPart{document: len(r.into.documents), start: start, end: r.into.contents.size})
	r.into.documents = append(r.into.documents, d)
	return nil
}

// content reads up to the end tag, which it leaves to the parser, and decodes and keeps what stands
// there: text, CDATA sections, and references to characters, which some clients write for line ends.
func (r *moduleReader) content() error {
	sink := &base64Writer{to: r.into.contents}
	for {
		run, err := r.ahead(1)
		if err != nil {
			return err
		}
		n := bytes.IndexAny(run, "<&")
		if n < 0 {
			n = len(run)
		}
		switch {
		case n > 0:
			err = sink.write(run[:n])
			_, _ = r.buf.Discard(n)
		case run[0] == '&':
			err = r.reference(sink)
		default:
			var end bool
			if end, err = r.markup(sink); end {
				return sink.close()
			}
		}
		if err != nil {
			return err
		}
	}
}

// ahead returns what is to come, as far as it is in memory and n bytes at least.
func (r *moduleReader) ahead(n int) ([]byte, error) {
	if _, err := r.buf.Peek(n); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return r.buf.Peek(r.buf.Buffered())
}

// reference reads a reference to a character.
func (r *moduleReader) reference(sink *base64Writer) error {
	head, _ := r.buf.Peek(len("&#x00003D;"))
	text, _, ok := strings.Cut(string(head), ";")
	digits, numeric := strings.CutPrefix(text, "&#")
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	c, err := strconv.ParseUint(digits, base, 7)
	if !ok || !numeric || err != nil {
		return errNotBase64
	}
	_, _ = r.buf.Discard(len(text) + 1)
	return sink.write([]byte{byte(c)})
}

// markup reads what begins with '<'. It reports whether that is the end tag.
func (r *moduleReader) markup(sink *base64Writer) (end bool, err error) {
	head, _ := r.buf.Peek(len("<![CDATA["))
	for _, section := range []struct {
		begin, end string
		sink       *base64Writer
	}{{"<![CDATA[", "]]>", sink}, {"<!--", "-->", nil}, {"<?", "?>", nil}} {
		if bytes.HasPrefix(head, []byte(section.begin)) {
			_, _ = r.buf.Discard(len(section.begin))
			return false, r.until(section.end, section.sink)
		}
	}
	if !bytes.HasPrefix(head, []byte("</")) {
		return false, errNotBase64
	}
	return true, nil
}

// until reads up to an end and over it, into a sink if there is one.
func (r *moduleReader) until(end string, sink *base64Writer) error {
	for {
		run, err := r.ahead(len(end))
		if err != nil {
			return err
		}
		i := bytes.Index(run, []byte(end))
		n := i
		if i < 0 {
			n = len(run) - len(end) + 1 // the rest may begin the end
		}
		if sink != nil {
			if err := sink.write(run[:n]); err != nil {
				return err
			}
		}
		if i >= 0 {
			n += len(end)
		}
		_, _ = r.buf.Discard(n)
		if i >= 0 {
			return nil
		}
	}
}
