package bbb

import (
	"errors"
	"fmt"
	"strings"
)

// ServerError is what one server of a fan-out failed with.
type ServerError struct {
	Server string // name of the server
	Err    error  // usually an *Error
}

// Error names the server and the cause.
func (e ServerError) Error() string { return e.Server + ": " + e.reason() }

// Unwrap returns the cause.
func (e ServerError) Unwrap() error { return e.Err }

// reason leaves out what an *Error would say twice in a list.
func (e ServerError) reason() string {
	if se, ok := errors.AsType[*Error](e.Err); ok && se == e.Err && se.Server == e.Server { //nolint:errorlint // this very error, not one below it
		return se.reason()
	}
	return e.Err.Error()
}

// GroupError says which servers of a group failed a call. A method that merges
// the answers of several servers returns what the others gave beside it: value
// and error both non-nil is a partial result. Tell an outage with
// [GroupError.AllFailed].
//
// [errors.Is] and [errors.As] look into the error of every server.
type GroupError struct {
	Call    string        // the API call, such as "getMeetings"
	Asked   int           // how many servers were asked
	Servers []ServerError // those that failed, in the order of the group
}

// shownFailures is how many servers the text of a GroupError names in full. The
// rest is counted: five hundred servers behind a broken network are one cause.
const shownFailures = 8

// Error names the servers that failed and why.
func (e *GroupError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "bbb: %s: %d of %d servers failed", e.Call, len(e.Servers), e.Asked)
	e.writeServers(&b)
	return b.String()
}

// writeServers writes what the servers failed with.
func (e *GroupError) writeServers(b *strings.Builder) {
	b.WriteString(": ")
	for i, s := range e.Servers {
		if i == shownFailures {
			fmt.Fprintf(b, "; and %d more", len(e.Servers)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(s.Error())
	}
}

// noServerError is ErrNoServer with the reason of each server.
type noServerError struct{ refused *GroupError }

func (e *noServerError) Error() string {
	var b strings.Builder
	b.WriteString(ErrNoServer.Error())
	e.refused.writeServers(&b)
	return b.String()
}

func (e *noServerError) Unwrap() []error { return []error{ErrNoServer, e.refused} }

// Unwrap returns the errors of the servers.
func (e *GroupError) Unwrap() []error {
	errs := make([]error, len(e.Servers))
	for i, s := range e.Servers {
		errs[i] = s
	}
	return errs
}

// AllFailed reports whether no server answered: an outage, not a partial
// result.
func (e *GroupError) AllFailed() bool { return len(e.Servers) >= e.Asked }

// Names returns the names of the servers that failed.
func (e *GroupError) Names() []string {
	names := make([]string, len(e.Servers))
	for i, s := range e.Servers {
		names[i] = s.Server
	}
	return names
}
