package xmlwire_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// folder is a list that is read again and again.
type folder struct {
	Documents []*document
	seen      *xmlwire.Seen[document]
}

var folderRecord = xmlwire.NewRecord(
	xmlwire.SeenList("documents", "document", func(f *folder) *[]*document { return &f.Documents },
		func(f *folder) **xmlwire.Seen[document] { return &f.seen }, documentRecord),
)

// folderBody is an answer with these documents, each of which is what stands in its element.
func folderBody(documents ...string) []byte {
	var s strings.Builder
	s.WriteString("<response>\n<documents>\n")
	for _, d := range documents {
		s.WriteString("<document>" + d + "</document>\n")
	}
	s.WriteString("</documents>\n</response>")
	return []byte(s.String())
}

func someDocument(i int) string {
	inside := everything[strings.Index(everything, "<returncode>"):strings.Index(everything, "</response>")]
	return strings.Replace(inside, "<meetingID> a </meetingID>", fmt.Sprintf("<meetingID>%d</meetingID>", i), 1)
}

func someDocuments(n int) (list []string) {
	for i := range n {
		list = append(list, someDocument(i))
	}
	return list
}

// again reads body with and without what was seen before. It returns what is seen now, and how many
// documents are of before.
func again(t testing.TB, body []byte, seen *xmlwire.Seen[document], lim xmlwire.Limits) (now *xmlwire.Seen[document], reused int) {
	t.Helper()
	plain, with := folder{}, folder{seen: seen}
	want := folderRecord.Decode(body, "response", &plain, lim)
	got := folderRecord.Decode(body, "response", &with, lim)
	require.Equal(t, want, got, "%q", body)
	require.Equal(t, plain.Documents, with.Documents, "%q", body)
	if want != nil {
		return seen, 0
	}
	require.Nil(t, plain.seen, "nothing was asked for")
	if with.seen == seen { // there was no list
		return seen, 0
	}
	old := make(map[*attendee]bool)
	for i := range seen.Len() {
		if a := seen.Item(i).Attendees; len(a) > 0 {
			old[&a[0]] = true
		}
	}
	for i, d := range with.Documents {
		if len(d.Attendees) > 0 && old[&d.Attendees[0]] {
			reused++
		}
		if with.seen.Len() == len(with.Documents) { // not with two lists in an answer
			require.Same(t, d, with.seen.Item(i))
		}
	}
	return with.seen, reused
}

func TestUnchangedItemsAreReused(t *testing.T) {
	t.Parallel()
	const n = 100
	first := someDocuments(n)
	other := func(i int) string { return someDocument(1000 + i) }
	longer := func(i int) string { return someDocument(100_000 + i) }
	change := func(every int, with func(int) string) []string {
		list := slices.Clone(first)
		for i := 0; i < n; i += every {
			list[i] = with(i)
		}
		return list
	}
	reversed := slices.Clone(first)
	slices.Reverse(reversed)
	for name, c := range map[string]struct {
		list   []string
		reused int // at least
	}{
		"same":                   {first, n},
		"one changed":            {change(n, other), n - 1},
		"every second changed":   {change(2, longer), n / 2},
		"all changed":            {change(1, other), 0},
		"one at the beginning":   {slices.Concat([]string{other(1)}, first), n},
		"one in the middle":      {slices.Insert(slices.Clone(first), 50, other(1)), n},
		"many in the middle":     {slices.Insert(slices.Clone(first), 50, change(1, longer)[:40]...), n - 30},
		"one at the end":         {append(slices.Clone(first), other(1)), n},
		"one less":               {slices.Delete(slices.Clone(first), 20, 21), n - 1},
		"many less":              {slices.Delete(slices.Clone(first), 20, 60), n - 40 - 10},
		"two exchanged":          {slices.Concat(first[1:2], first[:1], first[2:]), n},
		"the last one first":     {slices.Concat(first[n-1:], first[:n-1]), n - 10},
		"turned round":           {reversed, n / 2},
		"each of them twice":     {slices.Concat(first, first), n},
		"nothing":                {nil, 0},
		"the same one all along": {slices.Repeat(first[:1], n), n},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen, _ := again(t, folderBody(first...), new(xmlwire.Seen[document]), xmlwire.Limits{})
			require.Equal(t, n, seen.Len())
			seen, reused := again(t, folderBody(c.list...), seen, xmlwire.Limits{})
			assert.GreaterOrEqual(t, reused, c.reused)
			_, reused = again(t, folderBody(c.list...), seen, xmlwire.Limits{})
			assert.Equal(t, len(c.list), reused, "as it was the last time")
		})
	}
}

// The same bytes need not be the same item.
func TestReuseMindsWhatIsAround(t *testing.T) {
	t.Parallel()
	body := string(folderBody(someDocuments(3)...))
	seen, _ := again(t, []byte(body), new(xmlwire.Seen[document]), xmlwire.Limits{})
	for _, other := range []string{
		strings.Replace(body, "<document>", "<x:document>", 1), // ends wrongly
		strings.ReplaceAll(strings.ReplaceAll(body, "<document>", "<x:document>"), "</document>", "</x:document>"),
		strings.Replace(body, "<document>", "<document a='b'>", 1),
		strings.Replace(body, "<document>", "<document a='b'c='d'>", 1),
		strings.Replace(body, "<document>", "<document/>", 1),
		strings.Replace(body, "<document>", "<other>", 1),
		strings.ReplaceAll(body, "</document>", "</document >"),
		strings.ReplaceAll(body, "</document>", "<!--</document>--></document>"),
		strings.Replace(body, "</documents>", "</documents>\n<documents>"+someDocument(1)+"</documents>", 1),
		strings.Replace(body, "</documents>", "</documents><documents/>", 1),
		strings.Replace(body, "</documents>", "\xff</documents>", 1),
		body[:len(body)-1],
		body[:len(body)/2],
		body + body,
		"<response/>",
		"<response><documents/></response>",
	} {
		next, _ := again(t, []byte(other), seen, xmlwire.Limits{})
		again(t, []byte(other), next, xmlwire.Limits{})
		again(t, []byte(body), next, xmlwire.Limits{})
	}
}

// Limits count what is reused like what is read.
func TestReuseKeepsToLimits(t *testing.T) {
	t.Parallel()
	body := folderBody(someDocuments(3)...)
	seen, _ := again(t, body, new(xmlwire.Seen[document]), xmlwire.Limits{})
	_, reused := again(t, body, seen, xmlwire.Limits{Depth: 100})
	assert.Equal(t, 3, reused)
	for n := range 200 {
		again(t, body, seen, xmlwire.Limits{Elements: n})
	}
	for depth := range 20 {
		again(t, body, seen, xmlwire.Limits{Depth: depth})
	}
}

// Whatever changes from one time to the next, and whatever of it is damaged: what is read is the same
// as without what was seen.
func TestReuseChangesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		g := newGenerator(seed, 7)
		list, seen := someDocuments(12), new(xmlwire.Seen[document])
		for range 25 {
			for range g.IntN(3) {
				i := g.IntN(len(list))
				switch g.IntN(5) {
				case 0:
					list = slices.Insert(list, i, someDocument(g.IntN(1000)))
				case 1:
					if len(list) > 1 {
						list = slices.Delete(list, i, i+1)
					}
				case 2:
					list[i] = someDocument(g.IntN(1000))
				case 3:
					j := g.IntN(len(list))
					list[i], list[j] = list[j], list[i]
				case 4:
					list[i] = string(g.damage([]byte(list[i])))
					if documentRecord.Decode([]byte("<response>"+list[i]+"</response>"), "response", new(document), xmlwire.Limits{}) != nil {
						again(t, folderBody(list...), seen, xmlwire.Limits{}) // refused, and what was seen stays
						list[i] = someDocument(i)
					}
				}
			}
			body := folderBody(list...)
			again(t, g.damage(body), seen, xmlwire.Limits{})
			seen, _ = again(t, body, seen, xmlwire.Limits{})
		}
	}
}

// FuzzReuse reads one body after another, which may have much in common.
func FuzzReuse(f *testing.F) {
	body := string(folderBody(someDocuments(2)...))
	for _, odd := range []string{"", "<document/>", "<document a='1'>", "<!--</document>-->", "</document>", "<x:document></x:document>"} {
		f.Add([]byte(body), []byte(strings.Replace(body, "</document>", odd+"</document>", 1)))
		f.Add([]byte(strings.Replace(body, "<document>", odd+"<document>", 1)), []byte(body))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		seen, _ := again(t, first, new(xmlwire.Seen[document]), xmlwire.Limits{})
		seen, _ = again(t, second, seen, xmlwire.Limits{})
		seen, _ = again(t, first, seen, xmlwire.Limits{})
		again(t, first, seen, xmlwire.Limits{})
	})
}

// round is a list of meetings that is asked for again and again.
type round struct {
	Meetings []*meeting
	seen     *xmlwire.Seen[meeting]
}

var roundRecord = xmlwire.NewRecord(
	xmlwire.SeenList("meetings", "meeting", func(r *round) *[]*meeting { return &r.Meetings },
		func(r *round) **xmlwire.Seen[meeting] { return &r.seen }, meetingRecord),
)

func BenchmarkRefresh(b *testing.B) {
	const n = 200
	body := func(changed int) []byte {
		m := sample(n)
		for i := range m.Meetings {
			if i*changed%n < changed {
				m.Meetings[i].Name += " once more"
			}
		}
		return bytes.ReplaceAll(meetingsRecord.Append(nil, "response", &m), []byte("><"), []byte(">\n<"))
	}
	first := body(0)
	benchmark(b, "plain", n, func() error {
		var r round
		return roundRecord.Decode(first, "response", &r, xmlwire.Limits{})
	})
	for name, changed := range map[string]int{"unchanged": 0, "5% changed": n / 20, "all changed": n} {
		second := body(changed)
		old := round{seen: new(xmlwire.Seen[meeting])}
		require.NoError(b, roundRecord.Decode(first, "response", &old, xmlwire.Limits{}))
		benchmark(b, name, n, func() error {
			r := round{seen: old.seen}
			return roundRecord.Decode(second, "response", &r, xmlwire.Limits{})
		})
	}
}
