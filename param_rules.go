package bbb

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A ParamError names a parameter that a server would refuse, drop or misread. [CreateParams.Validate],
// [ParseCreateParams] and their like join one for each problem, so use errors.As for the first of
// them, or errors.Is with [ErrInvalidParams] for the class.
//
// The text never contains the value, which may be a password or a token.
type ParamError struct {
	// Call is the API call, such as "create".
	Call string
	// Param is the parameter as it is named on the wire, such as "attendeePW" or "meta_origin".
	Param string
	// Problem continues a sentence that begins with the parameter, such as "is required".
	Problem string
}

// Error gives the whole sentence.
func (e *ParamError) Error() string {
	return "bbb: " + e.Call + ": parameter " + strconv.Quote(e.Param) + " " + e.Problem
}

// Is makes errors.Is(err, ErrInvalidParams) true.
func (e *ParamError) Is(target error) bool { return target == ErrInvalidParams }

// A paramRule says what is wrong with a text that is not empty, or "" when nothing is. What it says
// continues a sentence that begins with the parameter, and never contains the text.
type paramRule func(text string) (problem string)

const (
	problemNegative = "must not be negative"
	problemTooLarge = "is too large"
	problemFolded   = "is there twice: servers fold the name to lower case"
)

// manyLines allows line breaks and tabs but no other control characters. Encoded line breaks are
// safe: servers strip control characters from the query as it was sent, where those are %0A.
func manyLines(text string) string {
	switch {
	case !utf8.ValidString(text):
		return "must be UTF-8"
	case strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
	}):
		return "must not contain control characters"
	}
	return ""
}

// oneLine allows no control characters at all.
func oneLine(text string) string {
	if strings.ContainsAny(text, "\n\r\t") {
		return "must be one line without tabs"
	}
	return manyLines(text)
}

// oneWord is what every value of an enum satisfies, known or yet to come.
func oneWord(text string) string {
	if strings.ContainsFunc(text, unicode.IsSpace) || strings.Contains(text, ",") {
		return "must be one word without spaces or commas"
	}
	return oneLine(text)
}

// digits allows 0 to 9.
func digits(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		return "must be all digits"
	}
	return ""
}

// positive is for numbers whose zero makes no sense.
func positive(text string) string {
	if text == "0" {
		return "must be greater than zero"
	}
	return ""
}

// length limits the number of characters. Servers count UTF-16 units and some proxies count code
// points; a text within the limits here is within both.
func length(shortest, longest int) paramRule {
	return func(text string) string {
		units := 0
		for _, r := range text {
			units++
			if r > 0xFFFF {
				units++
			}
		}
		switch {
		case utf8.RuneCountInString(text) < shortest:
			return "must have at least " + strconv.Itoa(shortest) + " characters"
		case units > longest:
			return "must have at most " + strconv.Itoa(longest) + " characters"
		}
		return ""
	}
}

var meetingIDLength = length(2, 256)

// validateMeetingID tells what is wrong with a meeting ID, "" when nothing is. The rules are those of
// create: 2 to 256 characters, no comma (lists of IDs are separated by them), no control characters
// and no white space around.
func validateMeetingID(id string) (problem string) {
	switch {
	case strings.Contains(id, ","):
		return "must not contain a comma"
	case strings.TrimSpace(id) != id:
		return "must not begin or end with white space"
	}
	if problem := oneLine(id); problem != "" {
		return problem
	}
	return meetingIDLength(id)
}

// webURL allows absolute URLs of http and https.
func webURL(text string) string {
	if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "must be an absolute http or https URL"
	}
	return ""
}

// httpsURL is for URLs that servers fetch over https only.
func httpsURL(text string) string {
	if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "https" {
		return "must be an absolute https URL"
	}
	return ""
}

// knownRole allows the two roles in any letter case.
func knownRole(text string) string {
	if _, err := ParseRole(text); err != nil {
		return "must be " + string(RoleModerator) + " or " + string(RoleViewer)
	}
	return ""
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// metaKey is the rule for metadata names; servers drop others without a word.
func metaKey(key string) string {
	if !asciiName(key, "-") {
		return "must be a letter followed by letters, digits and '-' only after its prefix"
	}
	return ""
}

// pluginKey is the rule for the names of plugin parameters.
func pluginKey(key string) string {
	if !asciiName(key, "-_") {
		return "must be a letter followed by letters, digits, '-' and '_' only after its prefix"
	}
	return ""
}

// asciiName reports whether key is an ASCII letter followed by letters, digits and marks.
func asciiName(key, marks string) bool {
	for i := range len(key) {
		c := key[i]
		if !isLetter(c) && (i == 0 || !isDigit(c) && strings.IndexByte(marks, c) < 0) {
			return false
		}
	}
	return key != ""
}

// hasDash is the one thing that no server accepts in the key of a userdata- parameter.
func hasDash(key string) bool { return strings.Contains(key, "-") }

// userDataKey is the rule for the keys of userdata- parameters. Servers write them into their
// answers as XML element names, so a bad one would make every answer about the meeting unreadable.
func userDataKey(key string) string {
	if hasDash(key) {
		return "has a '-' after its prefix: servers drop it silently; Extra can still send it"
	}
	for i, r := range key {
		first := unicode.IsLetter(r) || r == '_'
		if !first && (i == 0 || !unicode.IsDigit(r) && r != '.') {
			return "must be a letter or '_' followed by letters, digits, '_' and '.' only after its prefix"
		}
	}
	if key == "" {
		return "must have a name after its prefix"
	}
	return ""
}
