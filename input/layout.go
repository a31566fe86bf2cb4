package input

import (
	"image"
	"slices"

	"viewflip.app/platform"
)

// Layout is where everything is in the pictures of one geometry generation.
type Layout struct {
	Gen uint32
	// Size is the picture's in pixels, and Main is where the window's own
	// content is in it. Zero means that the picture is the window.
	Size image.Point
	Main image.Rectangle
	// Surfaces are the menus, tooltips and dialogs over it, bottom first. Not
	// to be changed.
	Surfaces []Surface
}

// Surface is a window that belongs to the shared one.
type Surface struct {
	Window platform.WindowID
	Kind   platform.SurfaceKind
	// Bounds is what is seen of it in the picture; Whole is all of its content,
	// which may reach beyond the picture.
	Bounds, Whole image.Rectangle
	// Masked means that nobody may see or control it.
	Masked bool
}

// equal reports whether two layouts are the same.
func (l Layout) equal(o Layout) bool {
	return l.Gen == o.Gen && l.Size == o.Size && l.Main == o.Main && slices.Equal(l.Surfaces, o.Surfaces)
}

// Surface is the topmost surface at p, a pixel relative to the window's own
// content; false if the window itself is seen there, or nothing.
func (l Layout) Surface(p image.Point) (Surface, bool) {
	q := p.Add(l.Main.Min)
	for _, s := range slices.Backward(l.Surfaces) {
		if q.In(s.Bounds) {
			return s, true
		}
	}
	return Surface{}, false
}
