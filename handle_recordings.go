package bbb

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// What a server says about recordings.
const (
	messageNoRecordings    = "There are no recordings for the meeting(s)."
	messageNotFound        = "We could not find recordings"
	messageMissingRecordID = "You must specify a recordID."
	messageMissingPublish  = "You must specify one a publish value true or false."
	messageBadPage         = "Invalid offset or limit"
	messageHalfDone        = "Not all recordings could be reached. Repeat the call."
)

func handleGetRecordings(ctx context.Context, q *incoming) *Response {
	f, possible, err := q.recordingFilter()
	if err != nil {
		return q.refuse("unexpectedError", messageBadPage, err)
	}
	list := RecordingList{Recordings: []*Recording{}}
	if possible {
		list, err = q.scope.Recordings(ctx, f)
		if err != nil && (q.strict || !partial(err)) {
			return q.failed(err)
		}
	}
	for _, r := range list.Recordings {
		q.showRecording(r)
	}
	return &Response{
		Call: q.call, StatusCode: http.StatusOK, Value: list, Err: err,
		write: func(dst []byte) []byte { return appendRecordings(dst, list, f.Limit > 0) },
	}
}

// recordingFilter reads the filter of a getRecordings as servers do: what cannot be anybody's ID or
// state matches nothing, instead of being an error, and metadata whose name is not allowed is passed over.
// possible is false when nothing can match. The error is that of the window.
func (q *incoming) recordingFilter() (f RecordingFilter, possible bool, err error) {
	f, _ = ParseRecordingFilter(q.params) // what is wrong is looked at here
	if f.Limit, f.Offset, err = q.window(); err != nil {
		return f, false, err
	}
	asked := len(f.RecordIDs) + len(f.MeetingIDs)
	if len(f.RecordIDs) > 0 { // these count alone
		f.MeetingIDs = nil
		f.RecordIDs = slices.DeleteFunc(f.RecordIDs, func(id string) bool { return validateRecordID(id) != "" })
	}
	var kept []string
	for _, id := range f.MeetingIDs {
		full := q.realID(id)
		if validateMeetingID(full) == "" {
			kept = append(kept, full)
		}
		if full != id && isRoomID(id) { // breakout rooms are shown with the ID that their server made up
			kept = append(kept, id)
		}
	}
	f.MeetingIDs = kept
	states := len(f.States)
	f.States = slices.DeleteFunc(f.States, func(s RecordingState) bool { return oneWord(string(s)) != "" })
	possible = (asked == 0 || len(f.RecordIDs)+len(f.MeetingIDs) > 0) && (states == 0 || len(f.States) > 0)
	for key, value := range f.Meta {
		switch {
		case metaKey(key) != "":
			delete(f.Meta, key)
		case manyLines(value) != "":
			possible = false
		case strings.EqualFold(key, metaMeetingID) && !strings.HasPrefix(value, "%") && !isRoomID(value):
			f.Meta[key] = q.realID(value)
		}
	}
	return f, possible, nil
}

// metaMeetingID is the metadata of a recording in which its server keeps the ID of the meeting.
const metaMeetingID = "meetingId"

// window reads offset and limit. Without both there is no window, and limit is 0.
func (q *incoming) window() (limit, offset int, err error) {
	number := func(name string, least, otherwise, most int) int {
		text := q.get(name)
		if text == "" {
			return otherwise
		}
		n, wrong := strconv.Atoi(text)
		if wrong != nil || n < least || n > most {
			err = &ParamError{Call: q.call, Param: name, Problem: "is not in range"}
		}
		return n
	}
	if q.get("offset") == "" && q.get("limit") == "" {
		return 0, 0, nil
	}
	limit, offset = number("limit", 1, MaxRecordingsPage, MaxRecordingsPage), number("offset", 0, 0, math.MaxInt32)
	return limit, offset, err
}

// showRecording makes a recording, which nobody else holds, what the caller may see: the IDs are the
// caller's, and the metadata of the scope is left out.
func (q *incoming) showRecording(r *Recording) {
	if r.InternalMeetingID == "" {
		r.InternalMeetingID = r.ID // some servers leave it out; they are the same
	}
	r.MeetingID = q.shownID(r.MeetingID)
	r.Metadata = q.ownURLs(r.Metadata)
	for key, value := range r.Metadata {
		if _, own := q.scope.meta[strings.ToLower(key)]; own {
			delete(r.Metadata, key)
		} else if key == metaMeetingID {
			r.Metadata[key] = q.shownID(value)
		}
	}
}

// appendRecordings writes the answer to getRecordings, as servers since 2.7 do.
func appendRecordings(dst []byte, list RecordingList, paged bool) []byte {
	dst = append(dst, "<response><returncode>SUCCESS</returncode>"...)
	if len(list.Recordings) == 0 {
		dst = append(dst, "<recordings/>"...)
	} else {
		dst = append(dst, "<recordings>"...)
		for _, r := range list.Recordings {
			rec := recordingRecord
			if r.Unreadable {
				rec = unreadableRecord
			}
			dst = rec.Append(dst, "recording", r)
		}
		dst = append(dst, "</recordings>"...)
	}
	if paged {
		dst = xmlwire.AppendElement(dst, "totalElements", strconv.Itoa(list.Total))
	}
	if len(list.Recordings) == 0 {
		dst = xmlwire.AppendElement(dst, "messageKey", keyNoRecordings)
		dst = xmlwire.AppendElement(dst, "message", messageNoRecordings)
	}
	return append(dst, "</response>"...)
}

var unreadableRecord = xmlwire.NewRecord(unreadableField)

func handlePublishRecordings(ctx context.Context, q *incoming) *Response {
	if bad := q.missingRecordID(); bad != nil {
		return bad
	}
	word := q.get("publish")
	if word == "" {
		return q.refuse("missingParamPublish", messageMissingPublish, nil)
	}
	return q.changeRecordings(ctx, publishing(strings.EqualFold(word, "true")), "published", word)
}

func handleDeleteRecordings(ctx context.Context, q *incoming) *Response {
	if bad := q.missingRecordID(); bad != nil {
		return bad
	}
	c := deleting
	c.gone = false // servers tell when there is nothing to delete
	return q.changeRecordings(ctx, c, "deleted", "true")
}

// handleUpdateRecordings succeeds with nothing to change, as servers do. What marks a recording as the
// scope's is passed over.
func handleUpdateRecordings(ctx context.Context, q *incoming) *Response {
	if bad := q.missingRecordID(); bad != nil {
		return bad
	}
	meta := metaParams(q.params)
	for key := range meta {
		if _, own := q.scope.meta[key]; own {
			delete(meta, key)
		}
	}
	if refused := q.relayMeta(meta, ""); refused != nil {
		return refused
	}
	c := updating(meta)
	if len(meta) == 0 {
		c.problems = nil
	}
	return q.changeRecordings(ctx, c, "updated", "true")
}

// metaParams returns the metadata among parameters, with keys in lower case. Servers pass over names
// that are not allowed.
func metaParams(params url.Values) map[string]string {
	meta := make(map[string]string)
	for _, name := range sortedKeys(params) {
		key, ok := strings.CutPrefix(name, "meta_")
		if !ok || metaKey(key) != "" {
			continue
		}
		key = strings.ToLower(key)
		if _, twice := meta[key]; !twice {
			meta[key] = params.Get(name)
		}
	}
	return meta
}

func (q *incoming) missingRecordID() *Response {
	if strings.Trim(q.get("recordID"), ", \t\r\n") != "" {
		return nil
	}
	return q.refuse("missingParamRecordID", messageMissingRecordID, nil)
}

// changeRecordings carries out a change, and answers the element and text of success.
//
// IDs that nobody has are passed over beside others that somebody has. But an ID that a silent
// server may have, or a server that failed to change what it has, fails the call: a client must not take
// a recording for deleted, or hidden, that everybody can still watch. Repeating it does no harm.
// A silent server does not matter when all the IDs were found elsewhere, or one machine that
// is down would stop all such calls; then it is in the error beside the answer.
func (q *incoming) changeRecordings(ctx context.Context, c recordingChange, element, text string) *Response {
	var ids []string
	for id := range strings.SplitSeq(q.get("recordID"), ",") {
		if id = strings.TrimSpace(id); validateRecordID(id) == "" {
			ids = append(ids, id)
		}
	}
	if ids = distinct(ids, false); len(ids) == 0 {
		return q.refuse(keyNotFound, messageNotFound, nil)
	}
	err := q.scope.changeRecordings(ctx, c, ids)
	failed, ok := errors.AsType[*RecordingsError](err)
	switch {
	case err == nil:
	case !ok:
		return q.failed(err)
	case len(failed.Unknown) > 0, len(failed.Failed) > 0:
		return q.refuse(keyInternalError, messageHalfDone, err)
	case len(failed.NotFound) == len(ids):
		return q.refuse(keyNotFound, messageNotFound, err)
	default:
		err = asError(failed.Servers)
	}
	return &Response{
		Call: q.call, StatusCode: http.StatusOK, Err: err,
		write: func(dst []byte) []byte {
			dst = append(dst, "<response><returncode>SUCCESS</returncode>"...)
			dst = xmlwire.AppendElement(dst, element, text)
			return append(dst, "</response>"...)
		},
	}
}
