package xtest

import (
	"image"
	"slices"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// maxDepth bounds walks up the window tree.
const maxDepth = 32

// geometry is where the captured picture is in the window.
type geometry struct {
	w, h    int
	content image.Rectangle
}

// section is the world inside one server grab.
type section struct {
	d       *Desk
	state   input.State
	layout  input.Layout
	content image.Rectangle
	screen  image.Rectangle
	// at is the pixel that was looked up, in the window; spot is the answer.
	at   image.Point
	spot spot
	// mask is the modifiers of the injecting pair, as in the state of events.
	mask uint16
	// group is the group of its map that is in force.
	group uint8
	// focus is where the keys of the injecting pair go.
	focus xproto.Window
	// aimed says that its pointer was just put over the window.
	aimed bool
	// surface says that the pixel is that of a menu or dialog.
	surface bool
	// asked is the key that Owned was asked about last, and past the window past
	// which it must go: 0 if nobody has a passive grab of it there.
	asked byte
	past  xproto.Window
	// tops are the root's children, where the pair is the host's and grabbed.
	tops []xproto.Window
	// under is the child of the window that is under the acting pointer, 0 for none.
	under xproto.Window
	// eye is what the server says about the pixel that could be seen last time.
	eye spot
	// waiting says that a button is down on the acting pointer that this Desk does
	// not hold.
	waiting bool
	// controls are those of the acting keyboard that are on (XKB).
	controls uint32
	host     host
	whither  whither // where the host's focus went since a guest acted
}

// spot is what the server says about one pixel of the window.
type spot struct {
	known, owned bool
	root         image.Point
}

// Atomically implements [input.Desk]. All questions go out before the first
// answer is read: one round trip, if the window is where it was last time.
func (d *Desk) Atomically(aim input.Aim, f func(input.Target, input.Injector) input.Verdict) input.Verdict {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return input.Verdict{Reason: wire.Failed}
	}
	for limit := d.pressed.Add(settleTime); ; time.Sleep(settleStep) {
		v, settling := d.once(aim, f)
		if !settling || !time.Now().Before(limit) {
			return v
		}
	}
}

// How long after a press of ours a foreign grab of the pointer is taken for the
// window manager's: most of them hold every press back, until they have given
// the window the focus. It is waited out, never acted on.
const (
	settleTime = 100 * time.Millisecond
	settleStep = 2 * time.Millisecond
)

// once is one server grab. settling says that f was told of a foreign grab.
func (d *Desk) once(aim input.Aim, f func(input.Target, input.Injector) input.Verdict) (v input.Verdict, settling bool) {
	s := &section{d: d}
	before := d.acted
	v, settling = s.run(aim, f)
	switch {
	case !d.hands.second || d.acted.Equal(before):
	case s.whither == focusOnItsWay: // where it was is not forgotten
		d.seek()
	default:
		d.watchHost(s.host.focus)
	}
	return v, settling
}

// run is the section between grab and ungrab.
func (s *section) run(aim input.Aim, f func(input.Target, input.Injector) input.Verdict) (v input.Verdict, settling bool) {
	d, h := s.d, s.d.hands
	h.turn.Lock()
	defer h.turn.Unlock()
	if h.lost {
		return input.Verdict{Reason: wire.Failed}, false
	}
	h.drain()
	if d.timing != nil {
		begin := time.Now()
		defer func() { d.timing(time.Since(begin)) }()
	}
	if !d.nograb {
		xproto.GrabServer(h.act)
		defer xproto.UngrabServer(h.act) // also when f panics
	}
	if !s.look(aim) {
		return input.Verdict{Reason: wire.Failed}, false
	}
	if h.second { // else this act would make another window the host's
		s.whither = s.guardFocus()
	}
	v = f(s, s)
	return v, s.state.Busy && !s.state.Asked // that is told once
}

// look fetches what aim is about; false when the connection is gone.
func (s *section) look(aim input.Aim) bool {
	d := s.d
	s.layout, s.state.Masked = aim.Layout, d.masked()
	if aim.Point || aim.Claim { // an event of the guest's, who is told
		s.state.Asked = d.refused.Swap(false)
	}
	there, ok := s.read(s.ask(aim))
	if !there || !ok {
		return ok // without the window it is a State that is not visible
	}
	_, over := s.layout.Surface(pixel(aim, s.content).Sub(s.content.Min))
	if aim.Point && (!s.spot.known || !s.spot.owned && !over) {
		s.at = pixel(aim, s.content)
		s.spot = s.lookup(s.at)
	}
	s.keyboard(aim)
	return true
}

// keyboard finds out where keys go, and who else is at the keyboard.
func (s *section) keyboard(aim input.Aim) {
	d, h := s.d, s.d.hands
	if aim.Keys || aim.Claim || s.state.Busy {
		s.state.Focused = d.inside(s.focus)
	}
	s.ownGrabs(aim)
	if (s.state.Busy || s.state.Locked) && s.state.Focused && s.ownMenu() {
		s.state.Busy, s.state.Locked = false, false
	}
	s.state.Busy = s.state.Busy || aim.Point && aim.Claim && s.waiting
	// The host's own menus are none of the guest's business; their locker is.
	s.state.Covered = (aim.Keys || s.host.kbdGrabbed) && s.state.Visible && s.covered()
	s.state.Locked = s.state.Locked || s.host.kbdGrabbed && s.state.Covered
	if aim.Keys && h.typist != nil && h.typist != d || s.tooSoon(aim) {
		s.state.Busy = true
	}
	if !h.second || !aim.Claim || !s.state.Visible || s.state.Locked || s.state.HostActive || aim.Keys && s.state.Covered {
		return
	}
	if !s.host.ptrGrabbed { // the shared client itself may have to let go of it
		d.lead()
	}
	if !s.state.Focused {
		s.state.Focused = s.claim()
	}
}

// drain reads what the server reports on the acting connection: nobody else
// does.
func (h *hands) drain() {
	core, maps := false, map[xinput.DeviceID]bool{}
	for ev, err := h.act.PollForEvent(); ev != nil || err != nil; ev, err = h.act.PollForEvent() {
		if _, ok := ev.(xproto.MappingNotifyEvent); ok {
			core = true
		}
		if h.kb == nil {
			continue
		}
		if id, ok := h.kb.NewMap(ev); ok {
			maps[id] = true
		}
	}
	if core || maps[h.kbd] {
		if l, err := readLayout(h.act); err == nil {
			h.layout = l
		}
	}
	for id := range maps {
		if h.rules[id] == nil {
			continue
		}
		if err := h.readRules(id); err != nil {
			h.log.Warn("keyboard map not read", "err", err)
		}
	}
}

// grabbed tells a foreign grab from the refusal that a window gets for not
// being mapped (X protocol, GrabPointer; the server looks for grabs first).
func grabbed(status byte) bool { return status != xproto.GrabStatusNotViewable }

// pixel is the pixel that aim means, counted from the window's corner.
func pixel(aim input.Aim, content image.Rectangle) image.Point {
	size, offset := content.Size(), content.Min
	if l := aim.Layout; l.Size != (image.Point{}) {
		size, offset = l.Size, offset.Sub(l.Main.Min)
	}
	return offset.Add(image.Pt(wire.Pixel(aim.X, size.X), wire.Pixel(aim.Y, size.Y)))
}

// crop is what [x11.Conn.Content] returns for this _GTK_FRAME_EXTENTS; that
// one cannot be asked here, because the grab would block its connection.
func crop(value []byte, w, h int) image.Rectangle {
	full := image.Rect(0, 0, w, h)
	if len(value) != 16 {
		return full
	}
	var v [4]int // left, right, top, bottom
	for i := range v {
		x := xgb.Get32(value[4*i:])
		if x > 4096 {
			return full
		}
		v[i] = int(x)
	}
	r := image.Rect(v[0], v[2], w-v[1], h-v[3])
	if r.Empty() || !r.In(full) {
		return full
	}
	return r
}

// ask sends the hit test for a pixel, counted from the window's corner: at every
// level from the root down to the last of chain, which child is there?
func (d *Desk) ask(at image.Point, chain []xproto.Window) []xproto.TranslateCoordinatesCookie {
	return d.askOf(d.win, at, chain)
}

// askOf is ask for a pixel that is counted from the corner of another window.
func (d *Desk) askOf(of xproto.Window, at image.Point, chain []xproto.Window) []xproto.TranslateCoordinatesCookie {
	cs := make([]xproto.TranslateCoordinatesCookie, len(chain))
	parent := d.root
	for i, w := range chain {
		cs[i] = xproto.TranslateCoordinates(d.hands.act, of, parent, int16(at.X), int16(at.Y))
		parent = w
	}
	return cs
}

// answer reads the hit test: the pixel is ours if every level leads to the next.
func answer(cs []xproto.TranslateCoordinatesCookie, chain []xproto.Window) spot {
	s := spot{known: len(cs) > 0, owned: len(cs) > 0}
	for i, c := range cs {
		r, err := c.Reply()
		if err != nil || r.Child != chain[i] {
			s.owned = false
		}
		if i == 0 && err == nil {
			s.root = image.Pt(int(r.DstX), int(r.DstY))
		}
		if err != nil {
			s.known = false
		}
	}
	return s
}

// lookup does the hit test with a round trip of its own, and another if a
// window manager put the window into a new frame meanwhile.
func (s *section) lookup(at image.Point) spot {
	got := answer(s.d.ask(at, s.d.chain), s.d.chain)
	if got.owned || !s.d.climb() {
		return got
	}
	return answer(s.d.ask(at, s.d.chain), s.d.chain)
}

// climb reads the window's ancestors; false when they are what we knew.
func (d *Desk) climb() bool {
	chain := d.chainOf(d.win)
	if chain == nil || slices.Equal(chain, d.chain) {
		return false
	}
	d.chain = chain
	return true
}

// chainOf lists the windows from a child of the root down to w; nil when w is
// gone.
func (d *Desk) chainOf(w xproto.Window) []xproto.Window {
	chain := []xproto.Window{w}
	for range maxDepth {
		t, err := xproto.QueryTree(d.hands.act, chain[0]).Reply()
		if err != nil || t.Parent == 0 {
			return nil
		}
		if t.Parent == d.root {
			return chain
		}
		chain = append([]xproto.Window{t.Parent}, chain...)
	}
	return nil
}

// inside reports whether w is the shared window, a surface of it that is not
// masked, or inside one of them.
func (d *Desk) inside(w xproto.Window) bool {
	for range maxDepth {
		if m, ok := d.member(w); ok {
			return !m.Masked
		}
		switch w {
		case d.win:
			return true
		case 0, pointerRoot, d.root:
			return false
		}
		t, err := xproto.QueryTree(d.hands.act, w).Reply()
		if err != nil {
			return false
		}
		w = t.Parent
	}
	return false
}

// mods works out which modifiers are down, and which of them are not ours.
func (s *section) mods(keys []byte, mask uint16) {
	l := s.d.hands.layout
	var ours, theirs wire.Mods
	for code, m := range l.mods {
		switch {
		case m == 0 || code/8 >= len(keys) || keys[code/8]>>(code%8)&1 == 0:
		case s.d.holds(key{code: byte(code)}):
			ours |= m
		default:
			theirs |= m
		}
	}
	latched := maskMods(mask) &^ (ours | theirs)
	s.state.Mods = ours | theirs | latched
	s.state.HostMods = theirs | latched | maskMods(s.host.mods)
	s.mask, s.group = mask&0xff, uint8(mask>>13&3) // XKB's place for the group
}

// State implements [input.Target].
func (s *section) State() input.State { return s.state }

// At implements [input.Target].
func (s *section) At(p image.Point) input.Verdict {
	at := s.content.Min.Add(p)
	surface, over := s.layout.Surface(p)
	s.surface = over
	if !over && !at.In(s.content) {
		return input.Verdict{Reason: wire.OutOfBounds}
	}
	if !s.spot.known || at != s.at {
		s.at, s.spot = at, s.lookup(at)
	}
	switch {
	case s.spot.known && !s.spot.root.In(s.screen):
		return input.Verdict{Reason: wire.OutOfBounds}
	case s.spot.known && over:
		return s.onSurface(surface, at, s.spot.root.Sub(p))
	case !s.spot.known || !s.spot.owned:
		return input.Verdict{Reason: wire.Covered}
	}
	return input.Verdict{}
}
