//go:build cgo

package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"github.com/go-gl/glfw/v3.4/glfw"
)

const (
	// idleAfter is how long after the last event the loop begins to rest; it
	// is longer than Fyne's animations.
	idleAfter = 1200 * time.Millisecond
	// idleWait is how long the loop rests at most without an event.
	idleWait = time.Second
	// promptWait is the same while somebody controls a window: the loop
	// waits in GLFW for input instead of looking 60 times a second.
	promptWait = 8 * time.Millisecond
	// tick is a little more than Fyne's own 60 Hz.
	tick = 18 * time.Millisecond
)

// pump makes Fyne's main loop wait for events. By itself the loop looks for
// input 60 times a second: too seldom for remote control (up to 16 ms late)
// and too often for a window in which nothing happens (1 % of a core). While
// the main goroutine sits in WaitEventsTimeout, input is handled the moment it
// arrives, and nothing is done without it. Functions given to do() end the
// wait; Fyne's own wait for at most idleWait, and only once nothing has
// happened for idleAfter.
func (s *glfwShell) pump(ctx context.Context) {
	for ctx.Err() == nil && !s.stopped.Load() {
		idle := time.Now().UnixNano()-s.touched.Load() > int64(idleAfter)
		switch {
		case s.prompts.Load() && !idle:
			s.wait(promptWait)
		case s.prompts.Load():
			s.wait(idleWait)
		case idle:
			s.wait(idleWait)
			pause(ctx, tick) // Fyne paints what the wait brought
		default:
			pause(ctx, 4*tick)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// wait lets the main goroutine wait for events.
func (s *glfwShell) wait(d time.Duration) {
	done := make(chan struct{})
	fyne.Do(func() {
		defer close(done)
		if s.stopped.Load() {
			return
		}
		// Fyne may have shut GLFW down on its own: then it is no use waiting.
		defer func() { _ = recover() }()
		s.waiting.Store(true)
		defer s.waiting.Store(false)
		if s.pending.Load() > 0 {
			return
		}
		begin := time.Now()
		glfw.WaitEventsTimeout(d.Seconds())
		if time.Since(begin) < d*9/10 {
			s.touch()
		}
	})
	select {
	case <-done:
	case <-time.After(2 * idleWait): // the loop has ended with this unasked
	}
}

// wake ends the wait.
func (s *glfwShell) wake() {
	if s.waiting.Load() {
		defer func() { _ = recover() }() // as in wait
		glfw.PostEmptyEvent()
	}
}
