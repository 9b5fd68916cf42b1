package bbb

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"time"
)

// CreateParams says what meeting to create. Only Name is needed; a meeting ID is made up by the
// caller of the create call when there is none.
//
// Texts, lists and maps that are empty are not sent. Bools, numbers and durations are pointers,
// because servers have defaults of their own that false and zero must be able to override:
//
//	bbb.CreateParams{Name: "Physics", Record: new(true), Duration: new(90 * time.Minute)}
//
// Defaults named below are those of a stock server; most can be changed in its configuration. Servers
// ignore parameters that they do not know yet or no longer, so naming too much does no harm.
//
// Printing and logging the value leaves out passwords, tokens, long texts and all of a URL but its
// host. Encoding it by other means, such as encoding/json, does not.
type CreateParams struct {
	// MeetingID is your name for the meeting: 2 to 256 characters, no comma, no control characters,
	// no white space around. ASCII letters, digits, '-' and '_' are safe with every server. For a
	// breakout room servers take it as the internal ID.
	MeetingID string
	// Name is the title people see, 2 to 256 characters; older descriptions of the API say 64.
	// Required.
	Name string
	// AttendeePW lets those who know it join as viewers: 2 to 64 characters. Servers make one up by
	// default, but then repeating the create fails on older ones. JoinParams.Role has superseded it.
	AttendeePW string
	// ModeratorPW is the same for moderators.
	ModeratorPW string
	// VoiceBridge is the conference number for those who dial in: digits, 10000 to 99999 by
	// convention, and unique on a server. Servers draw one by default.
	VoiceBridge string
	// DialNumber is the phone number shown to people. The server has a default.
	DialNumber string
	// WebVoice has no effect since the Flash client went. Removed in 4.0.
	WebVoice string
	// GuestPolicy is what happens to guests. The default is [GuestPolicyAlwaysAccept].
	GuestPolicy GuestPolicy
	// AllowPromoteGuestToModerator lets moderators make a guest one of them.
	// Since BigBlueButton 2.7.9.
	AllowPromoteGuestToModerator *bool
	// AllowRequestsWithoutSession accepts a session token without the session's cookie. The default
	// is false. Since BigBlueButton 2.4.3.
	AllowRequestsWithoutSession *bool

	// Welcome is shown in the chat. Servers replace %%CONFNAME%%, %%DIALNUM%%, %%CONFNUM%% (the voice
	// bridge) and %%SERVERURL%%, and keep simple HTML. The server has a default.
	Welcome string
	// ModeratorOnlyMessage is the same, shown to moderators only.
	ModeratorOnlyMessage string
	// BannerText is shown above the client.
	BannerText string
	// BannerColor is the banner's colour as #RRGGBB.
	BannerColor string
	// Logo is the URL of an image; the client shows it when its branding area is switched on.
	Logo string
	// DarkLogo is the image for the dark theme, Logo by default. Wire name: darklogo.
	// Since BigBlueButton 3.0.
	DarkLogo string
	// Copyright has no effect since the Flash client went. Removed in 4.0.
	Copyright string
	// LogoutURL is where people go when they leave, and where failed joins go. The server has a
	// default.
	LogoutURL string
	// LoginURL is where people can sign in again. Since BigBlueButton 3.0.
	LoginURL string
	// MeetingEndedURL is called by the server when the meeting has ended. Nothing signs that call, so
	// put an unguessable token into the URL. Since BigBlueButton 2.2.
	MeetingEndedURL string
	// MeetingLayout is the layout to begin with. The default is up to the server's configuration and
	// release. Since BigBlueButton 2.4.
	MeetingLayout Layout

	// MaxParticipants is the number of different people let in; 0 is no limit and the default.
	MaxParticipants *int
	// Duration ends the meeting after whole minutes; 0 is no limit and the default.
	Duration *time.Duration
	// MeetingExpireIfNoUserJoined ends a meeting nobody came to, after 5 minutes by default. Whole
	// minutes. Wire name: meetingExpireIfNoUserJoinedInMinutes. Since BigBlueButton 2.5.
	MeetingExpireIfNoUserJoined *time.Duration
	// MeetingExpireWhenLastUserLeft ends a meeting everybody has left, after a minute by default; 0
	// leaves it open. Whole minutes. Wire name: meetingExpireWhenLastUserLeftInMinutes.
	// Since BigBlueButton 2.5.
	MeetingExpireWhenLastUserLeft *time.Duration
	// EndWhenNoModerator ends the meeting when no moderator is left. The default is false.
	// Since BigBlueButton 2.2.
	EndWhenNoModerator *bool
	// EndWhenNoModeratorDelay is how long it waits before that, a minute by default. Whole minutes.
	// Wire name: endWhenNoModeratorDelayInMinutes. Since BigBlueButton 2.3.
	EndWhenNoModeratorDelay *time.Duration
	// LogoutTimer is a leftover that logs idle clients out. Whole minutes. Removed in 4.0.
	LogoutTimer *time.Duration
	// UserCameraCap is the number of cameras a person can share; 0 is no limit, the default is 3.
	// Since BigBlueButton 2.4.5.
	UserCameraCap *int
	// MeetingCameraCap is the number of cameras in the meeting; 0 is no limit and the default.
	// Since BigBlueButton 2.5.
	MeetingCameraCap *int
	// MaxPinnedCameras is how many cameras can be pinned, above zero. The default is 3.
	// Since BigBlueButton 2.6.
	MaxPinnedCameras *int
	// MaxNumPages is the number of pages one presentation may have, above zero. The default is 200.
	// Since BigBlueButton 3.0.
	MaxNumPages *int

	// Record makes a recording possible. The default is false, and a server can be set up to never
	// record.
	Record *bool
	// AutoStartRecording starts recording when the first person joins. The default is false.
	AutoStartRecording *bool
	// AllowStartStopRecording shows moderators the record button. The default is true.
	AllowStartStopRecording *bool
	// RecordFullDurationMedia captures media while the record button is off as well. The default is
	// false. Since BigBlueButton 2.6.9.
	RecordFullDurationMedia *bool
	// NotifyRecordingIsOn asks people for their consent. The default is false.
	// Since BigBlueButton 2.6.
	NotifyRecordingIsOn *bool
	// NotifyRecordingAppend is added to the text of that question. Since BigBlueButton 4.0.
	NotifyRecordingAppend string
	// MeetingKeepEvents keeps the events of a meeting that is not recorded. The default is false.
	// Since BigBlueButton 2.3, before as keepEvents.
	MeetingKeepEvents *bool
	// LearningDashboardCleanupDelay is how long the learning dashboard outlives the meeting, 2 minutes
	// by default; 0 keeps it. Whole minutes. Wire name: learningDashboardCleanupDelayInMinutes.
	// Since BigBlueButton 2.4.
	LearningDashboardCleanupDelay *time.Duration
	// LearningDashboardEnabled is the switch of BigBlueButton 2.4. Removed in 3.0; use
	// DisabledFeatures with [FeatureLearningDashboard].
	LearningDashboardEnabled *bool

	// MuteOnStart mutes everybody who joins. The default is false, from 3.0 on true; send it to have
	// it your way. Servers ignore it for breakout rooms.
	MuteOnStart *bool
	// AllowModsToUnmuteUsers lets moderators unmute others. The default is false.
	AllowModsToUnmuteUsers *bool
	// RequireUserConsentBeforeUnmuting asks those others first. The default is false. Documented
	// since BigBlueButton 4.0; some releases of 3.0 know it.
	RequireUserConsentBeforeUnmuting *bool
	// AllowModsToEjectCameras lets moderators stop the cameras of others. The default is false.
	// Since BigBlueButton 2.4.
	AllowModsToEjectCameras *bool
	// WebcamsOnlyForModerator shows the cameras of viewers to moderators only. The default is false.
	WebcamsOnlyForModerator *bool
	// VirtualBackgroundsDisabled is the switch of BigBlueButton 2.4.3. Removed in 3.0; use
	// DisabledFeatures with [FeatureVirtualBackgrounds].
	VirtualBackgroundsDisabled *bool
	// CameraBridge carries the cameras, [MediaBridgeSFU] by default. Since BigBlueButton 3.0.
	CameraBridge MediaBridge
	// ScreenShareBridge carries shared screens, [MediaBridgeSFU] by default.
	// Since BigBlueButton 3.0.
	ScreenShareBridge MediaBridge
	// AudioBridge carries the voices, [MediaBridgeSFU] by default. Since BigBlueButton 3.0.
	AudioBridge MediaBridge

	// LockSettings is what viewers cannot do.
	LockSettings LockSettings

	// DisabledFeatures switches parts of the client off. Since BigBlueButton 2.5.
	DisabledFeatures []Feature
	// DisabledFeaturesExclude switches features on again that the server's configuration has
	// switched off. Since BigBlueButton 2.6.9.
	DisabledFeaturesExclude []Feature
	// Groups fills breakout rooms in advance. Since BigBlueButton 2.5.
	Groups []BreakoutGroup
	// MultiUserWhiteboardEnabled lets everybody draw. The server has a default.
	// Since BigBlueButton 3.0.
	MultiUserWhiteboardEnabled *bool
	// SharedNotesEditor is [SharedNotesEtherpad] by default. Since BigBlueButton 3.0.
	SharedNotesEditor SharedNotesEditor
	// SharedNotesInitialContentJSONURL is an https URL of notes to begin with, for
	// [SharedNotesBlockNote] only. Wire name: sharedNotesInitialContentJsonUrl.
	// Since BigBlueButton 3.0.25.
	SharedNotesInitialContentJSONURL string
	// SharedNotesInitialContentMarkdown is the notes to begin with. JSON beats it. When the create
	// has a body (see Documents), it travels there, where there is room for a long text.
	// Since BigBlueButton 3.0.33.
	SharedNotesInitialContentMarkdown string
	// SharedNotesInitialContentMarkdownURL is an https URL of such notes and beats the inline text.
	// Wire name: sharedNotesInitialContentMarkdownUrl. Since BigBlueButton 3.0.33.
	SharedNotesInitialContentMarkdownURL string
	// ClientSettingsOverrideJSONURL is an https URL of client settings; it beats settings in the body
	// and needs no permission in the server's configuration. Wire name: clientSettingsOverrideJsonUrl.
	// Since BigBlueButton 3.0.25.
	ClientSettingsOverrideJSONURL string
	// PluginManifests names client plugins to load. Since BigBlueButton 3.0.
	PluginManifests []PluginManifest
	// PluginManifestsFetchURL is the URL of such a list. Wire name: pluginManifestsFetchUrl.
	// Since BigBlueButton 3.0.
	PluginManifestsFetchURL string
	// AllowOverrideClientSettingsOnCreateCall has no effect on newer servers, where it is a setting of
	// the server alone; some descriptions of the API list it as a parameter.
	AllowOverrideClientSettingsOnCreateCall *bool

	// PreUploadedPresentation is the URL of one document, without need for a body.
	// Since BigBlueButton 2.7.2.
	PreUploadedPresentation string
	// PreUploadedPresentationName is its file name with extension, taken from the URL by default.
	// Since BigBlueButton 2.7.2.
	PreUploadedPresentationName string
	// PreUploadedPresentationOverrideDefault leaves the server's own document out when others are
	// sent. The default is true. Since BigBlueButton 2.5.
	PreUploadedPresentationOverrideDefault *bool
	// PresentationUploadExternalURL leads people to another place for uploads; it works only together
	// with the description. Wire name: presentationUploadExternalUrl. Since BigBlueButton 2.6.
	PresentationUploadExternalURL string
	// PresentationUploadExternalDescription is the text that goes with it. Since BigBlueButton 2.6.
	PresentationUploadExternalDescription string
	// PresentationConversionCacheEnabled reuses converted documents. The server has a default.
	// Since BigBlueButton 3.0.
	PresentationConversionCacheEnabled *bool

	// IsBreakout says that this is a breakout room; ParentMeetingID and Sequence are then required.
	IsBreakout *bool
	// ParentMeetingID is the meeting a breakout room belongs to.
	ParentMeetingID string
	// Sequence is the number of a breakout room.
	Sequence *int
	// FreeJoin lets people choose their breakout room. The default is false.
	FreeJoin *bool
	// BreakoutRoomsEnabled is the switch of BigBlueButton 2.4 and before, true by default. Removed in
	// 3.0; use DisabledFeatures with [FeatureBreakoutRooms].
	BreakoutRoomsEnabled *bool
	// BreakoutRoomsPrivateChatEnabled allows private chats in breakout rooms. The default is true.
	BreakoutRoomsPrivateChatEnabled *bool
	// BreakoutRoomsRecord records breakout rooms. Descriptions call the default true, the stock
	// configuration says false: send it to be sure.
	BreakoutRoomsRecord *bool
	// BreakoutRoomsCaptureSlides brings the slides back to the main room. The default is false.
	// Since BigBlueButton 2.6.
	BreakoutRoomsCaptureSlides *bool
	// BreakoutRoomsCaptureNotes brings the notes back to the main room. The default is false.
	// Since BigBlueButton 2.6.
	BreakoutRoomsCaptureNotes *bool
	// BreakoutRoomsCaptureSlidesFilename names the captured slides, %%CONFNAME%% by default.
	// Since BigBlueButton 2.6.
	BreakoutRoomsCaptureSlidesFilename string
	// BreakoutRoomsCaptureNotesFilename names the captured notes, %%CONFNAME%% by default.
	// Since BigBlueButton 2.6.
	BreakoutRoomsCaptureNotesFilename string

	// Documents are presentations to begin with. They go in the body of a POST, which leaves the
	// other parameters in the URL, however long it gets. A meeting that exists keeps what it has: its
	// server ignores them, and [Meeting.Existed] tells.
	Documents []Document `bbb:"body"`
	// ClientSettingsOverride is a JSON object in the shape of the client's settings file. Servers
	// honour it only if their configuration allows it (allowOverrideClientSettingsOnCreateCall).
	// It goes in the body like Documents. Since BigBlueButton 3.0.
	ClientSettingsOverride json.RawMessage `bbb:"body"`
	// SharedNotesInitialContentJSON is the notes to begin with, for [SharedNotesBlockNote] only. It
	// beats the text of SharedNotesInitialContentMarkdown, and goes in the body like Documents.
	// Since BigBlueButton 3.0.
	SharedNotesInitialContentJSON json.RawMessage `bbb:"body"`

	// Meta is stored with the meeting and its recordings, see the Meta constants for names that mean
	// something to servers. A name is a letter followed by letters, digits and '-'; servers fold it to
	// lower case, so two that differ in case only are an error. Empty values are not sent. Wire names:
	// meta_NAME.
	Meta map[string]string
	// PluginParams fills placeholders in plugin manifests. Names are like those of Meta and may
	// contain '_'. Wire names: plugin_NAME. Since BigBlueButton 3.0.
	PluginParams map[string]string
	// Extra is what has no field here. It is sent as it is and cannot hold what has a field, nor the
	// checksum.
	Extra url.Values

	// Placement says what kind of server the meeting needs, and how many people are expected, when a
	// group chooses the server. It is not sent.
	Placement Placement `bbb:"local"`
}

// A BreakoutGroup is a breakout room planned in advance.
type BreakoutGroup struct {
	// ID is your name for the group. Required.
	ID string `json:"id"`
	// Name is what people see.
	Name string `json:"name,omitempty"`
	// Roster is the user IDs of those who belong to it, as in [JoinParams.UserID].
	Roster []string `json:"roster,omitempty"`
}

// UnmarshalJSON accepts numbers where texts should be, because some callers of the API send their
// database's IDs as they are.
func (g *BreakoutGroup) UnmarshalJSON(data []byte) error {
	var loose struct {
		ID     looseText
		Name   looseText
		Roster []looseText
	}
	if err := json.Unmarshal(data, &loose); err != nil {
		return err
	}
	*g = BreakoutGroup{ID: string(loose.ID), Name: string(loose.Name)}
	for _, userID := range loose.Roster {
		g.Roster = append(g.Roster, string(userID))
	}
	return nil
}

// looseText is a JSON string, or a number as it is written.
type looseText string

func (t *looseText) UnmarshalJSON(data []byte) error {
	var number json.Number
	if data[0] != '"' && json.Unmarshal(data, &number) == nil {
		*t = looseText(number)
		return nil
	}
	return json.Unmarshal(data, (*string)(t))
}

func (g BreakoutGroup) problem() string {
	if g.ID == "" {
		return "has no ID"
	}
	return ""
}

// A PluginManifest names a client plugin.
type PluginManifest struct {
	// URL is where the manifest is.
	URL string `json:"url"`
	// Checksum lets servers verify what they load; optional.
	Checksum string `json:"checksum,omitempty"`
}

func (m PluginManifest) problem() string {
	if webURL(m.URL) != "" {
		return "has no absolute http or https URL"
	}
	return ""
}

// Validate reports every problem of the parameters in one error, made of a [*ParamError] for each. It
// checks what any server would refuse, drop or misread, and leaves alone what only newer servers may
// know. An empty MeetingID is no problem, see [CreateParams].
func (p CreateParams) Validate() error { return createTable.validate(&p) }

// Values gives the parameters as they are named on the wire. Call Validate first: what a server
// could not read, such as half a minute, is cut off here.
func (p CreateParams) Values() url.Values { return createTable.values(&p) }

// appendQuery appends the parameters as an encoded query whose bytes depend on their values only.
func (p *CreateParams) appendQuery(dst []byte) []byte { return createTable.appendQuery(dst, p) }

// ParseCreateParams reads the wire form of a create call. It is the reverse of
// [CreateParams.Values] and reads as servers do: names are case-sensitive, the first value of a
// repeated name counts, an empty one is absent, a bool other than "true" is false. Unknown names land
// in Extra, the checksum is dropped. Nothing is validated.
//
// What cannot be read, such as a number with letters in it or metadata with a name that servers drop,
// is left out and reported as a [*ParamError], while everything else is returned nevertheless. A
// server would use its default and say nothing.
func ParseCreateParams(v url.Values) (CreateParams, error) { return createTable.parse(v) }

// String shows the parameters without secrets.
func (p CreateParams) String() string { return createTable.describe("CreateParams", &p) }

// GoString shows the parameters without secrets.
func (p CreateParams) GoString() string { return createTable.describe("bbb.CreateParams", &p) }

// Format writes String or GoString, whatever the verb.
func (p CreateParams) Format(f fmt.State, verb rune) { format(f, verb, p) }

// LogValue gives the parameters as a group without secrets.
func (p CreateParams) LogValue() slog.Value { return createTable.logValue(&p) }
