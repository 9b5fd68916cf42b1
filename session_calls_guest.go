package bbb

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
)

// Lobby is what a guest learns who waits to be let in.
type Lobby struct {
	// Status is [GuestWait], [GuestAllow] or [GuestDeny]; empty when the server led
	// elsewhere without saying.
	Status GuestStatus
	// MessageKey is "guestWait", "guestDeny" or "seatWait".
	MessageKey string
	Message    string
	// LobbyMessage is what a moderator wrote for those who wait.
	LobbyMessage string
	// URL is where the guest goes next: the client, when let in. It stands for the
	// user like that of a [Session].
	URL string `json:"-"`
}

// String tells the status without the URL.
func (l Lobby) String() string { return fmt.Sprintf("lobby: %s %s", l.Status, l.MessageKey) }

// GoString is String: no formatting of a Lobby shows its URL.
func (l Lobby) GoString() string { return "bbb.Lobby{" + l.String() + "}" }

// Format writes String for every verb, so that none shows the URL.
func (l Lobby) Format(f fmt.State, verb rune) { format(f, verb, l) }

// LogValue tells the status without the URL.
func (l Lobby) LogValue() slog.Value {
	return slog.GroupValue(slog.String("status", string(l.Status)), slog.String("messageKey", l.MessageKey))
}

// GuestWait asks whether a guest who waits may enter now. Being denied is an
// answer, not an error, unless the server calls it FAILED: then the error matches
// [ErrGuestDenied]. It stands for guestWait with redirect=false, which servers
// answer with a redirect sometimes all the same. It is there from BigBlueButton
// 2.4 to 2.7; newer descriptions do not name it, and where it is gone the error
// matches [ErrNotSupported].
func (s *Session) GuestWait(ctx context.Context) (*Lobby, error) {
	var lobby Lobby
	params := url.Values{"redirect": {"false"}}
	err := s.call(ctx, callGuestWait, false, params, func(resp *response) error {
		if resp.status >= 300 && resp.status < 400 {
			base := s.server.url
			if u, err := url.Parse(s.base); err == nil && s.base != "" { // behind a load balancer
				base = u
			}
			return lobby.fromRedirect(resp, base)
		}
		got, err := readFields(resp)
		lobby = Lobby{
			Status: GuestStatus(got.text("guestStatus")), MessageKey: got.text("messageKey"), Message: got.text("message"),
			LobbyMessage: got.text("lobbyMessage"), URL: got.text("url"),
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &lobby, nil
}

// fromRedirect reads where the server sends a guest: to the client with a token,
// or away.
func (l *Lobby) fromRedirect(resp *response, base *url.URL) error {
	target, err := url.Parse(resp.location)
	if err != nil || resp.location == "" {
		return resp.bad("a redirect to nowhere")
	}
	target = base.ResolveReference(target)
	if l.URL = target.String(); target.Query().Get("sessionToken") != "" {
		l.Status = GuestAllow
	}
	return nil
}

// Entrance is what servers up to BigBlueButton 2.7 tell the client of a user who
// enters. Fields that a release does not send are zero.
type Entrance struct {
	FullName          string
	MeetingName       string // confname
	MeetingID         string // externMeetingID
	InternalMeetingID string // meetingID
	UserID            string // externUserID
	InternalUserID    string
	AuthToken         string `json:"-"` // access stays out of JSON, and so of logs
	Role              Role
	Guest             bool
	GuestStatus       GuestStatus
	VoiceBridge       string
	DialNumber        string
	Mode              string
	Record            bool
	IsBreakout        bool
	Welcome           string
	// ModeratorMessage is sent to moderators only.
	ModeratorMessage        string
	AllowStartStopRecording bool
	MuteOnStart             bool
	AllowModsToUnmuteUsers  bool
	LogoutURL               string
	LogoutTimer             int // minutes
	Layout                  Layout
	AvatarURL               string
	BannerText              string
	BannerColor             string
	Logo                    string
	Copyright               string
	CustomData              map[string]string
	Metadata                map[string]string
}

// String tells who enters what, without the token.
func (e Entrance) String() string { return fmt.Sprintf("%q enters %q", e.FullName, e.MeetingName) }

// GoString is String: no formatting of an Entrance shows its token.
func (e Entrance) GoString() string { return "bbb.Entrance{" + e.String() + "}" }

// Format writes String for every verb, so that none shows the token.
func (e Entrance) Format(f fmt.State, verb rune) { format(f, verb, e) }

// LogValue tells who enters what, without the token.
func (e Entrance) LogValue() slog.Value {
	return slog.GroupValue(slog.String("userID", e.UserID), slog.String("meetingID", e.MeetingID))
}

// Enter returns what the server tells the client of the user. It is there up to
// BigBlueButton 2.7; later the error matches [ErrNotSupported]. It stands for
// enter.
func (s *Session) Enter(ctx context.Context) (*Entrance, error) {
	got, err := s.fields(ctx, callEnter, false, nil)
	if err != nil {
		return nil, err
	}
	return &Entrance{
		FullName: got.text("fullname"), MeetingName: got.text("confname"),
		MeetingID: got.text("externMeetingID"), InternalMeetingID: got.text("meetingID"),
		UserID: got.text("externUserID"), InternalUserID: got.text("internalUserID"), AuthToken: got.text("authToken"),
		Role: Role(got.text("role")), Guest: got.flag("guest"), GuestStatus: GuestStatus(got.text("guestStatus")),
		VoiceBridge: got.text("voicebridge"), DialNumber: got.text("dialnumber"), Mode: got.text("mode"),
		Record: got.flag("record"), IsBreakout: got.flag("isBreakout"),
		Welcome: got.text("welcome"), ModeratorMessage: got.text("modOnlyMessage"),
		AllowStartStopRecording: got.flag("allowStartStopRecording"), MuteOnStart: got.flag("muteOnStart"),
		AllowModsToUnmuteUsers: got.flag("allowModsToUnmuteUsers"),
		LogoutURL:              got.text("logoutUrl"), LogoutTimer: got.number("logoutTimer"),
		Layout: Layout(got.text("defaultLayout")), AvatarURL: got.text("avatarURL"),
		BannerText: got.text("bannerText"), BannerColor: got.text("bannerColor"),
		Logo: got.text("customLogoURL"), Copyright: got.text("customCopyright"),
		CustomData: got.pairs("customdata"), Metadata: got.pairs("metadata"),
	}, nil
}
