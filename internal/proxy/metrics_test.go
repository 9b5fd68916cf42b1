package proxy

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parse reads the text format by its own rules: each family once, HELP and TYPE before its
// samples, no sample twice, histograms that add up.
func parse(t *testing.T, page string) map[string]float64 {
	t.Helper()
	require.True(t, strings.HasSuffix(page, "\n"))
	sample := regexp.MustCompile(`^([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\[\\n"])*",?)*\})? (\S+)$`)
	values, kinds, family := map[string]float64{}, map[string]string{}, ""
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		switch fields := strings.SplitN(line, " ", 4); {
		case strings.HasPrefix(line, "# HELP "):
			family = fields[2]
			assert.NotContains(t, kinds, family, "a family twice")
			kinds[family] = ""
			assert.True(t, strings.HasSuffix(fields[3], "."), line)
		case strings.HasPrefix(line, "# TYPE "):
			require.Equal(t, family, fields[2])
			kinds[family] = fields[3]
			assert.Equal(t, fields[3] == counter, strings.HasSuffix(family, "_total"), line)
		default:
			m := sample.FindStringSubmatch(line)
			require.NotNil(t, m, line)
			name := m[1]
			if kinds[family] == "histogram" {
				name = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			}
			require.Equal(t, family, name, "a sample of another family")
			value, err := strconv.ParseFloat(m[3], 64)
			require.NoError(t, err, line)
			assert.NotContains(t, values, m[1]+m[2], "a sample twice")
			values[m[1]+m[2]] = value
		}
	}
	return values
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3, nil)
	assert.Contains(t, r.call("create", "meetingID=physics&name=Physics"), "SUCCESS")
	assert.Contains(t, r.call("create", "meetingID=physics&name=Physics"), "duplicateWarning")
	assert.Contains(t, r.call("getMeetingInfo", "meetingID=nowhere"), "notFound")
	r.get("/bigbluebutton/api/end?meetingID=physics&checksum=0123456789")
	r.get("/favicon.ico")
	oslo, _ := r.group.Server("oslo")
	oslo.SetMachineLoad(bbb.MachineLoad{CPU: 0.25})
	oslo.SetMode(bbb.ModeDraining)
	require.NoError(t, r.group.Refresh(t.Context()))

	w := r.get("/metrics")
	assert.Equal(t, "text/plain; version=0.0.4; charset=utf-8", w.Header().Get("Content-Type"))
	page := w.Body.String()
	got := parse(t, page)
	for sample, want := range map[string]float64{
		`bbb_servers`:                  3,
		`bbb_meetings`:                 1,
		`bbb_meetings_placed_total`:    1,
		`bbb_suspected`:                0,
		`bbb_server_up{server="oslo"}`: 1,
		`bbb_server_mode{server="oslo",mode="draining"}`:                                   1,
		`bbb_server_mode{server="oslo",mode="enabled"}`:                                    0,
		`bbb_server_state{server="london",state="online"}`:                                 1,
		`bbb_server_machine_cpu_ratio{server="oslo"}`:                                      0.25,
		`bbb_request_duration_seconds_count{call="create"}`:                                2,
		`bbb_request_duration_seconds_bucket{call="create",le="+Inf"}`:                     2,
		`bbb_failed_answers_total{key="notFound"}`:                                         1,
		`bbb_failed_answers_total{key="checksumError"}`:                                    1,
		`bbb_config_last_reload_successful`:                                                1,
		`bbb_requests_total{tenant="",call="create",status="200",result="success"}`:        2,
		`bbb_requests_total{tenant="",call="getMeetingInfo",status="200",result="failed"}`: 1,
		`bbb_requests_total{tenant="",call="none",status="404",result="failed"}`:           1,
	} {
		value, ok := got[sample]
		if assert.True(t, ok, "no %s in\n%s", sample, strings.Join(lines(page, sample[:8]), "\n")) {
			assert.InDelta(t, want, value, 0, sample)
		}
	}
	assert.NotContains(t, page, `bbb_server_machine_cpu_ratio{server="london"}`, "nothing is known of it")
	assert.NotContains(t, page, "physics")
}

// Names that others choose must neither break the format nor fill the memory.
func TestMetricsOfOddNames(t *testing.T) {
	t.Parallel()
	e := newEvents(false)
	odd := "a\"b\\c\nd\xff\u00e9"
	for i := range maxTenants + 100 {
		e.handled(t.Context(), bbb.HandlerEvent{
			Tenant: odd + strconv.Itoa(i), Call: "create", StatusCode: 200, Failed: true, Key: "key" + strconv.Itoa(i), Duration: time.Hour,
		})
		e.handled(t.Context(), bbb.HandlerEvent{Call: "callback/" + strconv.Itoa(i), StatusCode: 200, Duration: 5 * time.Millisecond})
	}
	var x exposition
	e.write(&x)
	got := parse(t, string(x.text))
	assert.InDelta(t, 101, got[`bbb_requests_total{tenant="other",call="create",status="200",result="failed"}`], 0)
	assert.Contains(t, got, `bbb_requests_total{tenant="a\"b\\c\nd�é7",call="create",status="200",result="failed"}`)
	assert.Len(t, lines(string(x.text), "bbb_failed_answers_total{"), maxNames+1)
	assert.Len(t, e.tenants, maxTenants+1)
	assert.InDelta(t, 0, got[`bbb_request_duration_seconds_bucket{call="create",le="10"}`], 0)
	assert.InDelta(t, maxTenants+100, got[`bbb_request_duration_seconds_bucket{call="callback",le="0.005"}`], 0, "a bound is in its bucket")
}

func TestUsageOfTenants(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, nil)
	for id, meta := range map[string]map[string]string{
		"acme-1": {"tenant": "acme"}, "acme-2": {"tenant": "acme"}, "u-1": {"org": "umbrella"}, "other": nil,
	} {
		_, err := r.group.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: id, Name: "Lesson", Meta: meta})
		require.NoError(t, err)
		_, err = r.group.Join(t.Context(), bbb.JoinParams{MeetingID: id, FullName: "Ada", Role: bbb.RoleModerator})
		require.NoError(t, err)
	}
	require.NoError(t, r.group.Refresh(t.Context()))
	tenants := []*bbb.Tenant{
		{Name: "acme", Namespace: "acme", Limits: bbb.TenantLimits{Meetings: 2, Attendees: 30}},
		{Name: "umbrella", Meta: map[string]string{"org": "umbrella"}},
		{Name: "nobody"},
	}
	used := usages(t.Context(), r.group, tenants)
	assert.Equal(t, []usage{{2, 2}, {1, 1}, {0, 0}}, used)

	var x exposition
	tenantMetrics(&x, tenants, used)
	got := parse(t, string(x.text))
	assert.InDelta(t, 2, got[`bbb_tenant_meetings{tenant="acme"}`], 0)
	assert.InDelta(t, 30, got[`bbb_tenant_people_limit{tenant="acme"}`], 0)
	assert.NotContains(t, got, `bbb_tenant_people_limit{tenant="umbrella"}`, "no limit is not a limit of 0")
}

// What counts as whose, as the limits of tenants count it.
func TestUsageOfOddMeetings(t *testing.T) {
	t.Parallel()
	umbrella := &bbb.Tenant{Name: "umbrella", Namespace: "u", Meta: map[string]string{"Org": "umbrella"}}
	marked := map[string]string{"org": " umbrella "}
	for want, m := range map[bool][]*bbb.Meeting{
		true: {
			{ID: "u-1", Metadata: marked},
			{ID: "made-up-by-a-server", IsBreakout: true, Metadata: marked},
		},
		false: {
			{ID: "v-1", Metadata: marked}, {ID: "u1", Metadata: marked},
			{ID: "u-1"}, {ID: "u-1", Metadata: map[string]string{"org": "another"}},
		},
	} {
		for _, one := range m {
			assert.Equal(t, want, owns(umbrella, one), "%+v", one)
		}
	}
	var used usage
	used.add(&bbb.Meeting{ParticipantCount: 3})
	used.add(&bbb.Meeting{ParticipantCount: 2, IsBreakout: true})
	assert.Equal(t, usage{Meetings: 1, People: 5}, used, "a room is none of the tenant's meetings")
}
