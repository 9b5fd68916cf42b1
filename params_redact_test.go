package bbb_test

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
)

const hidden = "Hunter2"

func secretiveCreate() bbb.CreateParams {
	const secretURL = "https://user:" + hidden + "@portal.example/" + hidden + "?t=" + hidden + "#" + hidden
	return bbb.CreateParams{
		MeetingID: "physics", Name: "Physics 101", AttendeePW: hidden, ModeratorPW: hidden,
		Welcome: "Call " + hidden, ModeratorOnlyMessage: hidden, NotifyRecordingAppend: hidden,
		Logo: secretURL, DarkLogo: secretURL, LogoutURL: secretURL, LoginURL: secretURL, MeetingEndedURL: secretURL,
		SharedNotesInitialContentJSONURL: secretURL, SharedNotesInitialContentMarkdown: hidden,
		SharedNotesInitialContentMarkdownURL: secretURL, ClientSettingsOverrideJSONURL: secretURL,
		PluginManifests:         []bbb.PluginManifest{{URL: secretURL}},
		PluginManifestsFetchURL: secretURL, PreUploadedPresentation: "not a URL: " + hidden,
		PresentationUploadExternalURL: secretURL,
		Record:                        new(true), LockSettings: bbb.LockSettings{DisableCam: new(false)},
		Meta: map[string]string{
			"origin": "portal}", bbb.MetaEndCallbackURL: secretURL, bbb.MetaSecretLRSPayload: hidden, "Api-Token": hidden,
			"link": "see " + secretURL,
		},
		PluginParams: map[string]string{"apiKey": hidden},
		Extra:        url.Values{"new": {hidden}},
	}
}

func secretiveJoin() bbb.JoinParams {
	const secretURL = "https://portal.example/" + hidden
	return bbb.JoinParams{
		MeetingID: "physics", FullName: "Zoë", Password: hidden, AvatarURL: secretURL, WebcamBackgroundURL: secretURL,
		ErrorRedirectURL: secretURL, LogoutURL: secretURL, ExistingUserID: "w_1", ReplaceSessionToken: hidden,
		UserData: map[string]string{"pin": hidden}, Extra: url.Values{"userdata-a-b": {hidden}},
	}
}

func TestParamsHideTheirSecrets(t *testing.T) {
	t.Parallel()
	create, join := secretiveCreate(), secretiveJoin()
	for name, params := range map[string]any{
		"create": create, "*create": &create, "[]create": []bbb.CreateParams{create}, "field": struct{ P bbb.CreateParams }{create},
		"join": join, "*join": &join, "[]join": []bbb.JoinParams{join}, "map": map[string]bbb.JoinParams{"a": join},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			text := fmt.Sprintf(verb, params)
			assert.NotContains(t, text, hidden, "%s of %s", verb, name)
			assert.NotContains(t, text, fmt.Sprintf("%x", hidden), "%s of %s", verb, name)
		}
		var text strings.Builder
		slog.New(slog.NewTextHandler(&text, nil)).Info("call", slog.Any("params", params))
		assert.Contains(t, text.String(), "physics")
		assert.NotContains(t, text.String(), hidden, name)
	}
	for _, params := range []any{create, &create, join, &join} {
		var text strings.Builder
		slog.New(slog.NewJSONHandler(&text, nil)).Info("call", slog.Any("params", params))
		assert.Contains(t, text.String(), `"meetingID":"physics"`)
		assert.NotContains(t, text.String(), hidden)
	}
}

func TestParamsShowTheRest(t *testing.T) {
	t.Parallel()
	create, join := secretiveCreate(), secretiveJoin()
	const wantCreate = `CreateParams{meetingID=physics name="Physics 101" attendeePW=[redacted] moderatorPW=[redacted]` +
		` welcome="[12 characters]" moderatorOnlyMessage="[7 characters]"` +
		` logo=https://portal.example darklogo=https://portal.example logoutURL=https://portal.example` +
		` loginURL=https://portal.example meetingEndedURL=https://portal.example` +
		` record=true notifyRecordingAppend="[7 characters]" lockSettingsDisableCam=false` +
		` sharedNotesInitialContentJsonUrl=https://portal.example sharedNotesInitialContentMarkdown="[7 characters]"` +
		` sharedNotesInitialContentMarkdownUrl=https://portal.example clientSettingsOverrideJsonUrl=https://portal.example` +
		` pluginManifests=[redacted] pluginManifestsFetchUrl=https://portal.example preUploadedPresentation=[redacted]` +
		` presentationUploadExternalUrl=https://portal.example` +
		` meta_Api-Token=[redacted] meta_endCallbackUrl=https://portal.example meta_link=[redacted] meta_origin="portal}"` +
		` meta_secret-lrs-payload=[redacted] plugin_apiKey=[redacted] new=[redacted]}`
	assert.Equal(t, wantCreate, create.String())
	assert.Equal(t, "bbb."+wantCreate, create.GoString())

	const wantJoin = `JoinParams{meetingID=physics fullName=Zoë password=[redacted] avatarURL=https://portal.example` +
		` webcamBackgroundURL=https://portal.example errorRedirectUrl=https://portal.example logoutURL=https://portal.example` +
		` existingUserID=w_1 replaceSessionToken=[redacted] userdata-pin=[redacted] userdata-a-b=[redacted]}`
	assert.Equal(t, wantJoin, join.String())
	assert.Equal(t, "bbb."+wantJoin, join.GoString())
	assert.Equal(t, "CreateParams{}", bbb.CreateParams{}.String())
	assert.Equal(t, `CreateParams{"a\nb=c"=[redacted]}`, bbb.CreateParams{Extra: url.Values{"a\nb=c": {"x"}}}.String())
}
