package bbb

import (
	"cmp"
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
// average over a minute, for each CPU; it has tasks that wait for a disk in it. Memory is
// [Memory.UsedPart]. These two are of Live, where it has them.
//
// Time is when the interval that CPU is of ended, by our clock, and never after
// Collected.
func (r *SysStat) MachineLoad() MachineLoad {
	live := r.Live
	if live == nil {
		live = &Sample{}
	}
	l := MachineLoad{Time: r.Collected}
	switch {
	case len(live.CPU) > 0 && !r.steady():
		l.CPU = part(live.CPU[0].Busy() / 100)
	case len(r.CPU) > 0:
		l.CPU = part(r.CPU[0].Busy() / 100)
		fallthrough
	case r.Live == nil:
		// Reckoned from Collected, so that it fades also when the clock is set back.
		if age := l.Time.Sub(r.ended()); age > 0 {
			l.Time = l.Time.Add(-age)
		}
	}
	if queue := cmp.Or(live.Queue, r.Queue); queue != nil && r.CPUs > 0 && queue.Load1 > 0 && !math.IsInf(queue.Load1, 0) {
		l.RunQueue = queue.Load1 / float64(r.CPUs)
	}
	l.Memory = part(cmp.Or(live.Memory, r.Memory).UsedPart())
	return l
}

// steady reports whether the interval of sadf is the one to go by.
func (r *SysStat) steady() bool {
	return r.Source == SourceSadf && len(r.CPU) > 0 && r.Interval > 0 && r.Interval <= freshTime &&
		r.Collected.Sub(r.ended()) <= freshTime
}

// part is x within 0 and 1; what is not a number is 0, which is not known.
func part(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	return min(x, 1)
}
