package rediscache_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/bbbgroup/bbb/rediscache"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	redis.SetLogger(silent{})
	goleak.VerifyTestMain(m)
}

// silent keeps what go-redis says about servers that are not there out of the tests.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

const password = "hunter2-of-the-cache"

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{ContextTimeoutEnabled: true})
	defer func() { require.NoError(t, client.Close()) }()
	for problem, opt := range map[string]rediscache.Option{
		"nil option":  nil,
		"WithTimeout": rediscache.WithTimeout(0),
		"WithPause":   rediscache.WithPause(-1),
		"WithPrefix":  rediscache.WithPrefix("a b"),
		"at most 100": rediscache.WithPrefix(strings.Repeat("x", 101)),
	} {
		_, err := rediscache.New(client, opt)
		require.ErrorContains(t, err, problem)
		_, err = rediscache.Open("redis://127.0.0.1", opt)
		require.ErrorContains(t, err, problem)
	}
	_, err := rediscache.New(nil, rediscache.WithPause(0), rediscache.WithTimeout(0))
	require.ErrorContains(t, err, "nil client")
	require.ErrorContains(t, err, "WithPause", "all problems come at once")
	require.ErrorContains(t, err, "WithTimeout")

	_, err = rediscache.New(client, rediscache.WithPrefix("bbb-test:"))
	require.NoError(t, err)
}

// Without its setting a client would wait for a dead server for seconds.
func TestClientMustObeyContexts(t *testing.T) {
	t.Parallel()
	for _, client := range []redis.UniversalClient{
		redis.NewClient(&redis.Options{}), redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}}), redis.NewRing(&redis.RingOptions{}),
	} {
		_, err := rediscache.New(client)
		require.ErrorContains(t, err, "ContextTimeoutEnabled")
		require.NoError(t, client.Close())
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://127.0.0.1", "redis://user:" + password + "@127.0.0.1:6380/3?pool_size=5&read_timeout=1s",
		"rediss://:" + password + "@redis.test/0", "unix:///run/redis.sock?db=2",
	} {
		cache, err := rediscache.Open(url)
		require.NoError(t, err)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
			assert.NotContains(t, fmt.Sprintf(verb, cache), password)
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("cache", "cache", cache)
		assert.Contains(t, log.String(), "rediscache")
		assert.NotContains(t, log.String(), password)
		require.NoError(t, cache.Close())
		require.NoError(t, cache.Close(), "again")
	}
	for _, url := range []string{
		"", "127.0.0.1:6379", "http://:" + password + "@127.0.0.1", "redis://:" + password + "%zz@127.0.0.1",
		"redis://127.0.0.1:" + password, "redis://:" + password + "@127.0.0.1/x", "redis://127.0.0.1?password=" + password,
		"redis://:" + password + "@127.0.0.1:port",
	} {
		_, err := rediscache.Open(url)
		require.Error(t, err, url)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

// deadPort returns an address at which nobody listens.
func deadPort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// silentPort returns an address at which connections are accepted, and nothing more.
func silentPort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	return l.Addr().String() // the system accepts
}

func open(t *testing.T, url string, opts ...rediscache.Option) *rediscache.Cache {
	t.Helper()
	cache, err := rediscache.Open(url, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, cache.Close()) })
	return cache
}

// operations are all that a group does with a cache.
func operations(t *testing.T, c *rediscache.Cache) map[string]func() error {
	ctx := t.Context()
	return map[string]func() error{
		"get": func() error { _, ok, err := c.Get(ctx, "k"); assert.False(t, ok); return err },
		"set": func() error { return c.Set(ctx, "k", []byte("v"), time.Minute) },
		"add": func() error {
			added, err := c.Add(ctx, "k", []byte("v"), time.Minute)
			assert.False(t, added)
			return err
		},
		"delete":   func() error { return c.Delete(ctx, "k") },
		"get many": func() error { list, err := c.GetMany(ctx, "k", "l"); assert.Empty(t, list); return err },
		"set many": func() error {
			return c.SetMany(ctx, bbb.CacheItem{Key: "k", Value: []byte("v")}, bbb.CacheItem{Key: "l"})
		},
		"append": func() error { return c.Append(ctx, "j", time.Minute, []byte("e")) },
		"read": func() error {
			list, last, err := c.ReadAfter(ctx, "j", "1-1")
			assert.Empty(t, list)
			assert.Equal(t, "1-1", last)
			return err
		},
	}
}

// A server that is dead or silent costs three operations their time, and no more of them.
func TestServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	for name, addr := range map[string]string{"dead": deadPort(t), "silent": silentPort(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cache := open(t, "redis://user:"+password+"@"+addr, rediscache.WithTimeout(50*time.Millisecond), rediscache.WithPause(time.Hour))
			sent := 0
			for range 3 {
				for op, f := range operations(t, cache) {
					err := f()
					require.Error(t, err, op)
					assert.NotContains(t, err.Error(), "hunter2")
					if sent++; sent <= 3 {
						assert.NotErrorIs(t, err, rediscache.ErrUnavailable, op)
						continue
					}
					require.ErrorIs(t, err, rediscache.ErrUnavailable, op)
					assert.Contains(t, err.Error(), "after: ", "the reason")
				}
			}
			require.Error(t, cache.Ping(t.Context()))
		})
	}
}

// A group whose cache is not there works as one that has none, says so once, and is not
// held up by every access.
func TestGroupWithoutItsServer(t *testing.T) {
	t.Parallel()
	for name, addr := range map[string]string{"dead": deadPort(t), "silent": silentPort(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			fake := bbbtest.New()
			defer func() { require.NoError(t, fake.Close()) }()
			g, err := bbb.NewGroup("school", bbb.WithTransport(fake.Transport()),
				bbb.WithCache(open(t, "redis://:"+password+"@"+addr, rediscache.WithPause(time.Hour))),
				bbb.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			require.NoError(t, err)
			_, err = g.New("bbb1", fake.URL(), fake.Secret())
			require.NoError(t, err)
			for i := range 50 {
				id := fmt.Sprint("room", i)
				_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: id, Name: id})
				require.NoError(t, err)
				_, err = g.Meeting(t.Context(), id)
				require.NoError(t, err)
				require.NoError(t, g.EndMeeting(t.Context(), id, ""))
			}
			require.NoError(t, g.Close(t.Context()))
			assert.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
			assert.Contains(t, log.String(), "cache failed")
			assert.NotContains(t, log.String(), "hunter2")
		})
	}
}

// That a caller has gone says nothing about the server.
func TestCallersWhoHaveGone(t *testing.T) {
	t.Parallel()
	cache := open(t, "redis://"+silentPort(t), rediscache.WithTimeout(time.Minute))
	for range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		_, _, err := cache.Get(ctx, "k")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, rediscache.ErrUnavailable)
		cancel()
		_, _, err = cache.Get(ctx, "k")
		require.Error(t, err)
	}
}
