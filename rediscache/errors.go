package rediscache

import (
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrUnavailable is matched by the error of an operation that was not sent, because
// those before it found no server; see [WithPause].
var ErrUnavailable = errors.New("the server is left alone for a while")

// cacheError is the error of an operation. Its text has nothing of what was stored, and
// no password.
type cacheError struct {
	op, text string
	err      error
}

func (e *cacheError) Error() string { return "rediscache: " + e.op + ": " + e.text }

// Unwrap returns the cause, such as [context.DeadlineExceeded], unless its text may hold
// a secret.
func (e *cacheError) Unwrap() error { return e.err }

func failure(op string, err error) error {
	text := clean(err)
	if text != err.Error() {
		err = nil
	}
	return &cacheError{op, text, err}
}

// clean returns the text of an error without what servers repeat of a command that they
// do not know or allow: "ERR unknown command 'SET', with args beginning with: ...".
func clean(err error) string {
	text := err.Error()
	if i := strings.Index(text, "with args"); i >= 0 {
		text = strings.TrimRight(text[:i], ", ")
	}
	return text
}

// asReply returns err as an error that a server answered with.
func asReply(err error) (redis.Error, bool) { return errors.AsType[redis.Error](err) }
