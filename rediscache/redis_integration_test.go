//go:build integration

package rediscache_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/cachetest"
	"github.com/bbbgroup/bbb/rediscache"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patiently is for tests that are not about time-outs: a busy machine may take a while.
var patiently = rediscache.WithTimeout(20 * time.Second)

func TestRealCacheKeepsTheContract(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, program string) {
		s := startServer(t, program)
		var n atomic.Int32
		cachetest.Test(t, func(t *testing.T) bbb.Cache {
			return open(t, s.url(), patiently, rediscache.WithPrefix(fmt.Sprintf("test%d:", n.Add(1))))
		})
	})
}

// The documented user may do all that is needed, and nothing with other keys. It comes
// through a socket here, as on one machine.
func TestRealUserOfTheDocumentation(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, program string) {
		const rights = "+get +set +setnx +del +xadd +xrange +xrevrange +pexpire +persist +ping +hello"
		text, err := os.ReadFile("doc.go")
		require.NoError(t, err)
		require.Contains(t, string(text), "ACL SETUSER bbb on >PASSWORD ~bbb:* "+rights+"\n")
		args := append([]string{"--user", "default", "off", "--user", "bbb", "on", ">" + password, "~bbb:*"}, strings.Fields(rights)...)
		s := startServer(t, program, args...)
		var n atomic.Int32
		cachetest.Test(t, func(t *testing.T) bbb.Cache {
			return open(t, "redis://bbb:"+password+"@"+s.addr(), patiently, rediscache.WithPrefix(fmt.Sprintf("bbb:test%d:", n.Add(1))))
		})
		for url, problem := range map[string]string{
			"redis://bbb:" + password + "@":       "NOPERM",
			"redis://bbb:wrong-" + password + "@": "WRONGPASS",
			"redis://":                            "NOAUTH",
		} {
			cache := open(t, url+s.addr(), patiently)
			for op, f := range operations(t, cache) {
				err := f()
				require.ErrorContains(t, err, problem, op)
				assert.NotContains(t, err.Error(), "hunter2")
			}
		}
	})
}

// A value that a server was told not to know the command for does not get into the error.
func TestRealErrorsHoldNoValues(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, program string) {
		s := startServer(t, program, "--rename-command", "SET", "", "--rename-command", "SETNX", "", "--rename-command", "XADD", "")
		cache := open(t, s.url(), patiently)
		for _, err := range []error{
			cache.Set(t.Context(), "k", []byte("hunter2"), time.Minute),
			cache.SetMany(t.Context(), bbb.CacheItem{Key: "k", Value: []byte("hunter2"), TTL: time.Minute}),
			cache.Append(t.Context(), "j", time.Minute, []byte("hunter2")),
			func() error { _, err := cache.Add(t.Context(), "k", []byte("hunter2"), 0); return err }(),
		} {
			require.ErrorContains(t, err, "unknown command")
			for ; err != nil; err = unwrap(err) {
				assert.NotContains(t, err.Error(), "hunter2")
			}
		}
		_, _, err := cache.Get(t.Context(), "k")
		require.NoError(t, err, "a refusal is no reason to leave the server alone")
	})
}

func unwrap(err error) error {
	if u, ok := err.(interface{ Unwrap() error }); ok {
		return u.Unwrap()
	}
	return nil
}

// What others wrote under our keys is an error, not a value.
func TestRealForeignValues(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, program string) {
		s := startServer(t, program)
		cache, client := open(t, s.url(), patiently), s.client()
		for _, value := range []string{"", "placed", "a-too-short"} {
			require.NoError(t, client.Set(t.Context(), "k", value, 0).Err())
			_, ok, err := cache.Get(t.Context(), "k")
			require.ErrorContains(t, err, "not written by this package")
			assert.False(t, ok)
			_, err = cache.GetMany(t.Context(), "other", "k")
			require.Error(t, err)
			added, err := cache.Add(t.Context(), "k", []byte("v"), 0)
			require.NoError(t, err)
			assert.False(t, added)
		}
		require.NoError(t, client.Del(t.Context(), "k").Err())
		require.NoError(t, client.RPush(t.Context(), "k", "v").Err())
		for op, f := range operations(t, cache) {
			if op == "get" || op == "get many" {
				require.ErrorContains(t, f(), "WRONGTYPE", op)
			}
		}
	})
}

// Keys go after their time, to the millisecond; journals are cut and go as a whole.
func TestRealTimesToLive(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, program string) {
		s := startServer(t, program)
		cache, client := open(t, s.url(), patiently), s.client()
		ctx := t.Context()
		require.NoError(t, cache.Set(ctx, "set", []byte("v"), 90*time.Minute+1500*time.Microsecond))
		_, err := cache.Add(ctx, "add", []byte("v"), 90*time.Minute+1500*time.Microsecond)
		require.NoError(t, err)
		require.NoError(t, cache.SetMany(ctx, bbb.CacheItem{Key: "many", Value: []byte("v"), TTL: 90*time.Minute + 1500*time.Microsecond}))
		now := client.Time(ctx).Val()
		for _, key := range []string{"set", "add", "many"} {
			at := now.Add(client.PTTL(ctx, key).Val())
			assert.WithinDuration(t, time.Now().Add(90*time.Minute), at, 10*time.Second)
		}
		require.NoError(t, cache.Append(ctx, "j", 90*time.Minute, []byte("e")))
		assert.InDelta(t, 90*time.Minute, client.PTTL(ctx, "j").Val(), float64(10*time.Second))
		require.NoError(t, cache.Append(ctx, "j", 0, []byte("e")))
		assert.Negative(t, client.PTTL(ctx, "j").Val(), "for ever")

		// A thousand entries for a second each are not all there in the end.
		for i := range 3000 {
			require.NoError(t, cache.Append(ctx, "cut", 50*time.Millisecond, fmt.Append(nil, i)))
		}
		assert.LessOrEqual(t, client.XLen(ctx, "cut").Val(), int64(3000))
		eventually(t, "the journal goes", func() bool { return client.Exists(ctx, "cut").Val() == 0 })
	})
}

// The connection breaks behind an Add, before the answer: what is sent again finds the
// value there, and knows it for its own.
func TestRealAddThatIsSentAgain(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, program string) {
		s := startServer(t, program)
		w := newWire(t, s.addr())
		cache := open(t, "redis://"+w.addr(), patiently)
		_, _, err := cache.Get(t.Context(), "k") // connect
		require.NoError(t, err)
		for i := range 20 {
			key := fmt.Sprint("k", i)
			w.swallow.Store(true) // the next answer, and the connection with it
			added, err := cache.Add(t.Context(), key, []byte("mine"), time.Hour)
			require.NoError(t, err)
			assert.True(t, added, "it was added, by the first try or the second")
			added, err = cache.Add(t.Context(), key, []byte("mine"), time.Hour)
			require.NoError(t, err)
			assert.False(t, added, "the same value of another Add is another's")
		}
		assert.EqualValues(t, 20, w.swallowed.Load())
	})
}

// wire is a connection in between that can be cut.
type wire struct {
	l         net.Listener
	swallow   atomic.Bool // the next answer is not passed on
	swallowed atomic.Int32
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{l: l}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := new(net.Dialer).DialContext(t.Context(), "tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			wg.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
			wg.Go(func() {
				defer func() { _, _ = in.Close(), out.Close() }()
				buf := make([]byte, 64<<10)
				for {
					n, err := out.Read(buf)
					if err != nil {
						return
					}
					if w.swallow.CompareAndSwap(true, false) {
						w.swallowed.Add(1)
						return
					}
					if _, err := in.Write(buf[:n]); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return w
}

func (w *wire) addr() string { return w.l.Addr().String() }

// A server that dies, freezes or restarts costs errors, and is used again as soon as it
// is there: with what it had, or without.
func TestRealOutages(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, program string) {
		s := startServer(t, program)
		ctx := t.Context()
		cache := open(t, s.url(), rediscache.WithPause(20*time.Millisecond))
		works := func() bool { return cache.Set(ctx, "probe", nil, time.Minute) == nil }
		broken := func() bool { return !works() }
		eventually(t, "it works", works)
		require.NoError(t, s.client().Set(ctx, "kept", "skept", 0).Err())
		require.NoError(t, cache.Append(ctx, "j", time.Hour, []byte("before")))
		_, position, err := cache.ReadAfter(ctx, "j", "")
		require.NoError(t, err)

		s.restart(false)
		eventually(t, "it works again", works)
		eventually(t, "and has what there was", func() bool {
			value, ok, err := cache.Get(ctx, "kept")
			return err == nil && ok && string(value) == "kept"
		})

		s.freeze(true)
		eventually(t, "it does not answer", broken)
		start := time.Now()
		eventually(t, "it is left alone", func() bool {
			_, _, err := cache.Get(ctx, "kept")
			return err != nil && strings.Contains(err.Error(), rediscache.ErrUnavailable.Error())
		})
		assert.Less(t, time.Since(start), 30*time.Second)
		s.freeze(false)
		eventually(t, "it answers again", works)

		s.kill()
		eventually(t, "it is gone", broken)
		s.lose()
		s.again()
		eventually(t, "it is there again", works)
		_, ok, err := cache.Get(ctx, "kept")
		require.NoError(t, err)
		assert.False(t, ok, "its data is lost")
		texts, _, err := cache.ReadAfter(ctx, "j", position)
		require.NoError(t, err)
		assert.Empty(t, texts)
		require.NoError(t, cache.Append(ctx, "j", time.Hour, []byte("after")))
		texts, _, err = cache.ReadAfter(ctx, "j", position)
		require.NoError(t, err)
		assert.Equal(t, [][]byte{[]byte("after")}, texts)
	})
}

// A Cluster has every key on one of its nodes. One node that has all the slots answers
// as any of many would.
func TestRealCluster(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, program string) {
		s := startServer(t, program, "--cluster-enabled", "yes", "--cluster-port", deadPort(t)[len("127.0.0.1:"):])
		require.NoError(t, s.client().Do(t.Context(), "cluster", "addslotsrange", 0, 16383).Err())
		eventually(t, "the cluster is up", func() bool {
			return strings.Contains(s.client().ClusterInfo(t.Context()).Val(), "cluster_state:ok")
		})
		client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.addr()}, ContextTimeoutEnabled: true})
		defer func() { require.NoError(t, client.Close()) }()
		var n atomic.Int32
		cachetest.Test(t, func(t *testing.T) bbb.Cache {
			cache, err := rediscache.New(client, patiently, rediscache.WithPrefix(fmt.Sprintf("test%d:", n.Add(1))))
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, cache.Close(), "leaves the client alone") })
			return cache
		})
		require.NoError(t, client.Ping(context.WithoutCancel(t.Context())).Err())
	})
}
