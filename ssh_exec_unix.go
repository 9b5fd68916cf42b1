//go:build unix

package bbb

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// canShareConnections is whether the ssh of the system can (ControlMaster).
const canShareConnections = true

// ownGroup keeps the signals of a terminal from ssh, and lets all that it starts be
// ended with it. That it is a session of its own keeps the terminal itself from them: the
// ssh of a ProxyJump knows nothing of BatchMode and would ask there for passwords.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

func terminateGroup(pid int) error {
	err := syscall.Kill(-pid, syscall.SIGTERM)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) } // mostly nobody is left

// readNow reads what is in a pipe already, and nothing when that is nothing.
func readNow(f *os.File, p []byte) (n int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		for {
			if n, failed = syscall.Read(int(fd), p); !errors.Is(failed, syscall.EINTR) {
				return true
			}
		}
	})
	return max(n, 0), errors.Join(err, failed)
}
