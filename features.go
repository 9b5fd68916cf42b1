package bbb

// Feature is a part of the client that can be switched off, see [CreateParams.DisabledFeatures]. The
// type is open: any single word can be sent.
type Feature string

// Features, by the release that first knew them.
const (
	FeatureBreakoutRooms                       Feature = "breakoutRooms"                       // Since BigBlueButton 2.5.
	FeatureCaptions                            Feature = "captions"                            // Since BigBlueButton 2.5.
	FeatureChat                                Feature = "chat"                                // Since BigBlueButton 2.5.
	FeatureDownloadPresentationWithAnnotations Feature = "downloadPresentationWithAnnotations" // Since BigBlueButton 2.5.
	FeatureExternalVideos                      Feature = "externalVideos"                      // Since BigBlueButton 2.5.
	FeatureLayouts                             Feature = "layouts"                             // Since BigBlueButton 2.5. Removed in 4.0.
	FeatureLearningDashboard                   Feature = "learningDashboard"                   // Since BigBlueButton 2.5.
	FeaturePolls                               Feature = "polls"                               // Since BigBlueButton 2.5.
	FeatureScreenshare                         Feature = "screenshare"                         // Since BigBlueButton 2.5.
	FeatureSharedNotes                         Feature = "sharedNotes"                         // Since BigBlueButton 2.5.
	FeatureVirtualBackgrounds                  Feature = "virtualBackgrounds"                  // Since BigBlueButton 2.5.
	FeatureCustomVirtualBackgrounds            Feature = "customVirtualBackgrounds"            // Since BigBlueButton 2.5.

	// FeatureImportPresentationWithAnnotationsFromBreakoutRooms is known since BigBlueButton 2.5.
	FeatureImportPresentationWithAnnotationsFromBreakoutRooms Feature = "importPresentationWithAnnotationsFromBreakoutRooms"
	// FeatureImportSharedNotesFromBreakoutRooms is known since BigBlueButton 2.5 or 2.6.
	FeatureImportSharedNotesFromBreakoutRooms Feature = "importSharedNotesFromBreakoutRooms"

	FeatureLiveTranscription Feature = "liveTranscription" // Since BigBlueButton 2.6.
	FeaturePresentation      Feature = "presentation"      // Since BigBlueButton 2.6.

	FeatureCameraAsContent                      Feature = "cameraAsContent"                      // Since BigBlueButton 2.7.
	FeatureSnapshotOfCurrentSlide               Feature = "snapshotOfCurrentSlide"               // Since BigBlueButton 2.7.
	FeatureDownloadPresentationOriginalFile     Feature = "downloadPresentationOriginalFile"     // Since BigBlueButton 2.7.
	FeatureDownloadPresentationConvertedToPDF   Feature = "downloadPresentationConvertedToPdf"   // Since BigBlueButton 2.7.
	FeatureTimer                                Feature = "timer"                                // Since BigBlueButton 2.7.
	FeatureLearningDashboardDownloadSessionData Feature = "learningDashboardDownloadSessionData" // Since BigBlueButton 2.7.5.

	FeatureInfiniteWhiteboard   Feature = "infiniteWhiteboard"   // Since BigBlueButton 3.0.
	FeatureDeleteChatMessage    Feature = "deleteChatMessage"    // Since BigBlueButton 3.0.
	FeatureEditChatMessage      Feature = "editChatMessage"      // Since BigBlueButton 3.0.
	FeatureReplyChatMessage     Feature = "replyChatMessage"     // Since BigBlueButton 3.0.
	FeatureChatMessageReactions Feature = "chatMessageReactions" // Since BigBlueButton 3.0.
	FeatureRaiseHand            Feature = "raiseHand"            // Since BigBlueButton 3.0.
	FeatureUserReactions        Feature = "userReactions"        // Since BigBlueButton 3.0.
	FeatureChatEmojiPicker      Feature = "chatEmojiPicker"      // Since BigBlueButton 3.0.
	FeatureQuizzes              Feature = "quizzes"              // Since BigBlueButton 3.0.
	FeaturePrivateChat          Feature = "privateChat"          // Since BigBlueButton 3.0.
	FeaturePlugins              Feature = "plugins"              // Since BigBlueButton 3.0; not in every description of the API.

	FeatureMultiFunctionalMode Feature = "multiFunctionalMode" // Since BigBlueButton 4.0.
	FeaturePinChatMessage      Feature = "pinChatMessage"      // Since BigBlueButton 4.0.
	FeatureWebcamGrid          Feature = "webcamGrid"          // Since BigBlueButton 4.0.
	FeatureLockSettings        Feature = "lockSettings"        // Since BigBlueButton 4.0.
)
