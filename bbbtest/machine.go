package bbbtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// SysStat is how the sysstat package does on a [Machine].
type SysStat uint8

// What becomes of sadf on a machine.
const (
	SysStatWorks    SysStat = iota
	SysStatMissing          // not installed
	SysStatDisabled         // installed, but nothing is collected: there is no data file
	SysStatEmpty            // the data file has no interval yet, as just after midnight
	SysStatForeign          // the data file is of another version, so sadf refuses it
	SysStatGarbage          // sadf prints what is not JSON
	SysStatHangs            // sadf was stopped because it did not come to an end
)

// Workload is what a machine does.
type Workload struct {
	// What the time of all CPUs goes into, in per cent. The rest is idle.
	User, System, IOWait, Steal float64
	// The load averages, and how many tasks want a CPU at the moment.
	Load1, Load5, Load15 float64
	RunQueue             int
	// The memory, in kibibytes.
	MemTotal, MemAvailable int64
	// What the network interface eth0 receives and sends, in kibibytes per second.
	RxKB, TxKB float64
}

// MachineState is how a [Machine] is.
type MachineState struct {
	// Workload is what the machine does now: /proc tells it.
	Workload
	// Sampled is what it did in the newest interval of sysstat; nil is the same as now.
	Sampled *Workload

	CPUs int
	// SampleAge is how long ago the newest interval of sysstat ended, and SampleInterval
	// how long it was.
	SampleAge, SampleInterval time.Duration
	// SysStat is how the sysstat package does.
	SysStat SysStat
	// NoProc leaves out /proc, as on a machine that does not run Linux.
	NoProc bool
	// ClockSkew is how far the clock of the machine is ahead.
	ClockSkew time.Duration

	// Latency is how long each command takes; half of it passes before the command
	// reads the clock. A real machine needs half a second and the time for logging in.
	Latency time.Duration
	// Down keeps commands from being run, as if ssh got no connection.
	Down bool
	// Hang lets commands take until their context ends.
	Hang bool
	// Noise is what the start-up files of the login shell print before each command.
	Noise string
}

// Machine is the machine under a server, as commands over ssh see it. Its Run has the
// shape of a Runner of package bbb:
//
//	m := bbbtest.NewMachine("bbb1")
//	runner := bbb.RunnerFunc(func(ctx context.Context, c bbb.RemoteCommand) (int, error) {
//		return m.Run(ctx, c.Argv, c.Stdin, c.Stdout, c.Stderr)
//	})
//
// To the script with which bbb asks how busy a machine is, it answers what a Linux with
// sysstat 12.6 would, by its [MachineState]. Of other commands it knows true, false,
// echo, cat (without files), hostname, and "exit N" through sh. The rest gives the
// status 127, as commands that are not found.
//
// It needs no network and no program, and starts no goroutine, so it works inside a
// [testing/synctest] bubble. It is safe for concurrent use.
type Machine struct {
	name string

	mu    sync.Mutex // protects what follows
	state MachineState
	runs  int
}

// NewMachine returns a machine of that host name: 8 CPUs that are idle for 90 per cent,
// 16 GiB of memory of which three quarters are available, and a sysstat that finished
// its newest interval, one minute long, 30 seconds ago.
func NewMachine(name string) *Machine {
	return &Machine{name: name, state: MachineState{
		Workload: Workload{
			User: 8, System: 2, Load1: 0.8, Load5: 0.6, Load15: 0.5, RunQueue: 1,
			MemTotal: 16 << 20, MemAvailable: 12 << 20, RxKB: 500, TxKB: 2000,
		},
		CPUs: 8, SampleAge: 30 * time.Second, SampleInterval: time.Minute,
	}}
}

// Name returns the host name.
func (m *Machine) Name() string { return m.name }

// State returns how the machine is.
func (m *Machine) State() MachineState {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.clone()
}

// Change lets f change how the machine is, from the next command on. f must not call
// methods of m.
func (m *Machine) Change(f func(*MachineState)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	st := m.state.clone() // a command under way has the old one
	f(&st)
	m.state = st.clone()
}

func (st MachineState) clone() MachineState {
	if st.Sampled != nil {
		st.Sampled = new(*st.Sampled)
	}
	return st
}

// Runs returns how many commands the machine was given, also those that failed.
func (m *Machine) Runs() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runs
}

// Run runs a command and returns its exit status. An error means that it was not run to
// its end: the machine is down, ctx ended, or a stream failed.
func (m *Machine) Run(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	m.mu.Lock()
	m.runs++
	st := m.state
	m.mu.Unlock()

	if !pause(ctx, st.Latency/2) {
		return 0, context.Cause(ctx)
	}
	if st.Down {
		return 0, errors.New("bbbtest: connect to host " + m.name + " port 22: Connection refused")
	}
	if st.Hang {
		<-ctx.Done()
		return 0, context.Cause(ctx)
	}
	var input []byte
	if stdin != nil {
		var err error
		if input, err = io.ReadAll(stdin); err != nil {
			return 0, err
		}
	}
	c := machineCommand{m.name, &st, time.Now().Add(st.ClockSkew), input}
	out, errs, status := c.run(argv)
	if !pause(ctx, st.Latency-st.Latency/2) {
		return 0, context.Cause(ctx)
	}
	if _, err := io.WriteString(stdout, st.Noise+out); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(stderr, errs); err != nil {
		return 0, err
	}
	return status, nil
}

// machineCommand is one command on a machine.
type machineCommand struct {
	name  string
	state *MachineState
	clock time.Time // the machine's
	input []byte
}

func (c *machineCommand) run(argv []string) (stdout, stderr string, status int) {
	if len(argv) == 0 {
		return "", "", 0
	}
	switch argv[0] {
	case "true", ":":
		return "", "", 0
	case "false":
		return "", "", 1
	case "echo":
		return strings.Join(argv[1:], " ") + "\n", "", 0
	case "cat":
		if len(argv) == 1 {
			return string(c.input), "", 0
		}
	case "hostname":
		return c.name + "\n", "", 0
	case "sh":
		if len(argv) == 1 {
			return c.script()
		}
	}
	return "", "sh: 1: " + argv[0] + ": not found\n", 127
}

// script is a shell that reads its commands. The one script that it understands is that
// which asks for a report: it names its parts "@bbb".
func (c *machineCommand) script() (stdout, stderr string, status int) {
	if bytes.Contains(c.input, []byte("@bbb")) {
		return c.report(), "", 0
	}
	words := strings.Fields(string(c.input))
	switch {
	case len(words) == 0:
		return "", "", 0
	case len(words) == 2 && words[0] == "exit":
		if n, err := strconv.Atoi(words[1]); err == nil {
			return "", "", n & 0xFF
		}
	}
	inner := machineCommand{name: c.name, state: c.state, clock: c.clock}
	if words[0] == "sh" {
		words = words[:1]
	}
	return inner.run(words)
}

// report is what the script writes: parts of text, each after a line with its name.
func (c *machineCommand) report() string {
	var b strings.Builder
	part := func(name, text string) { b.WriteString("\n@bbb " + name + "\n" + text) }
	part("begin", "")
	proc := func(name, text string) {
		if c.state.NoProc {
			text = ""
		}
		part(name, text)
	}
	const start = 864_000.25 // ten days since it was started
	proc("uptime1", fmt.Sprintf("%.2f %.2f\n", start, start*7))
	proc("stat1", c.stat(0))
	proc("net1", c.net(0))
	out, errs, status := c.sadf()
	part("sadf", out)
	part("sadf-status", strconv.Itoa(status)+"\n"+errs)
	proc("uptime2", fmt.Sprintf("%.2f %.2f\n", start+0.5, start*7+3))
	proc("stat2", c.stat(0.5))
	proc("net2", c.net(0.5))
	part("clock", strconv.FormatInt(c.clock.Unix(), 10)+"\n")
	st := c.state
	proc("loadavg", fmt.Sprintf("%.2f %.2f %.2f %d/%d %d\n", st.Load1, st.Load5, st.Load15, st.RunQueue, 300, 28211))
	free, buffers, cached := st.memory()
	proc("meminfo", fmt.Sprintf("MemTotal:       %d kB\nMemFree:        %d kB\nMemAvailable:   %d kB\nBuffers:        %d kB\nCached:         %d kB\n"+
		"SwapCached:            0 kB\nSwapTotal:       2097148 kB\nSwapFree:        2097148 kB\nDirty:               328 kB\nSReclaimable:      51200 kB\n",
		st.MemTotal, free, st.MemAvailable, buffers, cached))
	if st.NoProc {
		part("uname", "FreeBSD "+c.name+" 14.1-RELEASE amd64\n")
	} else {
		part("uname", "Linux "+c.name+" 6.1.0-28-amd64 x86_64\n")
	}
	part("end", "")
	return b.String()
}

// memory says where the available memory is.
func (w *Workload) memory() (free, buffers, cached int64) {
	free, buffers = w.MemAvailable/2, w.MemAvailable/16
	return free, buffers, w.MemAvailable - free - buffers
}

// busy are the shares of user, system, iowait and steal, 1 in all at the most.
func (w *Workload) busy() [4]float64 {
	shares, rest := [4]float64{}, 1.0
	for i, percent := range [...]float64{w.User, w.System, w.IOWait, w.Steal} {
		shares[i] = min(max(percent/100, 0), rest)
		rest -= shares[i]
	}
	return shares
}

// cpus is how many CPUs there are, one at least.
func (st *MachineState) cpus() int { return max(st.CPUs, 1) }

// stat is the beginning of /proc/stat, that many seconds after the first reading.
func (c *machineCommand) stat(seconds float64) string {
	n := c.state.cpus()
	// In ticks of 10 ms: since the start of the machine, and since the first reading.
	const since = 86_400_000
	ticks := int64(seconds*100) * int64(n)
	all := [10]int64{3: since * int64(n)}
	shares, rest := c.state.busy(), ticks
	for i, field := range [...]int{0, 2, 4, 7} {
		share := min(int64(shares[i]*float64(ticks)+0.5), rest)
		all[field] = 10_000*int64(n) + share
		rest -= share
	}
	all[3] += rest

	var b strings.Builder
	line := func(name string, values [10]int64) {
		b.WriteString(name)
		for _, v := range values {
			b.WriteString(" " + strconv.FormatInt(v, 10))
		}
		b.WriteByte('\n')
	}
	line("cpu ", all)
	for i := range n {
		one := all
		for field, v := range all {
			one[field] = (v*int64(i+1))/int64(n) - (v*int64(i))/int64(n)
		}
		line("cpu"+strconv.Itoa(i), one)
	}
	return b.String()
}

// net is /proc/net/dev, that many seconds after the first reading.
func (c *machineCommand) net(seconds float64) string {
	rx, tx := int64(c.state.RxKB*1024*seconds), int64(c.state.TxKB*1024*seconds)
	return "Inter-|   Receive                                                |  Transmit\n" +
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n" +
		"    lo: 1200000   12000    0    0    0     0          0         0  1200000   12000    0    0    0     0       0          0\n" +
		fmt.Sprintf("  eth0: %d %d 0 0 0 0 0 0 %d %d 0 0 0 0 0 0\n", 900_000_000+rx, 800_000+rx/1000, 5_000_000_000+tx, 4_000_000+tx/1000)
}

// sadf is what sadf writes, and how it ends.
func (c *machineCommand) sadf() (stdout, stderr string, status int) {
	file := "/var/log/sysstat/sa" + c.clock.Format("02")
	switch c.state.SysStat {
	case SysStatMissing:
		return "", "sh: 9: sadf: not found\n", 127
	case SysStatDisabled:
		return "", "Cannot open " + file + ": No such file or directory\nPlease check if data collecting is enabled\n", 2
	case SysStatForeign:
		return "", "Invalid system activity file: " + file + "\nFile created by sar/sadc from sysstat version 11.6.1\n" +
			"Current sysstat version cannot read the format of this file (0x2173)\n", 3
	case SysStatGarbage:
		return "<!DOCTYPE html>\n<p>not what was asked for</p>\n", "", 0
	case SysStatHangs:
		return "", "", 124
	}
	return c.sadfJSON(), "", 0
}

// sadfJSON is what sadf -j of sysstat 12.6 writes for one interval.
func (c *machineCommand) sadfJSON() string {
	st := c.state
	w := st.Workload
	if st.Sampled != nil {
		w = *st.Sampled
	}
	end := c.clock.Add(-st.SampleAge).UTC()
	head := fmt.Sprintf(`{"sysstat": {"hosts": [{"nodename": %q, "sysname": "Linux", "release": "6.1.0-28-amd64", "machine": "x86_64", `+
		`"number-of-cpus": %d, "file-date": %q, "file-utc-time": "00:00:01", "timezone": "UTC", "statistics": [`,
		c.name, st.cpus(), end.Format(time.DateOnly))
	const tail = `], "restarts": []}]}}` + "\n"
	if st.SysStat == SysStatEmpty {
		return head + tail
	}
	var shares [4]float64
	for i, share := range w.busy() {
		shares[i] = 100 * share
	}
	cpus := []string{cpuJSON("all", shares)}
	for i := range st.cpus() {
		cpus = append(cpus, cpuJSON(strconv.Itoa(i), shares))
	}
	free, buffers, cached := w.memory()
	used := w.MemTotal - free - buffers - cached
	return head + fmt.Sprintf(`{"timestamp": {"date": %q, "time": %q, "utc": 1, "interval": %d}, "cpu-load": [%s], `,
		end.Format(time.DateOnly), end.Format(time.TimeOnly), int(st.SampleInterval.Seconds()), strings.Join(cpus, ", ")) +
		`"io": {"tps": 12.50, "io-reads": {"rtps": 2.50, "bread": 64.00}, "io-writes": {"wtps": 10.00, "bwrtn": 320.00}, "io-discard": {"dtps": 0.00, "bdscd": 0.00}}, ` +
		fmt.Sprintf(`"memory": {"memfree": %d, "avail": %d, "memused": %d, "memused-percent": %.2f, "buffers": %d, "cached": %d, "commit": %d, "commit-percent": %.2f, `,
			free, w.MemAvailable, used, 100*float64(used)/float64(max(w.MemTotal, 1)), buffers, cached, used, 100*float64(used)/float64(max(w.MemTotal, 1))) +
		`"active": 524288, "inactive": 262144, "dirty": 328, "anonpg": 412000, "slab": 98304, "kstack": 8192, "pgtbl": 12288, "vmused": 14412, ` +
		`"swpfree": 2097148, "swpused": 0, "swpused-percent": 0.00, "swpcad": 0, "swpcad-percent": 0.00}, ` +
		`"kernel": {"dentunusd": 192911, "file-nr": 3904, "inode-nr": 138969, "pty-nr": 1}, ` +
		fmt.Sprintf(`"queue": {"runq-sz": %d, "plist-sz": 300, "ldavg-1": %.2f, "ldavg-5": %.2f, "ldavg-15": %.2f, "blocked": 0}, `, w.RunQueue, w.Load1, w.Load5, w.Load15) +
		`"network": {"net-dev": [` + strings.Join([]string{devJSON("lo", 0, 0), devJSON("eth0", w.RxKB, w.TxKB)}, ", ") +
		`], "net-edev": [` + strings.Join([]string{edevJSON("lo"), edevJSON("eth0")}, ", ") +
		`], "net-sock": {"totsck": 512, "tcpsck": 40, "udpsck": 120, "rawsck": 0, "ip-frag": 0, "tcp-tw": 7}}}` + tail
}

func cpuJSON(name string, shares [4]float64) string {
	idle := max(100-shares[0]-shares[1]-shares[2]-shares[3], 0)
	return fmt.Sprintf(`{"cpu": %q, "usr": %.2f, "nice": 0.00, "sys": %.2f, "iowait": %.2f, "steal": %.2f, "irq": 0.00, "soft": 0.00, "guest": 0.00, "gnice": 0.00, "idle": %.2f}`,
		name, shares[0], shares[1], shares[2], shares[3], idle)
}

func devJSON(name string, rx, tx float64) string {
	return fmt.Sprintf(`{"iface": %q, "rxpck": %.2f, "txpck": %.2f, "rxkB": %.2f, "txkB": %.2f, "rxcmp": 0.00, "txcmp": 0.00, "rxmcst": 0.00, "ifutil-percent": %.2f}`,
		name, rx, tx, rx, tx, min(max(rx, tx)/1250, 100))
}

func edevJSON(name string) string {
	return fmt.Sprintf(`{"iface": %q, "rxerr": 0.00, "txerr": 0.00, "coll": 0.00, "rxdrop": 0.00, "txdrop": 0.00, "txcarr": 0.00, "rxfram": 0.00, "rxfifo": 0.00, "txfifo": 0.00}`, name)
}
