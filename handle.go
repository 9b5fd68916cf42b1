package bbb

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// HandleFromData trusts its input: the call must have been authenticated by whoever
// hands it over. It carries out one API call that came in as data and answers what
// a BigBlueButton server would, with the group as that server; [Handler] is the
// http.Handler around it that checks checksums.
//
// call is the name as it is signed, such as "getMeetingInfo" or "hooks/create", and params
// are its parameters, of which the first of a name counts; a checksum among them is passed
// over. body is what came in the body of a POST besides parameters, the modules of create and
// insertDocument or the form of putRecordingTextTrack, and may be nil; say with
// [HandleContentType] what it is. It is read once, and not closed. Documents in it are decoded while they are
// read, and kept until a server has taken them, beyond a mebibyte in a temporary file; text tracks go on as they
// are read. How long a body may be is the business of the caller, as with [http.MaxBytesReader], whose
// error makes the answer one of HTTP status 413.
//
// The answer is never nil. What went wrong is in it, worded as servers do ([Response.Key]) and
// as an error ([Response.Err]); a call that is not known gives an error that matches
// [ErrNotSupported]. Calls with a session token are not handled: browsers make them where their
// session is.
func (g *Group) HandleFromData(ctx context.Context, call string, params url.Values, body io.Reader, opts ...HandleOption) *Response {
	return g.all.HandleFromData(ctx, call, params, body, opts...)
}

// HandleFromData trusts its input, like [Group.HandleFromData], of which it is the
// form within the scope: what is outside is as good as not there.
func (sc *Scope) HandleFromData(ctx context.Context, call string, params url.Values, body io.Reader, opts ...HandleOption) *Response {
	q := &incoming{call: call, params: params, body: body, scope: sc}
	for _, o := range opts {
		if o != nil {
			o.applyCall(q)
		}
	}
	return q.handle(ctx)
}

// A HandleOption changes how one call is handled by HandleFromData.
type HandleOption interface{ applyCall(*incoming) }

type handleOption func(*incoming)

func (o handleOption) applyCall(q *incoming) { o(q) }

// HandleContentType says what the body is, as the header Content-Type of a request
// does, overriding the default of application/xml. The call index, which has no body, answers in JSON
// when it is application/json, as servers do since BigBlueButton 3.0.
func HandleContentType(contentType string) HandleOption {
	return handleOption(func(q *incoming) { q.contentType = contentType })
}

// HandleAs handles the call for a tenant, overriding the default of none: within its
// metadata and namespace, with its defaults, forced parameters, limits and labels. Its
// secrets do not matter here.
func HandleAs(t *Tenant) HandleOption {
	return handleOption(func(q *incoming) { q.tenant = t })
}

// HandleFresh allows getMeetings, getMeetingInfo and isMeetingRunning to be answered from what servers said not
// longer than d ago, overriding the default of asking them. Joins take the place and the
// passwords of their meeting from there as well.
//
// What was done through this process shows at once: a meeting that was created is there, one
// that was ended is not, and one that was joined with redirect=false is asked for anew. A server that failed
// within d, and has not answered since, is not asked. A meeting that is not known is looked for
// on the servers, however fresh the list of the others is; only isMeetingRunning takes it for an answer
// that a meeting is in none of the lists, if all of them are fresh.
//
// Without it, too, clients that ask the same at the same time cost less than a question
// each: whoever comes within ten milliseconds takes part in the one under way, as [Group.Meetings]
// says, and whoever comes later shares the next with all who come meanwhile.
func HandleFresh(d time.Duration) HandleOption {
	return handleOption(func(q *incoming) { q.fresh = d })
}

// HandleStrict answers FAILED (internalError) to a list that lacks what a server has that
// did not answer, overriding the default of answering what there is, with the last known
// meetings of that server, and the failure in [Response.Err].
func HandleStrict() HandleOption {
	return handleOption(func(q *incoming) { q.strict = true })
}

// incoming is one API call on its way through the package, whoever it came from.
type incoming struct {
	call        string
	params      url.Values
	body        io.Reader
	contentType string
	scope       *Scope  // what the caller may see
	tenant      *Tenant // nil for none
	relay       *relay  // nil when callbacks go past us
	fresh       time.Duration
	strict      bool
	room        string // the ID of a breakout room of the scope that is called for, or empty
	bodyOnly    bool   // nobody looks at Response.Value

	versions []uint64 // of what the servers have, if that alone made the list of meetings
}

// handle carries the call out.
func (q *incoming) handle(ctx context.Context) *Response {
	c, ok := apiCalls[q.call]
	if !ok {
		return q.unsupported()
	}
	q.params = cleanValues(q.params)
	if q.tenant != nil {
		sc, err := q.tenant.within(q.scope)
		if err != nil { // the tenant makes no sense, which is not the client's fault
			return q.refuse(keyInternalError, messageInternalError, err)
		}
		q.scope = sc
		q.applyTenant()
	}
	q.findRoom(ctx)
	return c.handle(ctx, q)
}

// cleanValues returns parameters without anything that XML cannot hold: servers write them into their
// answers, and one such character makes every answer about the meeting unreadable, and with it the
// server's list of all meetings. Control characters are dropped, as servers drop them from names; what is
// no character becomes U+FFFD. A parameter with such a name is none that anybody knows, and goes.
func cleanValues(params url.Values) url.Values {
	unclean := func(text string) bool { return !isPlain(text) && xmlProblem(text) != "" }
	var clean url.Values
	for name, values := range params {
		if !unclean(name) && !slices.ContainsFunc(values, unclean) {
			continue
		}
		if clean == nil {
			clean = maps.Clone(params) // it is the caller's
		}
		if delete(clean, name); !unclean(name) {
			for _, text := range values {
				clean.Add(name, cleanText(text, name == "meetingID" || name == "recordID"))
			}
		}
	}
	if clean == nil {
		return params
	}
	return clean
}

// cleanText keeps control characters where a text is refused for them.
func cleanText(text string, keepControls bool) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == 0xFFFE || c == 0xFFFF:
			return utf8.RuneError
		case c < 0x20 && c != '\n' && c != '\r' && c != '\t' && !keepControls:
			return -1
		}
		return c
	}, text)
}

// get returns a parameter, of which the first of its name counts.
func (q *incoming) get(name string) string { return q.params.Get(name) }

// apiCall is a call that can be handled.
type apiCall struct {
	methods []string // that a server routes
	json    bool     // answered in JSON
	handle  func(context.Context, *incoming) *Response
}

var (
	getOnly   = []string{http.MethodGet}
	postOnly  = []string{http.MethodPost}
	getOrPost = []string{http.MethodGet, http.MethodPost}
)

// apiCalls are the calls that are handled, by the name that is signed.
var apiCalls map[string]apiCall

// The handlers refer to the table themselves.
func init() {
	apiCalls = map[string]apiCall{
		callIndex:            {methods: getOrPost, handle: handleIndex},
		callCreate:           {methods: getOrPost, handle: handleCreate},
		callJoin:             {methods: getOnly, handle: handleJoin},
		callEnd:              {methods: getOrPost, handle: handleEnd},
		callIsMeetingRunning: {methods: getOrPost, handle: handleIsMeetingRunning},
		callGetMeetingInfo:   {methods: getOrPost, handle: handleGetMeetingInfo},
		callGetMeetings:      {methods: getOrPost, handle: handleGetMeetings},
		callGetSessions:      {methods: getOrPost, handle: handleGetSessions},
		callInsertDocument:   {methods: postOnly, handle: handleInsertDocument},
		callSendChatMessage:  {methods: getOnly, handle: handleSendChatMessage},

		callGetRecordings:     {methods: getOrPost, handle: handleGetRecordings},
		callPublishRecordings: {methods: getOnly, handle: handlePublishRecordings},
		callDeleteRecordings:  {methods: getOnly, handle: handleDeleteRecordings},
		callUpdateRecordings:  {methods: getOrPost, handle: handleUpdateRecordings},
		callGetTextTracks:     {methods: getOrPost, json: true, handle: handleGetTextTracks},
		callPutTextTrack:      {methods: postOnly, json: true, handle: handlePutTextTrack},

		callHooksCreate:  {methods: getOnly, handle: handleHooksCreate},
		callHooksList:    {methods: getOnly, handle: handleHooksList},
		callHooksDestroy: {methods: getOnly, handle: handleHooksDestroy},
	}
}

// Response is the answer to a call that was handled here: what a server would have
// answered. It writes itself as XML or JSON; a program that wants to know more looks at
// the fields.
type Response struct {
	Call       string // the call that was handled
	StatusCode int    // HTTP status: 200 for whatever the API says, 302 for a redirect, 404 for an unknown call, 413
	Location   string `json:"-"` // where a redirect goes; it is signed: treat it as a password
	Key        string // messageKey
	Message    string // message

	// Err is why the call failed, as an error of this package; nil when it did not. Beside an
	// answer that is none of FAILED it is a *[GroupError] that says which servers did not answer: a
	// list lacks what is on them, and a second copy of a recording there was not changed.
	Err error

	// Value is what the answer is made of, if it succeeded: a *[Meeting] for create and
	// getMeetingInfo, []*Meeting for getMeetings, a bool for isMeetingRunning, an *[Attendee] for a
	// join without redirect, []UserSession for getSessions, a [RecordingList] for getRecordings,
	// []TextTrack for getRecordingTextTracks, a *[Hook] for hooks/create and []*Hook for hooks/list.
	// It is nil for others. Texts are those of the caller: the namespace of a tenant is taken off.
	Value any `json:"-"`

	failed bool
	json   bool
	body   []byte                  // the body if it is there already; others have it too
	write  func(dst []byte) []byte // else appends it; nil for none
}

// Failed reports whether the answer is FAILED, or a redirect that tells a browser so.
func (r *Response) Failed() bool { return r.failed }

// ContentType returns what the body is, as the header says it; "" without a body.
func (r *Response) ContentType() string {
	switch {
	case r.body == nil && r.write == nil:
		return ""
	case r.json:
		return "application/json;charset=utf-8"
	case strings.HasPrefix(r.Call, "hooks/"): // of bbb-webhooks, a service of its own
		return "text/xml"
	}
	return "text/xml;charset=utf-8"
}

// AppendBody appends the body to dst.
func (r *Response) AppendBody(dst []byte) []byte {
	if r.write == nil {
		return append(dst, r.body...)
	}
	return r.write(dst)
}

// WriteTo writes the body.
func (r *Response) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(r.AppendBody(nil))
	return int64(n), err
}

// String tells the call and its outcome, without values.
func (r Response) String() string {
	outcome := returncodeSuccess
	if r.failed {
		outcome = returncodeFailed
	}
	return strings.TrimSuffix(fmt.Sprintf("%s: HTTP %d %s %s", r.Call, r.StatusCode, outcome, r.Key), " ")
}

// GoString is String: no formatting of a Response shows where it leads or what is in it.
func (r Response) GoString() string { return "bbb.Response{" + r.String() + "}" }

// Format writes String or GoString, whatever the verb.
func (r Response) Format(f fmt.State, verb rune) { format(f, verb, r) }

// LogValue shows the call, its outcome, and why it failed.
func (r Response) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("call", r.Call), slog.Int("status", r.StatusCode), slog.Bool("failed", r.failed), slog.String("key", r.Key)}
	if r.Err != nil {
		attrs = append(attrs, slog.Any("error", r.Err))
	}
	return slog.GroupValue(attrs...)
}
