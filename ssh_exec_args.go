package bbb

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// sshArgs makes the arguments of ssh.
type sshArgs struct {
	command *RemoteCommand
	release sshRelease
	log     string // the file for ssh's own words, or empty
	socket  string // of a connection that is shared, or empty
}

// noteEnd has these functions of ssh say how a session begins and ends, whatever the
// LogLevel. Nothing else tells a 255 of the command from ssh's own. Their lines go into the
// log file and never into errors; see sshLog.
const noteEnd = "LogVerbose=clientloop.c:client_loop()*,clientloop.c:client_input_channel_req()*,mux.c:mux_client_request_session()*"

// run returns the arguments that run the command.
func (a *sshArgs) run() []string {
	c := a.command
	args := a.first()
	if a.log != "" && a.release.notes() {
		args = append(args, "-o", noteEnd)
	}
	if a.socket != "" {
		args = append(args, "-S", escapePercent(a.socket), "-o", "ControlMaster=no")
	}
	args = append(a.options(args), "-o", "RequestTTY=no")
	// What an entry of the configuration that is made for tunnels may have.
	if a.release.atLeast(7, 6) {
		args = append(args, "-o", "RemoteCommand=none")
	}
	if a.release.atLeast(8, 7) {
		args = append(args, "-o", "SessionType=default", "-o", "StdinNull=no", "-o", "ForkAfterAuthentication=no")
	}
	line := strings.Join(c.Argv, " ") // as ssh does
	if strings.HasPrefix(line, "-") {
		line = " " + line // releases before 7.4 would take it for an option
	}
	return append(args, "--", c.Host, line)
}

// connect returns the arguments that make the connection which commands share. ssh goes
// into the background when it is there.
func (a *sshArgs) connect() []string {
	args := append(a.first(), "-S", escapePercent(a.socket), "-o", "ControlMaster=yes",
		"-o", "ControlPersist="+seconds(a.command.SSH.ControlPersist), "-N", "-f")
	return append(a.options(args), "--", a.command.Host)
}

// disconnect returns the arguments that end that connection.
func (a *sshArgs) disconnect() []string {
	args := append(a.first(), "-S", escapePercent(a.socket), "-O", "exit")
	return append(a.options(args), "--", a.command.Host)
}

// first returns what comes first. ssh takes the first value that it is given for an
// option, so this cannot be changed by others.
func (a *sshArgs) first() []string {
	args := []string{"-o", "BatchMode=yes"}
	if a.log != "" {
		args = append(args, "-E", a.log)
	}
	return args
}

// options appends what the caller wants, and then our defaults.
func (a *sshArgs) options(args []string) []string {
	how := a.command.SSH
	if how.ConfigFile != "" {
		args = append(args, "-F", how.ConfigFile)
	}
	if how.User != "" {
		args = append(args, "-l", how.User)
	}
	if how.Port != 0 {
		args = append(args, "-p", strconv.Itoa(how.Port))
	}
	if how.IdentityFile != "" {
		args = append(args, "-i", how.IdentityFile)
	}
	for _, o := range how.Options {
		args = append(args, "-o", o)
	}
	if how.IdentityFile != "" {
		args = append(args, "-o", "IdentitiesOnly=yes")
	}
	timeout := how.ConnectTimeout
	if timeout == 0 {
		timeout = DefaultSSHConnectTimeout
	}
	for _, o := range []string{
		"LogLevel=ERROR", // without the banner of sshd
		"ConnectTimeout=" + seconds(timeout),
		"ServerAliveInterval=5", "ServerAliveCountMax=3",
		"ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no", "PermitLocalCommand=no",
	} {
		args = append(args, "-o", o)
	}
	return args
}

// seconds writes a time as ssh takes it, rounded up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// escapePercent keeps ssh from expanding a path.
func escapePercent(path string) string { return strings.ReplaceAll(path, "%", "%%") }

// sshRelease is a release of OpenSSH: 9, 2. It is zero for other programs.
type sshRelease struct{ major, minor int }

func (r sshRelease) atLeast(major, minor int) bool {
	return r.major > major || r.major == major && r.minor >= minor
}

// notes reports whether the release does what noteEnd asks for.
func (r sshRelease) notes() bool { return r.atLeast(8, 5) }

var openSSHRelease = regexp.MustCompile(`OpenSSH(?:_for_Windows)?_(\d{1,4})\.(\d{1,4})`)

// parseSSHRelease reads what "ssh -V" prints.
func parseSSHRelease(text []byte) (r sshRelease) {
	if m := openSSHRelease.FindSubmatch(text); m != nil {
		r.major, _ = strconv.Atoi(string(m[1])) // digits
		r.minor, _ = strconv.Atoi(string(m[2]))
	}
	return r
}
