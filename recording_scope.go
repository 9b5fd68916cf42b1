package bbb

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
)

// Recordings is [Group.Recordings] within the scope.
func (sc *Scope) Recordings(ctx context.Context, f RecordingFilter) (RecordingList, error) {
	if err := f.Validate(); err != nil {
		return RecordingList{}, err
	}
	if sc.group.gate.isClosed() { // also when there is no server to say so
		return RecordingList{}, &Error{Call: callGetRecordings, Err: ErrClosed}
	}
	merge := newRecordingMerge(&f)
	ask := sc.recordingFilter(f)
	results := askAll(ctx, sc.group, callGetRecordings, func(ctx context.Context, s *Server) (struct{}, error) {
		for r, err := range s.eachRecording(ctx, ask) {
			if err != nil {
				return struct{}{}, err
			}
			if f.matches(r) && sc.hasRecording(r) {
				merge.add(r)
			}
		}
		return struct{}{}, nil
	})
	list, keys := merge.window()
	filled := sc.fill(ctx, &list, keys)
	return list, asError(joinFailures(callGetRecordings, results, filled))
}

// AllRecordings is [Group.AllRecordings] within the scope.
func (sc *Scope) AllRecordings(ctx context.Context, f RecordingFilter) iter.Seq2[*Recording, error] {
	return func(yield func(*Recording, error) bool) {
		if err := f.validateAll(); err != nil {
			yield(nil, err)
			return
		}
		if sc.group.gate.isClosed() {
			yield(nil, &Error{Call: callGetRecordings, Err: ErrClosed})
			return
		}
		ask := sc.recordingFilter(f)
		seen := make(map[string]struct{})
		var results Results[struct{}]
		servers := sc.group.serving()
		someUp := anyUp(servers)
		for _, s := range servers {
			result := Result[struct{}]{Server: s}
			if result.Err = s.passedOver(someUp, callGetRecordings); result.Err != nil { //nolint:contextcheck // the probe goes on when the caller has gone
				results = append(results, result)
				continue
			}
			for r, err := range s.eachRecording(ctx, ask) {
				if err != nil {
					result.Err = err
					break
				}
				if _, twice := seen[r.ID]; twice || !f.matches(r) || !sc.hasRecording(r) {
					continue
				}
				seen[r.ID] = struct{}{}
				if !yield(r, nil) {
					return
				}
			}
			results = append(results, result)
		}
		if err := results.Err(callGetRecordings); err != nil {
			yield(nil, err)
		}
	}
}

// PublishRecordings is [Group.PublishRecordings] within the scope. A recording
// outside it is as good as not there.
func (sc *Scope) PublishRecordings(ctx context.Context, ids ...string) error {
	return sc.changeRecordings(ctx, publishing(true), ids)
}

// UnpublishRecordings is [Group.UnpublishRecordings] within the scope. A recording
// outside it is as good as not there.
func (sc *Scope) UnpublishRecordings(ctx context.Context, ids ...string) error {
	return sc.changeRecordings(ctx, publishing(false), ids)
}

// DeleteRecordings is [Group.DeleteRecordings] within the scope. A recording
// outside it is not deleted, and that is no error.
func (sc *Scope) DeleteRecordings(ctx context.Context, ids ...string) error {
	return sc.changeRecordings(ctx, deleting, ids)
}

// UpdateRecordings is [Group.UpdateRecordings] within the scope. The metadata of
// the scope itself cannot be changed: the recording would leave it.
func (sc *Scope) UpdateRecordings(ctx context.Context, meta map[string]string, ids ...string) error {
	c := updating(meta)
	for _, key := range sortedKeys(meta) {
		if own, ok := sc.meta[strings.ToLower(key)]; ok && own != meta[key] {
			c.problems.add(c.call, "meta_"+key, "belongs to the scope and cannot be changed in it")
		}
	}
	return sc.changeRecordings(ctx, c, ids)
}

// TextTracks is [Group.TextTracks] within the scope.
func (sc *Scope) TextTracks(ctx context.Context, recordID string) ([]TextTrack, error) {
	if _, err := recordQuery(callGetTextTracks, recordID); err != nil {
		return nil, err
	}
	r, err := sc.recording(ctx, callGetTextTracks, recordID)
	if err != nil {
		return nil, err
	}
	return r.TextTracks(ctx)
}

// PutTextTrack is [Group.PutTextTrack] within the scope.
func (sc *Scope) PutTextTrack(ctx context.Context, recordID string, t TextTrackUpload, content io.Reader) error {
	if _, err := t.query(recordID); err != nil {
		return err
	}
	r, err := sc.recording(ctx, callPutTextTrack, recordID)
	if err != nil {
		return err
	}
	return r.PutTextTrack(ctx, t, content)
}

// DeleteTextTrack is [Group.DeleteTextTrack] within the scope.
func (sc *Scope) DeleteTextTrack(ctx context.Context, recordID string, kind TextTrackKind, lang string) error {
	t := TextTrackUpload{Kind: kind, Lang: lang}
	if _, err := t.query(recordID); err != nil {
		return err
	}
	r, err := sc.recording(ctx, callPutTextTrack, recordID)
	if err != nil {
		return err
	}
	return r.server.DeleteTextTrack(ctx, recordID, kind, lang)
}

// recording finds a recording in the scope: the copy that a list would show.
func (sc *Scope) recording(ctx context.Context, call, id string) (*Recording, error) {
	if sc.group.gate.isClosed() {
		return nil, &Error{Call: call, Err: ErrClosed}
	}
	found, results := sc.locate(ctx, []string{id})
	merge := newRecordingMerge(&RecordingFilter{})
	for _, r := range found {
		merge.add(r)
	}
	if list, _ := merge.window(); len(list.Recordings) > 0 {
		return list.Recordings[0], nil
	}
	if failed := joinFailures(callGetRecordings, results, nil); failed != nil {
		return nil, failed
	}
	return nil, &Error{Call: call, Key: keyNotFound, Message: "no server knows a recording with that ID", StatusCode: 200}
}

// locate asks all servers which of the recordings they have. It returns every copy
// in the scope, and what the servers said.
func (sc *Scope) locate(ctx context.Context, ids []string) ([]*Recording, Results[[]*Recording]) {
	results := askAll(ctx, sc.group, callGetRecordings, func(ctx context.Context, s *Server) ([]*Recording, error) {
		var found []*Recording
		for r, err := range sc.exactly(ctx, s, ids) {
			if err != nil {
				return found, err
			}
			if r.State != RecordingDeleted { // a trace of it: no call finds it any more
				found = append(found, r)
			}
		}
		return found, nil
	})
	var all []*Recording
	for _, r := range results {
		all = append(all, r.Value...)
	}
	return all, results
}

// exactly asks a server for recordings by their whole IDs, in any state.
func (sc *Scope) exactly(ctx context.Context, s *Server, ids []string) iter.Seq2[*Recording, error] {
	return func(yield func(*Recording, error) bool) {
		wanted := make(map[string]bool, len(ids))
		for _, id := range ids {
			wanted[id] = true
		}
		f := sc.recordingFilter(RecordingFilter{RecordIDs: ids, States: []RecordingState{RecordingAnyState}})
		for r, err := range s.eachRecording(ctx, f) {
			if err == nil && (!wanted[r.ID] || !sc.hasRecording(r)) {
				continue // it only begins like one, or is none of the scope's business
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// changeRecordings changes each recording on the servers that have it.
func (sc *Scope) changeRecordings(ctx context.Context, c recordingChange, ids []string) error {
	ids, err := c.check(ids)
	if err != nil {
		return err
	}
	g := sc.group
	if g.gate.isClosed() {
		return &Error{Call: c.call, Err: ErrClosed}
	}
	copies, asked := sc.locate(ctx, ids)
	held := make(map[*Server][]string)
	for _, r := range copies {
		if c.call == callPublishRecordings && (r.State == RecordingProcessing || r.State == RecordingProcessed) {
			continue // not ready: beside others that are, a server says nothing of it
		}
		held[r.server] = append(held[r.server], r.ID)
	}
	changed := fanOut(ctx, g.holders(held), g.workers, func(ctx context.Context, s *Server) (struct{}, error) {
		return struct{}{}, s.changeRecordings(ctx, c, held[s])
	})

	e := &RecordingsError{Call: c.call}
	there := make(map[string]bool)
	for i, r := range changed {
		if errors.Is(r.Err, ErrRecordingNotFound) { // gone meanwhile, or not ready yet
			changed[i].Err = nil
			continue
		}
		for _, id := range held[r.Server] {
			there[id] = true
		}
		if r.Err != nil {
			e.Failed = append(e.Failed, RecordingsFailure{Server: r.Server.name, IDs: held[r.Server], Err: r.Err})
		}
	}
	silent := asked.Err(c.call) != nil
	for _, id := range ids {
		switch {
		case there[id]:
		case silent:
			e.Unknown = append(e.Unknown, id)
		case !c.gone:
			e.NotFound = append(e.NotFound, id)
		}
	}
	e.Servers = joinFailures(c.call, asked, changed)
	if e.NotFound == nil && e.Servers == nil {
		return nil
	}
	return e
}

// holders returns the servers of the table in the order of the group. One that was
// removed from the group meanwhile still gets what it was found for.
func (g *Group) holders(table map[*Server][]string) []*Server {
	servers := make([]*Server, 0, len(table))
	for s := range table {
		servers = append(servers, s)
	}
	list := g.members.Load().list
	slices.SortFunc(servers, func(a, b *Server) int { return slices.Index(list, a) - slices.Index(list, b) })
	return servers
}

// joinFailures is Results.Err for two rounds of questions, of which the second went
// to some of the servers of the first. The first failure of a server counts.
func joinFailures[T any](call string, first Results[T], second Results[struct{}]) *GroupError {
	e := &GroupError{Call: call, Asked: len(first)}
	for _, r := range first {
		err := r.Err
		if err == nil {
			if i := slices.IndexFunc(second, func(s Result[struct{}]) bool { return s.Server == r.Server }); i >= 0 {
				err = second[i].Err
			}
		}
		if err != nil {
			e.Servers = append(e.Servers, ServerError{Server: r.Server.name, Err: err})
		}
	}
	if e.Servers == nil {
		return nil
	}
	return e
}

// asError keeps a nil *GroupError from becoming an error.
func asError(e *GroupError) error {
	if e == nil {
		return nil
	}
	return e
}
