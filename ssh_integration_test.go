//go:build integration

package bbb_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRealSSHExitStatus shows that the exit status is the command's, the 255 that ssh
// uses for its own failures included, and that nothing of ssh or of the banner of sshd
// gets into the outputs.
func TestRealSSHExitStatus(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start(t, "m1", "Banner "+l.write(t, "banner", "For members of the school only.\n"))
	l.configure(t)
	for name, how := range ways {
		s := l.server(t, how, "m1")
		for _, status := range []int{0, 1, 2, 127, 254, 255} {
			r, err := s.SSHCommand(t.Context(), []string{"printf ' out\n\n'; printf ' err\n\n' >&2; exit " + strconv.Itoa(status)}, nil)
			require.NoError(t, noted(t, err), "%s: exit status %d", name, status)
			assert.Equal(t, status, r.ExitStatus, name)
			assert.Equal(t, " out\n\n", string(r.Stdout), name)
			assert.Equal(t, " err\n\n", string(r.Stderr), name)
			assert.Positive(t, r.Duration, name)
		}
		r, err := s.SSHCommand(t.Context(), []string{"no-such-program-here"}, nil)
		require.NoError(t, noted(t, err), name)
		assert.Equal(t, 127, r.ExitStatus, name)
		assert.Contains(t, string(r.Stderr), "not found", name)
	}
}

// ways are the two ways of connecting: each command on its own, and sharing.
var ways = map[string]bbb.SSH{
	"alone":  {},
	"shared": {ControlPersist: patience},
}

// TestRealSSHSignal shows that a command which a signal ended is not taken for one
// that ended by itself, nor for a connection that broke.
func TestRealSSHSignal(t *testing.T) {
	t.Parallel()
	l := newLab(t, "m1")
	for name, how := range ways {
		r, err := l.server(t, how, "m1").SSHCommand(t.Context(), []string{"echo begun; kill -KILL $$"}, nil)
		e := sshError(t, err, "m1")
		if name == "alone" {
			assert.ErrorIs(t, e, bbb.ErrCommandKilled)
			assert.NotErrorIs(t, e, bbb.ErrSSH)
		} else { // ssh does not tell then
			assert.ErrorIs(t, e, bbb.ErrSSH)
		}
		require.NotNil(t, r, name)
		assert.Equal(t, "begun\n", string(r.Stdout), name)
	}
}

// TestRealSSHBytes shows that input and outputs are carried to the byte.
func TestRealSSHBytes(t *testing.T) {
	t.Parallel()
	l := newLab(t, "m1")
	data := make([]byte, 0, 1<<20)
	for i := range 256 {
		data = append(data, byte(i))
	}
	data = append(data, "\r\n~.\n~~\n\x03\x04\x1a\x00"...) // what a terminal would act on
	for source := rand.NewChaCha8([32]byte{}); len(data) < cap(data); {
		data = append(data, byte(source.Uint64()))
	}
	for name, how := range ways {
		s := l.server(t, how, "m1")
		r, err := s.SSHCommand(t.Context(), []string{"tee /dev/stderr"}, bytes.NewReader(data))
		require.NoError(t, noted(t, err), name)
		assert.True(t, bytes.Equal(data, r.Stdout), "%s: stdout", name)
		assert.True(t, bytes.Equal(data, r.Stderr), "%s: stderr", name)

		r, err = s.SSHCommand(t.Context(), []string{"wc", "-c"}, nil)
		require.NoError(t, noted(t, err), name)
		assert.Equal(t, "0", strings.TrimSpace(string(r.Stdout)), "%s: no input is an empty one", name)

		// Who asks for less input than there is has not failed.
		r, err = s.SSHCommand(t.Context(), []string{"head", "-c", "3"}, forever('a'))
		require.NoError(t, noted(t, err), name)
		assert.Equal(t, "aaa", string(r.Stdout), name)
	}
}

// forever is input without an end.
type forever byte

func (f forever) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(f)
	}
	return len(p), nil
}

// TestRealSSHStreams shows that an output of any size is streamed, whatever limit there
// is for what is kept.
func TestRealSSHStreams(t *testing.T) {
	t.Parallel()
	const size = 100 << 20
	l := newLab(t, "m1")
	got := &digest{Hash: sha256.New()}
	r, err := l.server(t, bbb.SSH{}, "m1").SSHCommand(t.Context(),
		[]string{"yes 0123456789abcde | head -c " + strconv.Itoa(size) + "; echo done >&2"}, nil,
		bbb.CommandLimit(100), bbb.CommandOutput(func(*bbb.Server) (io.Writer, io.Writer) { return got, nil }))
	require.NoError(t, noted(t, err))
	assert.Empty(t, r.Stdout)
	assert.Equal(t, "done\n", string(r.Stderr), "is kept, as no writer is given for it")

	want := sha256.New()
	for line, i := []byte("0123456789abcde\n"), 0; i < size; i += len(line) {
		want.Write(line)
	}
	assert.Equal(t, size, got.n)
	assert.Equal(t, hex.EncodeToString(want.Sum(nil)), hex.EncodeToString(got.Sum(nil)))
}

// digest is a hash that counts.
type digest struct {
	hash.Hash
	n int
}

func (d *digest) Write(p []byte) (int, error) {
	d.n += len(p)
	return d.Hash.Write(p)
}

// TestRealSSHLimit shows that a command which writes more than is kept is stopped, that
// what was kept comes back, and that the endless one ends on the machine as well.
func TestRealSSHLimit(t *testing.T) {
	t.Parallel()
	l := newLab(t, "m1")
	s := l.server(t, bbb.SSH{}, "m1")
	for _, c := range []struct {
		command     string
		opts        []bbb.CommandOption
		out, stderr int
	}{
		{"yes", nil, bbb.DefaultCommandLimit, 0},
		{"yes", []bbb.CommandOption{bbb.CommandLimit(1001)}, 1001, 0},
		{"yes >&2", []bbb.CommandOption{bbb.CommandLimit(7)}, 0, 7},
	} {
		r, err := s.SSHCommand(t.Context(), []string{c.command}, nil, c.opts...)
		assert.ErrorIs(t, sshError(t, err, "m1"), bbb.ErrOutputTooLarge, c.command)
		assert.NotErrorIs(t, err, bbb.ErrSSH, c.command)
		require.NotNil(t, r, c.command)
		assert.Len(t, r.Stdout, c.out, c.command)
		assert.Len(t, r.Stderr, c.stderr, c.command)
		assert.Empty(t, l.clients(), c.command)
	}
	r, err := s.SSHCommand(t.Context(), []string{"printf 1234567"}, nil, bbb.CommandLimit(7))
	require.NoError(t, noted(t, err), "as much as the limit is not too much")
	assert.Equal(t, "1234567", string(r.Stdout))
	eventually(t, "the commands ended on the machine", func() bool { return !l.machines["m1"].connected() })
	assert.Empty(t, procs(func(p osProc) bool { return p.command == "yes" && p.hasEnv("LAB="+l.dir) }))
}

// TestRealSSHNasty shows that a remote shell expands words, and that ShellQuote keeps
// every shell from it.
func TestRealSSHNasty(t *testing.T) {
	t.Parallel()
	l := newLab(t, "m1")
	s := l.server(t, bbb.SSH{}, "m1")
	r, err := s.SSHCommand(t.Context(), []string{"cd", l.dir + ";", "echo", "m*", "$LAB", "`echo hi`", "a  b"}, nil)
	require.NoError(t, noted(t, err))
	assert.Equal(t, "m1 "+l.dir+" hi a b\n", string(r.Stdout), "as ssh does, words are joined and expanded there")

	words := []string{
		"", " ", "a b", "\t", "\n", "a\nb\n", "'", "''", "'\"'\"'", `"`, `\`, `\\`, `a\`, "$HOME", "${HOME}", "$(echo hi)", "`echo hi`",
		"*", "?", "[a-z]*", "{a,b}", "~", "~root", "a=~", "#", "a#b", "!", "!!", "!a", "a;b", "a&b", "a|b", "<", ">", "(", ")", "-n", "--",
		"FOO=bar", "if", "\r", "\x01\x7f\x1b[31m", "ünïcödé ☃", "\xff\xfe", "%s", "%", "^", "=", "=ls", "a,b", "@", ":", "\\n", "$'a'", "$\"a\"", "..",
	}
	for i := range 40 { // many in one word
		words = append(words, strings.Join(words[i:i+9], ""))
	}
	var all []byte
	for b := 1; b < 256; b++ { // no program can be given a NUL
		all = append(all, byte(b))
	}
	words = append(words, string(all))
	// Programs whose names mean something to a shell.
	names := []string{"FOO=bar", "if", "-x", "~", "a b", "it's", "$HOME", "*", "#", "!"}
	for _, name := range names {
		l.script(t, "bin/"+name, `[ "$#" = 2 ] && printf '%s\n' "${0##*/}"`)
	}

	for _, shell := range []string{"sh", "dash", "bash", "busybox sh", "bash --posix"} {
		program(t, strings.Fields(shell)[0])
		m := "shell" + strconv.Itoa(len(l.machines))
		// What sshd does itself, with another login shell.
		l.start(t, m, "ForceCommand PATH="+l.path("bin")+`:$PATH exec `+shell+` -c "$SSH_ORIGINAL_COMMAND"`)
		l.configure(t)
		s := l.server(t, ways["shared"], m)
		r, err := s.SSHCommand(t.Context(), []string{bbb.ShellQuote(append([]string{"printf", `%s\0`}, words...)...)}, nil)
		require.NoError(t, noted(t, err), shell)
		require.Zero(t, r.ExitStatus, "%s: %s", shell, r.Stderr)
		assert.Equal(t, words, strings.Split(strings.TrimSuffix(string(r.Stdout), "\x00"), "\x00"), shell)

		// Another shell below, as with sudo or docker exec.
		inner := bbb.ShellQuote(append([]string{"printf", `%s\0`}, words...)...)
		r, err = s.SSHCommand(t.Context(), []string{bbb.ShellQuote("sh", "-c", inner)}, nil)
		require.NoError(t, noted(t, err), shell)
		assert.Equal(t, words, strings.Split(strings.TrimSuffix(string(r.Stdout), "\x00"), "\x00"), "%s: twice", shell)

		var all []string
		for _, name := range names {
			all = append(all, bbb.ShellQuote(name, "x", "y z")+";")
		}
		r, err = s.SSHCommand(t.Context(), all, nil)
		require.NoError(t, noted(t, err), shell)
		assert.Equal(t, strings.Join(names, "\n")+"\n", string(r.Stdout), "%s: %s", shell, r.Stderr)
	}
}

// sshError returns err as the *bbb.Error of a command on a server, which it must be.
func sshError(t testing.TB, err error, server string) *bbb.Error {
	t.Helper()
	var e *bbb.Error
	require.ErrorAs(t, noted(t, err), &e)
	assert.Equal(t, "ssh", e.Call)
	assert.Equal(t, server, e.Server)
	assert.NotContains(t, fmt.Sprint(err), "LogVerbose", "what is only for us is not shown")
	assert.NotContains(t, fmt.Sprint(err), "client_input")
	return e
}

// command runs a command in the background whose first line of output is waited for.
// The channel gives what it ended with.
func command(ctx context.Context, t testing.TB, s *bbb.Server, argv []string, opts ...bbb.CommandOption) <-chan error {
	t.Helper()
	out, seen := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := s.SSHCommand(ctx, argv, nil, append(opts, bbb.CommandOutput(
			func(*bbb.Server) (io.Writer, io.Writer) { return seen, nil }))...)
		_ = seen.CloseWithError(io.EOF)
		ended <- err
	}()
	begun := make([]byte, 1)
	_, err := io.ReadFull(out, begun)
	require.NoError(t, err, "it ended before it began")
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return ended
}
