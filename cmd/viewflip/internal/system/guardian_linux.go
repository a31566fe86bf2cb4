package system

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"viewflip.app/platform/x11"
)

const (
	// guardianStart is how long the guardian may take to start.
	guardianStart = 10 * time.Second
	// guardianStop is how long it may take to see that it is not needed.
	guardianStop = 3 * time.Second
)

// guardian starts and is the guardian process of a display, "" for $DISPLAY.
type guardian struct{ display string }

// GuardianOn is the one of a display, "" for $DISPLAY; nil on a system that lacks it.
func GuardianOn(display string) Guardian { return guardian{display} }

// Start implements [Guardian]: it starts this very program.
func (g guardian) Start(ctx context.Context, slot int) (stop func(), err error) {
	// The link names the running program, also when its file was replaced.
	cmd := exec.Command("/proc/self/exe", GuardianCommand, strconv.Itoa(slot))
	if g.display != "" {
		name, authority := x11.SplitAuthority(g.display)
		cmd.Env = append(os.Environ(), "DISPLAY="+name)
		if authority != "" {
			cmd.Env = append(cmd.Env, "XAUTHORITY="+authority)
		}
	}
	// A group of its own: what is sent to ours, by a terminal for example, is
	// not meant for it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	kill := func() { _ = cmd.Process.Kill() }
	late := time.AfterFunc(guardianStart, kill)
	unasked := context.AfterFunc(ctx, kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	intime := late.Stop()
	asked := unasked()
	if err != nil || strings.TrimSpace(line) != GuardianReady || !intime || !asked {
		kill()
		return nil, errors.Join(fmt.Errorf("it did not get ready: %w", errors.Join(err, ctx.Err())), cmd.Wait())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // how it ended changes nothing here
	}()
	return func() {
		defer time.AfterFunc(guardianStop, kill).Stop()
		<-done
	}, nil
}
