package bbb

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// apiVersion is that of every release so far.
const apiVersion = "2.0"

// handleIndex answers the call without a name. What is behind the group stays hidden, as servers hide
// their release.
func handleIndex(_ context.Context, q *incoming) *Response {
	v := &Version{API: apiVersion}
	if mediaType, _, _ := mime.ParseMediaType(q.contentType); mediaType == "application/json" {
		return &Response{
			Call: q.call, StatusCode: http.StatusOK, json: true,
			write: func(dst []byte) []byte {
				return appendJSON(dst, map[string]any{"response": struct {
					Returncode string `json:"returncode"`
					Version    string `json:"version"`
					API        string `json:"apiVersion"`
					BBB        string `json:"bbbVersion"`
				}{returncodeSuccess, v.API, v.API, v.BBB}})
			},
		}
	}
	return succeeded(q, nil, indexRecord, &versionAnswer{status: success(), version: v.API, Version: *v})
}

const (
	returncodeSuccess = "SUCCESS"
	returncodeFailed  = "FAILED"
)

func success() status { return status{Returncode: returncodeSuccess} }

// Of the elements of a status: those of an answer without a message, and those of a message.
var (
	returncodeField = statusFields[:1]
	messageFields   = statusFields[1:3]
)

var indexRecord = xmlwire.NewRecord(append(
	xmlwire.Lift(func(a *versionAnswer) *status { return &a.status }, returncodeField...),
	append([]xmlwire.Field[versionAnswer]{
		xmlwire.String("version", func(a *versionAnswer) *string { return &a.version }),
	}, xmlwire.Lift(func(a *versionAnswer) *Version { return &a.Version },
		xmlwire.String("apiVersion", func(v *Version) *string { return &v.API }),
		xmlwire.String("bbbVersion", func(v *Version) *string { return &v.BBB }),
	)...)...)...)

// handleEnd ends a meeting. Like servers since BigBlueButton 2.7, it does not look at the password: the
// signature has said who asks.
func handleEnd(ctx context.Context, q *incoming) *Response {
	id, refused := q.meetingID()
	if refused != nil {
		return refused
	}
	if err := q.scope.end(ctx, id, ""); err != nil {
		return q.failed(err)
	}
	st := &status{
		Returncode: returncodeSuccess, Key: "sentEndMeetingRequest",
		Message: "A request to end the meeting was sent. Please wait a few seconds, and then use the getMeetingInfo or isMeetingRunning API calls to verify that it was ended.",
	}
	r := succeeded(q, nil, failureRecord, st)
	r.Key, r.Message = st.Key, st.Message
	return r
}

func handleIsMeetingRunning(ctx context.Context, q *incoming) *Response {
	id, refused := q.meetingID()
	if refused != nil {
		return refused
	}
	running, err := q.running(ctx, id)
	if err != nil {
		return q.failed(err)
	}
	return &Response{Call: q.call, StatusCode: http.StatusOK, Value: running, body: shownRunning[running]}
}

var shownRunningRecord = xmlwire.NewRecord(append(
	xmlwire.Lift(func(a *runningAnswer) *status { return &a.status }, returncodeField...),
	xmlwire.Bool("running", func(a *runningAnswer) *bool { return &a.Running }))...)

// shownRunning is the answer, of which there are but two, to the call that is made most.
var shownRunning = map[bool][]byte{true: writeRunning(true), false: writeRunning(false)}

func writeRunning(running bool) []byte {
	return shownRunningRecord.Append(nil, "response", &runningAnswer{status: success(), Running: running})
}

func handleGetMeetingInfo(ctx context.Context, q *incoming) *Response {
	id, refused := q.meetingID()
	if refused != nil {
		return refused
	}
	m, err := q.meeting(ctx, id)
	if err != nil {
		return q.failed(err)
	}
	r := &Response{
		Call: q.call, StatusCode: http.StatusOK,
		write: func(dst []byte) []byte {
			return append(q.meetingWriter().append(append(dst, answerHead...), m), answerEnd...)
		},
	}
	if !q.bodyOnly {
		r.Value = q.shown(m)
	}
	return r
}

// What an answer begins and ends with that succeeded.
const (
	answerHead = "<response><returncode>" + returncodeSuccess + "</returncode>"
	answerEnd  = "</response>"
)

// shownMeetingFields are the elements of a meeting as servers write them: those of a breakout room also if
// they are zero, and for nothing else.
var shownMeetingFields = slices.Concat(commonFields, []xmlwire.Field[Meeting]{
	roomField("parentMeetingID", func(m *Meeting) string { return m.ParentID }),
	roomField("sequence", func(m *Meeting) string { return strconv.Itoa(m.Sequence) }),
	roomField("freeJoin", func(m *Meeting) string { return strconv.FormatBool(m.FreeJoin) }),
	breakoutRoomsField,
})

func roomField(name string, text func(*Meeting) string) xmlwire.Field[Meeting] {
	return xmlwire.Custom(name, "nothing", func(*Meeting, string) bool { return false }, func(m *Meeting) string {
		if !m.IsBreakout {
			return ""
		}
		return text(m)
	}).OmitEmpty()
}

var shownMeetingRecord = xmlwire.NewRecord(shownMeetingFields...)

func handleGetMeetings(ctx context.Context, q *incoming) *Response {
	meetings, err := q.meetings(ctx)
	if q.lacking(err) {
		return q.failed(err)
	}
	meetings = q.withLastKnown(ctx, meetings, err)
	r := &Response{Call: q.call, StatusCode: http.StatusOK, Err: err}
	if !q.bodyOnly {
		seen := make([]*Meeting, len(meetings)) // the other slice may be somebody else's too
		for i, m := range meetings {
			seen[i] = q.shown(m)
		}
		r.Value = seen
	}
	if len(meetings) > 0 {
		q.answerList(r, meetings)
		return r
	}
	r.Key, r.Message = "noMeetings", "no meetings were found on this server"
	r.write = func(dst []byte) []byte {
		dst = append(append(dst, answerHead...), "<meetings/>"...)
		dst = xmlwire.AppendElement(xmlwire.AppendElement(dst, "messageKey", r.Key), "message", r.Message)
		return append(dst, answerEnd...)
	}
	return r
}

// appendList appends the element of all meetings. It makes room at once for those of which it
// knows how much they take: in small steps, a large list would be copied several times.
func (q *incoming) appendList(dst []byte, meetings []*Meeting) []byte {
	w, size := q.meetingWriter(), 0
	for _, m := range meetings {
		size += len("<meeting></meeting>") + len(w.kept(m))
	}
	dst = append(slices.Grow(dst, size+1<<10), "<meetings>"...)
	for _, m := range meetings {
		dst = append(w.append(append(dst, "<meeting>"...), m), "</meeting>"...)
	}
	return append(dst, "</meetings>"...)
}

func omitEmpty[T any](fields []xmlwire.Field[T]) []xmlwire.Field[T] {
	optional := make([]xmlwire.Field[T], len(fields))
	for i, f := range fields {
		optional[i] = f.OmitEmpty()
	}
	return optional
}

// withLastKnown adds what is known of the servers that failed, but for those that are offline: people are
// still in those meetings, and a client that misses one takes it for ended, and may delete what belongs to it.
func (q *incoming) withLastKnown(ctx context.Context, meetings []*Meeting, err error) []*Meeting {
	ge, ok := errors.AsType[*GroupError](err)
	if !ok {
		return meetings
	}
	g := q.scope.group
	g.warm(ctx)
	listed := make(map[string]bool, len(meetings))
	for _, m := range meetings {
		listed[m.ID] = true
	}
	meetings = slices.Clone(meetings)
	for _, name := range ge.Names() {
		s, ok := g.Server(name)
		if !ok || s.health.offline() {
			continue
		}
		for _, m := range q.scope.filter(s.meetings.since(nil, time.Time{})) {
			if !listed[m.ID] && !over(m) {
				listed[m.ID] = true
				meetings = append(meetings, m)
			}
		}
	}
	return meetings
}

func handleGetSessions(ctx context.Context, q *incoming) *Response {
	sessions, err := q.scope.sessions(ctx)
	if q.lacking(err) {
		return q.failed(err)
	}
	list := &sessionsAnswer{status: success(), Sessions: sessions}
	if len(sessions) == 0 {
		// The double r is the servers'.
		list.Key, list.Message = "noSessions", "no sessions were found on this serverr"
	}
	r := succeeded(q, sessions, shownSessionsRecord, list)
	r.Key, r.Message, r.Err = list.Key, list.Message, err
	return r
}

var shownSessionsRecord = xmlwire.NewRecord(slices.Concat(
	xmlwire.Lift(func(a *sessionsAnswer) *status { return &a.status }, returncodeField...),
	[]xmlwire.Field[sessionsAnswer]{
		xmlwire.List("sessions", "meeting", func(a *sessionsAnswer) *[]UserSession { return &a.Sessions }, sessionRecord),
	},
	xmlwire.Lift(func(a *sessionsAnswer) *status { return &a.status }, omitEmpty(messageFields)...))...)

// sessions is Group.Sessions within the scope. Servers do not tell the metadata with a session, so
// those meetings count that are in the scope when the servers are asked for them afterwards.
func (sc *Scope) sessions(ctx context.Context) ([]UserSession, error) {
	sessions, err := sc.group.Sessions(ctx)
	if sc.whole() { // also without any sessions: what is asked must not tell of those of others
		return sessions, err
	}
	meetings, listErr := sc.Meetings(ctx)
	if err == nil {
		err = listErr
	}
	inside := make(map[string]bool, len(meetings))
	for _, m := range meetings {
		inside[m.InternalID] = true
	}
	return slices.DeleteFunc(sessions, func(u UserSession) bool { return !inside[u.InternalMeetingID] }), err
}
