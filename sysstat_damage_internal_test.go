package bbb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sadfAnswers are the files of testdata/sysstat.
var sadfAnswers = []string{
	"11.0.json", "11.2.json", "11.6.json", "12.0.json", "12.2.json", "12.5.json", "12.6.json", "12.6-empty.json", "12.7.json",
}

// What is not as it should be costs itself, and nothing beside it.
func TestSadfThatIsDamaged(t *testing.T) {
	t.Parallel()
	load := func(one float64) Sample { return Sample{Queue: &Queue{Load1: one}} }
	for name, test := range map[string]struct {
		sample string
		want   Sample
	}{
		"texts for numbers": {
			`{"queue": {"runq-sz": "3", "ldavg-1": "0.50", "blocked": " 1"}}`,
			Sample{Queue: &Queue{RunQueue: 3, Load1: 0.5}},
		},
		"no numbers at all": {
			`{"queue": {"runq-sz": nan, "plist-sz": null, "ldavg-1": 1.25, "ldavg-5": -nan, "ldavg-15": inf, "blocked": true}}`,
			load(1.25),
		},
		"numbers of counters that went backwards": {
			`{"queue": {"runq-sz": -1, "plist-sz": 9223372036854775808.00, "ldavg-1": 1.25, "ldavg-5": 1e300, "ldavg-15": 1e999}}`,
			load(1.25),
		},
		"lists and objects for numbers": {
			`{"queue": {"runq-sz": [1, 2], "plist-sz": {"x": 3}, "ldavg-1": 1.25}}`,
			load(1.25),
		},
		"objects for lists": {
			`{"cpu-load": {"cpu": "all", "idle": 90.00}, "network": {"net-dev": {"iface": "lo", "rxpck": 1.00}}}`,
			Sample{CPU: []CPU{{Name: "all", Idle: 90}}, Network: []Interface{{Name: "lo", RxPackets: 1}}},
		},
		"lists for objects": {`{"queue": [{"ldavg-1": 9.00}], "memory": "full", "io": {"tps": 1.00}}`, Sample{IO: &IO{Transfers: 1}}},
		"I/O in one object": {`{"io": {"tps": 3.00, "rtps": 1.00, "wtps": 2.00}}`, Sample{IO: &IO{Transfers: 3, Reads: 1, Writes: 2}}},
		"no separators":     {`{"queue" {"ldavg-1" 1.25 "blocked" 0}}`, load(1.25)},
		"too many separators": {
			`{,"queue":: {, "ldavg-1": 1.25,, "blocked": 0,},}`,
			load(1.25),
		},
		"decimal commas":      {`{"queue": {"ldavg-1": 1,25,"ldavg-5": 0,50}}`, Sample{Queue: &Queue{Load1: 1.25, Load5: 0.5}}},
		"a bracket too few":   {`{"x": {"y": [1, {"queue": {"ldavg-1": 9.00}}, "queue": {"ldavg-1": 1.25}}`, Sample{}},
		"an unclosed list":    {`{"cpu-load": [{"cpu": "all", "idle": 90.00}}`, Sample{CPU: []CPU{{Name: "all", Idle: 90}}}},
		"the same name again": {`{"queue": {"ldavg-1": 9.00}, "queue": {"ldavg-1": 1.25, "ldavg-1": 1.50}}`, load(1.5)},
		"a CPU without idle":  {`{"cpu-load": [{"cpu": "all", "usr": 10.00, "sys": 5.00}], "io": {"tps": 1.00}}`, Sample{IO: &IO{Transfers: 1}}},
		"CPUs without names, all last": {
			`{"cpu-load": [{"cpu": "0", "idle": 80.00}, {"cpu": 1, "idle": 100.00}, {"cpu": "-1", "idle": 90.00}]}`,
			Sample{CPU: []CPU{{Name: "all", Idle: 90}, {Name: "0", Idle: 80}, {Name: "1", Idle: 100}}},
		},
		"fewer fields of CPUs": {
			`{"cpu-load": [{"cpu": "all", "user": 10.00, "nice": 1.00, "system": 5.00, "iowait": 2.00, "steal": 3.00, "idle": 79.00}]}`,
			Sample{CPU: []CPU{{Name: "all", User: 10, Nice: 1, System: 5, IOWait: 2, Steal: 3, Idle: 79}}},
		},
		"networks in two parts": {
			`{"network": {"net-dev": [{"iface": "lo", "rxpck": 1.00}]}, "network": {"net-edev": [{"iface": "lo", "rxerr": 2.00}]}}`,
			Sample{Network: []Interface{{Name: "lo", RxPackets: 1, RxErrors: 2}}},
		},
		// https://github.com/sysstat/sysstat/issues/288: the first interval of a day.
		"zeros for all CPUs": {
			`{"cpu-load-all": [{"cpu": "all", "usr": 0.00, "idle": 0.00}, {"cpu": "0", "idle": 100.00}]}`,
			Sample{CPU: []CPU{{Name: "0", Idle: 100}}},
		},
		"interfaces without names": {
			`{"network": {"net-dev": [{"rxpck": 1.00}, {"iface": "", "rxpck": 1.00}, {"rxpck": 2.00, "iface": "lo"}], "net-edev": [{"rxerr": 3.00, "iface": "lo"}]}}`,
			Sample{Network: []Interface{{Name: "lo", RxPackets: 2, RxErrors: 3}}},
		},
		"names that are not escaped": {
			"{\"network\": {\"net-dev\": [\n{\"iface\": \"a\\c\", \"rxpck\": 1.00},\n{\"iface\": \"c\"d\", \"rxpck\": 9.00},\n{\"iface\": \"e\", \"rxpck\": 2.00}\n]}}",
			Sample{Network: []Interface{{Name: `a\c`, RxPackets: 1}, {Name: "c"}, {Name: "e", RxPackets: 2}}},
		},
		"names that are escaped": {
			`{"network": {"net-dev": [{"iface": "br\u002dlan\"\\", "rxpck": 1.00}]}}`,
			Sample{Network: []Interface{{Name: `br-lan"\`, RxPackets: 1}}},
		},
		"names that do things to a terminal": {
			"{\"network\": {\"net-dev\": [{\"iface\": \"\\u001b[31mlo\\u0007\u202e\xff\", \"rxpck\": 1.00}]}}",
			Sample{Network: []Interface{{Name: "[31mlo\uFFFD", RxPackets: 1}}},
		},
	} {
		got, err := decodeSadf([]byte(sadfSamples(test.sample)))
		if reflect.DeepEqual(test.want, Sample{}) {
			assert.ErrorIs(t, err, ErrSadfEmpty, name)
			continue
		}
		if assert.NoError(t, err, name) {
			assert.Equal(t, test.want, got.Sample, name)
		}
	}
}

// What a shell or sadf itself says before the answer does not matter, nor does the end of
// lines.
func TestSadfAfterOtherText(t *testing.T) {
	t.Parallel()
	text := sadfText(t, "12.7.json")
	want, err := decodeSadf(text)
	require.NoError(t, err)
	for _, text := range [][]byte{
		append([]byte("Welcome to {bbb}! [sysstat]\nsadf: a warning\n"), text...),
		append([]byte("$ "), text...),
		append(bytes.Clone(text), "$ logout {\n"...),
		bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
		bytes.Join(bytes.Fields(text), []byte(" ")),
		bytes.Replace(text, []byte(`{"sysstat": {`), []byte("{\n\"sysstat\" :\n{"), 1),
		bytes.ReplaceAll(text, []byte(", "), []byte(" ")),
	} {
		got, err := decodeSadf(text)
		if assert.NoError(t, err, "%.60q", text) {
			assert.Equal(t, want, got, "%.60q", text)
		}
	}
}

// An answer that breaks off has the intervals that are whole. Half a number is none.
func TestSadfThatBreaksOff(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"11.0.json", "11.2.json", "12.6.json"} {
		text := sadfText(t, name)
		newest, err := decodeSadf(text)
		require.NoError(t, err)
		var second int // where the second interval begins
		for range 2 {
			second += bytes.Index(text[second:], []byte(`"timestamp"`)) + 1
		}
		first, err := decodeSadf(text[:second])
		require.NoError(t, err)
		require.NotEqual(t, newest, first)
		failed := 0
		for i := range text {
			got, err := decodeSadf(text[:i])
			switch {
			case err != nil:
				require.ErrorIs(t, err, ErrSadfAnswer, "%s cut at %d", name, i)
				require.Equal(t, failed, i, "%s cut at %d", name, i)
				failed++
			case i <= second:
				require.Equal(t, first, got, "%s cut at %d", name, i)
			case got.Time.Equal(newest.Time):
				require.Equal(t, newest, got, "%s cut at %d", name, i)
			default:
				require.Equal(t, first, got, "%s cut at %d", name, i)
			}
		}
		require.NotZero(t, failed)
	}
}

// The newest interval counts, wherever it stands.
func TestSadfNewestInterval(t *testing.T) {
	t.Parallel()
	at := func(clock string, load int) string {
		return fmt.Sprintf(`{"timestamp": {"date": "2026-01-31", "time": %q, "utc": 1, "interval": 60}, "queue": {"ldavg-1": %d.00}}`, clock, load)
	}
	timeless := `{"queue": {"ldavg-1": 9.00}}`
	for _, test := range []struct {
		samples []string
		want    float64
	}{
		{[]string{at("10:00:00", 1), at("10:01:00", 2)}, 2},
		{[]string{at("10:01:00", 2), at("10:00:00", 1)}, 2},
		{[]string{at("10:00:00", 1), at("10:00:00", 2)}, 2},
		{[]string{at("10:00:00", 1), `{}`, timeless}, 1},
		{[]string{timeless, at("10:00:00", 1), at("00:00:00", 3)}, 1},
		{[]string{timeless}, 9},
	} {
		got, err := decodeSadf([]byte(sadfSamples(test.samples...)))
		if assert.NoError(t, err) {
			assert.InDelta(t, test.want, got.Queue.Load1, 0, test.samples)
		}
	}

	// A host without intervals is passed over, a later one is not looked at.
	got, err := decodeSadf([]byte(`{"sysstat": {"hosts": [{"nodename": "a", "number-of-cpus": 2, "statistics": []},
		{"nodename": "b", "statistics": [` + at("10:00:00", 1) + `], "number-of-cpus": 4}, {"nodename": "c", "statistics": [` + at("10:05:00", 2) + `]}]}}`))
	require.NoError(t, err)
	assert.Equal(t, "b", got.Host)
	assert.Equal(t, 4, got.CPUs)
	assert.InDelta(t, 1, got.Queue.Load1, 0)
}

// A time is that of one moment, or it is not known.
func TestSadfTime(t *testing.T) {
	t.Parallel()
	day := time.Date(2024, 2, 29, 23, 30, 15, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`"date": "2024-02-29", "time": "23:30:15", "utc": 1`:      day,
		`"date": "2024-02-29", "time": "23:30:15", "utc": "1"`:    day,
		`"date": "2024-02-29", "time": "23:30:15", "tz": "UTC"`:   day,
		`"date": "2024-02-29", "time": "23:30:15", "tz": "GMT"`:   day,
		`"date": "2024-02-29", "time": "23:30:15"`:                day,
		`"date": "2024-03-01", "time": "05:00:15", "tz": "+0530"`: day,
		`"date": "2024-02-29", "time": "20:30:15", "tz": "-03"`:   day,
		`"date": "", "time": "1709249415", "utc": 1`:              day,
		`"time": 1709249415`: day,
		`"date": "2024-02-29", "time": "23:30:15", "utc": 0`:              {},
		`"date": "2024-02-29", "time": "23:30:15", "tz": "CST"`:           {},
		`"date": "2024-02-29", "time": "23:30:15", "tz": "CET"`:           {},
		`"date": "2023-02-29", "time": "23:30:15", "utc": 1`:              {},
		`"date": "29.02.2024", "time": "23:30:15", "utc": 1`:              {},
		`"date": "2024-02-29", "time": "11:30:15 PM", "utc": 1`:           {},
		`"date": "2024-02-29", "utc": 1`:                                  {},
		`"date": "0001-01-01", "time": "00:00:00", "utc": 1`:              {},
		`"date": "9999-12-31", "time": "23:59:59", "tz": "-1200"`:         {},
		`"date": "", "time": "99999999999999", "utc": 1`:                  {},
		`"date": "12858-03-02", "time": "13:41:20", "utc": 1`:             {},
		`"date": {"x": 1}, "time": ["23:30:15"], "utc": 1, "interval": 5`: {},
	} {
		got, err := decodeSadf([]byte(sadfSamples(`{"timestamp": {` + text + `}, "queue": {"ldavg-1": 1.00}}`)))
		if assert.NoError(t, err, text) {
			assert.Equal(t, want, got.Time, text)
			_, err := json.Marshal(got)
			assert.NoError(t, err, text)
		}
	}
	for text, want := range map[string]time.Duration{
		`600`: 10 * time.Minute, `"60"`: time.Minute, `0`: 0, `-5`: 0, `nan`: 0,
		`184467440737095516`: 0, // https://github.com/sysstat/sysstat/issues/202
		`31536000`:           365 * 24 * time.Hour,
		`31708800`:           0,
	} {
		got, err := decodeSadf([]byte(sadfSamples(`{"timestamp": {"interval": ` + text + `}, "queue": {"ldavg-1": 1.00}}`)))
		if assert.NoError(t, err, text) {
			assert.Equal(t, want, got.Interval, text)
		}
	}
}

// No answer makes a report that is bigger than a machine can be.
func TestSadfLimits(t *testing.T) {
	t.Parallel()
	var cpus, devs []string
	for i := range 2 * sadfItems {
		cpus = append(cpus, fmt.Sprintf(`{"cpu": "%d", "idle": 99.00}`, i))
		devs = append(devs, fmt.Sprintf(`{"iface": "veth%d", "rxpck": 1.00}`, i))
	}
	list := func(items []string) string { return "[" + strings.Join(items, ",\n") + "]" }
	got, err := decodeSadf([]byte(sadfSamples(`{"cpu-load": ` + list(cpus) + `, "network": {"net-dev": ` + list(devs) + `, "net-edev": ` + list(devs) + `}}`)))
	require.NoError(t, err)
	assert.Len(t, got.CPU, sadfItems)
	assert.Len(t, got.Network, sadfItems)

	for text, want := range map[string]int{`4`: 4, `"4"`: 4, `0`: 0, `-1`: 0, `8192`: 8192, `8193`: 0, `99999999999999999999`: 0, `{}`: 0, `1.5`: 0} {
		got, err := decodeSadf([]byte(`{"sysstat": {"hosts": [{"number-of-cpus": ` + text + `, "nodename": "` + strings.Repeat("ä", 1000) +
			`", "statistics": [{"io": {"tps": 1.00}}]}]}}`))
		if assert.NoError(t, err, text) {
			assert.Equal(t, want, got.CPUs, text)
			assert.LessOrEqual(t, len(got.Host), sadfName+2)
		}
	}
}

// Every field of an activity is filled by the answer of some release: a name that is
// spelled wrong would leave it zero for ever.
func TestSadfFillsEveryField(t *testing.T) {
	t.Parallel()
	filled := make(map[reflect.Type]map[int]bool)
	var look func(v reflect.Value)
	look = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				look(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				look(v.Index(i))
			}
		case reflect.Struct:
			if filled[v.Type()] == nil {
				filled[v.Type()] = make(map[int]bool)
			}
			for i := range v.NumField() {
				filled[v.Type()][i] = filled[v.Type()][i] || !v.Field(i).IsZero()
			}
		}
	}
	for _, name := range sadfAnswers {
		if report, err := decodeSadf(sadfText(t, name)); err == nil {
			for i, v := 0, reflect.ValueOf(report.Sample); i < v.NumField(); i++ {
				look(v.Field(i))
			}
		}
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[CPU](), reflect.TypeFor[IO](), reflect.TypeFor[Memory](), reflect.TypeFor[Kernel](),
		reflect.TypeFor[Queue](), reflect.TypeFor[Interface](), reflect.TypeFor[Sockets](),
	} {
		for i := range typ.NumField() {
			assert.True(t, filled[typ][i], "%s.%s", typ, typ.Field(i).Name)
		}
	}
}

// FuzzSadf claims that no text makes decodeSadf panic or fail in another way than it says,
// and that a report goes through JSON, as it does in a Cache, without a change.
func FuzzSadf(f *testing.F) {
	for _, name := range sadfAnswers {
		f.Add(sadfText(f, name))
	}
	f.Add([]byte(sadfSamples(`{"timestamp": {"date": "9999-12-31", "time": "23:59:59", "tz": "-1200", "interval": 1e300}, "memory": {"memfree": 9007199254740991, "memused": 9007199254740991, "buffers": 9007199254740991, "memused-percent": 100}}`)))
	f.Add([]byte(sadfSamples(`{"cpu-load": [{"cpu": "\ud800\"", "idle": 1e-320}], "network": {"net-dev": [{"iface": "<&>` + "\xf0\u2028" + `"}]}}`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		report, err := decodeSadf(text)
		if err != nil {
			require.Nil(t, report)
			require.NotEqual(t, errors.Is(err, ErrSadfAnswer), errors.Is(err, ErrSadfEmpty), "one of them: %v", err)
			require.Less(t, len(err.Error()), 4096)
			return
		}
		for _, c := range report.CPU {
			require.GreaterOrEqual(t, c.Busy(), 0.0)
			require.LessOrEqual(t, c.Busy(), 100.0)
		}
		require.GreaterOrEqual(t, report.Memory.UsedPart(), 0.0)
		require.LessOrEqual(t, report.Memory.UsedPart(), 1.0)
		require.LessOrEqual(t, len(report.CPU), sadfItems)
		require.LessOrEqual(t, len(report.Network), sadfItems)

		encoded, err := json.Marshal(report)
		require.NoError(t, err)
		var decoded SysStat
		require.NoError(t, json.Unmarshal(encoded, &decoded))
		require.Equal(t, report, &decoded)
	})
}

func BenchmarkDecodeSadf(b *testing.B) {
	text := sadfText(b, "12.2.json")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeSadf(text); err != nil {
			b.Fatal(err)
		}
	}
}
