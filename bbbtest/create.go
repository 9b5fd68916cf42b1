package bbbtest

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	noParent   = "bbb-none"
	dialNumber = "613-555-1234" // the stock default
)

// create answers the create call.
func (s *Server) create(q *request) reply {
	if bad := s.checkCreate(q); bad != nil {
		return s.fail(*bad)
	}
	if q.bad != nil {
		return s.fail(*q.bad)
	}
	defer s.lock()()

	var parent *meeting
	if q.boolean("isBreakout", false) {
		id := q.get("parentMeetingID")
		if id == "" {
			return s.fail(failure{"parentMeetingIDMissing", "No parent meeting ID was provided for the breakout room."})
		}
		if parent = s.meetings.find(id); parent == nil || !parent.endsAt.IsZero() {
			return s.fail(failure{"parentMeetingDoesNotExist", "No parent meeting exists for the breakout room."})
		}
	}
	if old := s.meetings.find(q.get("meetingID")); old != nil {
		if old.endsAt.IsZero() {
			return s.repeatCreate(q, old)
		}
		// Its end was requested: the id is free again.
		old.endsAt = q.now
		s.meetings.reap(q.now)
	}
	m, bad := s.newMeeting(q, parent)
	if bad != nil {
		return s.failList(*bad)
	}
	m.Documents, m.Modules = q.modules.documents, q.modules.texts
	s.meetings.add(m)
	if parent != nil {
		parent.addRoom(m)
	}
	s.emitCreated(m)
	return s.created(m, "", "")
}

// checkCreate validates the parameters. A real server reports an arbitrary one of several
// violations; the fake reports the first in this order.
func (s *Server) checkCreate(q *request) *failure {
	if bad := s.checkMeetingID(q); bad != nil {
		return bad
	}
	// The key for a missing name is not known; validationError is the general one.
	name := q.get("name")
	if name == "" {
		return s.validation("validationError", "You must provide a meeting name")
	}
	if n := utf8.RuneCountInString(name); n < 2 || n > 256 {
		return s.sizeError("Meeting name must be between 2 and 256 characters")
	}
	for _, param := range []string{"attendeePW", "moderatorPW"} {
		if n := utf8.RuneCountInString(q.get(param)); n == 1 || n > 64 {
			key := "invalidPassword"
			if !s.conf.release.atLeast(2, 5) {
				key = "validationError"
			}
			return s.validation(key, "Password "+param+" must be between 2 and 64 characters")
		}
	}
	if strings.ContainsFunc(q.get("voiceBridge"), func(c rune) bool { return c < '0' || c > '9' }) {
		return s.validation("validationError", "Voice bridge must be a 5-digit integer")
	}
	if editor := strings.ToLower(q.get("sharedNotesEditor")); s.conf.release.atLeast(4, 0) &&
		editor != "" && editor != "etherpad" && editor != "blocknote" {
		return s.validation("invalidSharedNotesEditor", "The shared notes editor is not known")
	}
	return nil
}

// checkMeetingID validates the meetingID of any call.
func (s *Server) checkMeetingID(q *request) *failure {
	id := q.params.Get("meetingID")
	if strings.TrimSpace(id) == "" {
		return s.validation("missingParamMeetingID", "You must specify a meeting ID for the meeting.")
	}
	if strings.Contains(id, ",") || strings.ContainsFunc(id, unicode.IsControl) || strings.TrimSpace(id) != id {
		return s.validation("validationError", "Invalid meeting ID")
	}
	if n := utf8.RuneCountInString(id); n < 2 || n > 256 {
		return s.sizeError("Meeting ID must be between 2 and 256 characters")
	}
	return nil
}

// sizeError is the failure for a text of the wrong length. In which line it got a key of its own is
// not known for sure; the documents of 3.0 have it, those of 2.4 do not.
func (s *Server) sizeError(message string) *failure {
	if s.conf.release.atLeast(3, 0) {
		return s.validation("sizeError", message)
	}
	return s.validation("validationError", message)
}

// repeatCreate answers a create for a meeting that lives. Nothing is updated.
func (s *Server) repeatCreate(q *request, m *meeting) reply {
	matches := func(given, have string) bool {
		// Up to some release a password that was not sent was compared with the invented one and
		// so never matched. 3.0 lets it pass; where between 2.4 and 3.0 that changed is not known.
		return given == have || given == "" && s.conf.release.atLeast(3, 0)
	}
	if matches(q.get("attendeePW"), m.AttendeePW) && matches(q.get("moderatorPW"), m.ModeratorPW) {
		return s.created(m, "duplicateWarning",
			"This conference was already in existence and may currently be in progress.")
	}
	// Two spaces: so it is written there.
	return s.fail(failure{"idNotUnique", "A meeting already exists with that meeting ID.  Please use a different meeting ID."})
}

// newMeeting makes a meeting out of the parameters; parent is nil unless it is a breakout room.
func (s *Server) newMeeting(q *request, parent *meeting) (*meeting, *failure) {
	m := &meeting{
		Meeting: Meeting{
			MeetingID:       q.get("meetingID"),
			Name:            strings.Map(dropControl, q.get("name")),
			AttendeePW:      q.get("attendeePW"),
			ModeratorPW:     q.get("moderatorPW"),
			VoiceBridge:     q.get("voiceBridge"),
			DialNumber:      q.get("dialNumber"),
			Created:         q.now.Truncate(time.Millisecond),
			Duration:        time.Duration(q.integer("duration")) * time.Minute,
			MaxParticipants: q.integer("maxParticipants"),
			Record:          q.boolean("record", false),
			Metadata:        metadata(q.params),
			Params:          paramsWithoutChecksum(q.params),
			ParentID:        noParent,
		},
		logoutURL:  q.get("logoutURL"),
		policy:     q.get("guestPolicy"),
		customData: map[string]map[string]string{},
	}
	if m.AttendeePW == "" {
		m.AttendeePW = newPassword()
	}
	if m.ModeratorPW == "" {
		m.ModeratorPW = newPassword()
	}
	if m.DialNumber == "" {
		m.DialNumber = dialNumber
	}
	for range 10 {
		if m.VoiceBridge == "" || q.get("voiceBridge") == "" && s.meetings.voices[m.VoiceBridge] != nil {
			m.VoiceBridge = strconv.Itoa(10000 + rand.IntN(90000))
		}
	}
	if s.meetings.voices[m.VoiceBridge] != nil {
		return nil, &failure{"nonUniqueVoiceBridge", "The selected voice bridge is already in use."}
	}
	if parent != nil {
		s.asBreakout(m, q, parent)
		return m, nil
	}
	m.InternalID = internalID(m.MeetingID, m.Created)
	// The same id twice within a millisecond: an ended meeting keeps its internal id to itself.
	for s.meetings.byInner[m.InternalID] != nil || s.meetings.endedInner(m.InternalID) {
		m.Created = m.Created.Add(time.Millisecond)
		m.InternalID = internalID(m.MeetingID, m.Created)
	}
	return m, nil
}

// asBreakout turns a meeting into a breakout room: the meetingID of the call is its internal id, and
// its external one is computed from the parent, the time and the sequence.
func (s *Server) asBreakout(m *meeting, q *request, parent *meeting) {
	m.Breakout, m.FreeJoin = true, q.boolean("freeJoin", false)
	m.Sequence = q.integer("sequence")
	m.ParentID = parent.InternalID
	m.InternalID = m.MeetingID
	stamp := strconv.FormatInt(m.Created.UnixMilli(), 10)
	m.MeetingID = fmt.Sprintf("%s-%s", sha1hex(fmt.Sprintf("%s-%s-%d", parent.MeetingID, stamp, m.Sequence)), stamp)
}

func (m *meeting) addRoom(room *meeting) {
	m.Breakouts = append(m.Breakouts, room.InternalID)
	m.rooms = append(m.rooms, room.InternalID)
}

// AddBreakout gives a meeting a breakout room, as its moderator would in the client. It is recorded
// when the meeting was created with record and breakoutRoomsRecord.
func (s *Server) AddBreakout(parentID string, sequence int) (Meeting, error) {
	defer s.lock()()
	parent := s.meetings.find(parentID)
	if parent == nil {
		return Meeting{}, errNoMeeting(parentID)
	}
	now := time.Now()
	stem := parent.InternalID
	m, bad := s.newMeeting(&request{call: "create", now: now, params: url.Values{
		"meetingID":       {internalID(fmt.Sprintf("%s-%d-%d", stem, sequence, s.meetings.created), now)},
		"name":            {fmt.Sprintf("%s (Room %d)", parent.Name, sequence)},
		"isBreakout":      {"true"},
		"parentMeetingID": {stem},
		"sequence":        {strconv.Itoa(sequence)},
		"record":          {strconv.FormatBool(parent.Record && isTrue(parent.Params.Get("breakoutRoomsRecord"), false))},
	}}, parent)
	if bad != nil {
		return Meeting{}, fmt.Errorf("bbbtest: %s: %s", bad.key, bad.message)
	}
	s.meetings.add(m)
	parent.addRoom(m)
	s.emitCreated(m)
	return m.snapshot(), nil
}

// created answers with the data of a meeting; both message elements are always there.
func (s *Server) created(m *meeting, key, message string) reply {
	d := s.document(success)
	d.text("meetingID", m.MeetingID)
	d.text("internalMeetingID", m.InternalID)
	d.text("parentMeetingID", m.ParentID)
	d.text("attendeePW", m.AttendeePW)
	d.text("moderatorPW", m.ModeratorPW)
	d.number("createTime", m.CreateTime())
	d.text("voiceBridge", m.VoiceBridge)
	d.text("dialNumber", m.DialNumber)
	d.text("createDate", createDate(m.Created))
	d.boolean("hasUserJoined", m.HasUserJoined)
	d.number("duration", int64(m.Duration/time.Minute))
	d.boolean("hasBeenForciblyEnded", m.ForciblyEnded)
	d.message(key, message)
	return s.xmlReply(d)
}

// integer reads a number; one that does not parse silently counts as absent.
func (q *request) integer(name string) int {
	n, err := strconv.ParseInt(q.get(name), 10, 32)
	if err != nil {
		return 0
	}
	return int(n)
}

// metadata collects the meta_ parameters. Keys are lower-cased; those that are not a letter followed
// by letters, digits and dashes are dropped.
func metadata(params url.Values) map[string]string {
	meta := map[string]string{}
	for name, values := range params {
		key, ok := strings.CutPrefix(name, "meta_")
		if ok && isMetaName(key) {
			meta[strings.ToLower(key)] = values[0]
		}
	}
	return meta
}

func isMetaName(name string) bool { return isXMLName(name) && !strings.ContainsAny(name, "._") }

func paramsWithoutChecksum(params url.Values) url.Values {
	c := cloneValues(params)
	c.Del("checksum")
	return c
}

func dropControl(c rune) rune {
	if unicode.IsControl(c) {
		return -1
	}
	return c
}

func createDate(t time.Time) string { return t.UTC().Format("Mon Jan 02 15:04:05 MST 2006") }

func internalID(meetingID string, created time.Time) string {
	return sha1hex(meetingID) + "-" + strconv.FormatInt(created.UnixMilli(), 10)
}

func sha1hex(s string) string {
	h := sha1.Sum([]byte(s))
	return hex.EncodeToString(h[:])
}
