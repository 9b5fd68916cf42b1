package bbbtest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// WithRecordingDelay sets how long a recording is processed after its meeting has ended, overriding
// the default of zero: it is published at once.
func WithRecordingDelay(d time.Duration) Option {
	return func(c *config) { c.recordingDelay = d }
}

// WithRecordingFormats sets the formats a recording is published in, such as presentation, video,
// podcast, screenshare and notes, overriding the default of presentation and video.
func WithRecordingFormats(types ...string) Option {
	return func(c *config) { c.formats = slices.Clone(types) }
}

// MarkRecording presses the record button of a meeting, as its moderator would: from then on the
// callback at its end says that there are recording marks. Whether the meeting becomes a recording
// depends on the record parameter alone; a real server throws away what nobody marked.
func (s *Server) MarkRecording(meetingID string) error {
	defer s.lock()()
	m := s.meetings.find(meetingID)
	if m == nil {
		return errNoMeeting(meetingID)
	}
	m.marked = true
	s.emitAbout(m, "meeting-recording-started")
	return nil
}

// people counts the external user ids that were ever inside.
func (m *meeting) people() int {
	ids := map[string]bool{}
	for _, v := range m.visits {
		ids[v.externalID] = true
	}
	return len(ids)
}

// recorded turns a meeting that has just ended into a recording, if it was to be recorded and
// somebody came.
func (s *Server) recorded(m *meeting) *recording {
	if !m.Record || !m.HasUserJoined {
		return nil
	}
	meta := maps.Clone(m.Metadata)
	meta["meetingId"], meta["meetingName"], meta["isBreakout"] = m.MeetingID, m.Name, strconv.FormatBool(m.Breakout)
	ended := m.Ended
	if now := time.Now(); ended.After(now) {
		ended = now // a wrong clock still runs at the right speed
	}
	r := &recording{due: ended.Add(s.conf.recordingDelay), Recording: Recording{
		RecordID:          m.InternalID,
		MeetingID:         m.MeetingID,
		InternalMeetingID: m.InternalID,
		Name:              m.Name,
		State:             stateProcessing,
		Start:             m.Created,
		End:               m.Ended.Truncate(time.Millisecond),
		Participants:      m.people(),
		RawSize:           (1 + int64(m.Ended.Sub(m.Created)/time.Second)) * 100_003,
		Metadata:          meta,
		Breakout:          m.Breakout,
		BreakoutRooms:     slices.Clone(m.rooms),
	}}
	if m.Breakout {
		r.ParentID, r.Sequence, r.FreeJoin = m.ParentID, m.Sequence, m.FreeJoin
	}
	s.recordings.add(r)
	s.recordings.unripe = append(s.recordings.unripe, r)
	return r
}

// ripen publishes the recordings whose processing is over.
func (s *Server) ripen(now time.Time) {
	var ripe []*recording
	s.recordings.unripe = slices.DeleteFunc(s.recordings.unripe, func(r *recording) bool {
		if now.Before(r.due) {
			return false
		}
		ripe = append(ripe, r)
		return true
	})
	for _, r := range ripe {
		s.publish(r)
	}
}

// publish makes a processed recording one that can be seen, and tells those who asked to be told.
func (s *Server) publish(r *recording) {
	r.State = statePublished
	if r.Formats == nil {
		r.Formats = s.formats(r.Recording)
	}
	s.announce(r)
}

// formats makes up the playback formats of a recording.
func (s *Server) formats(r Recording) []Format {
	paths := map[string]string{
		"presentation": "/playback/presentation/2.3/%s",
		"video":        "/playback/video/%s/",
		"podcast":      "/podcast/%s/audio.ogg",
		"notes":        "/notes/%s/notes.pdf",
	}
	var list []Format
	for i, kind := range s.conf.formats {
		path, ok := paths[kind]
		if !ok {
			path = "/playback/" + kind + "/%s/"
		}
		f := Format{
			Type:           kind,
			URL:            s.origin() + fmt.Sprintf(path, r.RecordID),
			ProcessingTime: 7177 + int64(i),
			Length:         max(r.End.Sub(r.Start), 0),
			Size:           1_000_000 + int64(i)*1000,
		}
		if kind == "presentation" {
			for n := range 3 {
				f.Previews = append(f.Previews, Image{
					Alt: fmt.Sprintf("Slide %d", n+1), Width: 176, Height: 136,
					URL: fmt.Sprintf("%s/presentation/%s/presentation/d2d9a672/thumbnails/thumb-%d.png", s.origin(), r.RecordID, n+1),
				})
			}
		}
		list = append(list, f)
	}
	return list
}
