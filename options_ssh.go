package bbb

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
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
	// IdentityFile is the file of the private key, which must not need a passphrase
	// unless an agent has the key; empty is what ssh's configuration says. When given,
	// no other key of an agent is offered, but those are that the configuration names.
	IdentityFile string
	// ConfigFile is read instead of ssh's own configuration files; empty is those.
	ConfigFile string
	// Options are more options of ssh_config(5), each as "Name=value". They win over
	// what ssh's configuration says, over what [OpenSSH] sets by itself, but for BatchMode
	// and LogVerbose, and over ConnectTimeout, not over the other fields. A Runner other
	// than OpenSSH may ignore them.
	Options []string
	// ConnectTimeout bounds making the connection, up to the exchange of keys, in whole
	// seconds, rounded up; 0 is [DefaultSSHConnectTimeout]. ssh has no limit of its own
	// for the login that follows, nor for the command: that is what the context is for.
	ConnectTimeout time.Duration
	// ControlPersist, when over 0, keeps one connection to each machine open for that
	// long after its last command, in whole seconds, rounded up, and lets commands share
	// it (ControlMaster). [Group.Close] closes it. It saves the machines, and us, a login
	// for each command. Commands beyond what sshd takes at once on one connection
	// (MaxSessions, by default 10) get connections of their own, of which sshd refuses some
	// when more than 10 log in at once (MaxStartups). It is ignored on Windows, whose ssh
	// cannot do it. When the program is killed, the connections stay until they were idle
	// for that long.
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
//
// It is not needed for [Server.SSHCommand] and Server.SysStat, which do what they are
// asked to: without it they go by ssh's own configuration.
func WithSSH(how SSH) Option {
	how.Options = slices.Clone(how.Options)
	return both(func(c *serverConfig) {
		for _, problem := range how.problems() {
			c.problem("WithSSH: %s", problem)
		}
		its := how // the option may be given to many servers
		// The group's default, if there is one, was applied to the same configuration.
		if c.ssh != nil {
			its = its.over(*c.ssh)
		}
		c.ssh = &its
	})
}

// over returns h with the fields that are zero taken from others.
func (h SSH) over(others SSH) SSH {
	h.User = cmp.Or(h.User, others.User)
	h.Port = cmp.Or(h.Port, others.Port)
	h.IdentityFile = cmp.Or(h.IdentityFile, others.IdentityFile)
	h.ConfigFile = cmp.Or(h.ConfigFile, others.ConfigFile)
	if h.Options == nil {
		h.Options = others.Options
	}
	h.ConnectTimeout = cmp.Or(h.ConnectTimeout, others.ConnectTimeout)
	h.ControlPersist = cmp.Or(h.ControlPersist, others.ControlPersist)
	h.SysStatTimeout = cmp.Or(h.SysStatTimeout, others.SysStatTimeout)
	h.NoSysStat = h.NoSysStat || others.NoSysStat
	return h
}

// problems returns what ssh would take for something else, or not at all. The values
// become its arguments: one that begins with "-" would be an option.
func (h SSH) problems() (list []string) {
	problem := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for _, v := range []struct{ name, value string }{
		{"user", h.User}, {"identity file", h.IdentityFile}, {"config file", h.ConfigFile},
	} {
		if strings.HasPrefix(v.value, "-") || strings.ContainsFunc(v.value, isControl) {
			problem(`the %s %q begins with "-" or has control characters`, v.name, v.value)
		}
	}
	if strings.ContainsAny(h.User, shellSpecial) {
		problem("the user %q has blanks or characters that a shell would act upon", h.User)
	}
	if h.Port < 0 || h.Port > 65535 {
		problem("the port %d, need one from 1 to 65535, or 0", h.Port)
	}
	for i, o := range h.Options {
		// The value may be a secret, such as one in a ProxyCommand.
		name, value, ok := strings.Cut(o, "=")
		if !ok || name == "" || value == "" || strings.ContainsFunc(name, notAlphanumeric) || strings.ContainsFunc(value, isControl) {
			problem("option %d is not of the form Name=value on one line", i+1)
		}
	}
	for _, v := range []struct {
		name  string
		value time.Duration
	}{
		{"ConnectTimeout", h.ConnectTimeout}, {"ControlPersist", h.ControlPersist}, {"SysStatTimeout", h.SysStatTimeout},
	} {
		if v.value < 0 {
			problem("%s %v is less than 0", v.name, v.value)
		}
	}
	if h.ControlPersist > 0 && h.ControlPersist < time.Second {
		problem("ControlPersist %v, need at least a second, or 0", h.ControlPersist)
	}
	return list
}

func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// WithRunner sets what runs commands on machines, overriding the default of the
// system's ssh ([OpenSSH]).
func WithRunner(r Runner) Option {
	return both(func(c *serverConfig) {
		if f, ok := r.(RunnerFunc); r == nil || ok && f == nil {
			c.problem("WithRunner: nil runner")
			return
		}
		c.runner = r
	})
}

// A CommandOption changes how [Server.SSHCommand] and [Group.SSHCommand] treat the
// output of a command.
type CommandOption func(*commandConfig)

type commandConfig struct {
	limit  int64
	output func(*Server) (stdout, stderr io.Writer)
}

// newCommandConfig applies the options.
func newCommandConfig(opts []CommandOption) (commandConfig, error) {
	cfg := commandConfig{limit: DefaultCommandLimit}
	for _, o := range opts {
		if o == nil {
			return cfg, fmt.Errorf("%w: nil option", ErrInvalidParams)
		}
		o(&cfg)
	}
	if cfg.limit <= 0 {
		return cfg, fmt.Errorf("%w: a limit of %d bytes", ErrInvalidParams, cfg.limit)
	}
	return cfg, nil
}

// CommandLimit sets how many bytes of each of stdout and stderr are kept, overriding
// the default of [DefaultCommandLimit], which is 16 MiB. A command that writes more is
// stopped, with [ErrOutputTooLarge]. It does not bound what is streamed. A limit that is
// not over 0 gives [ErrInvalidParams].
func CommandLimit(n int64) CommandOption { return func(c *commandConfig) { c.limit = n } }

// CommandOutput streams what the command writes to the writers that f gives for a
// server, overriding the default of keeping it in the [CommandResult]. f may give nil
// for one of them, which is then kept.
//
// [Group.SSHCommand] calls f once for each server when its turn has come, for several at
// the same time. Writers may be the same for both streams and for several servers, such
// as [os.Stdout]: as with [os/exec.Cmd], one that can be compared, as pointers can, is written to by
// one goroutine at a time. That holds within one call of SSHCommand; a writer that several
// calls use at the same time must be safe for that.
//
// Output is written as it comes, in pieces that end anywhere. A writer that is slow makes
// the command wait, and with it all that write there. One that fails stops
// it, and its error comes back. One that is still blocked shortly after the context has
// ended is left alone with what it is writing; nothing more is written to it then.
func CommandOutput(f func(*Server) (stdout, stderr io.Writer)) CommandOption {
	if f == nil {
		return func(c *commandConfig) { c.output = nil }
	}
	return func(c *commandConfig) {
		turns := new(writerTurns) // of one call: an option that is used again would keep all writers there ever were
		c.output = func(s *Server) (stdout, stderr io.Writer) {
			stdout, stderr = f(s)
			return turns.of(stdout), turns.of(stderr)
		}
	}
}
