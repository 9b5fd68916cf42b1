package bbb

import (
	"fmt"
	"log/slog"
	"net/url"
	"time"
)

// JoinParams says who joins which meeting. MeetingID, FullName and one of Role and Password are
// needed. What is said at [CreateParams] about empty values, pointers, defaults and logging holds here
// as well.
type JoinParams struct {
	// MeetingID is the meeting's ID as it was given to create. Required.
	MeetingID string
	// FullName is the name others see, at most 255 characters. Required.
	FullName string
	// Role is what the person may do; it beats Password. Since BigBlueButton 2.4.
	Role Role
	// Password is the meeting's ModeratorPW or AttendeePW. Role has superseded it.
	Password string
	// CreateTime, when given, must be the meeting's own create time, to the millisecond; it keeps an
	// old link from leading into a newer meeting of the same ID.
	CreateTime time.Time
	// UserID is your ID for the person, who may join with it again. Servers use an ID of their own by
	// default.
	UserID string
	// WebVoiceConf has no effect since the Flash client went. Removed in 4.0.
	WebVoiceConf string
	// DefaultLayout is no longer documented since 3.0, although some of its releases still read it;
	// use UserData with [UserDataDefaultLayout].
	DefaultLayout Layout
	// AvatarURL is the URL of a picture. The server has a default.
	AvatarURL string
	// WebcamBackgroundURL is the URL of a picture to put behind the person.
	// Since BigBlueButton 2.7 or 3.0.
	WebcamBackgroundURL string
	// Redirect false asks for an XML answer instead of a redirect into the client. The default is
	// true. Most failures are answered with a redirect all the same.
	Redirect *bool
	// ErrorRedirectURL is where failed joins lead, the logout URL by default. Wire name:
	// errorRedirectUrl; redirectErrorUrl, as some descriptions spell it, is understood.
	// Since BigBlueButton 2.7.
	ErrorRedirectURL string
	// Guest makes the person a guest, who is subject to the meeting's GuestPolicy. The default is
	// false.
	Guest *bool
	// Auth marks the person as known to you, for [GuestPolicyAlwaysAcceptAuth].
	Auth *bool
	// ExcludeFromDashboard leaves the person out of the learning dashboard. The default is false.
	// Since BigBlueButton 2.4.
	ExcludeFromDashboard *bool
	// Bot marks a program, which does not count for MaxParticipants. The default is false.
	// Since BigBlueButton 3.0.
	Bot *bool
	// EnforceLayout fixes the person's layout. Since BigBlueButton 3.0.
	EnforceLayout Layout
	// LogoutURL is where this person goes after leaving, as the meeting has it by default.
	// Since BigBlueButton 3.0.
	LogoutURL string
	// FirstName is the first name alone. Since BigBlueButton 3.0.
	FirstName string
	// LastName is the last name alone. Since BigBlueButton 3.0.
	LastName string
	// ExistingUserID is the internal ID of somebody in the meeting who gets a further session.
	// Since BigBlueButton 3.0.
	ExistingUserID string
	// ReplaceSessionToken is the session that the new one puts an end to; it needs ExistingUserID.
	// Since BigBlueButton 3.0.
	ReplaceSessionToken string
	// SessionName is a name for the further session; it needs ExistingUserID.
	// Since BigBlueButton 3.0.
	SessionName string
	// JoinViaHTML5 chose the HTML5 client when there was another. Removed in 2.3. Wire name:
	// joinViaHtml5.
	JoinViaHTML5 *bool

	// UserData passes settings to the person's client, see the UserData constants for those it knows.
	// Servers keep them by UserID. A key is a letter or '_' followed by letters, digits, '_' and '.';
	// servers silently drop one with a '-', and write keys into their answers as XML names. Empty
	// values are not sent. Wire names: userdata-KEY.
	UserData map[string]string
	// Extra is what has no field here. It is sent as it is and cannot hold what has a field, nor the
	// checksum. Userdata keys with a '-' are here, under their whole wire name.
	Extra url.Values
}

// Validate reports every problem of the parameters in one error, made of a [*ParamError] for each. It
// checks what any server would refuse, drop or misread, and leaves alone what only newer servers may
// know.
func (p JoinParams) Validate() error { return joinTable.validate(&p) }

// Values gives the parameters as they are named on the wire. Call Validate first: what a server
// could not read is cut off here.
func (p JoinParams) Values() url.Values { return joinTable.values(&p) }

// appendQuery appends the parameters as an encoded query whose bytes depend on their values only.
func (p *JoinParams) appendQuery(dst []byte) []byte { return joinTable.appendQuery(dst, p) }

// ParseJoinParams reads the wire form of a join call, as [ParseCreateParams] reads that of create: by
// the same rules, and with value and error both of use. The role is read in any letter case.
func ParseJoinParams(v url.Values) (JoinParams, error) { return joinTable.parse(v) }

// String shows the parameters without secrets.
func (p JoinParams) String() string { return joinTable.describe("JoinParams", &p) }

// GoString shows the parameters without secrets.
func (p JoinParams) GoString() string { return joinTable.describe("bbb.JoinParams", &p) }

// Format writes String or GoString, whatever the verb.
func (p JoinParams) Format(f fmt.State, verb rune) { format(f, verb, p) }

// LogValue gives the parameters as a group without secrets.
func (p JoinParams) LogValue() slog.Value { return joinTable.logValue(&p) }
