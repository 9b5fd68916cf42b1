package bbb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// What keeps sadf from giving a sample, besides [ErrSadfAnswer] and [ErrSadfEmpty]. They
// are in [SysStat.Err] while /proc gives the report, and in the error of
// [Server.SysStat] when that gives nothing either.
var (
	// ErrSadfMissing says that the machine has no sadf: install the package sysstat.
	ErrSadfMissing = errors.New("sadf is not installed")

	// ErrSadfDisabled says that sysstat is there, but collects nothing. Where systemd
	// collects, its timer wants to be enabled: systemctl enable --now sysstat-collect.timer.
	// Debian and Ubuntu also want ENABLED="true" in /etc/default/sysstat: for cron, which
	// collects on Ubuntu 20.04 and before, and so that upgrades do not disable the timer.
	ErrSadfDisabled = errors.New("sysstat does not collect")

	// ErrSadfOld says that the newest interval that sadf has is not of these days: it
	// ended more than an hour ago, because collection has stopped or the machine was
	// off, or it lies in the future, because the clock was set back, or nobody can tell
	// when it was, because sadf wrote the time of a zone that has no clear offset.
	ErrSadfOld = errors.New("the newest interval of sadf does not count")

	// ErrSadfFailed says that sadf failed in another way; the text of the error has its
	// own words. A data file of another version of sysstat is one, for a day after an
	// upgrade; a disk that does not answer is another.
	ErrSadfFailed = errors.New("sadf failed")
)

// errSadfStuck says that sadf cannot be ended, or not told that it has.
var errSadfStuck = fmt.Errorf("%w: it did not end", ErrSadfFailed)

// ErrNoReport says that a command was run on the machine, but neither sadf nor /proc
// said how busy it is: there is no Linux, or the user may not run a shell. It wraps
// what sadf failed with.
var ErrNoReport = errors.New("the machine does not say how busy it is")

const (
	sysStatLimit = 4 << 20     // bytes that the script may write; some KB are usual
	sadfOld      = time.Hour   // the longest interval that anybody collects in
	sadfAhead    = time.Minute // what is later than that is in the future
)

// SysStat reads how busy the machine of the server is, in one command over ssh
// ([Server.SSHCommand]): a script that sh reads from its standard input. The machine
// needs no agent, and nothing is written or left there. The script takes half a second,
// in which /proc is read twice, and then asks sadf of the package sysstat, versions 11.0
// and later, for its newest interval. The login shell may be any.
//
// A report of which [SysStat.Source] is [SourceProc] is no error: sadf gave nothing, and
// [SysStat.Err] says why. /proc knows CPUs, memory, load averages and the network, so all
// that placement needs. The report is kept for [Server.CachedSysStat], and its
// [SysStat.MachineLoad] for [CheckMachine].
//
// It works without [WithSSH], as far as ssh's own configuration tells how to get to the
// host. [SSH].SysStatTimeout bounds it. Calls at the same time each ask. An ssh that
// fails says nothing about the server's API, so it does not change its [Health].
//
// The error is an *[Error] with the call "sysstat". It matches [ErrSSH] when ssh failed,
// [ErrNoReport] when the machine was reached, and context.DeadlineExceeded when the
// time was over.
func (s *Server) SysStat(ctx context.Context) (*SysStat, error) {
	start := time.Now()
	r, err := s.readSysStat(ctx)
	s.sysStatDone(ctx, start, r, err)
	return r, err
}

// readSysStat is SysStat without telling anybody.
func (s *Server) readSysStat(ctx context.Context) (*SysStat, error) {
	limit := s.ssh().SysStatTimeout
	bounded, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no report within %s", limit))
	defer cancel()
	start := s.group.now()
	res, err := s.runQuietly(bounded, []string{"sh"}, strings.NewReader(sysStatScript), &commandConfig{limit: sysStatLimit})
	end := s.group.now()
	if res == nil {
		return nil, s.noSysStat(err)
	}
	a := cutAnswer(res.Stdout)
	flood := errors.Is(err, ErrOutputTooLarge)
	if hung := bounded.Err() != nil && ctx.Err() == nil; err != nil && (len(a.sadf) == 0 || !hung && !flood) {
		return nil, s.noSysStat(err)
	}
	// When it is sadf that hangs, on a bad disk, or does not stop writing, /proc has said
	// all by then, and placement needs to know more than ever.
	r, problem := a.report(start, end)
	if flood && errors.Is(problem, errSadfStuck) {
		problem = fmt.Errorf("%w: it wrote more than %d MB", ErrSadfFailed, sysStatLimit>>20)
	}
	if r == nil {
		if !a.begun {
			problem = fmt.Errorf("sh ended with status %d: %s", res.ExitStatus, shorten(string(res.Stderr)+" "+string(res.Stdout)))
		}
		return nil, s.noSysStat(fmt.Errorf("%w: %w", ErrNoReport, problem))
	}
	if problem != nil {
		problem = s.redact(problem)
		r.Err, r.Problem = problem, problem.Error()
	}
	return r, nil
}

// noSysStat completes the error of a command into one of SysStat.
func (s *Server) noSysStat(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		renamed := *e
		renamed.Call = callSysStat
		return &renamed
	}
	return &Error{Server: s.name, Call: callSysStat, Err: s.redact(err)}
}

// SysStat reads how busy the machines of all servers are that are not disabled
// ([ModeDisabled]), 32 of them at the same time or as many as the group has workers, if
// these are fewer. Like [Group.SSHCommand] it asks those without [WithSSH] too, and those
// whose API does not answer. See [Server.SysStat].
//
// The results are in the order of the group, one for each server. When some failed, a
// *[GroupError] that names those comes beside them: value and error both non-nil.
func (g *Group) SysStat(ctx context.Context) (Results[*SysStat], error) {
	ctx, done, err := g.begin(ctx, callSysStat)
	if err != nil {
		return nil, err
	}
	defer done()
	results := fanOut(ctx, g.serving(), min(g.workers, sshAtOnce), func(ctx context.Context, s *Server) (*SysStat, error) { return s.SysStat(ctx) })
	return results, results.Err(callSysStat)
}

// report makes a report of what the script wrote between start and end; nil when that
// says nothing. problem is why sadf gave nothing.
func (a *machineAnswer) report(start, end time.Time) (r *SysStat, problem error) {
	clock, told := a.clock()
	var ahead time.Duration
	if told {
		ahead = clockAhead(start, end, clock)
	} else {
		clock = end.UTC()
	}
	live, cpus := a.live(clock)
	if r, problem = a.sample(); r != nil {
		switch age := clock.Sub(r.Time); {
		case r.Time.IsZero():
			r, problem = nil, fmt.Errorf("%w: it has no time", ErrSadfOld)
		case age < -sadfAhead: // it would be new for hours
			r, problem = nil, fmt.Errorf("%w: it ends %s in the future", ErrSadfOld, (-age).Round(time.Second))
		case age > sadfOld && live != nil:
			r, problem = nil, fmt.Errorf("%w: it ended %s before", ErrSadfOld, age.Round(time.Second))
		}
	}
	if r == nil {
		if live == nil {
			return nil, problem
		}
		r = &SysStat{Source: SourceProc, Sample: *live}
	}
	r.Live, r.Collected, r.ClockAhead = live, end, ahead
	r.CPUs = cmp.Or(cpus, r.CPUs)
	if u := strings.Fields(a.parts["uname"]); len(u) == 4 { // in this order, whatever was asked for
		for i, name := range []*string{&r.System, &r.Host, &r.Release, &r.Machine} {
			*name = shownName([]byte(u[i]))
		}
	}
	return r, problem
}

// sample is what sadf gave, of the first try that gave anything, or else why the first
// one gave nothing.
func (a *machineAnswer) sample() (r *SysStat, problem error) {
	for i := range a.sadf {
		r, err := a.sadf[i].decode()
		if err == nil {
			return r, nil
		}
		// An old version that was asked again: its first words mean nothing.
		if problem == nil || strings.Contains(a.sadf[0].words, "Cannot open ALL") && i == 1 {
			problem = err
		}
	}
	if problem == nil {
		problem = fmt.Errorf("%w: it was not asked", ErrSadfFailed)
	}
	return nil, problem
}

// decode reads one try with sadf.
func (t *sadfAnswer) decode() (*SysStat, error) {
	r, err := decodeSadf(t.json)
	if err == nil {
		return r, nil
	}
	words := shorten(t.words)
	switch {
	case t.status == 127:
		return nil, ErrSadfMissing
	case t.status == 124: // of timeout
		return nil, fmt.Errorf("%w: it did not end in time", ErrSadfFailed)
	case t.status < 0:
		return nil, errSadfStuck
	case strings.Contains(words, "data collecting is enabled"):
		return nil, fmt.Errorf("%w: %s", ErrSadfDisabled, words)
	case t.status != 0 && words != "":
		return nil, fmt.Errorf("%w: %s", ErrSadfFailed, words)
	case t.status != 0:
		return nil, fmt.Errorf("%w with status %d", ErrSadfFailed, t.status)
	case len(t.json) == 0:
		return nil, ErrSadfEmpty
	}
	return nil, err
}
