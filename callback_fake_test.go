package bbb_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The fake signs with code of its own what every line of bbb-webhooks sends. The
// events of two servers come to one handler, each from its own server.
func TestWebhooksFromEndToEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fake []bbbtest.Option
		opts []bbb.CallbackOption
	}{
		"2.x":        {[]bbbtest.Option{bbbtest.WithVersion("2.7")}, nil},
		"3.0":        {[]bbbtest.Option{bbbtest.WithHookStyle(bbbtest.HooksV30)}, []bbb.CallbackOption{bbb.WithUnprotectedBodies()}},
		"3.4":        {nil, nil},
		"3.4 sha512": {[]bbbtest.Option{bbbtest.WithHookAlgorithm("sha512")}, nil},
		"bearer":     {[]bbbtest.Option{bbbtest.WithHookBearer()}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var receiver http.Handler
				fakes := newFakes(t, 2, append(c.fake, bbbtest.WithCallbackTransport(handled(func(w http.ResponseWriter, r *http.Request) {
					receiver.ServeHTTP(w, r)
				})))...)
				g := newGroupOf(t, fakes)
				in := new(inbox)
				h, err := bbb.NewHookHandler(hookURL, in.handle, append(c.opts, bbb.WithCallbackGroup(g))...)
				require.NoError(t, err)
				receiver = h

				_, err = g.CreateHook(t.Context(), bbb.HookParams{CallbackURL: hookURL})
				require.NoError(t, err)
				on := make(map[string]string)
				for _, id := range []string{"physics", "a/b <b> 🎓 \u2028 \"q\""} {
					m := create(t, g, id)
					on[m.ID] = m.Server().Name()
					f := holder(t, fakes, m.ID)
					attend(t, f, m.ID)
					f.EndMeeting(m.ID)
				}
				for _, f := range fakes {
					require.NoError(t, f.WaitCallbacks(t.Context()))
				}
				events := in.take()
				for id, server := range on {
					var names []bbb.EventName
					for _, e := range events {
						if e.Meeting.ExternalID == id {
							names = append(names, e.Name)
							assert.Equal(t, server, e.Server().Name())
							assert.NotNil(t, e.Data, e.Name)
						}
					}
					for _, want := range []bbb.EventName{bbb.EventMeetingCreated, bbb.EventUserJoined, bbb.EventMeetingEnded} {
						assert.Contains(t, names, want, id)
					}
				}
				i := slices.IndexFunc(events, func(e bbb.Event) bool { return e.Name == bbb.EventUserJoined })
				assert.Equal(t, "Ada", events[i].Data.(*bbb.UserJoined).Name)

				hooks, err := g.Hooks(t.Context(), "physics")
				require.NoError(t, err)
				assert.Len(t, hooks, 2)
				require.NoError(t, g.DestroyHook(t.Context(), hookURL))
				for _, f := range fakes {
					assert.Empty(t, f.Hooks())
				}
			})
		})
	}
}

// Ten minutes of failure cost the hook; EnsureHooks brings it back.
func TestHookIsLostAndComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		receiver := http.NotFoundHandler()
		fakes := newFakes(t, 1, bbbtest.WithCallbackTransport(handled(func(w http.ResponseWriter, r *http.Request) { receiver.ServeHTTP(w, r) })))
		g := newGroupOf(t, fakes)
		_, err := g.CreateHook(t.Context(), bbb.HookParams{CallbackURL: hookURL})
		require.NoError(t, err)
		create(t, g, "physics")
		require.NoError(t, fakes[0].WaitCallbacks(t.Context()))
		assert.Empty(t, fakes[0].Hooks())

		in := new(inbox)
		receiver, err = bbb.NewHookHandler(hookURL, in.handle, bbb.WithCallbackGroup(g))
		require.NoError(t, err)
		require.NoError(t, g.EnsureHooks(t.Context()))
		require.Len(t, fakes[0].Hooks(), 1)
		create(t, g, "biology")
		require.NoError(t, fakes[0].WaitCallbacks(t.Context()))
		assert.Equal(t, "biology", named(t, in.take(), bbb.EventMeetingCreated).Meeting.ExternalID)
	})
}

// A meeting ends, its recording is published, and its report is made.
func TestCallbacksFromEndToEnd(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]bbbtest.Option{"once": nil, "with a probe": {bbbtest.WithEndProbe()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mux := http.NewServeMux()
				fakes := newFakes(t, 1, append(opts, bbbtest.WithCallbackTransport(handled(mux.ServeHTTP)))...)
				g := newGroupOf(t, fakes)
				ended := make(map[string]int)
				h, err := bbb.NewMeetingEndedHandler(func(_ context.Context, c bbb.MeetingEndedCallback) error {
					ended[c.MeetingID]++
					return nil
				}, bbb.WithCallbackKey(endedKey), bbb.WithMeetingCheck(g))
				require.NoError(t, err)
				mux.Handle("/ended", h)
				var recordings []bbb.RecordingReady
				ready, err := bbb.NewRecordingReadyHandler(func(_ context.Context, r bbb.RecordingReady) error {
					recordings = append(recordings, r)
					return nil
				}, bbb.WithCallbackGroup(g))
				require.NoError(t, err)
				mux.Handle("/ready", ready)
				var reports []bbb.AnalyticsReport
				report, err := bbb.NewAnalyticsHandler(func(_ context.Context, r bbb.AnalyticsReport) error {
					reports = append(reports, r)
					return nil
				}, bbb.WithCallbackGroup(g), bbb.WithMeetingCheck(g))
				require.NoError(t, err)
				mux.Handle("/report", report)

				endedURL, err := bbb.SignCallbackURL("https://portal.example/ended", endedKey, "physics")
				require.NoError(t, err)
				m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{
					MeetingID: "physics", Name: "Physics", Record: new(true), AutoStartRecording: new(true), MeetingEndedURL: endedURL,
					MeetingKeepEvents: new(true),
					Meta: map[string]string{
						bbb.MetaRecordingReadyURL: "https://portal.example/ready", bbb.MetaAnalyticsCallbackURL: "https://portal.example/report",
					},
				})
				require.NoError(t, err)
				attend(t, fakes[0], "physics")
				wait(t, time.Hour)
				require.NoError(t, g.EndMeeting(t.Context(), "physics", ""))
				wait(t, time.Hour)
				require.NoError(t, fakes[0].WaitCallbacks(t.Context()))
				assert.Positive(t, ended["physics"])
				require.NotEmpty(t, recordings)
				assert.Equal(t, "physics", recordings[0].MeetingID)
				assert.Equal(t, m.InternalID, recordings[0].RecordID)
				assert.Equal(t, m.Server(), recordings[0].Server())
				require.NotEmpty(t, reports)
				assert.Equal(t, m.InternalID, reports[0].InternalID)
				assert.NotEmpty(t, reports[0].Attendees)
			})
		})
	}
}
