package bbb

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// textParam is a text of one line, or an enum.
func textParam[P any, T ~string](name string, at func(*P) *T) *param[P] {
	return &param[P]{
		names: []string{name}, reads: []string{name},
		field: func(p *P) any { return at(p) },
		write: func(dst []byte, p *P) []byte { return append(dst, *at(p)...) },
		text:  func(p *P) string { return string(*at(p)) },
		read:  func(p *P, text string) string { *at(p) = T(text); return "" },
		chars: oneLine, bad: breakByte | controlByte,
	}
}

// proseParam is a text of many lines. Logs show its size only: such texts are long, and they are
// where people put invitation links.
func proseParam[P any](name string, at func(*P) *string) *param[P] {
	f := textParam(name, at)
	f.chars, f.bad = manyLines, controlByte
	f.mask = maskSize
	return f
}

// enumParam is a word out of a set that newer servers may extend, so the set itself is no rule.
func enumParam[P any, T ~string](name string, at func(*P) *T) *param[P] {
	return textParam(name, at).rule(oneWord)
}

// roleParam is the role of somebody who joins; its letter case carries no meaning.
func roleParam[P any](name string, at func(*P) *Role) *param[P] {
	f := textParam(name, at)
	f.chars, f.rules = nil, []paramRule{knownRole}
	f.read = func(p *P, text string) string {
		role, err := ParseRole(text)
		if err != nil {
			role = Role(text) // kept as it came, so that Validate names it
		}
		*at(p) = role
		return ""
	}
	return f
}

// urlParam is an absolute URL. Logs show its host only, for path and query may hold a token.
func urlParam[P any](name string, at func(*P) *string) *param[P] {
	f := textParam(name, at).rule(webURL)
	f.mask = maskURL
	return f
}

// flagParam is a bool. Like servers, it reads "true" in any letter case as true and everything else
// as false.
func flagParam[P any](name string, at func(*P) **bool) *param[P] {
	return &param[P]{
		names: []string{name}, reads: []string{name},
		field: func(p *P) any { return at(p) },
		write: func(dst []byte, p *P) []byte {
			if v := *at(p); v != nil {
				dst = strconv.AppendBool(dst, *v)
			}
			return dst
		},
		flag: func(p *P) *bool { return *at(p) },
		tame: true,
		read: func(p *P, text string) string {
			*at(p) = new(strings.EqualFold(text, "true"))
			return ""
		},
	}
}

// numberParam is a count of something. Servers read it into 32 bits.
func numberParam[P any](name string, at func(*P) **int) *param[P] {
	return &param[P]{
		names: []string{name}, reads: []string{name},
		field: func(p *P) any { return at(p) },
		write: func(dst []byte, p *P) []byte {
			if v := *at(p); v != nil {
				dst = strconv.AppendInt(dst, int64(*v), 10)
			}
			return dst
		},
		tame: true,
		read: func(p *P, text string) string {
			n, problem := readNumber(text, math.MaxInt32)
			if problem == "" {
				*at(p) = new(int(n))
			}
			return problem
		},
		check: func(p *P) string {
			switch v := *at(p); {
			case v == nil:
				return ""
			case *v < 0:
				return problemNegative
			case *v > math.MaxInt32:
				return problemTooLarge
			default:
				return ""
			}
		},
	}
}

// countParam is a numberParam whose zero makes no sense.
func countParam[P any](name string, at func(*P) **int) *param[P] {
	f := numberParam(name, at)
	number := f.check
	f.check = func(p *P) string {
		if v := *at(p); v != nil && *v == 0 {
			return problemZero
		}
		return number(p)
	}
	return f
}

// minutesParam is a duration that travels in whole minutes.
func minutesParam[P any](name string, at func(*P) **time.Duration) *param[P] {
	return &param[P]{
		names: []string{name}, reads: []string{name},
		field: func(p *P) any { return at(p) },
		write: func(dst []byte, p *P) []byte {
			if v := *at(p); v != nil {
				dst = strconv.AppendInt(dst, int64(*v/time.Minute), 10)
			}
			return dst
		},
		tame: true,
		read: func(p *P, text string) string {
			// A time.Duration ends at 292 years, which is below the 32 bits of the server.
			n, problem := readNumber(text, math.MaxInt64/int64(time.Minute))
			if problem == "" {
				*at(p) = new(time.Duration(n) * time.Minute)
			}
			return problem
		},
		check: func(p *P) string {
			switch v := *at(p); {
			case v == nil:
				return ""
			case *v < 0:
				return problemNegative
			case *v%time.Minute != 0:
				return "must be a whole number of minutes"
			default:
				return ""
			}
		},
	}
}

// millisParam is a point in time that travels in milliseconds since 1970. It is read as UTC.
func millisParam[P any](name string, at func(*P) *time.Time) *param[P] {
	return &param[P]{
		names: []string{name}, reads: []string{name},
		field: func(p *P) any { return at(p) },
		write: func(dst []byte, p *P) []byte {
			if t := *at(p); !t.IsZero() {
				dst = strconv.AppendInt(dst, t.UnixMilli(), 10)
			}
			return dst
		},
		tame: true,
		read: func(p *P, text string) string {
			n, problem := readNumber(text, math.MaxInt64)
			if problem == "" {
				*at(p) = time.UnixMilli(n).UTC()
			}
			return problem
		},
		check: func(p *P) string {
			switch t := *at(p); {
			case t.IsZero():
				return ""
			case t.Before(time.UnixMilli(0)):
				return "must not be before 1970"
			case t.Nanosecond()%int(time.Millisecond) != 0:
				return "must be a whole number of milliseconds"
			default:
				return ""
			}
		},
	}
}

// listParam is a list of words that travels separated by commas.
func listParam[P any, T ~string](name string, at func(*P) *[]T) *param[P] {
	return &param[P]{
		names: []string{name}, reads: []string{name},
		field: func(p *P) any { return at(p) },
		write: func(dst []byte, p *P) []byte {
			for i, word := range *at(p) {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = append(dst, word...)
			}
			return dst
		},
		read: func(p *P, text string) string {
			for word := range strings.SplitSeq(text, ",") {
				if word = strings.TrimSpace(word); word != "" {
					*at(p) = append(*at(p), T(word))
				}
			}
			return ""
		},
		check: func(p *P) string {
			for _, word := range *at(p) {
				if word == "" {
					return "must not contain an empty word"
				}
				if problem := oneWord(string(word)); problem != "" {
					return problem
				}
			}
			return ""
		},
	}
}

// jsonParam is a list that travels as a JSON array. problem judges one element.
func jsonParam[P, T any](name string, at func(*P) *[]T, problem func(T) string) *param[P] {
	return &param[P]{
		names: []string{name}, reads: []string{name},
		field: func(p *P) any { return at(p) },
		write: func(dst []byte, p *P) []byte {
			if len(*at(p)) == 0 {
				return dst
			}
			// Without HTML escaping: & is no danger here and would grow threefold twice over.
			buf := bytes.NewBuffer(dst)
			enc := json.NewEncoder(buf)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(*at(p)); err != nil {
				panic(err) // the elements are texts and lists of texts, which always encode
			}
			return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
		},
		read: func(p *P, text string) string {
			var list []T
			if json.Unmarshal([]byte(text), &list) != nil {
				return "is not the JSON array it should be"
			}
			if len(list) > 0 {
				*at(p) = list
			}
			return ""
		},
		check: func(p *P) string {
			i := slices.IndexFunc(*at(p), func(v T) bool { return problem(v) != "" })
			if i < 0 {
				return ""
			}
			return "has an element that " + problem((*at(p))[i])
		},
	}
}

// readNumber reads decimal digits. A sign is refused: no parameter has a use for negative numbers,
// and a plus sign is a space by the time it arrives.
func readNumber(text string, highest int64) (n int64, problem string) {
	if digits(text) != "" {
		return 0, "is not a number"
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > highest {
		return 0, problemTooLarge
	}
	return n, ""
}
