package bbbtest

import (
	"bytes"
	"context"
	"errors"
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
	SysStatHangs            // sadf did not come to an end and was stopped
	SysStatStuck            // sadf cannot even be stopped, so the command does not end either
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
// its end: the machine is down, ctx ended, or a stream failed. It is of no class: for code
// that looks for ErrSSH of package bbb, the runner wraps it in that.
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
	if status == stuck {
		<-ctx.Done()
		return 0, context.Cause(ctx)
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

// stuck is the status of a command that does not end.
const stuck = -1

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
		if c.state.SysStat == SysStatStuck {
			status = stuck
		}
		return c.report(), "", status
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
