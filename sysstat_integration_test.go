//go:build integration

package bbb_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRealSysStat shows that a report says what sar prints of the same interval: every
// value of every activity, to the digits that sar has. The data is what sysstat really
// collected, on every shell that may be sh.
func TestRealSysStat(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.write(t, "home/.bashrc", "echo 'Welcome!'; echo 'You have mail.' >&2\n") // if the account has bash
	today := l.sample(t, "today", 4)
	shells := []string{"dash", "bash", "busybox"}
	for _, sh := range shells {
		l.statMachine(t, sh, sh, today, l.path("yesterday"))
	}
	l.configure(t)
	head, at, tables := sar(t, daily(t, today))
	for _, sh := range shells {
		s := l.server(t, bbb.SSH{SysStatTimeout: patience}, sh)
		before := time.Now()
		r, err := s.SysStat(t.Context())
		require.NoError(t, noted(t, err), sh)
		require.NoError(t, r.Err, sh)
		assert.Equal(t, bbb.SourceSadf, r.Source, sh)
		assert.Empty(t, r.Problem, sh)
		assert.Equal(t, head, fmt.Sprintf("%s %s (%s) \t%s \t_%s_\t(%d CPU)", r.System, r.Release, r.Host,
			r.Time.Format(time.DateOnly), r.Machine, r.CPUs), sh)
		assert.Equal(t, at, r.Time.Format(time.TimeOnly), sh)
		assert.Equal(t, time.Second, r.Interval.Round(time.Second), sh)
		compareWithSar(t, &r.Sample, tables)

		assert.Zero(t, r.ClockAhead, "it is our own clock")
		assert.WithinRange(t, r.Collected, before, time.Now(), sh)
		assert.InDelta(t, time.Since(r.Time).Seconds(), r.Age().Seconds(), 2, sh)
		require.NotNil(t, r.Live, sh)
		assert.WithinRange(t, r.Live.Time, before.Add(-2*time.Second), time.Now().Add(2*time.Second), sh)
		assert.Equal(t, r, s.CachedSysStat(t.Context()), sh)
	}
}

// compareWithSar compares a sample with what sar printed.
func compareWithSar(t testing.TB, s *bbb.Sample, tables []sarTable) {
	t.Helper()
	require.NotNil(t, s.IO)
	require.NotNil(t, s.Memory)
	require.NotNil(t, s.Kernel)
	require.NotNil(t, s.Queue)
	require.NotNil(t, s.Sockets)
	whole := map[string]any{ // the tables with one row
		"tps": s.IO.Transfers, "rtps": s.IO.Reads, "wtps": s.IO.Writes, "dtps": s.IO.Discards,
		"bread/s": s.IO.BlocksRead, "bwrtn/s": s.IO.BlocksWritten, "bdscd/s": s.IO.BlocksDiscarded,

		"kbmemfree": s.Memory.Free, "kbavail": s.Memory.Available, "kbmemused": s.Memory.Used, "%memused": s.Memory.UsedPercent,
		"kbbuffers": s.Memory.Buffers, "kbcached": s.Memory.Cached, "kbcommit": s.Memory.Commit, "%commit": s.Memory.CommitPercent,
		"kbactive": s.Memory.Active, "kbinact": s.Memory.Inactive, "kbdirty": s.Memory.Dirty, "kbanonpg": s.Memory.Anonymous,
		"kbslab": s.Memory.Slab, "kbkstack": s.Memory.KernelStack, "kbpgtbl": s.Memory.PageTables, "kbvmused": s.Memory.VMUsed,
		"kbswpfree": s.Memory.SwapFree, "kbswpused": s.Memory.SwapUsed, "%swpused": s.Memory.SwapUsedPercent,
		"kbswpcad": s.Memory.SwapCached, "%swpcad": s.Memory.SwapCachedPercent,

		"dentunusd": s.Kernel.DentriesUnused, "file-nr": s.Kernel.Files, "inode-nr": s.Kernel.Inodes, "pty-nr": s.Kernel.Terminals,

		"runq-sz": s.Queue.RunQueue, "plist-sz": s.Queue.Tasks, "blocked": s.Queue.Blocked,
		"ldavg-1": s.Queue.Load1, "ldavg-5": s.Queue.Load5, "ldavg-15": s.Queue.Load15,

		"totsck": s.Sockets.Total, "tcpsck": s.Sockets.TCP, "udpsck": s.Sockets.UDP, "rawsck": s.Sockets.Raw,
		"ip-frag": s.Sockets.IPFragments, "tcp-tw": s.Sockets.TCPTimeWait,
	}
	var seen []string
	for _, table := range tables {
		seen = append(seen, table.columns[0])
		for _, row := range table.rows {
			values := whole
			switch table.columns[0] {
			case "CPU":
				i := slices.IndexFunc(s.CPU, func(c bbb.CPU) bool { return c.Name == row[0] })
				require.GreaterOrEqual(t, i, 0, "CPU %s", row[0])
				c := s.CPU[i]
				values = map[string]any{
					"CPU": c.Name, "%usr": c.User, "%nice": c.Nice, "%sys": c.System, "%iowait": c.IOWait, "%steal": c.Steal,
					"%irq": c.IRQ, "%soft": c.SoftIRQ, "%guest": c.Guest, "%gnice": c.GuestNice, "%idle": c.Idle,
				}
			case "IFACE":
				i := slices.IndexFunc(s.Network, func(n bbb.Interface) bool { return n.Name == row[0] })
				require.GreaterOrEqual(t, i, 0, "interface %s", row[0])
				n := s.Network[i]
				values = map[string]any{
					"IFACE": n.Name, "rxpck/s": n.RxPackets, "txpck/s": n.TxPackets, "rxkB/s": n.RxKiB, "txkB/s": n.TxKiB,
					"rxcmp/s": n.RxCompressed, "txcmp/s": n.TxCompressed, "rxmcst/s": n.RxMulticast, "%ifutil": n.UtilPercent,
					"rxerr/s": n.RxErrors, "txerr/s": n.TxErrors, "coll/s": n.Collisions, "rxdrop/s": n.RxDropped, "txdrop/s": n.TxDropped,
					"txcarr/s": n.TxCarrier, "rxfram/s": n.RxFrame, "rxfifo/s": n.RxFIFO, "txfifo/s": n.TxFIFO,
				}
			}
			for i, column := range table.columns {
				value, known := values[column]
				if assert.True(t, known, "sar has a column %s", column) {
					assert.Equal(t, row[i], printed(value, row[i]), "%s of %s", column, row[0])
				}
			}
		}
	}
	// All that were asked for; none is missing because it was not looked for.
	assert.ElementsMatch(t, []string{"CPU", "tps", "kbmemfree", "kbswpfree", "dentunusd", "runq-sz", "IFACE", "IFACE", "totsck"}, seen)
	assert.Equal(t, s.Memory.Total, memTotal(t), "which sar does not print")
}

// printed writes a value with as many digits as sar does.
func printed(value any, like string) string {
	f, ok := value.(float64)
	if !ok {
		return fmt.Sprint(value)
	}
	_, digits, _ := strings.Cut(like, ".")
	return strconv.FormatFloat(f, 'f', len(digits), 64)
}

// memTotal is the memory of this machine, in kibibytes.
func memTotal(t testing.TB) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/meminfo")
	require.NoError(t, err)
	fields := strings.Fields(string(text))
	require.Equal(t, "MemTotal:", fields[0])
	n, err := strconv.ParseInt(fields[1], 10, 64)
	require.NoError(t, err)
	return n
}

// TestRealSysStatProblems shows what a report says when sadf gives nothing, in the words
// and by the exit status of the real one, and that /proc takes its place.
func TestRealSysStatProblems(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	good, none := l.sample(t, "good", 2), l.path("none")
	require.NoError(t, os.Mkdir(none, 0o700))
	begun := l.sample(t, "begun", 1) // one collection is no interval yet
	name := strings.TrimPrefix(daily(t, good), good)
	broken := func(dir, content string) string {
		require.NoError(t, os.Mkdir(l.path(dir), 0o700))
		l.write(t, dir+name, content)
		return l.path(dir)
	}

	l.editedMachine(t, "missing", "s/sadf -j/no-such-sadf -j/")
	l.statMachine(t, "disabled", "", none, none)
	l.statMachine(t, "begun", "", begun, none)
	l.statMachine(t, "zero", "", broken("empty", ""), none)
	l.statMachine(t, "garbage", "", broken("damaged", strings.Repeat("no data\n", 1000)), none)
	l.statMachine(t, "cut", "", broken("short", l.read(t, "begun"+name)[:200]), none)
	l.statMachine(t, "hangs", "", none, none)
	l.script(t, "hangs/bin/sadf", "exec sleep 600")
	l.statMachine(t, "midnight", "", begun, good)
	l.statMachine(t, "first", "", none, good)
	l.start(t, "nologin", "ForceCommand echo This account is not available.; exit 1")
	l.start(t, "strict", "AuthorizedKeysFile "+l.write(t, "nobody", ""))
	l.configure(t)

	g := l.group(t, bbb.SSH{SysStatTimeout: patience}, "missing", "disabled", "begun", "zero", "garbage", "cut", "hangs", "midnight", "first", "nologin", "strict")
	results, err := g.SysStat(t.Context())
	ge := groupError(t, err)
	assert.Equal(t, "sysstat", ge.Call)
	require.Len(t, ge.Servers, 2, "%v", err)
	for i, want := range []error{bbb.ErrNoReport, bbb.ErrSSH} {
		var e *bbb.Error
		require.ErrorAs(t, ge.Servers[i].Err, &e)
		assert.Equal(t, "sysstat", e.Call)
		assert.ErrorIs(t, e, want)
	}
	assert.ErrorContains(t, ge.Servers[0].Err, "This account is not available")

	problems := map[string]struct {
		err   error
		words string
	}{
		"missing":  {bbb.ErrSadfMissing, ""},
		"disabled": {bbb.ErrSadfDisabled, "Please check if data collecting is enabled"},
		"begun":    {bbb.ErrSadfEmpty, ""},
		"zero":     {bbb.ErrSadfFailed, "Invalid system activity file"},
		"garbage":  {bbb.ErrSadfFailed, "Invalid system activity file"},
		"cut":      {bbb.ErrSadfFailed, ""},
		"hangs":    {bbb.ErrSadfFailed, "did not end"},
		"midnight": {},
		"first":    {},
	}
	for _, result := range results[:9] {
		name, r := result.Server.Name(), result.Value
		require.NoError(t, result.Err, name)
		if want := problems[name]; want.err == nil {
			assert.NoError(t, r.Err, "%s: the day before is asked for", name)
			assert.Equal(t, bbb.SourceSadf, r.Source, name)
		} else {
			assert.ErrorIs(t, r.Err, want.err, name)
			assert.ErrorContains(t, r.Err, want.words, name)
			assert.Equal(t, r.Err.Error(), r.Problem, name)
			assert.Equal(t, bbb.SourceProc, r.Source, name)
			assert.Equal(t, *r.Live, r.Sample, name)
		}
		compareWithProc(t, r)
	}
	eventually(t, "what hung is gone", func() bool {
		return len(procs(func(p osProc) bool { return p.command == "sleep 600" && p.hasEnv("LAB="+l.dir) })) == 0
	})
}

// compareWithProc compares what was read live with what this machine says about itself.
func compareWithProc(t testing.TB, r *bbb.SysStat) {
	t.Helper()
	host, err := os.Hostname()
	require.NoError(t, err)
	assert.Equal(t, host, r.Host)
	assert.Equal(t, "Linux", r.System)
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSpace(string(kernel)), r.Release)

	stat, err := os.ReadFile("/proc/stat")
	require.NoError(t, err)
	assert.Equal(t, strings.Count(string(stat), "\ncpu"), r.CPUs)
	require.NotNil(t, r.Live)
	require.Len(t, r.Live.CPU, r.CPUs+1)
	for i, c := range r.Live.CPU {
		if i == 0 {
			assert.Equal(t, "all", c.Name)
		} else {
			assert.Equal(t, strconv.Itoa(i-1), c.Name)
		}
		sum := c.User + c.Nice + c.System + c.IOWait + c.Steal + c.IRQ + c.SoftIRQ + c.Guest + c.GuestNice + c.Idle
		assert.InDelta(t, 100, sum, 0.1, "CPU %s", c.Name)
	}
	assert.GreaterOrEqual(t, r.Live.Interval, 400*time.Millisecond, "half a second is slept")

	require.NotNil(t, r.Live.Memory)
	assert.Equal(t, memTotal(t), r.Live.Memory.Total)
	assert.Positive(t, r.Live.Memory.Available)
	assert.Less(t, r.Live.Memory.Available, r.Live.Memory.Total)
	assert.Positive(t, r.Live.Memory.UsedPart())

	require.NotNil(t, r.Live.Queue)
	assert.Positive(t, r.Live.Queue.Load15, "tests have run for a while")
	assert.Positive(t, r.Live.Queue.Tasks)
	assert.True(t, slices.ContainsFunc(r.Live.Network, func(n bbb.Interface) bool { return n.Name == "lo" }))
}

// TestRealSysStatPlacement shows the whole way: the reports of two machines are read by
// a Refresh of the group over ssh, and new meetings go to the one that has time. Both are
// this machine, so what they do is said by files in the place of those of /proc, and in
// sadf's answer.
func TestRealSysStatPlacement(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	today := l.sample(t, "today", 2)
	for file, text := range map[string]string{
		"uptime":  "1000.00 1000.00\n",
		"stat":    "cpu  100 0 100 100000 0 0 0 0 0 0\ncpu0 50 0 50 50000 0 0 0 0 0 0\ncpu1 50 0 50 50000 0 0 0 0 0 0\n",
		"loadavg": "0.10 0.10 0.10 1/100 1234\n",
		"meminfo": "MemTotal: 8000000 kB\nMemFree: 7000000 kB\nMemAvailable: 7000000 kB\n",
	} {
		require.NoError(t, os.MkdirAll(l.path("proc"), 0o700))
		l.write(t, "proc/"+file, text)
	}
	for name, idle := range map[string]string{"busy": "5.00", "idle": "99.00"} {
		l.script(t, name+"/bin/sadf", program(t, "sadf")+" "+today+` "$@" | sed 's/"idle": [0-9.]*/"idle": `+idle+`/; s/"iowait": [0-9.]*/"iowait": 0.00/'`)
		l.editedMachine(t, name, "s#/proc/#"+l.path("proc")+"/#")
	}
	l.configure(t)
	fakes := []*bbbtest.Server{newFake(t, "busy"), newFake(t, "idle")}
	g := newEmptyGroup(t, bbb.WithTransport(watched{bbbtest.NetworkOf(fakes...)}), bbb.WithSSH(bbb.SSH{ConfigFile: l.config, SysStatTimeout: patience}))
	for _, f := range fakes {
		addServer(t, g, f, bbb.WithHost(f.Name()))
	}
	busy, idle := server(t, g, "busy"), server(t, g, "idle")
	require.Nil(t, busy.CachedSysStat(t.Context()))
	require.NoError(t, noted(t, g.Refresh(t.Context())))

	require.NotNil(t, busy.CachedSysStat(t.Context()))
	require.NotNil(t, idle.CachedSysStat(t.Context()))
	assert.InDelta(t, 0.95, busy.CachedSysStat(t.Context()).MachineLoad().CPU, 1e-9)
	assert.InDelta(t, 0.01, idle.CachedSysStat(t.Context()).MachineLoad().CPU, 1e-9)
	for i := range 3 {
		create(t, g, "lesson-"+strconv.Itoa(i))
		assert.Equal(t, []string{"idle"}, holders(fakes, "lesson-"+strconv.Itoa(i)))
	}
}
