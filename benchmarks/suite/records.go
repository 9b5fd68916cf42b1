package main

import (
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// What follows describes meetings and recordings as the library does, to which its own
// records are private: it measures decoding without the call around it. A test compares what both read.

// meetings is an answer to getMeetings.
type meetings struct {
	Returncode string
	Meetings   []*bbb.Meeting
}

var meetingsRecord = xmlwire.NewRecord(
	xmlwire.Trimmed("returncode", func(a *meetings) *string { return &a.Returncode }),
	xmlwire.PtrList("meetings", "meeting", func(a *meetings) *[]*bbb.Meeting { return &a.Meetings }, meetingRecord),
)

// recordings is an answer to getRecordings.
type recordings struct {
	Returncode string
	Recordings []*bbb.Recording
}

var recordingsRecord = xmlwire.NewRecord(
	xmlwire.Trimmed("returncode", func(a *recordings) *string { return &a.Returncode }),
	xmlwire.PtrList("recordings", "recording", func(a *recordings) *[]*bbb.Recording { return &a.Recordings }, recordingRecord),
)

func decodeMeetings(body []byte) []*bbb.Meeting {
	var a meetings
	must(meetingsRecord.Decode(body, "response", &a, xmlwire.Limits{}))
	return a.Meetings
}

func decodeRecordings(body []byte) []*bbb.Recording {
	var a recordings
	must(recordingsRecord.Decode(body, "response", &a, xmlwire.Limits{}))
	return a.Recordings
}

var meetingRecord = xmlwire.NewRecord(
	xmlwire.String("meetingName", func(m *bbb.Meeting) *string { return &m.Name }),
	xmlwire.Trimmed("meetingID", func(m *bbb.Meeting) *string { return &m.ID }),
	xmlwire.Trimmed("internalMeetingID", func(m *bbb.Meeting) *string { return &m.InternalID }),
	xmlwire.Millis("createTime", func(m *bbb.Meeting) *time.Time { return &m.CreateTime }),
	xmlwire.Trimmed("createDate", func(m *bbb.Meeting) *string { return &m.CreateDate }),
	xmlwire.Trimmed("voiceBridge", func(m *bbb.Meeting) *string { return &m.VoiceBridge }),
	xmlwire.Enum("dialNumber", func(m *bbb.Meeting) *string { return &m.DialNumber }),
	xmlwire.Trimmed("attendeePW", func(m *bbb.Meeting) *string { return &m.AttendeePW }),
	xmlwire.Trimmed("moderatorPW", func(m *bbb.Meeting) *string { return &m.ModeratorPW }),
	xmlwire.Bool("running", func(m *bbb.Meeting) *bool { return &m.Running }),
	xmlwire.Minutes("duration", func(m *bbb.Meeting) *time.Duration { return &m.Duration }),
	xmlwire.Bool("hasUserJoined", func(m *bbb.Meeting) *bool { return &m.HasUserJoined }),
	xmlwire.Bool("recording", func(m *bbb.Meeting) *bool { return &m.Recording }),
	xmlwire.Bool("hasBeenForciblyEnded", func(m *bbb.Meeting) *bool { return &m.HasBeenForciblyEnded }),
	xmlwire.Millis("startTime", func(m *bbb.Meeting) *time.Time { return &m.StartTime }),
	xmlwire.Millis("endTime", func(m *bbb.Meeting) *time.Time { return &m.EndTime }),
	xmlwire.Int("participantCount", func(m *bbb.Meeting) *int { return &m.ParticipantCount }),
	xmlwire.Int("listenerCount", func(m *bbb.Meeting) *int { return &m.ListenerCount }),
	xmlwire.Int("voiceParticipantCount", func(m *bbb.Meeting) *int { return &m.VoiceParticipantCount }),
	xmlwire.Int("videoCount", func(m *bbb.Meeting) *int { return &m.VideoCount }),
	xmlwire.Int("maxUsers", func(m *bbb.Meeting) *int { return &m.MaxUsers }),
	xmlwire.Int("moderatorCount", func(m *bbb.Meeting) *int { return &m.ModeratorCount }),
	xmlwire.List("attendees", "attendee", func(m *bbb.Meeting) *[]bbb.Attendee { return &m.Attendees }, attendeeRecord),
	xmlwire.Map("metadata", func(m *bbb.Meeting) *map[string]string { return &m.Metadata }),
	xmlwire.Bool("isBreakout", func(m *bbb.Meeting) *bool { return &m.IsBreakout }),
)

var attendeeRecord = xmlwire.NewRecord(
	xmlwire.Trimmed("userID", func(a *bbb.Attendee) *string { return &a.UserID }),
	xmlwire.Common("fullName", func(a *bbb.Attendee) *string { return &a.FullName }),
	xmlwire.Enum("role", func(a *bbb.Attendee) *bbb.Role { return &a.Role }),
	xmlwire.Bool("isPresenter", func(a *bbb.Attendee) *bool { return &a.IsPresenter }),
	xmlwire.Bool("isListeningOnly", func(a *bbb.Attendee) *bool { return &a.IsListeningOnly }),
	xmlwire.Bool("hasJoinedVoice", func(a *bbb.Attendee) *bool { return &a.HasJoinedVoice }),
	xmlwire.Bool("hasVideo", func(a *bbb.Attendee) *bool { return &a.HasVideo }),
	xmlwire.Enum("clientType", func(a *bbb.Attendee) *string { return &a.ClientType }),
	xmlwire.Map("customdata", func(a *bbb.Attendee) *map[string]string { return &a.CustomData }),
)

var recordingRecord = xmlwire.NewRecord(
	xmlwire.Trimmed("recordID", func(r *bbb.Recording) *string { return &r.ID }),
	xmlwire.Trimmed("meetingID", func(r *bbb.Recording) *string { return &r.MeetingID }),
	xmlwire.Trimmed("internalMeetingID", func(r *bbb.Recording) *string { return &r.InternalMeetingID }),
	xmlwire.String("name", func(r *bbb.Recording) *string { return &r.Name }),
	xmlwire.Bool("isBreakout", func(r *bbb.Recording) *bool { return &r.IsBreakout }),
	xmlwire.Bool("published", func(r *bbb.Recording) *bool { return &r.Published }),
	xmlwire.Bool("protected", func(r *bbb.Recording) *bool { return &r.Protected }).OmitEmpty(),
	xmlwire.Enum("state", func(r *bbb.Recording) *bbb.RecordingState { return &r.State }),
	xmlwire.Millis("startTime", func(r *bbb.Recording) *time.Time { return &r.StartTime }),
	xmlwire.Millis("endTime", func(r *bbb.Recording) *time.Time { return &r.EndTime }),
	xmlwire.Int("participants", func(r *bbb.Recording) *int { return &r.Participants }),
	xmlwire.Int64("rawSize", func(r *bbb.Recording) *int64 { return &r.RawSize }),
	xmlwire.Map("metadata", func(r *bbb.Recording) *map[string]string { return &r.Metadata }),
	xmlwire.Int64("size", func(r *bbb.Recording) *int64 { return &r.Size }),
	xmlwire.List("playback", "format", func(r *bbb.Recording) *[]bbb.PlaybackFormat { return &r.Formats }, playbackRecord),
)

var playbackRecord = xmlwire.NewRecord(
	xmlwire.Enum("type", func(f *bbb.PlaybackFormat) *string { return &f.Type }),
	xmlwire.Trimmed("url", func(f *bbb.PlaybackFormat) *string { return &f.URL }),
	xmlwire.Int64("processingTime", func(f *bbb.PlaybackFormat) *int64 { return &f.ProcessingTime }),
	xmlwire.Minutes("length", func(f *bbb.PlaybackFormat) *time.Duration { return &f.Length }),
	xmlwire.Int64("size", func(f *bbb.PlaybackFormat) *int64 { return &f.Size }),
	xmlwire.Inline("preview", xmlwire.NewRecord(
		xmlwire.List("images", "image", func(f *bbb.PlaybackFormat) *[]bbb.PreviewImage { return &f.Previews }, previewRecord),
	)).OmitEmpty(),
)

var previewRecord = xmlwire.NewRecord(
	xmlwire.Trimmed("alt", func(i *bbb.PreviewImage) *string { return &i.Alt }).Attr(),
	xmlwire.Int("height", func(i *bbb.PreviewImage) *int { return &i.Height }).Attr().OmitEmpty(),
	xmlwire.Int("width", func(i *bbb.PreviewImage) *int { return &i.Width }).Attr().OmitEmpty(),
	xmlwire.Content(func(i *bbb.PreviewImage) *string { return &i.URL }),
)
