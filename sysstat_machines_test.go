package bbb_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// machines are the fake machines of a group, by the names of its servers, and a Runner
// that reaches them.
type machines struct {
	list map[string]*bbbtest.Machine

	mu    sync.Mutex // protects the fields below
	at    map[string][]time.Time
	now   map[string]int
	most  int // at one time, of all
	twice int // logins to a machine that had one under way
}

// newMachines returns machines for bbb1 to bbbN.
func newMachines(n int) *machines {
	m := &machines{list: make(map[string]*bbbtest.Machine), at: make(map[string][]time.Time), now: make(map[string]int)}
	for i := range n {
		name := fmt.Sprintf("bbb%d", i+1)
		m.list[name] = bbbtest.NewMachine(name)
	}
	return m
}

// Run is that of a [bbb.Runner].
func (m *machines) Run(ctx context.Context, c bbb.RemoteCommand) (int, error) {
	m.mu.Lock()
	m.at[c.Server] = append(m.at[c.Server], time.Now())
	if m.now[c.Server]++; m.now[c.Server] > 1 {
		m.twice++
	}
	all := 0
	for _, n := range m.now {
		all += n
	}
	m.most = max(m.most, all)
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.now[c.Server]--
	}()
	status, err := m.list[c.Server].Run(ctx, c.Argv, c.Stdin, c.Stdout, c.Stderr)
	if err != nil {
		err = fmt.Errorf("%w: %w", bbb.ErrSSH, err)
	}
	return status, err
}

// read returns when there was a login to a machine.
func (m *machines) read(name string) []time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.at[name])
}

// underWay returns how many logins are under way.
func (m *machines) underWay() (all int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.now {
		all += n
	}
	return all
}

// change changes a machine.
func (m *machines) change(name string, f func(*bbbtest.MachineState)) { m.list[name].Change(f) }

// busy makes the CPUs of a machine busy, in per cent.
func (m *machines) busy(name string, percent float64) {
	m.change(name, func(st *bbbtest.MachineState) { st.User, st.System = percent-2, 2 })
}

// newMachineGroup returns a group over n fakes and their machines, whose logins take
// a second.
func newMachineGroup(t testing.TB, n int, opts ...bbb.GroupOption) (*bbb.Group, []*bbbtest.Server, *machines) {
	t.Helper()
	m := newMachines(n)
	for name := range m.list {
		m.change(name, func(st *bbbtest.MachineState) { st.Latency = time.Second })
	}
	g, fakes := newGroup(t, n, append([]bbb.GroupOption{bbb.WithSSH(bbb.SSH{}), bbb.WithRunner(m)}, opts...)...)
	return g, fakes, m
}

// cpuOf returns what is known of the CPUs of a machine, -1 for nothing.
func cpuOf(s *bbb.Server) float64 {
	if l, ok := s.MachineLoad(); ok {
		return l.CPU
	}
	return -1
}

// failedCalls returns the calls of the *Errors in err, which are all that there is.
func failedCalls(t testing.TB, err error) (calls []string) {
	t.Helper()
	require.Error(t, noted(t, err))
	var walk func(error)
	walk = func(err error) {
		switch e := err.(type) { //nolint:errorlint // the tree is walked by hand
		case *bbb.Error:
			calls = append(calls, e.Call)
		case *bbb.GroupError:
			for _, one := range e.Servers {
				var se *bbb.Error
				if assert.ErrorAs(t, one.Err, &se) {
					assert.Equal(t, one.Server, se.Server)
					assert.Equal(t, e.Call, se.Call)
					calls = append(calls, se.Call+" on "+se.Server)
				}
			}
		case interface{ Unwrap() []error }:
			for _, one := range e.Unwrap() {
				walk(one)
			}
		default:
			assert.Fail(t, "another error", "%T %v", err, err)
		}
	}
	walk(err)
	return calls
}
