package bbb

import (
	"slices"
	"time"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// meetingFields are the elements of a meeting in getMeetingInfo and getMeetings,
// in the order in which servers write them. A new element is one line here and
// one field of Meeting.
var meetingFields = slices.Concat(commonFields, []xmlwire.Field[Meeting]{
	xmlwire.Trimmed("parentMeetingID", func(m *Meeting) *string { return &m.ParentID }).OmitEmpty(),
	xmlwire.Int("sequence", func(m *Meeting) *int { return &m.Sequence }).OmitEmpty(),
	xmlwire.Bool("freeJoin", func(m *Meeting) *bool { return &m.FreeJoin }).OmitEmpty(),
	// The same three stand in an element of their own on other servers...
	xmlwire.Inline("breakout", xmlwire.NewRecord(
		xmlwire.Trimmed("parentMeetingID", func(m *Meeting) *string { return &m.ParentID }),
		xmlwire.Int("sequence", func(m *Meeting) *int { return &m.Sequence }),
		xmlwire.Bool("freeJoin", func(m *Meeting) *bool { return &m.FreeJoin }),
	)).DecodeOnly(),
	// ...while in here an element of that name is the ID of a breakout room.
	breakoutRoomsField,
})

var breakoutRoomsField = xmlwire.Strings("breakoutRooms", "breakout", func(m *Meeting) *[]string { return &m.BreakoutRooms }).OmitEmpty()

// commonFields are those of meetingFields that every meeting has.
var commonFields = []xmlwire.Field[Meeting]{
	xmlwire.String("meetingName", func(m *Meeting) *string { return &m.Name }),
	xmlwire.Trimmed("meetingID", func(m *Meeting) *string { return &m.ID }),
	xmlwire.Trimmed("internalMeetingID", func(m *Meeting) *string { return &m.InternalID }),
	xmlwire.Millis("createTime", func(m *Meeting) *time.Time { return &m.CreateTime }),
	xmlwire.Trimmed("createDate", func(m *Meeting) *string { return &m.CreateDate }),
	xmlwire.Trimmed("voiceBridge", func(m *Meeting) *string { return &m.VoiceBridge }),
	xmlwire.Enum("dialNumber", func(m *Meeting) *string { return &m.DialNumber }),
	xmlwire.Trimmed("attendeePW", func(m *Meeting) *string { return &m.AttendeePW }),
	xmlwire.Trimmed("moderatorPW", func(m *Meeting) *string { return &m.ModeratorPW }),
	xmlwire.Bool("running", func(m *Meeting) *bool { return &m.Running }),
	xmlwire.Minutes("duration", func(m *Meeting) *time.Duration { return &m.Duration }),
	xmlwire.Bool("hasUserJoined", func(m *Meeting) *bool { return &m.HasUserJoined }),
	xmlwire.Bool("recording", func(m *Meeting) *bool { return &m.Recording }),
	xmlwire.Bool("hasBeenForciblyEnded", func(m *Meeting) *bool { return &m.HasBeenForciblyEnded }),
	xmlwire.Millis("startTime", func(m *Meeting) *time.Time { return &m.StartTime }),
	xmlwire.Millis("endTime", func(m *Meeting) *time.Time { return &m.EndTime }),
	xmlwire.Int("participantCount", func(m *Meeting) *int { return &m.ParticipantCount }),
	xmlwire.Int("listenerCount", func(m *Meeting) *int { return &m.ListenerCount }),
	xmlwire.Int("voiceParticipantCount", func(m *Meeting) *int { return &m.VoiceParticipantCount }),
	xmlwire.Int("videoCount", func(m *Meeting) *int { return &m.VideoCount }),
	xmlwire.Int("maxUsers", func(m *Meeting) *int { return &m.MaxUsers }),
	xmlwire.Int("moderatorCount", func(m *Meeting) *int { return &m.ModeratorCount }),
	xmlwire.List("attendees", "attendee", func(m *Meeting) *[]Attendee { return &m.Attendees }, attendeeRecord),
	xmlwire.Map("metadata", func(m *Meeting) *map[string]string { return &m.Metadata }),
	xmlwire.Bool("isBreakout", func(m *Meeting) *bool { return &m.IsBreakout }),
}

var meetingRecord = xmlwire.NewRecord(meetingFields...)

// meetingAnswer is an answer that is a meeting: to create and getMeetingInfo,
// which differ in what they leave out.
type meetingAnswer struct {
	status
	Meeting Meeting
}

var meetingRecordWithStatus = xmlwire.NewRecord(append(
	xmlwire.Lift(func(a *meetingAnswer) *status { return &a.status }, statusFields...),
	xmlwire.Lift(func(a *meetingAnswer) *Meeting { return &a.Meeting }, meetingFields...)...)...)

func (a *meetingAnswer) meeting() *Meeting {
	a.Meeting.MessageKey, a.Meeting.Message = a.Key, a.Message
	return &a.Meeting
}

type meetingsAnswer struct {
	status
	Meetings []*Meeting
	seen     *xmlwire.Seen[Meeting] // the list of the last time, and then this one; nil if that does not matter
}

var meetingsRecord = xmlwire.NewRecord(append(
	xmlwire.Lift(func(a *meetingsAnswer) *status { return &a.status }, statusFields...),
	xmlwire.SeenList("meetings", "meeting", func(a *meetingsAnswer) *[]*Meeting { return &a.Meetings },
		func(a *meetingsAnswer) **xmlwire.Seen[Meeting] { return &a.seen }, meetingRecord))...)

type runningAnswer struct {
	status
	Running bool
}

var runningRecord = xmlwire.NewRecord(append(
	xmlwire.Lift(func(a *runningAnswer) *status { return &a.status }, statusFields...),
	xmlwire.Bool("running", func(a *runningAnswer) *bool { return &a.Running }))...)
