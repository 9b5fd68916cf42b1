package bbb

import (
	"net/http"
	"strings"
	"time"
)

// callbackPath is what the paths that the relay serves begin with, behind "api/".
const callbackPath = "callback/"

// serveCallback answers a request of a server to a URL of the relay; false when it is none.
func (h *Handler) serveCallback(w http.ResponseWriter, r *http.Request) bool {
	if h.relay == nil {
		return false
	}
	path := r.URL.EscapedPath()
	if !strings.Contains(path, callbackPath) { // as in nearly all requests
		return false
	}
	_, call := splitPath(path)
	rest, ok := strings.CutPrefix(call, callbackPath)
	if !ok {
		return false
	}
	start := time.Now()
	answer := &callbackAnswer{
		ResponseWriter: w, status: http.StatusOK,
		begin: func() { slowly(w, r, h.cfg.timeout) },
	}
	tenant := h.relay.serve(answer, r, rest)
	if h.cfg.observe != nil {
		kind, _, _ := strings.Cut(rest, "/")
		if h.relay.urls.keys[relayKind(kind)] == nil {
			kind = "" // anybody can send anything
		}
		h.cfg.observe(r.Context(), HandlerEvent{
			Tenant: tenant, Call: callbackPath + kind, StatusCode: answer.status, Failed: answer.status/100 != 2,
			Start: start, Duration: time.Since(start),
		})
	}
	return true
}

// callbackAnswer notes the status of an answer, and when it is about to be written.
type callbackAnswer struct {
	http.ResponseWriter
	status int
	begin  func() // see slowly
}

func (a *callbackAnswer) WriteHeader(status int) {
	a.status = status
	a.begin()
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (a *callbackAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
