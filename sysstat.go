package bbb

import (
	"context"
	"time"
)

// callSysStat is what reading the load of a machine is called in errors.
const callSysStat = "sysstat"

// Source says where the sample of a [SysStat] comes from.
type Source string

// The sources.
const (
	SourceSadf Source = "sadf" // the sysstat package
	SourceProc Source = "proc" // the files of /proc, because sadf gave nothing
)

// SysStat is how busy the machine of a server is.
type SysStat struct {
	Host    string `json:"host"`
	System  string `json:"system"`  // such as "Linux"
	Release string `json:"release"` // of the kernel
	Machine string `json:"machine"` // such as "x86_64"
	CPUs    int    `json:"cpus"`

	Source Source `json:"source"`
	// Problem is why Source is not [SourceSadf]; Err is the same as an error.
	Problem string `json:"problem,omitempty"`
	Err     error  `json:"-"`

	// Collected is when the report was read, by our clock.
	Collected time.Time `json:"collected"`
	// ClockAhead is how far the clock of the machine is ahead of ours.
	ClockAhead time.Duration `json:"clockAhead"`

	// Sample is the newest interval that sadf has, or what Live is when Source is
	// [SourceProc].
	Sample
	// Live is what /proc said in the moment of collection; nil when it said nothing.
	Live *Sample `json:"live,omitempty"`
}

// Sample is what was measured over one interval.
type Sample struct {
	Time     time.Time     `json:"time"` // its end, by the clock of the machine
	Interval time.Duration `json:"interval"`
	CPU      []CPU         `json:"cpu,omitempty"` // all of them first, as "all"
	Memory   *Memory       `json:"memory,omitempty"`
	Queue    *Queue        `json:"queue,omitempty"`
}

// CPU is what the time of a CPU went into, in per cent of the interval.
type CPU struct {
	Name   string  `json:"cpu"` // "all", or a number
	User   float64 `json:"user"`
	System float64 `json:"system"`
	IOWait float64 `json:"iowait"`
	Steal  float64 `json:"steal"`
	Idle   float64 `json:"idle"`
}

// Memory is in kibibytes, as sar prints it.
type Memory struct {
	Free      int64 `json:"free"`
	Available int64 `json:"available"`
	Used      int64 `json:"used"`
}

// Queue is the run queue and the load averages.
type Queue struct {
	RunQueue int     `json:"runQueue"`
	Load1    float64 `json:"load1"`
	Load5    float64 `json:"load5"`
	Load15   float64 `json:"load15"`
}

// Age returns how long ago the interval of the sample ended. A difference between the
// clocks is accounted for.
func (r *SysStat) Age() time.Duration { return time.Since(r.Time.Add(-r.ClockAhead)) }

// MachineLoad returns what placement goes by.
func (r *SysStat) MachineLoad() MachineLoad { return MachineLoad{} }

// SysStat reads how busy the machine of the server is, over ssh.
func (s *Server) SysStat(ctx context.Context) (*SysStat, error) {
	return nil, &Error{Server: s.name, Call: callSysStat, Err: ErrSSH}
}
