package bbb

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
)

// machine is what is known of the machine of one server.
type machine struct {
	load    atomic.Pointer[toldLoad] // what placement goes by
	report  atomic.Pointer[SysStat]  // the newest one
	failing atomic.Bool              // it could not be read the last time
	problem atomic.Pointer[error]    // why sadf gave nothing then, one of sadfProblems
}

// CachedSysStat returns the report that was read last, by [Server.SysStat], Refresh or
// [Group.Run], or nil when there is none. It may be of any age: see [SysStat.Age]. It
// is shared, so do not write to it. The machine is not asked; a [Cache] given to the
// group may be, once, for what another process has read in the last ten minutes.
func (s *Server) CachedSysStat(ctx context.Context) *SysStat {
	s.restore(ctx)
	return s.machine.report.Load()
}

// keepSysStat keeps a report that was just read, here and for other processes.
func (s *Server) keepSysStat(ctx context.Context, r *SysStat) {
	s.takeSysStat(r)
	if st := s.group.store; st.shared {
		text, err := json.Marshal(r)
		if err != nil {
			st.warn(ctx, "save", err)
			return
		}
		st.set(ctx, s.sysStatKey(), text, oldTime)
	}
}

// takeSysStat makes a report the one that counts, unless there is a newer one.
func (s *Server) takeSysStat(r *SysStat) {
	for {
		known := s.machine.report.Load()
		if known != nil && outdated(r.Collected, known.Collected, s.group.now()) {
			return
		}
		if s.machine.report.CompareAndSwap(known, r) {
			s.tellMachineLoad(r.MachineLoad(), r.Collected)
			return
		}
	}
}

// loadSysStat looks for the report that another process has left in the Cache.
func (s *Server) loadSysStat(ctx context.Context) {
	if s.readsMachine() {
		text, ok := s.group.store.get(ctx, s.sysStatKey())
		s.takeSavedSysStat(ctx, found{text, ok})
	}
}

// takeSavedSysStat takes over the report that another process has left in the Cache.
func (s *Server) takeSavedSysStat(ctx context.Context, saved found) {
	if !saved.ok {
		return
	}
	r := new(SysStat)
	err := json.Unmarshal([]byte(saved.text), r)
	if err == nil && r.Collected.IsZero() {
		err = errors.New("not a report of a machine")
	}
	if err != nil {
		s.group.store.warn(ctx, "restore", err)
		return
	}
	// The clock of whoever read it may be ahead of ours, and what it says of the
	// clock of the machine is then wrong by as much. One that is behind cannot be
	// told from a report that is older.
	if now := s.group.now(); r.Collected.After(now) {
		r.ClockAhead += r.Collected.Sub(now)
		r.Collected = now
	}
	s.takeSysStat(r)
}

// sadfProblems are the classes of [SysStat.Err]. The text of each begins its errors.
var sadfProblems = [...]error{ErrSadfMissing, ErrSadfDisabled, ErrSadfEmpty, ErrSadfOld, ErrSadfAnswer, ErrSadfFailed}

// savedProblem is the Err of a report that was JSON meanwhile, as out of the Cache.
type savedProblem struct{ text string }

func (p *savedProblem) Error() string { return p.text }

func (p *savedProblem) Is(target error) bool {
	return slices.Contains(sadfProblems[:], target) && strings.HasPrefix(p.text, target.Error())
}

// warmMachines is for decisions about new meetings: the first ones are to know what
// other processes have read.
func (g *Group) warmMachines(ctx context.Context) {
	if g.store.shared && slices.ContainsFunc(g.members.Load().list, (*Server).readsMachine) {
		g.warm(ctx)
	}
}

func (s *Server) sysStatKey() string { return "sysstat:" + cacheKey(s.base) }
