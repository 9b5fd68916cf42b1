package bbb_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answerFile is a transport that answers with a file of testdata.
func answerFile(t *testing.T, name string) *bbb.Server {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "answers", name))
	require.NoError(t, err)
	return wireServer(t, xmlAnswer(string(body)))
}

// withoutServer returns what can be compared of a meeting: all but the server and
// the clock.
func withoutServer(m *bbb.Meeting) bbb.Meeting {
	c := bbb.Meeting{
		ID: m.ID, InternalID: m.InternalID, Name: m.Name, ParentID: m.ParentID,
		CreateTime: m.CreateTime, CreateDate: m.CreateDate, StartTime: m.StartTime, EndTime: m.EndTime,
		VoiceBridge: m.VoiceBridge, DialNumber: m.DialNumber, AttendeePW: m.AttendeePW, ModeratorPW: m.ModeratorPW,
		Running: m.Running, Recording: m.Recording, HasUserJoined: m.HasUserJoined,
		HasBeenForciblyEnded: m.HasBeenForciblyEnded, Duration: m.Duration, MaxUsers: m.MaxUsers,
		ParticipantCount: m.ParticipantCount, ListenerCount: m.ListenerCount, VoiceParticipantCount: m.VoiceParticipantCount,
		VideoCount: m.VideoCount, ModeratorCount: m.ModeratorCount, Attendees: m.Attendees, Metadata: m.Metadata,
		IsBreakout: m.IsBreakout, Sequence: m.Sequence, FreeJoin: m.FreeJoin, BreakoutRooms: m.BreakoutRooms,
		MessageKey: m.MessageKey, Message: m.Message,
	}
	return c
}

// What two readers agree on could still be wrong in both: these are the values
// as a person reads them in the file.
func TestMeetingWrittenOut(t *testing.T) {
	t.Parallel()
	m, err := answerFile(t, "getMeetingInfoSuccess-plain-3.0.xml").Meeting(t.Context(), "algebra-7b")
	require.NoError(t, err)
	assert.True(t, assert.ObjectsAreEqual(bbb.Meeting{
		ID: "algebra-7b", InternalID: "b07737e682824f02d199b9873ae00de28ab6856f-1707380047512", Name: "Algebra 7b",
		CreateTime: time.Date(2024, 2, 8, 8, 14, 7, 512e6, time.UTC), CreateDate: "Thu Feb 08 09:14:07 CET 2024",
		StartTime:   time.Date(2024, 2, 8, 8, 15, 8, 746e6, time.UTC),
		VoiceBridge: "48213", DialNumber: "+49 30 5550 100", AttendeePW: "k3wbPQ1x", ModeratorPW: "Zt9aLm4e",
		Running: true, Recording: true, HasUserJoined: true, Duration: 90 * time.Minute, MaxUsers: 30,
		ParticipantCount: 2, ListenerCount: 1, VoiceParticipantCount: 1, VideoCount: 1, ModeratorCount: 1,
		Attendees: []bbb.Attendee{
			{UserID: "teacher-17", FullName: "Dr. Änne O'Brien", Role: bbb.RoleModerator, IsPresenter: true, HasJoinedVoice: true, HasVideo: true, ClientType: "HTML5"},
			{UserID: "w_p4xq8zr1m0ta", FullName: "Zoë <3 & Co", Role: bbb.RoleViewer, IsListeningOnly: true, ClientType: "DIAL_IN"},
		},
	}, withoutServer(m)), "%#v", withoutServer(m))
}

func TestOddMeetingsWrittenOut(t *testing.T) {
	t.Parallel()
	for file, check := range map[string]func(*testing.T, *bbb.Meeting){
		"metadata-customdata": func(t *testing.T, m *bbb.Meeting) {
			assert.Equal(t, map[string]string{
				"bbb-origin": "portal", "bbb-origin-server-name": "portal.school.example",
				"endcallbackurl": "https://portal.school.example/over?id=7&k=v",
				"tenant":         "school <north> & south", "empty": "", "emptycdata": "", "server-tag": "gpu!",
			}, m.Metadata)
			require.Len(t, m.Attendees, 3)
			assert.Equal(t, map[string]string{"bbb_auto_join_audio": "true", "bbb_custom_style": "body > p { color: #fff }"}, m.Attendees[0].CustomData)
			assert.Empty(t, m.Attendees[1].CustomData)
			assert.Equal(t, m.Attendees[0].UserID, m.Attendees[1].UserID, "one user, there twice")
		},
		"breakout-flat": func(t *testing.T, m *bbb.Meeting) {
			assert.True(t, m.IsBreakout)
			assert.Equal(t, 2, m.Sequence)
			assert.True(t, m.FreeJoin)
			assert.Regexp(t, `^[0-9a-f]{40}-1707380047512$`, m.ParentID)
		},
		"breakout-nested": func(t *testing.T, m *bbb.Meeting) {
			assert.True(t, m.IsBreakout)
			assert.Equal(t, 3, m.Sequence)
			assert.False(t, m.FreeJoin)
			assert.Regexp(t, `^[0-9a-f]{40}-1707380047512$`, m.ParentID)
		},
		"breakoutParent": func(t *testing.T, m *bbb.Meeting) {
			assert.False(t, m.IsBreakout)
			assert.Equal(t, []string{"6b1e0f-1707381000001", "6b1e0f-1707381000002"}, m.BreakoutRooms)
			assert.Empty(t, m.ParentID)
		},
		"padded": func(t *testing.T, m *bbb.Meeting) {
			assert.Equal(t, "padded", m.ID)
			assert.Equal(t, "apw1", m.AttendeePW)
			assert.Equal(t, "mpw1", m.ModeratorPW)
			assert.True(t, m.Running)
			assert.Equal(t, 7, m.ParticipantCount)
			assert.Equal(t, 45*time.Minute, m.Duration)
		},
		"commaNumbers": func(t *testing.T, m *bbb.Meeting) {
			assert.Equal(t, []int{1234, 1100, 1234, 1000, 12000, 3, 1002},
				[]int{m.ParticipantCount, m.ListenerCount, m.VoiceParticipantCount, m.VideoCount, m.MaxUsers, m.ModeratorCount, m.Sequence})
		},
		"emptyNumbers": func(t *testing.T, m *bbb.Meeting) {
			assert.True(t, m.StartTime.IsZero())
			assert.True(t, m.EndTime.IsZero())
			assert.Zero(t, m.ParticipantCount)
			assert.Zero(t, m.Duration)
		},
		"nullNumbers": func(t *testing.T, m *bbb.Meeting) {
			assert.True(t, m.StartTime.IsZero(), "not 1970")
			assert.Zero(t, m.ParticipantCount)
		},
		"upperCaseBooleans": func(t *testing.T, m *bbb.Meeting) {
			assert.True(t, m.Running)
			assert.True(t, m.HasUserJoined)
			assert.False(t, m.Recording)
			assert.False(t, m.HasBeenForciblyEnded, "empty is false")
		},
		"unknownElements": func(t *testing.T, m *bbb.Meeting) {
			assert.Equal(t, "tomorrow", m.ID, "not that of an element inside another")
			assert.Equal(t, 2, m.ParticipantCount)
			assert.Len(t, m.Attendees, 2)
		},
		"cdata": func(t *testing.T, m *bbb.Meeting) {
			assert.Equal(t, "Q & A <live>", m.Name)
			assert.Equal(t, "Part & parcel", m.Attendees[0].FullName)
			assert.Equal(t, "a<b>c", m.Metadata["note"])
		},
		"bom-declaration": func(t *testing.T, m *bbb.Meeting) {
			assert.Equal(t, "Straße 東京 🎓", m.Name)
			assert.Equal(t, "名前 😀", m.Attendees[0].FullName)
		},
		"missingElements": func(t *testing.T, m *bbb.Meeting) {
			assert.Equal(t, bbb.Meeting{ID: "bare", Name: "Bare"}, withoutServer(m))
		},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			m, err := answerFile(t, "getMeetingInfoSuccess-"+file+".xml").Meeting(t.Context(), "some-id")
			require.NoError(t, err)
			check(t, m)
		})
	}
}

func TestJoinWrittenOut(t *testing.T) {
	t.Parallel()
	s := answerFile(t, "joinSuccess-3.0.xml")
	a, err := s.Join(t.Context(), bbb.JoinParams{
		MeetingID: "algebra-7b", FullName: "Zoë", Role: bbb.RoleViewer, UserID: "pupil-3", UserData: map[string]string{"bbb_x": "1"},
	})
	require.NoError(t, err)
	assert.Equal(t, "pupil-3", a.UserID)
	assert.Equal(t, "Zoë", a.FullName)
	assert.Equal(t, bbb.RoleViewer, a.Role)
	assert.Equal(t, map[string]string{"bbb_x": "1"}, a.CustomData)
	assert.Equal(t, "w_p4xq8zr1m0ta", a.Session.InternalUserID)
	assert.Equal(t, "b6k2v9d1s7yh", a.Session.AuthToken)
	assert.Equal(t, "c0n8r5t2w9x4m7qz", a.Session.SessionToken)
	assert.Equal(t, bbb.GuestAllow, a.Session.GuestStatus)
	assert.Equal(t, "https://bbb7.school.example/html5client?sessionToken=c0n8r5t2w9x4m7qz", a.Session.URL)
}

// A name that is no XML name, which users can put there, makes the answer
// unreadable for everybody. That is an error that says where, not a panic.
func TestCustomDataThatBreaksTheAnswer(t *testing.T) {
	t.Parallel()
	s := wireServer(t, xmlAnswer("<response><returncode>SUCCESS</returncode><meetingID>m1</meetingID><attendees><attendee>"+
		"<userID>u1</userID><customdata><1st>x</1st></customdata></attendee></attendees></response>"))
	_, err := s.Meeting(t.Context(), "m1")
	require.ErrorIs(t, err, bbb.ErrBadAnswer)
	assert.ErrorContains(t, err, "getMeetingInfo on bbb1")
	assert.ErrorContains(t, err, "byte 1")
}

// A server in front of others may answer without the ID that it was asked for.
func TestMeetingWithoutIDHasTheOneAskedFor(t *testing.T) {
	t.Parallel()
	s := wireServer(t, xmlAnswer("<response><returncode>SUCCESS</returncode><running>true</running></response>"))
	m, err := s.Meeting(t.Context(), "room-1")
	require.NoError(t, err)
	assert.Equal(t, "room-1", m.ID)
	m, err = s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "room-2", Name: "Room", AttendeePW: "ap", ModeratorPW: "mp"})
	require.NoError(t, err)
	assert.Equal(t, "room-2", m.ID)
}
