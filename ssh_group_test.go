package bbb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// machines returns a group of n servers whose commands are run by a function.
func runnersOf(t *testing.T, n int, run bbb.RunnerFunc, opts ...bbb.GroupOption) *bbb.Group {
	t.Helper()
	return idle(t, n, append(opts, bbb.WithRunner(run))...)
}

// counted is a reader that says how it is read. It hides what else its reader can do.
type counted struct {
	io.Reader
	reads, bytes atomic.Int64
	inside       atomic.Bool
}

func (c *counted) Read(p []byte) (int, error) {
	if c.inside.Swap(true) {
		panic("two reads at a time")
	}
	defer c.inside.Store(false)
	c.reads.Add(1)
	n, err := c.Reader.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

// pattern is an endless input that repeats itself after a length that nothing divides.
type pattern struct{ at int64 }

var period = func() []byte {
	b := make([]byte, 65537)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return b
}()

func (r *pattern) Read(p []byte) (n int, _ error) {
	for n < len(p) {
		more := copy(p[n:], period[r.at%int64(len(period)):])
		n, r.at = n+more, r.at+int64(more)
	}
	return n, nil
}

// readPattern reads a pattern to its end, and returns how long it was.
func readPattern(r io.Reader) (int64, error) {
	var want pattern
	got, wanted := make([]byte, 9999), make([]byte, 9999)
	for {
		n, err := r.Read(got)
		at := want.at
		_, _ = want.Read(wanted[:n])
		if !bytes.Equal(got[:n], wanted[:n]) {
			return at, fmt.Errorf("not the input, after %d bytes", at)
		}
		if err == io.EOF {
			return want.at, nil
		}
		if err != nil {
			return want.at, err
		}
	}
}

func TestGroupSSHCommand(t *testing.T) {
	t.Parallel()
	broken := errors.New("no route to that machine")
	g := runnersOf(t, 4, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		assert.Equal(t, []string{"uptime", "-p"}, c.Argv)
		switch c.Server {
		case "bbb2":
			return 0, broken
		case "bbb3":
			return 3, nil
		}
		_, err := io.WriteString(c.Stdout, "up on "+c.Host)
		return 0, err
	})
	server(t, g, "bbb4").SetMode(bbb.ModeDisabled)
	results, err := g.SSHCommand(t.Context(), []string{"uptime", "-p"}, nil)

	ge := groupError(t, err)
	assert.Equal(t, []string{"bbb2"}, ge.Names())
	assert.Equal(t, "ssh", ge.Call)
	assert.Equal(t, 3, ge.Asked, "not the one that is disabled")
	require.ErrorIs(t, ge, broken)
	require.Len(t, results, 3)
	assert.Equal(t, "up on bbb1.test", string(results[0].Value.Stdout))
	require.ErrorIs(t, results[1].Err, broken)
	require.NoError(t, results[2].Err, "a command that fails was run")
	assert.Equal(t, 3, results[2].Value.ExitStatus)
}

func TestGroupSSHCommandThatNobodyCanRun(t *testing.T) {
	t.Parallel()
	g := runnersOf(t, 3, func(context.Context, bbb.RemoteCommand) (int, error) { panic("not called") })
	for _, argv := range [][]string{nil, {""}, {"rm", "a\x00b"}} {
		results, err := g.SSHCommand(t.Context(), argv, nil)
		require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams)
		assert.Nil(t, results)
		assert.NotErrorAs(t, err, new(*bbb.GroupError), "one error, not one for each server")
	}
	for _, o := range []bbb.CommandOption{nil, bbb.CommandLimit(0)} {
		results, err := g.SSHCommand(t.Context(), []string{"true"}, nil, o)
		require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams)
		assert.Nil(t, results)
		assert.NotErrorAs(t, err, new(*bbb.GroupError))
	}
}

// It is when the API of a server does not answer that one wants to look at its machine.
func TestGroupSSHCommandGoesToOfflineServers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Int64
		g, fakes := newGroup(t, 2, bbb.WithRunner(bbb.RunnerFunc(func(context.Context, bbb.RemoteCommand) (int, error) {
			ran.Add(1)
			return 0, nil
		})))
		fakes[0].Inject(bbbtest.Fault{Refuse: true})
		for range 3 {
			require.Error(t, noted(t, server(t, g, "bbb1").Refresh(t.Context())))
		}
		require.Equal(t, bbb.StateOffline, server(t, g, "bbb1").State())
		_, err := g.SSHCommand(t.Context(), []string{"uptime"}, nil)
		require.NoError(t, noted(t, err))
		assert.EqualValues(t, 2, ran.Load())
	})
}

func TestGroupSSHCommandOverNobody(t *testing.T) {
	t.Parallel()
	g := newEmptyGroup(t)
	results, err := g.SSHCommand(t.Context(), []string{"uptime"}, strings.NewReader("nothing"))
	require.NoError(t, noted(t, err))
	assert.Empty(t, results)
	require.NoError(t, g.Close(t.Context()))
	_, err = g.SSHCommand(t.Context(), []string{"uptime"}, nil)
	require.ErrorIs(t, noted(t, err), bbb.ErrClosed)
	assert.EqualError(t, err, "bbb: ssh: group is closed")
}

// Close gives up while most servers still wait for their turn.
func TestGroupSSHCommandWhenTheGroupIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Int64
		g := runnersOf(t, 5, func(ctx context.Context, _ bbb.RemoteCommand) (int, error) {
			ran.Add(1)
			<-ctx.Done()
			return 0, ctx.Err()
		}, bbb.WithWorkers(2))
		done := after(func() {
			_, err := g.SSHCommand(t.Context(), []string{"tail", "-f", "syslog"}, nil)
			ge := groupError(t, err)
			assert.True(t, ge.AllFailed())
			for _, e := range ge.Servers {
				require.ErrorIs(t, e, bbb.ErrClosed)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, g.Close(ctx), context.DeadlineExceeded, "it waits for commands that are under way")
		<-done
		assert.EqualValues(t, 2, ran.Load(), "nothing more is begun")
	})
}

func TestAllOfStdinForAll(t *testing.T) {
	t.Parallel()
	const size = 3<<19 + 17
	var now, most atomic.Int64
	g := runnersOf(t, 100, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); {
			m = most.Load()
		}
		length, err := readPattern(c.Stdin)
		if err == nil && length != size {
			err = fmt.Errorf("%d bytes", length)
		}
		return 0, err
	}, bbb.WithWorkers(3))
	in := &counted{Reader: io.LimitReader(new(pattern), size)}
	results, err := g.SSHCommand(t.Context(), []string{"sh"}, in)
	require.NoError(t, noted(t, err))
	assert.Len(t, results, 100)
	assert.LessOrEqual(t, most.Load(), int64(3), "the workers")
	assert.EqualValues(t, size, in.bytes.Load(), "it was read once")
}

func TestNilStdinIsEmptyForAll(t *testing.T) {
	t.Parallel()
	g := runnersOf(t, 3, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		if c.Stdin == nil {
			return 0, nil
		}
		n, err := io.Copy(io.Discard, c.Stdin)
		return int(n), err
	})
	results, err := g.SSHCommand(t.Context(), []string{"cat"}, nil)
	require.NoError(t, noted(t, err))
	for _, r := range results {
		assert.Zero(t, r.Value.ExitStatus)
	}
}

// One machine hangs before it reads, one in the middle of the input, one reads a byte
// a second. The others are done at once, though there are fewer workers than servers.
func TestSlowServersDelayNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const size = 2 << 20
		g := runnersOf(t, 20, func(ctx context.Context, c bbb.RemoteCommand) (int, error) {
			switch c.Server {
			case "bbb1":
				<-ctx.Done()
				return 0, ctx.Err()
			case "bbb2":
				_, err := io.ReadFull(c.Stdin, make([]byte, 1000))
				assert.NoError(t, err)
				<-ctx.Done()
				return 0, ctx.Err()
			case "bbb3":
				for range 30 {
					_, err := io.ReadFull(c.Stdin, make([]byte, 1))
					assert.NoError(t, err)
					wait(t, time.Second)
				}
				return 0, nil
			}
			n, err := readPattern(c.Stdin)
			assert.EqualValues(t, size, n)
			return 0, err
		}, bbb.WithWorkers(4))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		results, err := g.SSHCommand(ctx, []string{"sh"}, &counted{Reader: io.LimitReader(new(pattern), size)})
		ge := groupError(t, err)
		assert.Equal(t, []string{"bbb1", "bbb2"}, ge.Names())
		require.ErrorIs(t, ge, context.DeadlineExceeded)
		assert.Equal(t, time.Minute, time.Since(start))
		assert.Equal(t, 30*time.Second, results[2].Duration)
		for _, r := range results[3:] {
			assert.Zero(t, r.Duration)
		}
	})
}

// Nothing of a terminal is read for commands that do not ask for it, and a command
// that ends early is not waited for.
func TestStdinThatNobodyReads(t *testing.T) {
	t.Parallel()
	g := runnersOf(t, 3, func(context.Context, bbb.RemoteCommand) (int, error) { return 0, nil })
	in := &counted{Reader: new(pattern)}
	_, err := g.SSHCommand(t.Context(), []string{"true"}, in)
	require.NoError(t, noted(t, err))
	assert.Zero(t, in.reads.Load())

	g = runnersOf(t, 3, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		if c.Server == "bbb1" {
			return 0, nil
		}
		return io.ReadFull(c.Stdin, make([]byte, 100<<10))
	})
	_, err = g.SSHCommand(t.Context(), []string{"head", "-c", "102400"}, in)
	require.NoError(t, noted(t, err))
	assert.LessOrEqual(t, in.bytes.Load(), int64(200<<10), "an endless input is read as far as it is wanted")
}

func TestErrorOfStdinReachesThoseWhoReadThatFar(t *testing.T) {
	t.Parallel()
	const size = 1<<20 + 100
	torn := errors.New("the tape is torn")
	g := runnersOf(t, 4, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		if c.Server == "bbb3" {
			return io.ReadFull(c.Stdin, make([]byte, size))
		}
		n, err := readPattern(c.Stdin)
		assert.EqualValues(t, size, n, "all that came before it")
		return 0, err
	}, bbb.WithWorkers(2))
	in := &counted{Reader: io.MultiReader(io.LimitReader(new(pattern), size), failing{torn})}
	results, err := g.SSHCommand(t.Context(), []string{"sh"}, in)
	ge := groupError(t, err)
	assert.Equal(t, []string{"bbb1", "bbb2", "bbb4"}, ge.Names())
	for _, e := range ge.Servers {
		require.ErrorIs(t, e, torn)
	}
	assert.Equal(t, size, results[2].Value.ExitStatus)
}

// A Read of a terminal cannot be interrupted. Commands end all the same, by themselves,
// by the context, or when the group is closed.
func TestBlockedStdin(t *testing.T) {
	t.Parallel()
	reading := func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		return c.Stdin.Read(make([]byte, 1)) // of no context
	}
	for name, test := range map[string]struct {
		run   bbb.RunnerFunc
		end   func(cancel context.CancelFunc, g *bbb.Group)
		after time.Duration
		is    error
	}{
		"the commands end": {
			run: func(_ context.Context, c bbb.RemoteCommand) (int, error) {
				go func() { _, _ = reading(context.Background(), c) }()
				<-time.After(2 * time.Second)
				return 0, nil
			},
			after: 2 * time.Second,
		},
		"the context ends": {
			run:   reading,
			end:   func(cancel context.CancelFunc, _ *bbb.Group) { cancel() },
			after: time.Second,
			is:    context.Canceled,
		},
		"the group is closed": {
			run: reading,
			end: func(_ context.CancelFunc, g *bbb.Group) {
				now, cancel := context.WithCancel(context.Background())
				cancel()
				_ = g.Close(now)
			},
			after: time.Second,
			is:    bbb.ErrClosed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := runnersOf(t, 5, test.run)
				r, w := io.Pipe()
				in := &counted{Reader: r}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				start := time.Now()
				if test.end != nil {
					time.AfterFunc(time.Second, func() { test.end(cancel, g) })
				}
				_, err := g.SSHCommand(ctx, []string{"cat"}, in)
				assert.Equal(t, test.after+100*time.Millisecond, time.Since(start))
				require.ErrorIs(t, noted(t, err), test.is)
				if test.is != nil {
					assert.Len(t, groupError(t, err).Servers, 5)
				}
				_, err = w.Write([]byte("too late"))
				require.NoError(t, err, "the Read that was under way")
				synctest.Wait()
				assert.EqualValues(t, 1, in.reads.Load(), "and no other")
			})
		})
	}
}

// A runner left a goroutine behind that still read when the next command had begun to
// use the same terminal.
func TestNobodyReadsStdinAfterTheCommand(t *testing.T) {
	t.Parallel()
	var left sync.WaitGroup
	g := runnersOf(t, 3, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		left.Go(func() {
			_, err := io.Copy(io.Discard, c.Stdin)
			assert.Error(t, err)
		})
		return 0, nil
	})
	var plain pattern // without a lock: the race detector sees who reads after the return
	_, err := g.SSHCommand(t.Context(), []string{"true"}, &plain)
	require.NoError(t, noted(t, err))
	plain.at = 0
	left.Wait()
	assert.Zero(t, plain.at)
}

// Everybody gives os.Stdout, or one buffer, for all servers, as with os/exec for both
// streams of a command.
func TestOneWriterForAllServers(t *testing.T) {
	t.Parallel()
	g := runnersOf(t, 50, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		var streams sync.WaitGroup
		for _, w := range []io.Writer{c.Stdout, c.Stderr} {
			streams.Go(func() {
				for range 20 {
					_, err := io.WriteString(w, c.Server+" says hello\n")
					assert.NoError(t, err)
				}
			})
		}
		streams.Wait()
		return 0, nil
	})
	var all bytes.Buffer // without a lock: the race detector sees writes at the same time
	output := bbb.CommandOutput(func(*bbb.Server) (io.Writer, io.Writer) { return &all, &all })
	_, err := server(t, g, "bbb1").SSHCommand(t.Context(), []string{"hello"}, nil, output)
	require.NoError(t, err)
	assert.Equal(t, 2*20, strings.Count(all.String(), "bbb1 says hello\n"))

	all.Reset()
	results, err := g.SSHCommand(t.Context(), []string{"hello"}, nil, output)
	require.NoError(t, noted(t, err))
	lines := strings.Fields(strings.ReplaceAll(all.String(), " says hello", ""))
	assert.Len(t, lines, 50*2*20)
	for _, r := range results {
		assert.Empty(t, r.Value.Stdout)
	}
}

// A service made its option once, with a writer of its own for each command. All that they
// had ever held stayed in memory.
func TestWritersAreForgotten(t *testing.T) {
	t.Parallel()
	g := runnersOf(t, 3, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		_, err := io.WriteString(c.Stdout, "hello")
		return 0, err
	})
	var collected atomic.Int64
	output := bbb.CommandOutput(func(*bbb.Server) (io.Writer, io.Writer) {
		w := new(bytes.Buffer)
		runtime.AddCleanup(w, func(int) { collected.Add(1) }, 0)
		return w, nil
	})
	for range 10 {
		_, err := g.SSHCommand(t.Context(), []string{"hello"}, nil, output)
		require.NoError(t, noted(t, err))
	}
	assert.Eventually(t, func() bool { runtime.GC(); return collected.Load() >= 27 }, 20*time.Second, time.Millisecond)
	runtime.KeepAlive(output)
}

// pile is a writer that cannot be compared.
type pile []*bytes.Buffer

func (p pile) Write(b []byte) (int, error) { return p[0].Write(b) }

func TestWritersOfTheirOwn(t *testing.T) {
	t.Parallel()
	g := runnersOf(t, 3, func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		_, err := io.WriteString(c.Stdout, "out of "+c.Server)
		_, err2 := io.WriteString(c.Stderr, "err of "+c.Server)
		return 0, errors.Join(err, err2)
	})
	var piles [4]bytes.Buffer
	results, err := g.SSHCommand(t.Context(), []string{"hello"}, nil,
		bbb.CommandOutput(func(s *bbb.Server) (io.Writer, io.Writer) {
			return pile{&piles[s.Name()[3]-'0']}, nil
		}))
	require.NoError(t, noted(t, err))
	for i, r := range results {
		assert.Equal(t, "out of "+r.Server.Name(), piles[i+1].String())
		assert.Equal(t, "err of "+r.Server.Name(), string(r.Value.Stderr), "what has no writer is kept")
	}
}
