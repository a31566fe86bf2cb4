package x11

import (
	"bytes"
	"image"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/wire"
)

// Limits of what is read of a property, in 4-byte units: an icon of 512 pixels
// fits, and nobody reads a title of more than 4 KiB.
const (
	maxProperty = 1 << 19
	maxText     = 1 << 10
)

// Property reads a property of any type; nil when it is not there.
func (c *Conn) Property(w xproto.Window, name string) []byte {
	return c.property(w, name, maxProperty)
}

func (c *Conn) property(w xproto.Window, name string, limit uint32) []byte {
	b, _ := c.ask(w, name, limit).value()
	return b
}

// asked is a property that was asked for; its value is waited for later, so that
// many can be on their way.
type asked struct{ cookie xproto.GetPropertyCookie }

func (c *Conn) ask(w xproto.Window, name string, limit uint32) asked {
	return asked{xproto.GetProperty(c.Conn, false, w, c.Atom(name), xproto.GetPropertyTypeAny, 0, limit)}
}

// value waits for the property and its type; nil when it is not there. It must be
// called once.
func (a asked) value() ([]byte, xproto.Atom) {
	r, err := a.cookie.Reply()
	if err != nil {
		return nil, 0
	}
	return r.Value, r.Type
}

// Cardinals reads a property of 32-bit values.
func (c *Conn) Cardinals(w xproto.Window, name string) []uint32 {
	return cardinals(c.Property(w, name))
}

func cardinals(b []byte) []uint32 {
	out := make([]uint32, 0, len(b)/4)
	for ; len(b) >= 4; b = b[4:] {
		out = append(out, xgb.Get32(b))
	}
	return out
}

// HasAtom reports whether a property that lists atoms has one.
func (c *Conn) HasAtom(w xproto.Window, property, atom string) bool {
	return slices.Contains(c.Cardinals(w, property), uint32(c.Atom(atom)))
}

// Title is _NET_WM_NAME, else WM_NAME (xterm sets only that), cleaned: it is the
// text of somebody else's program, and goes to terminals, screens and peers.
func (c *Conn) Title(w xproto.Window) string {
	return c.title(c.ask(w, "_NET_WM_NAME", maxText), c.ask(w, "WM_NAME", maxText))
}

func (c *Conn) title(modern, old asked) string {
	value, kind := modern.value()
	if last, lastKind := old.value(); len(value) == 0 { // both are waited for
		value, kind = last, lastKind
	}
	return wire.CleanTitle(c.text(value, kind))
}

// text reads a text property by its type (ICCCM 2.7.1).
func (c *Conn) text(b []byte, kind xproto.Atom) string {
	switch {
	case kind == c.Atom("UTF8_STRING"):
		return strings.ToValidUTF8(string(b), "\uFFFD")
	case kind == c.Atom("COMPOUND_TEXT") && (bytes.IndexByte(b, esc) >= 0 || !utf8.Valid(b)):
		return compound(b)
	case utf8.Valid(b): // many clients put UTF-8 where Latin-1 belongs
		return string(b)
	}
	r := make([]rune, len(b))
	for i, x := range b { // STRING is Latin-1
		r[i] = rune(x)
	}
	return string(r)
}

// Class is the second half of WM_CLASS: the application's name, cleaned.
func (c *Conn) Class(w xproto.Window) string { return className(c.ask(w, "WM_CLASS", maxText)) }

func className(a asked) string {
	b, _ := a.value()
	p := strings.Split(strings.ToValidUTF8(string(b), "\uFFFD"), "\x00")
	if len(p) > 1 && p[1] != "" {
		return wire.CleanTitle(p[1])
	}
	return wire.CleanTitle(p[0])
}

// PID is what the client says its process id is; 0 when it does not.
func (c *Conn) PID(w xproto.Window) int {
	if v := c.Cardinals(w, "_NET_WM_PID"); len(v) > 0 {
		return int(v[0])
	}
	return 0
}

// iconicState is ICCCM 4.1.3.1's.
const iconicState = 3

// Iconic reports whether the window manager keeps the window minimised.
func (c *Conn) Iconic(w xproto.Window) bool {
	v := c.Cardinals(w, "WM_STATE")
	return len(v) > 0 && v[0] == iconicState || c.HasAtom(w, "_NET_WM_STATE", "_NET_WM_STATE_HIDDEN")
}

// Content is the part of a window of size w by h that the application means:
// without the shadow that client-side decorations draw around it
// (_GTK_FRAME_EXTENTS). Capture and input use the same rectangle, so that
// coordinates agree.
func (c *Conn) Content(win xproto.Window, w, h int) image.Rectangle {
	return contentOf(c.Cardinals(win, "_GTK_FRAME_EXTENTS"), w, h)
}

// contentOf takes extents: left, right, top, bottom.
func contentOf(v []uint32, w, h int) image.Rectangle {
	full := image.Rect(0, 0, w, h)
	if len(v) != 4 {
		return full
	}
	for _, x := range v {
		if x > 4096 {
			return full
		}
	}
	r := image.Rect(int(v[0]), int(v[2]), w-int(v[1]), h-int(v[3]))
	if r.Empty() || !r.In(full) {
		return full
	}
	return r
}

// Managed lists the windows that the window manager manages, bottom first. Where
// there is none, or one from before EWMH, these are the mapped children of the
// root, or what a window manager has put into them (ICCCM 4.1.3.1, WM_STATE).
func (c *Conn) Managed() []xproto.Window {
	for _, p := range []string{"_NET_CLIENT_LIST_STACKING", "_NET_CLIENT_LIST"} {
		if v := c.Cardinals(c.Root, p); len(v) > 0 {
			out := make([]xproto.Window, len(v))
			for i, x := range v {
				out[i] = xproto.Window(x)
			}
			return out
		}
	}
	if len(c.Cardinals(c.Root, "_NET_SUPPORTING_WM_CHECK")) > 0 {
		return nil // there is a window manager, and it has no window
	}
	r, err := xproto.GetWindowAttributes(c.Conn, c.Root).Reply()
	framed := err == nil && r.AllEventMasks&xproto.EventMaskSubstructureRedirect != 0 // somebody manages windows
	t, err := xproto.QueryTree(c.Conn, c.Root).Reply()
	if err != nil {
		return nil
	}
	out, asked := []xproto.Window(nil), make([]xproto.GetWindowAttributesCookie, len(t.Children))
	for at, w := range t.Children {
		if at%batch == 0 {
			for i := at; i < min(at+batch, len(asked)); i++ {
				asked[i] = xproto.GetWindowAttributes(c.Conn, t.Children[i])
			}
		}
		a, err := asked[at].Reply()
		if err == nil && !a.OverrideRedirect && a.MapState == xproto.MapStateViewable && a.Class == xproto.WindowClassInputOutput {
			if framed {
				w = c.client(w)
			}
			out = append(out, w)
		}
	}
	return out
}

// clientDepth bounds how deep a window may be in its frame.
const clientDepth = 3

// client is the window in a frame that the window manager manages, or the frame.
func (c *Conn) client(frame xproto.Window) xproto.Window {
	state := c.Atom("WM_STATE")
	level := []xproto.Window{frame}
	for range clientDepth {
		var asked []xproto.GetPropertyCookie
		var below []xproto.QueryTreeCookie
		for _, w := range level {
			asked = append(asked, xproto.GetProperty(c.Conn, false, w, state, state, 0, 2))
			below = append(below, xproto.QueryTree(c.Conn, w))
		}
		var next []xproto.Window
		for i, w := range level {
			if p, err := asked[i].Reply(); err == nil && p.ValueLen > 0 {
				return w
			}
			if t, err := below[i].Reply(); err == nil {
				next = append(next, t.Children...)
			}
		}
		if len(next) > batch {
			return frame
		}
		level = next
	}
	return frame
}

// Bounds is a window's rectangle in root pixels, without its border.
func (c *Conn) Bounds(w xproto.Window) (image.Rectangle, error) {
	gc := xproto.GetGeometry(c.Conn, xproto.Drawable(w))
	tc := xproto.TranslateCoordinates(c.Conn, w, c.Root, 0, 0)
	g, err := gc.Reply()
	if err != nil {
		return image.Rectangle{}, err
	}
	t, err := tc.Reply()
	if err != nil {
		return image.Rectangle{}, err
	}
	return image.Rect(0, 0, int(g.Width), int(g.Height)).Add(image.Pt(int(t.DstX), int(t.DstY))), nil
}

// BGRA reports whether images of a window of this depth and visual come as the
// rest of viewflip wants them: 32 bits a pixel, blue first. 16-bit and
// colour-mapped screens, and servers on big-endian machines, do not.
func (c *Conn) BGRA(depth byte, visual xproto.Visualid) bool {
	setup := xproto.Setup(c.Conn)
	if setup.ImageByteOrder != xproto.ImageOrderLSBFirst {
		return false
	}
	wide := false
	for _, f := range setup.PixmapFormats {
		wide = wide || f.Depth == depth && f.BitsPerPixel == 32
	}
	if !wide {
		return false
	}
	for _, d := range c.Screen.AllowedDepths {
		for _, v := range d.Visuals {
			if d.Depth == depth && v.VisualId == visual {
				return v.RedMask == 0xff0000 && v.GreenMask == 0xff00 && v.BlueMask == 0xff
			}
		}
	}
	return false
}
