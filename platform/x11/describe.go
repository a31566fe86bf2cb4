package x11

import (
	"image"
	"slices"

	"github.com/jezek/xgb/xproto"
)

// Description is what a list of windows says of one.
type Description struct {
	Window       xproto.Window
	Title, Class string
	PID          int
	// Bounds is the client area in root pixels, Content the part of it that the
	// application means, see [Conn.Content].
	Bounds, Content image.Rectangle
	// Desktop is a window that is one, or a panel; Hidden one that is minimised or
	// not mapped.
	Desktop, Hidden bool
	Icon            image.Image
}

// batch is how many windows are asked about at a time: then there is one wait
// for all of them, and what waits to be read stays small.
const batch = 48

// question is what was asked about one window.
type question struct {
	w                                                     xproto.Window
	name, oldName, class, pid, kind, extents, state, ewmh asked
	icon, hints                                           asked
	geometry                                              xproto.GetGeometryCookie
	place                                                 xproto.TranslateCoordinatesCookie
	attributes                                            xproto.GetWindowAttributesCookie
}

func (c *Conn) question(w xproto.Window) question {
	list := func(name string) asked { return c.ask(w, name, maxProperty) }
	return question{
		w: w, name: c.ask(w, "_NET_WM_NAME", maxText), oldName: c.ask(w, "WM_NAME", maxText), class: c.ask(w, "WM_CLASS", maxText),
		pid: list("_NET_WM_PID"), kind: list("_NET_WM_WINDOW_TYPE"), extents: list("_GTK_FRAME_EXTENTS"),
		state: list("WM_STATE"), ewmh: list("_NET_WM_STATE"), icon: list("_NET_WM_ICON"), hints: list("WM_HINTS"),
		geometry: xproto.GetGeometry(c.Conn, xproto.Drawable(w)), place: xproto.TranslateCoordinates(c.Conn, w, c.Root, 0, 0),
		attributes: xproto.GetWindowAttributes(c.Conn, w),
	}
}

// Describe tells what is known of windows, with icons nearest to size pixels.
// Windows that are gone are left out.
func (c *Conn) Describe(windows []xproto.Window, size int) []Description {
	out := make([]Description, 0, len(windows))
	for some := range slices.Chunk(windows, batch) {
		asked := make([]question, len(some))
		for i, w := range some {
			asked[i] = c.question(w)
		}
		for _, q := range asked {
			if d, ok := c.answer(q, size); ok {
				out = append(out, d)
			}
		}
	}
	return out
}

// answer waits for all that was asked; false if the window is gone.
func (c *Conn) answer(q question, size int) (Description, bool) {
	list := func(a asked) []uint32 {
		b, _ := a.value()
		return cardinals(b)
	}
	has := func(in []uint32, name string) bool { return slices.Contains(in, uint32(c.Atom(name))) }
	d := Description{Window: q.w, Title: c.title(q.name, q.oldName), Class: className(q.class)}
	if v := list(q.pid); len(v) > 0 {
		d.PID = int(v[0])
	}
	kind, extents, state, ewmh := list(q.kind), list(q.extents), list(q.state), list(q.ewmh)
	icon, hints := list(q.icon), list(q.hints)
	g, noSize := q.geometry.Reply()
	at, noPlace := q.place.Reply()
	a, noAttributes := q.attributes.Reply()
	if noSize != nil || noPlace != nil || noAttributes != nil {
		return d, false
	}
	w, h := int(g.Width), int(g.Height)
	d.Bounds = image.Rect(0, 0, w, h).Add(image.Pt(int(at.DstX), int(at.DstY)))
	d.Content = contentOf(extents, w, h)
	d.Desktop = has(kind, "_NET_WM_WINDOW_TYPE_DESKTOP") || has(kind, "_NET_WM_WINDOW_TYPE_DOCK")
	d.Hidden = a.MapState != xproto.MapStateViewable || len(state) > 0 && state[0] == iconicState || has(ewmh, "_NET_WM_STATE_HIDDEN")
	if !d.Desktop {
		d.Icon = c.icon(q.w, icon, hints, size)
	}
	return d, true
}
