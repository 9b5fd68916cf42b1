package bbb

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"strings"
)

// RecordingList is a window of the recordings that match a [RecordingFilter].
type RecordingList struct {
	Recordings []*Recording // never nil beside a nil error
	Total      int          // how many match in all, in this window and outside it
}

// LogValue shows how many there are. What is in them can be secret.
func (l RecordingList) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("recordings", len(l.Recordings)), slog.Int("total", l.Total))
}

// Recordings returns the recordings of the server that match the filter, in its
// own order, which no release specifies. None are an empty list, not an error.
//
// Without a Limit it asks page by page until all are there: a server may refuse
// to list all its recordings at once, and says then that there are none. Prefer
// [Server.AllRecordings] when there may be many. Releases before 2.6 send all
// they have whatever the window is; it is cut out here. Lists of IDs too long for
// one URL are asked for in several requests.
//
// It stands for getRecordings.
func (s *Server) Recordings(ctx context.Context, f RecordingFilter) (RecordingList, error) {
	if err := f.Validate(); err != nil {
		return RecordingList{}, err
	}
	if queries := s.recordingQueries(&f); f.Limit > 0 && len(queries) == 1 {
		got, err := s.recordingsPage(ctx, queries[0], page{f.Offset, f.Limit})
		switch {
		case err != nil:
			return RecordingList{}, err
		case len(got.Recordings) > f.Limit, got.Total == 0 && f.Offset == 0 && len(got.Recordings) < f.Limit:
			return windowOf(got.Recordings, f.Offset, f.Limit), nil // all there are
		case got.Total > 0:
			return RecordingList{Recordings: notNil(got.Recordings), Total: got.Total}, nil
		}
		// It may page without telling the total, or not page at all: look at all.
	}
	var all []*Recording
	for r, err := range s.eachRecording(ctx, f) {
		if err != nil {
			return RecordingList{}, err
		}
		all = append(all, r)
	}
	return windowOf(all, f.Offset, f.Limit), nil
}

// AllRecordings returns an iterator over all recordings of the server that match
// the filter, which asks for the next page ([MaxRecordingsPage]) when the last one
// is used up. Offset and Limit are refused: leave the loop instead.
//
// An error is the last thing it yields, with a nil recording. It keeps one page
// and the IDs of the last thousand recordings, so that recordings which appear
// meanwhile and move others to the next page do not make these come twice. A
// recording that is deleted meanwhile may make another one be passed over: that
// is how servers page. Those without paging (before 2.6) send all at once.
//
// It stands for getRecordings.
func (s *Server) AllRecordings(ctx context.Context, f RecordingFilter) iter.Seq2[*Recording, error] {
	if err := f.validateAll(); err != nil {
		return func(yield func(*Recording, error) bool) { yield(nil, err) }
	}
	return s.eachRecording(ctx, f)
}

// validateAll is Validate for a loop over all recordings.
func (f RecordingFilter) validateAll() error {
	var problems problemList
	const problem = "is not for a loop over all recordings; leave the loop instead"
	if f.Offset != 0 {
		problems.add(callGetRecordings, "offset", problem)
	}
	if f.Limit != 0 {
		problems.add(callGetRecordings, "limit", problem)
	}
	return errors.Join(f.Validate(), problems.err())
}

// pageRoom is how long the parameters of a window can get.
const pageRoom = len("&offset=9223372036854775807&limit=100")

// recordingQueries returns the queries that ask for what the filter wants, without
// the window.
func (s *Server) recordingQueries(f *RecordingFilter) [][]byte {
	param, ids := f.ids()
	return s.batches(callGetRecordings, param, distinct(ids, param == "recordID"), f.appendQuery(nil), pageRoom)
}

// distinct leaves out IDs that are there before, or that another one is the
// beginning of when that one asks for them too: or their recordings would come
// twice.
func distinct(ids []string, prefixes bool) []string {
	if len(ids) < 2 {
		return ids
	}
	seen := make(map[string]bool, len(ids))
	sorted := slices.Sorted(slices.Values(ids))
	last := ""
	for i, id := range sorted {
		if i > 0 && (id == last || prefixes && strings.HasPrefix(id, last)) {
			if id != last {
				seen[id] = true // as if it were there before
			}
			continue
		}
		last = id
	}
	kept := make([]string, 0, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			kept = append(kept, id)
		}
	}
	return kept
}

// recordingsPage asks for one window.
func (s *Server) recordingsPage(ctx context.Context, query []byte, p page) (*recordingsAnswer, error) {
	asked := s.group.now()
	query = trimSeparator(p.appendQuery(slices.Clip(query)))
	got, err := fetch(ctx, s, request{call: callGetRecordings, query: query}, recordingsRecord)
	if err != nil {
		return nil, err
	}
	for _, r := range got.Recordings {
		r.server, r.FetchedAt = s, asked
		if r.ID == "" { // the two are the same
			r.ID = r.InternalMeetingID
		}
	}
	return got, nil
}

// eachRecording pages through all recordings that the filter wants, whatever its
// window is.
func (s *Server) eachRecording(ctx context.Context, f RecordingFilter) iter.Seq2[*Recording, error] {
	return func(yield func(*Recording, error) bool) {
		var seen recentIDs
		for _, query := range s.recordingQueries(&f) {
			for offset := 0; ; {
				got, err := s.recordingsPage(ctx, query, page{offset, MaxRecordingsPage})
				if err != nil {
					yield(nil, err)
					return
				}
				fresh := 0
				for _, r := range got.Recordings {
					if !seen.add(r.ID) {
						continue
					}
					fresh++
					if !yield(r, nil) {
						return
					}
				}
				offset += len(got.Recordings)
				if got.last(offset, fresh) {
					break
				}
			}
		}
	}
}

// last reports whether no page follows this one. Without a total the server sends
// all it has at once, so only an answer of exactly one page leaves a doubt.
func (a *recordingsAnswer) last(offset, fresh int) bool {
	if a.Total > 0 {
		return len(a.Recordings) == 0 || offset >= a.Total
	}
	return len(a.Recordings) != MaxRecordingsPage || fresh == 0
}

// recentIDs remembers the last IDs that were added.
type recentIDs struct {
	ring []string
	next int
	set  map[string]bool
}

// rememberedIDs is ten pages: as many recordings may appear while one page is
// looked at.
const rememberedIDs = 10 * MaxRecordingsPage

// add reports whether the ID is new.
func (r *recentIDs) add(id string) bool {
	if r.set[id] {
		return false
	}
	if r.set == nil {
		r.set = make(map[string]bool)
	}
	r.set[id] = true
	if len(r.ring) < rememberedIDs {
		r.ring = append(r.ring, id)
		return true
	}
	delete(r.set, r.ring[r.next])
	r.ring[r.next] = id
	r.next = (r.next + 1) % rememberedIDs
	return true
}

// windowOf cuts a window out of all recordings.
func windowOf(all []*Recording, offset, limit int) RecordingList {
	from, to := bounds(len(all), offset, limit)
	return RecordingList{Recordings: notNil(all[from:to]), Total: len(all)}
}

// bounds returns the window as indices into a list of n.
func bounds(n, offset, limit int) (from, to int) {
	from, to = min(offset, n), n
	if limit > 0 {
		to = from + min(limit, n-from)
	}
	return from, to
}

func notNil(list []*Recording) []*Recording {
	if list == nil {
		return []*Recording{}
	}
	return list
}

// PublishRecordings lets people see the recordings with these IDs. Repeating it
// does no harm. IDs that the server does not know are passed over, unless it knows
// none of them: then the error matches [ErrRecordingNotFound]. It stands for
// publishRecordings with publish=true.
//
// More IDs than fit into a URL are sent in several requests. When one of them
// fails, those before it have done their work.
func (s *Server) PublishRecordings(ctx context.Context, ids ...string) error {
	return s.changeRecordings(ctx, publishing(true), ids)
}

// UnpublishRecordings takes the recordings with these IDs out of view; they stay
// on the server. Everything else is as with [Server.PublishRecordings]. It stands
// for publishRecordings with publish=false.
func (s *Server) UnpublishRecordings(ctx context.Context, ids ...string) error {
	return s.changeRecordings(ctx, publishing(false), ids)
}

// DeleteRecordings deletes the recordings with these IDs. That the server does not
// know them is no error: what was wanted is so. It stands for deleteRecordings.
func (s *Server) DeleteRecordings(ctx context.Context, ids ...string) error {
	return s.changeRecordings(ctx, deleting, ids)
}

// UpdateRecordings writes metadata of the recordings with these IDs: each key is
// set, one with an empty value is removed, others stay. Servers fold keys to lower
// case. IDs that the server does not know are treated as by
// [Server.PublishRecordings]; so is a server that answers that nothing changed. It
// stands for updateRecordings.
func (s *Server) UpdateRecordings(ctx context.Context, meta map[string]string, ids ...string) error {
	return s.changeRecordings(ctx, updating(meta), ids)
}

// recordingChange is a call that changes recordings.
type recordingChange struct {
	call     string
	rest     []byte // the query behind the IDs
	problems problemList
	post     bool // may go out by POST
	gone     bool // a recording that is not there is as it should be
}

func publishing(publish bool) recordingChange {
	if publish {
		return recordingChange{call: callPublishRecordings, rest: []byte("&publish=true")}
	}
	return recordingChange{call: callPublishRecordings, rest: []byte("&publish=false")}
}

var deleting = recordingChange{call: callDeleteRecordings, gone: true}

func updating(meta map[string]string) recordingChange {
	c := recordingChange{call: callUpdateRecordings, post: true}
	if len(meta) == 0 {
		c.problems.add(c.call, "meta_", "is required: there is nothing to change")
	}
	folded := make(map[string]bool)
	for _, key := range sortedKeys(meta) {
		for _, problem := range []string{metaKey(key), manyLines(meta[key])} {
			if problem != "" {
				c.problems.add(c.call, "meta_"+key, problem)
			}
		}
		if folded[strings.ToLower(key)] {
			c.problems.add(c.call, "meta_"+key, problemFolded)
		}
		folded[strings.ToLower(key)] = true
		c.rest = append(append(append(c.rest, "&meta_"...), key...), '=')
		c.rest = appendQueryEscape(c.rest, meta[key])
	}
	return c
}

// check validates the IDs and returns them without repetitions.
func (c *recordingChange) check(ids []string) ([]string, error) {
	problems := slices.Clone(c.problems)
	if len(ids) == 0 {
		problems.add(c.call, "recordID", "is required")
	}
	for _, id := range ids {
		if problem := validateRecordID(id); problem != "" {
			problems.add(c.call, "recordID", problem)
		}
	}
	return distinct(ids, false), problems.err()
}

func (s *Server) changeRecordings(ctx context.Context, c recordingChange, ids []string) error {
	ids, err := c.check(ids)
	if err != nil {
		return err
	}
	var unknown error
	known := false
	for _, query := range s.batches(c.call, "recordID", ids, c.rest, 0) {
		r := request{call: c.call, query: query}
		// Publishing and deleting are GET only.
		r.form = c.post && len(s.base)+len(c.call)+len("/?&checksum=")+len(query)+2*s.cfg.algorithm.size() > s.cfg.maxURLLength
		_, err := fetch(ctx, s, r, statusRecord)
		switch {
		case err == nil:
			known = true
		case errors.Is(err, ErrRecordingNotFound):
			unknown = err
		default:
			return err
		}
	}
	if known || c.gone {
		return nil
	}
	return unknown
}
