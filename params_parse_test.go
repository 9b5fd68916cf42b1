package bbb_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseCreateParams(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		query    string
		want     bbb.CreateParams
		problems string
	}{
		"nothing":                     {"", bbb.CreateParams{}, ""},
		"the checksum is dropped":     {"name=a&checksum=abc", bbb.CreateParams{Name: "a"}, ""},
		"names are case-sensitive":    {"Name=a&meetingid=b", bbb.CreateParams{Extra: url.Values{"Name": {"a"}, "meetingid": {"b"}}}, ""},
		"the first value wins":        {"name=a&name=b&meta_x=1&meta_x=2", bbb.CreateParams{Name: "a", Meta: map[string]string{"x": "1"}}, ""},
		"even when it is empty":       {"name=&name=b&meta_x=&meta_x=2", bbb.CreateParams{}, ""},
		"unknown names keep all":      {"new=1&new=&new=2&=nameless", bbb.CreateParams{Extra: url.Values{"new": {"1", "", "2"}}}, ""},
		"empty is absent":             {"record=&duration=&groups=&meta_a=&disabledFeatures=", bbb.CreateParams{}, ""},
		"true in any letter case":     {"record=TRUE&muteOnStart=True", bbb.CreateParams{Record: new(true), MuteOnStart: new(true)}, ""},
		"everything else is false":    {"record=1&muteOnStart=yes&freeJoin=+true", bbb.CreateParams{Record: new(false), MuteOnStart: new(false), FreeJoin: new(false)}, ""},
		"zero is not absent":          {"duration=0&maxParticipants=0", bbb.CreateParams{Duration: new(time.Duration(0)), MaxParticipants: new(0)}, ""},
		"leading zeros":               {"duration=007", bbb.CreateParams{Duration: new(7 * time.Minute)}, ""},
		"minutes":                     {"duration=90", bbb.CreateParams{Duration: new(90 * time.Minute)}, ""},
		"words are trimmed":           {"disabledFeatures=chat,+polls+,,", bbb.CreateParams{DisabledFeatures: []bbb.Feature{"chat", "polls"}}, ""},
		"only commas":                 {"disabledFeatures=,+,", bbb.CreateParams{}, ""},
		"old spelling of the notes":   {"lockSettingsDisableNote=true", bbb.CreateParams{LockSettings: bbb.LockSettings{DisableNotes: new(true)}}, ""},
		"new spelling beats the old":  {"lockSettingsDisableNote=true&lockSettingsDisableNotes=false", bbb.CreateParams{LockSettings: bbb.LockSettings{DisableNotes: new(false)}}, ""},
		"empty new spelling does not": {"lockSettingsDisableNote=true&lockSettingsDisableNotes=", bbb.CreateParams{LockSettings: bbb.LockSettings{DisableNotes: new(true)}}, ""},
		"nothing is validated":        {"name=a&meetingID=,", bbb.CreateParams{Name: "a", MeetingID: ","}, ""},
		"userdata is unknown":         {"userdata-a=1", bbb.CreateParams{Extra: url.Values{"userdata-a": {"1"}}}, ""},
		"empty lists":                 {"groups=[]&pluginManifests=null", bbb.CreateParams{}, ""},
		"numbers in groups": {
			`groups=[{"id":5,"name":null,"roster":[7,"u",1e3],"more":{}},{"id":"6","roster":[]}]`,
			bbb.CreateParams{Groups: []bbb.BreakoutGroup{{ID: "5", Roster: []string{"7", "u", "1e3"}}, {ID: "6"}}}, "",
		},
		"manifests": {
			`pluginManifests=[{"url":"https://p.example/m","checksum":"abc"}]`,
			bbb.CreateParams{PluginManifests: []bbb.PluginManifest{{URL: "https://p.example/m", Checksum: "abc"}}}, "",
		},
		"bad numbers are left out": {
			"name=a&duration=abc&maxParticipants=-1&userCameraCap=2147483648&logoutTimer=153722868&maxNumPages=99999999999999999999",
			bbb.CreateParams{Name: "a"},
			"maxParticipants is not a number\nduration is not a number\nlogoutTimer is too large\nuserCameraCap is too large\nmaxNumPages is too large",
		},
		"bad JSON is left out": {
			`name=a&groups=[{&pluginManifests={"url":"x"}`, bbb.CreateParams{Name: "a"},
			"groups is not the JSON array it should be\npluginManifests is not the JSON array it should be",
		},
		"bad element": {`groups=[{"id":true}]`, bbb.CreateParams{}, "groups is not the JSON array it should be"},
		"bad metadata is left out": {
			"meta_ok=1&meta_=1&meta_a_b=1&meta_OK=2&plugin_a_b=1", bbb.CreateParams{Meta: map[string]string{"OK": "2"}, PluginParams: map[string]string{"a_b": "1"}},
			"meta_ must be a letter followed by letters, digits and '-' only after its prefix" +
				"\nmeta_a_b must be a letter followed by letters, digits and '-' only after its prefix" +
				"\nmeta_ok is there twice: servers fold the name to lower case",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form, err := url.ParseQuery(test.query)
			require.NoError(t, err)
			got, err := bbb.ParseCreateParams(form)
			assert.Equal(t, test.want, got)
			if test.problems == "" {
				require.NoError(t, err)
			} else {
				assertProblems(t, "create", test.problems, err)
			}
		})
	}
}

func TestParseJoinParams(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		query    string
		want     bbb.JoinParams
		problems string
	}{
		"role in any case":    {"role=viewer", bbb.JoinParams{Role: bbb.RoleViewer}, ""},
		"unknown role":        {"role=boss", bbb.JoinParams{Role: "boss"}, ""},
		"create time is UTC":  {"createTime=1531155809613", bbb.JoinParams{CreateTime: time.Date(2018, 7, 9, 17, 3, 29, 613e6, time.UTC)}, ""},
		"bad create time":     {"createTime=now&fullName=Z", bbb.JoinParams{FullName: "Z"}, "createTime is not a number"},
		"both error URLs":     {"redirectErrorUrl=a&errorRedirectUrl=b", bbb.JoinParams{ErrorRedirectURL: "b"}, ""},
		"older error URL":     {"redirectErrorUrl=a", bbb.JoinParams{ErrorRedirectURL: "a"}, ""},
		"userdata":            {"userdata-a=1&userdata-A=2&userdata-b-c=3&userdata-d=", bbb.JoinParams{UserData: map[string]string{"a": "1", "A": "2"}, Extra: url.Values{"userdata-b-c": {"3"}}}, ""},
		"userdata sans key":   {"userdata-=1", bbb.JoinParams{}, "userdata- must have a name after its prefix"},
		"unreadable userdata": {"userdata-1=1&userdata-a%ff=2", bbb.JoinParams{}, "userdata-1 must be a letter or '_' followed by letters, digits, '_' and '.' only after its prefix\nuserdata-a\\xff must be a letter or '_' followed by letters, digits, '_' and '.' only after its prefix"},
		"metadata is unknown": {"meta_a=1", bbb.JoinParams{Extra: url.Values{"meta_a": {"1"}}}, ""},
		"checksum":            {"checksum=1&Checksum=2", bbb.JoinParams{Extra: url.Values{"Checksum": {"2"}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form, err := url.ParseQuery(test.query)
			require.NoError(t, err)
			got, err := bbb.ParseJoinParams(form)
			assert.Equal(t, test.want, got)
			if test.problems == "" {
				require.NoError(t, err)
			} else {
				assertProblems(t, "join", test.problems, err)
			}
		})
	}
}

func TestParseKeepsNothingOfTheCaller(t *testing.T) {
	t.Parallel()
	form := url.Values{"new": {"1"}, "none": {}}
	params, err := bbb.ParseCreateParams(form)
	require.NoError(t, err)
	form["new"][0] = "2"
	assert.Equal(t, url.Values{"new": {"1"}}, params.Extra)
	params.Values()["new"][0] = "3"
	assert.Equal(t, url.Values{"new": {"1"}}, params.Extra)
}
