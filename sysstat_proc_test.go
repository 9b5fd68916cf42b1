package bbb_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// procParts are parts of what the script writes.
type procParts map[string]string

// liveOf returns what comes of them, which must be something.
func liveOf(t *testing.T, parts procParts) (*bbb.Sample, *bbb.SysStat) {
	t.Helper()
	var text strings.Builder
	text.WriteString("\n@bbb begin\n")
	for name, part := range parts {
		text.WriteString("\n@bbb " + name + "\n" + part)
	}
	text.WriteString("\n@bbb sadf\n\n@bbb words\nsh: sadf: not found\nstatus 127\n\n@bbb end\n")
	g, _ := newGroup(t, 1, bbb.WithRunner(shellAnswering(0, text.String(), "")))
	r := sysStat(t, server(t, g, "bbb1"))
	require.Equal(t, bbb.SourceProc, r.Source)
	require.NotNil(t, r.Live)
	return r.Live, r
}

func TestProcStat(t *testing.T) {
	t.Parallel()
	idle := bbb.CPU{Name: "all", Idle: 100}
	for name, c := range map[string]struct {
		before, after string
		cpus          int
		want          []bbb.CPU
		interval      time.Duration
	}{
		// No guest_nice yet, and intr and the rest that grep would have left out.
		"2.6.32": {
			"cpu  100 0 100 1000 0 0 0 0 0\ncpu0 100 0 100 1000 0 0 0 0 0\nintr 1 2 3\n",
			"cpu  120 5 110 1060 2 1 2 0 0\ncpu0 120 5 110 1060 2 1 2 0 0\nintr 1 2 3\nctxt 22\n",
			1, []bbb.CPU{
				{Name: "all", User: 20, Nice: 5, System: 10, Idle: 60, IOWait: 2, IRQ: 1, SoftIRQ: 2},
				{Name: "0", User: 20, Nice: 5, System: 10, Idle: 60, IOWait: 2, IRQ: 1, SoftIRQ: 2},
			}, time.Second,
		},
		"4.15, a host of guests": {
			"cpu  1000 200 0 0 0 0 0 0 800 150\ncpu0 1000 200 0 0 0 0 0 0 800 150\n",
			"cpu  1060 230 0 10 0 0 0 0 840 160\ncpu0 1060 230 0 10 0 0 0 0 840 160\n",
			1, []bbb.CPU{
				{Name: "all", User: 20, Nice: 20, Guest: 40, GuestNice: 10, Idle: 10},
				{Name: "0", User: 20, Nice: 20, Guest: 40, GuestNice: 10, Idle: 10},
			}, time.Second,
		},
		// Reading the counters makes guests run ahead of user for a moment.
		"5.4, guests ahead": {
			"cpu  1000 0 0 0 0 0 0 0 800 0\n", "cpu  1010 0 0 70 0 0 0 0 820 10\n",
			0, []bbb.CPU{{Name: "all", Idle: 70, Guest: 20, GuestNice: 10}}, 0,
		},
		"5.15, a guest": {
			"cpu  0 0 0 100 0 0 0 50 0 0\ncpu0 0 0 0 50 0 0 0 25 0 0\ncpu1 0 0 0 50 0 0 0 25 0 0\n",
			"cpu  0 0 0 150 0 0 0 100 0 0\ncpu0 0 0 0 100 0 0 0 25 0 0\ncpu1 0 0 0 50 0 0 0 75 0 0\n",
			2, []bbb.CPU{
				{Name: "all", Idle: 50, Steal: 50},
				{Name: "0", Idle: 100}, {Name: "1", Steal: 100},
			}, 500 * time.Millisecond,
		},
		"6.12, more columns": {
			"cpu  1 1 1 1 1 1 1 1 1 1 7 8\ncpu0 1 1 1 1 1 1 1 1 1 1 7 8\n",
			"cpu  1 1 1 51 1 1 1 1 1 1 9 9\ncpu0 1 1 1 51 1 1 1 1 1 1 9 9\n",
			1, []bbb.CPU{idle, {Name: "0", Idle: 100}}, 500 * time.Millisecond,
		},
		// The kernel says itself that iowait may go back, and idle does in some.
		"iowait goes back": {
			"cpu  0 0 0 100 50 0 0 0 0 0\ncpu0 0 0 0 100 50 0 0 0 0 0\n",
			"cpu  25 0 0 175 40 0 0 0 0 0\ncpu0 25 0 0 175 40 0 0 0 0 0\n",
			1, []bbb.CPU{{Name: "all", User: 25, Idle: 75}, {Name: "0", User: 25, Idle: 75}}, time.Second,
		},
		"a CPU goes, one comes, one is off": {
			"cpu  0 0 0 300 0 0 0 0 0 0\ncpu0 0 0 0 100 0 0 0 0 0 0\ncpu1 0 0 0 100 0 0 0 0 0 0\ncpu3 0 0 0 100 0 0 0 0 0 0\n",
			"cpu  0 0 0 400 0 0 0 0 0 0\ncpu0 0 0 0 200 0 0 0 0 0 0\ncpu2 0 0 0 9 0 0 0 0 0 0\ncpu3 0 0 0 100 0 0 0 0 0 0\n",
			3, []bbb.CPU{idle, {Name: "0", Idle: 100}}, 333 * time.Millisecond,
		},
		"four columns only": {"cpu 0 0 0 0\ncpu0 0 0 0 0\n", "cpu 5 0 5 90\ncpu0 5 0 5 90\n", 1,
			[]bbb.CPU{{Name: "all", User: 5, System: 5, Idle: 90}, {Name: "0", User: 5, System: 5, Idle: 90}}, time.Second},
		"nothing moved":  {"cpu 1 2 3 4\ncpu0 1 2 3 4\n", "cpu 1 2 3 4\ncpu0 1 2 3 4\n", 1, nil, 0},
		"begun anew":     {"cpu 9 9 9 9\ncpu0 9 9 9 9\n", "cpu 1 2 3 4\ncpu0 1 2 3 4\n", 1, nil, 0},
		"one reading":    {"", "cpu 1 2 3 4\ncpu0 1 2 3 4\n", 1, nil, 0},
		"no sum":         {"cpu0 1 2 3 4\n", "cpu0 1 2 3 14\n", 0, nil, 0},
		"words":          {"cpu a b c d\ncpufreq 1 2 3 4\n", "cpu a b c d e\ncpu-1 1 2 3 4\n", 0, nil, 0},
		"absurd numbers": {"cpu 1 1 1 1\n", "cpu 18446744073709551615 99999999999999999999999 -7 1.5\n", 0, []bbb.CPU{{Name: "all", User: 100}}, 0},
	} {
		live, r := liveOf(t, procParts{"stat1": c.before, "stat2": c.after, "loadavg": "0.5 0 0 1/2 3"})
		assert.Equal(t, c.want, live.CPU, name)
		assert.Equal(t, c.cpus, r.CPUs, name)
		assert.Equal(t, c.interval, live.Interval, name)
	}
}

func TestProcUptime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after string
		want          time.Duration
	}{
		"as it is":   {"22664.85 18276.77", "22665.36 18277.72", 510 * time.Millisecond},
		"no idle":    {"10.00", "11.25", 1250 * time.Millisecond},
		"back":       {"22664.85 1", "1.00 1", time.Second},
		"far apart":  {"1.00 1", "9000.00 1", time.Second},
		"not there":  {"", "", time.Second},
		"no numbers": {"NaN 1", "Inf 1", time.Second},
	} {
		live, _ := liveOf(t, procParts{
			"uptime1": c.before, "uptime2": c.after,
			"stat1": "cpu 0 0 0 0\ncpu0 0 0 0 0", "stat2": "cpu 0 0 0 100\ncpu0 0 0 0 100",
		})
		assert.Equal(t, c.want, live.Interval, name)
	}
}

func TestProcMeminfo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want *bbb.Memory
		used float64
	}{
		"2.6.32": { // without MemAvailable
			"MemTotal:        1000000 kB\nMemFree:          200000 kB\nBuffers:           50000 kB\nCached:           150000 kB\n" +
				"SwapCached:          100 kB\nActive:           300000 kB\nInactive:          80000 kB\nSwapTotal:        500000 kB\nSwapFree:         499000 kB\n" +
				"Dirty:                 4 kB\nAnonPages:        250000 kB\nSlab:             100000 kB\nKernelStack:        1000 kB\nPageTables:         2000 kB\n" +
				"Committed_AS:     600000 kB\nVmallocUsed:        3000 kB\nHugePages_Total:       0\n",
			&bbb.Memory{
				Total: 1_000_000, Free: 200_000, Used: 500_000, UsedPercent: 50, Buffers: 50_000, Cached: 150_000,
				Commit: 600_000, CommitPercent: 40, Active: 300_000, Inactive: 80_000, Dirty: 4, Anonymous: 250_000,
				Slab: 100_000, KernelStack: 1000, PageTables: 2000, VMUsed: 3000,
				SwapFree: 499_000, SwapUsed: 1000, SwapUsedPercent: 0.2, SwapCached: 100, SwapCachedPercent: 10,
			}, 0.6,
		},
		"6.1": {
			"MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:   12000000 kB\nBuffers:          500000 kB\nCached:         10000000 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n",
			&bbb.Memory{
				Total: 16_000_000, Free: 1_000_000, Available: 12_000_000, Used: 4_500_000, UsedPercent: 28.13,
				Buffers: 500_000, Cached: 10_000_000,
			}, 0.25,
		},
		"a container": { // counts the caches of its host
			"MemTotal: 1000 kB\nMemFree: 400 kB\nMemAvailable: 500 kB\nBuffers: 0 kB\nCached: 700 kB\nSwapTotal: 5 kB\nSwapFree: 9 kB\n",
			&bbb.Memory{Total: 1000, Free: 400, Available: 500, Cached: 700, SwapFree: 9}, 0.5,
		},
		"no total": {"MemFree: 400 kB\n", nil, 0},
		"no sense": {"MemTotal: 1000 kB\nMemFree: -4 kB\nMemAvailable:\nBuffers: many kB\nCached\n: 5\n", &bbb.Memory{Total: 1000, Used: 1000, UsedPercent: 100}, 1},
		"nothing":  {"", nil, 0},
	} {
		live, r := liveOf(t, procParts{"meminfo": c.text, "loadavg": "0.5 0 0 1/2 3"})
		assert.Equal(t, c.want, live.Memory, name)
		assert.InDelta(t, c.used, r.MachineLoad().Memory, 1e-9, name)
	}
}

func TestProcLoadavg(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, stat string
		want       *bbb.Queue
		queue      float64
	}{
		"as it is":     {"4.00 1.25 0.75 3/512 28697", "procs_blocked 2", &bbb.Queue{RunQueue: 2, Tasks: 512, Blocked: 2, Load1: 4, Load5: 1.25, Load15: 0.75}, 2},
		"old":          {"0.00 0.01 0.05 1/99 12", "", &bbb.Queue{Tasks: 99, Load5: 0.01, Load15: 0.05}, 0},
		"lxcfs":        {"0.10 0.20 0.30 0/40 12", "", &bbb.Queue{Tasks: 40, Load1: 0.1, Load5: 0.2, Load15: 0.3}, 0.05},
		"no tasks":     {"1 2 3 x", "procs_blocked y", &bbb.Queue{Load1: 1, Load5: 2, Load15: 3}, 0.5},
		"no number":    {"1 NaN 3 1/2 3", "", nil, 0},
		"infinite":     {"Inf 1 3 1/2 3", "", nil, 0},
		"below zero":   {"-1 1 3 1/2 3", "", nil, 0},
		"absurd":       {"1e300 1 3 1/2 3", "", nil, 0},
		"short":        {"1 2 3", "", nil, 0},
		"huge numbers": {"1 2 3 99999999999/99999999999 1", "procs_blocked 99999999999", &bbb.Queue{Load1: 1, Load5: 2, Load15: 3}, 0.5},
	} {
		live, r := liveOf(t, procParts{
			"loadavg": c.text, "meminfo": "MemTotal: 1 kB",
			"stat2": "cpu 0 0 0 100\ncpu0 0 0 0 50\ncpu1 0 0 0 50\n" + c.stat + "\n",
		})
		assert.Equal(t, c.want, live.Queue, name)
		assert.InDelta(t, c.queue, r.MachineLoad().RunQueue, 1e-9, name)
	}
}

func TestProcNet(t *testing.T) {
	t.Parallel()
	const head = "Inter-|   Receive                                                |  Transmit\n" +
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
	live, _ := liveOf(t, procParts{
		"uptime1": "10.00 1", "uptime2": "12.00 1", "loadavg": "0 0 0 1/2 3",
		"net1": head +
			"    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n" +
			"  eth0:1000 10 1 2 3 4 5 6 2000 20 1 2 3 4 5 6\n" + // as old kernels write it
			"  wrap: 4294967295 1 0 0 0 0 0 0 5 5 0 0 0 0 0 0\n" +
			"  gone: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n" +
			" short: 1 2 3\n",
		"net2": head +
			"    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n" +
			"  eth0:5096 30 3 6 9 12 15 18 206800 60 21 22 23 24 25 26\n" +
			"  wrap: 100 3 0 0 0 0 0 0 5 5 0 0 0 0 0 0\n" +
			"  new0: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n" +
			" short: 1 2 3\n",
	})
	assert.Equal(t, []bbb.Interface{
		{Name: "lo"},
		{
			Name: "eth0", RxKiB: 2, RxPackets: 10, RxErrors: 1, RxDropped: 2, RxFIFO: 3, RxFrame: 4, RxCompressed: 5, RxMulticast: 6,
			TxKiB: 100, TxPackets: 20, TxErrors: 10, TxDropped: 10, TxFIFO: 10, Collisions: 10, TxCarrier: 10, TxCompressed: 10,
		},
		{Name: "wrap", RxPackets: 1},
	}, live.Network)
}

// What is there of /proc counts, whatever is missing beside it.
func TestProcInParts(t *testing.T) {
	t.Parallel()
	live, r := liveOf(t, procParts{"meminfo": "MemTotal: 100 kB\nMemAvailable: 20 kB"})
	assert.InDelta(t, 0.8, live.Memory.UsedPart(), 1e-9)
	assert.Equal(t, bbb.MachineLoad{Memory: 0.8, Time: r.Collected}, r.MachineLoad())
	assert.Zero(t, r.ClockAhead, "the machine did not tell its clock")
	assert.Equal(t, r.Collected.UTC(), live.Time)
	assert.Empty(t, r.Host)

	_, r = liveOf(t, procParts{"loadavg": "8 0 0 1/2 3", "uname": "Linux bbb9 5.4.0 x86_64 GNU/Linux"})
	assert.Zero(t, r.MachineLoad().RunQueue, "of how many CPUs?")
	assert.Empty(t, r.Host, "not what was asked for")
}

// What a machine says may be shown on a terminal and kept, whoever speaks there. Names that
// came from sadf were, those of uname and /proc were not, and their number had no limit.
func TestProcOfAHostileMachine(t *testing.T) {
	t.Parallel()
	const many = 20_000
	counters := func(n string) string {
		return "cpu 0 0 0 " + n + " 0 0 0 0 0 0\n" + strings.Repeat("cpu0 0 0 0 "+n+" 0 0 0 0 0 0\n", many)
	}
	var net strings.Builder
	net.WriteString("\x1b]0;gotcha\aeth0: 1" + strings.Repeat(" 1", 15) + "\n")
	for i := range many {
		fmt.Fprintf(&net, "eth%d: 1%s\n", i, strings.Repeat(" 1", 15))
	}
	s, r := liveOf(t, procParts{
		"uname": "Linux \x1b[31mbbb1" + strings.Repeat("x", 1000) + " 6.1\x9b x86_64\x00\n",
		"stat1": counters("100"), "stat2": counters("200"), "net1": net.String(), "net2": net.String(),
		"uptime1": "1.00 1\n", "uptime2": "2.00 1\n",
	})
	assert.Equal(t, "[31mbbb1"+strings.Repeat("x", 246), r.Host)
	assert.Equal(t, "6.1", strings.Trim(r.Release, "\uFFFD"))
	assert.Equal(t, "x86_64", r.Machine)
	assert.Equal(t, "]0;gotchaeth0", s.Network[0].Name)
	assert.LessOrEqual(t, len(s.Network), 8192)
	assert.LessOrEqual(t, len(s.CPU), 8193)
	assert.LessOrEqual(t, r.CPUs, 8192)
}

// A sadf that does not stop writing hid what /proc had said before.
func TestProcBesideASadfThatFloods(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1, bbb.WithRunner(shellAnswering(0, "@bbb begin\n@bbb loadavg\n4.50 2 1 3/100 7\n@bbb sadf\n"+strings.Repeat("x", 5<<20), "")))
	r := sysStat(t, server(t, g, "bbb1"))
	require.Equal(t, bbb.SourceProc, r.Source)
	assert.InDelta(t, 4.5, r.Queue.Load1, 1e-9)
	require.ErrorIs(t, r.Err, bbb.ErrSadfFailed)
	assert.Equal(t, "sadf failed: it wrote more than 4 MB", r.Problem)
}

// What comes before sadf is short on every machine, so there a flood is somebody else's.
func TestProcThatFloods(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1, bbb.WithRunner(shellAnswering(0, "@bbb begin\n@bbb stat1\n"+strings.Repeat("x", 5<<20), "")))
	_, err := server(t, g, "bbb1").SysStat(t.Context())
	require.ErrorIs(t, noted(t, err), bbb.ErrOutputTooLarge)
}
