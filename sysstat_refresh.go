package bbb

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// sshAtOnce is how many machines a Refresh of the group, or a Run, reads at the same
// time, if the group has as many workers: each one is a process here.
const sshAtOnce = 32

// readsMachine reports whether Refresh and Run read how busy the machine is.
func (s *Server) readsMachine() bool { return s.cfg.ssh != nil && !s.cfg.ssh.NoSysStat }

// Refresh asks the server for its present state, so that [Server.CachedMeetings] is
// new. It stands for getMeetings.
//
// Of a server with [WithSSH] it also reads how busy the machine is ([Server.SysStat]),
// at the same time, and returns when both are done: that may take as long as
// [SSH.SysStatTimeout]. The meetings are known as soon as they are there, and so is
// the machine. When both fail the error is a joined one, of an *[Error] with the call
// "getMeetings" and one with "sysstat"; otherwise it is the one of these. A machine
// that cannot be read says nothing of the [State] of its server.
func (s *Server) Refresh(ctx context.Context) error {
	if !s.readsMachine() {
		_, err := s.Meetings(ctx)
		return err
	}
	return atOnce(
		func() error { _, err := s.Meetings(ctx); return err },
		func() error { _, err := s.SysStat(ctx); return err },
	)
}

// Refresh asks all servers for their present state, so that [Group.CachedMeetings] is
// new. It returns a *[GroupError] when some fail.
//
// Of servers with [WithSSH] it also reads how busy their machines are
// ([Server.SysStat]), at the same time, 32 of them at once or as many as the group has
// workers, if these are fewer. The machines of servers that are offline are left out.
// What a server or a machine says counts as soon as it is there, but Refresh returns
// when the last one is done: after at most [WithTimeout] for the meetings, and
// [SSH.SysStatTimeout] for each machine, which is longer by default. Whoever does not
// want to wait for those gives a ctx with a deadline, or uses [Group.Run].
//
// The failures are in a *[GroupError] with the call "getMeetings" and one with the
// call "sysstat", joined when there are both, in this order; so look at its Call
// before taking [GroupError.AllFailed] for an outage. A machine that cannot be read
// says nothing of the [State] of its server.
func (g *Group) Refresh(ctx context.Context) error {
	machines := g.machinesToRead()
	if len(machines) == 0 || g.gate.isClosed() {
		_, err := g.sharedList(ctx)
		return err
	}
	return atOnce(
		func() error { _, err := g.sharedList(ctx); return err },
		func() error {
			return fanOut(ctx, machines, min(g.workers, sshAtOnce), func(ctx context.Context, s *Server) (*SysStat, error) {
				return s.SysStat(ctx)
			}).Err(callSysStat)
		},
	)
}

// machinesToRead returns the servers of which Refresh reads the machines, nil when
// there are none. One that is offline gets no meetings, however idle.
func (g *Group) machinesToRead() []*Server {
	serving := g.serving()
	if !slices.ContainsFunc(serving, (*Server).readsMachine) {
		return nil
	}
	someUp := anyUp(serving)
	var list []*Server
	for _, s := range serving {
		if s.readsMachine() && (!someUp || !s.health.offline()) {
			list = append(list, s)
		}
	}
	return list
}

// atOnce does two things at the same time and returns when both are done.
func atOnce(f, g func() error) error {
	var second error
	var wg sync.WaitGroup
	wg.Go(func() { second = g() })
	first := f()
	wg.Wait()
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return errors.Join(first, second)
}
