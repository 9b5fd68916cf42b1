package bbb

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// The classes of failure. Match them with [errors.Is]; the text of an error is
// for people. Errors that a server answered are *[Error] and match one of the
// classes by their messageKey; a failure that concerns several servers is a
// *[GroupError].
var (
	// ErrMeetingNotFound says that no meeting has the ID: the server, or every
	// server of the group, answered so (notFound, invalidMeetingIdentifier,
	// meetingNotFound), or the meeting was ended (meetingForciblyEnded). It is
	// never returned while a server that might hold the meeting is silent; that
	// is a [GroupError]. Create the meeting, or treat it as over.
	ErrMeetingNotFound = errors.New("meeting not found")

	// ErrMeetingExists says that a create used the ID of a meeting that exists
	// with other passwords (idNotUnique), or that exists outside the [Scope].
	// Use another ID, or the passwords of the existing meeting.
	ErrMeetingExists = errors.New("meeting already exists")

	// ErrMeetingEnded says that somebody ended the meeting (meetingForciblyEnded).
	// Such an error matches [ErrMeetingNotFound] as well.
	ErrMeetingEnded = errors.New("meeting has ended")

	// ErrRecordingNotFound says that there is no recording of the ID: the server,
	// or every server of the group, answered so (notFound of a call about
	// recordings, noRecordings of one about text tracks, recordingNotFound). A
	// [RecordingsError] that matches it names the IDs. Recordings appear a while
	// after their meeting has ended.
	ErrRecordingNotFound = errors.New("recording not found")

	// ErrMeetingFull says that a join was refused because the meeting, or the
	// limit set on it, has no seat left (maxParticipantsReached).
	ErrMeetingFull = errors.New("meeting is full")

	// ErrGuestDenied says that the guest policy keeps this user out
	// (guestDeniedAccess).
	ErrGuestDenied = errors.New("guest denied")

	// ErrPassword says that a password is not the meeting's. EndMeeting returns
	// it before anything is sent; a server answers it as invalidPassword, and
	// since 3.0 to a join as "Params required".
	ErrPassword = errors.New("wrong password")

	// ErrChecksum says that the server did not accept our signature
	// (checksumError): the secret or the algorithm is not the server's. A second
	// secret, if there is one, has been tried by then.
	ErrChecksum = errors.New("checksum refused")

	// ErrInvalidParams says that parameters break a rule: ours, before anything
	// was sent (then it is a joined error of *[ParamError]), or the server's
	// (validationError, sizeError, missingParam...).
	ErrInvalidParams = errors.New("invalid parameters")

	// ErrDocumentTooLarge says that a document has more bytes than the limit of
	// [WithUploadLimit]. When its size is known, nothing was sent; otherwise the
	// request was broken off. Such an error matches [ErrInvalidParams] as well.
	ErrDocumentTooLarge = errors.New("document too large")

	// ErrNotSupported says that the server does not know the call: HTTP 404 or
	// 405, or a proxy's unsupportedRequest. Its release may be too old, or the
	// URL may not lead to a BigBlueButton API. Where the release is known, calls (and,
	// as [WithUnsupportedParams] says, parameters) that it does not have give it
	// without a request.
	ErrNotSupported = errors.New("not supported by the server")

	// ErrBadAnswer says that what came back is not a BigBlueButton answer: an
	// HTML page, an empty, truncated or malformed body, a redirect. The *[Error]
	// around it has the HTTP status.
	ErrBadAnswer = errors.New("not a BigBlueButton answer")

	// ErrAnswerTooLarge says that an answer passed the limit set by
	// [WithAnswerLimit]. Such an error matches [ErrBadAnswer] as well.
	ErrAnswerTooLarge = errors.New("answer too large")

	// ErrOutcomeUnknown says that a create was sent and the connection failed
	// before the answer: the meeting may or may not exist. It wraps the cause.
	// Repeat the same create, with the MeetingID of the *[Error]; it goes to the same
	// server, where it is idempotent, until that server is given up or has answered,
	// long after, that it does not have the meeting, and for ten minutes at most.
	ErrOutcomeUnknown = errors.New("outcome unknown")

	// ErrNoServer says that no server can take the call: the group is empty, or
	// every server was ruled out or refused. A load balancer in front of others
	// answers it too (serverUnavailable).
	ErrNoServer = errors.New("no server available")

	// ErrOffline says that a server was not asked because it failed three times in a
	// row ([StateOffline]). It is asked in the background, and takes part again when it answers.
	ErrOffline = errors.New("server is offline")

	// ErrServerExists says that a group has a server of that name or URL already.
	ErrServerExists = errors.New("server already in the group")

	// ErrServerRemoved says that a server was taken out of its group or replaced, so that
	// it cannot be replaced. Look for the one that is there now ([Group.Server]).
	ErrServerRemoved = errors.New("server is not in the group any more")

	// ErrHookNotFound says that the server has no hook of that ID, or only a
	// permanent one (destroyMissingHook). There is nothing to do.
	ErrHookNotFound = errors.New("hook not found")

	// ErrClosed says that the group was closed.
	ErrClosed = errors.New("group is closed")
)

// Error is the failure of one call on one server. It names the server, the
// call and the cause, and never holds a checksum, a password or a token.
//
// A FAILED answer, which BigBlueButton sends with HTTP status 200, has a Key
// and a Message and no Err. Any other failure has an Err: the transport's error
// (so that context.DeadlineExceeded and the like match), or one that wraps
// [ErrBadAnswer].
type Error struct {
	Server     string // name of the server; empty when the group itself answers
	Call       string // the API call, such as "create"
	Key        string // messageKey of a FAILED answer, such as "idNotUnique"
	Message    string // the server's message to that key
	StatusCode int    // HTTP status; 0 when no answer came
	Err        error  // the cause, when it is not a FAILED answer

	// MeetingID is set with [ErrOutcomeUnknown]: the ID to repeat the create with,
	// also when the create was given none.
	MeetingID string

	// unsure says of a create that the server may have acted on it, even if the error is
	// a refusal. http.Transport sends a GET whose kept connection breaks once more by
	// itself, and the error is that of the second time.
	unsure bool
	// listed says that the key came in a list of errors, in which servers answer some failures.
	listed bool
}

// Error describes the failure on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("bbb: ")
	b.WriteString(e.Call)
	if e.Server != "" {
		b.WriteString(" on ")
		b.WriteString(e.Server)
	}
	if b.Len() > len("bbb: ") { // a request for a path that is no call has neither
		b.WriteString(": ")
	}
	b.WriteString(e.reason())
	return b.String()
}

// reason is the text without server and call, for lists that name them.
func (e *Error) reason() string {
	var parts []string
	if e.StatusCode != 0 && e.StatusCode != 200 {
		parts = append(parts, fmt.Sprintf("HTTP %d", e.StatusCode))
	}
	for _, text := range [...]string{e.Key, e.Message} {
		if text = shorten(text); text != "" {
			parts = append(parts, text)
		}
	}
	if e.Err != nil {
		parts = append(parts, strings.ReplaceAll(e.Err.Error(), "\n", "; ")) // joined errors
	}
	if len(parts) == 0 {
		return "failed without a reason"
	}
	return strings.Join(parts, ": ")
}

// shownText is how many bytes of a server's own words an error shows.
const shownText = 300

// shorten makes what a server wrote, of any length and with any line ends, fit
// for one line of a log.
func shorten(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if len(text) > shownText {
		text = text[:shownText] + "..."
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is a class that e belongs to.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrMeetingEnded:
		return e.Key == keyForciblyEnded
	case ErrNotSupported:
		return e.Key == "unsupportedRequest" || e.Key == "notImplemented" ||
			e.Key == "" && (e.StatusCode == 404 || e.StatusCode == 405)
	}
	if e.Key == "" {
		return false
	}
	return classOf(e.Call, e.Key) == target
}

// Keys that servers answer and that this package compares.
const (
	keyNotFound      = "notFound"
	keyIDNotUnique   = "idNotUnique"
	keyDuplicate     = "duplicateWarning"
	keyForciblyEnded = "meetingForciblyEnded"
	keyInternalError = "internalError" // of load balancers: also what the server behind them failed with
	keyNoRecordings  = "noRecordings"
	keyNoCaptions    = "noCaptionsFound"
	keyTrackFailed   = "upload_text_track_failed"
	keyTrackEmpty    = "empty_uploaded_text_track"
	keyMissingHook   = "destroyMissingHook"
	keyParamsNeeded  = "Params required"
	keyNoParent      = "parentMeetingDoesNotExist"
)

// classOf maps a messageKey to its class. What was not found depends on the call.
// Servers of different releases and the proxies in front of them use different
// keys for the same thing; the second spelling of some comes from lists of errors
// (nonUniqueVoiceBridge and its kind), which older servers answer.
func classOf(call, key string) error {
	if aboutRecordings(call) && (key == keyNotFound || key == keyNoRecordings) {
		return ErrRecordingNotFound
	}
	switch key {
	case "recordingNotFound":
		return ErrRecordingNotFound
	case keyNotFound, "meetingNotFound", "invalidMeetingIdentifier", "invalidMeetingId", keyForciblyEnded:
		return ErrMeetingNotFound
	case keyIDNotUnique, "NotUniqueMeetingID":
		return ErrMeetingExists
	case keyMissingHook:
		return ErrHookNotFound
	case "checksumError":
		return ErrChecksum
	case "invalidPassword":
		return ErrPassword
	case "maxParticipantsReached":
		return ErrMeetingFull
	case "guestDeniedAccess", "guestDeny":
		return ErrGuestDenied
	case "serverUnavailable", "serverTagUnavailable":
		return ErrNoServer
	case "validationError", "sizeError", keyParamsNeeded, "MissingParam", "missingParameters", "paramError",
		"nonUniqueVoiceBridge", "parentMeetingIDMissing", keyNoParent, "fileNameError",
		"fullNameTooLong", "mismatchCreateTimeParam", "mismatchCreateTime", "invalidSharedNotesEditor",
		"unsupportedContentType", "invalidKind", "invalidLang":
		return ErrInvalidParams
	}
	if strings.HasPrefix(key, "missingParam") {
		return ErrInvalidParams
	}
	return nil
}

// withCause returns err with a cause that was not its first.
func withCause(err, cause error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return fmt.Errorf("%w: %w", err, cause)
	}
	both := *e
	if both.Err = cause; e.Err != nil {
		both.Err = fmt.Errorf("%w: %w", e.Err, cause)
	}
	return &both
}

// notFoundError is the group's own answer for an ID nobody knows. It is the
// same, to the letter, for a meeting outside the scope.
func notFoundError(call string) error {
	return &Error{Call: call, Key: keyNotFound, Message: "no server knows a meeting with that ID", StatusCode: 200}
}

// existsError is the group's own answer for an ID taken outside the scope.
func existsError() error {
	return &Error{Call: callCreate, Key: keyIDNotUnique, Message: "a meeting with that ID exists already", StatusCode: 200}
}
