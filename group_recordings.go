package bbb

import (
	"context"
	"io"
	"iter"
)

// Recordings returns a window of the recordings of all servers, newest start first,
// equal ones by ID. Offset, Limit and Total mean what they would mean on one server
// that had all of them. A recording that several servers have comes once: the copy
// that is published, else the one with more formats, else the newer one.
//
// When some servers fail, it returns the recordings of the others, and of those
// that failed in the middle what they had sent, with a *[GroupError] beside them.
// Total counts what came.
//
// Servers keep no common order, so every server is asked for all that matches, page
// by page. Of these recordings only a key of some hundred bytes is kept, and in full
// as many as the window needs; a window that ends beyond the thousandth costs one
// more request to each server that has a part of it. Ask with MeetingIDs when you
// can. Without a Limit all are kept: prefer [Group.AllRecordings] when there may be
// many.
//
// It stands for getRecordings.
func (g *Group) Recordings(ctx context.Context, f RecordingFilter) (RecordingList, error) {
	return g.all.Recordings(ctx, f)
}

// AllRecordings returns an iterator over the recordings of all servers that match
// the filter: server by server in the order of the group, each in its own order.
// It asks for the next page when the last one is used up. Offset and Limit are
// refused: leave the loop instead.
//
// A recording that several servers have comes once, as the first of them has it.
// When servers fail, even in the middle, the loop goes on with the next; in the end
// it yields one *[GroupError], with a nil recording, that says which servers'
// recordings are missing or incomplete.
//
// It keeps one page, and the IDs of all that came. For the rest see
// [Server.AllRecordings].
func (g *Group) AllRecordings(ctx context.Context, f RecordingFilter) iter.Seq2[*Recording, error] {
	return g.all.AllRecordings(ctx, f)
}

// PublishRecordings lets people see the recordings with these IDs, wherever they
// are. All servers are asked which of them they have, in any state; the change goes
// to those that have them, and to each for its own IDs only. Repeating it does no
// harm.
//
// The error is a *[RecordingsError] that names the IDs: of recordings that nobody
// has (it matches [ErrRecordingNotFound]), of those that nobody has who answered,
// and of those whose server failed. All others are published. It stands for
// publishRecordings with publish=true, after getRecordings.
func (g *Group) PublishRecordings(ctx context.Context, ids ...string) error {
	return g.all.PublishRecordings(ctx, ids...)
}

// UnpublishRecordings takes the recordings with these IDs out of view, wherever
// they are. Everything else is as with [Group.PublishRecordings]. It stands for
// publishRecordings with publish=false.
func (g *Group) UnpublishRecordings(ctx context.Context, ids ...string) error {
	return g.all.UnpublishRecordings(ctx, ids...)
}

// DeleteRecordings deletes the recordings with these IDs, wherever they are. That
// nobody has them is no error: what was wanted is so. Everything else is as with
// [Group.PublishRecordings]. It stands for deleteRecordings.
func (g *Group) DeleteRecordings(ctx context.Context, ids ...string) error {
	return g.all.DeleteRecordings(ctx, ids...)
}

// UpdateRecordings writes metadata of the recordings with these IDs, wherever they
// are: each key is set, one with an empty value is removed, others stay. Everything
// else is as with [Group.PublishRecordings]. It stands for updateRecordings.
func (g *Group) UpdateRecordings(ctx context.Context, meta map[string]string, ids ...string) error {
	return g.all.UpdateRecordings(ctx, meta, ids...)
}

// TextTracks returns the captions and subtitles of a recording, wherever it is;
// none are an empty list. When several servers have it, the one is asked whose copy
// [Group.Recordings] shows. The error matches [ErrRecordingNotFound] when every
// server answered that it does not have the recording; when one did not answer, it
// is a *[GroupError] instead. It stands for getRecordingTextTracks, after
// getRecordings.
func (g *Group) TextTracks(ctx context.Context, recordID string) ([]TextTrack, error) {
	return g.all.TextTracks(ctx, recordID)
}

// PutTextTrack uploads a text track for a recording, wherever it is. The content is
// not touched before the recording was found. See [Server.PutTextTrack] for the
// rest, and [Group.TextTracks] for the errors. It stands for putRecordingTextTrack,
// after getRecordings.
func (g *Group) PutTextTrack(ctx context.Context, recordID string, t TextTrackUpload, content io.Reader) error {
	return g.all.PutTextTrack(ctx, recordID, t, content)
}

// DeleteTextTrack deletes a text track of a recording, wherever it is, as far as
// the server can; see [Server.DeleteTextTrack].
func (g *Group) DeleteTextTrack(ctx context.Context, recordID string, kind TextTrackKind, lang string) error {
	return g.all.DeleteTextTrack(ctx, recordID, kind, lang)
}
