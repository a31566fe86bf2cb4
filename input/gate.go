package input

import (
	"image"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"viewflip.app/wire"
)

// The most events a second that one person may cause, and how many at once
// after a pause. Releases are exempt.
const (
	eventRate  = 500
	eventBurst = 1000
	// maxWheel bounds one event to 20 notches.
	maxWheel = 20 * 120
)

// Config is what a Gate is built from.
type Config struct {
	// Desk is the window; the Gate owns it and closes it. Nil refuses all.
	Desk Desk
}

// Gate decides on one person's input to one shared window and carries it out.
// The zero Gate refuses everything. All methods may be called from any
// goroutine.
type Gate struct {
	desk  Desk
	limit *rate.Limiter
	// wake tells Run that the ledger changed.
	wake chan struct{}

	mu     sync.Mutex
	closed bool
	ledger ledger
	layout Layout
	// past are layouts that differ from layout, and each other, by tooltips alone.
	past []Layout
	// size is that of the window's content since layout was set; zero until it
	// was seen.
	size image.Point
}

// NewGate makes a gate that is ready for events.
func NewGate(cfg Config) *Gate {
	return &Gate{
		desk: cfg.Desk, limit: rate.NewLimiter(eventRate, eventBurst), wake: make(chan struct{}, 1),
	}
}

// SetGeneration is SetLayout for a picture that is the window and no more.
func (g *Gate) SetGeneration(gen uint32) { g.SetLayout(Layout{Gen: gen}) }

// SetLayout says where everything is in the current picture. Events that were
// aimed at a picture of another generation are refused, unless only tooltips
// came or went since, and not under the point.
func (g *Gate) SetLayout(l Layout) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.layout.equal(l) {
		return
	}
	if l.follows(g.layout) {
		g.past = append(g.past[max(0, len(g.past)+1-maxPast):], g.layout)
	} else {
		g.past = nil
	}
	g.layout, g.size = l, l.Main.Size()
}

// How long an event may wait until all of its characters can be typed, and how
// often a way is looked for. Whoever handles a person's messages one after the
// other does nothing else for them meanwhile.
const (
	maxWait  = time.Second
	waitStep = 10 * time.Millisecond
)

// Do decides on one event and carries it out. rights are the person's at this
// moment. Each character of a Text is decided on by itself: the window may be
// gone after the first. Do waits for a character that cannot be typed yet, up to
// a second for all of the event; the rest of a text is refused then as too much
// at once. Other calls of the gate go on meanwhile, and Close ends the wait.
func (g *Gate) Do(ev wire.Input, rights wire.Rights) Verdict {
	limit := time.Now().Add(maxWait)
	if ev.Kind != wire.Text {
		return g.patiently(ev, rights, limit)
	}
	v := refuse(wire.Failed)
	for _, r := range ev.Text {
		if v = g.patiently(wire.Input{Kind: wire.Text, Rune: r}, rights, limit); !v.OK() {
			break
		}
	}
	return v
}

// patiently tries until limit.
func (g *Gate) patiently(ev wire.Input, rights wire.Rights, limit time.Time) Verdict {
	for ; ; time.Sleep(waitStep) {
		v := g.do(ev, rights)
		if v != refuse(notYet) {
			return v
		}
		if !time.Now().Before(limit) {
			return refuse(wire.RateLimited)
		}
	}
}

// do is one attempt; notYet asks for another.
func (g *Gate) do(ev wire.Input, rights wire.Rights) Verdict {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.desk == nil {
		return refuse(wire.NoRight)
	}
	switch ev.Kind {
	case wire.Release, wire.KeyUp:
		return g.lift(ev)
	case wire.ReleaseAll:
		return verdictOf(g.releaseAll())
	default: // the rest needs the right
	}
	if rights&wire.RightControl == 0 {
		if len(g.ledger.items) > 0 { // the right went while something was held
			_ = g.releaseAll() // a failure stays in the ledger; Run tries again
		}
		return refuse(wire.NoRight)
	}
	now := time.Now()
	if !g.limit.AllowN(now, 1) {
		return refuse(wire.RateLimited)
	}
	if !g.desk.Visible() {
		return refuse(wire.Hidden)
	}
	switch ev.Kind {
	case wire.Move, wire.Press, wire.Wheel:
		return g.point(ev, now)
	case wire.KeyDown:
		return g.keyDown(ev, now)
	case wire.Text:
		return g.press(ev, -1, now)
	default:
		return refuse(wire.Failed)
	}
}

// point carries out an event that is aimed at a place.
func (g *Gate) point(ev wire.Input, now time.Time) Verdict {
	ev, ok := g.current(ev)
	if !ok {
		return refuse(wire.Stale)
	}
	again := ev.Kind == wire.Press && g.ledger.find(0, ev.Button) >= 0
	if again || ev.Kind == wire.Press && !ev.Button.Valid() {
		return refuse(wire.Failed) // a second press without a release is no press
	}
	if ev.Kind == wire.Press && len(g.ledger.items) >= maxHeld {
		return refuse(wire.RateLimited)
	}
	aim := Aim{Point: true, X: ev.X, Y: ev.Y, Layout: g.layout, Claim: ev.Kind == wire.Press, Held: g.ledger.dragging()}
	if ev.Kind == wire.Press {
		aim.Button = ev.Button
	}
	return g.desk.Atomically(aim, func(t Target, inj Injector) Verdict {
		s := t.State()
		switch {
		case s.Asked:
			return g.yield(inj, wire.Theirs)
		case s.HostActive:
			return g.yield(inj, wire.HostBusy)
		}
		p, v := g.place(ev, s)
		if v.OK() {
			v = t.At(p) // in a drag the pointer rests at the last allowed point
		}
		switch {
		case !v.OK():
			return v
		case ev.Kind != wire.Move && s.Masked:
			return refuse(wire.Masked)
		case ev.Kind != wire.Move && s.HostMods != 0:
			return refuse(wire.HostBusy)
		case ev.Kind != wire.Move && (g.ledger.mods()|s.Mods)&clickMods != 0:
			return refuse(wire.KeyDenied)
		}
		batch := []Action{{kind: wire.Move, at: p}}
		switch ev.Kind {
		case wire.Press:
			batch = append(batch, Action{kind: wire.Press, button: ev.Button})
		case wire.Wheel:
			batch = append(batch, Action{
				kind: wire.Wheel, dx: clamp(int(ev.DX)), dy: clamp(int(ev.DY)),
			})
		default: // the motion is all
		}
		if err := inj.Inject(batch); err != nil {
			return g.undo(inj, err, held{button: ev.Button})
		}
		g.ledger.point = p
		if ev.Kind == wire.Press {
			g.hold(held{button: ev.Button, seen: now})
		}
		g.ledger.touch(now)
		return Verdict{}
	})
}

func clamp(v int) int { return min(max(v, -maxWheel), maxWheel) }

// place finds the pixel that an event is aimed at, counted from the window's
// own content, or why there is none.
func (g *Gate) place(ev wire.Input, s State) (image.Point, Verdict) {
	switch {
	case !s.Visible:
		return image.Point{}, refuse(wire.Hidden)
	case s.Locked:
		return image.Point{}, refuse(wire.Locked)
	case s.Busy:
		return image.Point{}, refuse(wire.HostBusy)
	case s.Size.X <= 0 || s.Size.Y <= 0:
		return image.Point{}, refuse(wire.OutOfBounds)
	case g.size == image.Point{}:
		g.size = s.Size
	case g.size != s.Size: // resized, and the capture has not said so yet
		return image.Point{}, refuse(wire.Stale)
	}
	size := s.Size
	if g.layout.Size != (image.Point{}) {
		size = g.layout.Size
	}
	p := image.Pt(wire.Pixel(ev.X, size.X), wire.Pixel(ev.Y, size.Y))
	if !p.In(image.Rectangle{Max: size}) {
		return image.Point{}, refuse(wire.OutOfBounds)
	}
	return p.Sub(g.layout.Main.Min), Verdict{}
}

// keyDown presses a key, or keeps a held one down if the window still has the
// keyboard. A repeat of the one that went down last is checked and carried out
// like a press: a system that repeats by itself would do so wherever the focus
// is by then. A repeat of a key that is not held (any more) is a press like any
// other, if it says what it types. What was only tapped is tapped again by each
// repeat that does.
func (g *Gate) keyDown(ev wire.Input, now time.Time) Verdict {
	if !ev.Key.Valid() {
		return refuse(wire.Failed)
	}
	again := g.ledger.find(ev.Key, 0)
	switch {
	case again < 0 && len(g.ledger.items) >= maxHeld:
		return refuse(wire.RateLimited)
	case again < 0 && ev.Repeat && ev.Rune == 0 && ev.Key.Types():
		return Verdict{}
	case again >= 0 && g.ledger.items[again].tap && ev.Rune != 0:
		g.ledger.remove(again)
		again = -1
	}
	return g.press(ev, again, now)
}

// chordMods are the modifiers that make a command of a character.
const chordMods = wire.ModCtrl | wire.ModAlt | wire.ModSuper

// press is the section of a key or a character; again is where the key is in
// the ledger, if it is held.
func (g *Gate) press(ev wire.Input, again int, now time.Time) Verdict {
	aim := Aim{Keys: true, Layout: g.layout, Claim: again < 0, Held: g.ledger.dragging()}
	return g.desk.Atomically(aim, func(t Target, inj Injector) Verdict {
		if v := g.reachable(t.State(), inj, again >= 0); !v.OK() {
			return v
		}
		if again >= 0 {
			g.ledger.items[again].seen = now
			g.ledger.touch(now)
			if !ev.Repeat || !g.ledger.repeats(again) {
				return Verdict{}
			}
		}
		st, v := g.strokeOf(ev, again, t)
		if !v.OK() {
			return v
		}
		a, h := Action{kind: wire.KeyDown, key: ev.Key, stroke: st}, held{key: ev.Key, as: st.Key, stroke: st, tap: st.Tap, seen: now}
		if st.Tap {
			a.kind, h.as = wire.Text, 0
		}
		if again >= 0 {
			h = held{} // it is in the ledger
		}
		if err := inj.Inject([]Action{a}); err != nil {
			return g.undo(inj, err, h)
		}
		if h.key != 0 {
			g.hold(h)
		}
		g.ledger.touch(now)
		return Verdict{}
	})
}

// reachable tells whether keys may go to the window as things are, whichever they
// are. held says that the key is down already: then it may not stay so where the
// keyboard is not the window's any more.
func (g *Gate) reachable(s State, inj Injector, held bool) Verdict {
	switch {
	case !s.Visible:
		return refuse(wire.Hidden)
	case s.Locked:
		return refuse(wire.Locked)
	case s.Asked:
		return g.yield(inj, wire.Theirs)
	case s.HostActive:
		return g.yield(inj, wire.HostBusy)
	case s.Masked:
		return g.yield(inj, wire.Masked)
	case s.Covered:
		return g.yield(inj, wire.Covered)
	case s.Busy:
		return refuse(wire.HostBusy)
	case !s.Focused && held:
		return g.yield(inj, wire.NotFocused)
	case !s.Focused:
		return refuse(wire.NotFocused)
	}
	return Verdict{}
}

// strokeOf is what to press for a key or character, if a guest may press that.
func (g *Gate) strokeOf(ev wire.Input, again int, t Target) (Stroke, Verdict) {
	s := t.State()
	switch {
	case g.ledger.deny(ev.Key, s.Mods):
		return Stroke{}, refuse(wire.KeyDenied)
	case ev.Kind == wire.Text && s.Mods&chordMods != 0:
		return Stroke{}, refuse(wire.KeyDenied)
	case s.HostMods != 0: // theirs would make another chord of it
		return Stroke{}, refuse(wire.HostBusy)
	}
	var st Stroke
	var v Verdict
	if again >= 0 {
		st = g.ledger.items[again].stroke
	} else {
		st, v = t.Stroke(ev.Key, ev.Rune)
	}
	switch {
	case v.Reason == wire.RateLimited:
		return Stroke{}, refuse(notYet)
	case !v.OK():
		return Stroke{}, v
	case g.ledger.deny(st.Key, s.Mods):
		return Stroke{}, refuse(wire.KeyDenied)
	case t.Owned(st):
		return Stroke{}, refuse(wire.KeyOwned)
	}
	return st, Verdict{}
}

// yield refuses and makes way: nothing of ours stays down. What cannot be let
// go stays in the ledger, for Run.
func (g *Gate) yield(inj Injector, why wire.Reason) Verdict {
	if len(g.ledger.items) > 0 && inj.ReleaseAll() == nil {
		g.ledger.items = g.ledger.items[:0]
	}
	return refuse(why)
}

// undo makes nothing of an action that may have failed half-way. What cannot
// be let go even then is held, for Run to try again.
func (g *Gate) undo(inj Injector, err error, h held) Verdict {
	v := verdictOf(err)
	switch {
	case v.Reason != wire.Failed:
	case inj.ReleaseAll() == nil:
		g.ledger.items = g.ledger.items[:0]
	case h != held{}:
		h.tap = false
		g.hold(h)
	}
	return v
}

// hold enters something into the ledger and tells Run.
func (g *Gate) hold(h held) {
	g.ledger.items = append(g.ledger.items, h)
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// lift lets go of one key or button. Only what is held is let go; the rest is
// no error, since a refused press has a release too.
func (g *Gate) lift(ev wire.Input) Verdict {
	i := g.ledger.find(ev.Key, ev.Button)
	if i < 0 {
		return Verdict{}
	}
	if g.ledger.items[i].tap {
		g.ledger.remove(i)
		return Verdict{}
	}
	aim := Aim{Held: true, Layout: g.layout}
	if ev.Kind == wire.Release {
		aim.Point, aim.X, aim.Y = true, ev.X, ev.Y
	}
	return g.desk.Atomically(aim, func(t Target, inj Injector) Verdict {
		var batch []Action
		if p, ok := g.dropPoint(ev, t); ok {
			batch = append(batch, Action{kind: wire.Move, at: p})
		}
		batch = append(batch, Action{kind: ev.Kind, button: ev.Button, key: ev.Key})
		err := inj.Inject(batch)
		if err != nil && len(batch) > 1 { // it is let go, wherever the pointer is
			err = inj.Inject(batch[1:])
		}
		if err != nil {
			return verdictOf(err) // still in the ledger: Run lets go of it later
		}
		g.ledger.remove(i)
		if t.State().Asked { // what it was pressed for did not happen
			return refuse(wire.Theirs)
		}
		return Verdict{}
	})
}

// dropPoint is where a button is let go: where it was aimed if that is the
// window's own, else the last allowed point. When that is covered by now, the
// pointer stays where it is.
func (g *Gate) dropPoint(ev wire.Input, t Target) (image.Point, bool) {
	if ev.Kind != wire.Release {
		return image.Point{}, false
	}
	s := t.State()
	if !s.Visible || s.Busy || s.Locked {
		return image.Point{}, false
	}
	if ev, ok := g.current(ev); ok {
		if p, v := g.place(ev, s); v.OK() && t.At(p).OK() {
			return p, true
		}
	}
	p := g.ledger.point
	return p, t.At(p).OK()
}
