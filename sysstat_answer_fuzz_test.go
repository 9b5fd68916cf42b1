package bbb

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzMachineAnswer claims that whatever a machine writes gives a report that can be
// kept and placed by, or none: numbers are within their bounds, times near ours or marked,
// and JSON has all of it.
func FuzzMachineAnswer(f *testing.F) {
	for state := bbbtest.SysStatWorks; state <= bbbtest.SysStatHangs; state++ {
		m := bbbtest.NewMachine("bbb1")
		m.Change(func(st *bbbtest.MachineState) { st.SysStat, st.CPUs = state, 2 })
		var out, errs bytes.Buffer
		_, err := m.Run(f.Context(), []string{"sh"}, strings.NewReader(sysStatScript), &out, &errs)
		require.NoError(f, err)
		f.Add(out.Bytes())
		f.Add(bytes.ReplaceAll(out.Bytes(), []byte("\n"), []byte("\r\n")))
		f.Add(out.Bytes()[:out.Len()/2])
	}
	f.Add([]byte("\n@bbb begin\n@bbb stat1\ncpu 1 2 3 4\n@bbb stat2\ncpu 2 3 4 5\n@bbb clock\n1\n@bbb words\nstatus 0\n@bbb sadf\n"))
	f.Add([]byte("\n@bbb begin\n@bbb uname\nLinux \xff x y\n@bbb net1\na\xfe:1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7\n@bbb meminfo\nMemTotal: 9007199254740993 kB\n"))

	f.Fuzz(func(t *testing.T, text []byte) {
		end := time.Now().UTC().Round(0)
		start := end.Add(-time.Second)
		r, problem := cutAnswer(text).report(start, end)
		if r == nil {
			require.Error(t, problem)
			return
		}
		assert.Equal(t, problem != nil, r.Source == SourceProc)
		for _, s := range []*Sample{&r.Sample, r.Live} {
			if s == nil {
				continue
			}
			for _, c := range s.CPU {
				assert.True(t, c.Busy() >= 0 && c.Busy() <= 100)
			}
			assert.GreaterOrEqual(t, s.Interval, time.Duration(0))
		}
		if r.Live != nil && len(r.Live.CPU) > 0 {
			c, sum := r.Live.CPU[0], 0.0
			for _, part := range []float64{c.User, c.Nice, c.System, c.IOWait, c.Steal, c.IRQ, c.SoftIRQ, c.Guest, c.GuestNice, c.Idle} {
				assert.True(t, part >= 0 && part <= 100)
				sum += part
			}
			assert.InDelta(t, 100, sum, 0.06)
		}
		l := r.MachineLoad()
		assert.True(t, l.CPU >= 0 && l.CPU <= 1 && l.Memory >= 0 && l.Memory <= 1 && l.RunQueue >= 0)
		assert.False(t, l.Time.After(end))

		kept, err := json.Marshal(r)
		require.NoError(t, err)
		var back SysStat
		require.NoError(t, json.Unmarshal(kept, &back))
		again, err := json.Marshal(&back)
		require.NoError(t, err)
		assert.Equal(t, string(kept), string(again))
		assert.Equal(t, l, back.MachineLoad())
	})
}
