package bbb_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readEvents(t testing.TB, file string) []bbb.Event {
	t.Helper()
	text, err := os.ReadFile("testdata/events/" + file)
	require.NoError(t, err)
	events, err := bbb.ParseEvents(text)
	require.NoError(t, err)
	return events
}

// named returns the one event of that name.
func named(t testing.TB, events []bbb.Event, name bbb.EventName) bbb.Event {
	t.Helper()
	var found []bbb.Event
	for _, e := range events {
		if e.Name == name {
			found = append(found, e)
		}
	}
	require.Len(t, found, 1, name)
	return found[0]
}

var (
	eventMeeting = bbb.EventMeeting{InternalID: "3b19aa0d5e2c4a9be6a9c3a3a1f2a4d2c7e51b7e-1700000000000", ExternalID: "physics"}
	eventUser    = bbb.EventUser{InternalID: "w_abc123def456", ExternalID: "ada"}
	eventTime    = time.UnixMilli(1700000100123).UTC()
)

func TestEventsOfWebhooks3(t *testing.T) {
	t.Parallel()
	events := readEvents(t, "webhooks-3.json")
	tested := make(map[bbb.EventName]bool)
	for name, want := range map[bbb.EventName]any{
		bbb.EventMeetingCreated: &bbb.MeetingCreated{
			Name: `Physics "one" 🎓`, IsBreakout: true, ParentID: "parent-1", Duration: 90 * time.Minute,
			CreateTime: time.UnixMilli(1700000000000).UTC(), CreateDate: "Tue Nov 14 22:13:20 UTC 2023",
			ModeratorPW: "mp-hush-hush", AttendeePW: "ap-hush-hush", Record: true, VoiceBridge: "71234", DialNumber: "+1 555",
			MaxUsers: 25, Metadata: map[string]string{"course": "physics", "year": "2023"},
			AudioBridge: "bbb-webrtc-sfu", CameraBridge: "livekit", ScreenShareBridge: "livekit",
		},
		bbb.EventMeetingEnded:              &bbb.MeetingEnded{},
		bbb.EventMeetingRecordingStarted:   &bbb.MeetingRecording{Started: true},
		bbb.EventMeetingRecordingStopped:   &bbb.MeetingRecording{},
		bbb.EventMeetingRecordingUnhandled: &bbb.MeetingRecording{},
		bbb.EventScreenshareStarted:        &bbb.Screenshare{Started: true, User: eventUser},
		bbb.EventScreenshareStopped:        &bbb.Screenshare{User: eventUser},
		bbb.EventPresentationChanged:       &bbb.PresentationChanged{PresentationID: "d2d9a672040fbde2a47a10bf6c37b6a4b5ae187f-1700000000500"},
		bbb.EventUserJoined: &bbb.UserJoined{
			User: eventUser, Name: "Ada", Role: bbb.RoleModerator, Presenter: true, Guest: true,
			UserData:  map[string]string{"bbb_skip_check_audio": "true", "n": "1"},
			IPAddress: "192.0.2.1", UserAgent: "Mozilla/5.0", Referer: "https://portal.example/room", SessionToken: "token-hush-hush",
		},
		bbb.EventUserLeft:                &bbb.UserLeft{User: eventUser, Guest: true},
		bbb.EventUserVoiceEnabled:        &bbb.UserAudio{User: eventUser, SharingMic: true, Muted: true},
		bbb.EventUserVoiceDisabled:       &bbb.UserAudio{User: eventUser, Muted: true},
		bbb.EventUserMuted:               &bbb.UserAudio{User: eventUser, Muted: true},
		bbb.EventUserUnmuted:             &bbb.UserAudio{User: eventUser},
		bbb.EventUserAudioUnhandled:      &bbb.UserAudio{User: eventUser},
		bbb.EventUserCamStarted:          &bbb.UserCamera{User: eventUser, Started: true, Stream: "w_abc-cam"},
		bbb.EventUserCamEnded:            &bbb.UserCamera{User: eventUser, Stream: "w_abc-cam"},
		bbb.EventUserPresenterAssigned:   &bbb.UserPresenter{User: eventUser, Assigned: true},
		bbb.EventUserPresenterUnassigned: &bbb.UserPresenter{User: eventUser},
		bbb.EventUserEmojiChanged:        &bbb.UserEmoji{User: eventUser, Emoji: "raiseHand"},
		bbb.EventUserRaiseHandChanged:    &bbb.UserRaiseHand{User: eventUser, Raised: true},
		bbb.EventChatMessageSent: &bbb.ChatMessageSent{
			ChatID: "MAIN-PUBLIC-GROUP-CHAT", ID: "1700000100123-abc", Message: "a/b <b>\u2028 \"q\"",
			Time: time.UnixMilli(1700000100100).UTC(), Sender: eventUser, SenderName: "Ada",
		},
		bbb.EventPadContent: &bbb.PadContent{ID: "g.abc$notes", ExternalID: "notes", Rev: 4, Start: 1, End: 9, Text: "Hello"},
		bbb.EventPollStarted: &bbb.PollStarted{
			User: eventUser, ID: "p1", Question: "Yes?", Answers: []bbb.PollAnswer{{ID: "0", Text: "Yes"}, {ID: "1", Text: "No"}},
		},
		bbb.EventPollResponded:     &bbb.PollResponded{User: eventUser, ID: "p1", AnswerIDs: []string{"0", "1"}},
		bbb.EventTranscriptUpdated: &bbb.TranscriptUpdated{User: eventUser, ID: "t1", Text: "so it goes", Locale: "en-US", Final: true},
		bbb.EventArchiveStarted:    &bbb.RecordingStep{RecordID: eventMeeting.InternalID, Step: "archive"},
		bbb.EventProcessStarted:    &bbb.RecordingStep{RecordID: eventMeeting.InternalID, Step: "process", Workflow: "presentation"},
		bbb.EventArchiveEnded: &bbb.RecordingStep{
			RecordID: eventMeeting.InternalID, Step: "archive", Ended: true, Success: true, Took: 1234 * time.Millisecond,
			Workflow: "presentation", Recorded: true, Duration: 65 * time.Second,
		},
		bbb.EventPublishEnded: &bbb.RecordingStep{
			RecordID: eventMeeting.InternalID, Step: "publish", Ended: true, Success: true, Took: 1234 * time.Millisecond, Workflow: "presentation",
			Recording: &bbb.PublishedRecording{
				Name: "Physics", StartTime: time.UnixMilli(1700000000000).UTC(), EndTime: time.UnixMilli(1700000065000).UTC(),
				Size: 1 << 20, RawSize: 4 << 20, Metadata: map[string]string{"course": "physics"},
				Playback: bbb.PublishedPlayback{
					Format: "presentation", Link: "https://bbb1.example/playback/presentation/2.3/3b19",
					ProcessingTime: 4321 * time.Millisecond, Duration: 65 * time.Second, Size: 512 << 10,
					Extensions: json.RawMessage(`{"preview":{"images":[]}}`),
				},
				Download: json.RawMessage(`{}`),
			},
		},
		bbb.EventRecordingPublished:   &bbb.RecordingChanged{RecordID: "r1"},
		bbb.EventRecordingUnpublished: &bbb.RecordingChanged{RecordID: "r1"},
		bbb.EventRecordingDeleted:     &bbb.RecordingChanged{RecordID: "r1", Format: "presentation"},
	} {
		e := named(t, events, name)
		tested[name] = true
		assert.True(t, reflect.DeepEqual(want, e.Data), "%s: want %s, got %s", name, plain(want), plain(e.Data))
	}
	for _, e := range events {
		assert.Equal(t, eventMeeting, e.Meeting, e.Name)
		assert.Equal(t, eventTime, e.Time, e.Name)
		assert.NotNil(t, e.Data, e.Name)
		assert.True(t, json.Valid(e.Raw))
		assert.Nil(t, e.Server())
		if !tested[e.Name] {
			assert.IsType(t, &bbb.RecordingStep{}, e.Data, e.Name)
			step := e.Data.(*bbb.RecordingStep)
			assert.Equal(t, string(e.Name), "rap-"+step.Step+map[bool]string{true: "-ended", false: "-started"}[step.Ended])
		}
	}
	assert.Len(t, events, 43, "all that are documented")
}

// plain shows all fields, also of types that hide some.
func plain(x any) string {
	v := reflect.ValueOf(x).Elem()
	var b strings.Builder
	for i := range v.NumField() {
		fmt.Fprintf(&b, "%s=%#v ", v.Type().Field(i).Name, v.Field(i).Interface())
	}
	return b.String()
}

// Releases 2.x leave out, or spell otherwise, part of what 3.x sends.
func TestEventsOfWebhooks2(t *testing.T) {
	t.Parallel()
	events := readEvents(t, "webhooks-2.json")
	created := named(t, events, bbb.EventMeetingCreated).Data.(*bbb.MeetingCreated)
	assert.Equal(t, "Physics", created.Name)
	assert.Zero(t, created.Duration)
	assert.Empty(t, created.Metadata)
	assert.Equal(t, &bbb.Screenshare{Started: true}, named(t, events, bbb.EventScreenshareStarted).Data)
	assert.Equal(t, bbb.RoleViewer, named(t, events, bbb.EventUserJoined).Data.(*bbb.UserJoined).Role)
	assert.Equal(t, &bbb.UserAudio{User: eventUser, ListeningOnly: true}, named(t, events, bbb.EventUserVoiceEnabled).Data)
	assert.Equal(t, &bbb.UserAudio{User: eventUser, ListeningOnly: true}, named(t, events, bbb.EventUserListenOnlyEnabled).Data)
	assert.Equal(t, &bbb.UserAudio{User: eventUser}, named(t, events, bbb.EventUserListenOnlyDisabled).Data)
	assert.Equal(t, &bbb.UserEmoji{User: eventUser}, named(t, events, bbb.EventUserEmojiChanged).Data)
	assert.Equal(t, &bbb.UserRaiseHand{User: eventUser, Raised: true}, named(t, events, bbb.EventUserRaiseHandChanged).Data, "raiseHand")
	chat := named(t, events, bbb.EventChatMessageSent).Data.(*bbb.ChatMessageSent)
	assert.Equal(t, "Ada", chat.Sender.ExternalID, "these releases write the name there")
	assert.Equal(t, -2*time.Hour, chat.TimezoneOffset)
	assert.Equal(t, time.UnixMilli(1700000100100).UTC(), chat.Time, "a number in quotes")
	late := named(t, events, bbb.EventPublishEnded)
	assert.Empty(t, late.Meeting.ExternalID, "null")
	assert.Equal(t, eventMeeting.InternalID, late.Meeting.InternalID)
	assert.Nil(t, late.Data.(*bbb.RecordingStep).Recording)
	assert.Contains(t, late.String(), eventMeeting.InternalID)
	lost := named(t, events, bbb.EventArchiveStarted)
	assert.Equal(t, bbb.EventMeeting{}, lost.Meeting)
	assert.True(t, lost.Time.IsZero())
}

func TestRawMessages(t *testing.T) {
	t.Parallel()
	events := readEvents(t, "raw.json")
	assert.Equal(t, bbb.EventName("UserJoinedMeetingEvtMsg"), events[0].Name)
	assert.Equal(t, eventMeeting.InternalID, events[0].Meeting.InternalID)
	assert.Equal(t, eventTime, events[0].Time)
	assert.Nil(t, events[0].Data)
	assert.Contains(t, string(events[0].Raw), `"intId":"w_abc"`)
	assert.Equal(t, bbb.EventName("SystemEvtMsg"), events[1].Name, "by its envelope")
}

func TestOddEvents(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "null", "1", `"x"`, "{", "[", "[}", `{"data":`} {
		_, err := bbb.ParseEvents([]byte(text))
		assert.Error(t, err, text)
	}
	events, err := bbb.ParseEvents([]byte("[]"))
	require.NoError(t, err)
	assert.Empty(t, events)

	one, err := bbb.ParseEvents([]byte(` {"data":{"id":"meeting-ended","attributes":{}}} `))
	require.NoError(t, err)
	require.Len(t, one, 1, "without the brackets")
	assert.Equal(t, &bbb.MeetingEnded{}, one[0].Data)

	// Whatever is in the list is an event, so that nothing is lost.
	events, err = bbb.ParseEvents([]byte(`[null, 1, "x", [], {}, {"data":[]}, {"data":{"id":7}}, {"data":{"id":"brand-new","attributes":{"a":1}}},
		{"data":{"id":"user-joined"}}]`))
	require.NoError(t, err)
	require.Len(t, events, 9)
	for _, e := range events {
		assert.Nil(t, e.Data)
		assert.NotEmpty(t, e.Raw)
	}
	assert.Equal(t, bbb.EventName("7"), events[6].Name)
	assert.Equal(t, bbb.EventName("brand-new"), events[7].Name)

	// A value of another kind does not cost the others.
	events, err = bbb.ParseEvents([]byte(`[
		{"data":{"id":"user-joined","attributes":{"user":{"name":["x"],"role":1,"presenter":"TRUE","internal-user-id":7,"userdata":{"a":{"b":1},"c":null}}},"event":{"ts":"2023-11-14T22:15:00Z"}}},
		{"data":{"id":"meeting-created","attributes":{"meeting":{"duration":"90","max-users":1.9e1,"record":null,"create-time":"x","name":{}}},"event":{"ts":1e99}}},
		{"data":{"id":"poll-started","attributes":{"poll":{"answers":["Yes","No"]}}}},
		{"data":{"id":"poll-responded","attributes":{"poll":{"answerIds":"x"}}}},
		{"data":{"id":"rap-archive-ended","attributes":{"step-time":9223372036854775807,"recording":[]}}}
	]`))
	require.NoError(t, err)
	joined := events[0].Data.(*bbb.UserJoined)
	assert.Empty(t, joined.Name)
	assert.Equal(t, bbb.Role("1"), joined.Role)
	assert.True(t, joined.Presenter)
	assert.Equal(t, "7", joined.User.InternalID)
	assert.Equal(t, map[string]string{"a": `{"b":1}`, "c": ""}, joined.UserData)
	assert.Equal(t, time.Date(2023, 11, 14, 22, 15, 0, 0, time.UTC), events[0].Time)
	created := events[1].Data.(*bbb.MeetingCreated)
	assert.Equal(t, 90*time.Minute, created.Duration)
	assert.Equal(t, 19, created.MaxUsers)
	assert.True(t, created.CreateTime.IsZero())
	assert.True(t, events[1].Time.IsZero())
	assert.Equal(t, []bbb.PollAnswer{{Text: "Yes"}, {Text: "No"}}, events[2].Data.(*bbb.PollStarted).Answers)
	assert.Nil(t, events[3].Data.(*bbb.PollResponded).AnswerIDs)
	assert.Zero(t, events[4].Data.(*bbb.RecordingStep).Took)
}

// Passwords and tokens come with some events. No way of printing shows them.
func TestEventsHideSecrets(t *testing.T) {
	t.Parallel()
	for _, e := range readEvents(t, "webhooks-3.json") {
		text := e.String() + e.GoString() + e.LogValue().String()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			text += fmt.Sprintf(verb, e) + fmt.Sprintf(verb, &e) + fmt.Sprintf(verb, []bbb.Event{e}) + fmt.Sprintf(verb, e.Data)
			switch data := e.Data.(type) {
			case *bbb.MeetingCreated:
				text += fmt.Sprintf(verb, *data) + data.GoString() + data.LogValue().String()
			case *bbb.UserJoined:
				text += fmt.Sprintf(verb, *data) + data.GoString() + data.LogValue().String()
			}
		}
		encoded, err := json.Marshal(e)
		require.NoError(t, err)
		assert.NotContains(t, text+string(encoded), "hush-hush", e.Name)
	}
}

func FuzzEvent(f *testing.F) {
	for _, file := range []string{"webhooks-2.json", "webhooks-3.json", "raw.json"} {
		text, err := os.ReadFile("testdata/events/" + file)
		require.NoError(f, err)
		var list []json.RawMessage
		require.NoError(f, json.Unmarshal(text, &list))
		for _, one := range list {
			f.Add([]byte(one))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		events, err := bbb.ParseEvents(text)
		if err != nil {
			require.Empty(t, events)
			return
		}
		// What was read is what stands there: once more, out of Raw.
		for _, e := range events {
			_ = fmt.Sprint(e, e.Data)
			if len(e.Raw) == 0 || e.Raw[0] != '{' {
				require.Nil(t, e.Data)
				continue
			}
			again, err := bbb.ParseEvents(e.Raw)
			require.NoError(t, err)
			require.Len(t, again, 1)
			require.True(t, reflect.DeepEqual(e, again[0]))
		}
	})
}
