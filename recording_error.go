package bbb

import (
	"fmt"
	"slices"
	"strings"
)

// RecordingsError says of which recordings a change ([Group.PublishRecordings] and
// its like) is not known to have been made. It was made for all others that were
// named. The changes can be repeated without harm.
//
// It matches [ErrRecordingNotFound] when NotFound is not empty. [errors.As] finds
// the *[GroupError] in it when servers failed.
type RecordingsError struct {
	Call string // the API call, such as "publishRecordings"

	// NotFound are the IDs that no server has. It is empty for a deletion: what is
	// gone is as it should be.
	NotFound []string
	// Unknown are the IDs that were not found on any server that answered, while
	// others did not answer and may have them.
	Unknown []string
	// Failed are the servers that have recordings and failed to change them.
	Failed []RecordingsFailure
	// Servers has all servers that failed, those that did not say what they have
	// and those that failed to change it; nil when none did. If a server that was
	// silent has a second copy of a recording, that copy was not changed.
	Servers *GroupError
}

// RecordingsFailure is a server that failed to change recordings.
type RecordingsFailure struct {
	Server string   // name of the server
	IDs    []string // what it was to change; some of it may be changed
	Err    error    // usually an *Error
}

// Error says what is wrong on one line.
func (e *RecordingsError) Error() string {
	var parts []string
	add := func(what string, ids []string) {
		if len(ids) > 0 {
			parts = append(parts, what+" "+listed(ids))
		}
	}
	add("not found:", e.NotFound)
	add("not known whether they exist:", e.Unknown)
	for i, f := range e.Failed {
		if i == shownFailures {
			parts = append(parts, fmt.Sprintf("and failed on %d more servers", len(e.Failed)-i))
			break
		}
		add("failed on "+f.Server+":", f.IDs)
	}
	if e.Servers != nil {
		parts = append(parts, strings.TrimPrefix(e.Servers.Error(), "bbb: "))
	}
	return "bbb: " + e.Call + ": " + strings.Join(parts, "; ")
}

// listed names the first IDs and counts the rest.
func listed(ids []string) string {
	if len(ids) > shownFailures {
		return strings.Join(ids[:shownFailures], ", ") + fmt.Sprintf(" and %d more", len(ids)-shownFailures)
	}
	return strings.Join(ids, ", ")
}

// Is reports whether target is a class that e belongs to.
func (e *RecordingsError) Is(target error) bool {
	return target == ErrRecordingNotFound && len(e.NotFound) > 0
}

// Unwrap returns the *[GroupError], if servers failed.
func (e *RecordingsError) Unwrap() error {
	if e.Servers == nil {
		return nil
	}
	return e.Servers
}

// IDs returns all IDs of which the change is not known to have been made, each
// once.
func (e *RecordingsError) IDs() []string {
	all := slices.Concat(e.NotFound, e.Unknown)
	for _, f := range e.Failed {
		all = append(all, f.IDs...)
	}
	return distinct(all, false)
}
