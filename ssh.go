package bbb

import (
	"context"
	"errors"
	"io"
	"time"
)

// callSSH is what running a command is called in errors: no API call stands for it.
const callSSH = "ssh"

// ErrSSH says that ssh itself failed: the machine was not reached, its host key is not
// the known one, the login was refused, or the connection broke before the command had
// ended. The text of the error has ssh's own words. A command that ran and failed is no
// error; see [CommandResult.ExitStatus].
var ErrSSH = errors.New("ssh failed")

// ErrOutputTooLarge says that a command wrote more than the limit of [CommandLimit].
// It was stopped.
var ErrOutputTooLarge = errors.New("output too large")

// CommandResult is what a command on a machine wrote, and how it ended.
type CommandResult struct {
	Stdout     []byte        // to the byte; empty when it was streamed
	Stderr     []byte        // the same; ssh's own words are not in it
	ExitStatus int           // as the command gave it; 0 is success
	Duration   time.Duration // from the start of ssh to its end
}

// SSHCommand runs a command on the machine of the server ([Server.Host]).
func (s *Server) SSHCommand(ctx context.Context, argv []string, stdin io.Reader, opts ...CommandOption) (*CommandResult, error) {
	return nil, &Error{Server: s.name, Call: callSSH, Err: ErrSSH}
}
