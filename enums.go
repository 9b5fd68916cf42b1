package bbb

import (
	"errors"
	"strings"
)

// The types in this file are open: a newer server may know values that are not listed here, so any
// single word can be sent.

// Role is what somebody may do in a meeting.
type Role string

// Roles.
const (
	RoleModerator Role = "MODERATOR"
	RoleViewer    Role = "VIEWER"
)

// errUnknownRole does not repeat the text, which may be a password in the wrong place.
var errUnknownRole = errors.New("bbb: role is neither MODERATOR nor VIEWER")

// ParseRole reads a role in any letter case, as servers do. Unlike the other enums it is closed.
func ParseRole(text string) (Role, error) {
	for _, role := range [...]Role{RoleModerator, RoleViewer} {
		if strings.EqualFold(text, string(role)) {
			return role, nil
		}
	}
	return "", errUnknownRole
}

// Layout is how the client arranges its window.
type Layout string

// Layouts. BigBlueButton 4.0 knows only [LayoutUnified] and those of 3.0.
const (
	LayoutCustom            Layout = "CUSTOM_LAYOUT"      // Since BigBlueButton 2.4. Removed in 4.0.
	LayoutSmart             Layout = "SMART_LAYOUT"       // Since BigBlueButton 2.4. Removed in 4.0.
	LayoutPresentationFocus Layout = "PRESENTATION_FOCUS" // Since BigBlueButton 2.4. Removed in 4.0.
	LayoutVideoFocus        Layout = "VIDEO_FOCUS"        // Since BigBlueButton 2.4. Removed in 4.0.

	LayoutCamerasOnly Layout = "CAMERAS_ONLY" // Since BigBlueButton 3.0.
	// LayoutParticipantsAndChatOnly was PARTICIPANTS_CHAT_ONLY in early texts. Since BigBlueButton 3.0.
	LayoutParticipantsAndChatOnly Layout = "PARTICIPANTS_AND_CHAT_ONLY"
	LayoutPresentationOnly        Layout = "PRESENTATION_ONLY" // Since BigBlueButton 3.0.
	LayoutMediaOnly               Layout = "MEDIA_ONLY"        // Since BigBlueButton 3.0.

	LayoutUnified     Layout = "UNIFIED_LAYOUT" // Since BigBlueButton 4.0.
	LayoutPluginsOnly Layout = "PLUGINS_ONLY"   // In one client only; the release is not known.
)

// GuestPolicy is what happens to those who join as guests.
type GuestPolicy string

// Guest policies.
const (
	GuestPolicyAlwaysAccept GuestPolicy = "ALWAYS_ACCEPT"
	GuestPolicyAlwaysDeny   GuestPolicy = "ALWAYS_DENY"
	GuestPolicyAskModerator GuestPolicy = "ASK_MODERATOR"
	// GuestPolicyAlwaysAcceptAuth lets those in at once who join with Auth. It is not in every
	// description of the API.
	GuestPolicyAlwaysAcceptAuth GuestPolicy = "ALWAYS_ACCEPT_AUTH"
)

// MediaBridge is the media server that carries audio, cameras or shared screens.
type MediaBridge string

// Media bridges. Some texts name freeswitch and fullbridge for audio as well.
const (
	MediaBridgeSFU     MediaBridge = "bbb-webrtc-sfu"
	MediaBridgeLiveKit MediaBridge = "livekit"
)

// SharedNotesEditor is the program behind the shared notes.
type SharedNotesEditor string

// Editors of shared notes.
const (
	SharedNotesEtherpad  SharedNotesEditor = "etherpad"
	SharedNotesBlockNote SharedNotesEditor = "blockNote"
)

// PresenterPolicy is how viewers become presenter.
type PresenterPolicy string

// Presenter policies. Since BigBlueButton 4.0.
const (
	PresenterPolicyModeratorOnly   PresenterPolicy = "moderatorOnly"
	PresenterPolicyRequireApproval PresenterPolicy = "requireApproval"
	PresenterPolicyFreeForAll      PresenterPolicy = "freeForAll"
)
