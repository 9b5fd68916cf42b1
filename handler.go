package bbb

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// Handler makes a group one big BigBlueButton server: an http.Handler that answers the calls
// of any client of the API, checks their checksums, and carries them out with
// [Group.HandleFromData]. Make one with [NewHandler].
//
// It may be mounted under any path: the call is what stands behind the last path segment "api",
// and what stands before it is for the lookup of tenants. Where http.StripPrefix has taken "api" away,
// the whole path is the call.
//
// The checksum is verified over the query as it came, to the byte, and nothing of a request is looked
// at that it does not cover, but the host, the path and the type of the body. GET and POST are
// routed as servers do, HEAD stands for GET where a call changes nothing, and OPTIONS tells which
// there are. Bodies of POST are XML and files; for parameters in a form see [WithHandlerForms].
//
// What the API says comes with HTTP 200, FAILED too, as from servers, and a join with a redirect.
// These have a FAILED body as well:
//
//	400, 408  the body broke off, or did not come in time
//	404       the call is not known, or needs a session, which is on the server of the meeting
//	405       the call has no such method
//	413, 414  the body or the URL is too long
//	500       there was a panic, which is logged
//
// A request has limits for its time, its URL, its parameters and its body, of which only a form is held
// in memory; see the options. How long a client may take to send headers is for the server to say
// ([net/http.Server.ReadHeaderTimeout]). A client that goes away ends what is done for it.
//
// A Handler is safe for concurrent use.
type Handler struct {
	group *Group
	cfg   handlerConfig
	relay *relay // nil without WithHandlerRelay
}

// NewHandler makes a handler for a group. It needs [WithHandlerSecrets] or
// [WithHandlerTenants]. It does no I/O. All problems with the options come back in one joined error.
func NewHandler(g *Group, opts ...HandlerOption) (*Handler, error) {
	h := &Handler{group: g, cfg: newHandlerConfig(g, opts)}
	if err := joinProblems("handler", h.cfg.problems); err != nil {
		return nil, err
	}
	if h.cfg.relay.publicURL != "" {
		var err error
		if h.relay, err = newRelay(g, &h.cfg.relay, h.cfg.tenants, h.cfg.log); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// ServeHTTP answers one API call or callback.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	hurry(w, r, start.Add(h.cfg.timeout/2)) // over before the context is, so that one of both is the cause
	if h.serveCallback(w, r) {
		return
	}
	x := &exchange{h: h, w: w, r: r, start: start}
	x.ctx.Context, x.ctx.until = r.Context(), start.Add(h.cfg.timeout)
	defer x.ctx.end()
	buf := answerBuffers.Get().(*[]byte)
	resp, body := x.respond(&x.ctx, buf) //nolint:contextcheck // it is made of that of the request
	slowly(w, r, h.cfg.timeout)
	x.write(resp, body)
	releaseAnswer(buf)
	x.report(&x.ctx, resp) //nolint:contextcheck // the same
}

// Close stops taking callbacks and waits until those that were taken are delivered or given
// up. When ctx ends first, the rest is dropped, logged, and the context's error returned. Servers that
// call back meanwhile get 503; other calls are answered as before, so shut the [http.Server] down first. The
// group stays open: close it last.
func (h *Handler) Close(ctx context.Context) error {
	if h.relay == nil {
		return nil
	}
	return h.relay.close(ctx)
}

// exchange is one request and what is known of it so far.
type exchange struct {
	h        *Handler
	w        http.ResponseWriter
	r        *http.Request
	ctx      requestContext
	start    time.Time
	prefix   string // path before the segment "api"
	call     string // empty for a path that leads nowhere
	kind     bodyKind
	boundary string
	body     *requestBody // nil as long as nothing of it is read
	form     form
	tenant   *Tenant // who signed; nil as long as that is not known
	allow    string  // the header

	signatures signatures

	// What is handed on, here because each would be an allocation of its own. Whoever keeps one of them keeps the
	// exchange, which is never used again.
	handled incoming
	asked   TenantQuery

	contentType, contentLength [1]string // of the answer
}

// The words of refusals that no server has.
const (
	messageContentType = "POST request Content-Type is missing or unsupported"
	messageInternal    = "The request could not be carried out."
	messageUnreadable  = "The parameters cannot be read: "
	messageNotRouted   = "This request is not supported with this method."
	messageLongURL     = "The URL is too long."
	requestAnswered    = "request answered"
	requestPanicked    = "request panicked"
)

// respond answers. A body that is not there yet is written to buf. A panic on the way is an answer too.
func (x *exchange) respond(ctx context.Context, buf *[]byte) (resp *Response, body []byte) {
	written := func() []byte {
		if resp.body != nil {
			return resp.body
		}
		*buf = resp.AppendBody((*buf)[:0])
		return *buf
	}
	defer func() {
		p := recover()
		switch p {
		case nil:
			return
		case http.ErrAbortHandler: // the way of handlers to break off
			panic(p)
		}
		x.h.cfg.log.LogAttrs(ctx, slog.LevelError, requestPanicked,
			slog.String("call", x.call), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		resp = x.refuseWith(http.StatusInternalServerError, keyInternalError, messageInternal)
		body = written()
	}()
	resp = x.answer(ctx)
	if resp.Location != "" && !isWebPage(resp.Location) {
		resp = x.refuse(keyInternalError, messageInternal, errors.New("bbb: the redirect would not be a URL"))
	}
	return resp, written()
}

// answer takes a request through all checks, and has it carried out.
func (x *exchange) answer(ctx context.Context) *Response {
	h, r := x.h, x.r
	path := r.URL.EscapedPath()
	if len(path)+len(r.URL.RawQuery) > h.cfg.urlLimit {
		return x.refuseWith(http.StatusRequestURITooLong, keySize, messageLongURL)
	}
	x.prefix, x.call = splitPath(path)
	c, known := apiCalls[x.call]
	if !known {
		x.call = ""
		return x.refuseWith(http.StatusNotFound, keyUnsupported, messageUnsupported)
	}
	if !c.allows(x.call, r.Method) {
		x.allow = c.allow(x.call)
		if r.Method == http.MethodOptions {
			return &Response{Call: x.call, StatusCode: http.StatusNoContent}
		}
		return x.refuseWith(http.StatusMethodNotAllowed, keyUnsupported, messageNotRouted)
	}
	x.kind, x.boundary = h.kindOfBody(x.call, r)
	if x.kind == oddBody && r.ContentLength > 0 {
		return x.refuse(keyContentType, messageContentType, nil)
	}
	if x.kind != noBody && r.ContentLength > x.bodyLimit() {
		return x.refuseWith(http.StatusRequestEntityTooLarge, keySize, "The body is too large.")
	}
	x.handled = x.incoming()
	q := &x.handled
	if x.call == callIndex { // needs no checksum, and has no parameters
		return q.handle(ctx)
	}
	if refusal := x.authenticate(ctx); refusal != nil {
		return refusal
	}
	if refusal := x.read(q); refusal != nil {
		return refusal
	}
	resp := q.handle(ctx)
	if resp.failed {
		if refusal := x.faulty(); refusal != nil {
			return refusal
		}
	}
	return resp
}

// incoming is the call without its parameters.
func (x *exchange) incoming() incoming {
	return incoming{
		call: x.call, contentType: x.r.Header.Get("Content-Type"), scope: x.h.group.all,
		relay: x.h.relay, fresh: x.h.cfg.fresh, strict: x.h.cfg.strict, bodyOnly: true,
	}
}

// read reads the parameters and the body of a request that is signed.
func (x *exchange) read(q *incoming) *Response {
	params, err := parseQuery(x.r.URL.RawQuery, x.h.cfg.paramLimit)
	if err != nil {
		return x.unreadable(err)
	}
	if len(params[checksumParam]) > 1 { // "%63hecksum" is one too
		return x.unsigned(messageChecksum)
	}
	delete(params, checksumParam)
	switch x.kind {
	case paramsBody:
		if x.body == nil {
			if err := x.readForm(); err != nil {
				return x.unreadable(err)
			}
			if x.form.checksum != "" || x.form.twice {
				return x.unsigned(messageChecksum)
			}
		}
		if err := x.merge(params); err != nil {
			return x.unreadable(err)
		}
	case dataBody, oddBody:
		if q.body = x.data(); q.body != nil && x.kind == oddBody {
			return x.refuse(keyContentType, messageContentType, nil)
		}
	}
	q.params = params
	if x.h.cfg.secrets == nil { // the tenant of the secrets is the whole group
		q.tenant = x.tenant
	}
	return nil
}

// bodyLimit is how many bytes the body may have.
func (x *exchange) bodyLimit() int64 {
	if x.kind == paramsBody {
		return min(formLimit, x.h.cfg.bodyLimit)
	}
	return x.h.cfg.bodyLimit
}

// refuse answers FAILED in XML, for every call.
func (x *exchange) refuse(key, message string, err error) *Response {
	q := x.incoming()
	return q.refuseXML(key, message, err)
}

// refuseWith is refuse with another HTTP status than 200.
func (x *exchange) refuseWith(status int, key, message string) *Response {
	resp := x.refuse(key, message, nil)
	resp.StatusCode = status
	return resp
}

// unreadable answers for parameters that cannot be read.
func (x *exchange) unreadable(err error) *Response {
	if refusal := x.faulty(); refusal != nil {
		return refusal
	}
	switch {
	case errors.Is(err, errFormTwice):
		return x.unsigned(messageChecksum)
	case errors.Is(err, errFileInForm):
		return x.refuse(keyContentType, messageContentType, nil)
	case errors.Is(err, errTooManyParams), errors.Is(err, errBadEscape):
		return x.refuse(keyValidation, messageUnreadable+err.Error()+".", nil)
	}
	return x.refuse(keyValidation, messageUnreadable+"the form is malformed.", nil)
}

// report tells the observer and the log of the answer.
func (x *exchange) report(ctx context.Context, resp *Response) {
	c := &x.h.cfg
	name := ""
	if x.tenant != nil {
		name = x.tenant.Name
	}
	level := slog.LevelDebug
	if resp.failed && (resp.Key == keyInternalError || resp.Key == keyUnavailable) && x.r.Context().Err() == nil {
		level = slog.LevelWarn
	}
	logged := c.log.Enabled(ctx, level)
	if !logged && c.observe == nil {
		return
	}
	took := time.Since(x.start)
	if logged {
		attrs := []slog.Attr{
			slog.String("call", x.call), slog.Int("status", resp.StatusCode), slog.String("key", resp.Key),
			slog.Bool("failed", resp.failed), slog.Duration("took", took),
		}
		if name != "" {
			attrs = append(attrs, slog.String("tenant", name))
		}
		if resp.Err != nil {
			attrs = append(attrs, slog.String("error", strings.ReplaceAll(resp.Err.Error(), "\n", "; ")))
		}
		c.log.LogAttrs(ctx, level, requestAnswered, attrs...)
	}
	if c.observe != nil {
		c.observe(ctx, HandlerEvent{
			Tenant: name, Call: x.call, StatusCode: resp.StatusCode, Key: resp.Key, Failed: resp.failed,
			Start: x.start, Duration: took, Err: resp.Err,
		})
	}
}
