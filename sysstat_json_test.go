package bbb_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the JSON of a report is for programs that are not written in Go: durations were
// numbers of nanoseconds, unlike those of a Ranking.
func TestJSONOfReports(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 23, 50, 1, 0, time.UTC)
	r := bbb.SysStat{
		Host: "bbb1", System: "Linux", Release: "6.1.0", Machine: "x86_64", CPUs: 4, Source: bbb.SourceSadf, Problem: "p",
		Collected: at.Add(time.Second), ClockAhead: -90 * time.Second,
		Sample: bbb.Sample{Time: at, Interval: 10 * time.Minute, Queue: &bbb.Queue{Load1: 0.5}},
		Live:   &bbb.Sample{Time: at, Interval: 500 * time.Millisecond, Queue: &bbb.Queue{Load1: 0.25}},
	}
	const queue = `{"runQueue": 0, "tasks": 0, "blocked": 0, "load1": 0.5, "load5": 0, "load15": 0}`
	const want = `{"host": "bbb1", "system": "Linux", "release": "6.1.0", "machine": "x86_64", "cpus": 4, "source": "sadf",
		"problem": "p", "collected": "2026-01-31T23:50:02Z", "clockAhead": "-1m30s",
		"time": "2026-01-31T23:50:01Z", "interval": "10m0s", "queue": ` + queue + `,
		"live": {"time": "2026-01-31T23:50:01Z", "interval": "500ms",
			"queue": {"runQueue": 0, "tasks": 0, "blocked": 0, "load1": 0.25, "load5": 0, "load15": 0}}}`
	for _, v := range []any{r, &r} {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		assert.JSONEq(t, want, string(text))
	}
	text, err := json.Marshal(r.Sample)
	require.NoError(t, err)
	assert.JSONEq(t, `{"time": "2026-01-31T23:50:01Z", "interval": "10m0s", "queue": `+queue+`}`, string(text))

	back := bbb.SysStat{Host: "before"}
	require.NoError(t, json.Unmarshal([]byte(want), &back))
	assert.Equal(t, r, back)
	for _, text := range []string{`{"interval": "soon"}`, `{"clockAhead": "far"}`, `{"clockAhead": 5}`, `{"live": {"interval": "x"}}`, `{"live": 5}`} {
		require.Error(t, json.Unmarshal([]byte(text), &back), text)
		assert.Equal(t, r, back, "left as it was")
	}
}
