//go:build !linux

package virtual

import (
	"errors"
	"io"
	"os/exec"
)

func reserve() (int, io.Closer, error) {
	return 0, nil, errors.New("virtual: private displays need Linux")
}

func isolate(*exec.Cmd) {}

func end(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
