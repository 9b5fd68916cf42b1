package bbb_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A list over many servers is what one server with all the recordings would give,
// if it had our order: random recordings, filters and windows.
func TestManyServersAreLikeOne(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	for round := range 8 {
		hosts := make([]*recordingHost, 20)
		for i := range hosts {
			hosts[i] = &recordingHost{paging: pagingKind(rng.IntN(4))}
		}
		all := &recordingHost{}
		for i := range rng.IntN(600) {
			r := rec{
				id:      fmt.Sprintf("%s%s-%04d", pick("a", "b", "c"), pick("0", "1"), i),
				meeting: pick("room 1", "room-2", "room/3"), state: pick("published", "unpublished", "processed", "deleted"),
				start: 1_700_000_000_000 + int64(rng.IntN(50)), end: 1_700_000_100_000, formats: rng.IntN(3),
				meta: map[string]string{"school": pick("north", "south"), "topic": pick("math", "mathematics", "applied-math", "arts")},
			}
			all.recs = append(all.recs, r)
			host := hosts[rng.IntN(len(hosts))]
			host.recs = append(host.recs, r)
		}
		group, one := hostGroup(t, hosts), hostGroup(t, []*recordingHost{all})
		for range 12 {
			var f bbb.RecordingFilter
			if rng.IntN(3) == 0 {
				f.MeetingIDs = []string{pick("room 1", "none"), pick("room-2", "room/3")}
			}
			if rng.IntN(3) == 0 {
				f.RecordIDs = []string{pick("a", "b0", "c1"), pick("a0", "a1-000", "zz")}
			}
			if rng.IntN(2) == 0 {
				f.States = []bbb.RecordingState{bbb.RecordingState(pick("any", "published", "processed")), bbb.RecordingDeleted}
			}
			if rng.IntN(2) == 0 {
				f.Meta = map[string]string{"Topic": pick("math", "math%", "%math", "%math%", "%", "nothing")}
				if rng.IntN(2) == 0 {
					f.Meta["school"] = pick("north", "south")
				}
			}
			if rng.IntN(4) > 0 {
				f.Limit = 1 + rng.IntN(100)
			}
			if rng.IntN(2) == 0 {
				f.Offset = rng.IntN(300)
			}
			want := reference(all.recs, f)
			for name, g := range map[string]*bbb.Group{"group": group, "one": one} {
				got, err := g.Recordings(t.Context(), f)
				require.NoError(t, err)
				from, to := min(f.Offset, len(want)), len(want)
				if f.Limit > 0 {
					to = min(from+f.Limit, len(want))
				}
				require.Equal(t, want[from:to], recordIDs(got.Recordings), "%s, round %d: %+v", name, round, f)
				require.Equal(t, len(want), got.Total)

				f := f
				f.Offset, f.Limit = 0, 0
				every, err := collect(g.AllRecordings(t.Context(), f))
				require.NoError(t, err)
				require.ElementsMatch(t, want, recordIDs(every))
			}
		}
	}
}

// reference is a list as the documentation has it.
func reference(recs []rec, f bbb.RecordingFilter) []string {
	q := map[string][]string{"meetingID": {strings.Join(f.MeetingIDs, ",")}, "recordID": {strings.Join(f.RecordIDs, ",")}}
	var states []string
	for _, s := range f.States {
		states = append(states, string(s))
	}
	q["state"] = []string{strings.Join(states, ",")}
	for key, value := range f.Meta {
		q["meta_"+key] = []string{value}
	}
	var found []rec
	for _, r := range recs {
		if r.matches(q) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b rec) int { return cmp.Or(cmp.Compare(b.start, a.start), strings.Compare(a.id, b.id)) })
	ids := []string{}
	for _, r := range found {
		ids = append(ids, r.id)
	}
	return ids
}

// Ten thousand recordings over twenty servers, page by page to the end: the windows
// join to the whole, also beyond those that are kept in full.
func TestTenThousandRecordings(t *testing.T) {
	t.Parallel()
	n := 10_000
	if raceDetector {
		n = 2000 // ten times as slow
	}
	hosts := make([]*recordingHost, 20)
	for i := range hosts {
		hosts[i] = &recordingHost{paging: pagingKind(i % 3)}
	}
	recs := someRecs("r", n)
	for i, r := range recs {
		hosts[i%20].recs = append(hosts[i%20].recs, r)
	}
	g := hostGroup(t, hosts)
	want := reference(recs, bbb.RecordingFilter{})
	for _, offset := range []int{0, 900, 901, 950, n / 2, n - 50, n, 2 * n} {
		got, err := g.Recordings(t.Context(), bbb.RecordingFilter{Offset: offset, Limit: 100})
		require.NoError(t, err)
		require.Equal(t, n, got.Total)
		require.Equal(t, want[min(offset, n):min(offset+100, n)], recordIDs(got.Recordings), "offset %d", offset)
		for _, r := range got.Recordings {
			require.Len(t, r.Formats, 1)
		}
	}
	every, err := collect(g.AllRecordings(t.Context(), bbb.RecordingFilter{}))
	require.NoError(t, err)
	got := recordIDs(every)
	slices.SortFunc(got, func(a, b string) int { return strings.Compare(b, a) })
	require.Equal(t, want, got, "the IDs of this test are in the order of time")
	whole, err := g.Recordings(t.Context(), bbb.RecordingFilter{})
	require.NoError(t, err)
	require.Equal(t, want, recordIDs(whole.Recordings))
}

// A recording on several servers comes once: the copy that is published, else the
// one with more formats, else the newer one, else that of the first name.
func TestCopiesOfARecording(t *testing.T) {
	t.Parallel()
	base := rec{id: "r", meeting: "room", state: "published", start: 2000, end: 3000, formats: 1}
	with := func(change func(*rec)) rec {
		r := base
		change(&r)
		return r
	}
	for name, tc := range map[string]struct {
		copies []rec
		want   string
	}{
		"published":    {[]rec{with(func(r *rec) { r.state = "unpublished"; r.formats = 9 }), base}, "bbb2"},
		"available":    {[]rec{with(func(r *rec) { r.state = "unpublished" }), with(func(r *rec) { r.state = "available" })}, "bbb2"},
		"no state":     {[]rec{with(func(r *rec) { r.state = "unpublished" }), with(func(r *rec) { r.state = "" })}, "bbb1"},
		"more formats": {[]rec{with(func(r *rec) { r.end = 9000 }), with(func(r *rec) { r.formats = 2 })}, "bbb2"},
		"newer end":    {[]rec{base, with(func(r *rec) { r.end = 4000 }), base}, "bbb2"},
		"newer start":  {[]rec{base, base, with(func(r *rec) { r.start = 2500 })}, "bbb3"},
		"first name":   {[]rec{base, base, base}, "bbb1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var hosts []*recordingHost
			for _, r := range tc.copies {
				hosts = append(hosts, &recordingHost{recs: []rec{r}})
			}
			g := hostGroup(t, hosts)
			every := []bbb.RecordingState{bbb.RecordingAnyState}
			for range 5 {
				list, err := g.Recordings(t.Context(), bbb.RecordingFilter{States: every, Limit: 10})
				require.NoError(t, err)
				require.Len(t, list.Recordings, 1)
				assert.Equal(t, 1, list.Total)
				assert.Equal(t, tc.want, list.Recordings[0].Server().Name())
			}
			all, err := collect(g.AllRecordings(t.Context(), bbb.RecordingFilter{States: every}))
			require.NoError(t, err)
			require.Len(t, all, 1)
			assert.Equal(t, "bbb1", all[0].Server().Name(), "the first one that has it")
		})
	}
}

// A server that fails is named, and the others' recordings are there.
func TestRecordingsOfFailingServers(t *testing.T) {
	t.Parallel()
	hosts := []*recordingHost{{recs: someRecs("a", 150)}, {recs: someRecs("b", 150)}, {recs: someRecs("c", 150)}}
	hosts[1].fail = func(_ string, n int) bool { return n%2 == 0 } // in the middle
	g := hostGroup(t, hosts)
	list, err := g.Recordings(t.Context(), bbb.RecordingFilter{Limit: 10})
	ge := groupError(t, err)
	assert.Equal(t, []string{"bbb2"}, ge.Names())
	assert.Equal(t, 3, ge.Asked)
	assert.Equal(t, 400, list.Total)
	assert.Len(t, list.Recordings, 10)

	all, err := collect(g.AllRecordings(t.Context(), bbb.RecordingFilter{}))
	ge = groupError(t, err)
	assert.Equal(t, []string{"bbb2"}, ge.Names())
	assert.False(t, ge.AllFailed())
	assert.Len(t, all, 400)

	for _, h := range hosts {
		h.fail = func(string, int) bool { return true }
	}
	list, err = g.Recordings(t.Context(), bbb.RecordingFilter{})
	assert.True(t, groupError(t, err).AllFailed())
	assert.Equal(t, bbb.RecordingList{Recordings: []*bbb.Recording{}}, list)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = collect(g.AllRecordings(ctx, bbb.RecordingFilter{}))
	require.ErrorIs(t, err, context.Canceled)
}

// A window far down is asked for again. What is gone by then is left out, and a
// server that fails then is named.
func TestFillingAWindow(t *testing.T) {
	t.Parallel()
	hosts := []*recordingHost{{recs: someRecs("a", 600)}, {recs: someRecs("b", 600)}}
	g := hostGroup(t, hosts)
	window := bbb.RecordingFilter{Offset: 1050, Limit: 50}
	list, err := g.Recordings(t.Context(), window)
	require.NoError(t, err)
	require.Len(t, list.Recordings, 50)
	last := hosts[0].asked("getRecordings")
	assert.Contains(t, last[len(last)-1], "recordID=")
	assert.Contains(t, last[len(last)-1], "state=any")

	gone := list.Recordings[3].ID
	hosts[0].fail = func(_ string, n int) bool { // no failure, but a change between the questions
		if n%7 == 0 {
			hosts[0].mu.Lock()
			hosts[0].recs = slices.DeleteFunc(hosts[0].recs, func(r rec) bool { return r.id == gone })
			hosts[0].mu.Unlock()
		}
		return false
	}
	hosts[0].counts = nil
	again, err := g.Recordings(t.Context(), window)
	require.NoError(t, err)
	want := slices.DeleteFunc(recordIDs(list.Recordings), func(id string) bool { return id == gone && strings.HasPrefix(id, "a") })
	assert.Equal(t, want, recordIDs(again.Recordings))

	hosts[1].counts = nil
	hosts[1].fail = func(_ string, n int) bool { return n == 7 }
	again, err = g.Recordings(t.Context(), window)
	assert.Equal(t, []string{"bbb2"}, groupError(t, err).Names())
	assert.NotEmpty(t, again.Recordings)
	for _, r := range again.Recordings {
		assert.Equal(t, "bbb1", r.Server().Name())
	}
}

func TestChangesGoToTheServersThatHaveTheRecordings(t *testing.T) {
	t.Parallel()
	hosts := []*recordingHost{{recs: someRecs("a", 3)}, {recs: someRecs("b", 3)}, {recs: someRecs("a", 1)}, {}}
	hosts[1].recs = append(hosts[1].recs, rec{id: "a-000001", state: "published"}) // begins like another one
	g := hostGroup(t, hosts)
	require.NoError(t, g.UnpublishRecordings(t.Context(), "a-00000", "b-00002", "a-00000"))
	assert.Equal(t, []string{"GET publishRecordings?recordID=a-00000&publish=false"}, hosts[0].asked("publishRecordings"))
	assert.Equal(t, []string{"GET publishRecordings?recordID=b-00002&publish=false"}, hosts[1].asked("publishRecordings"))
	assert.Equal(t, []string{"GET publishRecordings?recordID=a-00000&publish=false"}, hosts[2].asked("publishRecordings"))
	assert.Equal(t, []string{"GET getRecordings?recordID=a-00000%2Cb-00002&state=any&offset=0&limit=100"}, hosts[3].asked("getRecordings"))
	assert.Equal(t, "published", hosts[1].states()["a-000001"])
	require.NoError(t, g.PublishRecordings(t.Context(), "a-00000"), "it is found although it is unpublished")
	require.NoError(t, g.UpdateRecordings(t.Context(), map[string]string{"topic": "x"}, "a-00001"))
	require.NoError(t, g.DeleteRecordings(t.Context(), "a-00000", "nowhere"), "gone is gone")
	assert.Empty(t, hosts[2].states())

	err := noted(t, g.PublishRecordings(t.Context(), "nowhere-1", "b-00001", "nowhere-2"))
	var re *bbb.RecordingsError
	require.ErrorAs(t, err, &re)
	require.ErrorIs(t, err, bbb.ErrRecordingNotFound)
	assert.Equal(t, &bbb.RecordingsError{Call: "publishRecordings", NotFound: []string{"nowhere-1", "nowhere-2"}}, re)
	assert.Equal(t, "bbb: publishRecordings: not found: nowhere-1, nowhere-2", err.Error())
	assert.NoError(t, re.Unwrap())
}

// Servers list recordings that they refuse to change: deleted ones, and those that
// are not ready. To a change they are not there.
func TestChangesOfRecordingsThatAreOnlyListed(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	for i, state := range []string{"deleted", "published", "processing"} {
		fakes[i%2].AddRecording(bbbtest.Recording{RecordID: "rec-" + state, State: state})
	}
	for name, change := range changes(g) {
		if name == "delete" {
			require.NoError(t, change(t.Context(), "rec-deleted"))
			continue
		}
		err := noted(t, change(t.Context(), "rec-deleted", "rec-published"))
		var re *bbb.RecordingsError
		require.ErrorAs(t, err, &re, name)
		assert.Equal(t, []string{"rec-deleted"}, re.NotFound)
		assert.Nil(t, re.Servers)
	}
	_, err := g.TextTracks(t.Context(), "rec-deleted")
	require.ErrorIs(t, err, bbb.ErrRecordingNotFound)

	gone := &recordingHost{recs: someRecs("a", 1)}
	gone.fail = func(call string, _ int) bool { // somebody else is quicker
		if call == "publishRecordings" {
			gone.mu.Lock()
			gone.recs = nil
			gone.mu.Unlock()
		}
		return false
	}
	require.NoError(t, noted(t, hostGroup(t, []*recordingHost{gone, {recs: someRecs("a", 1)}}).PublishRecordings(t.Context(), "a-00000")))
	gone.recs = someRecs("a", 1)
	err = noted(t, hostGroup(t, []*recordingHost{gone, {}}).PublishRecordings(t.Context(), "a-00000"))
	var re *bbb.RecordingsError
	require.ErrorAs(t, err, &re)
	assert.Equal(t, []string{"a-00000"}, re.NotFound)
}

func TestChangesThatFailNameTheRecordings(t *testing.T) {
	t.Parallel()
	hosts := []*recordingHost{{recs: someRecs("a", 3)}, {recs: someRecs("b", 3)}, {recs: someRecs("c", 3)}}
	hosts[1].fail = func(call string, _ int) bool { return call != "getRecordings" }
	hosts[2].fail = func(string, int) bool { return true }
	g := hostGroup(t, hosts)
	for name, change := range changes(g) {
		hosts[0].recs = someRecs("a", 3)
		err := noted(t, change(t.Context(), "a-00001", "b-00001", "b-00002", "c-00001"))
		var re *bbb.RecordingsError
		require.ErrorAs(t, err, &re, name)
		assert.Empty(t, re.NotFound)
		assert.NotErrorIs(t, err, bbb.ErrRecordingNotFound, "it may be on the one that is silent")
		assert.Equal(t, []string{"c-00001"}, re.Unknown)
		require.Len(t, re.Failed, 1)
		assert.Equal(t, "bbb2", re.Failed[0].Server)
		assert.Equal(t, []string{"b-00001", "b-00002"}, re.Failed[0].IDs)
		require.Error(t, re.Failed[0].Err)
		assert.Equal(t, []string{"c-00001", "b-00001", "b-00002"}, re.IDs())
		ge := groupError(t, err)
		assert.Equal(t, []string{"bbb2", "bbb3"}, ge.Names())
		assert.Contains(t, err.Error(), "not known whether they exist: c-00001; failed on bbb2: b-00001, b-00002; ")
		assert.Contains(t, err.Error(), "2 of 3 servers failed")
	}
	long := &bbb.RecordingsError{Call: "publishRecordings"}
	for i := range 20 {
		long.NotFound = append(long.NotFound, fmt.Sprint("id", i))
		long.Failed = append(long.Failed, bbb.RecordingsFailure{Server: "s", IDs: []string{"x"}, Err: errors.New("x")})
	}
	assert.Contains(t, long.Error(), "id7 and 12 more")
	assert.Contains(t, long.Error(), "and failed on 12 more servers")
}

func TestRecordingsOfAClosedGroup(t *testing.T) {
	t.Parallel()
	g, err := bbb.NewGroup("closing")
	require.NoError(t, err)
	require.NoError(t, g.Close(t.Context()))
	_, err = g.Recordings(t.Context(), bbb.RecordingFilter{})
	require.ErrorIs(t, err, bbb.ErrClosed)
	_, err = collect(g.AllRecordings(t.Context(), bbb.RecordingFilter{}))
	require.ErrorIs(t, err, bbb.ErrClosed)
	for _, change := range changes(g) {
		require.ErrorIs(t, change(t.Context(), "rec-1"), bbb.ErrClosed)
	}
	_, err = g.TextTracks(t.Context(), "rec-1")
	require.ErrorIs(t, err, bbb.ErrClosed)
}

// A group without servers has no recordings.
func TestRecordingsOfAnEmptyGroup(t *testing.T) {
	t.Parallel()
	g := hostGroup(t, nil)
	list, err := g.Recordings(t.Context(), bbb.RecordingFilter{})
	require.NoError(t, err)
	assert.Equal(t, bbb.RecordingList{Recordings: []*bbb.Recording{}}, list)
	require.ErrorIs(t, g.PublishRecordings(t.Context(), "rec-1"), bbb.ErrRecordingNotFound)
	_, err = g.TextTracks(t.Context(), "rec-1")
	require.ErrorIs(t, err, bbb.ErrRecordingNotFound)
}

var _ = []changer{(*bbb.Server)(nil), (*bbb.Group)(nil), (*bbb.Scope)(nil)}
