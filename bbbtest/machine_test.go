package bbbtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

// run runs a command on a machine.
func run(t *testing.T, m *bbbtest.Machine, input string, argv ...string) (stdout, stderr string, status int, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	status, err = m.Run(t.Context(), argv, strings.NewReader(input), &out, &errs)
	return out.String(), errs.String(), status, err
}

// parts cuts a report into its parts.
func parts(t *testing.T, m *bbbtest.Machine) map[string]string {
	t.Helper()
	out, errs, status, err := run(t, m, "echo @bbb begin", "sh")
	require.NoError(t, err)
	require.Zero(t, status)
	require.Empty(t, errs)
	found := map[string]string{}
	for _, part := range strings.Split(out, "\n@bbb ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		found[name] = text
	}
	require.Contains(t, found, "end")
	return found
}

func TestMachineRunsSmallCommands(t *testing.T) {
	t.Parallel()
	m := bbbtest.NewMachine("bbb7")
	for name, c := range map[string]struct {
		argv           []string
		input          string
		stdout, stderr string
		status         int
	}{
		"true":          {argv: []string{"true"}},
		"false":         {argv: []string{"false"}, status: 1},
		"echo":          {argv: []string{"echo", "a", "b"}, stdout: "a b\n"},
		"cat":           {argv: []string{"cat"}, input: "one\x00two", stdout: "one\x00two"},
		"hostname":      {argv: []string{"hostname"}, stdout: "bbb7\n"},
		"nothing":       {argv: []string{"sh"}},
		"script":        {argv: []string{"sh"}, input: "echo a\n", stdout: "a\n"},
		"script itself": {argv: []string{"sh"}, input: "sh"},
		"exit":          {argv: []string{"sh"}, input: "exit 255", status: 255},
		"others":        {argv: []string{"reboot"}, stderr: "sh: 1: reboot: not found\n", status: 127},
		"file":          {argv: []string{"cat", "/etc/passwd"}, stderr: "sh: 1: cat: not found\n", status: 127},
	} {
		stdout, stderr, status, err := run(t, m, c.input, c.argv...)
		require.NoError(t, err, name)
		assert.Equal(t, c.stdout, stdout, name)
		assert.Equal(t, c.stderr, stderr, name)
		assert.Equal(t, c.status, status, name)
	}
	assert.Equal(t, 11, m.Runs())
}

func TestMachineReports(t *testing.T) {
	t.Parallel()
	m := bbbtest.NewMachine("bbb1")
	m.Change(func(s *bbbtest.MachineState) {
		s.CPUs, s.User, s.IOWait = 4, 50, 25
		s.Sampled = &bbbtest.Workload{System: 12.5, Load1: 3, MemTotal: 1000, MemAvailable: 800}
	})
	got := parts(t, m)
	assert.Contains(t, got["stat1"], "cpu  40000 0 40000 345600000 40000 ")
	assert.Equal(t, 5, strings.Count(got["stat1"], "cpu"))
	assert.Contains(t, got["stat2"], "cpu  40100 0 40004 345600046 40050 ", "200 ticks later")
	assert.Contains(t, got["net2"], "eth0:")
	assert.Equal(t, "0.80 0.60 0.50 1/300 28211", strings.TrimSpace(got["loadavg"]))
	assert.Contains(t, got["meminfo"], "MemAvailable:   12582912 kB")
	assert.Equal(t, "Linux bbb1 6.1.0-28-amd64 x86_64", strings.TrimSpace(got["uname"]))
	assert.Equal(t, "status 0", strings.TrimSpace(got["words"]))

	var report struct {
		Sysstat struct {
			Hosts []struct {
				Statistics []struct {
					CPU []map[string]any `json:"cpu-load"`
				} `json:"statistics"`
			} `json:"hosts"`
		} `json:"sysstat"`
	}
	require.NoError(t, json.Unmarshal([]byte(got["sadf"]), &report))
	cpus := report.Sysstat.Hosts[0].Statistics[0].CPU
	require.Len(t, cpus, 1)
	assert.InDelta(t, 12.5, cpus[0]["sys"], 0.001, "what was sampled, not what is")

	m.Change(func(s *bbbtest.MachineState) { s.Sampled.System, s.NoProc = 37, true })
	got = parts(t, m)
	assert.Contains(t, got["sadf"], `"sys": 37.00`)
	for _, name := range []string{"stat1", "stat2", "loadavg", "meminfo", "uptime1", "net1"} {
		assert.Empty(t, strings.TrimSpace(got[name]), name)
	}
	copied := m.State()
	copied.Sampled.System = 99
	assert.InDelta(t, 37.0, m.State().Sampled.System, 0, "State is a copy")
}

func TestMachineWithoutUsableSysstat(t *testing.T) {
	t.Parallel()
	m := bbbtest.NewMachine("bbb1")
	for state, want := range map[bbbtest.SysStat]struct{ status, text string }{
		bbbtest.SysStatMissing:  {"127", "sadf: not found"},
		bbbtest.SysStatDisabled: {"2", "check if data collecting is enabled"},
		bbbtest.SysStatForeign:  {"3", "Invalid system activity file"},
		bbbtest.SysStatHangs:    {"124", ""},
		bbbtest.SysStatEmpty:    {"0", ""},
		bbbtest.SysStatGarbage:  {"0", ""},
	} {
		m.Change(func(s *bbbtest.MachineState) { s.SysStat = state })
		got := parts(t, m)
		assert.True(t, strings.HasSuffix(got["words"], "status "+want.status+"\n"), got["words"])
		assert.Contains(t, got["words"], want.text)
		if state == bbbtest.SysStatEmpty {
			assert.True(t, json.Valid([]byte(got["sadf"])))
			assert.NotContains(t, got["sadf"], "timestamp")
		}
	}
}

func TestMachineTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := bbbtest.NewMachine("bbb1")
		m.Change(func(s *bbbtest.MachineState) {
			s.Latency, s.ClockSkew, s.Noise = 4*time.Second, time.Hour, "Welcome!\n"
		})
		start := time.Now()
		out, _, _, err := run(t, m, "@bbb", "sh")
		require.NoError(t, err)
		assert.Equal(t, 4*time.Second, time.Since(start))
		assert.True(t, strings.HasPrefix(out, "Welcome!\n\n@bbb begin\n"), "%.40s", out)
		assert.Contains(t, out, "\n@bbb clock\n946688402\n", "an hour and two seconds after the start of the bubble")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = m.Run(ctx, []string{"true"}, nil, &bytes.Buffer{}, &bytes.Buffer{})
		require.ErrorIs(t, err, context.DeadlineExceeded)

		m.Change(func(s *bbbtest.MachineState) { s.Latency, s.Hang = 0, true })
		ctx, cancel = context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err = m.Run(ctx, []string{"true"}, nil, &bytes.Buffer{}, &bytes.Buffer{})
		require.ErrorIs(t, err, context.DeadlineExceeded)

		m.Change(func(s *bbbtest.MachineState) { s.Down = true })
		_, err = m.Run(t.Context(), []string{"true"}, nil, &bytes.Buffer{}, &bytes.Buffer{})
		require.ErrorContains(t, err, "Connection refused")
		assert.Equal(t, 4, m.Runs())
	})
}

// broken is a stream that fails.
type broken struct{}

var errBroken = errors.New("broken stream")

func (broken) Read([]byte) (int, error)  { return 0, errBroken }
func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestMachineTellsOfBrokenStreams(t *testing.T) {
	t.Parallel()
	m := bbbtest.NewMachine("bbb1")
	_, err := m.Run(t.Context(), []string{"true"}, broken{}, &bytes.Buffer{}, &bytes.Buffer{})
	require.ErrorIs(t, err, errBroken)
	_, err = m.Run(t.Context(), []string{"echo"}, nil, broken{}, &bytes.Buffer{})
	require.ErrorIs(t, err, errBroken)
	_, err = m.Run(t.Context(), []string{"reboot"}, nil, &bytes.Buffer{}, broken{})
	require.ErrorIs(t, err, errBroken)
}
