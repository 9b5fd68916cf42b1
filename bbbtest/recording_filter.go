package bbbtest

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// selection says which recordings a getRecordings call asks for.
type selection struct {
	prefixes []string // of record ids; empty means all
	states   []string // empty means every state
	meta     map[string]string
	// The rest is for Scalelite: external ids, one of which must match too, and whether one of the
	// filters for metadata is enough.
	meetingIDs []string
	anyMeta    bool
}

func (q *request) csv(name string) []string {
	var list []string
	for part := range strings.SplitSeq(q.get(name), ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// readSelection reads the parameters. A recordID wins over a meetingID.
func (s *Server) readSelection(q *request) selection {
	sel := selection{prefixes: q.csv("recordID"), states: q.csv("state"), meta: metaParams(q.params)}
	if s.conf.quirks.ScaleliteFilters {
		sel.anyMeta, sel.meetingIDs = true, q.csv("meetingID")
	} else if len(sel.prefixes) == 0 {
		for _, id := range q.csv("meetingID") {
			sel.prefixes = append(sel.prefixes, sha1hex(id))
		}
	}
	if len(sel.states) == 0 {
		sel.states = []string{statePublished, stateUnpublished}
	}
	if slices.Contains(sel.states, "any") {
		sel.states = nil
	}
	return sel
}

// metaParams collects meta_ parameters, empty ones too, with their names in lower case.
func metaParams(params url.Values) map[string]string {
	meta := map[string]string{}
	for name, values := range params {
		if key, ok := strings.CutPrefix(name, "meta_"); ok && key != "" {
			meta[strings.ToLower(key)] = values[0]
		}
	}
	return meta
}

func (sel selection) matches(r *recording) bool {
	if len(sel.prefixes) > 0 && !slices.ContainsFunc(sel.prefixes, func(p string) bool { return strings.HasPrefix(r.RecordID, p) }) {
		return false
	}
	state := r.State
	if state == stateAvailable {
		state = statePublished
	}
	if len(sel.states) > 0 && !slices.Contains(sel.states, state) {
		return false
	}
	if len(sel.meetingIDs) > 0 && !slices.Contains(sel.meetingIDs, r.MeetingID) {
		return false
	}
	if sel.anyMeta {
		return len(sel.meta) == 0 || sel.matchesAnyMeta(r)
	}
	for key, pattern := range sel.meta {
		if !matchesMeta(r.Metadata, key, pattern) {
			return false
		}
	}
	return true
}

func (sel selection) matchesAnyMeta(r *recording) bool {
	for key, list := range sel.meta {
		for pattern := range strings.SplitSeq(list, ",") {
			if matchesMeta(r.Metadata, key, pattern) {
				return true
			}
		}
	}
	return false
}

// matchesMeta compares the key without its case: the names of filters are lower-cased, while the
// keys BigBlueButton adds to a recording are not. What a real server makes of that is not known.
func matchesMeta(meta map[string]string, key, pattern string) bool {
	for k, v := range meta {
		if strings.EqualFold(k, key) && like(v, pattern) {
			return true
		}
	}
	return false
}

// like matches a text with a pattern that may begin and end with %.
func like(text, pattern string) bool {
	rest, open := strings.CutPrefix(pattern, "%")
	rest, openEnd := strings.CutSuffix(rest, "%")
	switch {
	case open && openEnd:
		return strings.Contains(text, rest)
	case open:
		return strings.HasSuffix(text, rest)
	case openEnd:
		return strings.HasPrefix(text, rest)
	}
	return text == pattern
}

// selected returns the recordings a call asks for, in the order of the server.
func (s *Server) selected(sel selection) []*recording {
	var list []*recording
	for _, r := range s.recordings.list {
		if sel.matches(r) {
			list = append(list, r)
		}
	}
	switch s.conf.quirks.RecordingOrder {
	case NewestFirst:
		slices.SortStableFunc(list, func(a, b *recording) int { return b.Start.Compare(a.Start) })
	case Shuffled:
		keys := make(map[*recording]string, len(list))
		for _, r := range list {
			keys[r] = sha1hex(r.RecordID)
		}
		slices.SortFunc(list, func(a, b *recording) int { return cmp.Compare(keys[a], keys[b]) })
	}
	return list
}

// page is the part of a list that was asked for.
type page struct{ offset, limit int }

const maxPage = 100

// readPage reads offset and limit; a nil page means that none is asked for. With one of the two the
// other has its default; that of limit is not documented, so it is the largest here.
func (s *Server) readPage(q *request) (*page, *failure) {
	offset, limit := q.get("offset"), q.get("limit")
	if offset == "" && limit == "" || !s.conf.release.atLeast(2, 6) {
		return nil, nil
	}
	p := &page{limit: maxPage}
	bad := &failure{"unexpectedError", "Invalid offset or limit"}
	var err error
	if offset != "" {
		if p.offset, err = strconv.Atoi(offset); err != nil || p.offset < 0 {
			return nil, bad
		}
	}
	if limit != "" {
		if p.limit, err = strconv.Atoi(limit); err != nil || p.limit < 1 || p.limit > maxPage {
			return nil, bad
		}
	}
	return p, nil
}

// of cuts the page out of a list.
func (p *page) of(list []*recording) []*recording {
	from := min(p.offset, len(list))
	return list[from:min(from+p.limit, len(list))]
}
