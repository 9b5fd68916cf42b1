package bbb

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// RemoteCommand is one command for the machine of a server, as a [Runner] gets it.
type RemoteCommand struct {
	Server string    // name of the server
	Host   string    // see [WithHost]; never empty, never beginning with "-", no brackets around IPv6
	SSH    SSH       // how to get there; no field that has a default is zero
	Argv   []string  // never empty; a remote shell will join and expand it
	Stdin  io.Reader // nil is an empty one
	Stdout io.Writer // never nil
	Stderr io.Writer // never nil; for what the command writes, not for ssh's own words

	shared *sshShared // what the commands of the group share; nil when somebody else made the command
}

// A Runner runs commands on machines. The default, [OpenSSH], runs the system's ssh;
// others may use a library, or an agent that is there already, and tests a function
// ([RunnerFunc]). One that adds something to OpenSSH hands it the RemoteCommand as it
// came.
type Runner interface {
	// Run returns when the command has ended, with its exit status; a status other than
	// 0 is no error. Errors are for what kept it from running to its end: ErrSSH when the
	// machine was not reached or the connection broke, ErrCommandKilled when a signal
	// ended the command, and the error of a Reader or Writer of the command that failed,
	// which ends it. Run returns when ctx ends, with nothing left of its own running and
	// nothing more written, but for a Read or Write that blocks. It is safe for
	// concurrent use.
	Run(ctx context.Context, c RemoteCommand) (exitStatus int, err error)
}

// RunnerFunc is a function that is a [Runner].
type RunnerFunc func(ctx context.Context, c RemoteCommand) (exitStatus int, err error)

// Run calls f.
func (f RunnerFunc) Run(ctx context.Context, c RemoteCommand) (int, error) { return f(ctx, c) }

// shellSpecial are the characters that ssh itself refuses in names since 9.6: they go
// through a shell when the configuration has a ProxyCommand or a Match exec.
const shellSpecial = " '`\"$\\;&<>|(){}"

// check returns an error that matches [ErrInvalidParams] for what cannot be run.
func (c *RemoteCommand) check() error {
	var problem string
	switch {
	case c.Host == "" || strings.HasPrefix(c.Host, "-") || strings.ContainsAny(c.Host, shellSpecial+"@/") ||
		strings.ContainsFunc(c.Host, isControl):
		problem = fmt.Sprintf("%q is not a host name", c.Host)
	default:
		problem = strings.Join(c.SSH.problems(), ", ")
	}
	if problem != "" {
		return fmt.Errorf("%w: %s", ErrInvalidParams, problem)
	}
	return checkArgv(c.Argv)
}

// checkArgv is the part of check that is the same for all servers.
func checkArgv(argv []string) error {
	switch line := strings.Join(argv, ""); {
	case strings.TrimSpace(line) == "": // ssh would begin a session of a shell
		return fmt.Errorf("%w: there is no command", ErrInvalidParams)
	case strings.Contains(line, "\x00"):
		return fmt.Errorf("%w: the command has a NUL byte, which no command line can hold", ErrInvalidParams)
	}
	return nil
}
