package main

import (
	"encoding/xml"
	"errors"
	"io"
)

// The equal model of encoding/xml. Times are numbers here, which is to its advantage.

type referenceMeetings struct {
	XMLName    xml.Name           `xml:"response"`
	Returncode string             `xml:"returncode"`
	Meetings   []referenceMeeting `xml:"meetings>meeting"`
}

type referenceMeeting struct {
	Name                  string              `xml:"meetingName"`
	ID                    string              `xml:"meetingID"`
	InternalID            string              `xml:"internalMeetingID"`
	CreateTime            int64               `xml:"createTime"`
	CreateDate            string              `xml:"createDate"`
	VoiceBridge           string              `xml:"voiceBridge"`
	DialNumber            string              `xml:"dialNumber"`
	AttendeePW            string              `xml:"attendeePW"`
	ModeratorPW           string              `xml:"moderatorPW"`
	Running               bool                `xml:"running"`
	Duration              int                 `xml:"duration"`
	HasUserJoined         bool                `xml:"hasUserJoined"`
	Recording             bool                `xml:"recording"`
	HasBeenForciblyEnded  bool                `xml:"hasBeenForciblyEnded"`
	StartTime             int64               `xml:"startTime"`
	EndTime               int64               `xml:"endTime"`
	ParticipantCount      int                 `xml:"participantCount"`
	ListenerCount         int                 `xml:"listenerCount"`
	VoiceParticipantCount int                 `xml:"voiceParticipantCount"`
	VideoCount            int                 `xml:"videoCount"`
	MaxUsers              int                 `xml:"maxUsers"`
	ModeratorCount        int                 `xml:"moderatorCount"`
	Attendees             []referenceAttendee `xml:"attendees>attendee"`
	Metadata              referenceMap        `xml:"metadata"`
	IsBreakout            bool                `xml:"isBreakout"`
}

type referenceAttendee struct {
	UserID          string       `xml:"userID"`
	FullName        string       `xml:"fullName"`
	Role            string       `xml:"role"`
	IsPresenter     bool         `xml:"isPresenter"`
	IsListeningOnly bool         `xml:"isListeningOnly"`
	HasJoinedVoice  bool         `xml:"hasJoinedVoice"`
	HasVideo        bool         `xml:"hasVideo"`
	ClientType      string       `xml:"clientType"`
	CustomData      referenceMap `xml:"customdata"`
}

type referenceRecordings struct {
	XMLName    xml.Name             `xml:"response"`
	Returncode string               `xml:"returncode"`
	Recordings []referenceRecording `xml:"recordings>recording"`
}

type referenceRecording struct {
	ID                string            `xml:"recordID"`
	MeetingID         string            `xml:"meetingID"`
	InternalMeetingID string            `xml:"internalMeetingID"`
	Name              string            `xml:"name"`
	IsBreakout        bool              `xml:"isBreakout"`
	Published         bool              `xml:"published"`
	State             string            `xml:"state"`
	StartTime         int64             `xml:"startTime"`
	EndTime           int64             `xml:"endTime"`
	Participants      int               `xml:"participants"`
	RawSize           int64             `xml:"rawSize"`
	Metadata          referenceMap      `xml:"metadata"`
	Size              int64             `xml:"size"`
	Formats           []referenceFormat `xml:"playback>format"`
}

type referenceFormat struct {
	Type           string           `xml:"type"`
	URL            string           `xml:"url"`
	ProcessingTime int64            `xml:"processingTime"`
	Length         int              `xml:"length"`
	Size           int64            `xml:"size"`
	Previews       []referenceImage `xml:"preview>images>image"`
}

type referenceImage struct {
	Alt    string `xml:"alt,attr"`
	Height int    `xml:"height,attr"`
	Width  int    `xml:"width,attr"`
	URL    string `xml:",chardata"`
}

// referenceMap is metadata, whose elements are called after its keys.
type referenceMap map[string]string

// UnmarshalXML reads one element for each key.
func (m *referenceMap) UnmarshalXML(d *xml.Decoder, _ xml.StartElement) error {
	for {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			var text string
			if err := d.DecodeElement(&text, &t); err != nil {
				return err
			}
			if *m == nil {
				*m = make(referenceMap)
			}
			(*m)[t.Name.Local] = text
		case xml.EndElement:
			return nil
		}
	}
}

// MarshalXML writes one element for each key.
func (m referenceMap) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	err := e.EncodeToken(start)
	for key, text := range m {
		err = errors.Join(err, e.EncodeElement(text, xml.StartElement{Name: xml.Name{Local: key}}))
	}
	return errors.Join(err, e.EncodeToken(start.End()))
}

func referenceDecode[T any](body []byte) *T {
	into := new(T)
	must(xml.Unmarshal(body, into))
	return into
}

func referenceEncode(w io.Writer, m *referenceMeetings) { must(xml.NewEncoder(w).Encode(m)) }
