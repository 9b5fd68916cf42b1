package bbb

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// AnalyticsReport tells what happened in a meeting. What a server leaves out, or
// writes in a way that is not known, is zero.
type AnalyticsReport struct {
	Version    string // of the format: "1.0"
	MeetingID  string // meetingID, the one that create was given
	InternalID string // internalMeetingID

	Metadata map[string]string // keys with "_" for "-"; some are taken out by the server
	Duration time.Duration
	Start    time.Time
	Finish   time.Time

	Attendees []AnalyticsAttendee
	Files     []string // names of presentations
	Polls     []AnalyticsPoll

	// Raw is the whole report as it was sent, with what has no field here.
	Raw json.RawMessage

	server *Server
}

// Server returns the server whose secret the request came with, or nil when that
// is not known: when the handler was given secrets rather than a group, and when
// several servers of the group have the same secret.
func (r AnalyticsReport) Server() *Server { return r.server }

// AnalyticsAttendee is somebody who was in the meeting.
type AnalyticsAttendee struct {
	ExternalID string // userID, the one that join was given
	Name       string
	Moderator  bool
	Joins      []time.Time // times that could not be read are left out
	Leaves     []time.Time
	Duration   time.Duration

	RecentTalkingTime string // as the server wrote it
	Engagement        AnalyticsEngagement
	Sessions          json.RawMessage // as the server wrote it; its shape is not documented
}

// AnalyticsEngagement counts what somebody did.
type AnalyticsEngagement struct {
	Chats     int // messages
	Talks     int
	RaiseHand int
	Emojis    int
	PollVotes int
	TalkTime  time.Duration
}

// AnalyticsPoll is a poll of the meeting. Its shape is not documented; Raw has it
// as the server wrote it.
type AnalyticsPoll struct {
	ID        string
	Published bool
	Options   []string
	Start     time.Time
	Votes     map[string]string // by user
	Raw       json.RawMessage
}

// AnalyticsHandler is the http.Handler that receives what is sent to the metadata
// [MetaAnalyticsCallbackURL] of a meeting after its end. Make one with
// [NewAnalyticsHandler].
//
// The request comes with a JSON Web Token, signed with HS512 and the secret of the
// server, that must have an expiry time not yet over; servers give 24 hours. The
// report itself is not signed: the token only shows that the sender knows the
// secret or has seen a token, says nothing about the meeting, and is good for any
// report until it expires. Use HTTPS, and believe no report about a meeting that
// you do not know; [WithMeetingCheck] refuses reports of meetings that are still
// going on.
//
// # Answers
//
//	200  handled
//	401  no token, one that is not signed by a secret we know, or an expired one
//	400  no JSON object with a meeting_id
//	405, 413  not POST, too large
//	409  the meeting is still going on
//	500  the function returned an error
//	503  the servers could not be asked
//
// The script of BigBlueButton tries only once, whatever the answer is.
type AnalyticsHandler struct {
	cfg    *callbackConfig
	handle func(context.Context, AnalyticsReport) error
}

// NewAnalyticsHandler makes a handler that calls the function within the request.
// [WithCallbackGroup] or [WithCallbackSecrets] is needed. All problems come back
// in one joined error.
func NewAnalyticsHandler(handle func(context.Context, AnalyticsReport) error, opts ...CallbackOption) (*AnalyticsHandler, error) {
	c := newCallbackConfig(analyticsCallback, opts)
	if handle == nil {
		c.problem("nil function")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	return &AnalyticsHandler{cfg: c, handle: handle}, nil
}

// ServeHTTP checks a report and hands it over.
func (h *AnalyticsHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := h.cfg
	if !c.method(w, r, http.MethodPost) {
		return
	}
	_, server, reason := c.token(bearer(r), []string{"HS512"}, true)
	if reason != "" { // nobody else's body is read
		c.refuse(w, r, http.StatusUnauthorized, reason)
		return
	}
	body, ok := c.body(w, r)
	if !ok {
		return
	}
	report, ok := parseAnalytics(body)
	if !ok {
		c.refuse(w, r, http.StatusBadRequest, "the body is no JSON object with a meeting_id")
		return
	}
	report.server = server
	ctx, cancel := context.WithTimeout(r.Context(), c.timeout)
	defer cancel()
	if c.check != nil {
		ask := c.check.Meeting
		if server != nil {
			ask = server.Meeting // its secret signed the token, so the meeting was there
		}
		m, err := ask(ctx, report.MeetingID)
		switch {
		case errors.Is(err, ErrMeetingNotFound): // it is over
		case err != nil:
			c.failed(ctx, err, slog.String("meeting", report.MeetingID))
			reply(w, http.StatusServiceUnavailable)
			return
		case m.Running && (report.InternalID == "" || m.InternalID == report.InternalID): // else the ID is in use again
			c.refuse(w, r, http.StatusConflict, "the meeting is still going on")
			return
		}
	}
	if err := h.handle(ctx, report); err != nil {
		c.failed(ctx, err, slog.String("meeting", report.MeetingID))
		reply(w, http.StatusInternalServerError)
		return
	}
	reply(w, http.StatusOK)
}

func parseAnalytics(body []byte) (AnalyticsReport, bool) {
	top := parseObject(body)
	data := top.object("data")
	r := AnalyticsReport{
		Version:    top.text("version"),
		MeetingID:  top.text("meeting_id"),
		InternalID: top.text("internal_meeting_id"),
		Metadata:   data.textMap("metadata"),
		Duration:   data.duration(time.Second, "duration"),
		Start:      data.millis("start"),
		Finish:     data.millis("finish"),
		Files:      data.texts("files"),
		Raw:        body,
	}
	for _, raw := range data.list("attendees") {
		if a := parseObject(raw); a != nil {
			r.Attendees = append(r.Attendees, a.attendee())
		}
	}
	for _, raw := range data.list("polls") {
		p := parseObject(raw)
		r.Polls = append(r.Polls, AnalyticsPoll{
			ID: p.text("id"), Published: p.flag("published"), Options: p.texts("options"),
			Start: p.millis("start"), Votes: p.textMap("votes"), Raw: raw,
		})
	}
	return r, r.MeetingID != ""
}

func (o object) attendee() AnalyticsAttendee {
	e := o.object("engagement")
	return AnalyticsAttendee{
		ExternalID:        o.text("ext_user_id"),
		Name:              o.text("name"),
		Moderator:         o.flag("moderator"),
		Joins:             o.times("joins"),
		Leaves:            o.times("leaves"),
		Duration:          o.duration(time.Second, "duration"),
		RecentTalkingTime: o.text("recent_talking_time"),
		Engagement: AnalyticsEngagement{
			Chats: int(e.number("chats")), Talks: int(e.number("talks")), RaiseHand: int(e.number("raisehand")),
			Emojis: int(e.number("emojis")), PollVotes: int(e.number("poll_votes")), TalkTime: e.duration(time.Second, "talk_time"),
		},
		Sessions: o.raw("sessions"),
	}
}

func (o object) times(name string) []time.Time {
	var times []time.Time
	for _, raw := range o.list(name) {
		if t := (object{"t": raw}).millis("t"); !t.IsZero() {
			times = append(times, t)
		}
	}
	return times
}
