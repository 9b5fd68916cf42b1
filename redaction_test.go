package bbb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// printable is everything of the package that somebody may print or log, and
// the secrets that must not be in it.
func printable(t *testing.T) (values map[string]any, secrets []string) {
	t.Helper()
	fake := bbbtest.New(bbbtest.WithSecret("the-main-secret"))
	g := wireGroup(t)
	s := wireServerAt(t, g, fake.URL(), "the-main-secret", fake.Transport(), bbb.WithSecondSecret("the-second-secret"))
	_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "room", Name: "Room", AttendeePW: "the-attendee-pw", ModeratorPW: "the-moderator-pw"})
	require.NoError(t, err)
	attendee, err := s.Join(t.Context(), bbb.JoinParams{MeetingID: "room", FullName: "Zoë", Password: "the-attendee-pw"})
	require.NoError(t, err)
	meeting, err := s.Meeting(t.Context(), "room")
	require.NoError(t, err)
	sessions, err := s.Sessions(t.Context())
	require.NoError(t, err)
	scope, err := g.Scope(map[string]string{"tenant": "a"})
	require.NoError(t, err)

	signed := s.URL("join", url.Values{"password": {"the-attendee-pw"}})
	failing := wireServerAt(t, wireGroup(t), "https://down.test", "the-main-secret", answering(500, "text/plain", "the-main-secret at "+signed))
	_, failed := failing.Meetings(t.Context())
	require.Error(t, failed)
	groupErr := &bbb.GroupError{Call: "getMeetings", Asked: 1, Servers: []bbb.ServerError{{Server: "bbb1", Err: failed}}}
	results := bbb.FanOut(t.Context(), g, func(context.Context, *bbb.Server) (*bbb.Meeting, error) { return meeting, failed })

	one := map[string]any{
		"server": s, "group": g, "scope": scope, "meeting": meeting, "meeting value": *meeting,
		"attendee": attendee, "attendee value": *attendee, "session": attendee.Session, "session value": *attendee.Session,
		"user session": sessions[0], "error": failed, "group error": groupErr, "group error value": *groupErr,
		"server error": groupErr.Servers[0], "result": results[0], "results": results,
	}
	var e *bbb.Error
	require.ErrorAs(t, failed, &e)
	one["error value"] = *e
	one["cause"] = e.Err
	values = map[string]any{}
	for name, v := range one {
		values[name] = v
		values["slice of "+name] = []any{v, v}
		values["map of "+name] = map[string]any{"k": v}
		values["field of "+name] = struct{ Field any }{v}
	}
	values["slice of meetings"] = []*bbb.Meeting{meeting}
	values["slice of meeting values"] = []bbb.Meeting{*meeting}
	values["slice of attendees"] = []bbb.Attendee{*attendee}
	values["slice of servers"] = []*bbb.Server{s}
	// fmt asks nobody in fields that are not exported, and prints what it finds.
	values["a struct of one's own around a server"] = struct{ s *bbb.Server }{s}
	values["a struct of one's own around a group"] = struct{ g *bbb.Group }{g}
	values["a pointer to one's own struct around a server"] = &struct{ s *bbb.Server }{s}
	return values, []string{
		"the-main-secret", "the-second-secret", "the-attendee-pw", "the-moderator-pw",
		attendee.Session.SessionToken, attendee.Session.AuthToken, signed[strings.Index(signed, "checksum=")+9:],
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	values, secrets := printable(t)
	check := func(how, name, text string) {
		t.Helper()
		for _, secret := range secrets {
			assert.NotContains(t, text, secret, "%s of %s", how, name)
		}
	}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
			check(verb, name, fmt.Sprintf(verb, v))
		}
		if text, err := json.Marshal(v); assert.NoError(t, err, name) {
			check("JSON", name, string(text))
		}
		for how, handler := range map[string]func(*strings.Builder) slog.Handler{
			"slog text": func(b *strings.Builder) slog.Handler { return slog.NewTextHandler(b, nil) },
			"slog JSON": func(b *strings.Builder) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b strings.Builder
			slog.New(handler(&b)).Info("message", "value", v, slog.Group("g", "value", v))
			check(how, name, b.String())
			assert.NotContains(t, b.String(), "!PANIC", name)
		}
		if err, ok := v.(error); ok {
			for ; err != nil; err = errors.Unwrap(err) {
				check("chain", name, err.Error())
			}
		}
	}
}

// Hidden is not useless: what identifies a thing is there.
func TestPrintedValuesTellWhatTheyAre(t *testing.T) {
	t.Parallel()
	values, _ := printable(t)
	for name, want := range map[string]string{
		"server": "bbb1 (http://", "group": `group "wire" of 1 servers`, "scope": "scope of group", "meeting": `meeting "Room" (room) on bbb1: 1 participants`,
		"attendee": `"Zoë"`, "session": "session of w_", "error": "bbb: getMeetings on bbb1: HTTP 500", "group error": "1 of 1 servers failed",
	} {
		for _, verb := range []string{"%v", "%s", "%+v"} {
			assert.Contains(t, fmt.Sprintf(verb, values[name]), want, "%s of %s", verb, name)
		}
	}
	for name, want := range map[string]string{
		"server": "bbb.Server{bbb1 (", "meeting value": "bbb.Meeting{meeting", "attendee": "bbb.Attendee{", "session": "bbb.Session{",
	} {
		assert.Contains(t, fmt.Sprintf("%#v", values[name]), want)
	}
	var b strings.Builder
	log := slog.New(slog.NewTextHandler(&b, nil))
	log.Info("m", "server", values["server"], "group", values["group"], "meeting", values["meeting"], "attendee", values["attendee"], "session", values["session"])
	for _, want := range []string{"server.name=bbb1", "group.name=wire", "group.servers=1", "meeting.id=room", "meeting.server=bbb1", "attendee.fullName=Zoë", "session.guestStatus=ALLOW"} {
		assert.Contains(t, b.String(), want)
	}
	text, err := json.Marshal(values["group"])
	require.NoError(t, err)
	assert.Regexp(t, `^\{"name":"wire","servers":\[\{"name":"bbb1","url":"http://[^"]*/api"\}\]\}$`, string(text))
	assert.Equal(t, "bbb.Server{bbb1", strings.SplitN(values["server"].(*bbb.Server).GoString(), " ", 2)[0])
	assert.True(t, strings.HasPrefix(values["group"].(*bbb.Group).GoString(), "bbb.Group{"))
	assert.Equal(t, "meeting \"\" (): 0 participants", bbb.Meeting{}.String(), "one of nobody's making")
	assert.NotContains(t, bbb.Meeting{}.LogValue().String(), "server")
}
