package bbb_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tree is an XML element as encoding/xml reads it. The answers of the package's
// own decoder are compared with it, element by element: two readers that share
// nothing but the file.
type tree struct {
	name     string
	attrs    map[string]string
	text     string
	children []*tree
}

func parseTree(t *testing.T, body []byte) *tree {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	root := &tree{}
	path := []*tree{root}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		top := path[len(path)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			e := &tree{name: tok.Name.Local, attrs: map[string]string{}}
			for _, a := range tok.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			top.children = append(top.children, e)
			path = append(path, e)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			top.text += string(tok)
		}
	}
	require.Len(t, root.children, 1)
	return root.children[0]
}

// all returns the direct children of that name.
func (e *tree) all(name string) (found []*tree) {
	for _, c := range e.children {
		if c.name == name {
			found = append(found, c)
		}
	}
	return found
}

// at follows a path of names and returns an empty element where it ends.
func (e *tree) at(path ...string) *tree {
	for _, name := range path {
		found := e.all(name)
		if len(found) == 0 {
			return &tree{}
		}
		e = found[0]
	}
	return e
}

// first returns the text, without white space around it, of the first of the
// names that has one.
func (e *tree) first(names ...string) string {
	for _, name := range names {
		if text := strings.TrimSpace(e.at(name).text); text != "" {
			return text
		}
	}
	return ""
}

func (e *tree) raw(name string) string { return e.at(name).text }

func (e *tree) flag(name string) bool { return strings.EqualFold(e.first(name), "true") }

func (e *tree) number(name string) int {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, e.first(name))
	n, _ := strconv.Atoi(digits)
	return n
}

func (e *tree) moment(name string) time.Time {
	if n := e.number(name); n != 0 {
		return time.UnixMilli(int64(n))
	}
	return time.Time{}
}

func (e *tree) pairs() map[string]string {
	pairs := map[string]string{}
	for _, c := range e.children {
		pairs[c.name] = c.text
	}
	return pairs
}

// assertMeeting compares every field of a meeting with the element it stands in.
func assertMeeting(t *testing.T, e *tree, m *bbb.Meeting) {
	t.Helper()
	equal := func(field string, want, got any) {
		t.Helper()
		assert.Equal(t, want, got, "%s of %q", field, m.ID)
	}
	equal("ID", e.first("meetingID"), m.ID)
	equal("InternalID", e.first("internalMeetingID"), m.InternalID)
	equal("Name", e.raw("meetingName"), m.Name)
	for field, pair := range map[string][2]time.Time{
		"createTime": {e.moment("createTime"), m.CreateTime},
		"startTime":  {e.moment("startTime"), m.StartTime},
		"endTime":    {e.moment("endTime"), m.EndTime},
	} {
		assert.True(t, pair[0].Equal(pair[1]), "%s of %q: %v, not %v", field, m.ID, pair[1], pair[0])
	}
	equal("CreateDate", e.first("createDate"), m.CreateDate)
	equal("VoiceBridge", e.first("voiceBridge"), m.VoiceBridge)
	equal("DialNumber", e.first("dialNumber"), m.DialNumber)
	equal("Running", e.flag("running"), m.Running)
	equal("HasUserJoined", e.flag("hasUserJoined"), m.HasUserJoined)
	equal("HasBeenForciblyEnded", e.flag("hasBeenForciblyEnded"), m.HasBeenForciblyEnded)
	equal("Duration", time.Duration(e.number("duration"))*time.Minute, m.Duration)
	equal("ParticipantCount", e.number("participantCount"), m.ParticipantCount)
	equal("ListenerCount", e.number("listenerCount"), m.ListenerCount)
	equal("VoiceParticipantCount", e.number("voiceParticipantCount"), m.VoiceParticipantCount)
	equal("VideoCount", e.number("videoCount"), m.VideoCount)
	equal("ModeratorCount", e.number("moderatorCount"), m.ModeratorCount)
	if e.at("attendeePW").text != "" { // a create fills in what it sent
		equal("AttendeePW", e.first("attendeePW"), m.AttendeePW)
		equal("ModeratorPW", e.first("moderatorPW"), m.ModeratorPW)
	}

	place := e // of the three facts about a breakout room, which two shapes exist of
	if nested := e.all("breakout"); len(nested) > 0 {
		place = nested[0]
	}
	parent := place.first("parentMeetingID")
	if parent == "bbb-none" {
		parent = ""
	}
	equal("ParentID", parent, m.ParentID)
	equal("Sequence", place.number("sequence"), m.Sequence)
	equal("FreeJoin", place.flag("freeJoin"), m.FreeJoin)
	var rooms []string
	for _, room := range e.at("breakoutRooms").all("breakout") {
		rooms = append(rooms, strings.TrimSpace(room.text))
	}
	equal("BreakoutRooms", rooms, m.BreakoutRooms)

	attendees := e.at("attendees").all("attendee")
	if assert.Len(t, m.Attendees, len(attendees), "attendees of %q", m.ID) {
		for i, a := range attendees {
			assertAttendee(t, a, m.Attendees[i])
		}
	}
}

// assertListed compares what answers to create leave out.
func assertListed(t *testing.T, e *tree, m *bbb.Meeting) {
	t.Helper()
	assertMeeting(t, e, m)
	assert.Equal(t, e.flag("recording"), m.Recording, "Recording of %q", m.ID)
	assert.Equal(t, e.flag("isBreakout"), m.IsBreakout, "IsBreakout of %q", m.ID)
	assert.Equal(t, e.number("maxUsers"), m.MaxUsers, "MaxUsers of %q", m.ID)
	assert.Equal(t, e.first("attendeePW"), m.AttendeePW)
	assert.Equal(t, e.first("moderatorPW"), m.ModeratorPW)
	if pairs := e.at("metadata").pairs(); len(pairs) > 0 {
		assert.Equal(t, pairs, m.Metadata)
	} else {
		assert.Empty(t, m.Metadata)
	}
}

func assertAttendee(t *testing.T, e *tree, a bbb.Attendee) {
	t.Helper()
	want := bbb.Attendee{
		UserID: e.first("userID"), FullName: e.raw("fullName"), Role: bbb.Role(e.first("role")),
		IsPresenter: e.flag("isPresenter"), IsListeningOnly: e.flag("isListeningOnly"),
		HasJoinedVoice: e.flag("hasJoinedVoice"), HasVideo: e.flag("hasVideo"), ClientType: e.first("clientType"),
	}
	if pairs := e.at("customdata").pairs(); len(pairs) > 0 {
		want.CustomData = pairs
	}
	assert.True(t, assert.ObjectsAreEqual(want, a), "attendee\n%#v\nnot\n%#v\n%v\n%v", a, want, a.CustomData, want.CustomData)
}
