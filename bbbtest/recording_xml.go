package bbbtest

import (
	"fmt"
	"time"
)

// RecordingOrder is the order getRecordings lists recordings in. The API promises none.
type RecordingOrder int

// The orders of recordings.
const (
	// InsertionOrder lists recordings in the order they came.
	InsertionOrder RecordingOrder = iota
	// NewestFirst lists the youngest first, as Scalelite does.
	NewestFirst
	// Shuffled lists them in an order that means nothing, the same in every call: that of a map.
	Shuffled
)

// writePage writes what is said about the pages. 2.6 had a block for it; the names of what stood in
// its pageable are not known, so the fake repeats the parameters there.
func (s *Server) writePage(d *document, p *page, total int) {
	if s.conf.release.atLeast(2, 7) {
		d.number("totalElements", int64(total))
		return
	}
	d.open("pagination")
	d.open("pageable")
	d.number("offset", int64(p.offset))
	d.number("limit", int64(p.limit))
	d.close("pageable")
	d.number("totalElements", int64(total))
	d.close("pagination")
}

// writeRecording writes one recording in the order of the template. In which line the sizes and the
// raw data came is not known; the fake has them from 2.5 on.
func (s *Server) writeRecording(d *document, r *recording) {
	d.open("recording")
	defer d.close("recording")
	if r.Unreadable {
		d.open("error")
		d.text("recordID", r.RecordID)
		d.close("error")
		return
	}
	sizes := s.conf.release.atLeast(2, 5)
	state := r.State
	if state == statePublished && s.conf.quirks.AvailableState {
		state = stateAvailable
	}
	d.text("recordID", r.RecordID)
	d.text("meetingID", r.MeetingID)
	d.text("internalMeetingID", r.InternalMeetingID)
	d.text("name", r.Name)
	d.boolean("isBreakout", r.Breakout)
	d.boolean("published", state == statePublished || state == stateAvailable)
	if r.Protected {
		d.boolean("protected", true)
	}
	d.text("state", state)
	d.millis("startTime", millis(r.Start))
	d.millis("endTime", millis(r.End))
	d.millis("participants", int64(r.Participants))
	if sizes {
		d.number("rawSize", r.RawSize)
	}
	s.writeRecordingMetadata(d, r.Metadata)
	if r.Breakout {
		d.open("breakout")
		d.text("parentId", r.ParentID)
		d.number("sequence", int64(r.Sequence))
		d.boolean("freeJoin", r.FreeJoin)
		d.close("breakout")
	}
	if len(r.BreakoutRooms) > 0 {
		d.open("breakoutRooms")
		for _, id := range r.BreakoutRooms {
			d.text("breakoutRoom", id)
		}
		d.close("breakoutRooms")
	}
	if sizes {
		d.number("size", r.Size())
	}
	s.writeFormats(d, r.Formats, sizes)
	if len(r.Data) > 0 && sizes {
		d.open("data")
		for _, f := range r.Data {
			d.open("format")
			d.text("type", f.Type)
			d.text("url", f.URL)
			d.close("format")
		}
		d.close("data")
	}
}

// writeRecordingMetadata writes the metadata; Scalelite writes an empty value as empty CDATA.
func (s *Server) writeRecordingMetadata(d *document, meta map[string]string) {
	if len(meta) == 0 {
		d.pairs("metadata", nil)
		return
	}
	d.open("metadata")
	for _, key := range sortedKeys(meta) {
		switch {
		case !isXMLName(key):
		case meta[key] == "" && s.conf.quirks.EmptyCDATA:
			d.raw(key, "<![CDATA[]]>")
		default:
			d.text(key, meta[key])
		}
	}
	d.close("metadata")
}

func (s *Server) writeFormats(d *document, formats []Format, sizes bool) {
	if len(formats) == 0 {
		d.raw("playback", "")
		return
	}
	d.open("playback")
	for _, f := range formats {
		d.open("format")
		d.text("type", f.Type)
		if s.conf.quirks.PaddedURLs {
			d.raw("url", "\n      "+escape(f.URL)+"\n    ")
		} else {
			d.text("url", f.URL)
		}
		d.number("processingTime", f.ProcessingTime)
		d.number("length", int64(f.Length/time.Minute))
		if sizes {
			d.number("size", f.Size)
		}
		writePreviews(d, f.Previews)
		d.close("format")
	}
	d.close("playback")
}

func writePreviews(d *document, previews []Image) {
	if len(previews) == 0 {
		return
	}
	d.open("preview")
	d.open("images")
	for _, p := range previews {
		attrs := fmt.Sprintf(` alt="%s"`, escape(p.Alt))
		if p.Width > 0 {
			attrs += fmt.Sprintf(` width="%d"`, p.Width)
		}
		if p.Height > 0 {
			attrs += fmt.Sprintf(` height="%d"`, p.Height)
		}
		d.indent()
		d.buf.WriteString("<image" + attrs + ">" + escape(p.URL) + "</image>\n")
	}
	d.close("images")
	d.close("preview")
}
