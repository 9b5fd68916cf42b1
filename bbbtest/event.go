package bbbtest

import (
	"cmp"
	"maps"
	"time"
)

// Event is something that webhooks tell of.
type Event struct {
	ID string // such as "user-joined"; one no release has is sent as well
	// MeetingID is the external or internal id of a meeting, which need not exist. Its two ids are
	// added to the attributes unless they have a "meeting" of their own. One that is not known is
	// taken for an external id, and the internal one is left out.
	MeetingID  string
	Attributes map[string]any // beside meeting; has to be fit for JSON
	Time       time.Time      // event.ts; now by default
}

// Emit sends an event to the webhooks that want it.
func (s *Server) Emit(e Event) {
	defer s.lock()()
	m := cmp.Or(s.meetings.find(e.MeetingID), s.meetings.findEnded(e.MeetingID))
	meeting := map[string]any{"external-meeting-id": e.MeetingID}
	external := e.MeetingID
	if m != nil {
		meeting, external = idsOf(m), m.MeetingID
	}
	attributes := maps.Clone(e.Attributes)
	if attributes == nil {
		attributes = map[string]any{}
	}
	if attributes["meeting"] == nil {
		attributes["meeting"] = meeting
	}
	s.emit(external, e.ID, attributes, e.Time)
}

func idsOf(m *meeting) map[string]any {
	return map[string]any{"internal-meeting-id": m.InternalID, "external-meeting-id": m.MeetingID}
}

// emit hands an event to the hooks. The mutex is held.
func (s *Server) emit(externalID, id string, attributes map[string]any, at time.Time) {
	if len(s.hooks.list) == 0 {
		return
	}
	if at.IsZero() {
		at = time.Now()
	}
	var e struct {
		Data struct {
			Type       string         `json:"type"`
			ID         string         `json:"id"`
			Attributes map[string]any `json:"attributes"`
			Event      struct {
				TS int64 `json:"ts"`
			} `json:"event"`
		} `json:"data"`
	}
	e.Data.Type, e.Data.ID, e.Data.Attributes, e.Data.Event.TS = "event", id, attributes, at.UnixMilli()
	mapped := jsJSON(e)
	// The messages inside the server change with every release; this is their shape, not their text.
	raw := jsJSON(map[string]any{
		"envelope": map[string]any{"name": id, "routing": map[string]any{"sender": "bbbtest"}, "timestamp": at.UnixMilli()},
		"core":     map[string]any{"header": map[string]any{"name": id, "meetingId": externalID}, "body": attributes},
	})
	for _, h := range s.hooks.list {
		switch {
		case !h.wants(externalID, id):
		case h.raw:
			s.deliver(h, raw)
		default:
			s.deliver(h, mapped)
		}
	}
}

func (s *Server) emitAbout(m *meeting, id string) {
	s.emit(m.MeetingID, id, map[string]any{"meeting": idsOf(m)}, time.Time{})
}

func (s *Server) emitCreated(m *meeting) {
	about := idsOf(m)
	maps.Copy(about, map[string]any{
		"name": m.Name, "is-breakout": m.Breakout, "duration": int64(m.Duration / time.Minute),
		"create-time": m.CreateTime(), "create-date": createDate(m.Created),
		"moderator-pass": m.ModeratorPW, "viewer-pass": m.AttendeePW, "record": m.Record,
		"voice-conf": m.VoiceBridge, "dial-number": m.DialNumber, "max-users": m.MaxParticipants, "metadata": m.Metadata,
	})
	if s.conf.hookStyle != HooksV2 {
		about["parent-id"] = m.ParentID
	}
	if s.conf.hookStyle == HooksV34 {
		for _, name := range []string{"audioBridge", "cameraBridge", "screenShareBridge"} {
			about[name] = cmp.Or(m.Params.Get(name), "bbb-webrtc-sfu")
		}
	}
	s.emit(m.MeetingID, "meeting-created", map[string]any{"meeting": about}, time.Time{})
}

func (s *Server) emitUser(m *meeting, id string, a Attendee) {
	user := map[string]any{"internal-user-id": a.InternalUserID, "external-user-id": a.UserID}
	if id == "user-joined" {
		user["name"], user["role"], user["presenter"] = a.FullName, a.Role, a.IsPresenter
	}
	if s.conf.hookStyle == HooksV34 {
		user["guest"] = a.Guest
		if data := m.customData[a.UserID]; id == "user-joined" && len(data) > 0 {
			user["userdata"] = data
		}
	}
	s.emit(m.MeetingID, id, map[string]any{"meeting": idsOf(m), "user": user}, time.Time{})
}

// emitStep tells of the begin and the end of a step of the recording system; f is the format it was
// for, if any.
func (s *Server) emitStep(r *recording, step string, f *Format) {
	about := func() map[string]any {
		attributes := map[string]any{
			"meeting":   map[string]any{"internal-meeting-id": r.InternalMeetingID, "external-meeting-id": r.MeetingID},
			"record-id": r.RecordID,
		}
		if f != nil {
			attributes["workflow"] = f.Type
		}
		return attributes
	}
	s.emit(r.MeetingID, "rap-"+step+"-started", about(), time.Time{})
	ended := about()
	ended["success"], ended["step-time"] = true, 7177
	if step == "archive" && s.conf.hookStyle != HooksV2 {
		ended["recorded"], ended["duration"] = true, int64(r.End.Sub(r.Start)/time.Millisecond)
	}
	if step == "publish" {
		ended["recording"] = map[string]any{
			"name": r.Name, "is-breakout": r.Breakout, "start-time": millis(r.Start), "end-time": millis(r.End),
			"size": r.Size(), "raw-size": r.RawSize, "metadata": r.Metadata, "download": map[string]any{},
			"playback": map[string]any{
				"format": f.Type, "link": f.URL, "processing_time": f.ProcessingTime, "duration": int64(f.Length / time.Millisecond),
				"extensions": map[string]any{}, "size": f.Size,
			},
		}
	}
	s.emit(r.MeetingID, "rap-"+step+"-ended", ended, time.Time{})
}
