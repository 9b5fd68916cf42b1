package bbbtest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

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
	if c.state.SysStat == SysStatStuck {
		part("sadf", "")
		return b.String()
	}
	for range c.state.SysStat.tries() {
		out, words, status := c.sadf()
		part("sadf", out)
		part("words", words+"status "+strconv.Itoa(status)+"\n")
	}
	part("end", "")
	return b.String()
}

// tries is how often the script asks sadf: where it may be that the day has just begun,
// it asks for the day before as well.
func (s SysStat) tries() int {
	if s == SysStatDisabled || s == SysStatEmpty || s == SysStatGarbage {
		return 2
	}
	return 1
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
	free, buffers, cached := w.memory()
	used := w.MemTotal - free - buffers - cached
	return head + fmt.Sprintf(`{"timestamp": {"date": %q, "time": %q, "utc": 1, "interval": %d}, "cpu-load": [%s], `,
		end.Format(time.DateOnly), end.Format(time.TimeOnly), int(st.SampleInterval.Seconds()), cpuJSON("all", shares)) +
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
