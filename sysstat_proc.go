package bbb

import (
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of /proc/stat on all machines that matter (USER_HZ).
const ticksPerSecond = 100

// longestLive is more than any interval between the two readings can be.
const longestLive = time.Hour

// live is what /proc said, as a sample that ended at that time; nil when it said nothing
// that helps.
func (a *machineAnswer) live(at time.Time) (sample *Sample, cpus int) {
	before, after := parseStat(a.parts["stat1"]), parseStat(a.parts["stat2"])
	interval := a.interval(before, after)
	s := &Sample{
		Time: at, Interval: interval,
		CPU:     cpuShares(before, after),
		Memory:  parseMeminfo(a.parts["meminfo"]),
		Queue:   parseLoadavg(a.parts["loadavg"]),
		Network: netRates(parseNet(a.parts["net1"]), parseNet(a.parts["net2"]), interval.Seconds()),
	}
	cpus = max(len(after)-1, 0)
	if s.CPU == nil && s.Memory == nil && s.Queue == nil {
		return nil, cpus
	}
	if s.Queue != nil {
		s.Queue.Blocked = parseBlocked(a.parts["stat2"])
	}
	return s, cpus
}

// interval is the time between the two readings. /proc/uptime says it exactly.
func (a *machineAnswer) interval(before, after []cpuTimes) time.Duration {
	first, ok1 := parseUptime(a.parts["uptime1"])
	second, ok2 := parseUptime(a.parts["uptime2"])
	if d := second - first; ok1 && ok2 && d > 0 && d < longestLive {
		return d
	}
	if len(before) < 2 || len(after) < 2 {
		return 0
	}
	_, total := after[0].since(&before[0])
	milliseconds := total / float64(len(after)-1) * (1000 / ticksPerSecond)
	return min(time.Duration(min(milliseconds, 1e9))*time.Millisecond, longestLive)
}

// cpuTimes are the ticks that one CPU has spent, or all of them, in the order of
// /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest nice.
type cpuTimes struct {
	name  string // "all", or a number
	ticks [10]uint64
}

// parseStat reads the lines of /proc/stat about CPUs. Kernels before 2.6.33 write fewer
// columns; later ones may write more.
func parseStat(text string) []cpuTimes {
	var list []cpuTimes
	for line := range strings.Lines(text) {
		if len(list) > sadfItems { // and the line of all
			break
		}
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		name, ok := strings.CutPrefix(fields[0], "cpu")
		if !ok {
			continue
		}
		if name == "" {
			name = "all"
		} else if _, err := strconv.ParseUint(name, 10, 16); err != nil {
			continue
		}
		if (name == "all") != (list == nil) {
			continue // not as any kernel writes it
		}
		one := cpuTimes{name: name}
		for i, field := range fields[1:min(len(fields), 11)] {
			one.ticks[i] = number(field)
		}
		list = append(list, one)
	}
	return list
}

// since returns what was spent since an earlier reading, and the sum. A counter that
// went back counts as 0: those of idle and iowait do at times, and all do when a CPU
// comes back. Time of guests is in user and nice too, and taken out there, as sar does.
func (c *cpuTimes) since(before *cpuTimes) (spent [10]float64, total float64) {
	for i, now := range c.ticks {
		if then := before.ticks[i]; now > then {
			spent[i] = float64(now - then)
		}
	}
	spent[0] = max(spent[0]-spent[8], 0)
	spent[1] = max(spent[1]-spent[9], 0)
	for _, n := range spent {
		total += n
	}
	return spent, total
}

// cpuShares is what the CPUs did between two readings, of those that are in both. One
// that spent no time at all is left out: it is off.
func cpuShares(before, after []cpuTimes) []CPU {
	then := make(map[string]*cpuTimes, len(before))
	for i := range before {
		then[before[i].name] = &before[i]
	}
	var list []CPU
	for i := range after {
		now := &after[i]
		if then[now.name] == nil {
			continue
		}
		spent, total := now.since(then[now.name])
		if total == 0 {
			continue
		}
		for n := range spent {
			spent[n] = 100 * spent[n] / total
		}
		list = append(list, CPU{
			Name: now.name,
			User: spent[0], Nice: spent[1], System: spent[2], Idle: spent[3], IOWait: spent[4],
			IRQ: spent[5], SoftIRQ: spent[6], Steal: spent[7], Guest: spent[8], GuestNice: spent[9],
		})
	}
	if len(list) == 0 || list[0].Name != "all" {
		return nil
	}
	return list
}

// parseBlocked reads the line of /proc/stat about tasks that wait for a disk.
func parseBlocked(text string) int {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, "procs_blocked "); ok {
			return int(natural(strings.TrimSpace(value), 31))
		}
	}
	return 0
}

// parseUptime reads /proc/uptime.
func parseUptime(text string) (time.Duration, bool) {
	first, _, _ := strings.Cut(text, " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil || !(seconds >= 0 && seconds < 1e9) {
		return 0, false
	}
	return time.Duration(seconds*1000) * time.Millisecond, true
}

// parseLoadavg reads /proc/loadavg.
func parseLoadavg(text string) *Queue {
	fields := strings.Fields(text)
	if len(fields) < 4 {
		return nil
	}
	var loads [3]float64
	for i := range loads {
		n, err := strconv.ParseFloat(fields[i], 64)
		if err != nil || !(n >= 0 && n < 1e9) {
			return nil
		}
		loads[i] = n
	}
	q := &Queue{Load1: loads[0], Load5: loads[1], Load15: loads[2]}
	running, tasks, _ := strings.Cut(fields[3], "/")
	q.RunQueue = max(int(natural(running, 31))-1, 0) // without the one that read it, as sar counts
	q.Tasks = int(natural(tasks, 31))
	return q
}

// number is what text says. What is no such number is 0, which helps as much as anything.
func number(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// natural is the same for what is no counter, and up to that many bits.
func natural(text string, bits uint) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n>>bits != 0 {
		return 0
	}
	return n
}
