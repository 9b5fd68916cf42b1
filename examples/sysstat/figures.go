package main

import (
	"fmt"
	"time"

	"github.com/bbbgroup/bbb"
)

// freshTime is how long and how old an interval of sysstat is at most that placement
// prefers to what /proc says of this moment.
const freshTime = 2 * time.Minute

// shown is the sample that the figures of the CPUs are taken from, and its source. It is
// the one that [bbb.SysStat.MachineLoad] goes by.
func shown(r *bbb.SysStat) (*bbb.Sample, bbb.Source) {
	steady := r.Source == bbb.SourceSadf && r.Interval <= freshTime && r.Age() <= freshTime
	if r.Live != nil && len(r.Live.CPU) > 0 && !steady {
		return r.Live, bbb.SourceProc
	}
	return &r.Sample, r.Source
}

// now is the sample for what is of a moment, and not of an interval.
func now(r *bbb.SysStat) *bbb.Sample {
	if r.Live != nil {
		return r.Live
	}
	return &r.Sample
}

// loads are the load averages for each CPU.
func loads(r *bbb.SysStat) []string {
	q, known := now(r).Queue, now(r).Queue != nil && r.CPUs > 0
	if !known {
		q = new(bbb.Queue)
	}
	var cells []string
	for _, load := range [...]float64{q.Load1, q.Load5, q.Load15} {
		cells = append(cells, number("%.2f", load/float64(max(r.CPUs, 1)), known))
	}
	return cells
}

// cpu is what all CPUs together did.
func cpu(s *bbb.Sample) []string {
	known := len(s.CPU) > 0
	var all bbb.CPU
	if known {
		all = s.CPU[0]
	}
	return []string{
		number("%.1f", all.Busy(), known), number("%.1f", all.IOWait, known), number("%.1f", all.Steal, known),
	}
}

// memory is the part that is in use.
func memory(r *bbb.SysStat) string {
	m := now(r).Memory
	return number("%.1f", 100*m.UsedPart(), m != nil && m.Total > 0)
}

// network is what goes through the interface that carries the most. The sum of all would
// count what passes a bridge, a bond or the interface of a container twice.
func network(r *bbb.SysStat) []string {
	var most bbb.Interface
	known := false
	for _, i := range trafficOf(r) {
		if i.Name != "lo" && (!known || i.RxKiB+i.TxKiB > most.RxKiB+most.TxKiB) {
			most, known = i, true
		}
	}
	return []string{number("%.1f", megabits(most.RxKiB), known), number("%.1f", megabits(most.TxKiB), known)}
}

// trafficOf is that of the same time as the figures of the CPUs, if it is known of it.
func trafficOf(r *bbb.SysStat) []bbb.Interface {
	if s, _ := shown(r); len(s.Network) > 0 {
		return s.Network
	}
	return r.Network
}

// megabits makes kibibytes per second the unit of network cards.
func megabits(kib float64) float64 { return kib * 1024 * 8 / 1e6 }

// number formats a figure, or shows that there is none.
func number(format string, value float64, known bool) string {
	if !known {
		return "-"
	}
	return fmt.Sprintf(format, value)
}

// age is how old a sample is, by our clock.
func age(r *bbb.SysStat, s *bbb.Sample) string {
	if s.Time.IsZero() {
		return "-"
	}
	switch d := max(time.Since(s.Time.Add(-r.ClockAhead)), 0); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0fm", d.Minutes())
	default:
		return fmt.Sprintf("%.0fh", d.Hours())
	}
}
