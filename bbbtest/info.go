package bbbtest

import "time"

// isMeetingRunning answers that call: an id nobody knows is simply not running.
func (s *Server) isMeetingRunning(q *request) reply {
	if bad := s.checkMeetingID(q); bad != nil {
		return s.fail(*bad)
	}
	defer s.lock()()
	m := s.meetings.find(q.get("meetingID"))
	d := s.document(success)
	d.boolean("running", m != nil && m.Running())
	return s.xmlReply(d)
}

// getMeetingInfo answers that call. Its answers carry no Cache-Control, unlike all others.
func (s *Server) getMeetingInfo(q *request) reply {
	if bad := s.checkMeetingID(q); bad != nil {
		return s.fail(*bad)
	}
	defer s.lock()()
	m := s.meetings.find(q.get("meetingID"))
	if m == nil {
		return s.fail(failure{"notFound", "We could not find a meeting with that meeting ID"})
	}
	d := s.document(success)
	s.writeMeeting(d, m, !s.conf.release.atLeast(2, 5))
	rep := s.xmlReply(d)
	rep.header.Del("Cache-Control")
	return rep
}

// getMeetings answers that call. No meetings is a success with a message.
func (s *Server) getMeetings(*request) reply {
	defer s.lock()()
	d := s.document(success)
	none := func() { d.message("noMeetings", "no meetings were found on this server") }
	live := s.meetings.live
	if len(live) == 0 {
		if s.conf.quirks.MessageFirst {
			none()
		}
		d.raw("meetings", "")
		if !s.conf.quirks.MessageFirst {
			none()
		}
		return s.xmlReply(d)
	}
	d.open("meetings")
	for _, m := range live {
		d.open("meeting")
		s.writeMeeting(d, m, true)
		d.close("meeting")
	}
	d.close("meetings")
	return s.xmlReply(d)
}

// getSessions answers that call: one row per joined session.
func (s *Server) getSessions(*request) reply {
	defer s.lock()()
	d := s.document(success)
	rows := 0
	d.open("sessions")
	for _, m := range s.meetings.live {
		for _, x := range m.sessions {
			rows++
			d.open("meeting")
			d.text("meetingID", m.InternalID)
			d.text("meetingName", m.Name)
			d.text("userName", x.userName)
			d.close("meeting")
		}
	}
	d.close("sessions")
	if rows == 0 {
		d.message("noSessions", "no sessions were found on this serverr") // so it is written there
	}
	return s.xmlReply(d)
}

// writeMeeting writes the fields of a meeting in the order of the templates. commas tells whether
// this template prints its counts by locale, when the quirk is on.
func (s *Server) writeMeeting(d *document, m *meeting, commas bool) {
	var listeners, voices, videos, moderators int
	for _, a := range m.Attendees {
		listeners += one(a.IsListeningOnly)
		voices += one(a.HasJoinedVoice)
		videos += one(a.HasVideo)
		moderators += one(a.Role == moderator)
	}
	d.text("meetingName", m.Name)
	d.text("meetingID", m.MeetingID)
	d.text("internalMeetingID", m.InternalID)
	d.number("createTime", m.CreateTime())
	d.text("createDate", createDate(m.Created))
	d.text("voiceBridge", m.VoiceBridge)
	d.text("dialNumber", m.DialNumber)
	d.text("attendeePW", m.AttendeePW)
	d.text("moderatorPW", m.ModeratorPW)
	d.boolean("running", m.Running())
	d.number("duration", int64(m.Duration/time.Minute))
	d.boolean("hasUserJoined", m.HasUserJoined)
	d.boolean("recording", m.Record)
	d.boolean("hasBeenForciblyEnded", m.ForciblyEnded)
	d.millis("startTime", millis(m.Started))
	d.millis("endTime", millis(m.Ended))
	d.count("participantCount", len(m.Attendees), commas)
	d.count("listenerCount", listeners, commas)
	d.count("voiceParticipantCount", voices, commas)
	d.count("videoCount", videos, commas)
	d.count("maxUsers", m.MaxParticipants, commas)
	d.count("moderatorCount", moderators, commas)
	s.writeAttendees(d, m)
	d.pairs("metadata", m.Metadata)
	d.boolean("isBreakout", m.Breakout)
	if m.Breakout {
		if s.conf.quirks.NestedBreakout {
			d.open("breakout")
		}
		d.text("parentMeetingID", m.ParentID)
		d.count("sequence", m.Sequence, true) // printed by locale in every release
		d.boolean("freeJoin", m.FreeJoin)
		if s.conf.quirks.NestedBreakout {
			d.close("breakout")
		}
	}
	if len(m.Breakouts) > 0 {
		d.open("breakoutRooms")
		for _, id := range m.Breakouts {
			d.text("breakout", id)
		}
		d.close("breakoutRooms")
	}
}

func (s *Server) writeAttendees(d *document, m *meeting) {
	if len(m.Attendees) == 0 {
		if !s.conf.quirks.NoEmptyLists {
			d.raw("attendees", "")
		}
		return
	}
	d.open("attendees")
	for _, a := range m.Attendees {
		d.open("attendee")
		d.text("userID", a.UserID)
		d.text("fullName", a.FullName)
		d.text("role", a.Role)
		d.boolean("isPresenter", a.IsPresenter)
		d.boolean("isListeningOnly", a.IsListeningOnly)
		d.boolean("hasJoinedVoice", a.HasJoinedVoice)
		d.boolean("hasVideo", a.HasVideo)
		d.text("clientType", a.ClientType)
		d.pairs("customdata", m.customData[a.UserID])
		d.close("attendee")
	}
	d.close("attendees")
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
