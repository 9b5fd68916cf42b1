package bbb

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
)

// ErrUnwanted is what a function returns to a [RecordingReadyHandler] for a
// recording that nobody wants: its meeting was deleted on our side. The sender
// gets HTTP 410, which it takes for success. A later release may delete the
// recording then.
var ErrUnwanted = errors.New("recording is not wanted")

// RecordingReady is the news that a format of a recording was published.
type RecordingReady struct {
	MeetingID string // meetingID, the one that create was given
	RecordID  string // recordID

	server *Server
}

// Server returns the server whose secret the message is signed with, or nil when
// that is not known: when the handler was given secrets rather than a group, and
// when several servers of the group have the same secret.
func (r RecordingReady) Server() *Server { return r.server }

// RecordingReadyHandler is the http.Handler that receives what is sent to the
// metadata [MetaRecordingReadyURL] of a meeting when its recording was published.
// Make one with [NewRecordingReadyHandler].
//
// The message is a JSON Web Token, signed with HS256 (see [WithHS512]) and the
// secret of the server, or with that of a load balancer. It does not expire, so
// whoever has seen one can send it again for ever, and it comes once for each
// format that is published: the function must not mind repetitions. Take the
// message for a hint and ask for the recording.
//
// # Answers
//
//	200  handled
//	401  not signed by a secret we know; a load balancer then tries its next secret
//	400  not a form with signed_parameters in it, or without the two IDs
//	405, 413  not POST, too large
//	410  the function returned [ErrUnwanted]
//	500  the function returned another error
//
// The script of BigBlueButton tries only once, whatever the answer is, so ask for
// new recordings from time to time as well.
type RecordingReadyHandler struct {
	cfg     *callbackConfig
	handle  func(context.Context, RecordingReady) error
	methods []string
}

// NewRecordingReadyHandler makes a handler that calls the function within the
// request. [WithCallbackGroup] or [WithCallbackSecrets] is needed. All problems
// come back in one joined error.
func NewRecordingReadyHandler(handle func(context.Context, RecordingReady) error, opts ...CallbackOption) (*RecordingReadyHandler, error) {
	c := newCallbackConfig(recordingCallback, opts)
	if handle == nil {
		c.problem("nil function")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	methods := []string{"HS256"}
	if c.hs512 {
		methods = append(methods, "HS512")
	}
	return &RecordingReadyHandler{cfg: c, handle: handle, methods: methods}, nil
}

// ServeHTTP verifies a message and hands it over.
func (h *RecordingReadyHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := h.cfg
	if !c.method(w, r, http.MethodPost) {
		return
	}
	body, ok := c.body(w, r)
	if !ok {
		return
	}
	form, err := url.ParseQuery(string(body))
	text, one := single(form, "signed_parameters")
	if err != nil || !one {
		c.refuse(w, r, http.StatusBadRequest, "the body is not a form with one field signed_parameters")
		return
	}
	said, server, reason := c.token(text, h.methods, false)
	if reason != "" {
		c.refuse(w, r, http.StatusUnauthorized, reason)
		return
	}
	ready := RecordingReady{MeetingID: said.text("meeting_id"), RecordID: said.text("record_id"), server: server}
	if ready.MeetingID == "" || ready.RecordID == "" {
		c.refuse(w, r, http.StatusBadRequest, "the token does not say meeting_id and record_id")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), c.timeout)
	defer cancel()
	switch err := h.handle(ctx, ready); {
	case errors.Is(err, ErrUnwanted):
		reply(w, http.StatusGone)
	case err != nil:
		c.failed(ctx, err, slog.String("meeting", ready.MeetingID), slog.String("recording", ready.RecordID))
		reply(w, http.StatusInternalServerError)
	default:
		reply(w, http.StatusOK)
	}
}
