package virtual

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// maxDisplays is how many numbers are tried for a display.
const maxDisplays = 1000

// reserve finds the number of a display that no server has, and keeps it: until
// hold is closed, servers that look for a number by themselves (-displayfd) take
// it for used. They see that by the abstract socket's name alone, and would
// otherwise put their own file in the place of a server's that has no abstract
// socket. The name is bound and nobody listens at it.
func reserve() (number int, hold io.Closer, err error) {
	for n := range maxDisplays {
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return 0, nil, fmt.Errorf("virtual: %w", os.NewSyscallError("socket", err))
		}
		f := os.NewFile(uintptr(fd), "display")
		socket := fmt.Sprintf("/tmp/.X11-unix/X%d", n)
		if syscall.Bind(fd, &syscall.SockaddrUnix{Name: "@" + socket}) == nil && free(socket) && free(fmt.Sprintf("/tmp/.X%d-lock", n)) {
			return n, f, nil
		}
		_ = f.Close()
	}
	return 0, nil, errors.New("virtual: there are too many X servers")
}

func free(file string) bool {
	_, err := os.Lstat(file)
	return errors.Is(err, os.ErrNotExist)
}

// isolate puts a child and its own children in a group that can be ended, and
// lets it die with the thread that starts it, however that ends.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// end asks the group to end, insists after two seconds, and reaps the child.
func end(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	t := time.AfterFunc(2*time.Second, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	_ = cmd.Wait()
	t.Stop()
}
