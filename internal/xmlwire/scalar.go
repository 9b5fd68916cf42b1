package xmlwire

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// scalar makes a field of a value that is written as text.
func scalar[T any, V comparable](name, want string, at func(*T) *V,
	parse func(d *decoder, text []byte) (V, bool),
	format func(dst []byte, x V, e *escapes) []byte,
) Field[T] {
	return Field[T]{
		name: name,
		want: want,
		parse: func(d *decoder, v *T, text []byte) bool {
			x, ok := parse(d, text)
			if ok {
				*at(v) = x
			}
			return ok
		},
		format: func(dst []byte, v *T, e *escapes) []byte { return format(dst, *at(v), e) },
		isZero: func(v *T) bool { return *at(v) == *new(V) },
	}
}

// String is a text kept as it is, white space at its ends included.
func String[T any, S ~string](name string, at func(*T) *S) Field[T] {
	return textField(name, at, func(d *decoder, v *T, text []byte) bool {
		*at(v) = S(d.keep(text))
		return true
	})
}

// Common is a String that is often the same as another one, such as the name of
// somebody who is in many meetings. Equal values share their memory, most often,
// from the second or third on. The values of a Map do so, too.
func Common[T any, S ~string](name string, at func(*T) *S) Field[T] {
	return textField(name, at, func(d *decoder, v *T, text []byte) bool {
		*at(v) = S(d.keepCommon(text))
		return true
	})
}

// Trimmed is a text without the white space at its ends, for what servers pad
// with line ends: URLs, ids and keys.
func Trimmed[T any, S ~string](name string, at func(*T) *S) Field[T] {
	return textField(name, at, func(d *decoder, v *T, text []byte) bool {
		*at(v) = S(d.keep(trim(text)))
		return true
	})
}

// Enum is a Trimmed text out of a small set, such as a role. Equal values
// share their memory, nearly always.
func Enum[T any, S ~string](name string, at func(*T) *S) Field[T] {
	return textField(name, at, func(d *decoder, v *T, text []byte) bool {
		*at(v) = S(d.word(trim(text)))
		return true
	})
}

// textField and Bool do without scalar, whose parse and format are a call more:
// most fields are of these kinds.
func textField[T any, S ~string](name string, at func(*T) *S, parse func(*decoder, *T, []byte) bool) Field[T] {
	plain, _ := any(at).(func(*T) *string)
	return Field[T]{
		name:   name,
		want:   "text",
		parse:  parse,
		format: func(dst []byte, v *T, e *escapes) []byte { return appendEscaped(dst, string(*at(v)), e) },
		plain:  plain,
		isZero: func(v *T) bool { return *at(v) == "" },
	}
}

// Content is the text of the record's own element without the white space at
// its ends. A record with Content can have attributes but no child elements.
func Content[T any, S ~string](at func(*T) *S) Field[T] {
	f := Trimmed(contentName, at)
	f.kind = content
	return f
}

// contentName is what a Content field is called in panics; it has no name in
// XML.
const contentName = "(content)"

// Bool is true for the text "true" in any case, as in Java, and false for
// every other text.
func Bool[T any](name string, at func(*T) *bool) Field[T] {
	return Field[T]{
		name: name,
		want: "true or false",
		parse: func(_ *decoder, v *T, text []byte) bool {
			*at(v) = parseBool(text)
			return true
		},
		format: func(dst []byte, v *T, _ *escapes) []byte { return strconv.AppendBool(dst, *at(v)) },
		flag:   at,
		isZero: func(v *T) bool { return !*at(v) },
	}
}

func parseBool(text []byte) bool {
	switch string(text) {
	case "true":
		return true
	case "false":
		return false
	}
	return bytes.EqualFold(trim(text), []byte("true"))
}

const wantNumber = "a whole number in range"

// Int is a whole number. Servers print some with the separators of their
// locale, so everything that is neither digit nor letter is passed over; an
// empty text and "null" mean 0. Letters, or a number out of range, make a
// ValueError.
func Int[T any](name string, at func(*T) *int) Field[T] {
	f := scalar(name, wantNumber, at,
		func(_ *decoder, text []byte) (int, bool) {
			n, ok := parseInt(text)
			return int(n), ok && int64(int(n)) == n
		},
		func(dst []byte, x int, _ *escapes) []byte { return strconv.AppendInt(dst, int64(x), 10) })
	f.number = at
	return f
}

// Int64 is Int for sizes in bytes.
func Int64[T any](name string, at func(*T) *int64) Field[T] {
	return scalar(name, wantNumber, at,
		func(_ *decoder, text []byte) (int64, bool) { return parseInt(text) },
		func(dst []byte, x int64, _ *escapes) []byte { return strconv.AppendInt(dst, x, 10) })
}

// Millis is a time, read like Int as milliseconds since 1970 in UTC; 0 is the
// zero time and the other way round. What is finer than a millisecond is lost
// in writing.
func Millis[T any](name string, at func(*T) *time.Time) Field[T] {
	return scalar(name, wantNumber, at,
		func(_ *decoder, text []byte) (time.Time, bool) {
			ms, ok := parseInt(text)
			if ms == 0 {
				return time.Time{}, ok
			}
			return time.UnixMilli(ms).UTC(), ok
		},
		func(dst []byte, x time.Time, _ *escapes) []byte {
			if x.IsZero() {
				return append(dst, '0')
			}
			return strconv.AppendInt(dst, x.UnixMilli(), 10)
		})
}

// Minutes is a duration, read like Int as whole minutes. What is finer is lost
// in writing.
func Minutes[T any](name string, at func(*T) *time.Duration) Field[T] {
	const most = int64(math.MaxInt64 / time.Minute)
	return scalar(name, wantNumber, at,
		func(_ *decoder, text []byte) (time.Duration, bool) {
			n, ok := parseInt(text)
			return time.Duration(n) * time.Minute, ok && -most <= n && n <= most
		},
		func(dst []byte, x time.Duration, _ *escapes) []byte {
			return strconv.AppendInt(dst, int64(x/time.Minute), 10)
		})
}

// Custom is for a text that no other field reads. parse stores the text in v
// and reports whether it could; format returns the text to write. What they
// see is not escaped, so neither can make the XML malformed.
func Custom[T any](name, want string, parse func(v *T, text string) bool, format func(v *T) string) Field[T] {
	return Field[T]{
		name:   name,
		want:   want,
		parse:  func(d *decoder, v *T, text []byte) bool { return parse(v, d.keep(text)) },
		format: func(dst []byte, v *T, e *escapes) []byte { return appendEscaped(dst, format(v), e) },
		isZero: func(v *T) bool { return format(v) == "" },
	}
}

// parseInt reads a number as Int describes.
func parseInt(text []byte) (n int64, ok bool) {
	if n, ok := parseDigits(text); ok {
		return n, true
	}
	text = trim(text)
	if len(text) == 0 || string(text) == "null" {
		return 0, true
	}
	negative := text[0] == '-'
	digits := false
	for _, c := range text {
		if c < '0' || c > '9' {
			if 'a' <= c|0x20 && c|0x20 <= 'z' {
				return 0, false
			}
			continue
		}
		digits = true
		// The negative range is the larger one, so numbers are built there.
		if n < (math.MinInt64+int64(c-'0'))/10 {
			return 0, false
		}
		n = n*10 - int64(c-'0')
	}
	if !negative {
		if n == math.MinInt64 {
			return 0, false
		}
		n = -n
	}
	return n, digits
}

// parseDigits reads what nearly every number is: digits, and few enough to be
// in range.
func parseDigits(text []byte) (n int64, ok bool) {
	if len(text) == 0 || len(text) > 18 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
