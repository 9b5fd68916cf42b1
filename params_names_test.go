package bbb

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The complete lists of what create and join document, kept apart from the tables on purpose: a
// parameter that is misspelled, forgotten or removed in a table shows here.
const (
	documentedCreateNames = `
		meetingID name attendeePW moderatorPW voiceBridge dialNumber webVoice guestPolicy
		allowPromoteGuestToModerator allowRequestsWithoutSession

		welcome moderatorOnlyMessage bannerText bannerColor logo darklogo copyright logoutURL loginURL
		meetingEndedURL meetingLayout

		maxParticipants duration meetingExpireIfNoUserJoinedInMinutes
		meetingExpireWhenLastUserLeftInMinutes endWhenNoModerator endWhenNoModeratorDelayInMinutes
		logoutTimer userCameraCap meetingCameraCap maxPinnedCameras maxNumPages

		record autoStartRecording allowStartStopRecording recordFullDurationMedia notifyRecordingIsOn
		notifyRecordingAppend meetingKeepEvents learningDashboardCleanupDelayInMinutes
		learningDashboardEnabled

		muteOnStart allowModsToUnmuteUsers requireUserConsentBeforeUnmuting allowModsToEjectCameras
		webcamsOnlyForModerator virtualBackgroundsDisabled cameraBridge screenShareBridge audioBridge

		lockSettingsDisableCam lockSettingsDisableMic lockSettingsDisablePrivateChat
		lockSettingsDisablePublicChat lockSettingsDisableNotes lockSettingsDisableNote
		lockSettingsHideUserList lockSettingsLockOnJoin lockSettingsLockOnJoinConfigurable
		lockSettingsHideViewersCursor lockSettingsHideViewersAnnotation lockSettingsLockedLayout
		lockSettingsPresenterPolicy

		disabledFeatures disabledFeaturesExclude groups multiUserWhiteboardEnabled sharedNotesEditor
		sharedNotesInitialContentJsonUrl sharedNotesInitialContentMarkdown
		sharedNotesInitialContentMarkdownUrl clientSettingsOverrideJsonUrl pluginManifests
		pluginManifestsFetchUrl allowOverrideClientSettingsOnCreateCall

		preUploadedPresentation preUploadedPresentationName preUploadedPresentationOverrideDefault
		presentationUploadExternalUrl presentationUploadExternalDescription
		presentationConversionCacheEnabled

		isBreakout parentMeetingID sequence freeJoin breakoutRoomsEnabled
		breakoutRoomsPrivateChatEnabled breakoutRoomsRecord breakoutRoomsCaptureSlides
		breakoutRoomsCaptureNotes breakoutRoomsCaptureSlidesFilename breakoutRoomsCaptureNotesFilename`

	documentedJoinNames = `
		meetingID fullName role password createTime userID webVoiceConf defaultLayout avatarURL
		webcamBackgroundURL redirect errorRedirectUrl guest auth excludeFromDashboard bot enforceLayout
		logoutURL firstName lastName existingUserID replaceSessionToken sessionName joinViaHtml5`
)

func TestTablesHoldEveryDocumentedName(t *testing.T) {
	t.Parallel()
	assert.ElementsMatch(t, strings.Fields(documentedCreateNames), sentNames(createTable))
	assert.ElementsMatch(t, strings.Fields(documentedJoinNames), sentNames(joinTable))
	assert.Equal(t, []string{"meta_", "plugin_"}, prefixes(createTable))
	assert.Equal(t, []string{"userdata-"}, prefixes(joinTable))
}

func sentNames[P any](table *paramTable[P]) (names []string) {
	for _, f := range table.params {
		names = append(names, f.names...)
	}
	return names
}

func prefixes[P any](table *paramTable[P]) (names []string) {
	for _, f := range table.families {
		names = append(names, f.prefix)
	}
	return names
}

func TestEveryLineHasItsOwnField(t *testing.T) {
	t.Parallel()
	assertOwnFields(t, createTable)
	assertOwnFields(t, joinTable)
}

func assertOwnFields[P any](t *testing.T, table *paramTable[P]) {
	t.Helper()
	seen := make(map[string]string)
	for _, f := range table.params {
		field := f.goName()
		assert.NotEmpty(t, field, "%s has no field", f.name())
		assert.Empty(t, seen[field], "%s and %s share %s", seen[field], f.name(), field)
		seen[field] = f.name()
		// The wire name is the field's name but for letter case and the unit of durations.
		wire := strings.TrimSuffix(strings.ToLower(f.name()), "inminutes")
		assert.Equal(t, wire, strings.ToLower(strings.ReplaceAll(field, ".", "")), "%s", f.name())
	}
}

// What sounds like a secret is one, unless it is known not to be.
func TestTellingNamesAreMasked(t *testing.T) {
	t.Parallel()
	telling := regexp.MustCompile(`(?i)(pw|password|token|url|logo|message|welcome|preuploadedpresentation)$`)
	assertMasked(t, createTable, telling)
	assertMasked(t, joinTable, telling)
}

func assertMasked[P any](t *testing.T, table *paramTable[P], telling *regexp.Regexp) {
	t.Helper()
	for _, f := range table.params {
		if telling.MatchString(f.name()) {
			assert.NotNil(t, f.mask, "%s is shown in logs", f.name())
		}
	}
}

func TestTableRefusesANameTwice(t *testing.T) {
	t.Parallel()
	line := flagParam("bot", func(p *JoinParams) **bool { return &p.Bot })
	require.PanicsWithValue(t, "bbb: parameter bot of join is in the table twice", func() {
		newParamTable(paramTable[JoinParams]{call: "join", params: []*param[JoinParams]{line, line}})
	})
}

func TestFieldNameOfNoField(t *testing.T) {
	t.Parallel()
	line := flagParam("nowhere", func(*JoinParams) **bool { return new(*bool) })
	assert.Empty(t, line.goName())
}

func TestShownStopsWhenAsked(t *testing.T) {
	t.Parallel()
	p := JoinParams{
		MeetingID: "m",
		UserData:  map[string]string{"k": "v"},
		Extra:     map[string][]string{"x": {"y"}},
	}
	all := slices.Collect(maps.Keys(maps.Collect(joinTable.shown(&p))))
	require.Len(t, all, 3)
	for stop := range all {
		seen := 0
		for range joinTable.shown(&p) {
			if seen++; seen > stop {
				break
			}
		}
		assert.Equal(t, stop+1, seen)
	}
}
