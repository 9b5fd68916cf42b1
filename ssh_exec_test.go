//go:build unix

package bbb_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	newSSH = "OpenSSH_10.0p2 Debian-7, OpenSSL 3.5.4 30 Sep 2025\n"
	oldSSH = "OpenSSH_7.4p1, OpenSSL 1.0.2k-fips  26 Jan 2017\n"
)

// sshRun runs steps of the fake.
func sshRun(t testing.TB, s *bbb.Server, steps string, stdin io.Reader, opts ...bbb.CommandOption) (*bbb.CommandResult, error) {
	t.Helper()
	r, err := s.SSHCommand(t.Context(), []string{steps}, stdin, opts...)
	return r, noted(t, err)
}

func TestSSHArguments(t *testing.T) {
	t.Parallel()
	const notes = "LogVerbose=clientloop.c:client_loop()*,clientloop.c:client_input_channel_req()*,mux.c:mux_client_request_session()*"
	defaults := func(timeout string) []string {
		var args []string
		for _, o := range []string{
			"LogLevel=ERROR", "ConnectTimeout=" + timeout, "ServerAliveInterval=5", "ServerAliveCountMax=3",
			"ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no", "PermitLocalCommand=no", "RequestTTY=no",
		} {
			args = append(args, "-o", o)
		}
		return args
	}
	sessions := []string{"-o", "RemoteCommand=none", "-o", "SessionType=default", "-o", "StdinNull=no", "-o", "ForkAfterAuthentication=no"}
	for name, test := range map[string]struct {
		version string
		how     []bbb.Option
		argv    []string
		want    []string
	}{
		"defaults": {
			newSSH, nil, []string{"true"},
			slices.Concat([]string{"-o", notes}, defaults("5"), sessions, []string{"--", "bbb1.test", "true"}),
		},
		"everything": {
			newSSH, []bbb.Option{bbb.WithSSH(bbb.SSH{
				User: "monitor", Port: 2222, IdentityFile: "/etc/key file", ConfigFile: "/etc/ssh config",
				Options: []string{"ProxyJump=gate", "LogLevel=INFO"}, ConnectTimeout: 1500 * time.Millisecond,
			})},
			[]string{"out", "-n", "a  b"},
			slices.Concat([]string{
				"-o", notes, "-F", "/etc/ssh config", "-l", "monitor", "-p", "2222", "-i", "/etc/key file",
				"-o", "ProxyJump=gate", "-o", "LogLevel=INFO", "-o", "IdentitiesOnly=yes",
			}, defaults("2"), sessions, []string{"--", "bbb1.test", "out -n a  b"}),
		},
		"old": {
			oldSSH, nil, []string{"-oProxyCommand=true"},
			slices.Concat(defaults("5"), []string{"--", "bbb1.test", " -oProxyCommand=true"}),
		},
		"Windows": {
			"OpenSSH_for_Windows_8.6p1, LibreSSL 3.4.3\n", nil, []string{"true"},
			slices.Concat([]string{"-o", notes}, defaults("5"), []string{"-o", "RemoteCommand=none", "--", "bbb1.test", "true"}),
		},
		"another program": {
			"Dropbear v2022.83\n", nil, []string{"true"},
			slices.Concat(defaults("5"), []string{"--", "bbb1.test", "true"}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeSSH(t, test.version)
			var opts []bbb.GroupOption
			for _, o := range test.how {
				opts = append(opts, o)
			}
			_, err := f.server(t, opts...).SSHCommand(t.Context(), test.argv, nil)
			require.NoError(t, noted(t, err))
			calls := f.calls(t)
			require.Len(t, calls, 1)
			args := calls[0]
			assert.Equal(t, []string{"-o", "BatchMode=yes", "-E"}, args[:3], "nobody overrides these")
			assert.NoFileExists(t, args[3], "removed afterwards")
			assert.Equal(t, test.want, args[4:])
		})
	}
}

func TestSSHStatusIsVerbatim(t *testing.T) {
	t.Parallel()
	f := newFakeSSH(t, newSSH)
	s := f.server(t)
	for _, status := range []int{0, 1, 2, 127, 128, 254, 255} {
		r, err := sshRun(t, s, "out a; err b; exit "+strconv.Itoa(status), nil)
		require.NoError(t, err, status)
		assert.Equal(t, status, r.ExitStatus)
		assert.Equal(t, "a", string(r.Stdout))
		assert.Equal(t, "b", string(r.Stderr))
		assert.Positive(t, r.Duration)
	}
	r, err := sshRun(t, s, "mux-exit 255", nil)
	require.NoError(t, err, "over a shared connection")
	assert.Equal(t, 255, r.ExitStatus)
	_, err = sshRun(t, s, strings.Repeat("say debug1: "+strings.Repeat("x", 90)+";", 700)+"exit 255", nil)
	require.NoError(t, err, "its end is the last thing in a long log")

	r, err = sshRun(t, newFakeSSH(t, oldSSH).server(t), "out a; exit 255", nil)
	require.ErrorIs(t, err, bbb.ErrSSH, "an old release cannot tell")
	assert.Equal(t, "a", string(r.Stdout))
	assert.Equal(t, -1, r.ExitStatus)
}

func TestSSHFailures(t *testing.T) {
	t.Parallel()
	s := newFakeSSH(t, newSSH).server(t)
	const frame = "say @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
	long := strings.Repeat("say IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!;", 20)
	for name, test := range map[string]struct {
		steps string
		class error
		text  string
	}{
		"refused":       {"say ssh: connect to host bbb1.test port 22: Connection refused; fail", bbb.ErrSSH, "ssh failed: ssh: connect to host bbb1.test port 22: Connection refused"},
		"no words":      {"fail", bbb.ErrSSH, "ssh failed: it ended with status 255 and without a word, or the command did"},
		"lost":          {"out half; lost", bbb.ErrSSH, "ssh failed: the connection broke before the command had ended"},
		"lost in words": {"say Timeout, server bbb1.test not responding.; lost", bbb.ErrSSH, "the command had ended Timeout, server bbb1.test not responding."},
		"shared lost":   {"mux-lost", bbb.ErrSSH, "ssh failed: the connection broke, or a signal killed the command, before it had ended"},
		"not shared":    {"mux-refused; say kex_exchange_identification: read: Connection reset by peer; fail", bbb.ErrSSH, "ssh failed: kex_exchange_identification: read: Connection reset by peer"},
		"killed":        {"killed", bbb.ErrCommandKilled, "bbb: ssh on bbb1: command was killed by a signal"},
		"ssh killed":    {"suicide", bbb.ErrSSH, "ssh failed: the program was ended: signal: killed"},
		"debugging":     {"say debug1: Sending command: mysql -pPassword; lost", bbb.ErrSSH, "ssh failed: the connection broke before the command had ended"},
		"proxy":         {"say Connection closed by UNKNOWN port 65535; err ssh: no route to gate; fail", bbb.ErrSSH, "port 65535 ssh: no route to gate"},
		"not its words": {"err Password_of_the_command; lost", bbb.ErrSSH, "ended"},
		"host key": {
			frame + ";say @ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @;" + frame + ";" + long + "say Host key verification failed.; fail",
			bbb.ErrSSH, "ssh failed: WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! IT IS",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := sshRun(t, s, test.steps, nil)
			require.ErrorIs(t, err, test.class)
			assert.ErrorContains(t, err, test.text)
			for _, not := range []string{"client_loop", "pid=", "@@", "\n", "Password"} {
				assert.NotContains(t, err.Error(), not)
			}
			assert.Less(t, len(err.Error()), 500)
			var e *bbb.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, "bbb1", e.Server)
			assert.Equal(t, "ssh", e.Call)
			require.NotNil(t, r)
			assert.Equal(t, -1, r.ExitStatus)
			if name == "host key" {
				assert.Contains(t, err.Error(), "... Host key verification failed.", "what it comes to")
			}
			if name == "lost" {
				assert.Equal(t, "half", string(r.Stdout), "what came until then")
			}
		})
	}
	t.Run("no program", func(t *testing.T) {
		t.Parallel()
		f := newFakeSSH(t, newSSH)
		f.path = "no-such-ssh"
		_, err := sshRun(t, f.server(t), "exit 0", nil)
		require.ErrorIs(t, err, bbb.ErrSSH)
		assert.ErrorContains(t, err, `"no-such-ssh": executable file not found in $PATH`)
	})
}

func TestSSHStdin(t *testing.T) {
	t.Parallel()
	f := newFakeSSH(t, newSSH)
	s := f.server(t)
	all := make([]byte, 4<<20)
	for i := range all {
		all[i] = byte(i * 7 >> 3)
	}

	r, err := sshRun(t, s, "cat", bytes.NewReader(all))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(all, r.Stdout), "to the byte")

	r, err = sshRun(t, s, "cat; out end", nil)
	require.NoError(t, err)
	assert.Equal(t, "end", string(r.Stdout), "none is an empty one")

	rest := bytes.NewReader(all)
	r, err = sshRun(t, s, "read 10; exit 3", rest)
	require.NoError(t, err, "a command need not read it all")
	assert.Equal(t, 3, r.ExitStatus)
	assert.Positive(t, rest.Len(), "nor do we, then")
}

// os/exec waits for its copying of stdin: a command that ended would have come back
// only when the user at the terminal had typed something.
func TestSSHStdinThatBlocks(t *testing.T) {
	t.Parallel()
	s := newFakeSSH(t, newSSH).server(t)
	in, w := io.Pipe()
	t.Cleanup(func() { _ = w.Close() })
	r, err := sshRun(t, s, "exit 4", in)
	require.NoError(t, err)
	assert.Equal(t, 4, r.ExitStatus)
}

func TestSSHStdinThatFails(t *testing.T) {
	t.Parallel()
	f := newFakeSSH(t, newSSH)
	broken := errors.New("the disk is gone")
	r, err := sshRun(t, f.server(t), "cat; out END OF INPUT; exit 0", io.MultiReader(strings.NewReader("begun "), failing{broken}))
	require.ErrorIs(t, err, broken)
	assert.ErrorContains(t, err, "bbb: ssh on bbb1: cannot read its stdin: the disk is gone")
	assert.NotContains(t, string(r.Stdout), "END", "ssh was not told that this is the end")
}

func TestSSHOutputIsLimited(t *testing.T) {
	t.Parallel()
	f := newFakeSSH(t, newSSH)
	s := f.server(t)
	r, err := sshRun(t, s, "zeros 1000", nil, bbb.CommandLimit(1000))
	require.NoError(t, err, "just so")
	assert.Len(t, r.Stdout, 1000)

	r, err = sshRun(t, s, "zeros 1000; err x; sit", nil, bbb.CommandLimit(999))
	require.ErrorIs(t, err, bbb.ErrOutputTooLarge)
	require.NotErrorIs(t, err, bbb.ErrSSH)
	assert.ErrorContains(t, err, "more than 999 bytes of stdout")
	assert.Len(t, r.Stdout, 999)
	assert.Equal(t, -1, r.ExitStatus)

	var streamed bytes.Buffer
	r, err = sshRun(t, s, "zeros 100000; err kept", nil, bbb.CommandLimit(10), bbb.CommandOutput(func(on *bbb.Server) (io.Writer, io.Writer) {
		assert.Same(t, s, on)
		return &streamed, nil
	}))
	require.NoError(t, err, "what is streamed has no limit")
	assert.Equal(t, 100000, streamed.Len())
	assert.Empty(t, r.Stdout)
	assert.Equal(t, "kept", string(r.Stderr))
}

// writerFunc is a writer.
type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func outputTo(w io.Writer) bbb.CommandOption {
	return bbb.CommandOutput(func(*bbb.Server) (io.Writer, io.Writer) { return w, nil })
}

func TestSSHWriterThatFails(t *testing.T) {
	t.Parallel()
	f := newFakeSSH(t, newSSH)
	full := errors.New("no space left")
	_, err := sshRun(t, f.server(t), "out a; sit", nil, outputTo(writerFunc(func([]byte) (int, error) { return 0, full })))
	require.ErrorIs(t, err, full)
	assert.ErrorContains(t, err, "cannot write its stdout: no space left")
}

func TestSSHWriterThatBlocks(t *testing.T) {
	t.Parallel()
	s := newFakeSSH(t, newSSH).server(t)
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	defer close(release)
	_, err := s.SSHCommand(ctx, []string{"out a; exit 0"}, nil, outputTo(writerFunc(func(p []byte) (int, error) {
		cancel()
		<-release
		return len(p), nil
	})))
	require.ErrorIs(t, noted(t, err), context.Canceled)
}

// What is in the pipe when ssh has ended belongs to the output, however slowly it is
// taken; os/exec's WaitDelay would cut it off.
func TestSSHWriterThatIsSlow(t *testing.T) {
	t.Parallel()
	f := newFakeSSH(t, newSSH)
	var got bytes.Buffer
	var once sync.Once
	r, err := sshRun(t, f.server(t), "zeros 50000; sit", nil, outputTo(writerFunc(func(p []byte) (int, error) {
		once.Do(func() { // the rest is read after ssh has gone
			p := f.begun(t)
			p.end(t)
			p.requireGone(t)
		})
		return got.Write(p)
	})))
	require.NoError(t, err)
	assert.Equal(t, 50000, got.Len())
	assert.Zero(t, r.ExitStatus)
}

// Releases of ssh that go into the background to share a connection keep stderr open.
func TestSSHOutputHeldOpenByOthers(t *testing.T) {
	t.Parallel()
	f := newFakeSSH(t, newSSH)
	r, err := sshRun(t, f.server(t), "child; zeros 30000; exit 5", nil)
	require.NoError(t, err)
	assert.Len(t, r.Stdout, 30000)
	assert.Equal(t, 5, r.ExitStatus)
	f.begun(t).end(t)
}

func TestSSHCancelLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string]string{"docile": "sit", "stubborn": "stubborn; sit", "with a child": "child; sit"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeSSH(t, newSSH)
			s := f.server(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var r *bbb.CommandResult
			var err error
			done := after(func() { r, err = s.SSHCommand(ctx, []string{"out begun; " + steps}, nil) })
			there := []process{f.begun(t)}
			if strings.HasPrefix(steps, "child") {
				there = append(there, f.begun(t))
			}
			cancel()
			<-done
			require.ErrorIs(t, noted(t, err), context.Canceled)
			assert.EqualError(t, err, "bbb: ssh on bbb1: context canceled")
			assert.Equal(t, "begun", string(r.Stdout), "what came until then")
			for _, p := range there {
				p.requireGone(t)
			}
			if len(there) == 1 {
				there[0].requireReaped(t)
			}
		})
	}
}

// The answer to which release it is would have been kept as "none that is known".
func TestSSHCancelledAtTheFirstQuestion(t *testing.T) {
	t.Parallel()
	f := newFakeSSH(t, newSSH)
	s := f.server(t)
	sits := f.sits(t)
	ctx, cancel := context.WithCancel(t.Context())
	var err error
	done := after(func() { _, err = s.SSHCommand(ctx, []string{"exit 255"}, nil) })
	p := f.begun(t)
	cancel()
	<-done
	p.requireReaped(t)
	require.ErrorIs(t, noted(t, err), context.Canceled)

	require.NoError(t, os.Remove(sits))
	r, err := sshRun(t, s, "exit 255", nil)
	require.NoError(t, err)
	assert.Equal(t, 255, r.ExitStatus)
}

func TestSSHDeadline(t *testing.T) {
	t.Parallel()
	f := newFakeSSH(t, newSSH)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := f.server(t).SSHCommand(ctx, []string{"sit"}, nil)
	require.ErrorIs(t, noted(t, err), context.DeadlineExceeded)
	require.NotErrorIs(t, err, bbb.ErrSSH)
}

func TestCloseEndsCommands(t *testing.T) {
	t.Parallel()
	f := newFakeSSH(t, newSSH)
	s := f.server(t)
	var err error
	done := after(func() { _, err = s.SSHCommand(t.Context(), []string{"sit"}, nil) })
	p := f.begun(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Group().Close(ctx), context.Canceled)
	p.requireReaped(t)
	<-done
	require.ErrorIs(t, noted(t, err), bbb.ErrClosed)

	_, err = s.SSHCommand(t.Context(), []string{"true"}, nil)
	require.ErrorIs(t, noted(t, err), bbb.ErrClosed)
	assert.ErrorContains(t, err, "bbb: ssh on bbb1: ")
}

func TestSSHSharesConnections(t *testing.T) {
	t.Parallel()
	f := newFakeSSH(t, newSSH)
	s := f.server(t, bbb.WithSSH(bbb.SSH{ControlPersist: 1500 * time.Millisecond, User: "monitor"}))
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			_, err := sshRun(t, s, "exit 0", nil)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	var masters, commands int
	var socket string
	for _, args := range f.calls(t) {
		i := slices.Index(args, "-S")
		require.Positive(t, i)
		socket = args[i+1]
		if slices.Contains(args, "-N") {
			masters++
			assert.Equal(t, []string{"-S", socket, "-o", "ControlMaster=yes", "-o", "ControlPersist=2", "-N", "-f", "-l", "monitor"}, args[i:i+10])
			assert.Equal(t, []string{"--", "bbb1.test"}, args[len(args)-2:])
			assert.False(t, slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "LogVerbose") }), "it would fill a file for as long as it lives")
		} else {
			commands++
			assert.Equal(t, "ControlMaster=no", args[i+3])
		}
	}
	assert.Equal(t, 1, masters)
	assert.Equal(t, 5, commands)
	assert.Less(t, len(socket), 104-17)
	info, err := os.Stat(filepath.Dir(socket))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	require.NoError(t, s.Group().Close(t.Context()))
	assert.NoDirExists(t, filepath.Dir(socket))
	last := f.calls(t)
	assert.Equal(t, "exit", last[len(last)-1][slices.Index(last[len(last)-1], "-O")+1])
}

// A hundred commands to a dead machine would otherwise find that out one after the other.
func TestSSHSharedConnectionThatFails(t *testing.T) {
	t.Parallel()
	f := newFakeSSH(t, newSSH)
	s := f.server(t, bbb.WithSSH(bbb.SSH{ControlPersist: time.Minute}))
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "refuse"), []byte("monitor@bbb1.test: Permission denied (publickey)."), 0o600))
	_, err := sshRun(t, s, "exit 0", nil)
	require.ErrorIs(t, err, bbb.ErrSSH)
	assert.ErrorContains(t, err, "ssh failed: monitor@bbb1.test: Permission denied (publickey).")
	assert.Len(t, f.calls(t), 1, "the command was not tried")

	// One that waited for a connection that somebody else gave up makes it itself.
	require.NoError(t, os.Remove(filepath.Join(f.dir, "refuse")))
	sits := f.sits(t)
	ctx, cancel := context.WithCancel(t.Context())
	var first error
	done := after(func() { _, first = s.SSHCommand(ctx, []string{"exit 0"}, nil) })
	p := f.begun(t)
	require.NoError(t, os.Remove(sits))
	var second error
	waited := after(func() { _, second = s.SSHCommand(t.Context(), []string{"exit 0"}, nil) })
	cancel()
	<-done
	<-waited
	p.requireReaped(t)
	require.ErrorIs(t, noted(t, first), context.Canceled)
	require.NoError(t, noted(t, second))
}
