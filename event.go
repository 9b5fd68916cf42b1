package bbb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// EventName is the name of an event of bbb-webhooks, such as "user-joined".
type EventName string

// The events of bbb-webhooks 2.x and 3.x, with the type of their [Event.Data]. A
// server may send others: they arrive without Data.
const (
	EventMeetingCreated EventName = "meeting-created" // *MeetingCreated
	EventMeetingEnded   EventName = "meeting-ended"   // *MeetingEnded

	EventMeetingRecordingStarted   EventName = "meeting-recording-started"   // *MeetingRecording
	EventMeetingRecordingStopped   EventName = "meeting-recording-stopped"   // *MeetingRecording
	EventMeetingRecordingUnhandled EventName = "meeting-recording-unhandled" // *MeetingRecording

	EventScreenshareStarted  EventName = "meeting-screenshare-started"  // *Screenshare
	EventScreenshareStopped  EventName = "meeting-screenshare-stopped"  // *Screenshare
	EventPresentationChanged EventName = "meeting-presentation-changed" // *PresentationChanged

	EventUserJoined EventName = "user-joined" // *UserJoined
	EventUserLeft   EventName = "user-left"   // *UserLeft

	EventUserVoiceEnabled       EventName = "user-audio-voice-enabled"        // *UserAudio
	EventUserVoiceDisabled      EventName = "user-audio-voice-disabled"       // *UserAudio
	EventUserMuted              EventName = "user-audio-muted"                // *UserAudio, since 3.0
	EventUserUnmuted            EventName = "user-audio-unmuted"              // *UserAudio, since 3.0
	EventUserAudioUnhandled     EventName = "user-audio-unhandled"            // *UserAudio, since 3.0
	EventUserListenOnlyEnabled  EventName = "user-audio-listen-only-enabled"  // *UserAudio, of old servers
	EventUserListenOnlyDisabled EventName = "user-audio-listen-only-disabled" // *UserAudio, of old servers

	EventUserCamStarted          EventName = "user-cam-broadcast-start"  // *UserCamera
	EventUserCamEnded            EventName = "user-cam-broadcast-end"    // *UserCamera
	EventUserPresenterAssigned   EventName = "user-presenter-assigned"   // *UserPresenter
	EventUserPresenterUnassigned EventName = "user-presenter-unassigned" // *UserPresenter
	EventUserEmojiChanged        EventName = "user-emoji-changed"        // *UserEmoji
	EventUserRaiseHandChanged    EventName = "user-raise-hand-changed"   // *UserRaiseHand, since 3.0

	EventChatMessageSent   EventName = "chat-group-message-sent" // *ChatMessageSent
	EventPadContent        EventName = "pad-content"             // *PadContent
	EventPollStarted       EventName = "poll-started"            // *PollStarted, since 3.0
	EventPollResponded     EventName = "poll-responded"          // *PollResponded, since 3.0
	EventTranscriptUpdated EventName = "transcript-updated"      // *TranscriptUpdated, since 3.5

	EventArchiveStarted     EventName = "rap-archive-started"      // *RecordingStep
	EventArchiveEnded       EventName = "rap-archive-ended"        // *RecordingStep
	EventSanityStarted      EventName = "rap-sanity-started"       // *RecordingStep
	EventSanityEnded        EventName = "rap-sanity-ended"         // *RecordingStep
	EventPostArchiveStarted EventName = "rap-post-archive-started" // *RecordingStep
	EventPostArchiveEnded   EventName = "rap-post-archive-ended"   // *RecordingStep
	EventProcessStarted     EventName = "rap-process-started"      // *RecordingStep
	EventProcessEnded       EventName = "rap-process-ended"        // *RecordingStep
	EventPostProcessStarted EventName = "rap-post-process-started" // *RecordingStep
	EventPostProcessEnded   EventName = "rap-post-process-ended"   // *RecordingStep
	EventPublishStarted     EventName = "rap-publish-started"      // *RecordingStep
	EventPublishEnded       EventName = "rap-publish-ended"        // *RecordingStep
	EventPostPublishStarted EventName = "rap-post-publish-started" // *RecordingStep
	EventPostPublishEnded   EventName = "rap-post-publish-ended"   // *RecordingStep

	// Of these the sources disagree whether releases since 3.0 send them. Do not
	// wait for one.
	EventRecordingPublished   EventName = "rap-published"   // *RecordingChanged
	EventRecordingUnpublished EventName = "rap-unpublished" // *RecordingChanged
	EventRecordingDeleted     EventName = "rap-deleted"     // *RecordingChanged
)

// Event is something that happened in a meeting, as bbb-webhooks posts it.
//
// Events may come twice, late, and in another order than they happened. Read
// state that matters from the server.
type Event struct {
	Name EventName
	Time time.Time // when it happened; zero when the server does not tell

	// Meeting is where it happened. Its ExternalID is empty when the server has
	// forgotten it, as for events of recordings made long after the meeting.
	Meeting EventMeeting

	// Data is what else there is to tell: a pointer to the type that the comment of
	// the event's name gives, such as *[UserJoined]. It is nil for events that
	// this package does not know, and for raw messages ([HookParams.Raw]).
	Data any

	// Raw is the event as the server wrote it. For an event without Data it is all
	// there is. It may hold passwords and tokens, so it stays out of JSON and logs.
	Raw json.RawMessage `json:"-"`

	// Domain is what the server calls itself, Sent when it began to send the event
	// (the same in all repetitions), and CallbackURL that of the hook. They are
	// empty in what [ParseEvents] returns.
	Domain      string
	Sent        time.Time
	CallbackURL string `json:"-"` // may have a token in it

	server *Server
}

// EventMeeting names the meeting that an event is about.
type EventMeeting struct {
	InternalID string // internalMeetingID
	ExternalID string // meetingID, the one that create was given; may be empty
}

// Server returns the server that sent the event, or nil when that is not known:
// when its handler was given secrets rather than a group, and when several
// servers of the group have the same secret.
func (e Event) Server() *Server { return e.server }

// String tells what happened where and when, and nothing that is nobody's
// business.
func (e Event) String() string {
	id := e.Meeting.ExternalID
	if id == "" {
		id = e.Meeting.InternalID
	}
	return fmt.Sprintf("%s in %q at %s", e.Name, id, e.Time.Format(time.RFC3339))
}

// GoString is String: Raw and Data may hold passwords.
func (e Event) GoString() string { return "bbb.Event{" + e.String() + "}" }

// Format writes String for every verb.
func (e Event) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(e.String())) }

// LogValue shows the name, the meeting and the time.
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", string(e.Name)), slog.String("meeting", e.Meeting.ExternalID),
		slog.String("internal", e.Meeting.InternalID), slog.Time("time", e.Time))
}

// ParseEvents reads the JSON text that bbb-webhooks sends as "event": a list of
// events, or one without the brackets. What this package does not know comes
// back with a Name, if there is one, and Raw. Values of another kind than
// expected, such as a number written as text, are read if that makes sense and
// left out otherwise. The error is of the JSON as a whole.
//
// It checks no signature: that is what a [HookHandler] is for.
func ParseEvents(text []byte) ([]Event, error) {
	text = bytes.TrimSpace(text)
	if !json.Valid(text) {
		return nil, errors.New("bbb: events are no JSON")
	}
	elements := []json.RawMessage{text}
	switch text[0] {
	case '[':
		_ = json.Unmarshal(text, &elements) // it is valid, and a list
	case '{':
	default:
		return nil, errors.New("bbb: events are neither an object nor a list")
	}
	events := make([]Event, 0, len(elements))
	for _, element := range elements {
		events = append(events, parseEvent(element))
	}
	return events, nil
}

// parseEvent reads one event. Whatever it is, it is an event.
func parseEvent(text json.RawMessage) Event {
	e := Event{Raw: bytes.Clone(text)}
	top := parseObject(text)
	if core := top.object("core"); core != nil { // a raw message
		envelope, header := top.object("envelope"), core.object("header")
		e.Name = EventName(header.text("name"))
		if e.Name == "" {
			e.Name = EventName(envelope.text("name"))
		}
		e.Time = envelope.millis("timestamp")
		e.Meeting.InternalID = header.text("meetingId", "meetingID")
		return e
	}
	data := top.object("data")
	e.Name = EventName(data.text("id"))
	e.Time = data.object("event").millis("ts")
	attributes := data.object("attributes")
	meeting := attributes.object("meeting")
	e.Meeting = EventMeeting{InternalID: meeting.text("internal-meeting-id"), ExternalID: meeting.text("external-meeting-id")}
	if read := eventData[e.Name]; read != nil && attributes != nil {
		e.Data = read(attributes, e.Name)
	}
	return e
}
