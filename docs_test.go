package bbb_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// routed are the calls of the API, and those that only look like one.
var routed = []string{
	"create", "join", "isMeetingRunning", "end", "getMeetingInfo", "getMeetings", "getSessions", "insertDocument",
	"sendChatMessage", "getJoinUrl", "learningDashboard", "stuns", "signOut", "enter", "guestWait", "feedback",
	"getRecordings", "publishRecordings", "deleteRecordings", "updateRecordings", "getRecordingTextTracks",
	"putRecordingTextTrack", "setPollXML", "getDefaultConfigXML", "setConfigXML",
	"hooks/create", "hooks/list", "hooks/destroy", "hooks/ping", "hooks/permanent",
}

// The table of the calls names each of them, and tests that exist.
func TestTableOfTheCallsIsTrue(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("docs", "api.md"))
	require.NoError(t, err)
	for _, call := range routed {
		assert.Contains(t, string(page), "| `"+call+"`", "no row for %s", call)
	}

	tests := map[string]bool{}
	for _, dir := range []string{".", "bbbtest"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		require.NoError(t, err)
		for _, file := range files {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(source, -1) {
				tests[string(m[1])] = true
			}
		}
	}
	named := regexp.MustCompile(`\bTest\w+`).FindAllString(string(page), -1)
	require.NotEmpty(t, named)
	for _, name := range named {
		assert.True(t, tests[name], "there is no %s", name)
	}
}
