package bbb

// LockSettings is what viewers cannot do. Every default is false unless it says otherwise. On the
// wire each name begins with lockSettings, as in lockSettingsDisableCam.
type LockSettings struct {
	// DisableCam keeps viewers from sharing their camera.
	DisableCam *bool
	// DisableMic lets viewers only listen.
	DisableMic *bool
	// DisablePrivateChat switches private chats off.
	DisablePrivateChat *bool
	// DisablePublicChat switches the public chat off.
	DisablePublicChat *bool
	// DisableNotes switches the shared notes off. It is sent as lockSettingsDisableNotes and under its
	// old name lockSettingsDisableNote, which was removed in 4.0, so that every server reads it.
	DisableNotes *bool
	// HideUserList hides viewers from each other.
	HideUserList *bool
	// LockOnJoin applies the settings to those who join. The default is true.
	LockOnJoin *bool
	// LockOnJoinConfigurable lets LockOnJoin take effect.
	LockOnJoinConfigurable *bool
	// HideViewersCursor hides the viewers' cursors from each other. Since BigBlueButton 2.5.
	HideViewersCursor *bool
	// HideViewersAnnotation hides the viewers' drawings from each other.
	// Since BigBlueButton 2.6 or 2.7.
	HideViewersAnnotation *bool
	// LockedLayout keeps viewers from changing the layout. Removed in 3.0.
	LockedLayout *bool
	// PresenterPolicy is how viewers become presenter, [PresenterPolicyRequireApproval] by default.
	// Since BigBlueButton 4.0.
	PresenterPolicy PresenterPolicy
}
