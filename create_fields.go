package bbb

import (
	"net/url"
	"strconv"
	"time"
)

// createTable describes the parameters of create in the order in which they are sent. To add one, add
// a field to [CreateParams] and a line here.
var createTable = newParamTable(paramTable[CreateParams]{
	call:   "create",
	params: createFields,
	families: []paramFamily[CreateParams]{
		{
			prefix:    "meta_",
			field:     func(p *CreateParams) *map[string]string { return &p.Meta },
			keyRule:   metaKey,
			plainKey:  smallByte | digitByte | dashByte,
			foldsCase: true,
			mask:      maskMeta,
		},
		{
			prefix:    "plugin_",
			field:     func(p *CreateParams) *map[string]string { return &p.PluginParams },
			keyRule:   pluginKey,
			plainKey:  smallByte | digitByte | dashByte | underscoreByte,
			foldsCase: true,
			mask:      maskMap,
		},
	},
	extra: func(p *CreateParams) *url.Values { return &p.Extra },
	body:  shownModules,
	joint: validateCreateJointly,
})

var createFields = []*param[CreateParams]{
	textParam("meetingID", func(p *CreateParams) *string { return &p.MeetingID }).rule(validateMeetingID),
	textParam("name", func(p *CreateParams) *string { return &p.Name }).required().rule(length(2, 256)),
	textParam("attendeePW", func(p *CreateParams) *string { return &p.AttendeePW }).rule(length(2, 64)).secret(),
	textParam("moderatorPW", func(p *CreateParams) *string { return &p.ModeratorPW }).rule(length(2, 64)).secret(),
	textParam("voiceBridge", func(p *CreateParams) *string { return &p.VoiceBridge }).rule(digits),
	textParam("dialNumber", func(p *CreateParams) *string { return &p.DialNumber }),
	textParam("webVoice", func(p *CreateParams) *string { return &p.WebVoice }),
	enumParam("guestPolicy", func(p *CreateParams) *GuestPolicy { return &p.GuestPolicy }),
	flagParam("allowPromoteGuestToModerator", func(p *CreateParams) **bool { return &p.AllowPromoteGuestToModerator }),
	flagParam("allowRequestsWithoutSession", func(p *CreateParams) **bool { return &p.AllowRequestsWithoutSession }),
	proseParam("welcome", func(p *CreateParams) *string { return &p.Welcome }),
	proseParam("moderatorOnlyMessage", func(p *CreateParams) *string { return &p.ModeratorOnlyMessage }),
	textParam("bannerText", func(p *CreateParams) *string { return &p.BannerText }),
	textParam("bannerColor", func(p *CreateParams) *string { return &p.BannerColor }),
	urlParam("logo", func(p *CreateParams) *string { return &p.Logo }),
	urlParam("darklogo", func(p *CreateParams) *string { return &p.DarkLogo }),
	textParam("copyright", func(p *CreateParams) *string { return &p.Copyright }),
	urlParam("logoutURL", func(p *CreateParams) *string { return &p.LogoutURL }),
	urlParam("loginURL", func(p *CreateParams) *string { return &p.LoginURL }),
	urlParam("meetingEndedURL", func(p *CreateParams) *string { return &p.MeetingEndedURL }),
	enumParam("meetingLayout", func(p *CreateParams) *Layout { return &p.MeetingLayout }),
	numberParam("maxParticipants", func(p *CreateParams) **int { return &p.MaxParticipants }),
	minutesParam("duration", func(p *CreateParams) **time.Duration { return &p.Duration }),
	minutesParam("meetingExpireIfNoUserJoinedInMinutes", func(p *CreateParams) **time.Duration { return &p.MeetingExpireIfNoUserJoined }),
	minutesParam("meetingExpireWhenLastUserLeftInMinutes", func(p *CreateParams) **time.Duration { return &p.MeetingExpireWhenLastUserLeft }),
	flagParam("endWhenNoModerator", func(p *CreateParams) **bool { return &p.EndWhenNoModerator }),
	minutesParam("endWhenNoModeratorDelayInMinutes", func(p *CreateParams) **time.Duration { return &p.EndWhenNoModeratorDelay }),
	minutesParam("logoutTimer", func(p *CreateParams) **time.Duration { return &p.LogoutTimer }),
	numberParam("userCameraCap", func(p *CreateParams) **int { return &p.UserCameraCap }),
	numberParam("meetingCameraCap", func(p *CreateParams) **int { return &p.MeetingCameraCap }),
	countParam("maxPinnedCameras", func(p *CreateParams) **int { return &p.MaxPinnedCameras }),
	countParam("maxNumPages", func(p *CreateParams) **int { return &p.MaxNumPages }),
	flagParam("record", func(p *CreateParams) **bool { return &p.Record }),
	flagParam("autoStartRecording", func(p *CreateParams) **bool { return &p.AutoStartRecording }),
	flagParam("allowStartStopRecording", func(p *CreateParams) **bool { return &p.AllowStartStopRecording }),
	flagParam("recordFullDurationMedia", func(p *CreateParams) **bool { return &p.RecordFullDurationMedia }),
	flagParam("notifyRecordingIsOn", func(p *CreateParams) **bool { return &p.NotifyRecordingIsOn }),
	proseParam("notifyRecordingAppend", func(p *CreateParams) *string { return &p.NotifyRecordingAppend }),
	flagParam("meetingKeepEvents", func(p *CreateParams) **bool { return &p.MeetingKeepEvents }),
	minutesParam("learningDashboardCleanupDelayInMinutes", func(p *CreateParams) **time.Duration { return &p.LearningDashboardCleanupDelay }),
	flagParam("learningDashboardEnabled", func(p *CreateParams) **bool { return &p.LearningDashboardEnabled }),
	flagParam("muteOnStart", func(p *CreateParams) **bool { return &p.MuteOnStart }),
	flagParam("allowModsToUnmuteUsers", func(p *CreateParams) **bool { return &p.AllowModsToUnmuteUsers }),
	flagParam("requireUserConsentBeforeUnmuting", func(p *CreateParams) **bool { return &p.RequireUserConsentBeforeUnmuting }),
	flagParam("allowModsToEjectCameras", func(p *CreateParams) **bool { return &p.AllowModsToEjectCameras }),
	flagParam("webcamsOnlyForModerator", func(p *CreateParams) **bool { return &p.WebcamsOnlyForModerator }),
	flagParam("virtualBackgroundsDisabled", func(p *CreateParams) **bool { return &p.VirtualBackgroundsDisabled }),
	enumParam("cameraBridge", func(p *CreateParams) *MediaBridge { return &p.CameraBridge }),
	enumParam("screenShareBridge", func(p *CreateParams) *MediaBridge { return &p.ScreenShareBridge }),
	enumParam("audioBridge", func(p *CreateParams) *MediaBridge { return &p.AudioBridge }),
	flagParam("lockSettingsDisableCam", func(p *CreateParams) **bool { return &p.LockSettings.DisableCam }),
	flagParam("lockSettingsDisableMic", func(p *CreateParams) **bool { return &p.LockSettings.DisableMic }),
	flagParam("lockSettingsDisablePrivateChat", func(p *CreateParams) **bool { return &p.LockSettings.DisablePrivateChat }),
	flagParam("lockSettingsDisablePublicChat", func(p *CreateParams) **bool { return &p.LockSettings.DisablePublicChat }),
	flagParam("lockSettingsDisableNotes", func(p *CreateParams) **bool { return &p.LockSettings.DisableNotes }).alsoSentAs("lockSettingsDisableNote"),
	flagParam("lockSettingsHideUserList", func(p *CreateParams) **bool { return &p.LockSettings.HideUserList }),
	flagParam("lockSettingsLockOnJoin", func(p *CreateParams) **bool { return &p.LockSettings.LockOnJoin }),
	flagParam("lockSettingsLockOnJoinConfigurable", func(p *CreateParams) **bool { return &p.LockSettings.LockOnJoinConfigurable }),
	flagParam("lockSettingsHideViewersCursor", func(p *CreateParams) **bool { return &p.LockSettings.HideViewersCursor }),
	flagParam("lockSettingsHideViewersAnnotation", func(p *CreateParams) **bool { return &p.LockSettings.HideViewersAnnotation }),
	flagParam("lockSettingsLockedLayout", func(p *CreateParams) **bool { return &p.LockSettings.LockedLayout }),
	enumParam("lockSettingsPresenterPolicy", func(p *CreateParams) *PresenterPolicy { return &p.LockSettings.PresenterPolicy }),
	listParam("disabledFeatures", func(p *CreateParams) *[]Feature { return &p.DisabledFeatures }),
	listParam("disabledFeaturesExclude", func(p *CreateParams) *[]Feature { return &p.DisabledFeaturesExclude }),
	jsonParam("groups", func(p *CreateParams) *[]BreakoutGroup { return &p.Groups }, BreakoutGroup.problem),
	flagParam("multiUserWhiteboardEnabled", func(p *CreateParams) **bool { return &p.MultiUserWhiteboardEnabled }),
	enumParam("sharedNotesEditor", func(p *CreateParams) *SharedNotesEditor { return &p.SharedNotesEditor }),
	urlParam("sharedNotesInitialContentJsonUrl", func(p *CreateParams) *string { return &p.SharedNotesInitialContentJSONURL }).rule(httpsURL),
	proseParam("sharedNotesInitialContentMarkdown", func(p *CreateParams) *string { return &p.SharedNotesInitialContentMarkdown }),
	urlParam("sharedNotesInitialContentMarkdownUrl", func(p *CreateParams) *string { return &p.SharedNotesInitialContentMarkdownURL }).rule(httpsURL),
	urlParam("clientSettingsOverrideJsonUrl", func(p *CreateParams) *string { return &p.ClientSettingsOverrideJSONURL }).rule(httpsURL),
	jsonParam("pluginManifests", func(p *CreateParams) *[]PluginManifest { return &p.PluginManifests }, PluginManifest.problem).secret(),
	urlParam("pluginManifestsFetchUrl", func(p *CreateParams) *string { return &p.PluginManifestsFetchURL }),
	flagParam("allowOverrideClientSettingsOnCreateCall", func(p *CreateParams) **bool { return &p.AllowOverrideClientSettingsOnCreateCall }),
	urlParam("preUploadedPresentation", func(p *CreateParams) *string { return &p.PreUploadedPresentation }),
	textParam("preUploadedPresentationName", func(p *CreateParams) *string { return &p.PreUploadedPresentationName }),
	flagParam("preUploadedPresentationOverrideDefault", func(p *CreateParams) **bool { return &p.PreUploadedPresentationOverrideDefault }),
	urlParam("presentationUploadExternalUrl", func(p *CreateParams) *string { return &p.PresentationUploadExternalURL }),
	textParam("presentationUploadExternalDescription", func(p *CreateParams) *string { return &p.PresentationUploadExternalDescription }),
	flagParam("presentationConversionCacheEnabled", func(p *CreateParams) **bool { return &p.PresentationConversionCacheEnabled }),
	flagParam("isBreakout", func(p *CreateParams) **bool { return &p.IsBreakout }),
	textParam("parentMeetingID", func(p *CreateParams) *string { return &p.ParentMeetingID }).rule(validateMeetingID),
	numberParam("sequence", func(p *CreateParams) **int { return &p.Sequence }),
	flagParam("freeJoin", func(p *CreateParams) **bool { return &p.FreeJoin }),
	flagParam("breakoutRoomsEnabled", func(p *CreateParams) **bool { return &p.BreakoutRoomsEnabled }),
	flagParam("breakoutRoomsPrivateChatEnabled", func(p *CreateParams) **bool { return &p.BreakoutRoomsPrivateChatEnabled }),
	flagParam("breakoutRoomsRecord", func(p *CreateParams) **bool { return &p.BreakoutRoomsRecord }),
	flagParam("breakoutRoomsCaptureSlides", func(p *CreateParams) **bool { return &p.BreakoutRoomsCaptureSlides }),
	flagParam("breakoutRoomsCaptureNotes", func(p *CreateParams) **bool { return &p.BreakoutRoomsCaptureNotes }),
	textParam("breakoutRoomsCaptureSlidesFilename", func(p *CreateParams) *string { return &p.BreakoutRoomsCaptureSlidesFilename }),
	textParam("breakoutRoomsCaptureNotesFilename", func(p *CreateParams) *string { return &p.BreakoutRoomsCaptureNotesFilename }),
}

// validateCreateJointly checks what depends on more than one parameter.
func validateCreateJointly(p *CreateParams) (problems problemList) {
	report := func(param, problem string) { problems.add(callCreate, param, problem) }
	reportModules(p, report)
	if p.Placement.Size < 0 || p.Placement.Size > maxSize {
		report("Placement.Size", "must be from 0 to "+strconv.Itoa(maxSize))
	}
	if p.IsBreakout != nil && *p.IsBreakout {
		if p.ParentMeetingID == "" {
			report("parentMeetingID", "is required by isBreakout")
		}
		if p.Sequence == nil {
			report("sequence", "is required by isBreakout")
		}
	}
	switch {
	case p.PresentationUploadExternalURL == "" && p.PresentationUploadExternalDescription != "":
		report("presentationUploadExternalUrl", "is required by presentationUploadExternalDescription")
	case p.PresentationUploadExternalURL != "" && p.PresentationUploadExternalDescription == "":
		report("presentationUploadExternalDescription", "is required by presentationUploadExternalUrl")
	}
	return problems
}
