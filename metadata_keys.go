package bbb

// Names of metadata, for [CreateParams.Meta], that mean something to servers, to their scripts or to
// proxies. Servers fold them to lower case and answer them that way.
const (
	// MetaEndCallbackURL is a URL that servers call when the meeting has ended.
	MetaEndCallbackURL = "endCallbackUrl"
	// MetaRecordingReadyURL is a URL that is called when a recording is ready.
	MetaRecordingReadyURL = "bbb-recording-ready-url"
	// MetaRecordingReadyURLBN is an older name of [MetaRecordingReadyURL] that is still honoured.
	MetaRecordingReadyURLBN = "bn-recording-ready-url"
	// MetaRecordingReadyURLCanvas is an older name of [MetaRecordingReadyURL] that is still honoured.
	MetaRecordingReadyURLCanvas = "canvas-recording-ready-url"
	// MetaAnalyticsCallbackURL is a URL that the learning analytics are sent to; the meeting must be
	// recorded or keep its events.
	MetaAnalyticsCallbackURL = "analytics-callback-url"
	// MetaFullAudioBridge chooses the bridge for two-way audio.
	MetaFullAudioBridge = "fullaudio-bridge"
	// MetaSecretLRSPayload tells bbb-webhooks where and how to send xAPI statements.
	MetaSecretLRSPayload = "secret-lrs-payload"
	// MetaOrigin names the kind of program that created the meeting.
	MetaOrigin = "bbb-origin"
	// MetaOriginServerName names the machine it runs on.
	MetaOriginServerName = "bbb-origin-server-name"
	// MetaServerTag asks a Scalelite proxy for servers with a tag.
	MetaServerTag = "server-tag"
	// MetaMeetingSizeHint tells a bbblb proxy how many people to expect.
	MetaMeetingSizeHint = "bbb-meeting-size-hint"
)
