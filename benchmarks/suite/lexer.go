package main

import (
	"bytes"
	"errors"
	"html"
	"io"
	"strconv"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/tdewolff/parse/v2"
	"github.com/tdewolff/parse/v2/xml"
)

// lexed reads getMeetings with the lexer of github.com/tdewolff/parse and a dispatch by
// hand: what a careful user of a fast library would write. It checks less than ours: the table of
// the cases says what.
func lexed(body []byte) ([]*bbb.Meeting, error) {
	l := &lexing{Lexer: xml.NewLexer(parse.NewInputBytes(body))}
	var list []*bbb.Meeting
	l.children(func() { // the root
		l.children(func() {
			if l.name != "meetings" {
				l.text()
				return
			}
			l.children(func() {
				m := new(bbb.Meeting)
				l.children(func() { l.meeting(m) })
				list = append(list, m)
			})
		})
	})
	if err := l.Err(); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if l.cut > 1 {
		return nil, io.ErrUnexpectedEOF
	}
	return list, nil
}

type lexing struct {
	*xml.Lexer
	name string // of the element whose start tag came last
	cut  int    // elements that had no end when the body had; the document itself is one
}

// children calls read for each child of the element whose start tag came last.
func (l *lexing) children(read func()) {
	for {
		switch t, _ := l.Next(); t {
		case xml.StartTagToken:
			l.name = string(l.Text())
			read()
		case xml.EndTagToken, xml.StartTagCloseVoidToken:
			return
		case xml.ErrorToken:
			l.cut++
			return
		}
	}
}

// text reads the element whose start tag came last to its end.
func (l *lexing) text() string {
	text, depth := "", 1
	for {
		switch t, data := l.Next(); t {
		case xml.TextToken:
			if depth == 1 {
				if bytes.IndexByte(data, '&') >= 0 {
					text += html.UnescapeString(string(data))
				} else {
					text += string(data)
				}
			}
		case xml.CDATAToken:
			if depth == 1 {
				text += string(l.Text())
			}
		case xml.StartTagToken:
			depth++
		case xml.EndTagToken, xml.StartTagCloseVoidToken:
			if depth--; depth == 0 {
				return text
			}
		case xml.ErrorToken:
			l.cut++
			return text
		}
	}
}

func (l *lexing) number() int {
	n, _ := strconv.Atoi(l.text())
	return n
}

func (l *lexing) millis() time.Time {
	if n := l.number(); n != 0 {
		return time.UnixMilli(int64(n))
	}
	return time.Time{}
}

func (l *lexing) flag() bool { return l.text() == "true" }

func (l *lexing) meeting(m *bbb.Meeting) {
	switch l.name {
	case "meetingName":
		m.Name = l.text()
	case "meetingID":
		m.ID = l.text()
	case "internalMeetingID":
		m.InternalID = l.text()
	case "createTime":
		m.CreateTime = l.millis()
	case "createDate":
		m.CreateDate = l.text()
	case "voiceBridge":
		m.VoiceBridge = l.text()
	case "dialNumber":
		m.DialNumber = l.text()
	case "attendeePW":
		m.AttendeePW = l.text()
	case "moderatorPW":
		m.ModeratorPW = l.text()
	case "running":
		m.Running = l.flag()
	case "duration":
		m.Duration = time.Duration(l.number()) * time.Minute
	case "hasUserJoined":
		m.HasUserJoined = l.flag()
	case "recording":
		m.Recording = l.flag()
	case "hasBeenForciblyEnded":
		m.HasBeenForciblyEnded = l.flag()
	case "startTime":
		m.StartTime = l.millis()
	case "endTime":
		m.EndTime = l.millis()
	case "participantCount":
		m.ParticipantCount = l.number()
	case "listenerCount":
		m.ListenerCount = l.number()
	case "voiceParticipantCount":
		m.VoiceParticipantCount = l.number()
	case "videoCount":
		m.VideoCount = l.number()
	case "maxUsers":
		m.MaxUsers = l.number()
	case "moderatorCount":
		m.ModeratorCount = l.number()
	case "attendees":
		l.children(func() {
			var a bbb.Attendee
			l.children(func() { l.attendee(&a) })
			m.Attendees = append(m.Attendees, a)
		})
	case "metadata":
		m.Metadata = make(map[string]string)
		l.children(func() {
			key := l.name
			m.Metadata[key] = l.text()
		})
	case "isBreakout":
		m.IsBreakout = l.flag()
	default:
		l.text()
	}
}

func (l *lexing) attendee(a *bbb.Attendee) {
	switch l.name {
	case "userID":
		a.UserID = l.text()
	case "fullName":
		a.FullName = l.text()
	case "role":
		a.Role = bbb.Role(l.text())
	case "isPresenter":
		a.IsPresenter = l.flag()
	case "isListeningOnly":
		a.IsListeningOnly = l.flag()
	case "hasJoinedVoice":
		a.HasJoinedVoice = l.flag()
	case "hasVideo":
		a.HasVideo = l.flag()
	case "clientType":
		a.ClientType = l.text()
	default:
		l.text()
	}
}
