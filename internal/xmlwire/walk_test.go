package xmlwire_test

import (
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// What is remembered of one item must not change what the next one means, so
// here odd ones stand among equal ones.
const usualItem = "<attendee>\n <userID>u</userID>\n <role>VIEWER</role>\n <isPresenter>true</isPresenter>\n <customdata/>\n</attendee>\n"

func amongUsual(odd string) []byte {
	return []byte("<response><attendees>" + usualItem + usualItem + odd + usualItem + odd + "</attendees></response>")
}

func TestOddItems(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{
		"", "<attendee/>", "<attendee></attendee>", "<attendee a='b'/>", "<other/>", "<other>\n", "text",
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<userID/>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<userID></userID>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<userID>u</userID\n>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<userID>u<a>b</a></userID>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<userID><role>b</role></userID>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<userID><userID/></userID>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<userID/></userID>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<n:userID>u</n:userID>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<n:userID>u</userID>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<userID>u</n:userID>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<userID a=''>u</userID>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<userID>u&</userID>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<userID>&amp;</userID>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<userID>\x01</userID>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", "<userID>]]></userID>"),
		strings.ReplaceAll(usualItem, "<userID>u</userID>", ""),
		strings.ReplaceAll(usualItem, "attendee>", "n:attendee>"),
		strings.ReplaceAll(usualItem, "<attendee>", "<n:attendee>"),
		strings.ReplaceAll(usualItem, "</attendee>", "</n:attendee>"),
		strings.ReplaceAll(usualItem, "</attendee>", "</tendee>"),
		strings.ReplaceAll(usualItem, "<customdata/>", ""),
		strings.ReplaceAll(usualItem, "<customdata/>", "<customdata>"),
		strings.ReplaceAll(usualItem, "<customdata/>", "<customdata a=''/>"),
		strings.ReplaceAll(usualItem, "<customdata/>", "<customdata>\n</customdata>"),
		strings.ReplaceAll(usualItem, "<customdata/>", "<customdata><customdata/></customdata>"),
		strings.ReplaceAll(usualItem, "\n ", ""),
		strings.ReplaceAll(usualItem, "\n ", "<!-- -->"),
		strings.ReplaceAll(usualItem, "\n ", "<unknown/>"),
		strings.ReplaceAll(usualItem, "\n ", "&lt;"),
	} {
		compare(t, amongUsual(odd))
	}
}

func TestDamagedItems(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5000) {
		compare(t, amongUsual(string(newGenerator(seed, 2).damage([]byte(usualItem)))))
	}
}

// An element without attributes was given those of the element before it, if its start tag was passed in
// one comparison.
func TestAttributesAreNotThoseOfTheElementBefore(t *testing.T) {
	t.Parallel()
	const images = "<format><preview><images><image width='7'>a</image><image/></images ></preview></format>"
	d, err := decode("<response><playback>" + images + images + images + "</playback></response>")
	require.NoError(t, err)
	require.Len(t, d.Formats, 3)
	for _, f := range d.Formats {
		require.Equal(t, []image{{Width: 7, URL: "a"}, {}}, f.Images)
	}
}

// Children of any name are told apart by their place alone, so the end tag of another one was taken for
// theirs.
func TestEndTagOfAnotherKey(t *testing.T) {
	t.Parallel()
	for _, last := range []string{"<c>1</a><b/>", "<c>1</a>", "<a-b>1</a><b/>", "<c/><b/>", "<a/><b/>", "<n:a>1</a><b/>", "<a>1</n:a><b/>"} {
		usual := "<attendee><customdata><a>1</a><b/></customdata></attendee>"
		compare(t, []byte("<response><attendees>"+usual+usual+"<attendee><customdata>"+last+"</customdata></attendee></attendees></response>"))
	}
}

// One record is read as an item of two lists with other names.
func TestSameRecordUnderTwoNames(t *testing.T) {
	t.Parallel()
	type pair struct{ Left, Right []attendee }
	rec := xmlwire.NewRecord(
		xmlwire.List("left", "a", func(p *pair) *[]attendee { return &p.Left }, attendeeRecord),
		xmlwire.List("right", "bcd", func(p *pair) *[]attendee { return &p.Right }, attendeeRecord),
	)
	const left, right = "<a><userID>u</userID></a>", "<bcd><userID>u</userID></bcd>"
	u := attendee{UserID: "u"}
	var p pair
	body := "<response><left>" + left + left + "</left><right>" + right + right + "</right></response>"
	require.NoError(t, rec.Decode([]byte(body), "response", &p, xmlwire.Limits{}))
	assert.Equal(t, pair{Left: []attendee{u, u}, Right: []attendee{u, u}}, p)

	for _, wrong := range []string{"<bcd><userID>u</userID></a>", "<bcd><userID>u</userID></cd>", "<bcd><userID>u</userID></xbcd>"} {
		body := "<response><left>" + left + left + "</left><right>" + wrong + "</right></response>"
		require.ErrorContains(t, rec.Decode([]byte(body), "response", new(pair), xmlwire.Limits{}), "end tag", wrong)
	}
}

// Limits count what is passed quickly like everything else.
func TestLimitsOfRepeatedItems(t *testing.T) {
	t.Parallel()
	body := amongUsual(usualItem) // five of five elements each
	try := func(lim xmlwire.Limits) error {
		return documentRecord.Decode(body, "response", new(document), lim)
	}
	require.NoError(t, try(xmlwire.Limits{Elements: 27, Depth: 4}))
	for n := range 26 {
		require.ErrorIs(t, try(xmlwire.Limits{Elements: 1 + n}), xmlwire.ErrLimit, "%d elements", 1+n)
	}
	require.ErrorIs(t, try(xmlwire.Limits{Depth: 3}), xmlwire.ErrLimit)

	// The same items deeper down.
	deep := "<response><attendees>" + usualItem + usualItem + "</attendees><owner><x><x/></x>" +
		strings.TrimSuffix(strings.TrimPrefix(usualItem, "<attendee>"), "</attendee>\n") + "</owner></response>"
	require.NoError(t, documentRecord.Decode([]byte(deep), "response", new(document), xmlwire.Limits{Depth: 4}))
	require.ErrorIs(t, documentRecord.Decode([]byte(deep), "response", new(document), xmlwire.Limits{Depth: 3}), xmlwire.ErrLimit)
}

// A decoder is used again and again: nothing of one body is taken for another.
func TestBodiesOneAfterTheOther(t *testing.T) {
	t.Parallel()
	for range 3 {
		for _, body := range seeds() {
			compare(t, body)
			d, err := decode(everything)
			require.NoError(t, err)
			require.Equal(t, everythingDecoded, d)
		}
	}
}

// A meeting is kept until it ends, and with it must not stay the thousands of
// others of the answer that it came in.
func TestValuesDoNotKeepTheirAnswer(t *testing.T) {
	const answers = 50
	body := meetingsBody(200)
	kept := make([]meeting, 0, answers)
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for i := range answers {
		var all meetings
		require.NoError(t, meetingsRecord.Decode(body, "response", &all, xmlwire.Limits{}))
		kept = append(kept, all.Meetings[i])
	}
	assert.Less(t, (heap()-before)/answers, int64(12<<10), "bytes for each; the texts of one answer are 200 kB")
	runtime.KeepAlive(kept)
}

// Equal words share their memory, whatever answer they came in.
func TestEqualWordsAreOne(t *testing.T) {
	t.Parallel()
	d, err := decode("<response><attendees>" + strings.Repeat("<attendee><role>VIEWER</role></attendee>", 3) + "</attendees></response>")
	require.NoError(t, err)
	for _, a := range d.Attendees {
		assert.Same(t, unsafe.StringData(d.Attendees[0].Role), unsafe.StringData(a.Role))
	}
}

// Text was passed before a field was asked whether it wants it: one that reads an
// element of its own, in which only text may be, must see it all the same.
func TestRememberedStructureOfText(t *testing.T) {
	t.Parallel()
	type link struct{ URL string }
	type page struct{ Link link }
	type pages struct{ Pages []page }
	linkRecord := xmlwire.NewRecord(xmlwire.Content(func(l *link) *string { return &l.URL }))
	pageRecord := xmlwire.NewRecord(xmlwire.Nested("link", func(p *page) *link { return &p.Link }, linkRecord))
	rec := xmlwire.NewRecord(xmlwire.List("pages", "page", func(p *pages) *[]page { return &p.Pages }, pageRecord))
	var got pages
	body := "<r><pages>" + strings.Repeat("<page><link>https://example.org</link></page>", 3) + "</pages></r>"
	require.NoError(t, rec.Decode([]byte(body), "r", &got, xmlwire.Limits{}))
	want := page{link{"https://example.org"}}
	assert.Equal(t, []page{want, want, want}, got.Pages)
}

// Names of people and the values of metadata repeat from meeting to meeting. Only
// what does not repeat takes memory.
func TestCommonTextsAreOne(t *testing.T) {
	t.Parallel()
	m := sample(5)
	var got meetings
	require.NoError(t, meetingsRecord.Decode(meetingsRecord.Append(nil, "response", &m), "response", &got, xmlwire.Limits{}))
	require.Equal(t, m, got)
	third, last := got.Meetings[3], got.Meetings[4]
	assert.Same(t, unsafe.StringData(third.Attendees[7].FullName), unsafe.StringData(last.Attendees[7].FullName))
	assert.Same(t, unsafe.StringData(third.Metadata["bbb-context"]), unsafe.StringData(last.Metadata["bbb-context"]))
	assert.NotSame(t, unsafe.StringData(third.ModeratorPW), unsafe.StringData(last.ModeratorPW), "not where it is not said")
}
