package bbbtest

import (
	"net/http"
	"slices"
	"strings"
)

// verifyHook checks the checksum of a call of bbb-webhooks, which is a service of its own: letters
// are compared as they are, and the reply that is not nil answers a length no algorithm has.
func (s *Server) verifyHook(q *request) (*failure, *reply) {
	secrets := s.currentSecrets()
	if secrets[0] == "" {
		return nil, nil
	}
	mismatch := &failure{"checksumError", "You did not pass the checksum security check."}
	given := q.params.Get("checksum")
	names := []string{"sha1"}
	if s.conf.hookStyle != HooksV2 {
		names = s.conf.algorithms
		if given != "" && !slices.ContainsFunc(algorithms, func(a algorithm) bool { return a.digits == len(given) }) {
			return nil, new(errorPage(http.StatusInternalServerError))
		}
	}
	text := cutChecksum(q.rawQuery)
	for _, name := range names {
		for _, secret := range secrets {
			if algorithmByName(name).sum(q.call+text+secret) == given {
				return nil, nil
			}
		}
	}
	return mismatch, nil
}

// createHook answers hooks/create. A URL is registered once; nothing of an existing hook changes.
func (s *Server) createHook(q *request) reply {
	u := q.get("callbackURL")
	if u == "" {
		return s.fail(failure{"missingParamCallbackURL", "You must specify a callbackURL in the parameters."})
	}
	raw := q.get("getRaw")
	if raw != "" && raw != "true" && raw != "false" {
		return errorPage(http.StatusInternalServerError) // the handler throws
	}
	defer s.lock()()
	d := s.document(success)
	if i := slices.IndexFunc(s.hooks.list, func(h *hook) bool { return h.CallbackURL == u }); i >= 0 {
		d.text("hookID", s.hooks.list[i].ID)
		d.message("duplicateWarning", "There is already a hook for this callback URL.")
		return s.xmlReply(d)
	}
	h := Hook{CallbackURL: u, MeetingID: q.get("meetingID"), GetRaw: raw == "true"}
	if s.conf.hookStyle == HooksV30 {
		h.MeetingID = "" // the bug of these releases
	}
	if _, given := q.params["eventID"]; given && s.conf.release.atLeast(2, 5) {
		// An empty parameter becomes a filter with one empty name.
		for name := range strings.SplitSeq(strings.ToLower(q.get("eventID")), ",") {
			h.Events = append(h.Events, strings.TrimSpace(name))
		}
	}
	added := s.addHook(h)
	d.text("hookID", added.ID)
	d.boolean("permanentHook", false)
	d.boolean("rawData", added.raw)
	return s.xmlReply(d)
}

// listHooks answers hooks/list. With a meetingID only 2.x does what it should: the first lines of 3
// always fail then, later ones fail when the meeting has no hook and find no more than one.
func (s *Server) listHooks(q *request) reply {
	meetingID := q.get("meetingID")
	bad := failure{"listHookError", "An error happened while listing registered hooks."}
	defer s.lock()()
	if meetingID != "" && s.conf.hookStyle == HooksV30 {
		return s.fail(bad)
	}
	var list []*hook
	found := 0
	for _, h := range s.hooks.list {
		switch {
		case meetingID == "" || h.MeetingID == "":
			list = append(list, h)
		case h.MeetingID == meetingID:
			found++
			if found == 1 || s.conf.hookStyle == HooksV2 {
				list = append(list, h)
			}
		}
	}
	if meetingID != "" && found == 0 && s.conf.hookStyle == HooksV34 {
		return s.fail(bad)
	}
	d := s.document(success)
	d.open("hooks")
	for _, h := range list {
		d.open("hook")
		d.text("hookID", h.ID)
		d.cdata("callbackURL", h.CallbackURL)
		if h.MeetingID != "" {
			d.cdata("meetingID", h.MeetingID)
		}
		if h.Events != nil {
			d.text("eventID", strings.Join(h.Events, ","))
		}
		d.boolean("permanentHook", h.Permanent)
		d.boolean("rawData", h.raw)
		d.close("hook")
	}
	d.close("hooks")
	return s.xmlReply(d)
}

// destroyHook answers hooks/destroy.
func (s *Server) destroyHook(q *request) reply {
	id := q.get("hookID")
	if id == "" {
		return s.fail(failure{"missingParamHookID", "You must specify a hookID in the parameters."})
	}
	defer s.lock()()
	i := slices.IndexFunc(s.hooks.list, func(h *hook) bool { return h.ID == id && !h.Permanent })
	if i < 0 {
		return s.fail(failure{"destroyMissingHook", "The hook informed was not found."})
	}
	s.removeHook(s.hooks.list[i])
	d := s.document(success)
	d.boolean("removed", true)
	return s.xmlReply(d)
}

// pingHooks answers hooks/ping; its text is not known.
func (s *Server) pingHooks(*request) reply {
	return reply{status: http.StatusOK, header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, body: []byte("bbb-webhooks up!")}
}
