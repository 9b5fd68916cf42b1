package xmlwire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A list in which one old item comes after some new ones, again and again, was compared with all old
// items each time: one of 600 kB took seconds, and one as large as an answer may be hours.
func TestAllOldItemsAreSeldomLookedAt(t *testing.T) {
	t.Parallel()
	type item struct{ Text string }
	rec := NewRecord(Content(func(i *item) *string { return &i.Text }))
	items := newItems[*item]("item")
	read := func(old *Seen[item], body string) *reader[item] {
		d := newDecoder([]byte("<list>"+body+"</list>"), Limits{})
		defer d.free()
		list, err := d.root("list")
		require.NoError(t, err)
		r := &reader[item]{rec: rec, old: old, now: new(Seen[item])}
		_, err = items.read(d, list, nil, r.read)
		require.NoError(t, err)
		return r
	}
	const n = 1000
	first := read(new(Seen[item]), strings.Repeat("<item>a</item>", n*(nearby+2))).now
	second := read(first, strings.Repeat(strings.Repeat("<item>b</item>", nearby+1)+"<item>a</item>", n))
	assert.LessOrEqual(t, second.wide, maxWide)
	assert.Equal(t, n*(nearby+2), second.now.Len())
}
