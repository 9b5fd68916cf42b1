package bbb

import (
	"io"
	"time"
)

// Defaults of [SSH] and of the options of commands.
const (
	DefaultSSHConnectTimeout = 5 * time.Second
	DefaultSysStatTimeout    = 15 * time.Second
	DefaultCommandLimit      = 16 << 20
)

// SSH says how ssh gets to the machine of a server. The zero value leaves everything
// to ssh and its configuration (~/.ssh/config, agents, known_hosts).
type SSH struct {
	// User is the user name there; empty is what ssh's configuration says.
	User string
	// Port is the port of sshd; 0 is what ssh's configuration says.
	Port int
	// IdentityFile is the file of the private key; empty is what ssh's configuration
	// says. When given, no other key is offered.
	IdentityFile string
	// ConfigFile is read instead of ssh's own configuration files; empty is those.
	ConfigFile string
	// Options are more options of ssh_config(5), each as "Name=value". They go before
	// those that this package gives, so they win, but for BatchMode.
	Options []string
	// ConnectTimeout bounds connecting and logging in, in whole seconds; 0 is
	// [DefaultSSHConnectTimeout].
	ConnectTimeout time.Duration
	// ControlPersist, when over 0, keeps one connection to each machine open for that
	// long after its last command, and lets commands share it (ControlMaster).
	ControlPersist time.Duration
	// SysStatTimeout bounds one [Server.SysStat]; 0 is [DefaultSysStatTimeout].
	SysStatTimeout time.Duration
	// NoSysStat keeps [Server.Refresh], [Group.Refresh] and [Group.Run] from reading how
	// busy the machine is. [Server.SysStat] still does.
	NoSysStat bool
}

// WithSSH says how to reach the machine of a server, and that Refresh and Run are to
// read there how busy it is ([Server.SysStat]), overriding the default of leaving
// machines alone. Fields that are zero are those of the group's WithSSH, if it has one.
func WithSSH(how SSH) Option {
	return both(func(c *serverConfig) { c.ssh = &how })
}

// WithRunner sets what runs commands on machines, overriding the default of the
// system's ssh.
func WithRunner(r Runner) Option {
	return both(func(c *serverConfig) { c.runner = r })
}

// A CommandOption changes how [Server.SSHCommand] and [Group.SSHCommand] treat the
// output of a command.
type CommandOption func(*commandConfig)

type commandConfig struct {
	limit  int64
	output func(*Server) (stdout, stderr io.Writer)
}

// CommandLimit sets how many bytes of each of stdout and stderr are kept, overriding
// the default of [DefaultCommandLimit]. It does not bound what is streamed.
func CommandLimit(n int64) CommandOption { return func(c *commandConfig) { c.limit = n } }

// CommandOutput streams what the command writes to the writers that f gives for a
// server, overriding the default of keeping it in the [CommandResult]. f may give nil
// for one of them, which is then kept.
func CommandOutput(f func(*Server) (stdout, stderr io.Writer)) CommandOption {
	return func(c *commandConfig) { c.output = f }
}
