package ui

import (
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// given is the layout of a whole window: its content takes the size that the
// window manager gives. To the toolkit the content has no least size. It would
// answer every change of that (a longer word is enough) by asking for the size
// that it last heard of, and so undo what the window manager, or we, gave the
// window meanwhile. The window manager is told of the least size as a hint.
type given struct {
	// tell makes the window manager know the least size, if it can, and calls back.
	tell func(least fyne.Size, done func())
	told fyne.Size
	// least is how small the content may be; nil means what it says itself.
	least func() fyne.Size
	// cut says that content that is larger than the window is cut at its edges;
	// else it is squeezed.
	cut bool
}

// newGiven makes the content of a window.
func newGiven(p *program, w fyne.Window, cut bool, least func() fyne.Size, o fyne.CanvasObject) *fyne.Container {
	tell := func(least fyne.Size, done func()) {
		// Not at once: the toolkit may be painting.
		p.after(0, func() {
			if p.shell.least(w, least) {
				done()
			}
		})
	}
	return container.New(&given{tell: tell, cut: cut, least: least}, o)
}

// Layout implements fyne.Layout.
func (g *given) Layout(o []fyne.CanvasObject, size fyne.Size) {
	least := o[0].MinSize()
	if g.least != nil {
		least = g.least()
	}
	o[0].Move(fyne.NewPos(0, 0))
	if g.cut {
		size = size.Max(least)
	}
	o[0].Resize(size)
	if least != g.told {
		g.tell(least, func() { g.told = least })
	}
}

// MinSize implements fyne.Layout.
func (g *given) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }

// leastOf is how small the content of such a window may be at first.
func leastOf(content *fyne.Container) fyne.Size { return content.Objects[0].MinSize() }

// pixels is a size in pixels of the screen.
func (v *viewer) pixels(s fyne.Size) image.Point {
	x, y := v.win.Canvas().PixelCoordinateForPosition(fyne.NewPos(s.Width, s.Height))
	return image.Pt(x, y)
}

// resize asks for a size of the viewer's window for which there is a reason: a
// picture of another size, or the person's wish.
func (v *viewer) resize(size fyne.Size) {
	v.asked = v.pixels(size)
	if !v.p.shell.resize(v.win, v.asked) {
		v.win.Resize(size)
	}
}

// moving reports whether the window has a size that neither the toolkit knows
// of yet nor we asked for: the window manager has just given it.
func (v *viewer) moving() bool {
	now, ok := v.p.shell.size(v.win)
	return ok && now != v.asked && now != v.pixels(v.win.Canvas().Size())
}

// given reports whether the window has another size than we asked for: the
// window manager or the person chose it, and it stays.
func (v *viewer) given() bool {
	now, ok := v.p.shell.size(v.win)
	return ok && now != v.asked
}
