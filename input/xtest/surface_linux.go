package xtest

import (
	"image"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/wire"
)

// member is a window of the group, as the group was last seen.
func (d *Desk) member(w xproto.Window) (platform.Member, bool) {
	return d.group.State().Member(platform.NewWindowID(uint32(w)))
}

// masked reports whether a dialog is open that may not be controlled.
func (d *Desk) masked() bool {
	for _, m := range d.group.State().Members {
		if m.Masked {
			return true
		}
	}
	return false
}

// onSurface decides on a pixel, counted from the window's corner, where the
// guest sees a menu or dialog. origin is the corner of the window's content on
// the screen. The group is followed on another connection and may be behind:
// the surface must be just where the guest saw it.
func (s *section) onSurface(f input.Surface, at, origin image.Point) input.Verdict {
	d, w := s.d, xproto.Window(f.Window.Native())
	m, ok := d.member(w)
	switch {
	case f.Masked || m.Masked:
		return input.Verdict{Reason: wire.Masked}
	case !ok:
		return input.Verdict{Reason: wire.Stale}
	}
	chain := d.chains[w]
	if len(chain) == 0 || !answer(d.ask(at, chain), chain).owned {
		chain = d.chainOf(w)
		if d.chains[w] = chain; chain == nil || !answer(d.ask(at, chain), chain).owned {
			return input.Verdict{Reason: wire.Covered}
		}
	}
	gc := xproto.GetGeometry(d.hands.act, xproto.Drawable(w))
	tc := xproto.TranslateCoordinates(d.hands.act, w, d.root, 0, 0)
	ec := xproto.GetProperty(d.hands.act, false, w, d.extents, xproto.GetPropertyTypeAny, 0, 4)
	g, gerr := gc.Reply()
	t, terr := tc.Reply()
	e, _ := ec.Reply()
	if gerr != nil || terr != nil {
		return input.Verdict{Reason: wire.Covered}
	}
	content := image.Rect(0, 0, int(g.Width), int(g.Height))
	if e != nil {
		content = crop(e.Value, int(g.Width), int(g.Height))
	}
	if content.Add(image.Pt(int(t.DstX), int(t.DstY))) != f.Whole.Sub(s.layout.Main.Min).Add(origin) {
		return input.Verdict{Reason: wire.Stale}
	}
	return input.Verdict{}
}

// ours reports whether a child of the root holds the window or a surface of it.
func (d *Desk) ours(top xproto.Window) bool {
	if len(d.chain) > 0 && top == d.chain[0] {
		return true
	}
	for _, c := range d.chains {
		if len(c) > 0 && c[0] == top {
			return true
		}
	}
	_, ok := d.member(top)
	return ok
}

// target is the window that our keyboard should have: the topmost dialog, for
// keys go there while it is open, or the window itself.
func (d *Desk) target() xproto.Window {
	w := d.win
	for _, m := range d.group.State().Members {
		if m.Kind == platform.SurfaceDialog && !m.Masked {
			w = xproto.Window(m.ID.Native())
		}
	}
	return w
}

// followGroup tells the gate when menus and dialogs come and go.
func (d *Desk) followGroup() {
	for {
		select {
		case <-d.group.Changes():
			d.mu.Lock()
			d.hostAt = 0 // it may be inside now, or no more
			d.chains = map[xproto.Window][]xproto.Window{}
			d.blank = map[xproto.Window]time.Time{}
			d.mu.Unlock()
			d.changed()
		case <-d.done:
			return
		}
	}
}
