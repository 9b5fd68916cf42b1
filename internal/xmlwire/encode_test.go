package xmlwire_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

func TestAppendText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                          "",
		"plain ä€😀":                 "plain ä€😀",
		`<a b="c" d='e'>&amp;`:      `&lt;a b="c" d='e'&gt;&amp;amp;`,
		"]]>":                       "]]&gt;",
		"a\tb\nc\r\nd\r":            "a\tb\nc&#xD;\nd&#xD;",
		"a\x00b\x1fc\x7f":           "a\uFFFDb\uFFFDc\x7f",
		"a\xff\xfeb\xc3":            "a\uFFFD\uFFFDb\uFFFD",
		"\uFFFD\uFFFE\uFFFF":        "\uFFFD\uFFFD\uFFFD",
		"surrogate \xed\xa0\x80 on": "surrogate \uFFFD\uFFFD\uFFFD on",
	} {
		assert.Equal(t, "x"+want, string(xmlwire.AppendText([]byte("x"), in)), "%q", in)
	}
}

func TestAppendElement(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "<a/><b>&lt;</b>", string(xmlwire.AppendElement(xmlwire.AppendElement(nil, "a", ""), "b", "<")))
}

func TestAppendShape(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "<response><returncode/><meetingName/><meetingID/><running>false</running>"+
		"<participantCount>0</participantCount><rawSize>0</rawSize><startTime>0</startTime><duration>0</duration>"+
		"<attendees/><playback/><metadata/></response>",
		string(documentRecord.Append(nil, "response", &document{})))

	d := document{
		status:   status{Code: "SUCCESS"},
		Start:    time.UnixMilli(5).Add(time.Microsecond),
		Length:   90 * time.Second,
		Formats:  []*format{nil, {Images: []image{{Alt: "\"a\"\n<\t'", Width: -3}}}},
		Metadata: map[string]string{"b": "2", "a": "1", "1st": "x", "a b": "x", "n:a": "x", "": "x", "a\xff": "x", "a×": "x", "é·": "3"},
	}
	assert.Equal(t, "<response><returncode>SUCCESS</returncode><meetingName/><meetingID/><running>false</running>"+
		"<participantCount>0</participantCount><rawSize>0</rawSize><startTime>5</startTime><duration>1</duration>"+
		`<attendees/><playback><format><url/><preview><images><image alt="&quot;a&quot;&#xA;&lt;&#x9;'" width="-3"/></images></preview></format></playback>`+
		"<metadata><a>1</a><b>2</b><é·>3</é·></metadata></response>",
		string(documentRecord.Append(nil, "response", &d)))
}

// Bools that follow one another are written together, up to four of them.
func TestAppendRunsOfBools(t *testing.T) {
	t.Parallel()
	type flags struct {
		Before string
		On     [6]bool
	}
	fields := []xmlwire.Field[flags]{xmlwire.String("before", func(f *flags) *string { return &f.Before })}
	for i := range len(flags{}.On) {
		fields = append(fields, xmlwire.Bool(fmt.Sprint("b", i), func(f *flags) *bool { return &f.On[i] }))
	}
	rec := xmlwire.NewRecord(fields...)
	for which := range 1 << len(flags{}.On) {
		for before, want := range map[string]string{"": "<f><before/>", "a": "<f><before>a</before>"} {
			f := flags{Before: before}
			for i := range f.On {
				f.On[i] = which>>i&1 != 0
				want += fmt.Sprintf("<b%d>%t</b%d>", i, f.On[i], i)
			}
			assert.Equal(t, want+"</f>", string(rec.Append(nil, "f", &f)))
		}
	}
}

func TestDecodeOnly(t *testing.T) {
	t.Parallel()
	rec := xmlwire.NewRecord(
		xmlwire.String("url", func(i *image) *string { return &i.URL }),
		xmlwire.Inline("link", xmlwire.NewRecord(
			xmlwire.String("url", func(i *image) *string { return &i.URL }),
		)).DecodeOnly(),
	)
	var i image
	require.NoError(t, rec.Decode([]byte("<image><link><url>a</url></link></image>"), "image", &i, xmlwire.Limits{}))
	assert.Equal(t, "<image><url>a</url></image>", string(rec.Append(nil, "image", &i)))
}

// What is written is read back as it was, by this package and by
// encoding/xml, whatever the strings hold.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		g := newGenerator(seed, 1)
		d := g.document()
		body := documentRecord.Append(nil, "response", &d)
		requireWellFormed(t, body)
		got, err := decode(string(body))
		require.NoError(t, err, "seed %d: %q", seed, body)
		require.Equal(t, expected(d), got, "seed %d: %q", seed, body)
	}
}

func requireWellFormed(t *testing.T, body []byte) {
	t.Helper()
	for dec := xml.NewDecoder(bytes.NewReader(body)); ; {
		_, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err, "%q", body)
	}
}

type generator struct{ *rand.Rand }

func newGenerator(a, b uint64) generator { return generator{rand.New(rand.NewPCG(a, b))} }

var pieces = strings.Split("a|b|Z|7| |  |<|>|&|\"|'|]]>|]|<!--|-->|<![CDATA[|&amp;|&#0;|\r|\n|\r\n|\t|\x00|\x1f|\x7f|\xff|\xc3|\xed\xa0\x80|ä|€|😀|\u2028|\uFFFD|\uFFFE|\uFFFF|\U0010FFFF", "|")

func (g generator) text() string {
	var s strings.Builder
	for range g.IntN(6) {
		s.WriteString(pieces[g.IntN(len(pieces))])
	}
	return s.String()
}

func many[E any](g generator, one func() E) (list []E) {
	for range g.IntN(4) {
		list = append(list, one())
	}
	return list
}

func (g generator) texts() map[string]string {
	if g.IntN(3) == 0 {
		return nil
	}
	keys := []string{"a", "endcallbackurl", "bbb-recording-ready-url", "_x.y", "É·", "名"}
	m := make(map[string]string)
	for range 1 + g.IntN(4) {
		m[keys[g.IntN(len(keys))]] = g.text()
	}
	return m
}

func (g generator) attendee() attendee {
	return attendee{UserID: g.text(), Role: g.text(), Presenter: g.IntN(2) == 0, Custom: g.texts()}
}

func (g generator) image() image {
	return image{Alt: g.text(), Width: g.IntN(3) - 1, Height: int(g.Int64()), URL: g.text()}
}

func (g generator) document() document {
	d := document{
		status: status{Code: returnCode(g.text()), Key: returnCode(g.text())},
		Name:   g.text(), ID: g.text(), Running: g.IntN(2) == 0,
		Count: int(g.Uint64()), Size: int64(g.Uint64() >> g.IntN(64)),
		Start:  time.UnixMilli(int64(g.Uint64() >> (16 + g.IntN(48)))).UTC(),
		Length: time.Duration(g.IntN(10000)) * time.Minute,
		Parent: g.text(), Sequence: g.IntN(3),
		Rooms:     many(g, g.text),
		Attendees: many(g, g.attendee),
		Formats:   many(g, func() *format { return &format{URL: g.text(), Images: many(g, g.image)} }),
		Metadata:  g.texts(),
		Owner:     g.attendee(),
	}
	if d.Start.UnixMilli() == 0 {
		d.Start = time.Time{}
	}
	return d
}

// expected is d after a round trip: what XML cannot hold is replaced and
// trimmed fields are trimmed.
func expected(d document) document {
	whole := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
				return '\uFFFD'
			}
			return r
		}, s) // Map turns bytes that are no characters into U+FFFD itself
	}
	trimmed := func(s string) string { return strings.Trim(whole(s), " \t\r\n") }
	texts := func(m map[string]string) map[string]string {
		for k, v := range m {
			m[k] = whole(v)
		}
		return m
	}
	who := func(a *attendee) {
		a.UserID, a.Role, a.Custom = whole(a.UserID), trimmed(a.Role), texts(a.Custom)
	}
	d.Code, d.Key = returnCode(trimmed(string(d.Code))), returnCode(trimmed(string(d.Key)))
	d.Name, d.ID, d.Parent = whole(d.Name), trimmed(d.ID), whole(d.Parent)
	d.Metadata = texts(d.Metadata)
	who(&d.Owner)
	for i := range d.Rooms {
		d.Rooms[i] = trimmed(d.Rooms[i])
	}
	for i := range d.Attendees {
		who(&d.Attendees[i])
	}
	for _, f := range d.Formats {
		f.URL = trimmed(f.URL)
		for i := range f.Images {
			f.Images[i].Alt, f.Images[i].URL = whole(f.Images[i].Alt), trimmed(f.Images[i].URL)
		}
	}
	return d
}
