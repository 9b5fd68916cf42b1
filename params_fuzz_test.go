package bbb

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// What has been read once is read the same for ever: parse, encode, parse is a fixed point, and the
// second reading has nothing left to complain about.
func FuzzParseCreateParams(f *testing.F) {
	for _, seed := range []string{
		"name=Test+Meeting&meetingID=abc123&attendeePW=111222&moderatorPW=333444",
		"record=TRUE&duration=007&maxParticipants=-1&lockSettingsDisableNote=x&lockSettingsDisableNotes=",
		`groups=[{"id":5,"roster":[1,"b"]},null]&pluginManifests=[{"url":"https://p.example"}]`,
		"disabledFeatures=chat,+polls,,&disabledFeaturesExclude=,",
		"meta_A=1&meta_a=2&meta_b_c=3&meta_=4&plugin_x_y=5&meta_d=",
		"new=1&new=&=x&checksum=abc&checksum=def&%ff=%00%0a&userdata-a=1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) { requireFixedPoint(t, createTable, query) })
}

func FuzzParseJoinParams(f *testing.F) {
	for _, seed := range []string{
		"meetingID=abc123&fullName=Zo%C3%AB&role=viewer&createTime=1531155809613&redirect=FALSE",
		"redirectErrorUrl=https://a.example&userdata-a=1&userdata-a-b=2&userdata-=3&userdata-1=4&userdata-%ff=5",
		"createTime=99999999999999999999&role=%c5%bf&joinViaHtml5=true&extra",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) { requireFixedPoint(t, joinTable, query) })
}

func requireFixedPoint[P any](t *testing.T, table *paramTable[P], query string) {
	t.Helper()
	form, _ := url.ParseQuery(query) // what could be read of it
	once, err := table.parse(form)
	if err != nil {
		require.ErrorIs(t, err, ErrInvalidParams)
	}
	_ = table.validate(&once)
	_ = table.describe("", &once)

	values := table.values(&once)
	twice, err := table.parse(values)
	require.NoError(t, err)
	require.Equal(t, once, twice)

	encoded, err := url.ParseQuery(string(table.appendQuery(nil, &once)))
	require.NoError(t, err)
	require.Equal(t, values, encoded)
}
