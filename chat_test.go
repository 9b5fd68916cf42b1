package bbb_test

import (
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSendChatMessage(t *testing.T) {
	t.Parallel()
	var sent []taken
	s := wireServer(t, taking(t, &sent, "<response><returncode>SUCCESS</returncode><messageKey></messageKey><message></message></response>"))
	require.NoError(t, s.SendChatMessage(t.Context(), "physics 1", bbb.ChatMessage{Text: "Ends at 5 & a half\n<b>é</b>"}))
	require.NoError(t, s.SendChatMessage(t.Context(), "physics", bbb.ChatMessage{Text: strings.Repeat("中", 500), UserName: strings.Repeat("n", 255)}))
	require.Len(t, sent, 2)
	assert.Equal(t, "GET sendChatMessage", sent[0].method+" "+sent[0].call)
	assert.True(t, strings.HasPrefix(sent[0].query, "meetingID=physics+1&message=Ends+at+5+%26+a+half%0A%3Cb%3E%C3%A9%3C%2Fb%3E&checksum="), sent[0].query)
	assert.Equal(t, "GET", sent[1].method, "servers do not route a POST, so the length does not matter")
	assert.Contains(t, sent[1].query, "&userName=nnn")
	assert.True(t, bbb.Verify("sendChatMessage", sent[1].query, wireSecret))
}

func TestRulesOfChat(t *testing.T) {
	t.Parallel()
	var sent []taken
	s := wireServer(t, taking(t, &sent, ""))
	for problem, msg := range map[string]bbb.ChatMessage{
		`"message" is required`:                           {},
		`"message" must have at most 500 characters`:      {Text: strings.Repeat("x", 501)},
		`"message" must not contain control characters`:   {Text: "a\x00"},
		`"userName" must have at most 255 characters`:     {Text: "x", UserName: strings.Repeat("x", 256)},
		`"userName" must be one line without tabs`:        {Text: "x", UserName: "a\nb"},
		`bbb: sendChatMessage: parameter "userName" must`: {Text: "x", UserName: "\xff"},
	} {
		require.ErrorContains(t, s.SendChatMessage(t.Context(), "physics", msg), problem)
		require.ErrorIs(t, s.Group().SendChatMessage(t.Context(), "physics", msg), bbb.ErrInvalidParams)
	}
	require.ErrorContains(t, s.SendChatMessage(t.Context(), "a,b", bbb.ChatMessage{Text: "x"}), `"meetingID" must not contain a comma`)
	assert.Empty(t, sent)
}

func TestSendChatMessageFails(t *testing.T) {
	t.Parallel()
	for answer, class := range map[string]error{
		"<messageKey>meetingNotFound</messageKey>":     bbb.ErrMeetingNotFound,
		"<messageKey>missingParamMessage</messageKey>": bbb.ErrInvalidParams,
		"<messageKey>sizeError</messageKey>":           bbb.ErrInvalidParams,
		"<messageKey>unsupportedRequest</messageKey>":  bbb.ErrNotSupported,
	} {
		s := wireServer(t, xmlAnswer("<response><returncode>FAILED</returncode>"+answer+"</response>"))
		require.ErrorIs(t, s.SendChatMessage(t.Context(), "physics", bbb.ChatMessage{Text: "x"}), class)
	}
	s := wireServer(t, answering(404, "text/html", "<html></html>"))
	require.ErrorIs(t, s.SendChatMessage(t.Context(), "physics", bbb.ChatMessage{Text: "x"}), bbb.ErrNotSupported)
	m := &bbb.Meeting{ID: "physics"}
	require.ErrorIs(t, m.SendChat(t.Context(), bbb.ChatMessage{}), bbb.ErrInvalidParams)
	require.ErrorIs(t, m.InsertDocuments(t.Context()), bbb.ErrInvalidParams)
}
