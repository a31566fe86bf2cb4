package virtual

import (
	"os/exec"
	"syscall"
	"time"
)

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
