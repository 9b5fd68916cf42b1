package xmlwire_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// difference is one on purpose between this package and encoding/xml.
type difference struct {
	msg     string // part of the message of the one that refuses
	body    string // what the body holds, where the message is a wide one
	example string
	why     string
}

// Where this package refuses what encoding/xml accepts.
var stricter = []difference{
	{"document type", "<!", "<!DOCTYPE response><response/>", "encoding/xml hands out directives without reading them; no server sends one"},
	{"root element is", "<!", "<!DOCTYPE html><response/>", "the same"},
	{"illegal control character", "<!--", "<response><!--\x01--></response>", "encoding/xml does not look into comments"},
	{"illegal control character", "<?", "<response><?a \x01?></response>", "nor into processing instructions"},
	{"illegal UTF-8", "", "<response><!--\xff--></response>", "the same"},
	{"reference to an illegal character", "&#", "<response>&#xD800;</response>", "encoding/xml makes U+FFFD of a surrogate"},
	{"no white space before an attribute", "", "<response a='1'b='2'/>", "not well-formed"},
	{"attribute given twice", "", "<response a='1' a='2'/>", "not well-formed"},
	{"outside the root element", "<![CDATA[", "<response/><![CDATA[ ]]>", "encoding/xml cannot tell CDATA from white space there"},
	{"XML declaration inside", "<?xml", "<response/><?xml version='1.0'?>", "two answers stuck together are no answer"},
	{"malformed tag", "<?xml", "<?xml version='1.0' a?><response/>", "encoding/xml searches the declaration for what it needs and reads no more of it"},
	{"malformed name", "<?xml", "<?xml ='1.0'?><response/>", "the same"},
	{"malformed name", "<?", "<?a:b:c?><response/>", "encoding/xml lets processing instructions have any number of colons"},
	{"reference", "<?xml", "<?xml a='&'?><response/>", "the same"},
	{"unknown entity", "<?xml", "<?xml a='&b;'?><response/>", "the same"},
	{"in an attribute", "<?xml", "<?xml a='<'?><response/>", "the same"},
	{"too early", "<?xml", "<?xml a='?><response/>", "the same"},
	{"too many attributes", "", "<response" + manyAttributes() + "/>", "comparing them takes quadratic time"},
	{"declared", "<?xml", "<?xml encoding = 'latin1'?><response/>", "encoding/xml overlooks an encoding after white space"},
	{"nested too deep", "", "<response>" + strings.Repeat("<a>", 32) + strings.Repeat("</a>", 32) + "</response>", "Limits"},
}

// Where this package accepts what encoding/xml refuses.
var laxer = []difference{
	{`encoding "us-ascii" declared`, "", "<?xml version='1.0' encoding='us-ascii'?><response/>", "ASCII is UTF-8"},
	{"invalid XML name", "", "<response><a😀/></response>", "names of the fifth edition of XML 1.0; encoding/xml keeps to an older one"},
}

func manyAttributes() string {
	var s strings.Builder
	for i := range 65 {
		fmt.Fprintf(&s, " a%d=''", i)
	}
	return s.String()
}

func isMeant(differences []difference, err error, body []byte) bool {
	return slices.ContainsFunc(differences, func(d difference) bool {
		return strings.Contains(strings.ToLower(err.Error()), strings.ToLower(d.msg)) && bytes.Contains(body, []byte(d.body))
	})
}

// The lists of differences are true.
func TestDifferences(t *testing.T) {
	t.Parallel()
	for _, s := range stricter {
		_, err := decode(s.example)
		require.ErrorContains(t, err, s.msg, "%q", s.example)
		require.Contains(t, s.example, s.body)
		_, err = decodeReference([]byte(s.example))
		require.NoError(t, err, "%q", s.example)
	}
	for _, l := range laxer {
		_, err := decode(l.example)
		require.NoError(t, err, "%q", l.example)
		_, err = decodeReference([]byte(l.example))
		require.ErrorContains(t, err, l.msg, "%q", l.example)
	}
}

// reference is the model of the tests for encoding/xml. Scalars that are not
// texts are collected as texts, all of them, and converted by other means than
// the package's.
type reference struct {
	Code      string            `xml:"returncode"`
	Key       string            `xml:"messageKey"`
	Name      string            `xml:"meetingName"`
	ID        string            `xml:"meetingID"`
	Running   string            `xml:"running"`
	Count     []string          `xml:"participantCount"`
	Size      []string          `xml:"rawSize"`
	Start     []string          `xml:"startTime"`
	Length    []string          `xml:"duration"`
	Parent    []string          `xml:"breakout>parentMeetingID"`
	Sequence  []string          `xml:"breakout>sequence"`
	Rooms     []string          `xml:"breakoutRooms>breakout"`
	Attendees []referenceUser   `xml:"attendees>attendee"`
	Formats   []referenceFormat `xml:"playback>format"`
	Metadata  referenceMap      `xml:"metadata"`
	Owner     referenceUser     `xml:"owner"`
}

type referenceUser struct {
	UserID    string       `xml:"userID"`
	Role      string       `xml:"role"`
	Presenter string       `xml:"isPresenter"`
	Custom    referenceMap `xml:"customdata"`
}

type referenceFormat struct {
	URL    string           `xml:"url"`
	Images []referenceImage `xml:"preview>images>image"`
}

type referenceImage struct {
	Attrs []xml.Attr `xml:",any,attr"`
	URL   string     `xml:",chardata"`
}

type referenceMap map[string]string

func (m *referenceMap) UnmarshalXML(d *xml.Decoder, _ xml.StartElement) error {
	for {
		tok, err := d.Token()
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			var s string
			if err := d.DecodeElement(&s, &t); err != nil {
				return err
			}
			if *m == nil {
				*m = make(referenceMap)
			}
			(*m)[t.Name.Local] = s
		}
	}
}

func blankText(tok xml.Token) bool {
	text, ok := tok.(xml.CharData)
	return !ok || strings.Trim(string(text), " \t\r\n") == ""
}

// decodeReference reads body with encoding/xml and looks, as a careful caller
// of it would, at what stands around the root element.
func decodeReference(body []byte) (d document, err error) {
	dec := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\uFEFF"))))
	var ref reference
	for seen := false; ; {
		tok, err := dec.Token()
		switch {
		case errors.Is(err, io.EOF) && seen:
			return ref.document()
		case err != nil:
			return d, err
		case !blankText(tok):
			return d, errors.New("text outside")
		}
		if start, ok := tok.(xml.StartElement); ok {
			if seen || start.Name.Local != "response" {
				return d, errors.New("root")
			}
			if err := dec.DecodeElement(&ref, &start); err != nil {
				return d, err
			}
			seen = true
		}
	}
}

var errValue = errors.New("value")

func (ref reference) document() (d document, err error) {
	fail := func(e error) {
		if e != nil {
			err = e
		}
	}
	number := func(texts []string, least, most int64) (n int64) {
		for _, s := range texts {
			x, e := referenceInt(s)
			fail(e)
			if n = x; x < least || x > most {
				fail(errValue)
			}
		}
		return n
	}
	d = document{
		status:  status{Code: returnCode(trim(ref.Code)), Key: returnCode(trim(ref.Key))},
		Name:    ref.Name,
		ID:      trim(ref.ID),
		Running: strings.ToLower(trim(ref.Running)) == "true",
		Count:   int(number(ref.Count, math.MinInt, math.MaxInt)),
		Size:    number(ref.Size, math.MinInt64, math.MaxInt64),
		Length:  time.Duration(number(ref.Length, -153722867, 153722867)) * time.Minute,
	}
	d.Sequence = int(number(ref.Sequence, math.MinInt, math.MaxInt))
	if ms := number(ref.Start, math.MinInt64, math.MaxInt64); ms != 0 {
		d.Start = time.UnixMilli(ms).UTC()
	}
	for _, d.Parent = range ref.Parent {
		if d.Parent == "bbb-none" {
			fail(errValue)
		}
	}
	for _, r := range ref.Rooms {
		d.Rooms = append(d.Rooms, trim(r))
	}
	for _, u := range ref.Attendees {
		d.Attendees = append(d.Attendees, u.attendee())
	}
	for _, f := range ref.Formats {
		g := &format{URL: trim(f.URL)}
		for _, i := range f.Images {
			j := image{URL: trim(i.URL)}
			for _, a := range i.Attrs {
				switch a.Name.Local {
				case "alt":
					j.Alt = a.Value
				case "width":
					j.Width = int(number([]string{a.Value}, math.MinInt, math.MaxInt))
				case "height":
					j.Height = int(number([]string{a.Value}, math.MinInt, math.MaxInt))
				}
			}
			g.Images = append(g.Images, j)
		}
		d.Formats = append(d.Formats, g)
	}
	d.Metadata, d.Owner = ref.Metadata, ref.Owner.attendee()
	return d, err
}

func (u referenceUser) attendee() attendee {
	return attendee{UserID: u.UserID, Role: trim(u.Role), Presenter: strings.ToLower(trim(u.Presenter)) == "true", Custom: u.Custom}
}

func trim(s string) string { return strings.Trim(s, " \t\r\n") }

var notDigits = regexp.MustCompile(`[^0-9]`)

func referenceInt(s string) (int64, error) {
	s = trim(s)
	if s == "" || s == "null" {
		return 0, nil
	}
	digits := notDigits.ReplaceAllString(s, "")
	if digits == "" || regexp.MustCompile(`[A-Za-z]`).MatchString(s) {
		return 0, errValue
	}
	n, _ := new(big.Int).SetString(digits, 10)
	if s[0] == '-' {
		n.Neg(n)
	}
	if !n.IsInt64() {
		return 0, errValue
	}
	return n.Int64(), nil
}

// compare fails unless this package and encoding/xml agree about body or
// differ on purpose.
func compare(t *testing.T, body []byte) {
	t.Helper()
	var got document
	err := documentRecord.Decode(body, "response", &got, xmlwire.Limits{})
	want, refErr := decodeReference(body)
	switch {
	case err == nil && refErr == nil:
		require.Equal(t, want, got, "%q", body)
	case err == nil:
		if !isMeant(laxer, refErr, body) {
			t.Fatalf("only encoding/xml refuses %q: %v", body, refErr)
		}
	case refErr == nil:
		if !isMeant(stricter, err, body) {
			t.Fatalf("only encoding/xml accepts %q: %v", body, err)
		}
	}
}

// seeds are whole answers and all the texts that need care.
func seeds() [][]byte {
	bodies := [][]byte{[]byte(everything), amongUsual(""), amongUsual("<attendee><userID/></attendee>")}
	for _, p := range pieces {
		bodies = append(bodies, []byte("<response a='"+p+"'><meetingName>"+p+"</meetingName>"+p+"</response>"+p))
	}
	for _, d := range slices.Concat(stricter, laxer) {
		bodies = append(bodies, []byte(d.example))
	}
	return bodies
}

// Damage every seed in hundreds of ways. The fuzz test finds more, this one is
// quick enough to run always.
func TestDamagedBodies(t *testing.T) {
	t.Parallel()
	for i, body := range seeds() {
		for seed := range uint64(300) {
			compare(t, newGenerator(uint64(i), seed).damage(body))
		}
	}
}

// damage returns body with some bytes cut, doubled or replaced.
func (g generator) damage(body []byte) []byte {
	body = slices.Clone(body)
	for range 1 + g.IntN(3) {
		if len(body) == 0 {
			break
		}
		from := g.IntN(len(body))
		to := from + g.IntN(min(20, len(body)-from))
		switch g.IntN(4) {
		case 0:
			body = slices.Delete(body, from, to)
		case 1:
			body = slices.Insert(body, from, slices.Clone(body[from:to])...)
		case 2:
			body = slices.Insert(body, from, []byte(pieces[g.IntN(len(pieces))])...)
		case 3:
			body[from] = `<>/&;"'=!?-[] x:`[g.IntN(16)]
		}
	}
	return body
}

// FuzzDifferential compares this package with encoding/xml: both read the same
// from a body or both refuse it, except where stricter and laxer say why not.
func FuzzDifferential(f *testing.F) {
	for _, body := range seeds() {
		f.Add(body)
	}
	f.Fuzz(compare)
}

// FuzzRoundTrip writes what was read and any text, and expects to read it back.
func FuzzRoundTrip(f *testing.F) {
	for _, p := range pieces {
		f.Add([]byte(everything), p, p)
	}
	f.Fuzz(func(t *testing.T, body []byte, text, key string) {
		var d document
		_ = documentRecord.Decode(body, "response", &d, xmlwire.Limits{})
		d.Name, d.ID, d.Rooms = text, text, append(d.Rooms, text)
		d.Formats = append(d.Formats, &format{Images: []image{{Alt: text, URL: text}}})
		d.Attendees = append(d.Attendees, attendee{Custom: map[string]string{key: text}})
		written := documentRecord.Append(nil, "response", &d)

		got, err := decode(string(written))
		require.NoError(t, err, "%q", written)
		last := d.Attendees[len(d.Attendees)-1].Custom
		if len(got.Attendees[len(got.Attendees)-1].Custom) == 0 {
			clear(last) // key is no name
			d.Attendees[len(d.Attendees)-1].Custom = nil
		}
		require.Equal(t, expected(d), got, "%q", written)
	})
}
