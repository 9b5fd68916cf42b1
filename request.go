package bbb

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// request is one API call before it is signed.
type request struct {
	call     string
	query    []byte // encoded parameters, without checksum
	form     bool   // send the parameters in a form body
	unsigned bool   // the index call needs no checksum
	once     bool   // must not reach the server twice
	traced   bool   // a failure must tell whether the server can have acted on the request
	target   string // a URL that is complete and signed, instead of all the above

	upload    *upload    // the body of a POST; the parameters stay in the query
	algorithm *Algorithm // of a service that is not the server's own; nil for the server's
	json      bool       // the answer is JSON
}

// response is an answer that was read. The body belongs to a pool: what is
// needed beyond the handling of the answer must be copied.
type response struct {
	status      int
	contentType string
	location    string // of a redirect
	body        []byte
	buf         *bodyBuffer // owns body
	unsure      bool        // of a traced request: see Error
}

// do sends one call to the server and hands the answer to accept. It is the
// only way to a server: here are the gate of the group, the deadline, the
// signature and its second try, cookies, limits, redaction, the observer, and
// what the server's health learns from the outcome.
//
// The error of accept is completed with the server and the call.
func (s *Server) do(ctx context.Context, r request, accept func(*response) error) error {
	if ctx.Value(insideKey{}) != s.group {
		if err := s.group.gate.enter(); err != nil {
			return &Error{Server: s.name, Call: r.call, Err: err}
		}
		defer s.group.gate.exit()
	}
	if err := s.lacks(&r); err != nil {
		return err
	}
	s.restore(ctx)
	if !isQuestion(r.call) {
		defer s.group.changes.Add(1) // however it ends: it may have been carried out
	}
	which := s.secret.Load()
	err := s.attempt(ctx, r, which, 1, accept)
	if !s.triesAgain(r, err) {
		return err
	}
	if r.upload != nil {
		var gone error
		if r.upload, gone = r.upload.afresh(); gone != nil {
			return withCause(err, gone)
		}
	}
	// A refused checksum means that nothing happened, so any call may be repeated.
	other := (which + 1) % int64(len(s.cfg.secrets))
	second := s.attempt(ctx, r, other, 2, accept)
	if errors.Is(second, ErrChecksum) {
		return err
	}
	if second == nil || !isFault(second) && ctx.Err() == nil {
		s.secret.CompareAndSwap(which, other)
	}
	return second
}

// triesAgain reports whether a call that ended with err is to be repeated with the
// other secret. A target was signed by another server.
func (s *Server) triesAgain(r request, err error) bool {
	return len(s.cfg.secrets) > 1 && r.target == "" && errors.Is(err, ErrChecksum)
}

func (s *Server) attempt(ctx context.Context, r request, which int64, n int, accept func(*response) error) error {
	begun := s.beginCheck()
	event := CallEvent{Group: s.group.name, Server: s.name, Call: r.call, Attempt: n, Start: time.Now()}
	ctx = s.group.observeStart(ctx, event)

	s.counts.calls.Add(1)
	s.counts.underWay.Add(1)
	defer s.counts.underWay.Add(-1)
	got := response{}
	err := s.roundTrip(ctx, r, s.cfg.secrets[which], &got)
	if r.upload != nil {
		r.upload.end()
	}
	if err == nil {
		err = accept(&got)
	}
	event.Bytes, event.StatusCode = len(got.body), got.status
	releaseBody(&got)

	if err != nil {
		err = s.failed(r.call, &got, err)
	}
	event.Duration, event.Err = time.Since(event.Start), err
	// Of another service beside it the server's health learns nothing, nor of a secret
	// that is being replaced.
	if r.algorithm == nil && (n > 1 || !s.triesAgain(r, err)) {
		s.learn(ctx, r.call, begun, err)
	}
	s.group.observeDone(ctx, event)
	s.saveCookies(ctx)
	return err
}

// learn feeds the health of the server. What the caller did (a cancelled or
// expired context, a closed group, a body that cannot be read) says nothing about
// it. Nor does what goes wrong with a call that is not about meetings: a list of
// recordings that takes too long must not have meetings given up. But when there is
// no connection at all, it does not matter what the call was.
//
// A server that does not know the calls at the heart of the API, or does not take our
// word there, is of no more use than one that is down.
func (s *Server) learn(ctx context.Context, call string, begun check, err error) {
	if ctx.Err() != nil || errors.Is(err, ErrClosed) {
		return
	}
	fault := isFault(err)
	if fault {
		s.counts.failures.Add(1)
	}
	switch {
	case unreachable(err):
		s.failing(ctx, begun, err)
	case !fault && !refusesUs(err), isCore(call) && turnedAway(err):
		s.answered(ctx, begun)
	case isCore(call):
		s.failing(ctx, begun, err)
	}
}

// refusesUs reports whether the server does not know the call, or not our secret.
func refusesUs(err error) bool {
	return errors.Is(err, ErrNotSupported) || errors.Is(err, ErrChecksum)
}

// turnedAway reports whether somebody who is well does not want this request, or not
// so many: HTTP 413, 429 and their kind. The statuses that a web server has for an API
// that is not there, or not for us, are none of these.
func turnedAway(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Key != "" || e.StatusCode < 400 || e.StatusCode > 499 {
		return false
	}
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return false
	}
	return true
}

// isQuestion reports whether a call changes nothing that an answer about meetings tells. What
// is not known here might.
func isQuestion(call string) bool {
	switch call {
	case callGetMeetings, callGetMeetingInfo, callIsMeetingRunning, callIndex, callGetRecordings, callGetSessions:
		return true
	}
	return false
}

func isCore(call string) bool {
	switch call {
	case callGetMeetings, callGetMeetingInfo, callIsMeetingRunning, callEnd:
		return true
	}
	return false
}

// failed turns any failure into an *Error of this server and call.
func (s *Server) failed(call string, got *response, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Err: err}
	}
	// What the server wrote may repeat what it was sent.
	e.Err, e.Message, e.Key = s.redact(e.Err), s.redactText(e.Message), s.redactText(e.Key)
	e.Server, e.Call, e.unsure = s.name, call, got.unsure
	if e.StatusCode == 0 {
		e.StatusCode = got.status
	}
	return e
}

// isFault reports whether err is a fault of the server or of the way to it,
// rather than a proper answer that says no.
func isFault(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Key == "" && e.Err != nil || e.Key == keyInternalError) &&
		!errors.Is(err, ErrClosed) && !errors.Is(err, ErrInvalidParams)
}

// ended returns why a context is over, matched by context.Canceled or
// context.DeadlineExceeded whatever cause it was given.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return ctx.Err()
}

// roundTrip sends the request and reads the answer, both within the time-out.
func (s *Server) roundTrip(parent context.Context, r request, secret string, got *response) error {
	ctx, cancel := s.withDeadline(parent, r)
	defer cancel()
	defer context.AfterFunc(s.group.stop, cancel)() //nolint:contextcheck // the group ends calls besides the caller

	sent := ctx
	if s.cfg.connectTimeout != DefaultConnectTimeout {
		sent = context.WithValue(ctx, connectTimeoutKey{}, s.cfg.connectTimeout)
	}
	err := s.exchange(sent, r, secret, got)
	if err == nil {
		return nil
	}
	settle(ctx)
	switch {
	case parent.Err() != nil:
		return ended(parent)
	case r.upload != nil && r.upload.broken() != nil:
		return fmt.Errorf("%w: the body cannot be read: %w", ErrInvalidParams, r.upload.broken())
	case s.group.stop.Err() != nil:
		return errCutOff
	case ctx.Err() != nil:
		return fmt.Errorf("no complete answer within %v: %w", s.cfg.requestTimeout, context.DeadlineExceeded)
	}
	return err
}

// errCutOff is the ErrClosed of a call that was under way when Close lost its
// patience. Unlike one that came too late, it may have reached the server.
var errCutOff = fmt.Errorf("%w: the call was cut off", ErrClosed)

func (s *Server) exchange(ctx context.Context, r request, secret string, got *response) error {
	var conns atomic.Int32 // that the request was given
	if r.traced {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GotConn: func(httptrace.GotConnInfo) { conns.Add(1) },
		})
	}
	req, err := s.newRequest(ctx, r, secret)
	if err != nil {
		return err
	}
	transport := s.transport
	if r.once {
		transport = s.once
	}
	s.jar.addTo(req)
	// Not an http.Client: to us a redirect is an answer, and its errors would hold
	// the signed URL.
	resp, err := transport.RoundTrip(req)
	if err != nil {
		got.unsure = conns.Load() > 0
		// Only of our own transport is it certain that it tells of connections.
		if r.traced && s.cfg.transport == nil && !got.unsure {
			err = &notConnectedError{err}
		}
		return err
	}
	defer resp.Body.Close()
	got.unsure = conns.Load() > 1
	if set := resp.Cookies(); len(set) > 0 {
		s.jar.SetCookies(req.URL, set)
	}
	got.status, got.contentType = resp.StatusCode, resp.Header.Get("Content-Type")
	got.location = resp.Header.Get("Location")
	if resp.ContentLength > s.cfg.answerLimit {
		return tooLarge(s.cfg.answerLimit)
	}
	return readBody(resp.Body, resp.ContentLength, s.cfg.answerLimit, got)
}

func (s *Server) newRequest(ctx context.Context, r request, secret string) (*http.Request, error) {
	var (
		method    = http.MethodGet
		algorithm = s.cfg.algorithm
		target    *url.URL
		body      io.Reader
	)
	if r.algorithm != nil {
		algorithm = *r.algorithm
	}
	switch {
	case r.target != "":
		var err error
		if target, err = url.Parse(r.target); err != nil {
			return nil, err
		}
	case r.unsigned:
		name := r.call
		if name == callIndex {
			name = ""
		}
		target = s.at(name, string(r.query))
	case r.form && s.cfg.formSigning == SignForm:
		method, target = http.MethodPost, s.at(r.call, "")
		form := javaForm(r.query)
		checksum := algorithm.Checksum(r.call, string(form), secret)
		body = bytes.NewReader(append(append(form, "&checksum="...), checksum...))
	case r.form:
		method, target = http.MethodPost, s.at(r.call, signedQuery(algorithm, r.call, nil, secret))
		body = bytes.NewReader(r.query)
	default:
		target = s.at(r.call, signedQuery(algorithm, r.call, r.query, secret))
	}
	// Without a URL, which it would parse.
	req, err := http.NewRequestWithContext(ctx, method, "", body)
	if err != nil {
		return nil, err
	}
	req.URL, req.Host = target, target.Host
	if r.form {
		// The bare type: some releases compare the whole header.
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if r.upload != nil {
		req.Method, req.Body, req.ContentLength = http.MethodPost, r.upload, r.upload.length
		req.Header.Set("Content-Type", r.upload.contentType)
		// A server that refuses the call at once need not get the body first, unless
		// net/http sends it on to keep the connection.
		req.Header.Set("Expect", "100-continue")
	}
	// Some actions choose between XML and JSON by this header.
	if r.json {
		req.Header["Accept"] = acceptJSON
	} else {
		req.Header["Accept"] = acceptXML
	}
	if len(s.userAgent) > 0 {
		req.Header["User-Agent"] = s.userAgent
	}
	return req, nil
}

// Values of headers that all requests share. There is no room behind them, so who adds a value
// makes a copy.
var (
	acceptXML  = []string{"application/xml"}
	acceptJSON = []string{"application/json"}
)

// javaForm encodes a query anew the way bbb-web does it before hashing a form:
// sorted by name, in the encoding of Java's URLEncoder, which leaves "*" alone.
func javaForm(query []byte) []byte {
	values, _ := url.ParseQuery(string(query)) // we encoded it
	return bytes.ReplaceAll(encodeValues(values), []byte("%2A"), []byte("*"))
}

// bodyBuffer is what an answer is read into.
type bodyBuffer struct {
	bytes.Buffer
	from io.LimitedReader
}

// bodies keeps the buffers that answers are read into.
var bodies = sync.Pool{New: func() any { return new(bodyBuffer) }}

// maxPooledBody keeps one huge answer from staying in memory for ever.
const maxPooledBody = 4 << 20

func readBody(from io.Reader, length, limit int64, got *response) error {
	buf := bodies.Get().(*bodyBuffer)
	buf.Reset()
	got.buf = buf
	if length > 0 {
		// The length is the server's word: believe it only so far.
		buf.Grow(int(min(length, maxPooledBody)) + bytes.MinRead)
	}
	buf.from = io.LimitedReader{R: from, N: min(limit, math.MaxInt64-1) + 1}
	_, err := buf.ReadFrom(&buf.from)
	buf.from.R = nil
	got.body = buf.Bytes()
	switch {
	case int64(buf.Len()) > limit:
		return tooLarge(limit)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: the connection ended after %d bytes: %w", ErrBadAnswer, buf.Len(), err)
	}
	return err
}

func releaseBody(r *response) {
	if r.buf != nil && r.buf.Cap() <= maxPooledBody {
		bodies.Put(r.buf)
	}
	r.buf, r.body = nil, nil
}

func tooLarge(limit int64) error {
	return fmt.Errorf("%w: %w: more than %d bytes", ErrBadAnswer, ErrAnswerTooLarge, limit)
}

// notConnectedError is a failure from before there was a connection.
type notConnectedError struct{ err error }

func (e *notConnectedError) Error() string { return e.err.Error() }
func (e *notConnectedError) Unwrap() error { return e.err }

// unreachable reports whether err says that there was no connection to be had.
func unreachable(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	if _, dns := errors.AsType[*net.DNSError](err); dns {
		return true
	}
	if _, tlsFailed := errors.AsType[*tls.CertificateVerificationError](err); tlsFailed {
		return true
	}
	_, before := errors.AsType[*notConnectedError](err)
	return before
}
