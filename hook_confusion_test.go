package bbb_test

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What bbb-webhooks 2.x signs is JSON with user text in it. Sent as the body of a
// form, its signature is that of the rule of 3.4, and what a user wrote, such as
// "&event=", would be a field.
func TestTextSignedForAnotherRuleIsNoForm(t *testing.T) {
	t.Parallel()
	inTime(t, func(t *testing.T) {
		h, in, _ := newHookHandler(t)
		forged := `[{"data":{"type":"event","id":"meeting-ended","attributes":{"meeting":{"external-meeting-id":"VICTIM"}},"event":{"ts":1}}}]`
		text := fmt.Sprintf(`{"event":"[{\"text\":\"hi&event=%s&timestamp=%d&x=\"}]","timestamp":%d,"domain":"bbb1.example"}`,
			url.QueryEscape(forged), goldenSent.UnixMilli(), goldenSent.Add(-48*time.Hour).UnixMilli())
		p := post{checksum: hexOf(sha1.New(), hookURL, text, hookSecret), body: text}
		assert.Equal(t, http.StatusOK, p.to(t, h).Code, "it is signed, and unreadable")
		assert.Empty(t, in.take())
	})
}

// A post for the hook at /h/12 is signed like one for /h/1 whose body begins with
// the rest of the URL.
func TestPostForALongerURLIsNoForm(t *testing.T) {
	t.Parallel()
	inTime(t, func(t *testing.T) {
		h, in, _ := newHookHandler(t)
		p := post{checksum: hexOf(sha256.New(), hookURL+"2", goldenBody, hookSecret), body: "2" + goldenBody}
		p.to(t, h)
		assert.Empty(t, in.take())
	})
}

// A meeting that nobody has joined yet is not running, and not over either.
func TestMeetingThatWaitsForPeopleIsNotOver(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	create(t, g, "physics")
	ended := 0
	h, err := bbb.NewMeetingEndedHandler(func(context.Context, bbb.MeetingEndedCallback) error { ended++; return nil }, bbb.WithMeetingCheck(g))
	require.NoError(t, err)
	assert.Equal(t, http.StatusConflict, get(t, h, http.MethodGet, "/ended?recordingmarks=false&meetingID=physics").Code)
	assert.Zero(t, ended)
	fakes[0].EndMeeting("physics")
	assert.Equal(t, http.StatusOK, get(t, h, http.MethodGet, "/ended?recordingmarks=false&meetingID=physics").Code)
	assert.Equal(t, 1, ended)
}
