package bbb

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// sshLog is the file that ssh writes its own words to, apart from the command's stderr.
// It is a file because ssh closes all other descriptors that it inherits.
type sshLog struct {
	name    string       // empty: there is no file
	missing error        // why there is none
	kept    bytes.Buffer // then; of what is no command
}

// newSSHLog makes the file. Commands run without it, too: a machine that nobody can look at
// because the disk here is full or read-only is worse than words in the wrong place.
func newSSHLog() *sshLog {
	f, err := os.CreateTemp("", "bbb-ssh-*.log") // for us alone: 0600
	if err != nil {
		return &sshLog{missing: err}
	}
	_ = f.Close() // nothing was written
	return &sshLog{name: f.Name()}
}

func (l *sshLog) remove() {
	if l.name != "" {
		_ = os.Remove(l.name)
	}
}

// logTail is how much of the end of a log is read. Only a LogLevel of the caller makes
// it longer.
const logTail = 64 << 10

// notedLine is a line that noteEnd asks for.
var notedLine = regexp.MustCompile(`^(?:debug\d: )?(?:clientloop|mux)\.c:\w+\(\):\d+ \([^)]*\): (.*)$`)

// debugLine is a line that a LogLevel of the caller asks for. Such lines have the command, and
// there are so many that nothing else could be seen.
var debugLine = regexp.MustCompile(`^debug\d: `)

// notedStatus is how the session ended: -1 without a status of the command.
var notedStatus = regexp.MustCompile(`^(?:Exit status|Received exit status from master) (-?\d+)$`)

// sshNotes are what the log says.
type sshNotes struct {
	words  []string // ssh's own
	begun  bool     // there was a session for the command
	ended  bool     // the command ended by itself
	killed bool     // the command was killed by a signal
	shared bool     // the session was one of a shared connection, and ended without a status
	cut    bool     // of a long log only the end was read
}

// tail returns the end of the file; nothing when it cannot be read.
func (l *sshLog) tail() []byte {
	if l.name == "" {
		return l.kept.Bytes()[max(l.kept.Len()-logTail, 0):]
	}
	f, err := os.Open(l.name)
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // was only read
	if info, err := f.Stat(); err == nil && info.Size() > logTail {
		_, _ = f.Seek(-logTail, io.SeekEnd) // a file
	}
	text, _ := io.ReadAll(io.LimitReader(f, logTail)) // as much as can be had
	return text
}

// read reads the file. One that cannot be read says nothing, so ssh failed.
func (l *sshLog) read() (notes sshNotes) {
	text := l.tail()
	notes.cut = len(text) == logTail
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		noted := notedLine.FindStringSubmatch(line)
		if noted == nil {
			line = strings.Trim(line, "@ \t") // a frame of the warning about a host key
			if line != "" && !debugLine.MatchString(line) {
				notes.words = append(notes.words, line)
			}
			continue
		}
		// A shared connection may have refused a session, and then ssh makes a connection.
		notes.begun = notes.begun || strings.Contains(line, "clientloop.c:")
		if strings.Contains(noted[1], " rtype exit-signal ") {
			notes.killed = true
		}
		if noted[1] == "Control master terminated unexpectedly" { // so it says in both cases
			notes.shared = true
		}
		if m := notedStatus.FindStringSubmatch(noted[1]); m != nil {
			status, err := strconv.Atoi(m[1])
			notes.ended = err == nil && status >= 0
		}
	}
	return notes
}

// verdict says whose the status of ssh is. stderr is the beginning of what came there.
func (l *sshLog) verdict(state *os.ProcessState, release sshRelease, stderr []byte) (int, error) {
	status := state.ExitCode()
	if status >= 0 && status != 255 {
		return status, nil
	}
	if status < 0 {
		return -1, fmt.Errorf("%w: the program was ended: %v", ErrSSH, state)
	}
	if l.name == "" { // whose words stderr has cannot be told, so they are not shown
		return -1, fmt.Errorf("%w: it ended with status 255, or the command did; what it said is in stderr, as there is no file for it: %w", ErrSSH, l.missing)
	}
	notes := l.read()
	switch {
	case notes.ended:
		return status, nil
	case notes.killed:
		return -1, ErrCommandKilled
	}
	words := notes.text()
	switch {
	case notes.shared:
		words = strings.TrimSpace("the connection broke, or a signal killed the command, before it had ended " + words)
	case notes.begun:
		words = strings.TrimSpace("the connection broke before the command had ended " + words)
	case release.notes() && !notes.cut && len(stderr) > 0:
		// Nothing ran over there, so these are the words of a proxy.
		words = strings.TrimSpace(words + " " + shorten(string(stderr)))
	}
	if words == "" {
		words = "it ended with status 255 and without a word, or the command did"
	}
	return -1, fmt.Errorf("%w: %s", ErrSSH, words)
}

// text returns ssh's own words on one line. When there are many, the last are kept too:
// they say what it comes to.
func (n *sshNotes) text() string {
	text := shorten(strings.Join(n.words, " "))
	if strings.HasSuffix(text, "...") {
		text += " " + shorten(n.words[len(n.words)-1])
	}
	return text
}
