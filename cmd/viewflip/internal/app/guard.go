package app

import (
	"context"
	"sync"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// Guard takes everything back when the panic key is pressed, the screen is
// locked, the machine sleeps or another user takes over, until a is closed. It
// runs on goroutines and connections of its own and waits for no GUI. The
// notice is one sentence for the person; "" when all is well.
func (a *App) Guard() (notice string) {
	left, _ := a.System.Away(a.ctx)
	if a.System.Desktop() == nil {
		a.wg.Go(func() { a.watch(nil, left, nil) })
		return ""
	}
	key, err := a.System.Panic()
	if err != nil {
		a.wg.Go(func() { a.watch(nil, left, nil) })
		return "There is no panic key: " + command.Plain(err) + "."
	}
	pressed, err := key.Pressed(a.ctx)
	if err != nil {
		notice = "Note: " + command.Plain(err) + "."
	}
	a.wg.Go(func() { a.watch(pressed, left, key.Held) })
	return notice
}

// watch looks at the keys themselves as well while somebody controls a window:
// a menu of that window may have grabbed the keyboard, and then nobody else is
// told of them.
func (a *App) watch(pressed, left <-chan struct{}, look func(context.Context) (<-chan struct{}, error)) {
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
					a.Log.Warn("the panic key is not heard while a program has the keyboard", "err", err)
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
func (a *App) takeBackAll() {
	var wg sync.WaitGroup
	for _, c := range a.running() {
		wg.Go(c.TakeBackAll)
	}
	wg.Wait()
}

// controlled reports whether somebody controls a window of ours.
func (a *App) controlled() bool {
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
func (a *App) running() []*session.Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]*session.Call, 0, len(a.calls))
	for c := range a.calls {
		out = append(out, c)
	}
	return out
}

// follow keeps a call among those that run until ctx, which ends with it.
func (a *App) follow(ctx context.Context, c *session.Call) {
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
