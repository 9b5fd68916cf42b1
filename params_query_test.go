package bbb

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCreateQuery(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		params CreateParams
		want   string
	}{
		"nothing": {},
		"the example of the API's documentation": {
			CreateParams{Name: "Test Meeting", MeetingID: "abc123", AttendeePW: "111222", ModeratorPW: "333444"},
			"meetingID=abc123&name=Test+Meeting&attendeePW=111222&moderatorPW=333444",
		},
		"false and zero are sent": {
			CreateParams{Record: new(false), Duration: new(time.Duration(0)), UserCameraCap: new(0)},
			"duration=0&userCameraCap=0&record=false",
		},
		"durations are minutes": {
			CreateParams{Duration: new(90 * time.Minute), EndWhenNoModeratorDelay: new(2 * time.Hour)},
			"duration=90&endWhenNoModeratorDelayInMinutes=120",
		},
		"both spellings of the notes": {
			CreateParams{LockSettings: LockSettings{DisableNotes: new(true), PresenterPolicy: PresenterPolicyFreeForAll}},
			"lockSettingsDisableNotes=true&lockSettingsDisableNote=true&lockSettingsPresenterPolicy=freeForAll",
		},
		"lists": {
			CreateParams{
				DisabledFeatures: []Feature{FeatureChat, FeaturePolls},
				Groups:           []BreakoutGroup{{ID: "1", Name: "A&B", Roster: []string{"u1"}}, {ID: "2"}},
				PluginManifests:  []PluginManifest{{URL: "https://p.example/m.json?a=1&b=2"}},
			},
			"disabledFeatures=chat%2Cpolls" +
				"&groups=%5B%7B%22id%22%3A%221%22%2C%22name%22%3A%22A%26B%22%2C%22roster%22%3A%5B%22u1%22%5D%7D%2C%7B%22id%22%3A%222%22%7D%5D" +
				"&pluginManifests=%5B%7B%22url%22%3A%22https%3A%2F%2Fp.example%2Fm.json%3Fa%3D1%26b%3D2%22%7D%5D",
		},
		"families and the rest are sorted, empty metadata is left out": {
			CreateParams{
				Meta:         map[string]string{"b": "2", MetaOrigin: "Über Portal", "empty": ""},
				PluginParams: map[string]string{"Key_1": "~*"},
				Extra:        url.Values{"z": {"1", ""}, "a b": {"\n"}, "none": {}},
			},
			"meta_b=2&meta_bbb-origin=%C3%9Cber+Portal&plugin_Key_1=%7E%2A&a+b=%0A&z=1&z=",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, string(test.params.appendQuery(nil)))
			parsed, err := url.ParseQuery(test.want)
			require.NoError(t, err)
			assert.Equal(t, parsed, test.params.Values())
		})
	}
}

func TestJoinQuery(t *testing.T) {
	t.Parallel()
	p := JoinParams{
		MeetingID: "abc123", FullName: "Zoë O'Neil", Role: RoleModerator, UserID: "u/1",
		CreateTime: time.UnixMilli(1531155809613), Redirect: new(false),
		ErrorRedirectURL: "https://portal.example/error", UserData: map[string]string{UserDataAutoJoinAudio: "true"},
	}
	assert.Equal(t, "meetingID=abc123&fullName=Zo%C3%AB+O%27Neil&role=MODERATOR&createTime=1531155809613&userID=u%2F1"+
		"&redirect=false&errorRedirectUrl=https%3A%2F%2Fportal.example%2Ferror&userdata-bbb_auto_join_audio=true",
		string(p.appendQuery(nil)))
}

func TestAppendQueryEscape(t *testing.T) {
	t.Parallel()
	for c := range rune(0x180) {
		text := "a" + string(c) + "z"
		want := strings.ReplaceAll(url.QueryEscape(text), "~", "%7E")
		assert.Equal(t, "x="+want, string(appendQueryEscape([]byte("x="), text)))
	}
	assert.Equal(t, "%FF%00", string(appendQueryEscape(nil, "\xff\x00")))
	assert.Empty(t, appendQueryEscape(nil, ""))
}

// Not parallel: allocations of other tests would be counted.
func TestEncodingAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 4096)
	assert.Zero(t, testing.AllocsPerRun(100, func() { appendQueryEscape(dst, "Grüße & ~more") }))
	p := typicalCreate()
	assert.Zero(t, testing.AllocsPerRun(100, func() { p.appendQuery(dst) }))
}

func typicalCreate() *CreateParams {
	return &CreateParams{
		MeetingID: "physics-101", Name: "Physics 101 – Übung", AttendeePW: "viewer", ModeratorPW: "moderator",
		Welcome: "Welcome to <b>%%CONFNAME%%</b>!", LogoutURL: "https://portal.example/room/101",
		Record: new(true), MuteOnStart: new(true), Duration: new(90 * time.Minute), MaxParticipants: new(200),
	}
}

func BenchmarkCreateQuery(b *testing.B) {
	p, dst := typicalCreate(), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		p.appendQuery(dst)
	}
}

func BenchmarkParseCreateParams(b *testing.B) {
	v := typicalCreate().Values()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseCreateParams(v); err != nil {
			b.Fatal(err)
		}
	}
}
