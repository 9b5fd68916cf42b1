package bbb

import (
	"encoding/binary"
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
	problemZero     = "must be greater than zero"
	problemTooLarge = "is too large"
	problemControl  = "must not contain control characters"
	problemFolded   = "is there twice: servers fold the name to lower case"
)

// manyLines allows line breaks and tabs but no other control characters. Encoded line breaks are
// safe: servers strip control characters from the query as it was sent, where those are %0A.
func manyLines(text string) string {
	switch {
	case isPlain(text):
		return ""
	case !utf8.ValidString(text):
		return "must be UTF-8"
	}
	for i := range len(text) {
		if byteClasses[text[i]] == controlByte {
			return problemControl
		}
	}
	if hasHighControl(text) {
		return problemControl
	}
	return ""
}

// hasHighControl reports whether one of U+0080 to U+009F is in a text, which is UTF-8.
func hasHighControl(text string) bool {
	for {
		i := strings.IndexByte(text, 0xC2)
		if i < 0 {
			return false
		}
		if text[i+1] < 0xA0 {
			return true
		}
		text = text[i+1:]
	}
}

// isSound reports whether a text whose bytes are of the classes seen has none of the classes bad, and is UTF-8 without
// control characters beyond ASCII.
func isSound(text string, seen, bad byteClass) bool {
	return seen&bad == 0 && (seen&highByte == 0 || utf8.ValidString(text) && !hasHighControl(text))
}

// oneLine allows no control characters at all.
func oneLine(text string) string {
	if isPlain(text) {
		return ""
	}
	for i := range len(text) {
		if c := text[i]; c == '\n' || c == '\r' || c == '\t' {
			return "must be one line without tabs"
		}
	}
	return manyLines(text)
}

// isPlain reports whether a text is all of printable ASCII characters, as most are: no rule about characters
// has more to look for.
func isPlain(text string) bool {
	n := len(text)
	if n < 8 {
		for i := range n {
			if c := text[i]; c < ' ' || c > '~' {
				return false
			}
		}
		return true
	}
	odd := oddIn8(text[n-8:]) // some of them twice, instead of one by one
	for ; n >= 16; n -= 8 {
		odd |= oddIn8(text[n-16:])
	}
	return odd|oddIn8(text) == 0
}

// oddIn8 is not 0 when one of the first eight bytes is no printable ASCII character: the lowest of those then has
// its highest bit set, or gets it by taking away a space, or by adding one.
func oddIn8(text string) uint64 {
	const each = 0x0101_0101_0101_0101
	eight := binary.LittleEndian.Uint64([]byte(text[:8]))
	return (eight | (eight - ' '*each) | (eight + each)) & (0x80 * each)
}

// oneWord is what every value of an enum satisfies, known or yet to come.
func oneWord(text string) string {
	if hasOnly(text, letterByte|digitByte|dashByte|underscoreByte|dotByte) {
		return ""
	}
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

// length limits the number of characters. Servers count UTF-16 units and some proxies count code
// points; a text within the limits here is within both.
func length(shortest, longest int) paramRule {
	return func(text string) string {
		if n := len(text); n >= utf8.UTFMax*shortest && n <= longest { // whatever is in it
			return ""
		}
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
	if isCommonURL(text, "https://") || isCommonURL(text, "http://") {
		return ""
	}
	if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "must be an absolute http or https URL"
	}
	return ""
}

// httpsURL is for URLs that servers fetch over https only.
func httpsURL(text string) string {
	if isCommonURL(text, "https://") {
		return ""
	}
	if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "https" {
		return "must be an absolute https URL"
	}
	return ""
}

// isCommonURL spares URLs as most are the parsing, which makes garbage: those with a host name, perhaps with
// a port, behind a prefix, then a path or nothing, and no escape that url.Parse would look at. Others need not be wrong.
func isCommonURL(text, prefix string) bool {
	text, ok := strings.CutPrefix(text, prefix)
	end := strings.IndexByte(text, '/')
	if end < 0 {
		end = len(text)
	}
	host, rest := text[:end], text[end:]
	if !hasOnly(host, letterByte|digitByte|dashByte|dotByte) {
		var port string
		host, port, _ = strings.Cut(host, ":")
		ok = ok && port != "" && hasOnly(port, digitByte) && hasOnly(host, letterByte|digitByte|dashByte|dotByte)
	}
	return ok && host != "" && isPlain(rest) && strings.IndexByte(rest, '%') < 0
}

// knownRole allows the two roles in any letter case.
func knownRole(text string) string {
	if _, err := ParseRole(text); err != nil {
		return "must be " + string(RoleModerator) + " or " + string(RoleViewer)
	}
	return ""
}

// A byteClass is one of the classes that bytes are of, or a set of them.
type byteClass uint16

// The classes: those of ASCII characters that names are made of, all others that are printable, those that make
// lines, and control characters; at last what only makes a character together with others.
const (
	smallByte byteClass = 1 << iota
	capitalByte
	digitByte
	dashByte
	underscoreByte
	dotByte
	markByte
	breakByte
	controlByte
	highByte

	letterByte = smallByte | capitalByte
)

var byteClasses = func() (classes [256]byteClass) {
	for c := range classes {
		switch {
		case c == '\n', c == '\r', c == '\t':
			classes[c] = breakByte
		case c < ' ', c == 0x7F:
			classes[c] = controlByte
		case c >= utf8.RuneSelf:
			classes[c] = highByte
		default:
			classes[c] = markByte
		}
	}
	for c := range byte('z' - 'a' + 1) {
		classes['a'+c], classes['A'+c] = smallByte, capitalByte
	}
	for c := range byte(10) {
		classes['0'+c] = digitByte
	}
	classes['-'], classes['_'], classes['.'] = dashByte, underscoreByte, dotByte
	return classes
}()

func isLetter(c byte) bool { return byteClasses[c]&letterByte != 0 }
func isDigit(c byte) bool  { return byteClasses[c] == digitByte }

// hasOnly reports whether a text has no bytes but those of some classes.
func hasOnly(text string, classes byteClass) bool {
	for i := range len(text) {
		if byteClasses[text[i]]&classes == 0 {
			return false
		}
	}
	return true
}

// hasCapital reports whether lower case changes a name: one of ASCII letters, or one that is of no use anyway.
func hasCapital(name string) bool {
	for i := range len(name) {
		if c := name[i]; 'A' <= c && c <= 'Z' || c > unicode.MaxASCII {
			return true
		}
	}
	return false
}

// metaKey is the rule for metadata names; servers drop others without a word.
func metaKey(key string) string {
	if !asciiName(key, dashByte) {
		return "must be a letter followed by letters, digits and '-' only after its prefix"
	}
	return ""
}

// pluginKey is the rule for the names of plugin parameters.
func pluginKey(key string) string {
	if !asciiName(key, dashByte|underscoreByte) {
		return "must be a letter followed by letters, digits, '-' and '_' only after its prefix"
	}
	return ""
}

// asciiName reports whether key is an ASCII letter followed by letters, digits and marks.
func asciiName(key string, marks byteClass) bool {
	return key != "" && isLetter(key[0]) && hasOnly(key, letterByte|digitByte|marks)
}

// hasDash is the one thing that no server accepts in the key of a userdata- parameter.
func hasDash(key string) bool { return strings.Contains(key, "-") }

// userDataKey is the rule for the keys of userdata- parameters. Servers write them into their
// answers as XML element names, so a bad one would make every answer about the meeting unreadable.
func userDataKey(key string) string {
	if asciiName(key, underscoreByte|dotByte) {
		return ""
	}
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
