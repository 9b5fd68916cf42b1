package proxy

import (
	"os"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// server returns the configuration of one server.
func serverConf(c map[string]any, i int) map[string]any {
	return c["servers"].([]any)[i].(map[string]any)
}

// What the configuration says anew of a server is so at once, and its meetings are where they were.
func TestReload(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, nil)
	require.Contains(t, r.call("create", "meetingID=physics&name=Physics"), "SUCCESS")
	at, err := r.group.Locate(t.Context(), "physics")
	require.NoError(t, err)
	var holder int
	if at.Name() == "madrid" {
		holder = 1
	}

	r.addFake("oslo")
	const newSecret = serverSecret + "-changed"
	r.fakes[holder].SetSecret(newSecret)
	c := r.config()
	serverConf(c, holder)["weight"] = 7
	serverConf(c, holder)["labels"] = map[string]any{"gpu": ""}
	serverConf(c, 1-holder)["mode"] = "draining"
	c["secrets"] = []any{"the-new-secret-of-clients", clientSecret}
	c["log"] = map[string]any{"level": "warn"}
	r.write(c)
	before := r.fakes[holder].Count("getMeetings")
	untouched, _ := r.group.Server(r.fakes[1-holder].Name())
	r.reload()

	assert.Equal(t, 3, r.group.Len())
	changed, _ := r.group.Server(at.Name())
	assert.NotSame(t, at, changed)
	assert.InDelta(t, 7, changed.Weight(), 0)
	assert.Equal(t, bbb.Labels{"gpu": ""}, changed.Labels())
	same, _ := r.group.Server(untouched.Name())
	assert.Same(t, untouched, same, "a mode alone makes no new server")
	assert.Equal(t, bbb.ModeDraining, same.Mode())
	assert.Contains(t, r.call("getMeetingInfo", "meetingID=physics"), "<meetingName>Physics</meetingName>", "signed with the new secret")
	assert.Equal(t, before, r.fakes[holder].Count("getMeetings"), "nobody had to look for it")
	assert.Contains(t, r.call("create", "meetingID=physics&name=Physics"), "duplicateWarning")

	// A server that goes takes its meetings out of sight.
	c["servers"] = []any{serverConf(c, 2)}
	r.write(c)
	r.reload()
	assert.Equal(t, 1, r.group.Len())
	assert.Contains(t, r.call("getMeetingInfo", "meetingID=physics"), "notFound")
	assert.Contains(t, r.get("/metrics").Body.String(), `bbb_config_reloads_total{result="success"} 2`)
}

// A slip in the file must not take down what works.
func TestReloadOfABrokenFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, nil)
	london, _ := r.group.Server("london")
	broken := r.config()
	serverConf(broken, 0)["weight"] = 5
	serverConf(broken, 1)["wieght"] = 5
	r.write(broken)
	r.reload()
	now, _ := r.group.Server("london")
	assert.Same(t, london, now, "nothing of it is taken")
	assert.Contains(t, r.log.String(), "servers[1].wieght: there is no such field")
	assert.Contains(t, r.log.String(), "the old one stays")
	assert.Contains(t, r.call("getMeetings", ""), "noMeetings")
	page := r.get("/metrics").Body.String()
	assert.Contains(t, page, "bbb_config_last_reload_successful 0")
	assert.Contains(t, page, `bbb_config_reloads_total{result="failed"} 1`)

	require.NoError(t, os.Remove(r.path))
	r.reload()
	assert.Contains(t, r.log.String(), "no such file")
	r.write(r.config())
	r.reload()
	assert.Contains(t, r.get("/metrics").Body.String(), "bbb_config_last_reload_successful 1")
}

// What cannot change is said to, and stays.
func TestReloadOfWhatNeedsARestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, nil)
	c := r.config()
	c["name"], c["listen"], c["status"], c["refresh"] = "another", "127.0.0.1:1", false, "7s"
	c["limits"] = map[string]any{"url": 300}
	r.write(c)
	r.reload()
	for _, field := range []string{"name", "listen", "status", "limits.url"} {
		assert.Contains(t, r.log.String(), "a field changes with a restart only\" field="+field)
	}
	assert.Equal(t, 4, strings.Count(r.log.String(), "restart only"))
	assert.Contains(t, r.call("create", "meetingID=physics&name=Physics&welcome="+strings.Repeat("x", 300)), "SUCCESS", "the limit of before")
	assert.Equal(t, "school", r.live.Load().config.Name)
}

// Names and URLs that servers exchange are those of other servers.
func TestReloadOfExchangedNames(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, nil)
	c := r.config()
	serverConf(c, 0)["name"], serverConf(c, 1)["name"] = "madrid", "london"
	r.write(c)
	r.reload()
	london, _ := r.group.Server("london")
	assert.Contains(t, london.BaseURL(), "madrid.test")
	assert.NotContains(t, r.log.String(), "the old one stays")
}
