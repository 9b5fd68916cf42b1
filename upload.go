package bbb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// upload is the body of a POST whose parameters stay in the query. It is sent as
// it is read: nothing of it is kept.
type upload struct {
	body        io.Reader
	contentType string // the bare type: some releases compare the whole header
	length      int64  // -1 when it is not known

	begun   atomic.Bool // something of the body was read
	touched func()      // called at each read
	failed  atomic.Pointer[error]

	mu   sync.Mutex // held while the body is read; protects over
	over bool       // the attempt is: the body is the caller's again

	// again makes an upload of the same body from its start, or returns an error
	// that says why it cannot. When it is nil, a body is sent again only if nothing
	// of it was read.
	again func() (*upload, error)
}

// afresh returns the upload for another attempt.
func (u *upload) afresh() (*upload, error) {
	switch {
	case u.again != nil:
		return u.again()
	case u.begun.Load():
		return nil, errContentRead
	}
	return &upload{body: u.body, contentType: u.contentType, length: u.length}, nil
}

// end takes the body away from a transport that may still be reading: net/http
// answers a call before it has sent the whole body, and goes on sending.
func (u *upload) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
}

// broken returns the error that the caller's reader ended with, if any.
func (u *upload) broken() error {
	if err := u.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Read implements [io.Reader] for the transport.
func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over {
		return 0, errNotYours
	}
	u.begun.Store(true)
	u.touched()
	n, err := u.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		u.failed.Store(&err)
	}
	return n, err
}

// Close implements [io.Closer]. What the caller gave stays the caller's.
func (u *upload) Close() error { return nil }

// withDeadline returns the context of a request. Its time-out is that of the
// server; while a body goes out it begins anew with each piece, so that a large
// one may take its time and one that stalls may not.
func (s *Server) withDeadline(parent context.Context, r request) (context.Context, context.CancelFunc) {
	if r.upload == nil {
		return context.WithTimeout(parent, s.cfg.requestTimeout)
	}
	ctx, cancel := context.WithCancelCause(parent)
	timer := time.AfterFunc(s.cfg.requestTimeout, func() { cancel(context.DeadlineExceeded) })
	r.upload.touched = func() { timer.Reset(s.cfg.requestTimeout) }
	return ctx, func() {
		timer.Stop()
		cancel(nil)
	}
}

// fetchJSON makes a call whose answer is JSON and decodes what stands in its
// "response", or the whole of it when there is none: not all proxies write it,
// nor do all calls. Failures may come as XML all the same. A type with a method
// problem judges what was decoded.
func fetchJSON[T any](ctx context.Context, s *Server, r request) (*T, error) {
	into := new(T)
	r.json = true
	err := s.do(ctx, r, func(resp *response) error {
		*into = *new(T)
		if err := resp.failure(); err != nil {
			return err
		}
		if firstByte(resp.body) != '{' {
			return resp.bad("no JSON")
		}
		var outer struct {
			Response json.RawMessage `json:"response"`
		}
		body := trimStart(resp.body)
		err := json.Unmarshal(body, &outer)
		if err == nil {
			if outer.Response != nil {
				body = outer.Response
			}
			err = json.Unmarshal(body, into)
		}
		if err != nil {
			// The decoder's errors quote no values but those of numbers.
			return fmt.Errorf("%w: %w", ErrBadAnswer, err)
		}
		if judged, ok := any(into).(interface{ problem() error }); ok {
			return judged.problem()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return into, nil
}

// needSuccess refuses an answer that does not say that the call succeeded.
func needSuccess(returncode string) error {
	if strings.EqualFold(returncode, "SUCCESS") {
		return nil
	}
	return fmt.Errorf("%w: no returncode", ErrBadAnswer)
}

// exactly reads the given number of bytes, and calls it an error when there are
// fewer. Of more it takes no notice: a file that grows is sent as long as it was.
type exactly struct {
	from io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.from.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if errors.Is(err, io.EOF) && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
