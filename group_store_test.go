package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A process that starts on a Cache that another one has filled needs no request to
// know what that one knew: where the meetings are, however they became known, how
// they are, and the cookies of the servers.
func TestWarmStart(t *testing.T) {
	t.Parallel()
	// In a bubble saving takes no time, so that no save is left to a later call.
	synctest.Test(t, func(t *testing.T) {
		cache := bbb.NewMemoryCache()
		a, fakes := newGroup(t, 3, bbb.WithCache(cache))
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "foreign", Meta: map[string]string{"topic": "waves"}})
		attend(t, fakes[0], "foreign")
		create(t, a, "physics")
		_, err := a.Join(t.Context(), bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleModerator})
		require.NoError(t, err)
		want, err := a.Meetings(t.Context())
		require.NoError(t, err)
		require.Len(t, want, 2)
		quiet(fakes)

		join := func(id string) bbb.JoinParams {
			return bbb.JoinParams{MeetingID: id, FullName: "Ada", Role: bbb.RoleViewer}
		}
		for name, first := range map[string]func(*bbb.Group){
			"cached meetings": func(b *bbb.Group) {
				got := b.CachedMeetings(t.Context())
				require.Equal(t, ids(want), ids(got))
				for i := range want {
					g, w := *got[i], *want[i]
					assert.Equal(t, w.Server().Name(), g.Server().Name())
					assert.NotSame(t, w.Server(), g.Server(), "they belong to the new group")
					assert.Equal(t, w.Attendees, g.Attendees)
					assert.Equal(t, w.Metadata, g.Metadata)
					assert.Equal(t, w.ModeratorPW, g.ModeratorPW)
					assert.Equal(t, w.InternalID, g.InternalID)
					assert.Equal(t, w.CreateTime.UnixMilli(), g.CreateTime.UnixMilli())
				}
			},
			"a meeting that was created": func(b *bbb.Group) {
				_, err := b.JoinURL(t.Context(), join("physics"))
				require.NoError(t, noted(t, err))
			},
			"a meeting that was only seen": func(b *bbb.Group) {
				raw, err := b.JoinURL(t.Context(), join("foreign"))
				require.NoError(t, noted(t, err))
				assert.True(t, strings.HasPrefix(raw, fakes[0].URL()))
			},
		} {
			b := newGroupOf(t, fakes, bbb.WithCache(cache))
			first(b)
			assert.Zero(t, requests(fakes, "*"), name)
			if name == "cached meetings" {
				assert.Empty(t, newGroupOf(t, fakes).CachedMeetings(t.Context()), "without the cache there is nothing")
			}
		}

		b := newGroupOf(t, fakes, bbb.WithCache(cache))
		_, err = b.Meeting(t.Context(), "physics")
		require.NoError(t, err)
		held := holder(t, fakes, "physics")
		all := held.Requests()
		require.Len(t, all, 1)
		assert.Contains(t, all[0].Header.Get("Cookie"), "JSESSIONID=", "the session goes on")

		other, err := bbb.NewGroup("another school", bbb.WithCache(cache), bbb.WithTransport(bbbtest.NetworkOf(fakes...)), bbb.WithLogger(suite.logger(t)))
		require.NoError(t, err)
		defer func() { require.NoError(t, other.Close(context.Background())) }()
		addServer(t, other, fakes[0])
		assert.Empty(t, other.CachedMeetings(t.Context()), "groups of other names keep to themselves")
	})
}

func TestCorruptCacheIsIgnored(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"garbage": "\x00\xff garbage", "empty": "", "half": "<saved><asked>12</asked><meetings><meeting>", "of something else": "<response></response>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cache := bbb.NewMemoryCache()
			a, fakes := newGroup(t, 1, bbb.WithCache(cache))
			create(t, a, "physics")
			require.NoError(t, a.Refresh(t.Context()))
			base := "http%3A%2F%2Fbbb1.test%2Fbigbluebutton%2Fapi"
			for _, key := range []string{"place:physics", "meetings:" + base, "cookies:" + base} {
				_, there, err := cache.Get(t.Context(), "bbb:school:"+key)
				require.NoError(t, err)
				assert.True(t, there || strings.HasPrefix(key, "cookies"), "%s is what the group uses", key)
				require.NoError(t, cache.Set(t.Context(), "bbb:school:"+key, []byte(content), time.Hour))
			}
			opt, log := logged(t)
			b := newGroupOf(t, fakes, bbb.WithCache(cache), opt)
			assert.Empty(t, b.CachedMeetings(t.Context()))
			lines := log.with("cache failed")
			require.Len(t, lines, 1)
			assert.Equal(t, "WARN", lines[0]["level"])
			assert.Equal(t, "restore", lines[0]["operation"])

			m, err := b.Meeting(t.Context(), "physics")
			require.NoError(t, noted(t, err))
			assert.Equal(t, "bbb1", m.Server().Name())
			assert.True(t, create(t, b, "physics").Existed())
		})
	}
}

// badCache fails or hangs.
type badCache struct{ hang bool }

var errCacheDown = errors.New("the cache is down")

func (c badCache) fail(ctx context.Context) error {
	if !c.hang {
		return errCacheDown
	}
	<-ctx.Done()
	return ctx.Err()
}

func (c badCache) Get(ctx context.Context, _ string) ([]byte, bool, error) {
	return nil, true, c.fail(ctx)
}

func (c badCache) Set(ctx context.Context, _ string, _ []byte, _ time.Duration) error {
	return c.fail(ctx)
}

func (c badCache) Add(ctx context.Context, _ string, _ []byte, _ time.Duration) (bool, error) {
	return false, c.fail(ctx)
}

func (c badCache) Delete(ctx context.Context, _ string) error { return c.fail(ctx) }

func TestBadCacheFailsNoCall(t *testing.T) {
	t.Parallel()
	for name, hang := range map[string]bool{"fails": false, "hangs": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opt, log := logged(t)
				g, fakes := newGroup(t, 20, bbb.WithCache(badCache{hang}), opt)
				start := time.Now()
				within := func(d time.Duration, what string) {
					t.Helper()
					if !hang {
						d = 0
					}
					assert.LessOrEqual(t, time.Since(start), d, what)
					start = time.Now()
				}
				g.CachedMeetings(t.Context())
				within(500*time.Millisecond, "not once per server")
				m := create(t, g, "physics")
				within(5*time.Second, "create")
				_, err := g.Meeting(t.Context(), "physics")
				require.NoError(t, err)
				within(time.Second, "meeting")
				list, err := g.Meetings(t.Context())
				require.NoError(t, err)
				assert.Equal(t, []string{"physics"}, ids(list))
				within(time.Second, "meetings")
				_, err = g.JoinURL(t.Context(), bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleViewer})
				require.NoError(t, err)
				within(0, "what is known needs no cache")
				_, err = g.Join(t.Context(), bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleViewer})
				require.NoError(t, err)
				within(time.Second, "join")
				assert.True(t, create(t, g, "physics").Existed())
				within(5*time.Second, "repeated create")
				_, err = g.Meeting(t.Context(), "chemistry")
				require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
				require.NoError(t, m.End(t.Context()))
				require.NoError(t, g.EndMeeting(t.Context(), "physics", ""))
				assert.Empty(t, holders(fakes, "physics"))
				lines := log.with("cache failed")
				require.Len(t, lines, 1, "of all that failed")
				assert.Equal(t, "WARN", lines[0]["level"])
				assert.Equal(t, "get", lines[0]["operation"])
			})
		})
	}
}

// A save that takes long leaves the next ones to a later call, so that a slow cache
// does not slow down a busy group.
func TestSlowCacheIsSpared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := &countingCache{Cache: bbb.NewMemoryCache(), latency: 100 * time.Millisecond}
		g, _ := newGroup(t, 1, bbb.WithCache(cache))
		for range 50 {
			require.NoError(t, g.Refresh(t.Context()))
		}
		assert.LessOrEqual(t, cache.sets, 2)
		wait(t, 3*time.Second)
		before := cache.sets
		require.NoError(t, g.Refresh(t.Context()))
		assert.Equal(t, before+1, cache.sets, "but not for ever")
	})
}

type countingCache struct {
	bbb.Cache
	latency time.Duration
	sets    int
}

func (c *countingCache) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	c.sets++
	<-time.After(c.latency)
	return c.Cache.Set(ctx, key, value, ttl)
}

// Names and IDs of any kind make proper keys, and long ones short ones.
func TestCacheKeys(t *testing.T) {
	t.Parallel()
	cache := &keys{Cache: bbb.NewMemoryCache()}
	g, err := bbb.NewGroup("Schule: Größe & Co", bbb.WithCache(cache), bbb.WithTransport(bbbtest.NetworkOf(newFakes(t, 1)...)),
		bbb.WithLogger(suite.logger(t)))
	require.NoError(t, err)
	defer func() { require.NoError(t, g.Close(context.Background())) }()
	fake := newFake(t, "solo")
	_, err = g.New("solo", fake.URL(), fake.Secret(), bbb.WithTransport(fake.Transport()))
	require.NoError(t, err)
	for _, id := range []string{"räume/ 7:b", strings.Repeat("ü", 200), strings.Repeat("ü", 199) + "x"} {
		create(t, g, id)
	}
	for key := range cache.seen {
		assert.Regexp(t, `^[!-~]{1,600}$`, key)
	}
	places := 0
	for key := range cache.seen {
		if strings.Contains(key, ":place:") {
			places++
		}
	}
	assert.Equal(t, 3, places, "long IDs stay apart: %v", fmt.Sprint(len(cache.seen)))
}

type keys struct {
	bbb.Cache
	seen map[string]bool
}

func (k *keys) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if k.seen == nil {
		k.seen = make(map[string]bool)
	}
	k.seen[key] = true
	return k.Cache.Set(ctx, key, value, ttl)
}
