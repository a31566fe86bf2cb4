package input

import (
	"context"
	"errors"
	"fmt"
	"time"

	"viewflip.app/wire"
)

// ErrHeld means that something could not be let go: the system did not answer.
var ErrHeld = errors.New("input: a key or button could not be let go")

// retry is how soon something that could not be let go is tried again.
const retry = 250 * time.Millisecond

// Release lets go of everything that is held, in one go.
func (g *Gate) Release() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.desk == nil {
		return nil
	}
	return g.releaseAll()
}

// releaseAll empties the ledger; what fails stays in it.
func (g *Gate) releaseAll() error {
	if len(g.ledger.items) == 0 {
		return nil
	}
	v := g.desk.Atomically(Aim{Held: true}, func(_ Target, inj Injector) Verdict {
		return verdictOf(inj.ReleaseAll())
	})
	if !v.OK() {
		return fmt.Errorf("%w: %d held", ErrHeld, len(g.ledger.items))
	}
	g.ledger.items = g.ledger.items[:0]
	return nil
}

// Close lets go of everything and closes the Desk. The Gate refuses all events
// from then on. A second call does nothing.
func (g *Gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.desk == nil {
		return nil
	}
	err := g.releaseAll()
	g.closed = true
	return errors.Join(err, g.desk.Close())
}

// Run is the watchdog: it lets go of what nobody refreshed in time, of all
// when the window is hidden, of keys when the focus leaves it, and of all when
// ctx ends, which is when it returns.
func (g *Gate) Run(ctx context.Context) error {
	if g.desk == nil {
		return nil
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if wait, ok := g.expire(time.Now()); ok {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return g.Release()
		case <-timer.C:
		case <-g.wake:
		case <-g.desk.Changes():
			g.recheck()
		}
	}
}

// expire lets go of what is overdue and returns when to look again.
func (g *Gate) expire(now time.Time) (time.Duration, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return 0, false
	}
	for i := 0; i < len(g.ledger.items); {
		h := g.ledger.items[i]
		if h.deadline().After(now) {
			i++
			continue
		}
		if v := g.lift(h.release()); !v.OK() {
			return retry, true
		}
	}
	next, ok := g.ledger.next()
	return next.Sub(now), ok
}

// release is the event that lets go of h. Its point is nowhere in particular:
// a generation that no picture has sends it to the last allowed one.
func (h held) release() wire.Input {
	if h.button != 0 {
		return wire.Input{Kind: wire.Release, Button: h.button, Surface: ^wire.SurfaceID(0)}
	}
	return wire.Input{Kind: wire.KeyUp, Key: h.key}
}

// recheck looks at the window after it changed: a hidden window holds nothing,
// and keys that are held must not reach whoever has the focus now.
func (g *Gate) recheck() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || len(g.ledger.items) == 0 {
		return
	}
	v := g.desk.Atomically(Aim{Keys: true, Held: true, Layout: g.layout}, func(t Target, inj Injector) Verdict {
		s := t.State()
		if s.Visible && !s.HostActive && !s.Masked && (s.Focused || !g.ledger.typing()) {
			return Verdict{}
		}
		if err := inj.ReleaseAll(); err != nil {
			return verdictOf(err)
		}
		g.ledger.items = g.ledger.items[:0]
		return Verdict{}
	})
	if !v.OK() { // the ledger keeps it; let the watchdog try at once
		for i := range g.ledger.items {
			g.ledger.items[i].seen = time.Time{}
		}
	}
}
