package bbb

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// callbackForParam is what SignCallbackURL adds beside a checksum, whose name is
// kept out of logs everywhere.
const callbackForParam = "for"

// SignCallbackURL returns rawURL with two parameters added: the ID of a meeting,
// and a checksum of it that only who knows the key can make. Give the result as
// [CreateParams.MeetingEndedURL] and the key to [WithCallbackKey]: bbb-web does not
// sign what it sends there. The key is yours, not a secret of a server; it needs
// at least 16 bytes. Users do not see the URL, but whoever does can send the
// callback.
//
// The error matches [ErrInvalidParams].
func SignCallbackURL(rawURL, key, meetingID string) (string, error) {
	report := func(param, problem string) error {
		return &ParamError{Call: callCreate, Param: param, Problem: problem}
	}
	if problem := validateCallbackURL(rawURL); problem != "" {
		return "", report("meetingEndedURL", problem)
	}
	if problem := validateMeetingID(meetingID); problem != "" {
		return "", report("meetingID", problem)
	}
	if len(key) < callbackKeyMin {
		return "", report("meetingEndedURL", "needs a key of at least 16 bytes")
	}
	if u, err := url.Parse(rawURL); err == nil { // it was validated
		if q := u.Query(); q.Has(callbackForParam) || q.Has(checksumParam) || q.Has("meetingID") {
			return "", report("meetingEndedURL", `must not have a parameter "for", "checksum" or "meetingID"`)
		}
	}
	separator := "?"
	if strings.Contains(rawURL, "?") {
		separator = "&"
	}
	return rawURL + separator + string(appendParam(nil, callbackForParam, meetingID)) + "&checksum=" + callbackSum(key, meetingID), nil
}

func callbackSum(key, meetingID string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("meeting ended\x00" + meetingID))
	return hex.EncodeToString(mac.Sum(nil))
}

// MeetingEndedCallback is the news that a meeting has ended.
type MeetingEndedCallback struct {
	// MeetingID is the ID that the URL was signed for ([SignCallbackURL]), else the
	// one that the server added, which it does for the metadata endCallbackUrl
	// alone. It may be empty.
	MeetingID string
	// RecordingMarks tells whether somebody pressed record; nil when the server
	// does not say.
	RecordingMarks *bool
	// Query has the parameters, yours included, but not those of SignCallbackURL.
	Query url.Values
}

// MeetingEndedHandler is the http.Handler that receives what bbb-web sends to
// [CreateParams.MeetingEndedURL], and to the older metadata endCallbackUrl, when a
// meeting has ended. Make one with [NewMeetingEndedHandler].
//
// The request is a plain GET that anybody can send. So sign the URL and give the
// key ([WithCallbackKey]), ask the servers ([WithMeetingCheck]), or both; without
// them take it for a hint. It comes once for each meeting that is no breakout
// room, or twice, since some releases try the URL before they use it, and again
// when an answer was lost: the function must not mind. It may come never.
//
// # Answers
//
//	200  handled; also to HEAD, which hands nothing over
//	403  the URL is not signed with the key, or names two meetings
//	400  there is no meeting ID to ask for
//	409  the meeting is still going on
//	405  neither GET nor HEAD
//	500  the function returned an error
//	503  the servers could not be asked
//
// bbb-web takes anything but 200 for a failure and tries again after 30 s, 1, 2 and
// 5 minutes.
type MeetingEndedHandler struct {
	cfg    *callbackConfig
	handle func(context.Context, MeetingEndedCallback) error
}

// NewMeetingEndedHandler makes a handler that calls the function within the
// request; bbb-web waits for 5 seconds. All problems come back in one joined
// error.
func NewMeetingEndedHandler(handle func(context.Context, MeetingEndedCallback) error, opts ...CallbackOption) (*MeetingEndedHandler, error) {
	c := newCallbackConfig(endedCallback, opts)
	if handle == nil {
		c.problem("nil function")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	return &MeetingEndedHandler{cfg: c, handle: handle}, nil
}

// ServeHTTP checks the request and hands it over.
func (h *MeetingEndedHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := h.cfg
	if !c.method(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	query := r.URL.Query()
	callback := MeetingEndedCallback{MeetingID: query.Get("meetingID"), Query: query}
	if c.key != "" {
		id, ok := c.signedMeeting(query)
		if !ok {
			c.refuse(w, r, http.StatusForbidden, "the URL is not signed with the key, or names two meetings")
			return
		}
		callback.MeetingID = id
		query.Del(callbackForParam)
		query.Del(checksumParam)
	}
	if r.Method == http.MethodHead {
		reply(w, http.StatusOK)
		return
	}
	if marks := query.Get("recordingmarks"); marks != "" {
		callback.RecordingMarks = new(strings.EqualFold(marks, "true"))
	}
	ctx, cancel := context.WithTimeout(r.Context(), c.timeout)
	defer cancel()
	if c.check != nil {
		if callback.MeetingID == "" {
			c.refuse(w, r, http.StatusBadRequest, "there is no meeting ID to ask for")
			return
		}
		// Not isMeetingRunning: that is false for a meeting nobody has joined yet.
		m, err := c.check.Meeting(ctx, callback.MeetingID)
		switch {
		case errors.Is(err, ErrMeetingNotFound): // it is over
		case err != nil:
			c.failed(ctx, err, slog.String("meeting", callback.MeetingID))
			reply(w, http.StatusServiceUnavailable)
			return
		case !m.HasBeenForciblyEnded && m.EndTime.IsZero():
			c.refuse(w, r, http.StatusConflict, "the meeting is still going on")
			return
		}
	}
	if err := h.handle(ctx, callback); err != nil {
		c.failed(ctx, err, slog.String("meeting", callback.MeetingID))
		reply(w, http.StatusInternalServerError)
		return
	}
	reply(w, http.StatusOK)
}

// signedMeeting returns the meeting that a URL was signed for.
func (c *callbackConfig) signedMeeting(query url.Values) (string, bool) {
	id, ok := single(query, callbackForParam)
	sum, signed := single(query, checksumParam)
	if !ok || !signed || !hmac.Equal([]byte(callbackSum(c.key, id)), []byte(sum)) {
		return "", false
	}
	for _, other := range query["meetingID"] {
		if other != id {
			return "", false
		}
	}
	return id, true
}
