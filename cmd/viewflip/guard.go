package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// defaultPanic takes everything back from everybody, at once.
const defaultPanic = "Ctrl+Alt+Shift+Escape"

// panicCombo reads VIEWFLIP_PANIC.
func panicCombo(getenv func(string) string) (platform.Combo, error) {
	s := getenv("VIEWFLIP_PANIC")
	if s == "" {
		s = defaultPanic
	}
	c, err := platform.ParseCombo(s)
	if err != nil {
		return c, fmt.Errorf("VIEWFLIP_PANIC: %w", err)
	}
	return c, nil
}

// panicKey takes the panic key; the error is a sentence. ctx ends it.
func panicKey(ctx context.Context, desk *platform.Desktop, combo platform.Combo) (<-chan struct{}, error) {
	pressed, err := desk.Hotkey(ctx, combo)
	if errors.Is(err, platform.ErrTaken) {
		return nil, fmt.Errorf("the panic key %s belongs to another program as well and is heard only while somebody controls a window; VIEWFLIP_PANIC sets another", combo)
	}
	if err != nil {
		return nil, fmt.Errorf("there is no panic key: %w", err)
	}
	return pressed, nil
}

// guard takes everything back when the panic key is pressed, the screen is
// locked, the machine sleeps or another user takes over, until a closes. It
// runs on goroutines and connections of its own and waits for no GUI. The
// notice is one sentence for the person; "" when all is well.
func (a *app) guard() (notice string) {
	left, _ := platform.Away(a.ctx, a.getenv, a.log)
	if a.desk == nil {
		a.wg.Go(func() { a.watch(nil, left, nil) })
		return ""
	}
	combo, err := panicCombo(a.getenv)
	if err != nil {
		a.wg.Go(func() { a.watch(nil, left, nil) })
		return "There is no panic key: " + plain(err) + "."
	}
	pressed, err := panicKey(a.ctx, a.desk, combo)
	if err != nil {
		notice = "Note: " + plain(err) + "."
	}
	a.wg.Go(func() {
		a.watch(pressed, left, func(ctx context.Context) (<-chan struct{}, error) { return a.desk.Held(ctx, combo) })
	})
	return notice
}

// watch looks at the keys themselves as well while somebody controls a window:
// a menu of that window may have grabbed the keyboard, and then nobody else is
// told of them.
func (a *app) watch(pressed, left <-chan struct{}, look func(context.Context) (<-chan struct{}, error)) {
	var held <-chan struct{}
	stop := func() {}
	defer func() { stop() }()
	for {
		select {
		case _, ok := <-pressed:
			if !ok {
				pressed = nil
				continue
			}
			a.takeBackAll()
		case _, ok := <-left:
			if !ok {
				left = nil
				continue
			}
			a.takeBackAll()
		case _, ok := <-held:
			if !ok {
				held = nil
				continue
			}
			a.takeBackAll()
		case <-a.changed:
			switch controlled := look != nil && a.controlled(); {
			case controlled && held == nil:
				ctx, cancel := context.WithCancel(a.ctx)
				stop = cancel
				var err error
				if held, err = look(ctx); err != nil {
					a.log.Warn("the panic key is not heard while a program has the keyboard", "err", err)
				}
			case !controlled && held != nil:
				stop()
				held = nil
			}
		case <-a.ctx.Done():
			return
		}
	}
}

// takeBackAll leaves nobody in any call with more than see and point.
func (a *app) takeBackAll() {
	var wg sync.WaitGroup
	for _, c := range a.running() {
		wg.Go(c.TakeBackAll)
	}
	wg.Wait()
}

// controlled reports whether somebody controls a window of ours.
func (a *app) controlled() bool {
	for _, c := range a.running() {
		for _, s := range c.State().Shares {
			for _, v := range s.Viewers {
				if v.Rights&wire.RightControl != 0 {
					return true
				}
			}
		}
	}
	return false
}

// running lists the calls that are not over.
func (a *app) running() []*session.Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]*session.Call, 0, len(a.calls))
	for c := range a.calls {
		out = append(out, c)
	}
	return out
}

// follow keeps a call among those that run until ctx, which ends with it.
func (a *app) follow(ctx context.Context, c *session.Call) {
	a.mu.Lock()
	a.calls[c] = true
	a.mu.Unlock()
	changed := c.Changed(ctx)
	a.wg.Go(func() {
		for range changed {
			select {
			case a.changed <- struct{}{}:
			default:
			}
		}
		a.mu.Lock()
		delete(a.calls, c)
		a.mu.Unlock()
	})
}

// panicLine is doctor's line about the panic key.
func panicLine(ctx context.Context, w world, desk *platform.Desktop) platform.Capability {
	c := platform.Capability{Name: "panic key"}
	combo, err := panicCombo(w.getenv)
	if err == nil {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		_, err = panicKey(ctx, desk, combo)
	}
	if err != nil {
		c.Detail = plain(err)
		return c
	}
	c.OK, c.Detail = true, combo.String()+" takes everything back from everybody at once"
	return c
}

// awayLine is doctor's line about leaving the machine.
func awayLine(ctx context.Context, w world) platform.Capability {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	_, c := platform.Away(ctx, w.getenv, w.logger())
	return c
}
