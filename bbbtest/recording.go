package bbbtest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// The states of a recording. A stored "available", which proxies let through, is as good as
// published.
const (
	stateProcessing  = "processing"
	stateProcessed   = "processed"
	statePublished   = "published"
	stateUnpublished = "unpublished"
	stateDeleted     = "deleted"
	stateAvailable   = "available"
)

var recordingStates = []string{stateProcessing, stateProcessed, statePublished, stateUnpublished, stateDeleted, stateAvailable}

// Recording is a copy of what the server knows about a recording; changing it changes nothing.
type Recording struct {
	RecordID          string // the internal id of the recorded meeting
	MeetingID         string // external
	InternalMeetingID string
	Name              string
	State             string    // processing, processed, published, unpublished or deleted
	Start, End        time.Time // whole milliseconds; zero is written as 0
	Participants      int
	RawSize           int64 // bytes
	// Metadata holds what the create call sent, and the keys BigBlueButton adds: meetingId,
	// meetingName and isBreakout, in mixed case.
	Metadata map[string]string
	Formats  []Format // what can be played
	Data     []Format // raw data; only Type and URL are written
	// Breakout tells that a breakout room was recorded; the next three describe it.
	Breakout      bool
	ParentID      string // internal id of the parent meeting
	Sequence      int
	FreeJoin      bool
	BreakoutRooms []string // internal ids of the rooms of a recorded parent
	Protected     bool     // writes the element protected, which only some proxies do
	Tracks        []TextTrack
	// Unreadable is a recording whose metadata file is broken: the answer holds nothing but an
	// error element with its id.
	Unreadable bool
}

// Size is the sum of the sizes of the formats, in bytes.
func (r Recording) Size() int64 {
	var n int64
	for _, f := range r.Formats {
		n += f.Size
	}
	return n
}

// Format is a playback format of a recording.
type Format struct {
	Type           string // presentation, video, podcast ...
	URL            string
	ProcessingTime int64
	Length         time.Duration // written in whole minutes
	Size           int64         // bytes
	Previews       []Image
}

// Image is a preview image of a format. A width or height of zero is not written.
type Image struct {
	Alt           string // the text for those who cannot see it
	Width, Height int    // pixels
	URL           string
}

// recording is the live state; the server's mutex protects all of it.
type recording struct {
	Recording
	due time.Time // when processing is over
}

func (r Recording) clone() Recording {
	r.Metadata = maps.Clone(r.Metadata)
	r.BreakoutRooms = slices.Clone(r.BreakoutRooms)
	r.Data = slices.Clone(r.Data)
	r.Tracks = slices.Clone(r.Tracks)
	r.Formats = slices.Clone(r.Formats)
	for i := range r.Formats {
		r.Formats[i].Previews = slices.Clone(r.Formats[i].Previews)
	}
	return r
}

// recordings are all recordings of a server, in the order they came.
type recordings struct {
	list   []*recording
	byID   map[string]*recording
	unripe []*recording // those being processed
}

func newRecordings() recordings { return recordings{byID: map[string]*recording{}} }

func (rs *recordings) add(r *recording) {
	if old := rs.byID[r.RecordID]; old != nil {
		rs.list[slices.Index(rs.list, old)] = r
	} else {
		rs.list = append(rs.list, r)
	}
	rs.byID[r.RecordID] = r
}

// AddRecording gives the server a recording and returns it as it is kept; one with the same RecordID
// is replaced. Empty fields get what a recorded meeting would have: ids made from MeetingID and
// Start, "rec" and a number as MeetingID, the name of the meeting, the state published, and the
// formats of [WithRecordingFormats] unless Formats is not nil. A Start of zero is kept when there is
// a RecordID, and becomes the present time otherwise. Nobody is told about it.
func (s *Server) AddRecording(r Recording) Recording {
	defer s.lock()()
	r = r.clone()
	r.MeetingID = cmp.Or(r.MeetingID, fmt.Sprintf("rec%d", len(s.recordings.list)+1))
	if r.RecordID == "" {
		if r.Start.IsZero() {
			r.Start = time.Now()
		}
		for r.RecordID == "" || s.recordings.byID[r.RecordID] != nil {
			r.RecordID = internalID(r.MeetingID, r.Start)
			r.Start = r.Start.Add(time.Millisecond)
		}
		r.Start = r.Start.Add(-time.Millisecond).Truncate(time.Millisecond)
	}
	r.InternalMeetingID = cmp.Or(r.InternalMeetingID, r.RecordID)
	r.Name = cmp.Or(r.Name, r.MeetingID)
	r.State = cmp.Or(r.State, statePublished)
	if r.Formats == nil && r.State != stateProcessing && r.State != stateProcessed {
		r.Formats = s.formats(r)
	}
	s.recordings.add(&recording{Recording: r})
	return r.clone()
}

// Recordings returns all recordings, deleted ones too, in the order they came.
func (s *Server) Recordings() []Recording {
	defer s.lock()()
	list := make([]Recording, len(s.recordings.list))
	for i, r := range s.recordings.list {
		list[i] = r.clone()
	}
	return list
}

// SetRecordingState puts a recording into another state, "available" included, which only proxies
// let through. One that leaves processing for published gets its formats and is announced as if it
// had been waited for.
func (s *Server) SetRecordingState(recordID, state string) error {
	if !slices.Contains(recordingStates, state) {
		return fmt.Errorf("bbbtest: no such state of a recording %q", state)
	}
	defer s.lock()()
	r := s.recordings.byID[recordID]
	if r == nil {
		return fmt.Errorf("bbbtest: no recording %q", recordID)
	}
	s.recordings.unripe = slices.DeleteFunc(s.recordings.unripe, func(x *recording) bool { return x == r })
	if state == statePublished && (r.State == stateProcessing || r.State == stateProcessed) {
		s.publish(r)
		return nil
	}
	r.State = state
	return nil
}
