package bbb

import (
	"math"
	"time"
)

// Age returns how long ago the interval of the sample ended. A difference between the
// clocks is accounted for, as far as it is known ([SysStat.ClockAhead]).
func (r *SysStat) Age() time.Duration { return max(time.Since(r.ended()), 0) }

// ended is when the interval of the sample ended, by our clock.
func (r *SysStat) ended() time.Time { return r.Time.Add(-r.ClockAhead) }

// MachineLoad returns what placement goes by ([CheckMachine]).
//
// CPU is the busy part ([CPU.Busy]) over the interval of sadf, when that is not longer
// than two minutes and ended not longer before the collection: an average over a minute
// is steadier than a moment. Otherwise it is that of [SysStat.Live], since sysstat may be
// set to collect every ten minutes, which is too long for placement. RunQueue is the load
// average over a minute, for each CPU. It counts tasks that wait for a disk too. Memory is
// [Memory.UsedPart]. These two are of Live, where it has them.
//
// Time is when that of which CPU was taken ended, by our clock, and never after
// Collected.
func (r *SysStat) MachineLoad() MachineLoad {
	from, at := r.Live, r.Collected
	if steady := r.Source == SourceSadf && r.Interval <= freshTime && r.Collected.Sub(r.ended()) <= freshTime; from == nil ||
		steady && len(r.CPU) > 0 || len(from.CPU) == 0 && len(r.CPU) > 0 {
		from = &r.Sample
		if at = r.ended(); at.After(r.Collected) {
			at = r.Collected
		}
	}
	l := MachineLoad{Time: at}
	if len(from.CPU) > 0 {
		l.CPU = part(from.CPU[0].Busy() / 100)
	}
	now := r.Live
	if now == nil {
		now = &r.Sample
	}
	queue, memory := now.Queue, now.Memory
	if queue == nil {
		queue = r.Queue
	}
	if memory == nil {
		memory = r.Memory
	}
	if queue != nil && r.CPUs > 0 {
		if l.RunQueue = queue.Load1 / float64(r.CPUs); !(l.RunQueue > 0) || math.IsInf(l.RunQueue, 0) {
			l.RunQueue = 0
		}
	}
	l.Memory = part(memory.UsedPart())
	return l
}

// part is x within 0 and 1; what is not a number is 0, which is not known.
func part(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	return min(x, 1)
}
