package bbb

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Encoding that checks on the way says and writes what checking first and encoding then do, whatever is in whichever
// field: i and j choose two of the texts, and key and value are an entry of each map.
func FuzzAppendChecked(f *testing.F) {
	for i, text := range []string{
		"", "plain text", "Zoë & friends", "two\nlines", "bell\a", "C1 \u0085", "\u00a0", "not UTF-8 \xff", "\xc2",
		"a,b", " blank", "MODERATOR", "https://a.example.org/b?c=d", "https://a/%zz", "123",
	} {
		f.Add(i, i/2, text, "bbb_key", text, int64(i))
		f.Add(i, 3*i, text, text, "a value", int64(-i))
	}
	f.Add(0, 0, "", "-a", "", int64(0))
	f.Add(0, 0, "", "A", "", int64(60_000_000_000))
	f.Fuzz(func(t *testing.T, i, j int, text, key, value string, number int64) {
		join, create := joinOf25(), createOf25()
		join.UserData[key], create.Meta[key], create.PluginParams = value, value, map[string]string{key: value, "a": "b"}
		join.CreateTime = time.Unix(0, number)
		create.Duration, create.MaxNumPages = new(time.Duration(number)), new(int(number))
		if number%5 == 4 {
			join.Extra, create.Extra = url.Values{key: {value}}, url.Values{key: {value}}
		}
		for _, n := range []int{i, j} {
			setText(joinFields, n, &join, text)
			setText(createFields, n, &create, text)
		}
		checkAppendChecked(t, joinTable, &join)
		checkAppendChecked(t, createTable, &create)
	})
}

// setText sets one of the texts of p, the nth in a round.
func setText[P any](fields []*param[P], n int, p *P, text string) {
	if f := fields[int(uint(n)%uint(len(fields)))]; f.text != nil {
		reflect.ValueOf(f.field(p)).Elem().SetString(text)
	}
}

func checkAppendChecked[P any](t *testing.T, table *paramTable[P], p *P) {
	t.Helper()
	want := table.validate(p)
	query, sound := table.appendJudged([]byte("call"), p, true)
	require.False(t, sound && want != nil, "sound, and yet: %v", want)
	assert.Equal(t, "call"+string(table.appendQuery(nil, p)), string(query))
	_, sound = table.appendJudged(nil, p, false)
	assert.False(t, sound, "what was not sound before")
	checked, err := table.appendChecked([]byte("call"), p)
	assert.Equal(t, want, err)
	assert.Equal(t, query, checked)
}

// What is common is seen to be sound without a closer look: that is what makes it fast.
func TestAppendCheckedKnowsWhatIsCommon(t *testing.T) {
	t.Parallel()
	join, create := joinOf25(), createOf25()
	_, sound := joinTable.appendJudged(nil, &join, true)
	assert.True(t, sound, "join")
	_, sound = createTable.appendJudged(nil, &create, true)
	assert.True(t, sound, "create")
}

// A key that is called plain satisfies the rule of its family, and is its own lower case where that counts.
func TestPlainKeys(t *testing.T) {
	t.Parallel()
	checkPlainKeys(t, joinTable)
	checkPlainKeys(t, createTable)
}

func checkPlainKeys[P any](t *testing.T, table *paramTable[P]) {
	t.Helper()
	for i := range table.families {
		f := &table.families[i]
		for c := range 256 {
			for _, key := range []string{"", string([]byte{byte(c)}), string([]byte{'a', byte(c)})} {
				_, seen := appendEscapeSeen(nil, key)
				if f.isPlainKey(key, seen) {
					assert.Empty(t, f.keyRule(key), "%s%q", f.prefix, key)
					assert.False(t, f.foldsCase && hasCapital(key), "%s%q", f.prefix, key)
				}
			}
		}
	}
}

// Each byte is encoded the same way where it stands as where it is copied to: a percent sign, whose code begins with
// itself, is not one that needs none.
func TestEscapeQueryTailOfEachByte(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		text := string([]byte{'a', byte(c)})
		want := "x=" + strings.ReplaceAll(url.QueryEscape(text), "~", "%7E")
		assert.Equal(t, want, string(appendQueryEscape([]byte("x="), text)), "%q", text)
		assert.Equal(t, want, string(escapeQueryTail([]byte("x="+text), 2)), "%q", text)
	}
}
