package bbbtest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// call is one entry of the API. To add a call, write its handler in a file named after it and add a
// line to the table below; routing, methods, parameters, checksum and the request log follow.
type call struct {
	name    string                   // the path after /bigbluebutton/api/, as it is signed
	since   [2]int                   // first line that has it; older ones answer 404
	until   [2]int                   // first line without it again; zero when there is none
	methods func(r release) []string // methods the release routes; others are answered 405
	open    bool                     // takes no checksum
	hooks   bool                     // belongs to bbb-webhooks, which has its own rule for checksums
	records bool                     // belongs to the recordings, where a wrong checksum has other words
	serve   func(*Server, *request) reply
	refuse  func(*Server, *request, failure) reply // words a failure; nil for the usual XML
}

// Sets of methods a call can be routed for.
func getOrPost(release) []string { return []string{http.MethodGet, http.MethodPost} }
func getOnly(release) []string   { return []string{http.MethodGet} }
func postOnly(release) []string  { return []string{http.MethodPost} }

func joinMethods(r release) []string {
	if r.strictPOST() {
		return getOnly(r)
	}
	return getOrPost(r)
}

// calls is the table of calls.
var calls = []call{
	{name: "index", methods: getOnly, open: true, serve: (*Server).index},
	{name: "create", methods: getOrPost, serve: (*Server).create},
	{name: "join", methods: joinMethods, serve: (*Server).join, refuse: (*Server).refuseJoin},
	{name: "isMeetingRunning", methods: getOrPost, serve: (*Server).isMeetingRunning},
	{name: "end", methods: getOrPost, serve: (*Server).end},
	{name: "getMeetingInfo", methods: getOrPost, serve: (*Server).getMeetingInfo},
	{name: "getMeetings", methods: getOrPost, serve: (*Server).getMeetings},
	{name: "getSessions", methods: getOrPost, serve: (*Server).getSessions},

	{name: "getRecordings", methods: getOrPost, records: true, serve: (*Server).getRecordings},
	{name: "publishRecordings", methods: getOnly, records: true, serve: (*Server).publishRecordings},
	{name: "deleteRecordings", methods: getOnly, records: true, serve: (*Server).deleteRecordings},
	{name: "updateRecordings", methods: getOrPost, records: true, serve: (*Server).updateRecordings},

	{name: "getRecordingTextTracks", methods: getOrPost, records: true, serve: (*Server).getRecordingTextTracks},
	{name: "putRecordingTextTrack", methods: postOnly, records: true, serve: (*Server).putRecordingTextTrack, refuse: (*Server).refuseTrack},

	{name: "insertDocument", since: [2]int{2, 5}, methods: postOnlyIfStrict, serve: (*Server).insertDocument},

	{name: "sendChatMessage", since: [2]int{3, 0}, methods: getOnly, serve: (*Server).sendChatMessage},

	{name: "getJoinUrl", since: [2]int{3, 0}, methods: getOrPost, open: true, serve: (*Server).joinURL},
	{name: "learningDashboard", since: [2]int{2, 4}, methods: getOrPost, open: true, serve: (*Server).learningDashboard},
	{name: "stuns", methods: getOrPost, open: true, serve: (*Server).stuns},
	{name: "signOut", methods: getOrPost, open: true, serve: (*Server).signOut},
	{name: "enter", until: [2]int{3, 0}, methods: getOrPost, open: true, serve: (*Server).enter},
	{name: "guestWait", until: [2]int{3, 0}, methods: getOnly, open: true, serve: (*Server).guestWait},

	{name: "getDefaultConfigXML", until: [2]int{2, 4}, methods: getOnly, serve: (*Server).defaultConfigXML},
	{name: "setConfigXML", until: [2]int{2, 4}, methods: postOnly, serve: (*Server).setConfigXML},

	{name: "hooks/create", methods: getOnly, hooks: true, serve: (*Server).createHook},
	{name: "hooks/list", methods: getOnly, hooks: true, serve: (*Server).listHooks},
	{name: "hooks/destroy", methods: getOnly, hooks: true, serve: (*Server).destroyHook},
	{name: "hooks/ping", methods: getOnly, open: true, serve: (*Server).pingHooks},
}

const apiRoot = "/bigbluebutton/api"

// callName returns the name of the call a path is for, "" when the path is outside the API.
func callName(path string) string {
	rest, ok := strings.CutPrefix(path, apiRoot)
	switch {
	case ok && (rest == "" || rest == "/"):
		return "index"
	case ok && rest[0] == '/' && rest != "/index": // "index" is our word, not a path
		return rest[1:]
	}
	return ""
}

// existsIn reports whether a release has the call.
func (c *call) existsIn(r release) bool {
	return r.atLeast(c.since[0], c.since[1]) && (c.until == [2]int{} || !r.atLeast(c.until[0], c.until[1]))
}

// answer processes one request.
func (s *Server) answer(r *http.Request, body inbound, now time.Time) reply {
	name := callName(r.URL.Path)
	if name == "" {
		return s.page(r)
	}
	rel := s.conf.release
	i := slices.IndexFunc(calls, func(c call) bool { return c.name == name })
	if i < 0 || !calls[i].existsIn(rel) {
		return errorPage(http.StatusNotFound)
	}
	c := &calls[i]
	if methods := c.methods(rel); !slices.Contains(methods, r.Method) {
		// Whether a real server says 405 or 404 here is not known.
		page := errorPage(http.StatusMethodNotAllowed)
		page.header.Set("Allow", strings.Join(methods, ", "))
		return page
	}
	q, bad := s.readRequest(name, r, body, now)
	switch {
	case bad != nil || c.open:
	case c.hooks:
		var broken *reply
		if bad, broken = s.verifyHook(q); broken != nil {
			return *broken
		}
	default:
		if bad = s.verify(q); bad != nil && c.records {
			bad.message = recordingChecksum
		}
	}
	if bad == nil {
		return c.serve(s, q)
	}
	if c.refuse != nil {
		return c.refuse(s, q, *bad)
	}
	return s.fail(*bad)
}
