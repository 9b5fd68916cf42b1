package bbb

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// handleCreate creates a meeting. Apart from the ID, by which the meeting is found, servers judge the
// parameters: what one of them accepts is not refused here.
func handleCreate(ctx context.Context, q *incoming) *Response {
	id, refused := q.meetingID()
	if refused != nil {
		return refused
	}
	p := parseLeniently(createTable, q.params)
	p.MeetingID = id
	p.Name = strings.Map(dropControl, p.Name) // servers do so, and answer with that name
	p.dropMeta(q.scope)
	if p.IsBreakout != nil && *p.IsBreakout {
		if p.ParentMeetingID == "" {
			return q.refuse("parentMeetingIDMissing", "No parent meeting ID was provided for the breakout room.", nil)
		}
		p.ParentMeetingID = q.parentID(p.ParentMeetingID)
	}
	if refused := q.relayCreate(&p); refused != nil {
		return refused
	}
	p.Placement.Size = p.sizeHint()
	body, refused := q.readModules()
	if refused != nil {
		return refused
	}
	defer body.close()
	body.addTo(&p)

	release, err := q.admitCreate(ctx, &p)
	if err != nil {
		return q.failed(err)
	}
	defer release()
	m, err := q.scope.createMeeting(ctx, p, nil)
	if err != nil {
		return q.failed(err)
	}
	m = q.shown(m)
	r := succeeded(q, m, createdRecord, &meetingAnswer{
		status: status{Returncode: returncodeSuccess, Key: m.MessageKey, Message: m.Message}, Meeting: *m,
	})
	r.Key, r.Message = m.MessageKey, m.Message
	return r
}

// parseLeniently reads parameters as the client meant them for a server. What has no typed form (such as
// duration=-1, of which servers make something of their own) goes on as it came. Names of an open set that
// servers drop without a word, or worse, write into their answers as the names of elements, go no further.
func parseLeniently[P any](table *paramTable[P], v url.Values) P {
	p, err := table.parse(v)
	if err == nil {
		return p
	}
	extra := table.extra(&p)
	for _, problem := range problemsOf(err) {
		if f, _ := table.family(problem.Param); f != nil {
			continue
		}
		if *extra == nil {
			*extra = make(url.Values)
		}
		(*extra)[problem.Param] = v[problem.Param][:1]
	}
	return p
}

// problemsOf returns all the ParamErrors of a joined error.
func problemsOf(err error) (all []*ParamError) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			all = append(all, problemsOf(one)...)
		}
		return all
	}
	if e, ok := errors.AsType[*ParamError](err); ok {
		all = append(all, e)
	}
	return all
}

// dropMeta takes out metadata that the scope sets: whoever is in it has no say in that, and need not know.
func (p *CreateParams) dropMeta(sc *Scope) {
	for key := range p.Meta {
		if _, set := sc.meta[strings.ToLower(key)]; set {
			delete(p.Meta, key)
		}
	}
}

// parentID returns the ID by which servers know the parent of a breakout room. Clients name it by its
// internal ID as well, which is the same for all.
func (q *incoming) parentID(id string) string {
	if isInternalID(id) && q.scope.knows(q.realID(id)) == nil {
		return id
	}
	return q.realID(id)
}

// isInternalID reports whether an ID is one that servers make up: the SHA-1 of the meeting's ID, and the
// create time in milliseconds.
func isInternalID(id string) bool {
	const hash = 40
	if len(id) < hash+2 || id[hash] != '-' || digits(id[hash+1:]) != "" {
		return false
	}
	return strings.Trim(id[:hash], "0123456789abcdef") == ""
}

// sizeHint is how many people the client expects, as clients of other load balancers say it; 0 when it
// does not. maxParticipants is no such number: it is what a portal allows, most often the same for all its
// meetings, so it counts only if it is small ([Criteria]), and as a bound of the hint.
func (p *CreateParams) sizeHint() int {
	n := 0
	for key, value := range p.Meta {
		if strings.EqualFold(key, MetaMeetingSizeHint) {
			n, _ = strconv.Atoi(strings.TrimSpace(value))
		}
	}
	if p.MaxParticipants != nil && *p.MaxParticipants > 0 {
		n = min(n, *p.MaxParticipants)
	}
	return min(max(n, 0), maxSize)
}

// addTo gives a create what came in its body. Notes that stand in a parameter beat those of the body.
func (m *inboundModules) addTo(p *CreateParams) {
	p.Documents = m.documents
	p.ClientSettingsOverride = json.RawMessage(m.texts[moduleSettings])
	p.SharedNotesInitialContentJSON = json.RawMessage(m.texts[moduleNotesJSON])
	if p.SharedNotesInitialContentMarkdown == "" {
		p.SharedNotesInitialContentMarkdown = m.texts[moduleNotesMarkdown]
	}
}

// createdRecord writes the answer to create. Both elements of the message are always there.
var createdRecord = xmlwire.NewRecord(append(append(
	xmlwire.Lift(func(a *meetingAnswer) *status { return &a.status }, returncodeField...),
	xmlwire.Lift(func(a *meetingAnswer) *Meeting { return &a.Meeting }, createdFields...)...),
	xmlwire.Lift(func(a *meetingAnswer) *status { return &a.status }, messageFields...)...)...)

var createdFields = []xmlwire.Field[Meeting]{
	xmlwire.String("meetingID", func(m *Meeting) *string { return &m.ID }),
	xmlwire.String("internalMeetingID", func(m *Meeting) *string { return &m.InternalID }),
	xmlwire.Custom("parentMeetingID", "nothing", func(*Meeting, string) bool { return false }, func(m *Meeting) string {
		return cmp.Or(m.ParentID, noParentID)
	}),
	xmlwire.String("attendeePW", func(m *Meeting) *string { return &m.AttendeePW }).OmitEmpty(),
	xmlwire.String("moderatorPW", func(m *Meeting) *string { return &m.ModeratorPW }).OmitEmpty(),
	xmlwire.Millis("createTime", func(m *Meeting) *time.Time { return &m.CreateTime }),
	xmlwire.String("voiceBridge", func(m *Meeting) *string { return &m.VoiceBridge }),
	xmlwire.String("dialNumber", func(m *Meeting) *string { return &m.DialNumber }),
	xmlwire.String("createDate", func(m *Meeting) *string { return &m.CreateDate }),
	xmlwire.Bool("hasUserJoined", func(m *Meeting) *bool { return &m.HasUserJoined }),
	xmlwire.Minutes("duration", func(m *Meeting) *time.Duration { return &m.Duration }),
	xmlwire.Bool("hasBeenForciblyEnded", func(m *Meeting) *bool { return &m.HasBeenForciblyEnded }),
}
