package bbb

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// SysStatEvent is one reading of how busy the machine of a server is.
type SysStatEvent struct {
	Group    string
	Server   string
	Start    time.Time // when the reading began
	Duration time.Duration
	Report   *SysStat // nil when it failed; shared, so not to be written to
	Err      error    // nil, or an *Error
}

// sysStatDone is told how a reading of the machine ended. It keeps the report.
func (s *Server) sysStatDone(ctx context.Context, start time.Time, r *SysStat, err error) {
	if errors.Is(err, ErrClosed) { // nothing was read
		return
	}
	e := SysStatEvent{Group: s.group.name, Server: s.name, Start: start, Duration: time.Since(start), Err: err}
	if err == nil {
		e.Report = r
		s.keepSysStat(ctx, r)
	}
	if f := s.group.observer.SysStatDone; f != nil {
		f(ctx, e)
	}
	s.logSysStat(ctx, e)
}

// logSysStat says that the machine cannot be read when that begins and when it is
// over: a machine is read for ever, and one without a key would fill the log.
func (s *Server) logSysStat(ctx context.Context, e SysStatEvent) {
	log := s.group.log
	attrs := []slog.Attr{slog.String("server", s.name), slog.Duration("duration", e.Duration)}
	if e.Err != nil {
		level := slog.LevelDebug
		if ctx.Err() == nil && !s.machine.failing.Swap(true) { // a caller who has gone is nobody's fault
			level = slog.LevelWarn
		}
		log.LogAttrs(ctx, level, "machine could not be read", append(attrs, slog.String("error", e.Err.Error()))...)
		return
	}
	l := e.Report.MachineLoad()
	attrs = append(attrs, slog.String("source", string(e.Report.Source)),
		slog.Float64("cpu", l.CPU), slog.Float64("runQueue", l.RunQueue), slog.Float64("memory", l.Memory))
	if s.machine.failing.Swap(false) {
		log.LogAttrs(ctx, slog.LevelInfo, "machine can be read again", attrs...)
	} else {
		log.LogAttrs(ctx, slog.LevelDebug, "machine was read", attrs...)
	}
	s.logSadf(ctx, e.Report)
}

// logSadf says why sadf gives nothing when that begins or changes: all that placement
// needs comes from /proc then. That the file of a new day has no interval yet passes
// by itself.
func (s *Server) logSadf(ctx context.Context, r *SysStat) {
	if errors.Is(r.Err, ErrSadfEmpty) {
		return
	}
	var class *error
	if i := slices.IndexFunc(sadfProblems[:], func(p error) bool { return errors.Is(r.Err, p) }); i >= 0 {
		class = &sadfProblems[i]
	}
	switch before := s.machine.problem.Swap(class); {
	case before == class:
	case class == nil:
		s.group.log.LogAttrs(ctx, slog.LevelInfo, "sysstat works now", slog.String("server", s.name))
	default:
		s.group.log.LogAttrs(ctx, slog.LevelInfo, "sysstat gives nothing, /proc is read instead",
			slog.String("server", s.name), slog.String("problem", r.Problem))
	}
}
