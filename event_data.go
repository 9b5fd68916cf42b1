package bbb

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/bbbgroup/bbb/internal/redact"
)

// EventUser is a user in an event.
type EventUser struct {
	InternalID string // the server's own ID, such as "w_..."
	ExternalID string // userID, the one that join was given; may be empty
}

// MeetingCreated is the Data of meeting-created.
type MeetingCreated struct {
	Name       string
	IsBreakout bool
	ParentID   string // internal ID of the parent of a breakout room; since bbb-webhooks 3.0

	Duration   time.Duration // the limit, in whole minutes; 0 for none
	CreateTime time.Time
	CreateDate string // the server's own text of the create time

	ModeratorPW string `json:"-"` // access stays out of JSON and logs
	AttendeePW  string `json:"-"`
	Record      bool   // it can be recorded
	VoiceBridge string
	DialNumber  string
	MaxUsers    int // the limit; 0 for none
	Metadata    map[string]string

	// The media servers that are used; since bbb-webhooks 3.4.
	AudioBridge       string
	CameraBridge      string
	ScreenShareBridge string
}

// String leaves the passwords out.
func (m MeetingCreated) String() string { return fmt.Sprintf("meeting %q created", m.Name) }

// GoString is String: no formatting shows the passwords.
func (m MeetingCreated) GoString() string { return "bbb.MeetingCreated{" + m.String() + "}" }

// Format writes String for every verb.
func (m MeetingCreated) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(m.String())) }

// LogValue shows the name and the create time.
func (m MeetingCreated) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", m.Name), slog.Time("created", m.CreateTime))
}

// MeetingEnded is the Data of meeting-ended.
type MeetingEnded struct{}

// MeetingRecording is the Data of meeting-recording-started, -stopped and
// -unhandled.
type MeetingRecording struct {
	Started bool // somebody pressed record; false when it was stopped or is not known
}

// Screenshare is the Data of meeting-screenshare-started and -stopped.
type Screenshare struct {
	Started bool
	User    EventUser // empty before bbb-webhooks 3.0
}

// PresentationChanged is the Data of meeting-presentation-changed.
type PresentationChanged struct {
	PresentationID string // the server's own ID of the document
}

// UserJoined is the Data of user-joined.
type UserJoined struct {
	User      EventUser
	Name      string
	Role      Role
	Presenter bool
	Guest     bool              // since bbb-webhooks 3.1
	UserData  map[string]string // what join was given as userdata-...; since 3.3.1

	// Since bbb-webhooks 3.5.
	IPAddress    string
	UserAgent    string
	Referer      string // without its query
	SessionToken string `json:"-"` // access stays out of JSON and logs
}

// String tells who joined. It does not show the session token.
func (u UserJoined) String() string { return fmt.Sprintf("%q (%s) joined", u.Name, u.Role) }

// GoString is String: no formatting shows the session token.
func (u UserJoined) GoString() string { return "bbb.UserJoined{" + u.String() + "}" }

// Format writes String for every verb.
func (u UserJoined) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(u.String())) }

// LogValue shows the name, the ID and the role.
func (u UserJoined) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", u.Name), slog.String("id", u.User.ExternalID), slog.String("role", string(u.Role)))
}

// UserLeft is the Data of user-left.
type UserLeft struct {
	User  EventUser
	Guest bool // since bbb-webhooks 3.1
}

// UserAudio is the Data of the events user-audio-...: what the user can do with
// the audio now, as far as the event tells.
type UserAudio struct {
	User          EventUser
	ListeningOnly bool
	SharingMic    bool
	Muted         bool // since bbb-webhooks 3.0
}

// UserCamera is the Data of user-cam-broadcast-start and -end.
type UserCamera struct {
	User    EventUser
	Started bool   // false when it was ended
	Stream  string // the server's own ID of it
}

// UserPresenter is the Data of user-presenter-assigned and -unassigned.
type UserPresenter struct {
	User     EventUser
	Assigned bool // false when it was taken away
}

// UserEmoji is the Data of user-emoji-changed.
type UserEmoji struct {
	User  EventUser
	Emoji string // "none" when it was cleared; empty before bbb-webhooks 3.0
}

// UserRaiseHand is the Data of user-raise-hand-changed.
type UserRaiseHand struct {
	User   EventUser
	Raised bool // false when it was lowered
}

// ChatMessageSent is the Data of chat-group-message-sent: a message in the
// public chat. Private ones are never sent.
type ChatMessageSent struct {
	ChatID  string // MAIN-PUBLIC-GROUP-CHAT
	ID      string // since bbb-webhooks 3.0
	Message string // as the server keeps it: HTML
	Time    time.Time

	// Sender of the message. Before bbb-webhooks 3.4 its ExternalID holds the
	// name.
	Sender         EventUser
	SenderName     string        // since bbb-webhooks 3.0
	TimezoneOffset time.Duration // of the sender's clock, in minutes; bbb-webhooks 2.x
}

// PadContent is the Data of pad-content: a part of shared notes or captions.
type PadContent struct {
	ID         string
	ExternalID string // external-pad-id, such as "notes"
	Rev        int64
	Start, End int64
	Text       string
}

// PollStarted is the Data of poll-started.
type PollStarted struct {
	User     EventUser // who started it
	ID       string
	Question string
	Answers  []PollAnswer
}

// PollAnswer is a choice in a poll.
type PollAnswer struct {
	ID   string // empty when the server sends texts alone
	Text string
}

// PollResponded is the Data of poll-responded.
type PollResponded struct {
	User      EventUser
	ID        string // of the poll
	AnswerIDs []string
}

// TranscriptUpdated is the Data of transcript-updated.
type TranscriptUpdated struct {
	User   EventUser // who spoke
	ID     string
	Text   string
	Locale string
	Final  bool // nothing of it will change any more
}

// RecordingStep is the Data of the events rap-...-started and rap-...-ended: a
// step in the making of a recording.
type RecordingStep struct {
	RecordID string
	Step     string // "archive", "sanity", "post-archive", "process", "post-process", "publish" or "post-publish"
	Ended    bool   // the step is over; what follows here is set only then
	Success  bool
	Took     time.Duration // step-time
	Workflow string        // the format, where known, such as "presentation"

	// Recorded and Duration come with the end of archive, since bbb-webhooks 3.0.
	Recorded bool          // somebody pressed record
	Duration time.Duration // of the meeting; the server gives milliseconds

	// Recording comes with the end of publish.
	Recording *PublishedRecording
}

// PublishedRecording is the recording in rap-publish-ended.
type PublishedRecording struct {
	Name       string
	IsBreakout bool
	StartTime  time.Time
	EndTime    time.Time
	Size       int64 // in bytes
	RawSize    int64 // in bytes
	Metadata   map[string]string
	Playback   PublishedPlayback
	Download   json.RawMessage // as the server wrote it; its shape is not documented
}

// PublishedPlayback is the format in rap-publish-ended. Its names come from the
// recording system.
type PublishedPlayback struct {
	Format         string
	Link           string
	ProcessingTime time.Duration
	Duration       time.Duration
	Size           int64           // in bytes
	Extensions     json.RawMessage // as the server wrote it
}

// RecordingChanged is the Data of rap-published, rap-unpublished and rap-deleted.
type RecordingChanged struct {
	RecordID string // since bbb-webhooks 3.0
	Format   string // in the code of the server, but hardly ever sent
}

// eventData reads the data of each event out of its attributes.
var eventData = map[EventName]func(o object, name EventName) any{
	EventMeetingCreated:            readMeetingCreated,
	EventMeetingEnded:              func(object, EventName) any { return &MeetingEnded{} },
	EventMeetingRecordingStarted:   readMeetingRecording,
	EventMeetingRecordingStopped:   readMeetingRecording,
	EventMeetingRecordingUnhandled: readMeetingRecording,
	EventScreenshareStarted:        readScreenshare,
	EventScreenshareStopped:        readScreenshare,
	EventPresentationChanged: func(o object, _ EventName) any {
		return &PresentationChanged{PresentationID: o.object("meeting").text("presentation-id")}
	},
	EventUserJoined: readUserJoined,
	EventUserLeft: func(o object, _ EventName) any {
		return &UserLeft{User: o.user(), Guest: o.object("user").flag("guest")}
	},
	EventUserVoiceEnabled:        readUserAudio,
	EventUserVoiceDisabled:       readUserAudio,
	EventUserMuted:               readUserAudio,
	EventUserUnmuted:             readUserAudio,
	EventUserAudioUnhandled:      readUserAudio,
	EventUserListenOnlyEnabled:   readUserAudio,
	EventUserListenOnlyDisabled:  readUserAudio,
	EventUserCamStarted:          readUserCamera,
	EventUserCamEnded:            readUserCamera,
	EventUserPresenterAssigned:   readUserPresenter,
	EventUserPresenterUnassigned: readUserPresenter,
	EventUserEmojiChanged: func(o object, _ EventName) any {
		return &UserEmoji{User: o.user(), Emoji: o.object("user").text("emoji")}
	},
	EventUserRaiseHandChanged: func(o object, _ EventName) any {
		// The second spelling is what bbb-webhooks makes of an emoji before 2.7.
		return &UserRaiseHand{User: o.user(), Raised: o.object("user").flag("raise-hand", "raiseHand")}
	},
	EventChatMessageSent:   readChatMessageSent,
	EventPadContent:        readPadContent,
	EventPollStarted:       readPollStarted,
	EventPollResponded:     readPollResponded,
	EventTranscriptUpdated: readTranscriptUpdated,

	EventArchiveStarted:       readRecordingStep,
	EventArchiveEnded:         readRecordingStep,
	EventSanityStarted:        readRecordingStep,
	EventSanityEnded:          readRecordingStep,
	EventPostArchiveStarted:   readRecordingStep,
	EventPostArchiveEnded:     readRecordingStep,
	EventProcessStarted:       readRecordingStep,
	EventProcessEnded:         readRecordingStep,
	EventPostProcessStarted:   readRecordingStep,
	EventPostProcessEnded:     readRecordingStep,
	EventPublishStarted:       readRecordingStep,
	EventPublishEnded:         readRecordingStep,
	EventPostPublishStarted:   readRecordingStep,
	EventPostPublishEnded:     readRecordingStep,
	EventRecordingPublished:   readRecordingChanged,
	EventRecordingUnpublished: readRecordingChanged,
	EventRecordingDeleted:     readRecordingChanged,
}

func (o object) user() EventUser { return o.object("user").ids() }

func (o object) ids() EventUser {
	return EventUser{InternalID: o.text("internal-user-id"), ExternalID: o.text("external-user-id")}
}

func readMeetingCreated(o object, _ EventName) any {
	m := o.object("meeting")
	return &MeetingCreated{
		Name:        m.text("name"),
		IsBreakout:  m.flag("is-breakout"),
		ParentID:    m.text("parent-id"),
		Duration:    m.duration(time.Minute, "duration"),
		CreateTime:  m.millis("create-time"),
		CreateDate:  m.text("create-date"),
		ModeratorPW: m.text("moderator-pass"),
		AttendeePW:  m.text("viewer-pass"),
		Record:      m.flag("record"),
		VoiceBridge: m.text("voice-conf"),
		DialNumber:  m.text("dial-number"),
		MaxUsers:    int(m.number("max-users")),
		Metadata:    m.textMap("metadata"),
		// All others are spelled with dashes.
		AudioBridge:       m.text("audioBridge", "audio-bridge"),
		CameraBridge:      m.text("cameraBridge", "camera-bridge"),
		ScreenShareBridge: m.text("screenShareBridge", "screen-share-bridge"),
	}
}

func readMeetingRecording(_ object, name EventName) any {
	return &MeetingRecording{Started: name == EventMeetingRecordingStarted}
}

func readScreenshare(o object, name EventName) any {
	return &Screenshare{Started: name == EventScreenshareStarted, User: o.user()}
}

func readUserJoined(o object, _ EventName) any {
	u := o.object("user")
	return &UserJoined{
		User:         o.user(),
		Name:         u.text("name"),
		Role:         Role(u.text("role")),
		Presenter:    u.flag("presenter"),
		Guest:        u.flag("guest"),
		UserData:     u.textMap("userdata"),
		IPAddress:    u.text("ip-address"),
		UserAgent:    u.text("user-agent"),
		Referer:      redactReferer(u.text("referer")),
		SessionToken: u.text("session-token"),
	}
}

// redactReferer leaves out the query: the page a user comes from may be one
// whose URL is signed.
func redactReferer(raw string) string {
	if raw == "" {
		return ""
	}
	return redact.URL(raw)
}

func readUserAudio(o object, name EventName) any {
	u := o.object("user")
	return &UserAudio{
		User:          o.user(),
		ListeningOnly: u.flag("listening-only") || name == EventUserListenOnlyEnabled,
		SharingMic:    u.flag("sharing-mic"),
		Muted:         u.flag("muted"),
	}
}

func readUserCamera(o object, name EventName) any {
	return &UserCamera{User: o.user(), Started: name == EventUserCamStarted, Stream: o.object("user").text("stream")}
}

func readUserPresenter(o object, name EventName) any {
	return &UserPresenter{User: o.user(), Assigned: name == EventUserPresenterAssigned}
}

func readChatMessageSent(o object, _ EventName) any {
	m := o.object("chat-message")
	sender := m.object("sender")
	return &ChatMessageSent{
		ChatID:         o.text("chat-id"),
		ID:             m.text("id"),
		Message:        m.text("message"),
		Time:           sender.millis("time"),
		Sender:         sender.ids(),
		SenderName:     sender.text("name"),
		TimezoneOffset: sender.duration(time.Minute, "timezone-offset"),
	}
}

func readPadContent(o object, _ EventName) any {
	p := o.object("pad")
	return &PadContent{
		ID: p.text("id"), ExternalID: p.text("external-pad-id"), Rev: p.number("rev"),
		Start: p.number("start"), End: p.number("end"), Text: p.text("text"),
	}
}

func readPollStarted(o object, _ EventName) any {
	p := o.object("poll")
	poll := &PollStarted{User: o.user(), ID: p.text("id"), Question: p.text("question")}
	for _, raw := range p.list("answers") {
		if a := parseObject(raw); a != nil {
			poll.Answers = append(poll.Answers, PollAnswer{ID: a.text("id"), Text: a.text("key", "text", "answer")})
			continue
		}
		poll.Answers = append(poll.Answers, PollAnswer{Text: jsonText(raw)})
	}
	return poll
}

func readPollResponded(o object, _ EventName) any {
	p := o.object("poll")
	return &PollResponded{User: o.user(), ID: p.text("id"), AnswerIDs: p.texts("answerIds", "answer-ids")}
}

func readTranscriptUpdated(o object, _ EventName) any {
	t := o.object("transcript")
	return &TranscriptUpdated{
		User: o.user(), ID: t.text("id"), Text: t.text("transcript"), Locale: t.text("locale"), Final: t.flag("final"),
	}
}

func readRecordingStep(o object, name EventName) any {
	step, ended := strings.CutSuffix(strings.TrimPrefix(string(name), "rap-"), "-ended")
	r := &RecordingStep{
		RecordID: o.text("record-id"),
		Step:     strings.TrimSuffix(step, "-started"),
		Ended:    ended,
		Success:  o.flag("success"),
		Took:     o.duration(time.Millisecond, "step-time"),
		Workflow: o.text("workflow"),
		Recorded: o.flag("recorded"),
		Duration: o.duration(time.Millisecond, "duration"),
	}
	if rec := o.object("recording"); rec != nil {
		r.Recording = readPublishedRecording(rec)
	}
	return r
}

func readPublishedRecording(o object) *PublishedRecording {
	p := o.object("playback")
	return &PublishedRecording{
		Name:       o.text("name"),
		IsBreakout: o.flag("is-breakout"),
		StartTime:  o.millis("start-time"),
		EndTime:    o.millis("end-time"),
		Size:       o.number("size"),
		RawSize:    o.number("raw-size"),
		Metadata:   o.textMap("metadata"),
		Playback: PublishedPlayback{
			Format:         p.text("format"),
			Link:           strings.TrimSpace(p.text("link")),
			ProcessingTime: p.duration(time.Millisecond, "processing_time", "processing-time"),
			Duration:       p.duration(time.Millisecond, "duration"),
			Size:           p.number("size"),
			Extensions:     p.raw("extensions"),
		},
		Download: o.raw("download"),
	}
}

func readRecordingChanged(o object, _ EventName) any {
	return &RecordingChanged{RecordID: o.text("record-id"), Format: o.text("format")}
}
