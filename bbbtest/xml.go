package bbbtest

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// document writes one XML answer, the quirks applied. Whatever text it is given, what it writes is
// well-formed: a fake that broke on odd names would test the wrong thing.
type document struct {
	buf    bytes.Buffer
	quirks Quirks
	depth  int
}

const (
	success = "SUCCESS"
	failed  = "FAILED"
)

// newDocument opens the response element and writes the return code.
func newDocument(q Quirks, returncode string) *document {
	d := &document{quirks: q}
	if q.XMLDeclaration {
		d.buf.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
	}
	d.open("response")
	if q.LowercaseReturncode {
		returncode = strings.ToLower(returncode)
	}
	d.raw("returncode", returncode)
	return d
}

// bytes closes the response element and returns the whole document.
func (d *document) bytes() []byte {
	if d.quirks.ExtraElements {
		d.open("unheardOf")
		d.raw("sinceRelease", "99.9")
		d.close("unheardOf")
	}
	d.close("response")
	return d.buf.Bytes()
}

func (d *document) indent() {
	for range d.depth {
		d.buf.WriteString("  ")
	}
}

func (d *document) open(name string) {
	d.indent()
	d.buf.WriteString("<" + name + ">\n")
	d.depth++
}

func (d *document) close(name string) {
	d.depth--
	d.indent()
	d.buf.WriteString("</" + name + ">\n")
}

// raw writes an element whose text needs no escaping and takes no quirk.
func (d *document) raw(name, text string) {
	d.indent()
	d.buf.WriteString("<" + name + ">" + text + "</" + name + ">\n")
}

// text writes a string element.
func (d *document) text(name, value string) {
	pad := ""
	if d.quirks.PaddedText && value != "" {
		pad = "\n\t  "
	}
	if d.quirks.CDATA && value != "" {
		value = strings.ReplaceAll(validText(value), "]]>", "]]]]><![CDATA[>")
		d.raw(name, pad+"<![CDATA["+value+"]]>"+pad)
		return
	}
	d.raw(name, pad+escape(value)+pad)
}

// cdata writes a string element that is a CDATA section in every answer.
func (d *document) cdata(name, value string) {
	d.raw(name, "<![CDATA["+strings.ReplaceAll(validText(value), "]]>", "]]]]><![CDATA[>")+"]]>")
}

func (d *document) boolean(name string, v bool) { d.raw(name, strconv.FormatBool(v)) }

func (d *document) number(name string, n int64) { d.raw(name, strconv.FormatInt(n, 10)) }

// count writes a number that the templates once printed with thousands separators.
func (d *document) count(name string, n int, commas bool) {
	text := strconv.Itoa(n)
	if commas && d.quirks.CommaNumbers {
		for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
			text = text[:i] + "," + text[i:]
		}
	}
	d.raw(name, text)
}

// millis writes a time as milliseconds since 1970, or what the quirks put for "never".
func (d *document) millis(name string, ms int64) {
	switch {
	case ms == 0 && d.quirks.NullNumbers:
		d.raw(name, "null")
	case ms == 0 && d.quirks.EmptyNumbers:
		d.raw(name, "")
	default:
		d.number(name, ms)
	}
}

// message writes the messageKey and message elements, empty ones too.
func (d *document) message(key, text string) {
	d.text("messageKey", key)
	d.text("message", text)
}

// pairs writes an element with one child per key of m, sorted. Keys that are no XML names are left
// out, unless the RawNames quirk asks for the real server's mistake.
func (d *document) pairs(name string, m map[string]string) {
	if len(m) == 0 {
		if !d.quirks.NoEmptyLists {
			d.raw(name, "")
		}
		return
	}
	d.open(name)
	for _, key := range sortedKeys(m) {
		if d.quirks.RawNames || isXMLName(key) {
			d.text(key, m[key])
		}
	}
	d.close(name)
}

// isXMLName is narrower than XML's own rule: ASCII only and no colon, which would be a namespace.
func isXMLName(name string) bool {
	for i, c := range []byte(name) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != ""
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;", "\r", "&#xD;")

func escape(s string) string { return escaper.Replace(validText(s)) }

// validText replaces whatever may not stand in an XML document at all.
func validText(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\t', c == '\n', c == '\r',
			c >= 0x20 && c <= 0xD7FF,
			c >= 0xE000 && c <= 0xFFFD,
			c >= 0x10000 && c <= 0x10FFFF:
			return c
		}
		return utf8.RuneError
	}, s)
}
