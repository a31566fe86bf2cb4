package ui

import (
	"context"
	"image"
	"time"

	"viewflip.app/session"
	"viewflip.app/ui/glass"
)

// pinFor is how long the picture stays where it is put while the window
// changes its size; window managers may refuse that.
const pinFor = 300 * time.Millisecond

// reshape prepares for a picture of another layout, just before it is painted.
// Shown pixel for pixel, it stays so: the window takes its size, and moves so
// that the shared window's own content stays where it is on the screen.
func (v *viewer) reshape(u session.Update) {
	main := v.mainOf(u)
	if v.closed || u.W == v.hand.w && u.H == v.hand.h && main == v.main {
		return
	}
	before, offset := v.fit(), v.main.Min
	v.main = main
	if !v.pictured || !before.Exact() && !v.squeezed || v.moving() {
		return
	}
	v.pin = image.Rectangle{}
	v.redraw()
	was := v.squeezed
	v.squeezed = v.sizeFor(u.W, u.H) != v.sizeAt(u.W, u.H, 1)
	if v.squeezed || was { // the screen is too small: scaled until it is not
		v.resize(v.sizeFor(u.W, u.H))
		return
	}
	size := v.sizeAt(u.W, u.H, 1)
	pixels := v.pixels(size)
	top := v.stage.area().Min
	after := glass.FitIn(image.Rect(top.X, top.Y, pixels.X, pixels.Y), u.W, u.H)
	shift := before.Rect.Min.Add(offset).Sub(after.Rect.Min.Add(main.Min))
	if after.Exact() {
		v.pin = after.Rect
		pinned := v.pin
		v.p.after(pinFor, func() {
			if !v.closed && v.pin == pinned {
				v.pin = image.Rectangle{}
				v.arrange()
			}
		})
	}
	if v.asked = pixels; !v.p.shell.reshape(v.win, pixels, shift) {
		v.win.Resize(size)
	}
	v.hand.shown(u.W, u.H, 0) // until it is visible nothing can be aimed at
	v.arrange()
}

// redraw draws the toolkit's part of the window again when it has its new size:
// what Mesa draws first after a resize still has the old one.
func (v *viewer) redraw() {
	for _, d := range []time.Duration{pinFor / 6, pinFor} {
		v.p.after(d, func() {
			if !v.closed {
				v.p.shell.repaint(v.win)
			}
		})
	}
}

// mainOf is where the shared window's own content is in a picture.
func (v *viewer) mainOf(u session.Update) image.Rectangle {
	whole := image.Rect(0, 0, u.W, u.H)
	i := v.view.Info()
	if i.W != u.W || i.H != u.H || !i.Main.In(whole) || i.Main.Empty() {
		return whole
	}
	return i.Main
}

// await runs f on the main goroutine and waits for it, or for the end.
func (v *viewer) await(ctx context.Context, f func()) {
	done := make(chan struct{})
	v.p.do(func() {
		defer close(done)
		f()
	})
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// area is where the picture goes: on the stage, or where it is pinned.
func (v *viewer) area() image.Rectangle {
	if v.pin.Empty() {
		return v.stage.area()
	}
	return v.pin
}

func (v *viewer) fit() glass.Fit { return glass.FitIn(v.area(), v.hand.w, v.hand.h) }
