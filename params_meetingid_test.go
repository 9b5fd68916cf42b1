package bbb

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestValidateMeetingID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"physics-101_A": "", "ab": "", "Raum 7 ü": "", strings.Repeat("x", 256): "",
		"":                       "must have at least 2 characters",
		"a":                      "must have at least 2 characters",
		strings.Repeat("x", 257): "must have at most 256 characters",
		"a,b":                    "must not contain a comma",
		" ab":                    "must not begin or end with white space",
		"ab\n":                   "must not begin or end with white space",
		"a\nb":                   "must be one line without tabs",
		"a\x7fb":                 "must not contain control characters",
		"a\xffb":                 "must be UTF-8",
	} {
		assert.Equal(t, want, validateMeetingID(id), "%q", id)
	}
}
