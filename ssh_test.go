package bbb_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sshServer returns a server whose commands f runs.
func sshServer(t testing.TB, url string, f bbb.RunnerFunc, opts ...bbb.ServerOption) *bbb.Server {
	t.Helper()
	g := newEmptyGroup(t, bbb.WithRunner(f))
	s, err := g.New("bbb1", url, "secret-of-bbb1", opts...)
	require.NoError(t, err)
	return s
}

func TestSSHCommandAsARunnerGetsIt(t *testing.T) {
	t.Parallel()
	var got bbb.RemoteCommand
	s := sshServer(t, "https://bbb1.test", func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		got = c
		text, err := io.ReadAll(c.Stdin)
		assert.NoError(t, err)
		_, err = c.Stdout.Write(append([]byte("got "), text...))
		assert.NoError(t, err)
		_, err = io.WriteString(c.Stderr, "careful")
		assert.NoError(t, err)
		return 7, nil
	})
	argv := []string{"tee", "a file"}
	r, err := s.SSHCommand(t.Context(), argv, strings.NewReader("it"))
	require.NoError(t, noted(t, err))
	assert.Equal(t, 7, r.ExitStatus, "is no error")
	assert.Equal(t, "got it", string(r.Stdout))
	assert.Equal(t, "careful", string(r.Stderr))
	assert.Equal(t, "bbb1", got.Server)
	assert.Equal(t, "bbb1.test", got.Host)
	assert.Equal(t, []string{"tee", "a file"}, got.Argv)
	assert.Equal(t, bbb.SSH{ConnectTimeout: bbb.DefaultSSHConnectTimeout, SysStatTimeout: bbb.DefaultSysStatTimeout}, got.SSH)
	got.Argv[0] = "rm"
	assert.Equal(t, "tee", argv[0], "it has a copy")

	_, err = got.Stdout.Write([]byte("too late"))
	require.Error(t, err, "the result was handed out")
	assert.Equal(t, "got it", string(r.Stdout))
}

func TestSSHHosts(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://bbb1.example.org:8443/bigbluebutton/": "bbb1.example.org",
		"https://[2001:db8::1]":                        "2001:db8::1",
		"https://192.0.2.1":                            "192.0.2.1",
	} {
		host := ""
		s := sshServer(t, url, func(_ context.Context, c bbb.RemoteCommand) (int, error) { host = c.Host; return 0, nil })
		_, err := s.SSHCommand(t.Context(), []string{"true"}, nil)
		require.NoError(t, noted(t, err))
		assert.Equal(t, want, host)
	}
	for _, host := range []string{"[2001:db8::1]", "2001:db8::1"} {
		got := ""
		s := sshServer(t, "https://bbb1.test", func(_ context.Context, c bbb.RemoteCommand) (int, error) { got = c.Host; return 0, nil }, bbb.WithHost(host))
		_, err := s.SSHCommand(t.Context(), []string{"true"}, nil)
		require.NoError(t, noted(t, err))
		assert.Equal(t, "2001:db8::1", got)
	}
	never := func(context.Context, bbb.RemoteCommand) (int, error) {
		assert.Fail(t, "was run")
		return 0, nil
	}
	for _, host := range []string{"root@bbb1", "[-oProxyCommand=x]", "[]", "a;b", "a`b`", "$a", "a'b"} {
		_, err := sshServer(t, "https://bbb1.test", never, bbb.WithHost(host)).SSHCommand(t.Context(), []string{"true"}, nil)
		require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams, host)
	}
	for _, host := range []string{"", "-oProxyCommand=x"} { // a runner of the caller may be asked by others
		_, err := bbb.OpenSSH{Program: "no-such-ssh"}.Run(t.Context(), bbb.RemoteCommand{
			Host: host, Argv: []string{"true"}, Stdout: io.Discard, Stderr: io.Discard,
		})
		require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams, host)
	}
}

func TestSSHCommandIsChecked(t *testing.T) {
	t.Parallel()
	s := sshServer(t, "https://bbb1.test", func(context.Context, bbb.RemoteCommand) (int, error) {
		assert.Fail(t, "was run")
		return 0, nil
	})
	for _, argv := range [][]string{nil, {}, {""}, {" ", "\t"}, {"a\x00b"}, {"a", "\x00"}} {
		r, err := s.SSHCommand(t.Context(), argv, nil)
		require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams, "%q", argv)
		require.ErrorContains(t, err, "bbb: ssh on bbb1: ")
		assert.Nil(t, r)
	}
	for _, o := range []bbb.CommandOption{nil, bbb.CommandLimit(0), bbb.CommandLimit(-1)} {
		_, err := s.SSHCommand(t.Context(), []string{"true"}, nil, o)
		require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams)
	}
}

func TestSSHOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for want, how := range map[string]bbb.SSH{
		`WithSSH: the user "-l"`:                         {User: "-l"},
		`WithSSH: the user "a b"`:                        {User: "a b"},
		`WithSSH: the user "$(id)"`:                      {User: "$(id)"},
		`WithSSH: the identity file "-x"`:                {IdentityFile: "-x"},
		`WithSSH: the identity file "a\nb"`:              {IdentityFile: "a\nb"},
		`WithSSH: the config file "a\x00b"`:              {ConfigFile: "a\x00b"},
		"WithSSH: the port -1":                           {Port: -1},
		"WithSSH: the port 65536":                        {Port: 65536},
		"WithSSH: option 2 is not of the form":           {Options: []string{"Compression=yes", "Compression yes"}},
		"WithSSH: option 1 is not of the form":           {Options: []string{"=yes"}},
		"WithSSH: option 1 is not of the form Name":      {Options: []string{"ProxyCommand=a\nb"}},
		"WithSSH: option 1 is not of the form Name=valu": {Options: []string{"Compression="}},
		"WithSSH: ConnectTimeout -1s":                    {ConnectTimeout: -time.Second},
		"WithSSH: SysStatTimeout -1s":                    {SysStatTimeout: -time.Second},
		"WithSSH: ControlPersist -1s":                    {ControlPersist: -time.Second},
		"WithSSH: ControlPersist 999ms, need at least":   {ControlPersist: 999 * time.Millisecond},
	} {
		_, err := bbb.NewGroup("g", bbb.WithSSH(how))
		require.ErrorContains(t, noted(t, err), want)
		_, err = wireGroup(t).New("s", "https://bbb1.test", "secret", bbb.WithSSH(how))
		require.ErrorContains(t, noted(t, err), want)
	}
	for _, r := range []bbb.Runner{nil, bbb.RunnerFunc(nil)} {
		_, err := bbb.NewGroup("g", bbb.WithRunner(r))
		require.ErrorContains(t, noted(t, err), "WithRunner: nil runner")
	}
}

func TestSSHOfAServerGoesOverThatOfTheGroup(t *testing.T) {
	t.Parallel()
	var got bbb.SSH
	run := bbb.RunnerFunc(func(_ context.Context, c bbb.RemoteCommand) (int, error) { got = c.SSH; return 0, nil })
	options := []string{"ProxyJump=gate"}
	g := newEmptyGroup(t, bbb.WithRunner(run), bbb.WithSSH(bbb.SSH{
		User: "monitor", Port: 2222, IdentityFile: "/key", ConfigFile: "/config", Options: options,
		ConnectTimeout: time.Second, ControlPersist: time.Minute, SysStatTimeout: 2 * time.Second, NoSysStat: true,
	}))
	options[0] = "changed=later"
	ask := func(name string, opts ...bbb.ServerOption) bbb.SSH {
		s, err := g.New(name, "https://"+name+".test", "secret-of-"+name, opts...)
		require.NoError(t, err)
		_, err = s.SSHCommand(t.Context(), []string{"true"}, nil)
		require.NoError(t, noted(t, err))
		return got
	}
	all := bbb.SSH{
		User: "monitor", Port: 2222, IdentityFile: "/key", ConfigFile: "/config", Options: []string{"ProxyJump=gate"},
		ConnectTimeout: time.Second, ControlPersist: time.Minute, SysStatTimeout: 2 * time.Second, NoSysStat: true,
	}
	assert.Equal(t, all, ask("plain"))
	got.Options[0] = "changed=by a runner"
	assert.Equal(t, all, ask("empty", bbb.WithSSH(bbb.SSH{})))
	some := all
	some.User, some.Options, some.ConnectTimeout = "root", []string{"Compression=yes"}, 3*time.Second
	assert.Equal(t, some, ask("some", bbb.WithSSH(bbb.SSH{User: "root", Options: []string{"Compression=yes"}, ConnectTimeout: 3 * time.Second})))
	assert.Equal(t, all, ask("after"), "the default of the group is untouched")
}

// A runner need not notice that a writer failed.
func TestSSHOutputTooLargeEndsAnyRunner(t *testing.T) {
	t.Parallel()
	s := sshServer(t, "https://bbb1.test", func(ctx context.Context, c bbb.RemoteCommand) (int, error) {
		_, _ = c.Stderr.Write(bytes.Repeat([]byte("x"), 11))
		<-ctx.Done()
		return -1, ctx.Err()
	})
	r, err := s.SSHCommand(t.Context(), []string{"true"}, nil, bbb.CommandLimit(10))
	require.ErrorIs(t, noted(t, err), bbb.ErrOutputTooLarge)
	require.NotErrorIs(t, err, context.Canceled)
	assert.Len(t, r.Stderr, 10)
}

// exec.ProcessState says -1 for a process that a signal ended. A Runner that handed it on had
// commands that were killed taken for ones that ran.
func TestSSHStatusThatIsNone(t *testing.T) {
	t.Parallel()
	s := sshServer(t, "https://bbb1.test", func(context.Context, bbb.RemoteCommand) (int, error) { return -1, nil })
	r, err := s.SSHCommand(t.Context(), []string{"true"}, nil)
	require.ErrorIs(t, noted(t, err), bbb.ErrSSH)
	assert.Equal(t, -1, r.ExitStatus)
}

func TestSSHCommandAndItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sshServer(t, "https://bbb1.test", func(ctx context.Context, _ bbb.RemoteCommand) (int, error) {
			<-ctx.Done()
			return -1, errors.New("told to stop")
		})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		r, err := s.SSHCommand(ctx, []string{"true"}, nil)
		require.ErrorIs(t, noted(t, err), context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, r.Duration)
		assert.Equal(t, -1, r.ExitStatus)
		assert.Equal(t, bbb.StateOnline, s.State(), "ssh says nothing about the API")
	})
}

// The words of a command may be secrets: passwords are given to programs that way.
func TestSSHCommandIsNotLogged(t *testing.T) {
	t.Parallel()
	suite.secret("word of a command", "hunter2-in-argv")
	log, lines := logged(t)
	fails := false
	g := newEmptyGroup(t, log, bbb.WithRunner(bbb.RunnerFunc(func(context.Context, bbb.RemoteCommand) (int, error) {
		if fails {
			return -1, bbb.ErrSSH
		}
		return 3, nil
	})))
	s, err := g.New("bbb1", "https://bbb1.test", "secret-of-bbb1")
	require.NoError(t, err)
	for _, argv := range [][]string{
		{"/usr/bin/mysql", "-phunter2-in-argv"}, {"mysql -phunter2-in-argv"}, {"PASSWORD=hunter2-in-argv", "mysql"},
	} {
		_, err = s.SSHCommand(t.Context(), argv, nil)
		require.NoError(t, noted(t, err))
	}
	fails = true
	_, err = s.SSHCommand(t.Context(), []string{"mysql", "-phunter2-in-argv"}, nil)
	require.ErrorIs(t, noted(t, err), bbb.ErrSSH)
	got := lines.with("ssh command")
	require.Len(t, got, 4)
	assert.Equal(t, "/usr/bin/mysql", got[0]["command"])
	assert.Equal(t, "DEBUG", got[0]["level"])
	assert.EqualValues(t, 3, got[0]["status"])
	assert.Equal(t, "bbb1", got[0]["server"])
	assert.Equal(t, "(a command line)", got[1]["command"])
	assert.Equal(t, "(a command line)", got[2]["command"])
	assert.Equal(t, "WARN", got[3]["level"])
	assert.Equal(t, "bbb: ssh on bbb1: ssh failed", got[3]["error"])
}
