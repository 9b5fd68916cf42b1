package bbb

// Since when something exists, and since when no more; "-" where there is no
// limit, or none that is known for certain. What has no line here exists in all
// releases, or nobody knows: nothing is refused or left out on a guess.

var callLifetimes = lifetimesOf([][3]string{
	{callGetDefaultConfigXML, "-", "2.4"},
	{callSetConfigXML, "-", "2.4"},
	{callInsertDocument, "2.5", "-"},
	{callSendChatMessage, "3.0", "-"},
	{callGetJoinURL, "3.0", "-"},
	{callEnter, "-", "3.0"},
})

var createLifetimes = lifetimesOf([][3]string{
	{"endWhenNoModerator", "2.2", "-"},
	{"meetingEndedURL", "2.2", "-"},
	{"endWhenNoModeratorDelayInMinutes", "2.3", "-"},
	{"meetingKeepEvents", "2.3", "-"},

	{"meetingLayout", "2.4", "-"},
	{"learningDashboardEnabled", "2.4", "3.0"},
	{"learningDashboardCleanupDelayInMinutes", "2.4", "-"},
	{"allowModsToEjectCameras", "2.4", "-"},
	{"virtualBackgroundsDisabled", "2.4.3", "3.0"},
	{"allowRequestsWithoutSession", "2.4.3", "-"},
	{"userCameraCap", "2.4.5", "-"},

	{"meetingCameraCap", "2.5", "-"},
	{"groups", "2.5", "-"},
	{"disabledFeatures", "2.5", "-"},
	{"meetingExpireIfNoUserJoinedInMinutes", "2.5", "-"},
	{"meetingExpireWhenLastUserLeftInMinutes", "2.5", "-"},
	{"preUploadedPresentationOverrideDefault", "2.5", "-"},
	{"lockSettingsHideViewersCursor", "2.5", "-"},

	{"notifyRecordingIsOn", "2.6", "-"},
	{"presentationUploadExternalUrl", "2.6", "-"},
	{"presentationUploadExternalDescription", "2.6", "-"},
	{"maxPinnedCameras", "2.6", "-"},
	{"lockSettingsHideViewersAnnotation", "2.6", "-"},
	{"breakoutRoomsCaptureSlides", "2.6", "-"},
	{"breakoutRoomsCaptureNotes", "2.6", "-"},
	{"breakoutRoomsCaptureSlidesFilename", "2.6", "-"},
	{"breakoutRoomsCaptureNotesFilename", "2.6", "-"},
	{"recordFullDurationMedia", "2.6.9", "-"},
	{"disabledFeaturesExclude", "2.6.9", "-"},

	{"preUploadedPresentation", "2.7.2", "-"},
	{"preUploadedPresentationName", "2.7.2", "-"},
	{"allowPromoteGuestToModerator", "2.7.9", "-"},

	{"loginURL", "3.0", "-"},
	{"darklogo", "3.0", "-"},
	{"pluginManifests", "3.0", "-"},
	{"pluginManifestsFetchUrl", "3.0", "-"},
	{"plugin_", "3.0", "-"},
	{"presentationConversionCacheEnabled", "3.0", "-"},
	{"maxNumPages", "3.0", "-"},
	{"multiUserWhiteboardEnabled", "3.0", "-"},
	{"sharedNotesEditor", "3.0", "-"},
	{"cameraBridge", "3.0", "-"},
	{"screenShareBridge", "3.0", "-"},
	{"audioBridge", "3.0", "-"},
	{"clientSettingsOverride", "3.0", "-"},
	{"sharedNotesInitialContentJson", "3.0", "-"},
	{"breakoutRoomsEnabled", "-", "3.0"},
	{"lockSettingsLockedLayout", "-", "3.0"},
	{"clientSettingsOverrideJsonUrl", "3.0.25", "-"},
	{"sharedNotesInitialContentJsonUrl", "3.0.25", "-"},
	{"sharedNotesInitialContentMarkdown", "3.0.33", "-"},
	{"sharedNotesInitialContentMarkdownUrl", "3.0.33", "-"},

	// Documented since 4.0; some releases of 3.0 read requireUserConsentBeforeUnmuting.
	{"requireUserConsentBeforeUnmuting", "3.0", "-"},
	{"lockSettingsPresenterPolicy", "4.0", "-"},
	{"notifyRecordingAppend", "4.0", "-"},
	{"copyright", "-", "4.0"},
	{"logoutTimer", "-", "4.0"},
	{"webVoice", "-", "4.0"},
})

var joinLifetimes = lifetimesOf([][3]string{
	{"joinViaHtml5", "-", "2.3"},
	{"role", "2.4", "-"},
	{"excludeFromDashboard", "2.4", "-"},
	{"errorRedirectUrl", "2.7", "-"},
	{"bot", "3.0", "-"},
	{"enforceLayout", "3.0", "-"},
	{"logoutURL", "3.0", "-"},
	{"firstName", "3.0", "-"},
	{"lastName", "3.0", "-"},
	{"existingUserID", "3.0", "-"},
	{"replaceSessionToken", "3.0", "-"},
	{"sessionName", "3.0", "-"},
	// defaultLayout was removed from the descriptions in 3.0; the source still reads it.
	{"webVoiceConf", "-", "4.0"},
})
