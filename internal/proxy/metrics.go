package proxy

import (
	"cmp"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/bbbgroup/bbb"
)

const (
	counter = "counter"
	gauge   = "gauge"
)

// metrics answers with the figures of the program.
func (p *proxy) metrics(w http.ResponseWriter, r *http.Request) {
	x := &exposition{text: make([]byte, 0, 32<<10)}
	st := p.group.Stats()
	groupMetrics(x, &st)
	serverMetrics(x, st.Servers)
	tenants := p.live.Load().config.Tenants
	tenantMetrics(x, tenants, usages(r.Context(), p.group, tenants))
	p.events.write(x)
	p.programMetrics(x)
	w.Header().Set("Content-Type", expositionType)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(x.text) // nobody to tell
}

func groupMetrics(x *exposition, st *bbb.Stats) {
	x.one("bbb_servers", gauge, "Servers of the group.", float64(len(st.Servers)))
	x.one("bbb_meetings", gauge, "Meetings on the servers that are not disabled.", float64(st.Meetings))
	x.one("bbb_people", gauge, "People in these meetings.", float64(st.People))
	x.one("bbb_reserved_seats", gauge, "Seats that new meetings hold beyond their people.", st.Reserved)
	x.one("bbb_expected_people", gauge, "People that the meetings are expected to have.", st.Expected)
	x.one("bbb_meetings_known", gauge, "Meetings of which the server is known.", float64(st.Known))
	x.one("bbb_meetings_split", gauge, "Meeting IDs that exist on two servers. More than 0 needs a person.", float64(st.Splits))
	x.one("bbb_meetings_placed_total", counter, "New meetings put on a server.", float64(st.Placed))
	x.one("bbb_creates_refused_total", counter, "Creates that a server refused, so that another one was tried.", float64(st.Refused))
	x.one("bbb_creates_unknown_total", counter, "Creates of which nobody knows whether they came about.", float64(st.Unknown))
	x.one("bbb_suspected", gauge, "1 while most servers fail, so that the fault is looked for on this side.", truth(st.Suspected))
}

func serverMetrics(x *exposition, servers []bbb.ServerStats) {
	each := func(name, kind, help string, value func(*bbb.ServerStats) float64) {
		x.family(name, kind, help)
		for i := range servers {
			x.sample(name, value(&servers[i]), "server", servers[i].Server)
		}
	}
	each("bbb_server_up", gauge, "1 if the server answers or was never asked, 0 if it is offline.",
		func(s *bbb.ServerStats) float64 { return truth(s.Health.State != bbb.StateOffline) })
	x.family("bbb_server_state", gauge, "1 for the state that the server is in.")
	for i := range servers {
		for _, state := range [...]bbb.State{bbb.StateOnline, bbb.StateUnstable, bbb.StateOffline, bbb.StateRecovering} {
			x.sample("bbb_server_state", truth(servers[i].Health.State == state), "server", servers[i].Server, "state", state.String())
		}
	}
	x.family("bbb_server_mode", gauge, "1 for the mode that the server was given.")
	for i := range servers {
		for _, mode := range [...]bbb.Mode{bbb.ModeEnabled, bbb.ModeDraining, bbb.ModeDisabled} {
			x.sample("bbb_server_mode", truth(servers[i].Health.Mode == mode), "server", servers[i].Server, "mode", mode.String())
		}
	}
	each("bbb_server_weight", gauge, "Share of the load that the server can take.",
		func(s *bbb.ServerStats) float64 { return s.Weight })
	each("bbb_server_meetings", gauge, "Meetings on the server.",
		func(s *bbb.ServerStats) float64 { return float64(s.Load.Meetings) })
	each("bbb_server_people", gauge, "People in the meetings of the server.",
		func(s *bbb.ServerStats) float64 { return float64(s.Load.People) })
	each("bbb_server_reserved_seats", gauge, "Seats that the new meetings of the server hold beyond their people.",
		func(s *bbb.ServerStats) float64 { return s.Load.Reserved })
	each("bbb_server_expected_people", gauge, "People that the meetings of the server are expected to have.",
		func(s *bbb.ServerStats) float64 { return s.Load.Expected })
	each("bbb_server_failures_in_a_row", gauge, "Checks of the server that failed in a row.",
		func(s *bbb.ServerStats) float64 { return float64(s.Health.Failures) })
	each("bbb_server_create_failures_in_a_row", gauge, "Creates on the server that failed in a row.",
		func(s *bbb.ServerStats) float64 { return float64(s.Health.CreateFailures) })
	each("bbb_server_calls_total", counter, "Calls to the server, each attempt.",
		func(s *bbb.ServerStats) float64 { return float64(s.Calls) })
	each("bbb_server_failed_calls_total", counter, "Calls that failed by a fault of the server or of the way to it.",
		func(s *bbb.ServerStats) float64 { return float64(s.Failures) })
	each("bbb_server_calls_under_way", gauge, "Calls to the server just now.",
		func(s *bbb.ServerStats) float64 { return float64(s.UnderWay) })

	// What is not known has no sample: a 0 would be a time long ago, or an idle machine.
	some := func(name, help string, value func(*bbb.ServerStats) (float64, bool)) {
		x.family(name, gauge, help)
		for i := range servers {
			if v, ok := value(&servers[i]); ok {
				x.sample(name, v, "server", servers[i].Server)
			}
		}
	}
	some("bbb_server_answered_timestamp_seconds", "When the server last answered well.",
		func(s *bbb.ServerStats) (float64, bool) {
			return seconds(s.Health.AnsweredAt), !s.Health.AnsweredAt.IsZero()
		})
	some("bbb_server_listed_timestamp_seconds", "When the server last told its meetings.",
		func(s *bbb.ServerStats) (float64, bool) { return seconds(s.Load.Time), !s.Load.Time.IsZero() })
	machine := func(name, help string, value func(*bbb.MachineLoad) float64) {
		some(name, help, func(s *bbb.ServerStats) (float64, bool) {
			if s.Machine == nil {
				return 0, false
			}
			return value(s.Machine), true
		})
	}
	machine("bbb_server_machine_cpu_ratio", "Busy part of all CPUs of the machine, from 0 to 1.",
		func(m *bbb.MachineLoad) float64 { return m.CPU })
	machine("bbb_server_machine_run_queue", "Tasks that run or wait, for each CPU of the machine.",
		func(m *bbb.MachineLoad) float64 { return m.RunQueue })
	machine("bbb_server_machine_memory_ratio", "Used part of the memory of the machine, from 0 to 1.",
		func(m *bbb.MachineLoad) float64 { return m.Memory })
	machine("bbb_server_machine_timestamp_seconds", "When the machine was as the others of these say.",
		func(m *bbb.MachineLoad) float64 { return seconds(m.Time) })
}

// tenantMetrics tells what the tenants use and may use. Of many, the first ones are told.
func tenantMetrics(x *exposition, tenants []*bbb.Tenant, used []usage) {
	tenants = tenants[:min(len(tenants), maxTenants)]
	each := func(name, help string, value func(i int) float64) {
		x.family(name, gauge, help)
		for i, t := range tenants {
			if v := value(i); v >= 0 {
				x.sample(name, v, "tenant", t.Name)
			}
		}
	}
	limit := func(n int) float64 {
		if n == 0 {
			return -1 // none
		}
		return float64(n)
	}
	each("bbb_tenant_meetings", "Meetings of the tenant, without breakout rooms.", func(i int) float64 { return float64(used[i].Meetings) })
	each("bbb_tenant_people", "People in the meetings of the tenant.", func(i int) float64 { return float64(used[i].People) })
	each("bbb_tenant_meetings_limit", "Meetings that the tenant may have.", func(i int) float64 { return limit(tenants[i].Limits.Meetings) })
	each("bbb_tenant_people_limit", "People that the tenant may have.", func(i int) float64 { return limit(tenants[i].Limits.Attendees) })
}

// write writes what was counted.
func (e *events) write(x *exposition) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x.family("bbb_requests_total", counter, "Requests that were answered. The tenant is empty where it is not known or has no name.")
	keys := slices.SortedFunc(maps.Keys(e.requests), func(a, b requestKey) int {
		return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.call, b.call), cmp.Compare(a.status, b.status),
			cmp.Compare(strconv.FormatBool(a.failed), strconv.FormatBool(b.failed)))
	})
	for _, k := range keys {
		result := "success"
		if k.failed {
			result = "failed"
		}
		x.sample("bbb_requests_total", float64(e.requests[k]), "tenant", k.tenant, "call", k.call, "status", strconv.Itoa(k.status), "result", result)
	}
	x.family("bbb_failed_answers_total", counter, "Answers of FAILED, by their messageKey.")
	for _, key := range slices.Sorted(maps.Keys(e.failures)) {
		x.sample("bbb_failed_answers_total", float64(e.failures[key]), "key", key)
	}
	x.family("bbb_request_duration_seconds", "histogram", "How long requests took to be answered.")
	for _, call := range slices.Sorted(maps.Keys(e.durations)) {
		x.histogram("bbb_request_duration_seconds", e.durations[call], "call", call)
	}
	x.family("bbb_backend_duration_seconds", "histogram", "How long calls to servers took, each attempt.")
	for _, call := range slices.Sorted(maps.Keys(e.backend)) {
		x.histogram("bbb_backend_duration_seconds", e.backend[call], "call", call)
	}
	x.family("bbb_server_state_changes_total", counter, "Changes of the state of a server, by the state that it came to.")
	changes := slices.SortedFunc(maps.Keys(e.changes), func(a, b changeKey) int {
		return cmp.Or(cmp.Compare(a.server, b.server), cmp.Compare(a.to, b.to))
	})
	for _, k := range changes {
		x.sample("bbb_server_state_changes_total", float64(e.changes[k]), "server", k.server, "state", k.to)
	}
	x.one("bbb_meeting_splits_total", counter, "Times that a meeting ID was seen on two servers.", float64(e.splits))
	x.family("bbb_config_reloads_total", counter, "Times that the configuration was read again.")
	x.sample("bbb_config_reloads_total", float64(e.reloads[1]), "result", "success")
	x.sample("bbb_config_reloads_total", float64(e.reloads[0]), "result", "failed")
	x.one("bbb_config_last_reload_successful", gauge, "0 if the last reload was refused.", truth(!e.broken))
}

func (p *proxy) programMetrics(x *exposition) {
	x.one("process_start_time_seconds", gauge, "When the program was started.", seconds(p.started))
	x.one("go_goroutines", gauge, "Goroutines.", float64(runtime.NumGoroutine()))
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	x.one("go_memstats_heap_alloc_bytes", gauge, "Bytes of the heap in use.", float64(m.HeapAlloc))
	x.one("go_memstats_sys_bytes", gauge, "Bytes that the program has from the system.", float64(m.Sys))
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
