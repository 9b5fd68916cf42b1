package xmlwire_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

var everythingDecoded = document{
	status:  status{Code: "SUCCESS"},
	Name:    "ä & <b> 😀",
	ID:      "a",
	Running: true,
	Count:   1234,
	Size:    9_000_000_000,
	Start:   time.UnixMilli(1700000000123).UTC(),
	Length:  90 * time.Minute,
	Parent:  "p", Sequence: 3,
	Rooms: []string{"r1", "r2"},
	Attendees: []attendee{
		{UserID: "u1", Role: "MODERATOR", Presenter: true},
		{UserID: "u2", Role: "VIEWER", Custom: map[string]string{"k-1": "v", "É": "é"}},
	},
	Formats: []*format{{
		URL:    "https://example.org/a?b=1&c=2",
		Images: []image{{Alt: `"a"`, Width: 7, Height: 5, URL: "https://example.org/i.png"}, {}},
	}},
	Metadata: map[string]string{"bbb-recording-ready-url": "https://example.org/", "a": "1"},
	Owner:    attendee{UserID: "o"},
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"":                     0,
		" \n":                  0,
		"null":                 0,
		" null ":               0,
		"0":                    0,
		"-0":                   0,
		" 17\n":                17,
		"007":                  7,
		"1,234,567":            1_234_567,
		"1.234.567":            1_234_567,
		"1'234":                1_234,
		"1 234":                1_234,
		"1\u202f234\u00a0567":  1_234_567,
		"-1,234":               -1_234,
		"9223372036854775807":  math.MaxInt64,
		"-9223372036854775808": math.MinInt64,
	} {
		d, err := decode("<response><rawSize>" + text + "</rawSize></response>")
		require.NoError(t, err, "%q", text)
		assert.Equal(t, want, d.Size, "%q", text)
	}
	for _, text := range []string{
		"a", "12 MB", "1e3", "0x10", "NaN", "NULL", "-", ".", "١٢",
		"9223372036854775808", "-9223372036854775809", "92233720368547758070", "99999999999999999999999",
	} {
		_, err := decode("<response><rawSize>" + text + "</rawSize></response>")
		var value *xmlwire.ValueError
		require.ErrorAs(t, err, &value, "%q", text)
		assert.Equal(t, "rawSize", value.Name)
		assert.ErrorContains(t, err, `"rawSize" is not a whole number in range`)
	}
}

func TestNumberInAttribute(t *testing.T) {
	t.Parallel()
	_, err := decode("<response><playback><format><preview><images><image width='wide'/></images></preview></format></playback></response>")
	var value *xmlwire.ValueError
	require.ErrorAs(t, err, &value)
	assert.Equal(t, "width", value.Name)
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"":              {},
		"0":             {},
		"null":          {},
		"1531155809613": time.Date(2018, 7, 9, 17, 3, 29, 613e6, time.UTC),
		"-1":            time.Date(1969, 12, 31, 23, 59, 59, 999e6, time.UTC),
	} {
		d, err := decode("<response><startTime>" + text + "</startTime></response>")
		require.NoError(t, err)
		assert.Equal(t, want, d.Start, "%q", text)
	}
	_, err := decode("<response><startTime>Mon Jul 09 17:03:29 UTC 2018</startTime></response>")
	require.Error(t, err)
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"":          0,
		"1,440":     24 * time.Hour,
		"-5":        -5 * time.Minute,
		"153722867": 153722867 * time.Minute, // the most a Duration holds
	} {
		d, err := decode("<response><duration>" + text + "</duration></response>")
		require.NoError(t, err)
		assert.Equal(t, want, d.Length, "%q", text)
	}
	for _, text := range []string{"153722868", "-153722868", "long"} {
		_, err := decode("<response><duration>" + text + "</duration></response>")
		require.Error(t, err, text)
	}
}

func TestBooleans(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"true": true, "TRUE": true, " True\n": true,
		"": false, "false": false, "1": false, "yes": false, "truest": false,
	} {
		d, err := decode("<response><running>" + text + "</running></response>")
		require.NoError(t, err)
		assert.Equal(t, want, d.Running, "%q", text)
	}
}

func TestCustom(t *testing.T) {
	t.Parallel()
	_, err := decode("<response><breakout><parentMeetingID>bbb-none</parentMeetingID></breakout></response>")
	require.EqualError(t, err, `xml: byte 63: "parentMeetingID" is not the id of a meeting`)
}

// Empty lists come in many spellings; all of them are nil.
func TestEmptyStructures(t *testing.T) {
	t.Parallel()
	for _, inside := range []string{
		"", "<metadata/><attendees/><breakoutRooms/><playback/>",
		"<metadata></metadata><attendees></attendees><breakoutRooms>\n</breakoutRooms><playback> </playback>",
		"<metadata> text </metadata><attendees><!-- none --></attendees>",
		"<attendees><meeting/></attendees>",
	} {
		d, err := decode("<response>" + inside + "</response>")
		require.NoError(t, err)
		assert.Equal(t, document{}, d, "%q", inside)
	}
}

// An element called breakout is an object in one place and a text in another.
func TestBreakoutShapes(t *testing.T) {
	t.Parallel()
	d, err := decode("<response><breakout>text</breakout><breakoutRooms><breakout><parentMeetingID>p</parentMeetingID> r </breakout></breakoutRooms></response>")
	require.NoError(t, err)
	assert.Equal(t, document{Rooms: []string{"r"}}, d)
}

func TestRepeatedStructuresAdd(t *testing.T) {
	t.Parallel()
	d, err := decode("<response><metadata><a>1</a><b>1</b></metadata><metadata><b>2</b></metadata>" +
		"<breakoutRooms><breakout>1</breakout></breakoutRooms><breakoutRooms><breakout>2</breakout></breakoutRooms></response>")
	require.NoError(t, err)
	assert.Equal(t, document{Metadata: map[string]string{"a": "1", "b": "2"}, Rooms: []string{"1", "2"}}, d)
}

func TestMistakesPanic(t *testing.T) {
	t.Parallel()
	text := func(i *image) *string { return &i.URL }
	for message, mistake := range map[string]func(){
		"xmlwire: two elements called a":         func() { xmlwire.NewRecord(xmlwire.String("a", text), xmlwire.Trimmed("a", text)) },
		"xmlwire: two attributes called a":       func() { xmlwire.NewRecord(xmlwire.String("a", text).Attr(), xmlwire.String("a", text).Attr()) },
		"xmlwire: two content fields":            func() { xmlwire.NewRecord(xmlwire.Content(text), xmlwire.Content(text)) },
		"xmlwire: content beside child elements": func() { xmlwire.NewRecord(xmlwire.Content(text), xmlwire.String("a", text)) },
		"xmlwire: no name in XML: a b":           func() { xmlwire.NewRecord(xmlwire.String("a b", text)) },
		"xmlwire: no name in XML: ":              func() { xmlwire.NewRecord(xmlwire.String("", text).Attr()) },
		"xmlwire: no name in XML: 1": func() {
			xmlwire.List("a", "1", func(f *format) *[]image { return &f.Images }, imageRecord)
		},
		"xmlwire: two elements called url": func() {
			formatRecord.With(xmlwire.String("url", func(f *format) *string { return &f.URL }))
		},
		"xmlwire: field a cannot be an attribute": func() {
			xmlwire.Map("a", func(a *attendee) *map[string]string { return &a.Custom }).Attr()
		},
		"xmlwire: field (content) cannot be an attribute": func() { xmlwire.Content(text).Attr() },
	} {
		assert.PanicsWithValue(t, message, mistake)
	}
	assert.NotPanics(t, func() { xmlwire.NewRecord(xmlwire.String("a", text), xmlwire.String("a", text).Attr()) })
}

// Structures can be lifted out of an embedded struct like texts.
func TestLiftStructures(t *testing.T) {
	t.Parallel()
	type owned struct {
		attendee
		Note string
	}
	fields := append(
		xmlwire.Lift(func(o *owned) *attendee { return &o.attendee }, attendeeRecord.Fields()...),
		xmlwire.String("note", func(o *owned) *string { return &o.Note }).OmitEmpty())
	rec := xmlwire.NewRecord(xmlwire.Nested("owned", func(o *owned) *owned { return o }, xmlwire.NewRecord(fields...)).OmitEmpty())

	const body = "<response><owned><userID>u</userID><role/><isPresenter>false</isPresenter><customdata><a>b</a></customdata></owned></response>"
	var o owned
	require.NoError(t, rec.Decode([]byte(body), "response", &o, xmlwire.Limits{}))
	assert.Equal(t, owned{attendee: attendee{UserID: "u", Custom: map[string]string{"a": "b"}}}, o)
	assert.Equal(t, body, string(rec.Append(nil, "response", &o)))
	assert.Equal(t, "<response/>", string(rec.Append(nil, "response", &owned{})))
	assert.ErrorContains(t, rec.Decode([]byte("<response><owned><customdata>&"), "response", &o, xmlwire.Limits{}), "too early")
}
