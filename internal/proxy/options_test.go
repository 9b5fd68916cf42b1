package proxy

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the configuration says of a server, the group does.
func TestFieldsOfAServerWork(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, func(c map[string]any) {
		one := serverConf(c, 0)
		one["secondSecret"], one["release"], one["algorithm"], one["capacity"] = serverSecret+"-second", "3.0.1", "sha512", map[string]any{"meetings": 1}
		serverConf(c, 1)["mode"] = "draining"
	})
	london, _ := r.group.Server("london")
	assert.Equal(t, "3.0.1", london.Release().String())
	require.Contains(t, r.call("create", "meetingID=first&name=First"), "SUCCESS")
	for _, asked := range r.fakes[0].Requests() {
		assert.Len(t, asked.Params().Get("checksum"), 2*64, asked.Call)
	}
	assert.Contains(t, r.call("create", "meetingID=second&name=Second"), "serverUnavailable", "one is full, one is drained")
	r.fakes[0].SetSecret(serverSecret + "-second")
	assert.Contains(t, r.call("getMeetingInfo", "meetingID=first"), "SUCCESS")
}

// What it says of the handler, clients notice.
func TestFieldsOfTheHandlerWork(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, func(c map[string]any) {
		c["freshness"], c["strictLists"], c["forms"], c["algorithms"] = "1h", true, []any{"query"}, []any{"sha1", "sha384"}
		c["limits"] = map[string]any{"params": 4, "body": 300}
	})
	require.Contains(t, r.call("create", "meetingID=physics&name=Physics"), "SUCCESS")
	assert.Contains(t, r.call("getMeetings", ""), "physics")
	asked := r.fakes[0].Count("getMeetings")
	assert.Contains(t, r.call("getMeetings", ""), "physics")
	assert.Equal(t, asked, r.fakes[0].Count("getMeetings"), "it is fresh enough")

	assert.Contains(t, r.call("create", "meetingID=a&name=AA&meta_a=1&meta_b=2&meta_c=3"), "validationError", "too many parameters")
	assert.Contains(t, r.get("/bigbluebutton/api/getMeetings?checksum="+bbb.SHA256.Checksum("getMeetings", "", clientSecret)).Body.String(), "checksumError")
	post := func(body string) *httptest.ResponseRecorder {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost,
			"/bigbluebutton/api/create?checksum="+bbb.SHA1.Checksum("create", "", clientSecret), strings.NewReader(body))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		r.routes(true).ServeHTTP(w, req)
		return w
	}
	assert.Contains(t, post("meetingID=form&name=Form").Body.String(), "SUCCESS")
	assert.Equal(t, http.StatusRequestEntityTooLarge, post("meetingID=form&name="+strings.Repeat("x", 300)).Code)

	c := r.config()
	c["strictLists"], c["log"] = true, map[string]any{"level": "error"}
	r.write(c)
	r.reload()
	r.fakes[0].SetDown(true)
	said := r.log.String()
	assert.Contains(t, r.call("getMeetings", ""), "internalError", "the list lacks a server, and nothing is fresh any more")
	assert.Equal(t, said, r.log.String(), "warnings are not logged any more")
}
