package bbb

import (
	"maps"
	"strings"
)

// matches reports whether a recording has all the metadata that is wanted, by the
// rule of BigBlueButton.
func (f *RecordingFilter) matches(r *Recording) bool {
	for key, want := range f.Meta {
		if got, ok := metaOf(r, key); !ok || !matchValue(want, got) {
			return false
		}
	}
	return true
}

// metaOf returns a value whatever the case of its key, without the white space
// that some servers put around it.
func metaOf(r *Recording, key string) (string, bool) {
	value, ok := r.Metadata[strings.ToLower(key)]
	if !ok {
		for k, v := range r.Metadata {
			if strings.EqualFold(k, key) {
				value, ok = v, true
				break
			}
		}
	}
	return strings.TrimSpace(value), ok
}

func matchValue(want, got string) bool {
	if want == "%" {
		return true
	}
	text, open := strings.CutPrefix(want, "%")
	text, on := strings.CutSuffix(text, "%")
	switch {
	case open && on:
		return strings.Contains(got, text)
	case open:
		return strings.HasSuffix(got, text)
	case on:
		return strings.HasPrefix(got, text)
	}
	return got == text
}

// isPublished goes by the state where there is one.
func (r *Recording) isPublished() bool {
	if r.State == "" {
		return r.Published
	}
	return r.State.IsPublished()
}

// hasRecording reports whether a recording is in the scope. That of a breakout room has an
// ID which its server made up, and nothing leads from it to that of its parent: the metadata
// alone tells whose it is.
func (sc *Scope) hasRecording(r *Recording) bool {
	if !strings.HasPrefix(r.MeetingID, sc.prefix) && (!r.IsBreakout || len(sc.meta) == 0) {
		return false
	}
	for key, value := range sc.meta {
		if got, ok := metaOf(r, key); !ok || got != value {
			return false
		}
	}
	return true
}

// recordingFilter adds the scope's metadata to a filter. A value of the scope
// counts before that of the caller; whether a recording fits both is seen here,
// when it comes.
func (sc *Scope) recordingFilter(f RecordingFilter) RecordingFilter {
	if len(sc.meta) == 0 {
		return f
	}
	meta := maps.Clone(sc.meta)
	for key, value := range f.Meta {
		if _, own := meta[strings.ToLower(key)]; !own {
			meta[key] = value
		}
	}
	f.Meta = meta
	return f
}
