package bbb_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Tests that change where temporary files go, or count what is allocated, run alone.

// A backup of 50 MiB goes to five servers, two at a time.
func TestLargeStdinIsNotKeptInMemory(t *testing.T) {
	const size = 50 << 20
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	g := runnersOf(t, 5, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		n, err := readPattern(c.Stdin)
		for _, f := range tempFiles(t, dir) {
			assert.Equal(t, os.FileMode(0o600), f.Mode())
		}
		return int(n), err
	}, bbb.WithWorkers(2))
	in := &counted{Reader: io.LimitReader(new(pattern), size)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	results, err := g.SSHCommand(t.Context(), []string{"cat"}, in)
	runtime.ReadMemStats(&after)
	require.NoError(t, noted(t, err))
	for _, r := range results {
		assert.Equal(t, size, r.Value.ExitStatus)
	}
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), "all that was allocated, freed or not")
	assert.Empty(t, tempFiles(t, dir))
}

// opened returns a file that is closed at the end of the test.
func opened(t testing.TB, path string) *os.File {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, file.Close()) })
	return file
}

func tempFiles(t testing.TB, dir string) []os.FileInfo {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var files []os.FileInfo
	for _, e := range entries {
		f, err := e.Info()
		require.NoError(t, err)
		files = append(files, f)
	}
	return files
}

func TestStdinWithoutRoomForIt(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "not there"))
	g := runnersOf(t, 3, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		if c.Server == "bbb2" {
			return io.ReadFull(c.Stdin, make([]byte, 1<<20))
		}
		_, err := readPattern(c.Stdin)
		return 0, err
	})
	_, err := g.SSHCommand(t.Context(), []string{"cat"}, new(pattern))
	ge := groupError(t, err)
	assert.Equal(t, []string{"bbb1", "bbb3"}, ge.Names(), "not the one that needs no more than there is memory for")
	require.ErrorIs(t, ge, os.ErrNotExist)
	assert.ErrorContains(t, ge, "stdin cannot be kept for other servers")
}

// For a single server nothing needs to be kept.
func TestStdinOfOneServer(t *testing.T) {
	const size = 3 << 20
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "not there"))
	g := runnersOf(t, 1, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		n, err := readPattern(c.Stdin)
		return int(n), err
	})
	results, err := g.SSHCommand(t.Context(), []string{"cat"}, &counted{Reader: io.LimitReader(new(pattern), size)})
	require.NoError(t, noted(t, err))
	assert.Equal(t, size, results[0].Value.ExitStatus)
}

// What can be read at any place is not kept again, and every call begins where the
// reader stands.
func TestStdinThatCanBeReadAgain(t *testing.T) {
	const size = 3 << 20
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "not there"))
	all, err := io.ReadAll(io.LimitReader(new(pattern), size))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "input")
	require.NoError(t, os.WriteFile(path, append([]byte("read before"), all...), 0o600))
	file := opened(t, path)
	_, err = file.Seek(int64(len("read before")), io.SeekStart)
	require.NoError(t, err)

	for name, in := range map[string]io.ReadSeeker{
		"bytes": bytes.NewReader(all), "text": strings.NewReader(string(all)), "file": file,
	} {
		t.Run(name, func(t *testing.T) {
			before, err := in.Seek(0, io.SeekCurrent)
			require.NoError(t, err)
			g := runnersOf(t, 5, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
				n, err := readPattern(c.Stdin)
				return int(n), err
			}, bbb.WithWorkers(2))
			for range 2 {
				results, err := g.SSHCommand(t.Context(), []string{"sh"}, in)
				require.NoError(t, noted(t, err))
				for _, r := range results {
					assert.Equal(t, size, r.Value.ExitStatus)
				}
			}
			now, err := in.Seek(0, io.SeekCurrent)
			require.NoError(t, err)
			assert.Equal(t, before, now)
		})
	}
}

func TestStdinThatBecomesShorter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "input")
	require.NoError(t, os.WriteFile(path, []byte("all of it"), 0o600))
	file := opened(t, path)
	g := runnersOf(t, 2, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		if err := os.Truncate(path, 3); err != nil {
			return 0, err
		}
		n, err := io.Copy(io.Discard, c.Stdin)
		assert.EqualValues(t, 3, n)
		return 0, err
	})
	_, err := g.SSHCommand(t.Context(), []string{"sh"}, file)
	require.ErrorIs(t, groupError(t, err), io.ErrUnexpectedEOF, "half a script is not run as if it were whole")
}

func TestStdinFromAPipe(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	_, err = w.WriteString("uptime\n")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	g := runnersOf(t, 3, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		_, err := io.Copy(c.Stdout, c.Stdin)
		return 0, err
	})
	results, err := g.SSHCommand(t.Context(), []string{"sh"}, r)
	require.NoError(t, noted(t, err))
	for _, r := range results {
		assert.Equal(t, "uptime\n", string(r.Value.Stdout))
	}
}

type lazy struct{}

func (lazy) Read([]byte) (int, error) { return 0, nil }

func TestStdinThatGivesNothing(t *testing.T) {
	t.Parallel()
	g := runnersOf(t, 3, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		_, err := io.Copy(c.Stdout, c.Stdin)
		return 0, err
	})
	_, err := g.SSHCommand(t.Context(), []string{"sh"}, lazy{})
	require.ErrorIs(t, groupError(t, err), io.ErrNoProgress, "and it is not asked for ever")
}
