package bbb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// callSSH is what running a command is called in errors: no API call stands for it.
const callSSH = "ssh"

// ErrSSH says that ssh itself failed: it is not installed here, the machine was not
// reached, its host key is not the known one, the login was refused, or the connection
// broke before the command had ended, so that nobody knows what became of it. The text of
// the error has ssh's own words. A command that ran and failed is no error; see
// [CommandResult].
var ErrSSH = errors.New("ssh failed")

// ErrCommandKilled says that the command, or the shell that ran it, was ended by a signal
// on its machine, such as that of the kernel when memory runs out. It has no exit status.
// Over a shared connection ([SSH.ControlPersist]) and with OpenSSH before 8.5, ssh does not
// tell it from its own failures: that is [ErrSSH].
var ErrCommandKilled = errors.New("command was killed by a signal")

// ErrOutputTooLarge says that a command wrote more than the limit of [CommandLimit].
// It was stopped. The [CommandResult] beside the error has the output up to the limit.
var ErrOutputTooLarge = errors.New("output too large")

// CommandResult is what a command on a machine wrote, and how it ended.
type CommandResult struct {
	Stdout     []byte        // to the byte; empty when it was streamed
	Stderr     []byte        // the same
	ExitStatus int           // as the command gave it; 0 is success; -1 beside an error
	Duration   time.Duration // from the start of ssh to its end
}

// SSHCommand runs a command on the machine of the server ([Server.Host]) and returns what
// it wrote and its exit status. Whatever the status is, it is no error: look at
// [CommandResult.ExitStatus].
//
//	r, err := s.SSHCommand(ctx, []string{"df", "-h", "/var/bigbluebutton"}, nil)
//
// The command is run by the system's ssh ([OpenSSH]), or by what [WithRunner] says, as
// [WithSSH] says and otherwise as ssh's own configuration has it. Nobody is asked for a
// password, a passphrase or whether a host key is right: keys and known_hosts must be
// there. No shell of this machine sees the command. On the other machine it is a command
// line: as always with ssh, the words are joined with blanks, and the shell of the user
// there splits and expands the whole. So {"rm", "*.tmp"} removes all those files, and
// {"touch", "a b"} makes two. [ShellQuote] makes a word, or a whole command, safe
// from that; what comes from users needs it. It has no terminal, and the environment
// that sshd gives to commands, often with a short PATH.
//
// stdin is what the command reads; nil is an empty one. It is read as fast as the
// command takes it. A command that ends without reading all of it is fine. A reader that
// fails breaks the connection off, and its error comes back; the command over there sees
// that as the end of its input, so one that must not take half for the whole has to check
// it. A Read that is blocked when the command ends is not waited for, and its data is lost.
//
// There is no time-out but ctx, and for making the connection [SSH.ConnectTimeout]; a
// machine that falls silent while the command runs is given up after about 20 seconds.
// When ctx ends, ssh is stopped with all that it started here, and SSHCommand returns
// within about a second. The command over there is not stopped by that: it gets its
// input and output closed, and most end when they notice. Put "timeout 60" in front of
// one that must.
//
// stdout and stderr are kept apart, to the byte, up to 16 MiB each ([CommandLimit]), or
// go to writers as they come ([CommandOutput]), without limit.
//
// Errors are *[Error] with the call "ssh": those of ctx, [ErrSSH], [ErrCommandKilled],
// [ErrOutputTooLarge], the error of a reader or writer, [ErrInvalidParams] for an empty
// command, a NUL byte or a host that ssh would take for an option, and [ErrClosed]. Where
// a command was begun, the result is not nil beside the error, and has what came until
// then. Neither errors nor logs have the command, which may hold secrets, but for its
// first word in logs. Whoever is logged in sees it all the same, here and over there: "ps"
// shows command lines. A secret belongs into stdin.
//
// Nothing of this says anything about the health of the server: its API may be well
// where ssh is not, and the other way round. Servers that are offline or disabled are
// reached like others.
func (s *Server) SSHCommand(ctx context.Context, argv []string, stdin io.Reader, opts ...CommandOption) (*CommandResult, error) {
	cfg, err := newCommandConfig(opts)
	if err != nil {
		return nil, s.failed(callSSH, new(response), err)
	}
	return s.runCommand(ctx, argv, stdin, &cfg)
}

// runCommand is SSHCommand when the options are known.
func (s *Server) runCommand(ctx context.Context, argv []string, stdin io.Reader, cfg *commandConfig) (*CommandResult, error) {
	r, err := s.runQuietly(ctx, argv, stdin, cfg)
	if r != nil {
		s.logCommand(ctx, argv[0], r, err)
	}
	return r, err
}

// runQuietly is runCommand without a word in the log. The result is nil when nothing
// was begun.
func (s *Server) runQuietly(ctx context.Context, argv []string, stdin io.Reader, cfg *commandConfig) (*CommandResult, error) {
	fail := func(err error) error { return s.failed(callSSH, new(response), err) }
	c := RemoteCommand{
		Server: s.name, Host: s.Host(), SSH: s.ssh(), Argv: slices.Clone(argv), Stdin: stdin, shared: &s.group.ssh,
	}
	c.Host = strings.TrimSuffix(strings.TrimPrefix(c.Host, "["), "]") // of IPv6
	if err := c.check(); err != nil {
		return nil, fail(err)
	}
	parent := ctx
	ctx, done, err := s.group.begin(ctx, callSSH)
	if err != nil {
		return nil, fail(err)
	}
	defer done()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer context.AfterFunc(s.group.stop, func() { stop(errCutOff) })() //nolint:contextcheck // the group ends it besides the caller

	stdout, stderr := cfg.outputs(s, stop)
	c.Stdout, c.Stderr = stdout, stderr
	r := &CommandResult{}
	start := time.Now()
	r.ExitStatus, err = s.runner().Run(ctx, c)
	r.Duration = time.Since(start)
	r.Stdout, r.Stderr = stdout.take(), stderr.take()
	switch cause := context.Cause(ctx); {
	case parent.Err() != nil && err != nil:
		err = ended(parent)
	case errors.Is(cause, errCutOff) && err != nil, errors.Is(cause, ErrOutputTooLarge):
		err = cause
	}
	if err == nil && r.ExitStatus < 0 { // of a Runner that looked for a status where there is none
		err = fmt.Errorf("%w: the Runner gave the status %d and no error", ErrSSH, r.ExitStatus)
	}
	if err != nil {
		r.ExitStatus, err = -1, fail(err)
	}
	return r, err
}

// ssh returns how to reach the machine, with the defaults.
func (s *Server) ssh() (how SSH) {
	if s.cfg.ssh != nil {
		how = *s.cfg.ssh
	}
	how.ConnectTimeout = cmp.Or(how.ConnectTimeout, DefaultSSHConnectTimeout)
	how.SysStatTimeout = cmp.Or(how.SysStatTimeout, DefaultSysStatTimeout)
	how.Options = slices.Clone(how.Options)
	return how
}

func (s *Server) runner() Runner {
	if s.cfg.runner != nil {
		return s.cfg.runner
	}
	return OpenSSH{}
}

func (s *Server) logCommand(ctx context.Context, command string, r *CommandResult, err error) {
	level := slog.LevelDebug
	if errors.Is(err, ErrSSH) {
		level = slog.LevelWarn
	}
	log := s.group.log
	if !log.Enabled(ctx, level) {
		return
	}
	// A whole command line may stand there, and NAME=value in front of it.
	if strings.ContainsFunc(command, func(r rune) bool { return notAlphanumeric(r) && !strings.ContainsRune("/._-+", r) }) {
		command = "(a command line)"
	}
	attrs := []slog.Attr{
		slog.String("server", s.name), slog.String("command", command), slog.Duration("duration", r.Duration),
		slog.Int("status", r.ExitStatus), slog.Int("stdout", len(r.Stdout)), slog.Int("stderr", len(r.Stderr)),
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	log.LogAttrs(ctx, level, "ssh command", attrs...)
}
