package bbb

import (
	"errors"
	"time"
)

// callSysStat is what reading the load of a machine is called in errors.
const callSysStat = "sysstat"

// ErrSadfAnswer says that what sadf wrote is not its JSON, or breaks off before the end
// of the first interval. The text of the error has the beginning of it.
var ErrSadfAnswer = errors.New("not an answer of sadf")

// ErrSadfEmpty says that sadf has no complete interval yet, as in the first minutes of a
// day, or after a boot: it takes two collections to make one.
var ErrSadfEmpty = errors.New("sadf has no complete interval")

// Source says where the sample of a [SysStat] comes from.
type Source string

// The sources.
const (
	SourceSadf Source = "sadf" // the sysstat package
	SourceProc Source = "proc" // the files of /proc, because sadf gave nothing
)

// SysStat is how busy the machine of a server is. In JSON it is one object, with the
// fields of its Sample beside its own, and with durations as Go writes them, such as
// "1m0s"; what it is read back to is the same, with an Err of the same class.
type SysStat struct {
	Host    string // the name that the machine gives itself
	System  string // such as "Linux"
	Release string // of the kernel
	Machine string // such as "x86_64"
	CPUs    int    // 0 when not known

	Source Source
	// Problem is why Source is not [SourceSadf]; Err is the same as an error.
	Problem string
	Err     error

	// Collected is when the report was read, by our clock.
	Collected time.Time
	// ClockAhead is how far the clock of the machine is ahead of ours.
	ClockAhead time.Duration

	// Sample is the newest interval that sadf has, or what Live is when Source is
	// [SourceProc].
	Sample
	// Live is what /proc said in the moment of collection; nil when it said nothing.
	Live *Sample
}

// Sample is what was measured over one interval. What the machine did not tell is nil
// or zero: one of /proc has no IO, Kernel and Sockets.
type Sample struct {
	// Time is the end of the interval, by the clock of the machine, in UTC.
	Time time.Time `json:"time,omitzero"`
	// Interval is over what the values that are "per second" or "of the interval" were
	// measured; the others are of its end.
	Interval time.Duration `json:"interval"` // text in JSON, such as "1m0s"
	// CPU has all CPUs together first, as "all". Behind them it has the single ones when
	// the sample is of /proc, but not those that were offline; sadf is asked for "all" alone.
	CPU     []CPU       `json:"cpu,omitempty"`
	IO      *IO         `json:"io,omitempty"`
	Memory  *Memory     `json:"memory,omitempty"`
	Kernel  *Kernel     `json:"kernel,omitempty"`
	Queue   *Queue      `json:"queue,omitempty"`
	Network []Interface `json:"network,omitempty"`
	Sockets *Sockets    `json:"sockets,omitempty"`
}
