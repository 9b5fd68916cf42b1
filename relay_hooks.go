package bbb

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// takeEvent takes an event, and passes it on if it is one that the tenant's hook is for.
func (r *relay) takeEvent(ctx context.Context, e Event) error {
	a := arrivedOf(ctx)
	r.tendHooks(true)
	if r.tend.isGone(a.url) {
		return nil
	}
	event := e.Raw
	id := e.Meeting.ExternalID
	if !a.raw {
		m, err := r.meetingOf(ctx, e)
		if err != nil {
			return err
		}
		if m != nil {
			id = m.ID
		}
		if !r.owns(a.q.scope, m, e) || a.meeting != "" && a.meeting != id || !wanted(a.events, e.Name) {
			r.log.LogAttrs(ctx, slog.LevelDebug, "event is not for the hook", slog.Any("event", e), slog.String("tenant", a.tenant))
			return nil
		}
		event = a.q.ownEvent(e.Raw)
	}
	// As bbb-webhooks 3.4 and later sends it.
	body := appendParam(nil, "domain", r.domain)
	body = appendParam(body, "event", "["+string(event)+"]")
	body = appendParam(body, "timestamp", strconv.FormatInt(time.Now().UnixMilli(), 10))
	job := &delivery{
		meeting: a.q.shownID(id), size: len(body), waits: hookWaits,
		done: func(status int) bool { return status == http.StatusUnauthorized }, // which bbb-webhooks counts as success
		request: func(t *Tenant) (*http.Request, error) {
			h := r.sum.newHash()
			h.Write([]byte(a.target))
			h.Write(body)
			h.Write([]byte(t.Secrets[0]))
			return newPost(withQuery(a.target, checksumParam+"="+hex.EncodeToString(h.Sum(nil))), contentTypeForm, body)
		},
	}
	_, err := r.pass(ctx, a, job)
	return err
}

// wanted reports whether a list of events, empty for all, has a name. bbb-webhooks folds the names.
func wanted(events []EventName, name EventName) bool {
	return len(events) == 0 || slices.ContainsFunc(events, func(e EventName) bool { return strings.EqualFold(string(e), string(name)) })
}

// owns reports whether an event is from a meeting of the caller; m is what is known of the meeting, nil for nothing.
func (r *relay) owns(sc *Scope, m *Meeting, e Event) bool {
	switch {
	case sc.whole():
		return true
	case m == nil: // forgotten by its server, as in events of old recordings
		return sc.prefix != "" && strings.HasPrefix(e.Meeting.ExternalID, sc.prefix)
	case sc.has(m):
		return true
	case m.ParentID == "" && !m.IsBreakout:
		return false
	}
	if parent := r.known.get(m.ParentID); parent != nil {
		return sc.has(parent)
	}
	// The room has the metadata of its parent, but an ID that its server has made up.
	within := *sc
	within.prefix = ""
	return len(sc.meta) > 0 && within.marked(m)
}

// meetingOf returns what is known of the meeting of an event: its IDs and its metadata. It is nil when nobody knows. An
// error means that the servers could not tell.
func (r *relay) meetingOf(ctx context.Context, e Event) (*Meeting, error) {
	if m := r.known.get(e.Meeting.InternalID); m != nil {
		return m, nil
	}
	m, err := r.meetingOnServer(ctx, e)
	if m != nil {
		r.known.put(m)
	}
	return m, err
}

func (r *relay) meetingOnServer(ctx context.Context, e Event) (*Meeting, error) {
	if c, ok := e.Data.(*MeetingCreated); ok && c.Metadata != nil && e.Meeting.ExternalID != "" {
		return &Meeting{
			ID: e.Meeting.ExternalID, InternalID: e.Meeting.InternalID, ParentID: c.ParentID, IsBreakout: c.IsBreakout, Metadata: c.Metadata,
		}, nil
	}
	servers := []*Server{e.server}
	if e.server == nil {
		servers = r.group.serving()
	}
	for _, s := range servers {
		if e.Meeting.InternalID == "" {
			break
		}
		if m := s.meetings.findInternal(e.Meeting.InternalID); m != nil && m.Metadata != nil {
			return m, nil
		}
	}
	if strings.HasPrefix(string(e.Name), "rap-") {
		return r.recordedMeeting(ctx, e)
	}
	if e.Meeting.ExternalID == "" {
		return nil, nil //nolint:nilnil // nobody knows
	}
	ask := r.group.Meeting
	if e.server != nil {
		ask = e.server.Meeting
	}
	m, err := ask(ctx, e.Meeting.ExternalID)
	switch {
	case isNotFound(err):
		return nil, nil //nolint:nilnil // it is over
	case err != nil:
		return nil, err
	case e.Meeting.InternalID != "" && m.InternalID != e.Meeting.InternalID:
		return nil, nil //nolint:nilnil // its ID is in use again
	}
	return m, nil
}

// recordedMeeting returns what a recording tells of its meeting, which is over and forgotten.
func (r *relay) recordedMeeting(ctx context.Context, e Event) (*Meeting, error) {
	if e.Meeting.InternalID == "" {
		return nil, nil //nolint:nilnil // nobody knows
	}
	ask := r.group.Recordings
	if e.server != nil {
		ask = e.server.Recordings
	}
	list, err := ask(ctx, RecordingFilter{RecordIDs: []string{e.Meeting.InternalID}, States: []RecordingState{RecordingAnyState}})
	for _, rec := range list.Recordings {
		if rec.ID == e.Meeting.InternalID && rec.Metadata != nil {
			return &Meeting{ID: rec.MeetingID, InternalID: rec.ID, IsBreakout: rec.IsBreakout, Metadata: rec.Metadata}, nil
		}
	}
	return nil, err
}

// ownEvent returns an event as the caller may see it.
func (q *incoming) ownEvent(event json.RawMessage) json.RawMessage {
	metadata := func(name string, value json.RawMessage) json.RawMessage {
		switch name {
		case "external-meeting-id":
			return q.ownID(value)
		case "metadata":
			return q.ownJSON(value)
		}
		return value
	}
	within := func(want string, edit func(string, json.RawMessage) json.RawMessage) func(string, json.RawMessage) json.RawMessage {
		return func(name string, value json.RawMessage) json.RawMessage {
			if name != want {
				return value
			}
			return editMembers(value, edit)
		}
	}
	return editMembers(event, within("data", within("attributes", func(name string, value json.RawMessage) json.RawMessage {
		if name == "meeting" || name == "recording" {
			return editMembers(value, metadata)
		}
		return value
	})))
}
