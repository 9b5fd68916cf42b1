package bbb_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// joined creates a meeting on the server and joins it.
func joined(t *testing.T, s *bbb.Server) *bbb.Attendee {
	t.Helper()
	m, err := s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "room", Name: "Room"})
	require.NoError(t, err)
	a, err := m.Join(t.Context(), bbb.JoinParams{FullName: "Zoë", Role: bbb.RoleModerator})
	require.NoError(t, err)
	return a
}

// lastCookie is the Cookie header of the last request.
func lastCookie(t *testing.T, fake *bbbtest.Server) string {
	t.Helper()
	requests := fake.Requests()
	require.NotEmpty(t, requests)
	return requests[len(requests)-1].Header.Get("Cookie")
}

// Calls with a session token need the cookie that the join set.
func TestJoinCookieIsKeptAndSent(t *testing.T) {
	t.Parallel()
	fake, other := bbbtest.New(bbbtest.WithHost("https://a.test")), bbbtest.New(bbbtest.WithHost("https://b.test"))
	network := bbbtest.NetworkOf(fake, other)
	g := wireGroup(t)
	s := wireServerAt(t, g, fake.URL(), fake.Secret(), network)
	s2 := wireServerAt(t, g, other.URL(), other.Secret(), network)

	_, err := s.Meetings(t.Context())
	require.NoError(t, err)
	assert.Empty(t, lastCookie(t, fake))
	joined(t, s)
	_, err = s.Meetings(t.Context())
	require.NoError(t, err)
	assert.Regexp(t, `^JSESSIONID=[0-9A-Z]{32}$`, lastCookie(t, fake))

	_, err = s2.Meetings(t.Context())
	require.NoError(t, err)
	assert.Empty(t, lastCookie(t, other), "the jar of another server")
	_, err = s.Version(t.Context())
	require.NoError(t, err)
	assert.NotEmpty(t, lastCookie(t, fake))
}

// Two servers of one host differ by path only. Their sessions must not mix.
func TestCookiesOfOneHostDoNotMix(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[string][]string{}
	rt := handled(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		got[r.URL.Path] = append(got[r.URL.Path], r.Header.Get("Cookie"))
		mu.Unlock()
		w.Header().Add("Set-Cookie", "JSESSIONID="+strings.Trim(r.URL.Path, "/")[:1]+"; Path=/; Secure")
		_, _ = w.Write([]byte(successAnswer))
	})
	g := wireGroup(t)
	a := wireServerAt(t, g, "https://lb.test/a", wireSecret, rt)
	b := wireServerAt(t, g, "https://lb.test/b", wireSecret, rt)
	for range 2 {
		for _, s := range []*bbb.Server{a, b} {
			_, err := s.Meetings(t.Context())
			require.NoError(t, err)
		}
	}
	assert.Equal(t, []string{"", "JSESSIONID=a"}, got["/a/bigbluebutton/api/getMeetings"])
	assert.Equal(t, []string{"", "JSESSIONID=b"}, got["/b/bigbluebutton/api/getMeetings"])
}

// A cookie marked Secure does not travel over http.
func TestSecureCookiesStayOffHTTP(t *testing.T) {
	t.Parallel()
	for scheme, want := range map[string]string{"http": "plain=1", "https": "guarded=1; plain=1"} {
		var last string
		s := wireServerAt(t, wireGroup(t), scheme+"://bbb1.test", wireSecret, handled(func(w http.ResponseWriter, r *http.Request) {
			last = r.Header.Get("Cookie")
			w.Header().Add("Set-Cookie", "guarded=1; Path=/; Secure")
			w.Header().Add("Set-Cookie", "plain=1; Path=/")
			_, _ = w.Write([]byte(successAnswer))
		}))
		for range 2 {
			_, err := s.Meetings(t.Context())
			require.NoError(t, err)
		}
		assert.Equal(t, want, last, scheme)
	}
}

// What one process joined, another one that shares its Cache can go on with.
func TestCookiesTravelThroughTheCache(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		cache := bbb.NewMemoryCache()
		fake := bbbtest.New(bbbtest.WithHost(scheme + "://a.test"))
		first := wireServerAt(t, wireGroup(t, bbb.WithCache(cache)), fake.URL(), fake.Secret(), fake.Transport())
		joined(t, first)
		_, err := first.Meetings(t.Context())
		require.NoError(t, err)
		cookie := lastCookie(t, fake)
		require.NotEmpty(t, cookie)

		second := wireServerAt(t, wireGroup(t, bbb.WithCache(cache)), fake.URL(), fake.Secret(), fake.Transport())
		_, err = second.Version(t.Context())
		require.NoError(t, err)
		assert.Equal(t, cookie, lastCookie(t, fake), scheme)
		assert.Len(t, second.CachedMeetings(t.Context()), 1, "and its meetings, without asking")

		stranger := wireServerAt(t, wireGroup(t), fake.URL(), fake.Secret(), fake.Transport())
		_, err = stranger.Version(t.Context())
		require.NoError(t, err)
		assert.Empty(t, lastCookie(t, fake), "a group with a cache of its own")
	}
}

// A cookie that the server takes back is gone for everybody.
func TestDeletedCookieIsNotRestored(t *testing.T) {
	t.Parallel()
	cache := bbb.NewMemoryCache()
	set := "JSESSIONID=1; Path=/"
	var last string
	rt := handled(func(w http.ResponseWriter, r *http.Request) {
		last = r.Header.Get("Cookie")
		w.Header().Add("Set-Cookie", set)
		w.Header().Add("Set-Cookie", "other=2; Path=/")
		_, _ = w.Write([]byte(successAnswer))
	})
	s := wireServerAt(t, wireGroup(t, bbb.WithCache(cache)), "https://bbb1.test", wireSecret, rt)
	require.NoError(t, s.Refresh(t.Context()))
	set = "JSESSIONID=; Path=/; Max-Age=0"
	require.NoError(t, s.Refresh(t.Context()))
	assert.Equal(t, "JSESSIONID=1; other=2", last)

	s = wireServerAt(t, wireGroup(t, bbb.WithCache(cache)), "https://bbb1.test", wireSecret, rt)
	require.NoError(t, s.Refresh(t.Context()))
	assert.Equal(t, "other=2", last)
}

// What stands in a shared cache may have been written by anybody.
func TestDamagedCacheContentsAreIgnored(t *testing.T) {
	t.Parallel()
	for _, garbage := range []string{"", "\n\n", "no cookie", "\x00", "=\n;;", "<saved><meetings>"} {
		cache := &stubCache{get: func(string) ([]byte, bool, error) { return []byte(garbage), true, nil }}
		fake := bbbtest.New()
		s := wireServerAt(t, wireGroup(t, bbb.WithCache(cache)), fake.URL(), fake.Secret(), fake.Transport())
		_, err := s.Meetings(t.Context())
		require.NoError(t, err, "%q", garbage)
		assert.Empty(t, lastCookie(t, fake))
	}
}

// A join through a load balancer gets cookies of the server behind it. They are
// of that server, and another process would send them to the wrong one.
func TestCookiesOfAnotherHostAreNotShared(t *testing.T) {
	t.Parallel()
	cache := bbb.NewMemoryCache()
	var seen []string
	rt := handled(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.Host+" "+r.Header.Get("Cookie"))
		w.Header().Add("Set-Cookie", "JSESSIONID="+r.URL.Host+"; Path=/")
		if r.URL.Host == "bbb1.test" && strings.HasSuffix(r.URL.Path, "/join") {
			w.Header().Set("Location", "https://behind.test/bigbluebutton/api/join?checksum=x")
			w.WriteHeader(http.StatusFound)
			return
		}
		_, _ = w.Write([]byte(successAnswer))
	})
	s := wireServerAt(t, wireGroup(t, bbb.WithCache(cache)), "https://bbb1.test", wireSecret, rt)
	for range 2 {
		_, err := s.Join(t.Context(), zoe())
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"bbb1.test ", "behind.test ", "bbb1.test JSESSIONID=bbb1.test", "behind.test JSESSIONID=behind.test"}, seen)

	s = wireServerAt(t, wireGroup(t, bbb.WithCache(cache)), "https://bbb1.test", wireSecret, rt)
	_, err := s.Version(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "bbb1.test JSESSIONID=bbb1.test", seen[4])
}
