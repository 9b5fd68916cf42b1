package bbb

import (
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// MaxRecordingsPage is the largest number of recordings that a server gives at
// once: the limit of [RecordingFilter.Limit].
const MaxRecordingsPage = 100

// RecordingFilter says which recordings are wanted. What is left out does not
// restrict them; different fields restrict them together.
//
// Without States a server gives those that are published or unpublished.
type RecordingFilter struct {
	// MeetingIDs are those that create was given; a recording of any of them is
	// wanted.
	MeetingIDs []string
	// RecordIDs are beginnings of record IDs; a recording that begins with any of
	// them is wanted. When there are some, MeetingIDs do not count and are not
	// sent: this is what BigBlueButton does, while some proxies demand both.
	RecordIDs []string
	// States are those wanted, such as [RecordingPublished]; [RecordingAnyState]
	// stands for all.
	States []RecordingState
	// Meta is metadata that a recording must have, all of it. A "%" at the
	// beginning or the end of a value, or at both, stands for any text; "%" alone
	// for any value. Letter case counts in values and not in keys. Of a server
	// that is a Scalelite, the recordings have any of it, and a comma in a value
	// divides several; [Group] and [Scope] leave out what is too much.
	Meta map[string]string

	// Offset is how many recordings to pass over, and Limit how many to return, up
	// to [MaxRecordingsPage]; 0 is all of them. BigBlueButton pages since 2.6; for
	// older servers it is done here.
	Offset int
	Limit  int
}

// Validate reports everything that is wrong with the filter, joined. Each problem
// is a *[ParamError]; all match [ErrInvalidParams].
func (f RecordingFilter) Validate() error {
	var problems problemList
	check := func(param, problem string) {
		if problem != "" {
			problems.add(callGetRecordings, param, problem)
		}
	}
	for _, id := range f.MeetingIDs {
		check("meetingID", validateMeetingID(id))
	}
	for _, id := range f.RecordIDs {
		check("recordID", validateRecordID(id))
	}
	for _, state := range f.States {
		if state == "" {
			check("state", "must not contain an empty word")
		}
		check("state", oneWord(string(state)))
	}
	folded := make(map[string]bool)
	for _, key := range sortedKeys(f.Meta) {
		name := "meta_" + key
		check(name, metaKey(key))
		check(name, manyLines(f.Meta[key]))
		if f.Meta[key] == "" {
			check(name, `must have a value; "%" stands for any`)
		}
		if folded[strings.ToLower(key)] {
			check(name, problemFolded)
		}
		folded[strings.ToLower(key)] = true
	}
	if f.Offset < 0 {
		check("offset", problemNegative)
	}
	switch {
	case f.Limit < 0:
		check("limit", problemNegative)
	case f.Limit > MaxRecordingsPage:
		check("limit", "must be at most "+strconv.Itoa(MaxRecordingsPage))
	}
	return problems.err()
}

// ParseRecordingFilter reads the parameters of a getRecordings call that somebody
// sent, as servers do: lists are separated by commas, metadata keys become lower
// case, the first value of a repeated name counts, and an empty one is absent. Other
// parameters are passed over.
//
// The error is that of [RecordingFilter.Validate], with the numbers that are none.
func ParseRecordingFilter(v url.Values) (RecordingFilter, error) {
	var f RecordingFilter
	var problems problemList
	list := func(name string) (words []string) {
		for word := range strings.SplitSeq(v.Get(name), ",") {
			if word = strings.TrimSpace(word); word != "" {
				words = append(words, word)
			}
		}
		return words
	}
	number := func(name string) int {
		text := v.Get(name)
		if text == "" {
			return 0
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			problems.add(callGetRecordings, name, "must be a number")
		}
		return n
	}
	f.MeetingIDs, f.RecordIDs = list("meetingID"), list("recordID")
	for _, state := range list("state") {
		f.States = append(f.States, RecordingState(state))
	}
	for _, name := range sortedKeys(v) {
		key, ok := strings.CutPrefix(name, "meta_")
		if !ok || v.Get(name) == "" {
			continue
		}
		if f.Meta == nil {
			f.Meta = make(map[string]string)
		}
		if key = strings.ToLower(key); f.Meta[key] != "" {
			problems.add(callGetRecordings, name, problemFolded)
			continue
		}
		f.Meta[key] = v.Get(name)
	}
	f.Offset, f.Limit = number("offset"), number("limit")
	return f, errors.Join(f.Validate(), problems.err())
}

// LogValue shows what is asked for; of metadata the keys only.
func (f RecordingFilter) LogValue() slog.Value {
	var attrs []slog.Attr
	add := func(name string, list []string) {
		if len(list) > 0 {
			attrs = append(attrs, slog.String(name, strings.Join(list, ",")))
		}
	}
	add("meetingIDs", f.MeetingIDs)
	add("recordIDs", f.RecordIDs)
	states := make([]string, len(f.States))
	for i, s := range f.States {
		states[i] = string(s)
	}
	add("states", states)
	add("meta", sortedKeys(f.Meta))
	if f.Offset > 0 || f.Limit > 0 {
		attrs = append(attrs, slog.Int("offset", f.Offset), slog.Int("limit", f.Limit))
	}
	return slog.GroupValue(attrs...)
}

// validateRecordID tells what is wrong with a record ID or the beginning of one.
func validateRecordID(id string) (problem string) {
	switch {
	case id == "":
		return "is required"
	case strings.Contains(id, ","):
		return "must not contain a comma"
	case strings.TrimSpace(id) != id:
		return "must not begin or end with white space"
	}
	return oneLine(id)
}

// page is one window of a list.
type page struct{ offset, limit int }

// appendQuery appends the filter as a query, but for the IDs and the window,
// which differ between the requests that one list takes.
func (f *RecordingFilter) appendQuery(q []byte) []byte {
	if len(f.States) > 0 {
		q = append(q, "&state="...)
		from := len(q)
		for i, s := range f.States {
			if i > 0 {
				q = append(q, ',')
			}
			q = append(q, s...)
		}
		q = escapeQueryTail(q, from)
	}
	for _, key := range sortedKeys(f.Meta) {
		q = append(append(append(q, "&meta_"...), key...), '=')
		q = appendQueryEscape(q, f.Meta[key])
	}
	return q
}

func (p page) appendQuery(q []byte) []byte {
	q = strconv.AppendInt(append(q, "&offset="...), int64(p.offset), 10)
	return strconv.AppendInt(append(q, "&limit="...), int64(p.limit), 10)
}

// ids returns the IDs that the filter names, and what they are called.
func (f *RecordingFilter) ids() (param string, ids []string) {
	if len(f.RecordIDs) > 0 {
		return "recordID", f.RecordIDs
	}
	return "meetingID", f.MeetingIDs
}

// batches cuts a list of IDs into queries that stay below the limit of a URL:
// each begins with the IDs and ends with rest. Without IDs there is one query, of
// rest alone. room is what a query may grow by later.
func (s *Server) batches(call, param string, ids []string, rest []byte, room int) [][]byte {
	if len(ids) == 0 {
		return [][]byte{slices.Clone(trimSeparator(rest))}
	}
	limit := s.cfg.maxURLLength - len(s.base) - len(call) - len("/?&checksum=") - 2*s.cfg.algorithm.size() - len(rest) - room
	var all [][]byte
	var now []byte
	for _, id := range ids {
		grown := now
		if len(now) == 0 {
			grown = append(append(grown, param...), '=')
		} else {
			grown = append(grown, "%2C"...)
		}
		grown = appendQueryEscape(grown, id)
		if len(now) > 0 && len(grown) > limit {
			all = append(all, append(now, rest...))
			grown = append(append([]byte(nil), param...), '=')
			grown = appendQueryEscape(grown, id)
		}
		now = grown
	}
	return append(all, append(now, rest...))
}

func trimSeparator(q []byte) []byte {
	if len(q) > 0 && q[0] == '&' {
		return q[1:]
	}
	return q
}
