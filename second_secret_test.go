package bbb_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const oldSecret, newSecret = "the-old-secret", "the-new-secret"

func rollingServer(t *testing.T, fake *bbbtest.Server, opts ...bbb.ServerOption) *bbb.Server {
	t.Helper()
	return wireServerAt(t, wireGroup(t), fake.URL(), oldSecret, fake.Transport(), append([]bbb.ServerOption{bbb.WithSecondSecret(newSecret)}, opts...)...)
}

func TestSecondSecretIsUsedAndRemembered(t *testing.T) {
	t.Parallel()
	fake := bbbtest.New(bbbtest.WithSecret(oldSecret))
	s := rollingServer(t, fake)
	ask := func(requests int, why string) {
		t.Helper()
		fake.ResetRequests()
		_, err := s.Meetings(t.Context())
		require.NoError(t, err)
		assert.Equal(t, requests, fake.Count("getMeetings"), why)
	}
	ask(1, "the first secret is the server's")
	fake.SetSecret(newSecret)
	ask(2, "refused, then the second one")
	ask(1, "remembered")
	assert.True(t, bbb.Verify("join", query(t, s.URL("join", nil)), newSecret), "for URLs too")
	fake.SetSecret(oldSecret)
	ask(2, "and back")
	ask(1, "remembered again")
	assert.True(t, bbb.Verify("join", query(t, s.URL("join", nil)), oldSecret))
}

func query(t *testing.T, rawURL string) string {
	t.Helper()
	_, q, ok := strings.Cut(rawURL, "?")
	require.True(t, ok, rawURL)
	return q
}

func TestNeitherSecretIsTheServers(t *testing.T) {
	t.Parallel()
	fake := bbbtest.New(bbbtest.WithSecret("a-third-secret"))
	s := rollingServer(t, fake)
	for range 2 {
		fake.ResetRequests()
		_, err := s.Meetings(t.Context())
		require.ErrorIs(t, err, bbb.ErrChecksum)
		assert.Equal(t, 2, fake.Count("getMeetings"), "each was tried once")
	}
}

func TestWithoutSecondSecretThereIsOneTry(t *testing.T) {
	t.Parallel()
	fake := bbbtest.New(bbbtest.WithSecret("another"))
	s := wireServerAt(t, wireGroup(t), fake.URL(), oldSecret, fake.Transport())
	_, err := s.Meetings(t.Context())
	require.ErrorIs(t, err, bbb.ErrChecksum)
	assert.Equal(t, 1, fake.Count("getMeetings"))
}

// A fault in the second try says nothing about the secret: the next call begins
// with the first one again.
func TestFaultDoesNotProveTheSecondSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, fault := range map[string]bbbtest.Fault{
			"time-out": {Hang: true}, "error page": {HTML: true}, "dropped": {Drop: true}, "refused": {Refuse: true},
		} {
			fake := bbbtest.New(bbbtest.WithSecret(newSecret))
			fault.Every, fault.Times = 2, 1
			fake.Inject(fault)
			s := rollingServer(t, fake)
			_, err := s.Meetings(t.Context())
			require.Error(t, err, name)
			require.NotErrorIs(t, err, bbb.ErrChecksum, "%s: the second failure is the news", name)
			assert.True(t, bbb.Verify("join", query(t, s.URL("join", nil)), oldSecret), "%s taught us a secret", name)
			_, err = s.Meetings(t.Context())
			require.NoError(t, err, name)
			assert.True(t, bbb.Verify("join", query(t, s.URL("join", nil)), newSecret))
		}
	})
}

// All servers of a group were given a new secret at once. Each refused the old one
// before it took the new one, and so many refusals looked like an outage.
func TestRolloverOfSecretsIsNoOutage(t *testing.T) {
	t.Parallel()
	var n nurse
	fakes := newFakes(t, 5, bbbtest.WithSecret(oldSecret))
	g := newEmptyGroup(t, bbb.WithTransport(watched{bbbtest.NetworkOf(fakes...)}), n.option(t))
	for _, f := range fakes {
		addServer(t, g, f, bbb.WithSecondSecret(newSecret))
	}
	require.NoError(t, g.Refresh(t.Context()))
	for _, f := range fakes {
		f.SetSecret(newSecret)
	}
	require.NoError(t, g.Refresh(t.Context()))
	assert.Empty(t, n.suspected())
	assert.Empty(t, n.states)
	assert.Equal(t, 10, requests(fakes, "getMeetings")-len(fakes))

	for _, f := range fakes {
		f.SetSecret("a secret that nobody told us")
	}
	require.Error(t, noted(t, g.Refresh(t.Context())))
	assert.Len(t, n.suspected(), 1, "when no secret is taken, that counts")
}

// An answer that says no proves the secret as well as one that says yes.
func TestProperFailureProvesTheSecondSecret(t *testing.T) {
	t.Parallel()
	fake := bbbtest.New(bbbtest.WithSecret(newSecret))
	s := rollingServer(t, fake)
	_, err := s.Meeting(t.Context(), "no-such")
	require.ErrorIs(t, err, bbb.ErrMeetingNotFound)
	assert.Equal(t, 2, fake.Count("getMeetingInfo"))
	_, err = s.Meeting(t.Context(), "no-such")
	require.ErrorIs(t, err, bbb.ErrMeetingNotFound)
	assert.Equal(t, 3, fake.Count("getMeetingInfo"))
}

// The caller may give up between the two tries.
func TestCancelledBetweenTheTries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := bbbtest.New(bbbtest.WithSecret(newSecret))
		fake.Inject(bbbtest.Fault{Latency: time.Second})
		s := rollingServer(t, fake)
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		_, err := s.Meetings(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.True(t, bbb.Verify("join", query(t, s.URL("join", nil)), oldSecret))
	})
}

func TestSecondSecretForCreateAndJoin(t *testing.T) {
	t.Parallel()
	fake := bbbtest.New(bbbtest.WithSecret(newSecret))
	s := rollingServer(t, fake, bbb.WithMaxURLLength(256), bbb.WithFormSigning(bbb.SignForm))
	m, err := s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "room", Name: "Room", AttendeePW: "ap", ModeratorPW: "mp", Welcome: awkwardCreate().Welcome, Meta: map[string]string{"x": strings.Repeat("a-long-text-", 10)}})
	require.NoError(t, err)
	assert.Equal(t, 2, fake.Count("create"))

	fake.SetSecret(oldSecret)
	_, err = m.Join(t.Context(), bbb.JoinParams{FullName: "Zoë", Role: bbb.RoleViewer})
	require.NoError(t, err, "join tells a wrong checksum by a redirect")
	assert.Equal(t, 2, fake.Count("join"))
	held, _ := fake.Meeting("room")
	assert.Len(t, held.Attendees, 1)
}

func TestEveryAlgorithmIsUnderstood(t *testing.T) {
	t.Parallel()
	all := []bbb.Algorithm{bbb.SHA1, bbb.SHA256, bbb.SHA384, bbb.SHA512}
	for _, version := range []string{"2.4", "2.5", "2.7", "3.0"} {
		for _, a := range all {
			fake := bbbtest.New(bbbtest.WithVersion(version))
			s := wireServerAt(t, wireGroup(t), fake.URL(), fake.Secret(), fake.Transport(), bbb.WithAlgorithm(a))
			_, err := s.Meetings(t.Context())
			if version == "2.4" && (a == bbb.SHA384 || a == bbb.SHA512) {
				require.ErrorIs(t, err, bbb.ErrChecksum, "%s knows no %v", version, a)
				assert.Equal(t, 1, fake.Count("getMeetings"))
				continue
			}
			require.NoError(t, err, "%s %v", version, a)
		}
	}
	for _, a := range all {
		fake := bbbtest.New(bbbtest.WithAlgorithms(a.String()))
		for _, b := range all {
			s := wireServerAt(t, wireGroup(t), fake.URL(), fake.Secret(), fake.Transport(), bbb.WithAlgorithm(b))
			_, err := s.Meetings(t.Context())
			assert.Equal(t, a == b, err == nil, "%v where only %v is allowed", b, a)
		}
	}
}

// Given twice, the last one counts, as with any other option.
func TestSecondSecretGivenTwice(t *testing.T) {
	t.Parallel()
	fake := bbbtest.New(bbbtest.WithSecret(newSecret))
	s := wireServerAt(t, wireGroup(t), fake.URL(), oldSecret, fake.Transport(), bbb.WithSecondSecret("a-typo"), bbb.WithSecondSecret(newSecret))
	_, err := s.Meetings(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, fake.Count("getMeetings"))
}
