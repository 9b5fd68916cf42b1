package bbb

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What goes out comes back equal, whatever is in the fields.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		assertRoundTrip(t, createTable, seed)
		assertRoundTrip(t, joinTable, seed)
	}
}

func assertRoundTrip[P any](t *testing.T, table *paramTable[P], seed uint64) {
	t.Helper()
	var p P
	fill(t, rand.New(rand.NewPCG(seed, 0)), reflect.ValueOf(&p).Elem(), "")
	values := table.values(&p)

	back, err := table.parse(values)
	require.NoError(t, err, "%s, seed %d", table.call, seed)
	require.Equal(t, p, back, "%s, seed %d", table.call, seed)

	query := table.appendQuery(nil, &p)
	parsed, err := url.ParseQuery(string(query))
	require.NoError(t, err, "%s, seed %d", table.call, seed)
	require.Equal(t, values, parsed, "%s, seed %d", table.call, seed)

	require.Equal(t, "signed?"+string(query), string(table.appendQuery([]byte("signed?"), &p)))
}

// A field that no table line or the generator forgets fails here under its own name.
func TestEveryFieldTravels(t *testing.T) {
	t.Parallel()
	assertEveryFieldTravels(t, createTable)
	assertEveryFieldTravels(t, joinTable)
}

func assertEveryFieldTravels[P any](t *testing.T, table *paramTable[P]) {
	t.Helper()
	for _, path := range leaves(reflect.TypeFor[P](), nil) {
		var p P
		field := reflect.ValueOf(&p).Elem().FieldByIndex(path)
		name := reflect.TypeFor[P]().FieldByIndex(path).Name
		fill(t, rand.New(rand.NewPCG(1, 1)), field, name)
		require.False(t, field.IsZero(), "%s %s is not generated", table.call, name)

		values := table.values(&p)
		require.NotEmpty(t, values, "%s %s is not sent", table.call, name)
		require.NotEmpty(t, table.appendQuery(nil, &p), "%s %s is not sent", table.call, name)
		assert.NotEqual(t, table.describe("", new(P)), table.describe("", &p), "%s %s is not described", table.call, name)
		back, err := table.parse(values)
		require.NoError(t, err, "%s %s", table.call, name)
		assert.Equal(t, p, back, "%s %s does not come back", table.call, name)
	}
}

// leaves lists the fields of a struct, those of nested structs included.
func leaves(structure reflect.Type, path []int) (paths [][]int) {
	for i := range structure.NumField() {
		field, path := structure.Field(i), append(slices.Clip(path), i)
		if field.Tag.Get("bbb") != "" {
			continue // not a parameter
		}
		if field.Type.Kind() == reflect.Struct && field.Type != reflect.TypeFor[time.Time]() {
			paths = append(paths, leaves(field.Type, path)...)
		} else {
			paths = append(paths, path)
		}
	}
	return paths
}

// fill sets v to something that is not zero and that any server could read back.
func fill(t *testing.T, r *rand.Rand, v reflect.Value, name string) {
	t.Helper()
	switch field := v.Addr().Interface().(type) {
	case **bool:
		*field = new(r.IntN(2) == 0)
	case **int:
		*field = new(r.IntN(math.MaxInt32))
	case **time.Duration:
		*field = new(time.Duration(r.IntN(100_000)) * time.Minute)
	case *time.Time:
		*field = time.UnixMilli(r.Int64N(1e14)).UTC()
	case *Role:
		*field = []Role{RoleModerator, RoleViewer, "unknown"}[r.IntN(3)]
	case *[]Feature:
		for range 1 + r.IntN(4) {
			*field = append(*field, Feature(randomWord(r)))
		}
	case *[]BreakoutGroup:
		for i := range 1 + r.IntN(3) {
			group := BreakoutGroup{ID: fmt.Sprint(i), Name: randomText(r)}
			for range r.IntN(3) {
				group.Roster = append(group.Roster, randomText(r))
			}
			*field = append(*field, group)
		}
	case *[]PluginManifest:
		for range 1 + r.IntN(3) {
			*field = append(*field, PluginManifest{URL: randomText(r), Checksum: randomText(r)})
		}
	case *map[string]string:
		*field = map[string]string{}
		for i := range 1 + r.IntN(4) {
			(*field)[randomWord(r)+fmt.Sprint(i)] = randomText(r)
		}
	case *url.Values:
		*field = url.Values{"unknown": {"", randomText(r)}, randomText(r) + "\t": {randomText(r)}}
		if name == "" || r.IntN(2) == 0 {
			(*field)["X"+randomWord(r)] = []string{randomText(r), randomText(r)}
		}
	default:
		switch {
		case v.Kind() == reflect.String:
			v.SetString(randomText(r))
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).Tag.Get("bbb") != "" {
					continue // travels beside the parameters, in a body (see document_test.go), or not at all
				}
				fill(t, r, v.Field(i), v.Type().Field(i).Name)
			}
		default:
			require.Fail(t, "the generator does not know the type", "%s %s", name, v.Type())
		}
	}
}

func randomWord(r *rand.Rand) string {
	var word strings.Builder
	for range 1 + r.IntN(9) {
		word.WriteByte(byte('a' + r.IntN(26)))
	}
	return word.String()
}

func randomText(r *rand.Rand) string {
	alphabet := []rune("abcXYZ019-_.~*!'() +%&=#?/;:,@<>\"\\|\n\r\täß€中\u2028😀")
	var text strings.Builder
	for range 1 + r.IntN(12) {
		text.WriteRune(alphabet[r.IntN(len(alphabet))])
	}
	return text.String()
}

func TestDashedUserDataReturnsToExtra(t *testing.T) {
	t.Parallel()
	p := JoinParams{
		UserData: map[string]string{UserDataAutoJoinAudio: "true"},
		Extra:    url.Values{"userdata-" + UserDataEnableUserReaction: {"true", "again"}},
	}
	back, err := ParseJoinParams(p.Values())
	require.NoError(t, err)
	assert.Equal(t, p, back)
	assert.Equal(t, "userdata-bbb_auto_join_audio=true&userdata-enable-user-reaction=true&userdata-enable-user-reaction=again",
		string(p.appendQuery(nil)))
}
