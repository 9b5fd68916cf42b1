package bbb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// killDelay is how long ssh may take to end when it is asked to.
const killDelay = time.Second

// OpenSSH is the [Runner] that runs the ssh program of OpenSSH, 6.3 or later, without a
// shell in between. It is the default, so ~/.ssh/config, agents, jump hosts and
// known_hosts work as they do by hand.
//
// ssh never asks anybody anything (BatchMode), and neither does that of a ProxyJump: they
// have no terminal, and open no window from OpenSSH 8.4 on. Unless [SSH.Options] say otherwise, it
// forwards nothing, neither ports, agent nor X11, gets no terminal, runs no local command,
// and gives up a machine that was silent for about 20 seconds (ServerAliveInterval and
// ServerAliveCountMax). It is stopped by SIGTERM when the context ends, by SIGKILL a
// second later, with all processes that it started, such as that of a ProxyCommand. On
// Windows, only ssh itself is stopped. It has a session of its own, so the Ctrl-C of a
// terminal does not reach it, only the program, which ends the context. A program that is
// killed itself leaves its ssh behind until the command ends.
//
// What ssh itself has to say (LogLevel=ERROR) goes into errors, by way of a temporary
// file, and not to the command's stderr. Four things cannot be kept apart from it: the
// words of a ProxyCommand, those of the ssh of a ProxyJump, the line "Connection to ...
// closed by remote host.", and the warning that [SSH.IdentityFile] is not there. Where
// there can be no such file, because [os.TempDir] is read-only, commands run all the
// same: ssh's words come on their stderr, each 255 is [ErrSSH], and no connection is
// shared.
//
// ssh ends with the command's status, and with 255 when it failed itself. A 255 of the
// command is told from that by what ssh notes of the end of the session (LogVerbose),
// which needs OpenSSH 8.5 on this machine. With an older one, every 255 is [ErrSSH], and
// so is a command that was killed by a signal. Over a shared connection
// ([SSH.ControlPersist], or the configuration's own), ssh does not tell a command that
// was killed from a connection that broke: that is ErrSSH as well.
type OpenSSH struct {
	// Program is the ssh program, a name to look for in PATH or a path; empty is "ssh".
	Program string
}

// Run runs the command; see [Runner].
func (o OpenSSH) Run(ctx context.Context, c RemoteCommand) (exitStatus int, err error) {
	if err := c.check(); err != nil {
		return -1, err
	}
	if c.shared == nil { // not of a group: nothing is shared
		c.shared = new(sshShared)
		c.SSH.ControlPersist = 0
	}
	program := cmp.Or(o.Program, "ssh")
	release, err := c.shared.release(ctx, program)
	if err != nil {
		return -1, err
	}
	args := sshArgs{command: &c, release: release}
	log := newSSHLog()
	defer log.remove()
	if c.SSH.ControlPersist > 0 && canShareConnections && log.name != "" {
		if args.socket, err = c.shared.connect(ctx, program, args); err != nil {
			return -1, err
		}
	}
	args.log = log.name

	state, words, err := runSSH(ctx, program, args.run(), &c)
	if err != nil {
		return -1, err
	}
	return log.verdict(state, release, words)
}

// runSSH runs ssh to its end. An error says why it did not come to it. words are the
// first of what came on stderr.
func runSSH(ctx context.Context, program string, args []string, c *RemoteCommand) (_ *os.ProcessState, words []byte, _ error) {
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	cmd := command(running, program, args...)
	head := &headWriter{to: c.Stderr}
	pipes, err := openPipes(cmd, c.Stdin, c.Stdout, head)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrSSH, err)
	}
	err = cmd.Start()
	pipes.started()
	if err != nil {
		pipes.close()
		if ctx.Err() != nil {
			return nil, nil, ended(ctx)
		}
		return nil, nil, fmt.Errorf("%w: %w", ErrSSH, err)
	}
	pipes.copy(stop)
	_ = cmd.Wait() // the state has more, and the cause of running the reason
	if running.Err() != nil {
		killGroup(cmd.Process.Pid) // those who did not heed SIGTERM
	}
	pipes.finish(running)
	switch {
	case ctx.Err() != nil:
		return nil, nil, ended(ctx)
	case running.Err() != nil:
		return nil, nil, context.Cause(running)
	}
	return cmd.ProcessState, head.kept, nil
}

// command returns a command that can ask nobody, in a process group of its own, which is
// ended as a whole when ctx ends.
func command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // the program and its options are the caller's to choose
	ownGroup(cmd)
	cmd.Env = append(os.Environ(), "SSH_ASKPASS_REQUIRE=never") // for the ssh of a ProxyJump, which would open a window
	cmd.Cancel = func() error {
		if err := terminateGroup(cmd.Process.Pid); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.WaitDelay = killDelay
	return cmd
}
