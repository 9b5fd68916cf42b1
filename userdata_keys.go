package bbb

// Keys of [JoinParams.UserData] that the client knows. Their values are texts: "true" and "false" for
// switches.
const (
	UserDataAskForFeedbackOnLogout              = "bbb_ask_for_feedback_on_logout" // Removed in 3.0.
	UserDataAutoJoinAudio                       = "bbb_auto_join_audio"
	UserDataClientTitle                         = "bbb_client_title"
	UserDataForceListenOnly                     = "bbb_force_listen_only"
	UserDataListenOnlyMode                      = "bbb_listen_only_mode"
	UserDataSkipCheckAudio                      = "bbb_skip_check_audio"
	UserDataSkipCheckAudioOnFirstJoin           = "bbb_skip_check_audio_on_first_join"
	UserDataSkipEchotestIfPreviousDevice        = "bbb_skip_echotest_if_previous_device" // Since BigBlueButton 3.0.
	UserDataOverrideDefaultLocale               = "bbb_override_default_locale"
	UserDataDirectLeaveButton                   = "bbb_direct_leave_button"
	UserDataParentRoomModerator                 = "bbb_parent_room_moderator"
	UserDataRecordPermission                    = "bbb_record_permission"
	UserDataRecordPermissionTooltip             = "bbb_record_permission_tooltip"
	UserDataShowSessionDetailsOnJoin            = "bbb_show_session_details_on_join"
	UserDataDisplayBrandingArea                 = "bbb_display_branding_area"
	UserDataShortcuts                           = "bbb_shortcuts"
	UserDataAutoShareWebcam                     = "bbb_auto_share_webcam"
	UserDataPreferredCameraProfile              = "bbb_preferred_camera_profile"
	UserDataEnableVideo                         = "bbb_enable_video"
	UserDataRecordVideo                         = "bbb_record_video"
	UserDataSkipVideoPreview                    = "bbb_skip_video_preview"
	UserDataSkipVideoPreviewOnFirstJoin         = "bbb_skip_video_preview_on_first_join"
	UserDataSkipVideoPreviewIfPreviousDevice    = "bbb_skip_video_preview_if_previous_device"
	UserDataMirrorOwnWebcam                     = "bbb_mirror_own_webcam"
	UserDataFullAudioBridge                     = "bbb_fullaudio_bridge" // Since BigBlueButton 2.7.
	UserDataTransparentListenOnly               = "bbb_transparent_listen_only"
	UserDataForceRestorePresentationOnNewEvents = "bbb_force_restore_presentation_on_new_events"
	UserDataMultiUserPenOnly                    = "bbb_multi_user_pen_only"
	UserDataPresenterTools                      = "bbb_presenter_tools"
	UserDataMultiUserTools                      = "bbb_multi_user_tools"
	UserDataInitialSelectedTool                 = "bbb_initial_selected_tool" // Since BigBlueButton 3.0.
	UserDataCustomStyle                         = "bbb_custom_style"
	UserDataCustomStyleURL                      = "bbb_custom_style_url"
	UserDataPreferDarkTheme                     = "bbb_prefer_dark_theme" // Since BigBlueButton 3.0.
	UserDataAutoSwapLayout                      = "bbb_auto_swap_layout"
	UserDataHidePresentation                    = "bbb_hide_presentation"
	UserDataHidePresentationOnJoin              = "bbb_hide_presentation_on_join" // Since BigBlueButton 2.6.
	UserDataShowParticipantsOnLogin             = "bbb_show_participants_on_login"
	UserDataShowPublicChatOnLogin               = "bbb_show_public_chat_on_login"
	UserDataHideNavBar                          = "bbb_hide_nav_bar"
	UserDataHideActionsBar                      = "bbb_hide_actions_bar"
	UserDataDefaultLayout                       = "bbb_default_layout"            // Since BigBlueButton 3.0.
	UserDataHideNotifications                   = "bbb_hide_notifications"        // Since BigBlueButton 3.0.
	UserDataHideControls                        = "bbb_hide_controls"             // Since BigBlueButton 3.0.
	UserDataChangeLayout                        = "bbb_change_layout"             // Removed in 4.0.
	UserDataOutsideToggleRecording              = "bbb_outside_toggle_recording"  // An older key that some proxies still pass on.
	UserDataOutsideToggleSelfVoice              = "bbb_outside_toggle_self_voice" // An older key that some proxies still pass on.
	UserDataEnableScreenSharing                 = "bbb_enable_screen_sharing"     // An older key that some proxies still pass on.

	// UserDataEnableUserReaction holds dashes, so most servers drop it silently; it can be sent only
	// through [JoinParams.Extra], as "userdata-" + UserDataEnableUserReaction. Removed in 4.0.
	UserDataEnableUserReaction = "enable-user-reaction"
)
