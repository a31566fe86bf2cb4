package platform

import (
	"context"
	"fmt"
	"time"

	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
)

// How the keys are looked at: every heldEvery while the keyboard is in use, and
// not at all once it has been still for heldRest. Whoever presses the last key
// of a chord later than that starts it anew.
const (
	heldEvery = 50 * time.Millisecond
	heldRest  = 300 * time.Millisecond
)

// heldDown waits for the first use of the sharer's own keyboard after a rest
// (an alarm of SYNC on the idle time of the core keyboard, which the server
// counts whoever has grabbed it) and looks at the keys until it rests again.
// XI_RawKeyPress would say it directly, but it is longer than 32 bytes, and the
// X library reads no such events.
func (x *xdesktop) heldDown(ctx context.Context, combo Combo) (<-chan struct{}, error) {
	c, err := x11.Connect(x.display)
	if err != nil {
		return nil, err
	}
	idle, err := watchIdle(c)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("platform: keys that are held: %w", err)
	}
	ch := make(chan struct{}, 1)
	stop := context.AfterFunc(ctx, c.Close)
	go func() {
		defer close(ch)
		defer func() {
			if stop() {
				c.Close()
			}
		}()
		for used := true; ; {
			if used { // also at first: it may be down already
				used = look(ctx, c, idle, combo, ch)
				continue
			}
			ev, err := c.WaitForEvent()
			if ev == nil && err == nil {
				return
			}
			used = c.AlarmNotify(ev)
		}
	}()
	return ch, nil
}

// watchIdle has the server tell c when the keyboard is used after a rest.
func watchIdle(c *x11.Conn) (*xinput.Idle, error) {
	if err := c.Require(x11.Sync); err != nil {
		return nil, err
	}
	idle, err := xinput.NewIdle(c.Conn)
	if err != nil {
		return nil, err
	}
	return idle, idle.Alarm(xinput.CoreKeyboard, heldRest)
}

// look looks at the keys once and tells whether to do it again soon, for which
// it has waited.
func look(ctx context.Context, c *x11.Conn, idle *xinput.Idle, combo Combo, ch chan<- struct{}) bool {
	rest, err := idle.Query(xinput.CoreKeyboard).Reply()
	if err != nil {
		return false
	}
	if held(c, combo) {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
	if rest >= heldRest {
		return false
	}
	select {
	case <-time.After(heldEvery):
		return true
	case <-ctx.Done():
		return false
	}
}
