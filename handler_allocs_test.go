package bbb_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Answers from fresh memory make little for the garbage collector: no timer, no context and no buffer. Most of
// what is left are the parameters and the answer.
//
// Not parallel: allocations of other tests would be counted.
func TestHandlerFreshAnswersAllocateLittle(t *testing.T) {
	g, _ := newGroup(t, 2)
	h := newHandler(t, g, bbb.WithHandlerFreshness(time.Hour))
	create(t, g, "course")
	_, err := g.Meetings(t.Context())
	require.NoError(t, err)
	for call, most := range map[string]float64{"isMeetingRunning": 10, "getMeetingInfo": 13, "getMeetings": 11} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, handlerRoot+call+"?"+signedQuery(call, "meetingID=course", handlerSecret), nil)
		got := testing.AllocsPerRun(200, func() { h.ServeHTTP(discarding{}, r) })
		if !raceDetector {
			assert.LessOrEqual(t, got, most, call)
		}
	}
}
