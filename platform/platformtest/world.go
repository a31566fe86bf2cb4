package platformtest

import (
	"context"
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"viewflip.app/platform"
	"viewflip.app/platform/platformtest/world"
	"viewflip.app/platform/x11"
	"viewflip.app/wire"
)

// World is an X display in the terms of package world. The zero World is none:
// make one with [NewWorld].
type World struct {
	t       testing.TB
	display string
	// c is another program, and the connection of the host's hand.
	c *x11.Conn
}

var _ world.World = (*World)(nil)

// NewWorld connects to a display until the test ends.
func NewWorld(t testing.TB, display string) *World {
	t.Helper()
	c, err := x11.Connect(display)
	if err != nil {
		t.Fatal("platformtest:", err)
	}
	t.Cleanup(c.Close)
	if err := c.Require(x11.XTest); err != nil {
		t.Fatal("platformtest:", err)
	}
	return &World{t: t, display: display, c: c}
}

// Screen implements [world.World].
func (w *World) Screen() image.Rectangle {
	return image.Rect(0, 0, int(w.c.Screen.WidthInPixels), int(w.c.Screen.HeightInPixels))
}

// Window implements [world.World].
func (w *World) Window(o world.Options) world.Window { return w.Open(o) }

// Open is Window with what X windows can do beside.
func (w *World) Open(o world.Options) *WorldWindow {
	w.t.Helper()
	x := Options{Title: o.Title, Bounds: o.Bounds, Color: o.Color, OverrideRedirect: o.Popup, Hidden: o.Hidden}
	if o.Owner != nil {
		x.TransientFor = xproto.Window(o.Owner.ID().Native())
	}
	switch o.Kind {
	case platform.SurfaceMenu:
		x.Type = "POPUP_MENU"
	case platform.SurfaceTooltip:
		x.Type = "TOOLTIP"
	case platform.SurfaceDialog:
		x.Type = "DIALOG"
	}
	if o.Chooser {
		x.Role = "GtkFileChooserDialog"
	}
	if of, ok := o.Of.(*WorldWindow); ok {
		return &WorldWindow{of.Sibling(x)}
	}
	return &WorldWindow{NewWindow(w.t, w.display, x)}
}

// HotKey implements [world.World]: a passive grab on the root.
func (w *World) HotKey(mods wire.Mods, k wire.Key) (free func()) {
	w.t.Helper()
	code, mask := xproto.Keycode(keycode(w.t, k)), maskOf(mods)
	const async = xproto.GrabModeAsync
	if err := xproto.GrabKeyChecked(w.c.Conn, false, w.c.Root, mask, code, async, async).Check(); err != nil {
		w.t.Fatal("platformtest: a shortcut:", err)
	}
	return func() {
		w.t.Helper()
		if err := xproto.UngrabKeyChecked(w.c.Conn, code, w.c.Root, mask).Check(); err != nil {
			w.t.Fatal("platformtest: a shortcut:", err)
		}
	}
}

// Host implements [world.World]: XTEST on the core pointer and keyboard.
func (w *World) Host() world.Host { return hand{w.t, w.c} }

// keycode is the number that X servers with evdev's keycodes have for a key.
func keycode(t testing.TB, k wire.Key) byte {
	t.Helper()
	code, ok := k.Evdev()
	if !ok || code > 247 {
		t.Fatalf("platformtest: X has no key %#x", k)
	}
	return byte(code + 8)
}

// hand is the host's.
type hand struct {
	t testing.TB
	c *x11.Conn
}

func (h hand) fake(kind, detail byte, p image.Point) {
	xtest.FakeInput(h.c.Conn, kind, detail, 0, h.c.Root, int16(p.X), int16(p.Y), 0)
	_, _ = xproto.GetInputFocus(h.c.Conn).Reply() // it has happened
}

// Move implements [world.Host].
func (h hand) Move(p image.Point) { h.fake(xproto.MotionNotify, 0, p) }

// Button implements [world.Host].
func (h hand) Button(b wire.Button, down bool) {
	if down {
		h.fake(xproto.ButtonPress, byte(b), image.Point{})
	} else {
		h.fake(xproto.ButtonRelease, byte(b), image.Point{})
	}
}

// Key implements [world.Host].
func (h hand) Key(k wire.Key, down bool) {
	h.t.Helper()
	if down {
		h.fake(xproto.KeyPress, keycode(h.t, k), image.Point{})
	} else {
		h.fake(xproto.KeyRelease, keycode(h.t, k), image.Point{})
	}
}

// Tap implements [world.Host].
func (h hand) Tap(keys ...wire.Key) {
	h.t.Helper()
	for _, k := range keys {
		h.Key(k, true)
	}
	for i := range keys {
		h.Key(keys[len(keys)-1-i], false)
	}
}

func (h hand) pointer() *xproto.QueryPointerReply {
	h.t.Helper()
	p, err := xproto.QueryPointer(h.c.Conn, h.c.Root).Reply()
	if err != nil {
		h.t.Fatal("platformtest: the pointer:", err)
	}
	return p
}

// At implements [world.Host].
func (h hand) At() image.Point {
	h.t.Helper()
	p := h.pointer()
	return image.Pt(int(p.RootX), int(p.RootY))
}

// State implements [world.Host].
func (h hand) State() world.State {
	h.t.Helper()
	m := h.pointer().Mask
	return world.State{Mods: modsOf(m), Held: heldOf(m), Caps: m&xproto.ModMaskLock != 0, Num: m&xproto.ModMask2 != 0}
}

// WorldWindow is a Window in the terms of package world.
type WorldWindow struct{ *Window }

// Show implements [world.Window].
func (w *WorldWindow) Show() { w.t.Helper(); w.Map() }

// Hide implements [world.Window].
func (w *WorldWindow) Hide() { w.t.Helper(); w.Unmap() }

// SetOwner implements [world.Window].
func (w *WorldWindow) SetOwner(of world.Window) { w.SetTransient(xproto.Window(of.ID().Native())) }

// Cut implements [world.Window].
func (w *WorldWindow) Cut(parts ...image.Rectangle) { w.t.Helper(); w.shape(shape.SkBounding, parts) }

// Clicks implements [world.Window].
func (w *WorldWindow) Clicks(parts ...image.Rectangle) { w.t.Helper(); w.shape(shape.SkInput, parts) }

func (w *WorldWindow) shape(kind shape.Kind, parts []image.Rectangle) {
	w.t.Helper()
	if err := shape.Init(w.c.Conn); err != nil {
		w.t.Fatal("platformtest:", err)
	}
	rs := make([]xproto.Rectangle, len(parts))
	for i, r := range parts {
		rs[i] = xproto.Rectangle{X: int16(r.Min.X), Y: int16(r.Min.Y), Width: uint16(r.Dx()), Height: uint16(r.Dy())}
	}
	if err := shape.RectanglesChecked(w.c.Conn, shape.SoSet, kind, 0, w.id, 0, 0, rs).Check(); err != nil {
		w.t.Fatal("platformtest: a shape:", err)
	}
}

// GrabPointer implements [world.Window].
func (w *WorldWindow) GrabPointer() {
	w.t.Helper()
	Eventually(w.t, "a grab of the pointer", func() bool {
		p, err := xproto.GrabPointer(w.c.Conn, true, w.id, xproto.EventMaskButtonPress|xproto.EventMaskPointerMotion,
			xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime).Reply()
		return err == nil && p.Status == xproto.GrabStatusSuccess
	})
}

// GrabKeyboard implements [world.Window].
func (w *WorldWindow) GrabKeyboard() {
	w.t.Helper()
	Eventually(w.t, "a grab of the keyboard", func() bool {
		k, err := xproto.GrabKeyboard(w.c.Conn, true, w.id, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
		return err == nil && k.Status == xproto.GrabStatusSuccess
	})
}

// Ungrab implements [world.Window].
func (w *WorldWindow) Ungrab() {
	xproto.UngrabPointer(w.c.Conn, xproto.TimeCurrentTime)
	xproto.UngrabKeyboard(w.c.Conn, xproto.TimeCurrentTime)
	w.sync()
}

// Down implements [world.Window].
func (w *WorldWindow) Down(k wire.Key) bool {
	w.t.Helper()
	code := keycode(w.t, k)
	r, err := xproto.QueryKeymap(w.c.Conn).Reply()
	if err != nil {
		w.t.Fatal("platformtest: the keys:", err)
	}
	return r.Keys[code/8]>>(code%8)&1 != 0
}

// Pressed implements [world.Window].
func (w *WorldWindow) Pressed(b wire.Button) bool {
	w.t.Helper()
	return hand{w.t, w.c}.State().Held.Has(b)
}

// Events implements [world.Window].
func (w *WorldWindow) Events() []world.Event { return translated(w.Window.Events()) }

// Await implements [world.Window].
func (w *WorldWindow) Await(ctx context.Context, ok func([]world.Event) bool) ([]world.Event, error) {
	es, err := w.Window.Await(ctx, func(es []Event) bool { return ok(translated(es)) })
	return translated(es), err
}

// translated says in neutral terms what a client received.
func translated(es []Event) []world.Event {
	var out []world.Event
	open := map[int]int{} // notches that have begun, by their X button: where they are in out
	for _, e := range es {
		n := world.Event{At: image.Pt(e.X, e.Y), Mods: modsOf(e.State), Held: heldOf(e.State), Time: time.Duration(e.Time) * time.Millisecond}
		switch e.Kind {
		case Press, Release:
			n.Kind, n.Button = world.Kind(e.Kind), wire.Button(e.Detail)
			if dx, dy := notch(e.Detail); dx != 0 || dy != 0 {
				// A notch is a press and its release; half of one is a button without
				// a name.
				n.Button = 0
				if i, is := open[e.Detail]; is && e.Kind == Release {
					out[i].Kind, out[i].DX, out[i].DY = world.Wheel, dx, dy
					delete(open, e.Detail)
					continue
				}
				if e.Kind == Press {
					open[e.Detail] = len(out)
				}
			}
		case Motion:
			n.Kind = world.Move
		case KeyDown, KeyUp:
			n.Kind = world.Kind(e.Kind)
			if e.Detail >= 8 {
				n.Key, _ = wire.KeyFromEvdev(uint16(e.Detail - 8))
			}
		case Focus:
			if e.Detail != xproto.NotifyDetailNonlinear {
				continue
			}
			n.Kind = world.Focus
		default:
			continue
		}
		out = append(out, n)
	}
	return out
}

// notch is how far an X button turns the wheel.
func notch(button int) (dx, dy int) {
	switch button {
	case 4:
		return 0, -120
	case 5:
		return 0, 120
	case 6:
		return -120, 0
	case 7:
		return 120, 0
	}
	return 0, 0
}

func modsOf(mask uint16) (m wire.Mods) {
	for _, p := range modMasks() {
		if mask&p.mask != 0 {
			m |= p.mods
		}
	}
	return m
}

func maskOf(m wire.Mods) (mask uint16) {
	for _, p := range modMasks() {
		if m&p.mods != 0 {
			mask |= p.mask
		}
	}
	return mask
}

type modMask struct {
	mods wire.Mods
	mask uint16
}

// modMasks is where X servers have the modifiers, with the usual layouts.
func modMasks() [4]modMask {
	return [4]modMask{
		{wire.ModShift, xproto.ModMaskShift}, {wire.ModCtrl, xproto.ModMaskControl},
		{wire.ModAlt, xproto.ModMask1}, {wire.ModSuper, xproto.ModMask4},
	}
}

func heldOf(mask uint16) (s world.Buttons) {
	for i, b := range []wire.Button{wire.Left, wire.Middle, wire.Right} {
		if mask&(xproto.ButtonMask1<<i) != 0 {
			s = s.With(b)
		}
	}
	return s
}
