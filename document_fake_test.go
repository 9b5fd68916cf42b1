package bbb_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// From the create to the meeting, through a server that was written apart.
func TestDocumentsOnAServer(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{
		MeetingID: "physics", Name: "Physics", ClientSettingsOverride: json.RawMessage(`{"public":{}}`),
		Documents: []bbb.Document{
			{Name: "é <1>.pdf", Content: strings.NewReader("one"), Downloadable: new(true)},
			{URL: "https://a.example/2?x=1&y=2", Filename: "2.pdf", Current: new(true), Removable: new(false)},
		},
	})
	require.NoError(t, err)
	fake := holder(t, fakes, "physics")
	insert := func(doc bbb.Document) error { return noted(t, g.InsertDocuments(t.Context(), "physics", doc)) }
	require.NoError(t, insert(bbb.Document{Name: "3.txt", Content: onceReader{strings.NewReader("three")}}))
	require.NoError(t, m.InsertDocuments(t.Context(), bbb.Document{URL: "https://a.example/4.pdf"}))
	on, ok := fake.Meeting("physics")
	require.True(t, ok)
	encoded := base64.StdEncoding.EncodeToString
	for i, want := range []bbbtest.Document{
		{Name: "é <1>.pdf", Content: encoded([]byte("one")), Downloadable: true, Removable: true},
		{URL: "https://a.example/2?x=1&y=2", Name: "2.pdf"},
		{Name: "3.txt", Content: encoded([]byte("three")), Removable: true},
		{URL: "https://a.example/4.pdf", Current: true, Removable: true},
	} {
		require.Greater(t, len(on.Documents), i)
		got := on.Documents[i]
		got.Size, got.SHA256 = 0, "" // follow from the content
		assert.Equal(t, want, got)
	}

	// The meeting exists: its documents stay what they are.
	again, err := g.CreateMeeting(t.Context(), bbb.CreateParams{
		MeetingID: "physics", Name: "Physics", Documents: []bbb.Document{{URL: "https://a.example/5.pdf"}},
	})
	require.NoError(t, err)
	assert.True(t, again.Existed())
	on, _ = fake.Meeting("physics")
	assert.Len(t, on.Documents, 4)

	require.NoError(t, m.End(t.Context()))
	fake.EndMeeting("physics") // a server takes its time
	require.ErrorIs(t, insert(bbb.Document{URL: "https://a.example/5.pdf"}), bbb.ErrMeetingNotFound)
	require.ErrorIs(t, m.InsertDocuments(t.Context(), bbb.Document{URL: "https://a.example/5.pdf"}), bbb.ErrMeetingNotFound)
	require.ErrorIs(t, m.SendChat(t.Context(), bbb.ChatMessage{Text: "x"}), bbb.ErrMeetingNotFound)
}

func TestDocumentsAreSwitchedOff(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1)
	m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", DisabledFeatures: []bbb.Feature{"presentation"}})
	require.NoError(t, err)
	err = noted(t, m.InsertDocuments(t.Context(), bbb.Document{URL: "https://a.example/5.pdf"}))
	require.EqualError(t, err, "bbb: insertDocument on bbb1: Presentation feature is disabled, ignoring.")
}

func TestChatAndSessionOnServersOfAllReleases(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.4", "2.7", "3.0", "4.0"} {
		g := newGroupOf(t, []*bbbtest.Server{newFake(t, "bbb1", bbbtest.WithVersion(version))})
		m := create(t, g, "physics")
		newer := version >= "3.0"
		is := func(err error, there bool, call string) {
			t.Helper()
			if there {
				require.NoError(t, noted(t, err), "%s on %s", call, version)
			} else {
				require.ErrorIs(t, noted(t, err), bbb.ErrNotSupported, "%s on %s", call, version)
			}
		}
		is(g.SendChatMessage(t.Context(), "physics", bbb.ChatMessage{Text: "Hello"}), newer, "chat")
		a, err := m.Join(t.Context(), bbb.JoinParams{FullName: "Ada", Role: bbb.RoleModerator})
		require.NoError(t, err)
		link, err := a.Session.JoinURL(t.Context(), bbb.SessionURLParams{})
		is(err, newer, "getJoinUrl")
		assert.Equal(t, newer, strings.Contains(link, "/bigbluebutton/api/join?"))
		_, err = a.Session.STUN(t.Context())
		is(err, true, "stuns")
		in, err := a.Session.Enter(t.Context())
		is(err, !newer, "enter")
		if err == nil {
			assert.Equal(t, "Ada", in.FullName)
		}
		lobby, err := a.Session.GuestWait(t.Context())
		is(err, !newer, "guestWait")
		if err == nil {
			assert.Equal(t, bbb.GuestAllow, lobby.Status)
		}
		is(a.Session.SignOut(t.Context()), true, "signOut")
	}
}
