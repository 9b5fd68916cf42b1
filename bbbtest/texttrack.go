package bbbtest

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// TextTrack is a file of subtitles or captions of a recording. Of the file itself no more than the
// beginning is kept, however long it is.
type TextTrack struct {
	Kind        string // subtitles or captions
	Lang        string // with dashes, such as en-US
	Label       string
	Source      string // upload, live, automatic ...
	FileName    string // as sent
	ContentType string // of the part of the body
	Size        int64  // bytes
	SHA256      string // in hex
	Head        []byte // at most the first 64 KiB
}

// trackTicket lets a text track be downloaded once.
type trackTicket struct {
	track   TextTrack
	expires time.Time
}

const (
	trackPath   = "/bigbluebutton/textTrack/"
	ticketsLast = time.Hour
)

// AddTextTrack gives a recording a text track; one of the same kind and language is replaced. The
// Source is upload by default, and Size that of Head.
func (s *Server) AddTextTrack(recordID string, track TextTrack) error {
	defer s.lock()()
	r := s.recordings.byID[recordID]
	if r == nil {
		return fmt.Errorf("bbbtest: no recording %q", recordID)
	}
	track.Head = slices.Clone(track.Head)
	track.Size = cmp.Or(track.Size, int64(len(track.Head)))
	r.putTrack(track)
	return nil
}

func (r *recording) putTrack(track TextTrack) {
	track.Source = cmp.Or(track.Source, "upload")
	r.Tracks = slices.DeleteFunc(slices.Clone(r.Tracks), func(x TextTrack) bool { return x.Kind == track.Kind && x.Lang == track.Lang })
	r.Tracks = append(r.Tracks, track)
}

// jsonFailure answers a failure as JSON.
func (s *Server) jsonFailure(key, message string) reply {
	return s.jsonReply(struct {
		Key        string `json:"messageKey"`
		Message    string `json:"message"`
		Returncode string `json:"returncode"`
	}{key, message, failed})
}

// getRecordingTextTracks answers that call in JSON, but a missing id in XML.
func (s *Server) getRecordingTextTracks(q *request) reply {
	if bad := s.missingRecordID(q); bad != nil {
		return s.fail(*bad)
	}
	defer s.lock()()
	id := q.get("recordID")
	r := s.recordings.byID[id]
	if r == nil || r.State == stateDeleted {
		return s.jsonFailure("noRecordings", "No recording found for "+id)
	}
	if len(r.Tracks) == 0 {
		return s.jsonFailure("noCaptionsFound", "No captions found for "+id)
	}
	type track struct {
		Href   string `json:"href"`
		Kind   string `json:"kind"`
		Label  string `json:"label"`
		Lang   string `json:"lang"`
		Source string `json:"source"`
	}
	var list []track
	now := time.Now()
	for token, ticket := range s.tickets {
		if now.After(ticket.expires) {
			delete(s.tickets, token)
		}
	}
	for _, t := range r.Tracks {
		token := newToken(32)
		s.tickets[token] = trackTicket{t, now.Add(ticketsLast)}
		href := fmt.Sprintf("%s%s%s/%s/%s_%s.vtt", s.origin(), trackPath, token, id, t.Kind, t.Lang)
		list = append(list, track{href, t.Kind, t.Label, t.Lang, t.Source})
	}
	return s.jsonReply(struct {
		Returncode string  `json:"returncode"`
		Tracks     []track `json:"tracks"`
	}{success, list})
}

// trackFile answers the download of a text track: once for each token, and only of a file that was
// kept as a whole.
func (s *Server) trackFile(path string) reply {
	defer s.lock()()
	token, _, _ := strings.Cut(strings.TrimPrefix(path, trackPath), "/")
	ticket, ok := s.tickets[token]
	delete(s.tickets, token)
	if !ok || time.Now().After(ticket.expires) || ticket.track.Size > int64(len(ticket.track.Head)) {
		return errorPage(http.StatusNotFound)
	}
	return reply{status: http.StatusOK, header: http.Header{"Content-Type": {"text/vtt;charset=utf-8"}}, body: ticket.track.Head}
}

// trackLang is lenient: the documentation wants a language tag, the source reads a Java locale.
var trackLang = regexp.MustCompile(`^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$`)

// putRecordingTextTrack answers that call; the checks come in this order.
func (s *Server) putRecordingTextTrack(q *request) reply {
	defer s.lock()()
	id, kind, lang := q.get("recordID"), q.get("kind"), q.get("lang")
	if id == "" {
		return s.jsonFailure("paramError", "Missing param recordID.")
	}
	r := s.recordings.byID[id]
	if r == nil || r.State == stateDeleted {
		return s.jsonFailure("noRecordings", "No recording was found for "+id)
	}
	switch {
	case kind == "":
		return s.jsonFailure("paramError", "Missing param kind.")
	case kind != "subtitles" && kind != "captions":
		return s.jsonFailure("invalidKind", "Invalid kind parameter, expected='subtitles|captions' actual="+kind)
	case lang == "":
		return s.jsonFailure("paramError", "Missing param lang.")
	case !trackLang.MatchString(lang):
		return s.jsonFailure("invalidLang", "Malformed lang param, received="+lang)
	case q.upload == nil:
		return s.jsonFailure("empty_uploaded_text_track", "Empty uploaded text track.")
	}
	track := *q.upload
	track.Kind, track.Lang, track.Label = kind, strings.ReplaceAll(lang, "_", "-"), q.get("label")
	r.putTrack(track)
	return s.jsonReply(struct {
		Key        string `json:"messageKey"`
		Message    string `json:"message"`
		RecordID   string `json:"recordId"`
		Returncode string `json:"returncode"`
	}{"upload_text_track_success", "Text track uploaded successfully", id, success})
}

// refuseTrack words what is found before the call runs: a checksum that is not there in JSON, one
// that is wrong in XML.
func (s *Server) refuseTrack(q *request, bad failure) reply {
	if bad.message == recordingChecksum {
		switch {
		case q.params.Get("checksum") == "":
			return s.jsonFailure("paramError", "Missing param checksum.")
		case q.get("recordID") == "":
			return s.jsonFailure("paramError", "Missing param recordID.")
		}
	}
	return s.fail(bad)
}
