package platformtest

import (
	"image"
	"time"

	"github.com/jezek/xgb/xproto"
)

// Map shows the window and waits until it is painted, if any of it is visible.
func (w *Window) Map() {
	w.t.Helper()
	xproto.MapWindow(w.c.Conn, w.id)
	w.wait("mapping", func() bool { return w.mapped && (w.painted || w.covered) })
	w.sync()
}

// Unmap withdraws the window.
func (w *Window) Unmap() {
	w.t.Helper()
	xproto.UnmapWindow(w.c.Conn, w.id)
	w.wait("unmapping", func() bool { return !w.mapped })
}

// Minimise asks the window manager to iconify the window (ICCCM 4.1.4).
func (w *Window) Minimise() {
	w.t.Helper()
	const iconicState = 3
	w.message(w.c.Root, "WM_CHANGE_STATE", iconicState)
	w.wait("minimising", func() bool { return !w.mapped })
}

// Raise puts the window on top.
func (w *Window) Raise() {
	xproto.ConfigureWindow(w.c.Conn, w.id, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
	w.sync()
}

// Move asks for a new place of the client area, in root pixels, and waits
// until it is there.
func (w *Window) Move(p image.Point) {
	w.t.Helper()
	xproto.ConfigureWindow(w.c.Conn, w.id, xproto.ConfigWindowX|xproto.ConfigWindowY, []uint32{uint32(p.X), uint32(p.Y)})
	Eventually(w.t, "the window's new place", func() bool { return w.Bounds().Min == p })
}

// Resize asks for a new size and waits until the window has it.
func (w *Window) Resize(width, height int) {
	w.t.Helper()
	xproto.ConfigureWindow(w.c.Conn, w.id, xproto.ConfigWindowWidth|xproto.ConfigWindowHeight, []uint32{uint32(width), uint32(height)})
	w.wait("resizing", func() bool { return w.w == width && w.h == height })
	w.sync()
}

// Bounds is the client area in root pixels, as the server has it now; empty
// when the window is gone.
func (w *Window) Bounds() image.Rectangle {
	b, _ := w.c.Bounds(w.id)
	return b
}

// Focus gives the window the keyboard, through the window manager if there is
// one, and waits for it. A window manager that does not know the window yet
// leaves a request out, so that it is made again.
func (w *Window) Focus() {
	w.t.Helper()
	managed := !w.or && len(w.c.Cardinals(w.c.Root, "_NET_SUPPORTING_WM_CHECK")) > 0
	var asked time.Time
	Eventually(w.t, "the focus", func() bool {
		if time.Since(asked) > focusRest {
			asked = time.Now()
			const fromPager = 2
			if managed {
				w.message(w.c.Root, "_NET_ACTIVE_WINDOW", fromPager)
			} else {
				xproto.SetInputFocus(w.c.Conn, xproto.InputFocusParent, w.id, xproto.TimeCurrentTime)
			}
		}
		f, err := xproto.GetInputFocus(w.c.Conn).Reply()
		return err == nil && f.Focus == w.id
	})
}

// focusRest is how long a window manager may take to give a window the focus.
const focusRest = 300 * time.Millisecond

// message sends a client message about this window, to the root as EWMH asks.
func (w *Window) message(to xproto.Window, kind string, data uint32) {
	ev := xproto.ClientMessageEvent{
		Format: 32, Window: w.id, Type: w.c.Atom(kind),
		Data: xproto.ClientMessageDataUnionData32New([]uint32{data, 0, 0, 0, 0}),
	}
	mask := uint32(xproto.EventMaskSubstructureRedirect | xproto.EventMaskSubstructureNotify)
	if to == w.id {
		mask = xproto.EventMaskNoEvent // to the client that made the window
	}
	xproto.SendEvent(w.c.Conn, false, to, mask, string(ev.Bytes()))
	w.sync()
}

// Close destroys the window, ends its connection and waits for both.
func (w *Window) Close() {
	xproto.DestroyWindow(w.c.Conn, w.id)
	w.sync()
	if w.first != nil {
		return
	}
	w.c.Close()
	<-w.done
}

// Fill paints a rectangle of the window.
func (w *Window) Fill(r image.Rectangle, rgb uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r = r.Intersect(image.Rect(0, 0, w.w, w.h))
	if r.Empty() {
		return
	}
	row := flat(r.Dx(), 1, bgra(rgb))
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(w.pix[(y*w.w+r.Min.X)*4:], row)
	}
	xproto.ChangeGC(w.c.Conn, w.gc, xproto.GcForeground, []uint32{rgb})
	xproto.PolyFillRectangle(w.c.Conn, xproto.Drawable(w.id), w.gc, []xproto.Rectangle{{
		X: int16(r.Min.X), Y: int16(r.Min.Y), Width: uint16(r.Dx()), Height: uint16(r.Dy()),
	}})
	w.sync()
}

// Paint replaces the whole picture: BGRA, tightly packed, of the window's size.
func (w *Window) Paint(pix []byte) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(pix) != len(w.pix) {
		w.t.Fatalf("platformtest: paint: %d bytes for a window of %dx%d", len(pix), w.w, w.h)
	}
	copy(w.pix, pix)
	w.putLocked(image.Rect(0, 0, w.w, w.h))
	w.sync()
}

// Scroll moves the picture up by dy pixels with one CopyArea, as terminals and
// editors do, and fills what becomes free.
func (w *Window) Scroll(dy int, rgb uint32) {
	w.mu.Lock()
	dy = min(max(dy, 0), w.h)
	copy(w.pix, w.pix[dy*w.w*4:])
	xproto.CopyArea(w.c.Conn, xproto.Drawable(w.id), xproto.Drawable(w.id), w.gc, 0, int16(dy), 0, 0, uint16(w.w), uint16(w.h-dy))
	free := image.Rect(0, w.h-dy, w.w, w.h)
	w.mu.Unlock()
	w.Fill(free, rgb)
}

// Freeze makes the client hang: it paints nothing that the server asks for, so
// that the window has no background and no content where it was not painted.
func (w *Window) Freeze() { w.update(func() { w.frozen = true }) }

// Thaw ends Freeze and paints everything.
func (w *Window) Thaw() {
	w.update(func() {
		w.frozen = false
		w.putLocked(image.Rect(0, 0, w.w, w.h))
	})
	w.sync()
}

// Picture is a copy of what the client painted: BGRA, tightly packed.
func (w *Window) Picture() (pix []byte, width, height int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]byte(nil), w.pix...), w.w, w.h
}

// resizedLocked keeps the picture's top left part and fills the rest.
func (w *Window) resizedLocked(width, height int) {
	if width == w.w && height == w.h {
		return
	}
	n := flat(width, height, w.back)
	for y := range min(height, w.h) {
		copy(n[y*width*4:(y+1)*width*4], w.pix[y*w.w*4:(y+1)*w.w*4])
	}
	w.pix, w.w, w.h = n, width, height
	if w.frozen {
		return
	}
	w.putLocked(image.Rect(0, 0, width, height))
}

// putLocked sends a part of the picture to the server, in requests that are
// small enough for a server without BIG-REQUESTS.
func (w *Window) putLocked(r image.Rectangle) {
	const maxBytes = 200 << 10
	r = r.Intersect(image.Rect(0, 0, w.w, w.h))
	if r.Empty() {
		return
	}
	rows := max(1, maxBytes/(r.Dx()*4))
	for y := r.Min.Y; y < r.Max.Y; y += rows {
		n := min(rows, r.Max.Y-y)
		data := make([]byte, 0, r.Dx()*n*4)
		for i := range n {
			o := ((y+i)*w.w + r.Min.X) * 4
			data = append(data, w.pix[o:o+r.Dx()*4]...)
		}
		xproto.PutImage(w.c.Conn, xproto.ImageFormatZPixmap, xproto.Drawable(w.id), w.gc,
			uint16(r.Dx()), uint16(n), int16(r.Min.X), int16(y), 0, w.depth, data)
	}
}
