package bbb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/bbbgroup/bbb/internal/redact"
	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// The calls of bbb-webhooks, spelled as they are signed.
const (
	callHooksCreate  = "hooks/create"
	callHooksList    = "hooks/list"
	callHooksDestroy = "hooks/destroy"
)

// Hook is a registration with bbb-webhooks, the service beside BigBlueButton
// that posts what happens in meetings to a URL. Receive the posts with a
// [HookHandler]. A Hook is a snapshot that never changes.
type Hook struct {
	ID string // hookID: a number in bbb-webhooks 2.x, a UUID since 3.0

	// CallbackURL is where events are posted to. It identifies the hook: a server
	// has one hook for each URL.
	CallbackURL string
	// MeetingID is the meeting that the hook is for; empty for all meetings.
	MeetingID string
	// Events are the events that the hook is for; nil for all. An empty list that
	// is not nil comes from a filter that was registered empty, by another
	// client: such a hook never gets an event.
	Events    []EventName
	Permanent bool // it stands in the configuration of the server and cannot be destroyed
	Raw       bool // it gets internal messages instead of events

	// MessageKey and Message are what the server added to its answer. After a
	// create, "duplicateWarning" says that the hook existed before.
	MessageKey string
	Message    string

	server *Server
}

// Server returns the server that has the hook.
func (h *Hook) Server() *Server { return h.server }

// Existed reports whether the create that returned h found a hook for the
// callback URL there already.
func (h *Hook) Existed() bool { return h.MessageKey == keyDuplicate }

// Destroy removes the hook from its server. See [Server.DestroyHook].
func (h *Hook) Destroy(ctx context.Context) error { return h.server.DestroyHook(ctx, h.ID) }

// String tells the ID and the callback URL without its query, where a token may
// stand.
func (h Hook) String() string { return fmt.Sprintf("hook %s to %s", h.ID, redact.URL(h.CallbackURL)) }

// GoString is String: no formatting of a Hook shows what its URL is protected by.
func (h Hook) GoString() string { return "bbb.Hook{" + h.String() + "}" }

// Format writes String for every verb.
func (h Hook) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(h.String())) }

// LogValue shows the ID, the callback URL without its query, and the meeting.
func (h Hook) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", h.ID), slog.String("url", redact.URL(h.CallbackURL)), slog.String("meeting", h.MeetingID))
}

// HookParams are the parameters of hooks/create.
type HookParams struct {
	// CallbackURL is where events are posted to, an absolute http or https URL. It
	// is part of every checksum that the server makes, to the byte, so give the
	// [HookHandler] the same text. Needed.
	CallbackURL string
	// MeetingID limits the hook to one meeting, which need not exist yet. The hook
	// stays when the meeting ends: destroy it. bbb-webhooks 3.0.0 to 3.3.1 ignore
	// it and send the events of all meetings.
	MeetingID string
	// Events limits the hook to these events; empty means all.
	Events []EventName
	// Raw asks for the internal messages of BigBlueButton, which change with every
	// release, instead of events. It cannot be combined with Events: such a hook
	// would get nothing. The server's default is false.
	Raw *bool
}

// String tells the callback URL without its query, where a token may stand.
func (p HookParams) String() string { return "hook to " + redact.URL(p.CallbackURL) }

// GoString is String: no formatting of HookParams shows what the URL is protected
// by.
func (p HookParams) GoString() string { return "bbb.HookParams{" + p.String() + "}" }

// Format writes String for every verb.
func (p HookParams) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }

// LogValue shows the callback URL without its query, the meeting and the events.
func (p HookParams) LogValue() slog.Value {
	return slog.GroupValue(slog.String("url", redact.URL(p.CallbackURL)), slog.String("meeting", p.MeetingID), slog.Any("events", p.Events))
}

// Validate returns all problems with the parameters joined, as *[ParamError], or
// nil.
func (p HookParams) Validate() error {
	var problems []error
	report := func(param, problem string) {
		problems = append(problems, &ParamError{Call: callHooksCreate, Param: param, Problem: problem})
	}
	if problem := validateCallbackURL(p.CallbackURL); problem != "" {
		report("callbackURL", problem)
	}
	if p.MeetingID != "" {
		if problem := validateMeetingID(p.MeetingID); problem != "" {
			report("meetingID", problem)
		}
	}
	for _, name := range p.Events {
		if name == "" || strings.ContainsFunc(string(name), func(r rune) bool { return r <= ' ' || r == ',' || r == 0x7f }) {
			report("eventID", "has an event whose name is empty or has a blank or a comma in it")
			break
		}
	}
	if p.Raw != nil && *p.Raw && len(p.Events) > 0 {
		report("getRaw", "cannot be combined with eventID: such a hook gets nothing")
	}
	return errors.Join(problems...)
}

// validateCallbackURL says what is wrong with the URL of a hook.
func validateCallbackURL(raw string) (problem string) {
	if raw == "" {
		return "is required"
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return "must be an absolute http or https URL"
	case strings.Contains(raw, "#"):
		return "must not have a fragment"
	case hasParam(u.RawQuery, checksumParam):
		return "must not have a parameter \"checksum\": the server adds its own"
	}
	return ""
}

// hasParam reports whether a raw query has a parameter of that very name.
func hasParam(rawQuery, name string) bool {
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if got, _, _ := strings.Cut(pair, "="); got == name {
			return true
		}
	}
	return false
}

func (p HookParams) appendQuery(dst []byte) []byte {
	dst = appendParam(dst, "callbackURL", p.CallbackURL)
	if p.MeetingID != "" {
		dst = appendParam(dst, "meetingID", p.MeetingID)
	}
	if len(p.Events) > 0 { // an empty one is kept as a filter that lets nothing through
		names := make([]string, len(p.Events))
		for i, name := range p.Events {
			names[i] = string(name)
		}
		dst = appendParam(dst, "eventID", strings.Join(names, ","))
	}
	if p.Raw != nil {
		dst = appendParam(dst, "getRaw", strconv.FormatBool(*p.Raw))
	}
	return dst
}

func appendParam(dst []byte, name, value string) []byte {
	if len(dst) > 0 {
		dst = append(dst, '&')
	}
	return appendQueryEscape(append(append(dst, name...), '='), value)
}

// hook fields as they stand in an answer to hooks/list, and for the most part in
// one to hooks/create.
var hookFields = []xmlwire.Field[Hook]{
	xmlwire.Trimmed("hookID", func(h *Hook) *string { return &h.ID }),
	xmlwire.Trimmed("callbackURL", func(h *Hook) *string { return &h.CallbackURL }),
	xmlwire.Trimmed("meetingID", func(h *Hook) *string { return &h.MeetingID }).OmitEmpty(),
	xmlwire.Custom("eventID", "a list of events", parseHookEvents, formatHookEvents).OmitEmpty(),
	xmlwire.Bool("permanentHook", func(h *Hook) *bool { return &h.Permanent }),
	xmlwire.Bool("rawData", func(h *Hook) *bool { return &h.Raw }),
}

func parseHookEvents(h *Hook, text string) bool {
	h.Events = []EventName{}
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			h.Events = append(h.Events, EventName(name))
		}
	}
	return true
}

func formatHookEvents(h *Hook) string {
	names := make([]string, len(h.Events))
	for i, name := range h.Events {
		names[i] = string(name)
	}
	return strings.Join(names, ",")
}

type hookAnswer struct {
	status
	Hook Hook
}

var hookRecord = xmlwire.NewRecord(append(
	xmlwire.Lift(func(a *hookAnswer) *status { return &a.status }, statusFields...),
	xmlwire.Lift(func(a *hookAnswer) *Hook { return &a.Hook }, hookFields...)...)...)

type hooksAnswer struct {
	status
	Hooks []*Hook
}

var hooksRecord = xmlwire.NewRecord(append(
	xmlwire.Lift(func(a *hooksAnswer) *status { return &a.status }, statusFields...),
	xmlwire.PtrList("hooks", "hook", func(a *hooksAnswer) *[]*Hook { return &a.Hooks }, xmlwire.NewRecord(hookFields...)))...)

type removedAnswer struct {
	status
	Removed string
}

var removedRecord = xmlwire.NewRecord(append(
	xmlwire.Lift(func(a *removedAnswer) *status { return &a.status }, statusFields...),
	xmlwire.Trimmed("removed", func(a *removedAnswer) *string { return &a.Removed }))...)

// hookRequest is a call of bbb-webhooks, which is a service of its own: it has
// its own list of algorithms, and its being away says nothing about meetings.
func (s *Server) hookRequest(call string, query []byte) request {
	return request{call: call, query: query, algorithm: &s.cfg.hookAlgorithm}
}

// CreateHook registers a callback URL with the server, or finds it registered:
// repeating it is harmless ([Hook.Existed]). Nothing of an existing hook is
// changed, so destroy it first to give it other events.
//
// A hook is deleted by the server when a post to it failed for about five
// minutes, so repeat the call from time to time.
//
// The server must run bbb-webhooks; one that does not gives an error that
// matches [ErrNotSupported], or one of its web server. A wrong algorithm
// ([WithHookAlgorithm]) gives [ErrChecksum], or HTTP 500 from bbb-webhooks 3.x. It
// stands for hooks/create.
func (s *Server) CreateHook(ctx context.Context, p HookParams) (*Hook, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	got, err := fetch(ctx, s, s.hookRequest(callHooksCreate, p.appendQuery(nil)), hookRecord)
	if err != nil {
		return nil, err
	}
	h := got.Hook
	h.server, h.MessageKey, h.Message = s, got.Key, got.Message
	h.CallbackURL = p.CallbackURL // the answer does not repeat it
	if !h.Existed() {             // of one that existed the rest is not known
		h.MeetingID = cmp.Or(h.MeetingID, p.MeetingID)
		if len(p.Events) > 0 {
			h.Events = slices.Clone(p.Events)
		}
	}
	return &h, nil
}

// Hooks returns the hooks of the server, those of other clients and those of its
// configuration included. With a meeting ID it returns those for that meeting
// and those for all meetings. No hooks are an empty list. It stands for
// hooks/list, and never sends the meeting ID: most releases fail then, or leave
// hooks out.
func (s *Server) Hooks(ctx context.Context, meetingID string) ([]*Hook, error) {
	got, err := fetch(ctx, s, s.hookRequest(callHooksList, nil), hooksRecord)
	if err != nil {
		return nil, err
	}
	hooks := make([]*Hook, 0, len(got.Hooks))
	for _, h := range got.Hooks {
		if meetingID == "" || h.MeetingID == "" || h.MeetingID == meetingID {
			h.server = s
			hooks = append(hooks, h)
		}
	}
	return hooks, nil
}

// DestroyHook removes a hook from the server. The error matches
// [ErrHookNotFound] when there is none of that ID, which after a repetition
// means that it is done, and when the hook is a permanent one, which only the
// server's configuration can remove. It stands for hooks/destroy.
func (s *Server) DestroyHook(ctx context.Context, id string) error {
	if strings.TrimSpace(id) == "" {
		return &ParamError{Call: callHooksDestroy, Param: "hookID", Problem: "is required"}
	}
	got, err := fetch(ctx, s, s.hookRequest(callHooksDestroy, appendParam(nil, "hookID", id)), removedRecord)
	if err == nil && strings.EqualFold(got.Removed, "false") {
		err = &Error{Server: s.name, Call: callHooksDestroy, Key: got.Key, Message: "the server did not remove the hook", StatusCode: 200}
	}
	return err
}
