package bbbtest

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// release is the BigBlueButton release a server emulates.
type release struct {
	major, minor, patch int
	text                string // as the index call reveals it
}

// newestPatch is what a version without a patch number stands for: about the highest one that the
// API's own documentation dates something to. It matters only for being after a change: 2.6.18 and
// 2.7.8 changed what a POST may be.
var newestPatch = map[string]int{"2.4": 5, "2.5": 19, "2.6": 19, "2.7": 9, "3.0": 33}

// parseRelease reads "3.0", "3.0.19" or "3.0.0-beta.1".
func parseRelease(v string) (release, error) {
	bad := fmt.Errorf("bbbtest: %q is not a BigBlueButton version such as 3.0 or 3.0.19", v)
	numbers, _, _ := strings.Cut(strings.TrimSpace(v), "-")
	parts := strings.Split(numbers, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return release{}, bad
	}
	var n [3]int
	for i, part := range parts {
		x, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return release{}, bad
		}
		n[i] = int(x)
	}
	r := release{major: n[0], minor: n[1], patch: n[2], text: strings.TrimSpace(v)}
	if len(parts) == 2 {
		r.patch = newestPatch[numbers]
		r.text = fmt.Sprintf("%d.%d.%d", r.major, r.minor, r.patch)
	}
	return r, nil
}

func (r release) line() string { return fmt.Sprintf("%d.%d", r.major, r.minor) }

// atLeast reports whether r belongs to the line major.minor or a later one.
func (r release) atLeast(major, minor int) bool {
	return cmp.Or(cmp.Compare(r.major, major), cmp.Compare(r.minor, minor)) >= 0
}

// strictPOST reports whether POST is refused on join and whether the Content-Type of a body is
// checked: both came with 2.6.18 and 2.7.8 and hold for every later line.
func (r release) strictPOST() bool {
	switch r.line() {
	case "2.6":
		return r.patch >= 18
	case "2.7":
		return r.patch >= 8
	}
	return r.atLeast(3, 0)
}

// bareContentType reports whether the release compares the whole Content-Type header, so that even
// "application/xml; charset=utf-8" is refused. The patches after these two stopped doing so.
func (r release) bareContentType() bool {
	return r.line() == "2.6" && r.patch == 18 || r.line() == "2.7" && r.patch == 8
}

// algorithms are the checksum algorithms of a stock server of the release.
func (r release) algorithms() []string {
	if r.atLeast(2, 5) {
		return []string{"sha1", "sha256", "sha384", "sha512"}
	}
	return []string{"sha1", "sha256"}
}

// clientPath is where a successful join leads.
func (r release) clientPath() string {
	if r.atLeast(3, 0) {
		return "/html5client"
	}
	return "/html5client/join"
}
