package bbb_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/require"
)

// The whole API of this package against a Handler of this package: through the client, the
// Handler, the group behind it and its servers. Whatever the client gets is to be what it gets
// from a server.

func loopParams(id string) bbb.CreateParams {
	return bbb.CreateParams{
		MeetingID: id, Name: `Zoë's "Übung" & <more> +1 100%`, AttendeePW: "attend-" + id, ModeratorPW: "moderate-" + id, VoiceBridge: "71234",
		Welcome: "<b>Hello</b>\nworld", MaxParticipants: new(4), Duration: new(90 * time.Minute), Record: new(true), MuteOnStart: new(false),
		DisabledFeatures: []bbb.Feature{bbb.FeatureChat, bbb.FeaturePolls}, LogoutURL: "https://portal.example.org/bye?a=b",
		Meta: map[string]string{"Topic": "waves + optics", "empty": ""}, LockSettings: bbb.LockSettings{DisableCam: new(true)},
		Extra: map[string][]string{"newParameter": {"x=1&y=2"}},
	}
}

func TestLoopOfMeetings(t *testing.T) {
	t.Parallel()
	inBothWorlds(t, func(w *world) {
		ctx, s := w.Context(), w.server
		list := func(step string) {
			meetings, err := s.Meetings(ctx)
			w.note(step, sorted(meetings, func(m *bbb.Meeting) string { return m.ID }), err)
		}
		version, err := s.Version(ctx)
		w.note("version", version.API, err)
		list("nothing there")
		running, err := s.IsMeetingRunning(ctx, "physics")
		w.note("running", running, err)
		m, err := s.Meeting(ctx, "physics")
		w.note("no meeting", m, err)
		w.note("end of nothing", nil, s.EndMeeting(ctx, "physics", ""))

		p := loopParams("physics")
		m, err = s.CreateMeeting(ctx, p)
		w.note("create", m, err)
		require.NoError(w, err)
		arrived := w.there("physics").Params
		w.note("what arrived", arrived, nil)
		again, err := s.CreateMeeting(ctx, p)
		w.note("create again", again, err)
		p.ModeratorPW = "another-pw-1"
		taken, err := s.CreateMeeting(ctx, p)
		w.note("taken", taken, err)
		for _, id := range []string{"algebra", "history"} {
			_, err := s.CreateMeeting(ctx, loopParamsOf(id))
			require.NoError(w, noted(w.T, err))
		}
		list("three meetings")
		m, err = m.Refresh(ctx)
		w.note("refreshed", m, err)
		w.note("end with a guess", nil, s.EndMeeting(ctx, "physics", "a-guess-33"))
		w.note("end", nil, s.EndMeeting(ctx, "physics", "moderate-physics"))
		w.note("end again", nil, s.EndMeeting(ctx, "physics", "moderate-physics"))
		gone, err := s.Meeting(ctx, "physics")
		w.note("gone", gone, err)
		list("two meetings")
		// An answer has no metadata but the client's.
		w.ask("create", url.Values{"meetingID": {"physics"}, "name": {"Physics"}, "meta_A": {"b"}})
		m, err = s.Meeting(ctx, "physics")
		require.NoError(w, noted(w.T, err))
		w.note("the ID is free", m.Metadata, err)
	})
}

// loopParamsOf is for meetings beside the first, whose voice bridge is taken.
func loopParamsOf(id string) bbb.CreateParams {
	p := loopParams(id)
	p.VoiceBridge = fmt.Sprintf("7%04d", len(id)*1000+int(id[0]))
	return p
}

func TestLoopOfJoins(t *testing.T) {
	t.Parallel()
	inBothWorlds(t, func(w *world) {
		ctx, s := w.Context(), w.server
		m, err := s.CreateMeeting(ctx, loopParams("physics"))
		require.NoError(w, noted(w.T, err))

		join := func(step string, p bbb.JoinParams) {
			if p.MeetingID == "" {
				p.MeetingID = "physics"
			}
			a, err := s.Join(ctx, p)
			w.note(step, a, err)
			link, err := s.JoinURL(ctx, p)
			require.NoError(w, noted(w.T, err))
			w.note(step+", in a browser", w.browse(link), nil)
		}
		join("by role", bbb.JoinParams{FullName: "Ada <&> Ünal", Role: bbb.RoleModerator, UserID: "u-ada", UserData: map[string]string{"bbb_x": "1 & 2"}})
		join("by password", bbb.JoinParams{FullName: "Bob", Password: "attend-physics", UserID: "u-bob", CreateTime: m.CreateTime})
		join("with a guess", bbb.JoinParams{FullName: "Eve", Password: "guessed-pw-3"})
		join("into another use of the ID", bbb.JoinParams{FullName: "Eve", Role: bbb.RoleViewer, CreateTime: m.CreateTime.Add(-time.Hour)})
		join("into another use, back to a page", bbb.JoinParams{
			FullName: "Eve", Role: bbb.RoleViewer, CreateTime: m.CreateTime.Add(-time.Hour), ErrorRedirectURL: "https://portal.example.org/oh?x=1",
		})
		join("into nothing", bbb.JoinParams{FullName: "Eve", Role: bbb.RoleViewer, MeetingID: "nowhere"})
		join("into nothing, back to a page", bbb.JoinParams{
			FullName: "Eve", Role: bbb.RoleViewer, MeetingID: "nowhere", ErrorRedirectURL: "https://portal.example.org/oh?x=1",
		})
		for _, id := range []string{"u-cy", "u-di"} {
			_, err := s.Join(ctx, bbb.JoinParams{MeetingID: "physics", FullName: id, Role: bbb.RoleViewer, UserID: id})
			require.NoError(w, noted(w.T, err))
		}
		join("when it is full", bbb.JoinParams{FullName: "Eve", Role: bbb.RoleViewer, UserID: "u-eve"})
		join("again, when it is full", bbb.JoinParams{FullName: "Bob", Role: bbb.RoleViewer, UserID: "u-bob"})

		now, err := s.Meeting(ctx, "physics")
		w.note("who is there", now, err)
		running, err := s.IsMeetingRunning(ctx, "physics")
		w.note("running", running, err)
		sessions, err := s.Sessions(ctx)
		w.note("sessions", sorted(sessions, func(u bbb.UserSession) string { return u.UserName }), err)
		p := w.there("physics").Attendees[0].Params
		w.note("what arrived", p, nil)
	})
}

func TestLoopOfGuests(t *testing.T) {
	t.Parallel()
	inBothWorlds(t, func(w *world) {
		ctx, s := w.Context(), w.server
		p := loopParams("physics")
		p.GuestPolicy = bbb.GuestPolicyAskModerator
		_, err := s.CreateMeeting(ctx, p)
		require.NoError(w, noted(w.T, err))
		guest := bbb.JoinParams{MeetingID: "physics", FullName: "Gil", Role: bbb.RoleViewer, UserID: "u-gil", Guest: new(true)}
		a, err := s.Join(ctx, guest)
		w.note("waits", a, err)
		require.NoError(w, w.fake("physics").Admit("physics", "u-gil"))
		m, err := s.Meeting(ctx, "physics")
		w.note("is there", m.Attendees, err)
	})
}

func TestLoopOfBreakoutRooms(t *testing.T) {
	t.Parallel()
	inBothWorlds(t, func(w *world) {
		ctx, s := w.Context(), w.server
		_, err := s.CreateMeeting(ctx, loopParams("physics"))
		require.NoError(w, noted(w.T, err))
		room, err := w.fake("physics").AddBreakout("physics", 1)
		require.NoError(w, err)
		w.names[room.MeetingID] = "ROOM"
		w.names[room.VoiceBridge] = "BRIDGE"
		m, err := s.Meeting(ctx, "physics")
		w.note("parent", m, err)
		m, err = s.Meeting(ctx, room.MeetingID)
		require.NoError(w, noted(w.T, err))
		w.note("room", []any{m.Name, m.ID, m.IsBreakout, m.ParentID, m.Sequence, m.FreeJoin, m.Metadata}, err)
		meetings, err := s.Meetings(ctx)
		w.note("list", len(meetings), err)
	})
}

func TestLoopOfDocumentsAndChat(t *testing.T) {
	t.Parallel()
	inBothWorlds(t, func(w *world) {
		ctx, s := w.Context(), w.server
		p := loopParams("physics")
		p.Documents = []bbb.Document{
			{URL: "https://example.org/a.pdf?x=1&y=2", Filename: "a & b.pdf", Downloadable: new(true)},
			{Name: "ä.txt", Content: strings.NewReader(strings.Repeat("words & more\n", 1000)), Current: new(true)},
		}
		p.SharedNotesInitialContentJSON = []byte(`{"a":"]]>"}`)
		m, err := s.CreateMeeting(ctx, p)
		w.note("create", m, err)
		w.note("insert", nil, s.InsertDocuments(ctx, "physics",
			bbb.Document{URL: "https://example.org/c.pdf", Removable: new(false)},
			bbb.Document{Name: "large.txt", Content: strings.NewReader(strings.Repeat("0123456789", 300_000))}))
		w.note("insert into nothing", nil, s.InsertDocuments(ctx, "nowhere", bbb.Document{URL: "https://example.org/c.pdf"}))
		w.note("what arrived", w.there("physics").Documents, nil)
		w.note("modules", w.there("physics").Modules, nil)

		w.note("chat", nil, s.SendChatMessage(ctx, "physics", bbb.ChatMessage{Text: "Hello & <b>höret</b>", UserName: "Bot +1"}))
		w.note("chat to nobody", nil, s.SendChatMessage(ctx, "nowhere", bbb.ChatMessage{Text: "Hello"}))
		chat := w.fake("physics").Chat("physics")
		require.Len(w, chat, 1)
		w.note("said", []string{chat[0].UserName, chat[0].Message}, nil)
	})
}

// A create that is too long for a URL goes out as a form, and the proxy has to be told to
// read that.
func TestLoopOfLongCreates(t *testing.T) {
	t.Parallel()
	for _, signing := range []bbb.FormSigning{bbb.SignQuery, bbb.SignForm} {
		worlds{
			client: []bbb.ServerOption{bbb.WithFormSigning(signing)}, handler: []bbb.HandlerOption{bbb.WithHandlerForms(signing)},
		}.tell(t, func(w *world) {
			p := loopParams("physics")
			p.Welcome = strings.Repeat("Zoë & ", 2000)
			m, err := w.server.CreateMeeting(w.Context(), p)
			w.note("create", m, err)
			require.NoError(w, err)
			w.note("arrived", w.there("physics").Params, nil)
		})
	}
}

func TestLoopOfRecordings(t *testing.T) {
	t.Parallel()
	inBothWorlds(t, func(w *world) {
		ctx, s := w.Context(), w.server
		ids := loopRecordings(w)
		list := func(step string, f bbb.RecordingFilter) []*bbb.Recording {
			found, err := s.Recordings(ctx, f)
			w.note(step, sorted(found.Recordings, func(r *bbb.Recording) string { return r.ID }), err)
			w.note(step+", in all", found.Total, nil)
			return found.Recordings
		}
		list("all", bbb.RecordingFilter{})
		list("of a meeting", bbb.RecordingFilter{MeetingIDs: []string{"course-1", "course-2"}})
		list("by ID", bbb.RecordingFilter{RecordIDs: []string{ids[3], ids[0], "nothing"}})
		list("by state", bbb.RecordingFilter{States: []bbb.RecordingState{bbb.RecordingUnpublished, bbb.RecordingProcessing}})
		list("in any state", bbb.RecordingFilter{States: []bbb.RecordingState{bbb.RecordingAnyState}})
		list("by metadata", bbb.RecordingFilter{Meta: map[string]string{"term": "1%"}})
		list("none", bbb.RecordingFilter{RecordIDs: []string{"nothing"}})
		list("live and gone", bbb.RecordingFilter{MeetingIDs: []string{"nowhere"}})

		w.note("unpublish", nil, s.UnpublishRecordings(ctx, ids[0], ids[1]))
		w.note("publish", nil, s.PublishRecordings(ctx, ids[1]))
		w.note("publish nothing", nil, s.PublishRecordings(ctx, "nothing"))
		w.note("update", nil, s.UpdateRecordings(ctx, map[string]string{"Title": "Ä & <b>", "term": ""}, ids[0], ids[2]))
		w.note("delete", nil, s.DeleteRecordings(ctx, ids[4]))
		w.note("delete nothing", nil, s.DeleteRecordings(ctx, "nothing"))
		list("after all that", bbb.RecordingFilter{})

		var walked []string
		for r, err := range s.AllRecordings(ctx, bbb.RecordingFilter{States: []bbb.RecordingState{bbb.RecordingAnyState}}) {
			require.NoError(w, noted(w.T, err))
			walked = append(walked, r.ID)
		}
		w.note("one by one", sorted(walked, func(id string) string { return id }), nil)
	})
}

// loopRecordings puts recordings on all servers there are.
func loopRecordings(w *world) (ids []string) {
	start := time.UnixMilli(1_700_000_000_000)
	for i, state := range []string{"published", "published", "unpublished", "published", "published", "processing"} {
		r := w.fakes[i%len(w.fakes)].AddRecording(bbbtest.Recording{
			MeetingID: fmt.Sprintf("course-%d", i/2), Name: fmt.Sprintf("Lesson %d & <more>", i), State: state, Participants: i, RawSize: 1 << 33,
			Start: start.Add(time.Duration(i) * time.Hour), End: start.Add(time.Duration(i)*time.Hour + 50*time.Minute),
			Metadata: map[string]string{"term": fmt.Sprint(10 + i), "meetingName": "Lesson", "empty": ""},
		})
		w.masked(r.RecordID) // the same names in both worlds
		ids = append(ids, r.RecordID)
	}
	return ids
}

func TestLoopOfTextTracks(t *testing.T) {
	t.Parallel()
	inBothWorlds(t, func(w *world) {
		ctx, s := w.Context(), w.server
		id := loopRecordings(w)[1]
		tracks, err := s.TextTracks(ctx, id)
		w.note("none", tracks, err)
		upload := bbb.TextTrackUpload{Kind: bbb.TextTrackSubtitles, Lang: "en-US", Label: "English & <more>"}
		w.note("put", nil, s.PutTextTrack(ctx, id, upload, strings.NewReader("WEBVTT\n\n00:00.000 --> 00:01.000\nHello")))
		w.note("put nowhere", nil, s.PutTextTrack(ctx, "nothing", upload, strings.NewReader("WEBVTT\n")))
		tracks, err = s.TextTracks(ctx, id)
		w.note("one", tracks, err)
		tracks, err = s.TextTracks(ctx, "nothing")
		w.note("of nothing", tracks, err)
		w.note("delete", nil, s.DeleteTextTrack(ctx, id, bbb.TextTrackSubtitles, "en-US"))
		for _, f := range w.fakes {
			for _, r := range f.Recordings() {
				if r.RecordID == id {
					w.note("there", r.Tracks, nil)
				}
			}
		}
	})
}

func TestLoopOfHooks(t *testing.T) {
	t.Parallel()
	inBothWorlds(t, func(w *world) {
		ctx, s := w.Context(), w.server
		p := bbb.HookParams{CallbackURL: "https://portal.example.org/hooks?a=b&c=ä", Events: []bbb.EventName{bbb.EventMeetingEnded, bbb.EventUserJoined}}
		h, err := s.CreateHook(ctx, p)
		w.note("create", h, err)
		require.NoError(w, err)
		again, err := s.CreateHook(ctx, p)
		w.note("create again", again, err)
		of, err := s.CreateHook(ctx, bbb.HookParams{CallbackURL: "https://portal.example.org/physics", MeetingID: "physics"})
		w.note("of a meeting", of, err)
		hooks, err := s.Hooks(ctx, "")
		w.note("hooks", sorted(hooks, func(h *bbb.Hook) string { return h.CallbackURL }), err)
		w.note("destroy", nil, s.DestroyHook(ctx, h.ID))
		w.note("destroy nothing", nil, s.DestroyHook(ctx, h.ID))
		hooks, err = s.Hooks(ctx, "")
		w.note("hooks left", hooks, err)
	})
}

// Every algorithm that a client may sign with is verified.
func TestLoopWithEachAlgorithm(t *testing.T) {
	t.Parallel()
	for _, a := range []bbb.Algorithm{bbb.SHA1, bbb.SHA256, bbb.SHA384, bbb.SHA512} {
		group, _ := newGroup(t, 2)
		handler := proxyHandler(t, group, bbb.WithHandlerSecrets("an-older-secret-1", proxySecret))
		client := newEmptyGroup(t, bbb.WithTransport(watched{served(handler)}))
		s, err := client.New("proxy", "https://"+proxyHost, proxySecret, bbb.WithAlgorithm(a))
		require.NoError(t, err)
		create(t, s, "physics")
		_, err = s.Meeting(context.Background(), "physics")
		require.NoError(t, noted(t, err))
	}
}

// What a client gets wrong is refused in the words of a server.
func TestLoopOfMistakes(t *testing.T) {
	t.Parallel()
	inBothWorlds(t, func(w *world) {
		_, err := w.server.CreateMeeting(w.Context(), loopParams("physics"))
		require.NoError(w, noted(w.T, err))
		ids := loopRecordings(w)
		long := strings.Repeat("x", 300)
		for _, q := range []struct{ call, params string }{
			{"create", ""}, {"create", "meetingID=a"}, {"create", "meetingID=ab"}, {"create", "meetingID=a,b&name=Name"}, {"create", "meetingID=" + long + "&name=Name"},
			{"create", "meetingID=ab&name=N"}, {"create", "meetingID=ab&name=Name&voiceBridge=x1"}, {"create", "meetingID=ab&name=Name&attendeePW=x"},
			{"create", "meetingID=physics-2&name=Name&record=perhaps&voiceBridge=71235&attendeePW=attend-2&moderatorPW=moderate-2"}, {"create", "meetingID=ab&name=Name&isBreakout=true"},
			{"create", "meetingID=physics&name=Name&moderatorPW=another-pw-1&attendeePW=another-pw-2"},
			{"join", ""}, {"join", "meetingID=nowhere"}, {"join", "meetingID=physics&fullName=Ada"}, {"join", "meetingID=physics&fullName=Ada&role=king"},
			{"join", "meetingID=physics&fullName=Ada&password=wrong-one-1"}, {"join", "meetingID=nowhere&fullName=Ada&role=VIEWER&redirect=false"},
			{"join", "meetingID=physics&fullName=Ada&role=VIEWER&createTime=12&redirect=false"},
			{"isMeetingRunning", ""}, {"isMeetingRunning", "meetingID=x"}, {"isMeetingRunning", "meetingID=" + long},
			{"end", ""}, {"end", "meetingID=nowhere"},
			{"getMeetingInfo", ""}, {"getMeetingInfo", "meetingID=nowhere"}, {"getMeetingInfo", "meetingID=a,b"},
			{"sendChatMessage", ""}, {"sendChatMessage", "meetingID=physics"}, {"sendChatMessage", "meetingID=nowhere&message=hi"},
			{"sendChatMessage", "meetingID=physics&message=" + long + long}, {"sendChatMessage", "meetingID=physics&message=hi&userName=" + long},
			{"getRecordings", "offset=x"}, {"getRecordings", "limit=0"}, {"getRecordings", "limit=101"}, {"getRecordings", "offset=-1"}, {"getRecordings", "recordID=nothing"},
			{"getRecordings", "offset=1&limit=1&state=unpublished"}, {"getRecordings", "meetingID=nowhere&limit=5"},
			{"publishRecordings", ""}, {"publishRecordings", "recordID=nothing"}, {"publishRecordings", "recordID=nothing&publish=true"},
			{"publishRecordings", "recordID=" + ids[0] + "&publish=Yes"}, {"publishRecordings", "recordID=" + ids[0] + ",nothing&publish=true"},
			{"deleteRecordings", ""}, {"deleteRecordings", "recordID=nothing"},
			{"updateRecordings", ""}, {"updateRecordings", "recordID=nothing&meta_a=b"}, {"updateRecordings", "recordID=" + ids[0]},
			{"getRecordingTextTracks", ""}, {"getRecordingTextTracks", "recordID=nothing"},
			{"hooks/create", ""}, {"hooks/destroy", ""}, {"hooks/destroy", "hookID=12"}, {"hooks/list", ""},
			{"getSessions", ""}, {"end", "meetingID=physics&password=wrong-one-1"}, {"end", "meetingID=physics-2"}, {"getMeetings", ""},
		} {
			values, err := url.ParseQuery(q.params)
			require.NoError(w, err)
			fmt.Fprintf(&w.said, "%s?%.100s: %s\n", q.call, w.masked(q.params), w.masked(w.ask(q.call, values)))
		}
	})
}
