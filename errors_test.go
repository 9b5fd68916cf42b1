package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// classes are all sentinels that a FAILED answer can match.
var classes = []error{
	bbb.ErrMeetingNotFound, bbb.ErrMeetingExists, bbb.ErrMeetingEnded, bbb.ErrMeetingFull, bbb.ErrGuestDenied,
	bbb.ErrPassword, bbb.ErrChecksum, bbb.ErrInvalidParams, bbb.ErrNotSupported, bbb.ErrBadAnswer,
	bbb.ErrAnswerTooLarge, bbb.ErrOutcomeUnknown, bbb.ErrNoServer, bbb.ErrServerExists, bbb.ErrClosed,
	context.Canceled, context.DeadlineExceeded,
}

// classesOfKeys are the keys that servers and the proxies in front of them are
// known to answer.
var classesOfKeys = map[string][]error{
	"notFound":                  {bbb.ErrMeetingNotFound},
	"meetingNotFound":           {bbb.ErrMeetingNotFound}, // sendChatMessage
	"invalidMeetingIdentifier":  {bbb.ErrMeetingNotFound}, // join
	"invalidMeetingId":          {bbb.ErrMeetingNotFound}, // lists of errors
	"meetingForciblyEnded":      {bbb.ErrMeetingNotFound, bbb.ErrMeetingEnded},
	"idNotUnique":               {bbb.ErrMeetingExists},
	"NotUniqueMeetingID":        {bbb.ErrMeetingExists},
	"checksumError":             {bbb.ErrChecksum},
	"invalidPassword":           {bbb.ErrPassword},
	"maxParticipantsReached":    {bbb.ErrMeetingFull},
	"guestDeniedAccess":         {bbb.ErrGuestDenied},
	"guestDeny":                 {bbb.ErrGuestDenied},
	"validationError":           {bbb.ErrInvalidParams},
	"sizeError":                 {bbb.ErrInvalidParams},
	"Params required":           {bbb.ErrInvalidParams},
	"MissingParam":              {bbb.ErrInvalidParams},
	"missingParamMeetingID":     {bbb.ErrInvalidParams},
	"missingParamFullName":      {bbb.ErrInvalidParams},
	"missingParamMessage":       {bbb.ErrInvalidParams},
	"missingParameters":         {bbb.ErrInvalidParams}, // Scalelite
	"missingParameterMeetingID": {bbb.ErrInvalidParams}, // bbblb
	"nonUniqueVoiceBridge":      {bbb.ErrInvalidParams},
	"parentMeetingIDMissing":    {bbb.ErrInvalidParams},
	"parentMeetingDoesNotExist": {bbb.ErrInvalidParams},
	"fileNameError":             {bbb.ErrInvalidParams},
	"fullNameTooLong":           {bbb.ErrInvalidParams},
	"mismatchCreateTimeParam":   {bbb.ErrInvalidParams},
	"mismatchCreateTime":        {bbb.ErrInvalidParams},
	"invalidSharedNotesEditor":  {bbb.ErrInvalidParams},
	"unsupportedContentType":    {bbb.ErrInvalidParams},
	"unsupportedRequest":        {bbb.ErrNotSupported}, // Scalelite
	"notImplemented":            {bbb.ErrNotSupported}, // bbblb
	"internalError":             nil,
	"apiNotEnabled":             nil,
	"serverUnavailable":         {bbb.ErrNoServer}, // Scalelite
	"serverTagUnavailable":      {bbb.ErrNoServer},
	"aKeyOfTomorrow":            nil,
}

// Every key has its class, through a real call, and no other class.
func TestKeysHaveClasses(t *testing.T) {
	t.Parallel()
	for key, want := range classesOfKeys {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			s := wireServer(t, xmlAnswer("<response><returncode>FAILED</returncode><messageKey>"+key+"</messageKey><message>m</message></response>"))
			_, err := s.IsMeetingRunning(t.Context(), "room")
			for _, class := range classes {
				assert.Equal(t, slices.Contains(want, class), errors.Is(err, class), "%s as %q", key, class)
			}
			e := requireError(t, err, "isMeetingRunning", 200)
			assert.Equal(t, bbb.Error{Server: "bbb1", Call: "isMeetingRunning", Key: key, Message: "m", StatusCode: 200}, *e)
			assert.Equal(t, "bbb: isMeetingRunning on bbb1: "+key+": m", err.Error())
		})
	}
}

func TestErrorTexts(t *testing.T) {
	t.Parallel()
	cause := errors.New("broken pipe")
	for want, e := range map[string]*bbb.Error{
		"bbb: end on a: notFound: gone":           {Server: "a", Call: "end", Key: "notFound", Message: " gone\n", StatusCode: 200},
		"bbb: end: notFound":                      {Call: "end", Key: "notFound"},
		"bbb: unsupportedRequest":                 {Key: "unsupportedRequest"},
		"bbb: end on a: HTTP 502: broken pipe":    {Server: "a", Call: "end", StatusCode: 502, Err: cause},
		"bbb: end on a: failed without a reason":  {Server: "a", Call: "end", StatusCode: 200},
		"bbb: end on a: broken pipe; broken pipe": {Server: "a", Call: "end", Err: errors.Join(cause, cause)},
		"bbb: end on a: one two \uFFFD three":     {Server: "a", Call: "end", Message: "one\r\n\ttwo\x00\xff three"},
	} {
		assert.Equal(t, want, e.Error())
		assert.Equal(t, e.Err, errors.Unwrap(e))
	}
	require.NotErrorIs(t, &bbb.Error{Call: "end"}, bbb.ErrMeetingNotFound, "no key, no class")
	assert.ErrorIs(t, &bbb.Error{Call: "x", StatusCode: 404}, bbb.ErrNotSupported)
	assert.NotErrorIs(t, &bbb.Error{Call: "x", Key: "notFound", StatusCode: 404}, bbb.ErrNotSupported, "an answer, whatever the status")
}

func TestGroupErrorTellsEveryServer(t *testing.T) {
	t.Parallel()
	cause := errors.New("broken pipe")
	ge := &bbb.GroupError{Call: "getMeetings", Asked: 3, Servers: []bbb.ServerError{
		{Server: "a", Err: &bbb.Error{Server: "a", Call: "getMeetings", Key: "checksumError", StatusCode: 200}},
		{Server: "b", Err: fmt.Errorf("dialing: %w", cause)},
	}}
	assert.Equal(t, "bbb: getMeetings: 2 of 3 servers failed: a: checksumError; b: dialing: broken pipe", ge.Error(), "a server is named once")
	assert.False(t, ge.AllFailed())
	assert.Equal(t, []string{"a", "b"}, ge.Names())
	var err error = ge
	require.ErrorIs(t, err, bbb.ErrChecksum)
	require.ErrorIs(t, err, cause)
	require.NotErrorIs(t, err, bbb.ErrNoServer)
	var e *bbb.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "a", e.Server)
	var se bbb.ServerError
	require.ErrorAs(t, err, &se)
	assert.Equal(t, "a: checksumError", se.Error())

	ge.Asked = 2
	assert.True(t, ge.AllFailed())

	// An error of another server or another depth keeps its own words.
	assert.Equal(t, "a: bbb: end on b: notFound", bbb.ServerError{Server: "a", Err: &bbb.Error{Server: "b", Call: "end", Key: "notFound"}}.Error())
}

func TestGroupErrorOfManyServersStaysReadable(t *testing.T) {
	t.Parallel()
	ge := &bbb.GroupError{Call: "getMeetings", Asked: 500}
	for i := range 500 {
		ge.Servers = append(ge.Servers, bbb.ServerError{Server: fmt.Sprintf("bbb%d", i), Err: context.DeadlineExceeded})
	}
	assert.Contains(t, ge.Error(), "500 of 500 servers failed: bbb0: ")
	assert.Contains(t, ge.Error(), "; and 492 more")
	assert.NotContains(t, ge.Error(), "bbb8:")
	assert.Len(t, ge.Names(), 500, "all are there for a program")
	assert.Len(t, ge.Unwrap(), 500)
}
