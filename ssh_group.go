package bbb

import (
	"context"
	"io"
)

// SSHCommand runs a command on the machines of all servers of the group that are not
// disabled ([ModeDisabled]), also of those whose API does not answer: that is when one
// wants to look. It is [Server.SSHCommand] for many; what argv is, and what becomes of
// it on the far side, is said there.
//
// As many commands run at the same time as the group has workers ([WithWorkers]). There
// is no time-out but that of ctx, and SSHCommand returns when all have ended: one that
// hangs keeps nothing from the others but its worker. What the commands write can be
// had meanwhile with [CommandOutput].
//
// The results are in the order of the group, one for each server. When some failed, a
// *[GroupError] that names those comes beside them: value and error both non-nil. A
// command that ran and gave an exit status other than 0 has not failed in this sense, so
// look at [CommandResult.ExitStatus] too:
//
//	results, err := group.SSHCommand(ctx, []string{"systemctl", "is-active", "bbb-web"}, nil)
//	for _, r := range results {
//		if r.Err == nil && r.Value.ExitStatus != 0 { ... }
//	}
//
// # Standard input
//
// Every command gets all of stdin, from its start, also one whose turn comes late; nil is
// an empty one. stdin is read by one goroutine, and only as far as the command that
// reads fastest wants it: one that is slow or hangs does not delay the others, and
// where none reads, nothing is read. The error of a Read reaches every command that reads
// that far, after what came before it.
//
// The first MiB is kept in memory. What comes after it is kept in a file in
// [os.TempDir] that nobody else can read and that is gone when SSHCommand returns; when
// that has no room, the commands that read on fail. A *[bytes.Reader], a
// *[strings.Reader] and an *[os.File] that is a regular file are read where they are: nothing
// is kept, and their positions stay. Do not change such a file meanwhile. For a single
// server nothing is kept either.
//
// When all commands have ended, stdin is not read any more. Only a Read that is under
// way then, such as one of a terminal, cannot be interrupted: it is waited for no longer
// than a tenth of a second, and what it still reads is lost.
//
// Errors of single servers are those of [Server.SSHCommand]. For an argv that no server
// could run, options that make no sense, and when the group is closed, there are no results, but an *[Error] that
// matches [ErrInvalidParams] or [ErrClosed]. A [Scope] has no commands: it is about
// meetings, not machines.
func (g *Group) SSHCommand(ctx context.Context, argv []string, stdin io.Reader, opts ...CommandOption) (Results[*CommandResult], error) {
	// Of what no server can run, one error is enough.
	if err := checkArgv(argv); err != nil {
		return nil, &Error{Call: callSSH, Err: err}
	}
	cfg, err := newCommandConfig(opts)
	if err != nil {
		return nil, &Error{Call: callSSH, Err: err}
	}
	ctx, done, err := g.begin(ctx, callSSH)
	if err != nil {
		return nil, err
	}
	defer done()
	servers := g.serving()
	stdinOf := func() (io.Reader, func()) { return stdin, func() {} }
	if stdin != nil && len(servers) > 1 {
		shared := newSharedStdin(ctx, stdin)
		defer shared.close()
		defer context.AfterFunc(g.stop, func() { shared.stop(errCutOff) })() //nolint:contextcheck // the group ends commands besides the caller
		stdinOf = func() (io.Reader, func()) {
			own := shared.open()
			return own, own.close
		}
	}
	results := fanOut(ctx, servers, g.workers, func(ctx context.Context, s *Server) (*CommandResult, error) {
		if g.stop.Err() != nil {
			return nil, &Error{Server: s.name, Call: callSSH, Err: ErrClosed}
		}
		in, release := stdinOf()
		defer release()
		return s.runCommand(ctx, argv, in, &cfg)
	})
	return results, results.Err(callSSH)
}
