package bbb_test

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValidCreateParams(t *testing.T) {
	t.Parallel()
	for name, params := range map[string]bbb.CreateParams{
		"the name alone": {Name: "Physics"},
		"shortest":       {Name: "ab", MeetingID: "ab", AttendeePW: "ab", ModeratorPW: "äö"},
		"longest": {
			Name: strings.Repeat("ä", 256), MeetingID: strings.Repeat("é", 256),
			AttendeePW: strings.Repeat("p", 64), ModeratorPW: strings.Repeat("p", 64),
		},
		"line breaks in texts": {Name: "Physics", Welcome: "Hello\r\n\tthere", Meta: map[string]string{"description": "a\nb"}},
		"values of newer servers": {
			Name: "Physics", MeetingLayout: "HOLOGRAM_LAYOUT", GuestPolicy: "ASK_ORACLE", AudioBridge: "freeswitch",
			DisabledFeatures: []bbb.Feature{"levitation"}, Extra: url.Values{"gravity": {"off"}, "Name": {"other case"}},
		},
		"zero": {Name: "Physics", MaxParticipants: new(0), Duration: new(time.Duration(0)), Sequence: new(0)},
		"one":  {Name: "Physics", MaxPinnedCameras: new(1), MaxNumPages: new(1)},
		"breakout": {
			Name: "Room 1", MeetingID: "x-1", IsBreakout: new(true), ParentMeetingID: "physics", Sequence: new(1),
		},
		"no breakout": {Name: "Physics", IsBreakout: new(false)},
		"URLs": {
			Name: "Physics", LogoutURL: "HTTP://portal.example:8080/a?b#c", MeetingEndedURL: "https://[::1]/ended",
			ClientSettingsOverrideJSONURL: "https://portal.example/s.json",
			PresentationUploadExternalURL: "http://up.example", PresentationUploadExternalDescription: "Upload here",
		},
		"lists": {
			Name: "Physics", Groups: []bbb.BreakoutGroup{{ID: "1"}},
			PluginManifests: []bbb.PluginManifest{{URL: "https://p.example/m.json"}},
			PluginParams:    map[string]string{"a_b-C3": "x"}, Meta: map[string]string{"B-1": "x", "c": ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.NoError(t, params.Validate())
		})
	}
}

func TestInvalidCreateParams(t *testing.T) {
	t.Parallel()
	const (
		tooShort   = " must have at least 2 characters"
		control    = " must not contain control characters"
		oneLine    = " must be one line without tabs"
		word       = " must be one word without spaces or commas"
		webURL     = " must be an absolute http or https URL"
		httpsURL   = " must be an absolute https URL"
		metaKey    = " must be a letter followed by letters, digits and '-' only after its prefix"
		pluginKey  = " must be a letter followed by letters, digits, '-' and '_' only after its prefix"
		folded     = " is there twice: servers fold the name to lower case"
		negative   = " must not be negative"
		outerSpace = " must not begin or end with white space"
	)
	for name, test := range map[string]struct {
		spoil func(p *bbb.CreateParams)
		want  string // lines of parameter and problem
	}{
		"no name":        {func(p *bbb.CreateParams) { p.Name = "" }, "name is required"},
		"short name":     {func(p *bbb.CreateParams) { p.Name = "ä" }, "name" + tooShort},
		"long name":      {func(p *bbb.CreateParams) { p.Name = strings.Repeat("ä", 257) }, "name must have at most 256 characters"},
		"two-unit name":  {func(p *bbb.CreateParams) { p.Name = strings.Repeat("😀", 129) }, "name must have at most 256 characters"},
		"one emoji":      {func(p *bbb.CreateParams) { p.Name = "😀" }, "name" + tooShort},
		"control":        {func(p *bbb.CreateParams) { p.Name = "a\x00b" }, "name" + control},
		"name of lines":  {func(p *bbb.CreateParams) { p.Name = "a\nb" }, "name" + oneLine},
		"not UTF-8":      {func(p *bbb.CreateParams) { p.Welcome = "a\xff" }, "welcome must be UTF-8"},
		"bell":           {func(p *bbb.CreateParams) { p.Welcome = "a\a" }, "welcome" + control},
		"comma":          {func(p *bbb.CreateParams) { p.MeetingID = "a,b" }, "meetingID must not contain a comma"},
		"outer space":    {func(p *bbb.CreateParams) { p.MeetingID = "ab " }, "meetingID" + outerSpace},
		"tab in ID":      {func(p *bbb.CreateParams) { p.MeetingID = "a\tb" }, "meetingID" + oneLine},
		"short ID":       {func(p *bbb.CreateParams) { p.MeetingID = "a" }, "meetingID" + tooShort},
		"passwords":      {func(p *bbb.CreateParams) { p.AttendeePW, p.ModeratorPW = "a", strings.Repeat("b", 65) }, "attendeePW" + tooShort + "\nmoderatorPW must have at most 64 characters"},
		"voice bridge":   {func(p *bbb.CreateParams) { p.VoiceBridge = "12a45" }, "voiceBridge must be all digits"},
		"policy":         {func(p *bbb.CreateParams) { p.GuestPolicy = "ASK MODERATOR" }, "guestPolicy" + word},
		"layout":         {func(p *bbb.CreateParams) { p.MeetingLayout = "A,B" }, "meetingLayout" + word},
		"bridge":         {func(p *bbb.CreateParams) { p.AudioBridge = "a\x1b" }, "audioBridge" + control},
		"feature":        {func(p *bbb.CreateParams) { p.DisabledFeatures = []bbb.Feature{"chat", "a,b"} }, "disabledFeatures" + word},
		"empty feature":  {func(p *bbb.CreateParams) { p.DisabledFeatures = []bbb.Feature{""} }, "disabledFeatures must not contain an empty word"},
		"relative URL":   {func(p *bbb.CreateParams) { p.LogoutURL = "/bye" }, "logoutURL" + webURL},
		"other scheme":   {func(p *bbb.CreateParams) { p.Logo = "javascript:alert(1)" }, "logo" + webURL},
		"no host":        {func(p *bbb.CreateParams) { p.MeetingEndedURL = "https:///x" }, "meetingEndedURL" + webURL},
		"broken URL":     {func(p *bbb.CreateParams) { p.LoginURL = "https://a.example/%zz" }, "loginURL" + webURL},
		"not https":      {func(p *bbb.CreateParams) { p.SharedNotesInitialContentJSONURL = "http://a.example" }, "sharedNotesInitialContentJsonUrl" + httpsURL},
		"negative":       {func(p *bbb.CreateParams) { p.MaxParticipants = new(-1) }, "maxParticipants" + negative},
		"too large":      {func(p *bbb.CreateParams) { p.MeetingCameraCap = new(math.MaxInt32 + 1) }, "meetingCameraCap is too large"},
		"zero":           {func(p *bbb.CreateParams) { p.MaxPinnedCameras, p.MaxNumPages = new(0), new(0) }, "maxPinnedCameras must be greater than zero\nmaxNumPages must be greater than zero"},
		"negative time":  {func(p *bbb.CreateParams) { p.Duration = new(-time.Minute) }, "duration" + negative},
		"half a minute":  {func(p *bbb.CreateParams) { p.LogoutTimer = new(30 * time.Second) }, "logoutTimer must be a whole number of minutes"},
		"lock policy":    {func(p *bbb.CreateParams) { p.LockSettings.PresenterPolicy = "free for all" }, "lockSettingsPresenterPolicy" + word},
		"group":          {func(p *bbb.CreateParams) { p.Groups = []bbb.BreakoutGroup{{ID: "1"}, {Name: "x"}} }, "groups has an element that has no ID"},
		"manifest":       {func(p *bbb.CreateParams) { p.PluginManifests = []bbb.PluginManifest{{URL: "m.json"}} }, "pluginManifests has an element that has no absolute http or https URL"},
		"size":           {func(p *bbb.CreateParams) { p.Placement.Size = -1 }, "Placement.Size must be from 0 to 100000"},
		"breakout":       {func(p *bbb.CreateParams) { p.IsBreakout = new(true) }, "parentMeetingID is required by isBreakout\nsequence is required by isBreakout"},
		"parent":         {func(p *bbb.CreateParams) { p.ParentMeetingID = "a,b" }, "parentMeetingID must not contain a comma"},
		"upload URL":     {func(p *bbb.CreateParams) { p.PresentationUploadExternalURL = "https://a.example" }, "presentationUploadExternalDescription is required by presentationUploadExternalUrl"},
		"upload text":    {func(p *bbb.CreateParams) { p.PresentationUploadExternalDescription = "here" }, "presentationUploadExternalUrl is required by presentationUploadExternalDescription"},
		"metadata names": {func(p *bbb.CreateParams) { p.Meta = map[string]string{"": "x", "1a": "x", "a_b": "x", "ä": "x"} }, "meta_" + metaKey + "\nmeta_1a" + metaKey + "\nmeta_a_b" + metaKey + "\nmeta_ä" + metaKey},
		"metadata twice": {func(p *bbb.CreateParams) { p.Meta = map[string]string{"Origin": "x", "origin": "x"} }, "meta_origin" + folded},
		"metadata value": {func(p *bbb.CreateParams) { p.Meta = map[string]string{"a": "\x00"} }, "meta_a" + control},
		"plugin names":   {func(p *bbb.CreateParams) { p.PluginParams = map[string]string{"_a": "x", "A": "x", "a": "x"} }, "plugin__a" + pluginKey + "\nplugin_a" + folded},
		"extra": {
			func(p *bbb.CreateParams) {
				p.Extra = url.Values{
					"checksum": {"x"}, "meetingID": {"x"}, "lockSettingsDisableNote": {"x"}, "meta_a": {"x"}, "plugin_a": {"x"},
					"": {"x"}, "a\nb": {"x"}, "c": {"fine", "\x00", "\x01"},
				}
			},
			" has no name in Extra" +
				"\na\\nb" + oneLine +
				"\nc" + control +
				"\nchecksum is added by signing and cannot be in Extra" +
				"\nlockSettingsDisableNote cannot be in Extra; use the field LockSettings.DisableNotes" +
				"\nmeetingID cannot be in Extra; use the field MeetingID" +
				"\nmeta_a cannot be in Extra; use the field Meta" +
				"\nplugin_a cannot be in Extra; use the field PluginParams",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params := bbb.CreateParams{Name: "Physics", MeetingID: "physics"}
			test.spoil(&params)
			assertProblems(t, "create", test.want, params.Validate())
		})
	}
}

func TestValidJoinParams(t *testing.T) {
	t.Parallel()
	for name, params := range map[string]bbb.JoinParams{
		"role":           {MeetingID: "physics", FullName: "Z", Role: bbb.RoleViewer},
		"role's case":    {MeetingID: "physics", FullName: "Zoë", Role: "moderator"},
		"password":       {MeetingID: "physics", FullName: strings.Repeat("z", 255), Password: "p"},
		"create time":    {MeetingID: "physics", FullName: "Zoë", Role: bbb.RoleViewer, CreateTime: time.UnixMilli(1531155809613)},
		"second session": {MeetingID: "physics", FullName: "Zoë", Role: bbb.RoleViewer, ExistingUserID: "w_x", ReplaceSessionToken: "t", SessionName: "phone"},
		"userdata": {
			MeetingID: "physics", FullName: "Zoë", Role: bbb.RoleViewer,
			UserData: map[string]string{bbb.UserDataCustomStyle: ":root{\n}", "_größe.1": "x"},
			Extra:    url.Values{"userdata-" + bbb.UserDataEnableUserReaction: {"true"}, "meta_a": {"x"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.NoError(t, params.Validate())
		})
	}
}

func TestInvalidJoinParams(t *testing.T) {
	t.Parallel()
	const (
		userDataKey = " must be a letter or '_' followed by letters, digits, '_' and '.' only after its prefix"
		noName      = " must have a name after its prefix"
	)
	for name, test := range map[string]struct {
		spoil func(p *bbb.JoinParams)
		want  string
	}{
		"nothing":          {func(p *bbb.JoinParams) { *p = bbb.JoinParams{} }, "meetingID is required\nfullName is required\nrole is required when there is no password"},
		"long name":        {func(p *bbb.JoinParams) { p.FullName = strings.Repeat("z", 256) }, "fullName must have at most 255 characters"},
		"role":             {func(p *bbb.JoinParams) { p.Role = "PRESENTER" }, "role must be MODERATOR or VIEWER"},
		"ancient":          {func(p *bbb.JoinParams) { p.CreateTime = time.Unix(-1, 0) }, "createTime must not be before 1970"},
		"microseconds":     {func(p *bbb.JoinParams) { p.CreateTime = time.UnixMicro(1) }, "createTime must be a whole number of milliseconds"},
		"session token":    {func(p *bbb.JoinParams) { p.ReplaceSessionToken = "t" }, "existingUserID is required by replaceSessionToken"},
		"session name":     {func(p *bbb.JoinParams) { p.SessionName = "t" }, "existingUserID is required by sessionName"},
		"dashed userdata":  {func(p *bbb.JoinParams) { p.UserData = map[string]string{"a-b": "x"} }, "userdata-a-b has a '-' after its prefix: servers drop it silently; Extra can still send it"},
		"userdata names":   {func(p *bbb.JoinParams) { p.UserData = map[string]string{"": "x", "1": "x", "a b": "x"} }, "userdata-" + noName + "\nuserdata-1" + userDataKey + "\nuserdata-a b" + userDataKey},
		"userdata extra":   {func(p *bbb.JoinParams) { p.Extra = url.Values{"userdata-a": {"x"}} }, "userdata-a cannot be in Extra; use the field UserData"},
		"older name extra": {func(p *bbb.JoinParams) { p.Extra = url.Values{"redirectErrorUrl": {"x"}} }, "redirectErrorUrl cannot be in Extra; use the field ErrorRedirectURL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params := bbb.JoinParams{MeetingID: "physics", FullName: "Zoë", Role: bbb.RoleViewer}
			test.spoil(&params)
			assertProblems(t, "join", test.want, params.Validate())
		})
	}
}

// assertProblems compares the joined error with lines of "parameter problem".
func assertProblems(t *testing.T, call, want string, err error) {
	t.Helper()
	require.Error(t, err)
	require.ErrorIs(t, err, bbb.ErrInvalidParams)
	var first *bbb.ParamError
	require.ErrorAs(t, err, &first)
	assert.Equal(t, call, first.Call)

	var lines []string
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok)
	for _, err := range joined.Unwrap() {
		require.ErrorIs(t, err, bbb.ErrInvalidParams)
		require.NotErrorIs(t, err, errors.ErrUnsupported)
		text, ok := strings.CutPrefix(err.Error(), "bbb: "+call+`: parameter "`)
		require.True(t, ok, err.Error())
		lines = append(lines, strings.Replace(text, `"`, "", 1))
	}
	assert.Equal(t, strings.Split(want, "\n"), lines)
}

// A value may be a password in the wrong place, so no error repeats one.
func TestErrorsKeepValuesToThemselves(t *testing.T) {
	t.Parallel()
	const marker = "Hunter2"
	junk := marker + " ,\x00 " + strings.Repeat("x", 300)
	form, err := url.ParseQuery("meta_a=1&plugin_a=1&userdata-a=1&other=1")
	require.NoError(t, err)
	for _, name := range []string{
		"meetingID", "name", "attendeePW", "moderatorPW", "voiceBridge", "guestPolicy", "welcome", "logo", "logoutURL",
		"meetingEndedURL", "duration", "maxParticipants", "disabledFeatures", "groups", "pluginManifests",
		"clientSettingsOverrideJsonUrl", "fullName", "role", "password", "createTime", "replaceSessionToken", "avatarURL",
	} {
		form.Set(name, "1")
	}
	for name := range form {
		form.Set(name, junk)
	}
	create, createErr := bbb.ParseCreateParams(form)
	join, joinErr := bbb.ParseJoinParams(form)
	for _, err := range []error{createErr, joinErr, create.Validate(), join.Validate()} {
		require.ErrorIs(t, err, bbb.ErrInvalidParams)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), marker)
	}
}

func TestParseRole(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bbb.Role{
		"MODERATOR": bbb.RoleModerator, "moderator": bbb.RoleModerator, "Viewer": bbb.RoleViewer,
	} {
		role, err := bbb.ParseRole(text)
		require.NoError(t, err)
		assert.Equal(t, want, role)
	}
	for _, text := range []string{"", "PRESENTER", " VIEWER"} {
		role, err := bbb.ParseRole(text)
		require.Error(t, err)
		assert.Empty(t, role)
	}
}
