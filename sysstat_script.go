package bbb

import (
	"bytes"
	_ "embed" // of the script
	"strconv"
	"strings"
	"time"
)

// sysStatScript is what [Server.SysStat] runs. It goes in through stdin of a plain
// "sh", so it needs no quoting, whatever the login shell is: that one only has to start
// a program. All of it is POSIX, since sh is dash or busybox as well.
//
// /proc is read first, so that it does not see sadf at work, and what it says is there
// already when a disk keeps sadf from ending. Of sadf's samples awk takes the newest:
// there is no option for that which means the same in all versions, and a whole day is
// megabytes.
//
//go:embed sysstat.sh
var sysStatScript string

// The parts of the script's output: each begins with a line of partMark and a name.
const (
	partMark  = "@bbb "
	partBegin = "begin" // what comes before is the login shell's
	partSadf  = "sadf"  // begins a try, which partWords completes
	partWords = "words"
	partEnd   = "end"
)

// machineAnswer is what the script wrote, cut into its parts.
type machineAnswer struct {
	begun bool
	parts map[string]string // but those of sadf
	sadf  []sadfAnswer
}

// sadfAnswer is what came of one try with sadf.
type sadfAnswer struct {
	json   []byte
	words  string // what it wrote to stderr
	status int    // how it ended; -1 when that did not come
}

// cutAnswer cuts what the script wrote. A part that comes twice is the last one.
func cutAnswer(text []byte) *machineAnswer {
	a := &machineAnswer{parts: make(map[string]string)}
	name, start := "", 0
	for at := 0; at < len(text); {
		next := len(text)
		if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		if mark, ok := bytes.CutPrefix(text[at:next], []byte(partMark)); ok {
			a.keep(name, text[start:at])
			name, start = strings.TrimSpace(string(mark)), next
			switch {
			case name == partBegin:
				a.begun = true
			case !a.begun: // not ours
				name = ""
			case name == partSadf:
				a.sadf = append(a.sadf, sadfAnswer{status: -1})
			case name == partEnd:
				return a
			}
		}
		at = next
	}
	a.keep(name, text[start:])
	return a
}

func (a *machineAnswer) keep(name string, text []byte) {
	text = bytes.TrimSpace(text)
	switch name {
	case "", partBegin:
	case partSadf:
		a.sadf[len(a.sadf)-1].json = text
	case partWords:
		if n := len(a.sadf); n > 0 {
			a.sadf[n-1].finish(string(text))
		}
	default:
		a.parts[name] = strings.ToValidUTF8(string(text), "\uFFFD") // as JSON will have it
	}
}

// finish takes the words, of which the last line is the status.
func (t *sadfAnswer) finish(words string) {
	i := strings.LastIndexByte(words, '\n') + 1
	status, ok := strings.CutPrefix(words[i:], "status ")
	n, err := strconv.Atoi(strings.TrimSpace(status))
	if !ok || err != nil {
		t.words = words
		return
	}
	t.words, t.status = strings.TrimSpace(words[:i]), n
}

// clock returns the seconds of the machine's clock, and whether it told.
func (a *machineAnswer) clock() (time.Time, bool) {
	n, err := strconv.ParseInt(a.parts["clock"], 10, 64)
	return time.Unix(n, 0).UTC(), err == nil && n > 0
}

// clockAhead is how far a clock that was read to the second between start and end is
// ahead of the one that measured these. It is 0 when they may agree; otherwise the
// middle of what is possible, since the clock was read at some moment between.
func clockAhead(start, end, clock time.Time) time.Duration {
	least, most := clock.Sub(end), clock.Add(time.Second).Sub(start)
	if least <= 0 && most >= 0 {
		return 0
	}
	return (least + (most-least)/2).Round(time.Second)
}
