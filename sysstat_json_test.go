package bbb_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A report in JSON is for status pages: durations are text as in a Ranking, not numbers of
// nanoseconds, and what was read back is the same report.
func TestReportAsJSON(t *testing.T) {
	t.Parallel()
	r := bbb.SysStat{
		Host: "bbb1", System: "Linux", Release: "6.8.0", Machine: "x86_64", CPUs: 8,
		Source:    bbb.SourceProc,
		Problem:   "sadf is not installed",
		Collected: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC), ClockAhead: -1500 * time.Millisecond,
		Sample: bbb.Sample{Time: time.Date(2026, 11, 2, 7, 59, 30, 0, time.UTC), Interval: time.Minute, Kernel: &bbb.Kernel{Files: 7}},
		Live:   &bbb.Sample{Interval: 500 * time.Millisecond, Sockets: &bbb.Sockets{TCP: 3}},
	}
	for f, v := range reflect.ValueOf(r).Fields() { // a new field belongs here, too
		assert.Equal(t, f.Name == "Err", v.IsZero(), "%s", f.Name)
	}
	text, err := json.Marshal(&r)
	require.NoError(t, err)
	assert.JSONEq(t, `{
		"host": "bbb1", "system": "Linux", "release": "6.8.0", "machine": "x86_64", "cpus": 8,
		"source": "proc", "problem": "sadf is not installed",
		"collected": "2026-11-02T08:00:00Z", "clockAhead": "-1.5s",
		"time": "2026-11-02T07:59:30Z", "interval": "1m0s",
		"kernel": {"dentriesUnused": 0, "files": 7, "inodes": 0, "terminals": 0},
		"live": {"interval": "500ms", "sockets": {"total": 0, "tcp": 3, "udp": 0, "raw": 0, "ipFragments": 0, "tcpTimeWait": 0}}
	}`, string(text))

	var got bbb.SysStat
	require.NoError(t, json.Unmarshal(text, &got))
	require.ErrorIs(t, got.Err, bbb.ErrSadfMissing)
	require.EqualError(t, got.Err, r.Problem)
	got.Err = nil
	assert.Equal(t, r, got)

	require.Error(t, json.Unmarshal([]byte(`{"clockAhead": "soon"}`), &got))
	require.Error(t, json.Unmarshal([]byte(`{"live": {"interval": 500000000}}`), &got))
}
