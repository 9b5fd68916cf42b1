package bbb

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Factor is what one [Checker] says of one server.
type Factor struct {
	// Checker is the name of the checker, such as "load".
	Checker string
	// Value scales the score of the server: 1 changes nothing, 0 rules the server
	// out. What is above 1 counts as 1; what is below 0 or not a number, as 0.
	Value float64
	// Reason says why, in a few words, for people.
	Reason string
	// Age is how old the data is that the factor was judged by; 0 when it is not
	// about data, or when there is none.
	Age time.Duration
}

// String returns the name, the value and the reason.
func (f Factor) String() string {
	text := f.Checker + " " + strconv.FormatFloat(f.Value, 'g', 3, 64)
	if f.Reason != "" {
		text += " (" + f.Reason + ")"
	}
	return text
}

type factorJSON struct {
	Checker string  `json:"checker"`
	Value   float64 `json:"value"`
	Reason  string  `json:"reason,omitempty"`
	Age     string  `json:"age,omitempty"`
}

// MarshalJSON writes the age as Go writes durations, such as "12s".
func (f Factor) MarshalJSON() ([]byte, error) {
	out := factorJSON{Checker: f.Checker, Value: f.Value, Reason: f.Reason}
	if f.Age != 0 {
		out.Age = f.Age.String()
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *Factor) UnmarshalJSON(text []byte) (err error) {
	var in factorJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*f = Factor{Checker: in.Checker, Value: in.Value, Reason: in.Reason}
	if in.Age != "" {
		f.Age, err = time.ParseDuration(in.Age)
	}
	return err
}

// Ranking is a decision about a new meeting as data: every server, what every
// checker said of it and why.
type Ranking struct {
	Group     string    `json:"group"`
	Time      time.Time `json:"time"`
	Placement Placement `json:"placement"`
	// Servers are in the order of their scores, the best first; equal ones in the
	// order of the group.
	Servers []RankedServer `json:"servers"`
	// Chosen is the name of the server that was taken. It is empty when none could
	// be, and in the answer of [Group.Rank], which takes none.
	Chosen string `json:"chosen,omitempty"`
}

// RankedServer is one server in a [Ranking].
type RankedServer struct {
	Server string `json:"server"` // its name
	// Score is 10 times all factors. A server of score 0 is never chosen.
	Score float64 `json:"score"`
	// Factors are what the checkers said, in the order in which they were asked. All
	// of them are asked also of a server that one has ruled out.
	Factors []Factor `json:"factors"`
	// Load is what the server was thought to have to carry.
	Load Load `json:"load"`
	// Refused is why the server does not get the meeting whatever its factors: it did
	// not take this very meeting when it was tried before, or it is disabled.
	Refused string `json:"refused,omitempty"`
}

// RuledOut returns why the server has a score of 0, or "".
func (r RankedServer) RuledOut() string {
	if r.Refused != "" {
		return r.Refused
	}
	for _, f := range r.Factors {
		if f.Value == 0 {
			if f.Reason == "" {
				return "ruled out by " + f.Checker
			}
			return f.Checker + ": " + f.Reason
		}
	}
	return ""
}

// String explains the decision to people, in one line for each server, the best
// first: its score and the factors that take from it, or what rules it out. The
// server that was chosen has a star. Factors of 1 are left out unless they give a
// reason; [RankedServer.Factors] has all of them.
func (r *Ranking) String() string {
	width := 0
	for _, s := range r.Servers {
		width = max(width, utf8.RuneCountInString(s.Server))
	}
	var b strings.Builder
	for _, s := range r.Servers {
		mark := " "
		if s.Server == r.Chosen {
			mark = "*"
		}
		fmt.Fprintf(&b, "%s %-*s  %s\n", mark, width, s.Server, s.explain())
	}
	return b.String()
}

func (r RankedServer) explain() string {
	if r.Score == 0 {
		return "   out  " + r.RuledOut()
	}
	var reasons []string
	for _, f := range r.Factors {
		if f.Value < 1 || f.Reason != "" {
			reasons = append(reasons, f.String())
		}
	}
	return strings.TrimRight(fmt.Sprintf("%6.3f  %s", r.Score, strings.Join(reasons, ", ")), " ")
}
