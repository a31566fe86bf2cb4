package command

import (
	"context"
	"os"

	"golang.org/x/sys/unix"
)

// unread calls gone when nobody can read f any more: the other end of a pipe or
// socket was closed. It waits for that without writing, and returns then or when
// ctx ends. Of a file or a terminal it never says so.
func unread(ctx context.Context, f *os.File, gone func()) {
	var wake [2]int
	if err := unix.Pipe2(wake[:], unix.O_CLOEXEC); err != nil {
		return
	}
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(woken); _ = unix.Close(wake[1]) })
	defer func() {
		if stop() {
			_ = unix.Close(wake[1])
		} else {
			<-woken
		}
		_ = unix.Close(wake[0])
	}()
	// No event is asked for: errors and hang-ups are told all the same.
	fds := []unix.PollFd{{Fd: int32(f.Fd())}, {Fd: int32(wake[0])}}
	for {
		n, err := unix.Poll(fds, -1)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil || n == 0 || fds[1].Revents != 0:
			return
		case fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0:
			gone()
			return
		default:
			return
		}
	}
}
