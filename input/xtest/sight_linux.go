package xtest

import (
	"image"
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform"
	"viewflip.app/platform/x11/xinput"
)

// looks is how many points along each side of a window are looked at before its
// visible part is reckoned.
const looks = 5

// coverRest is how long a window that is covered to the last pixel is taken for
// covered, unless one of those points can be seen: reckoning takes long where
// there are many windows.
const coverRest = 100 * time.Millisecond

// maxPieces bounds what is reckoned with: a window whose visible part is in more
// pieces counts as covered.
const maxPieces = 1 << 13

// covered reports whether nothing can be seen of the window nor of a menu or
// dialog of it: whatever lies over them, no pixel would get a click.
func (s *section) covered() bool {
	d := s.d
	if d.eye.In(s.content) && s.eye.owned && s.eye.root.In(s.screen) {
		return false
	}
	if at, ok := s.glimpse(d.win, s.content); ok {
		d.eye = at
		return false
	}
	for _, m := range d.group.State().Members {
		if m.Masked || m.Kind == platform.SurfaceTooltip {
			continue
		}
		w := xproto.Window(m.ID.Native())
		g, err := xproto.GetGeometry(d.hands.act, xproto.Drawable(w)).Reply()
		if err != nil {
			continue
		}
		if _, ok := s.glimpse(w, image.Rect(0, 0, int(g.Width), int(g.Height))); ok {
			return false
		}
	}
	return true
}

// glimpse finds a pixel of a window, inside r, that would get a click: false if
// there is none.
func (s *section) glimpse(w xproto.Window, r image.Rectangle) (image.Point, bool) {
	d := s.d
	chain := d.chainOf(w)
	if chain == nil || r.Empty() {
		return image.Point{}, false
	}
	if w == d.win {
		d.chain = chain
	}
	if at, ok := s.sample(w, chain, r); ok {
		return at, true
	}
	if time.Since(d.blank[w]) < coverRest {
		return image.Point{}, false
	}
	at, ok := s.reckon(w, chain, r)
	if ok { // the server has the last word
		got := answer(d.askOf(w, at, chain), chain)
		ok = got.owned && got.root.In(s.screen)
	}
	if !ok {
		d.blank[w] = time.Now()
	}
	return at, ok
}

// sample looks at points of a window, all at once.
func (s *section) sample(w xproto.Window, chain []xproto.Window, r image.Rectangle) (image.Point, bool) {
	var points []image.Point
	var asked [][]xproto.TranslateCoordinatesCookie
	for y := range looks {
		for x := range looks {
			p := r.Min.Add(image.Pt((r.Dx()-1)*x/(looks-1), (r.Dy()-1)*y/(looks-1)))
			points = append(points, p)
			asked = append(asked, s.d.askOf(w, p, chain))
		}
	}
	found, which := false, 0
	for i, a := range asked { // every answer is read
		if got := answer(a, chain); !found && got.owned && got.root.In(s.screen) {
			found, which = true, i
		}
	}
	return points[which], found
}

// reckon computes what can be seen of a window: its own shape on the screen,
// inside of all that it is in, without what lies over it at each level.
func (s *section) reckon(w xproto.Window, chain []xproto.Window, r image.Rectangle) (image.Point, bool) {
	c := s.d.hands.act
	origin, err := xproto.TranslateCoordinates(c, w, s.d.root, 0, 0).Reply()
	if err != nil {
		return image.Point{}, false
	}
	corner := image.Pt(int(origin.DstX), int(origin.DstY))
	seen := area{r.Add(corner).Intersect(s.screen)}
	parent, at := s.d.root, image.Point{}
	for _, child := range chain {
		t, err := xproto.QueryTree(c, parent).Reply()
		if err != nil {
			return image.Point{}, false
		}
		above := t.Children[slices.Index(t.Children, child)+1:] // bottom first
		shapes := s.shapesOf(append([]xproto.Window{child}, above...), at, seen.bounds())
		seen = seen.intersect(shapes[0])
		for _, a := range shapes[1:] {
			seen = seen.subtract(a)
			if len(seen) == 0 || len(seen) > maxPieces {
				return image.Point{}, false
			}
		}
		next, err := xproto.TranslateCoordinates(c, child, s.d.root, 0, 0).Reply()
		if err != nil {
			return image.Point{}, false
		}
		parent, at = child, image.Pt(int(next.DstX), int(next.DstY))
	}
	if len(seen) == 0 {
		return image.Point{}, false
	}
	return seen[0].Min.Sub(corner), true
}

// shapesOf asks where clicks reach windows of one parent, whose corner is at a
// place of the root: as far as they are mapped and inside of r, in root pixels.
func (s *section) shapesOf(ws []xproto.Window, parent image.Point, r image.Rectangle) []area {
	c, shapes := s.d.hands.act, s.d.hands.shapes
	as, gs := make([]xproto.GetWindowAttributesCookie, len(ws)), make([]xproto.GetGeometryCookie, len(ws))
	for i, w := range ws {
		as[i], gs[i] = xproto.GetWindowAttributes(c, w), xproto.GetGeometry(c, xproto.Drawable(w))
	}
	out, corner := make([]area, len(ws)), make([]image.Point, len(ws))
	type ask struct{ bounding, input xinput.ShapeCookie }
	asked := map[int]ask{}
	for i, w := range ws {
		a, aerr := as[i].Reply()
		g, gerr := gs[i].Reply()
		if aerr != nil || gerr != nil || a.MapState == xproto.MapStateUnmapped {
			continue
		}
		b := int(g.BorderWidth)
		corner[i] = parent.Add(image.Pt(int(g.X)+b, int(g.Y)+b))
		box := image.Rect(-b, -b, int(g.Width)+b, int(g.Height)+b).Add(corner[i])
		if !box.Overlaps(r) {
			continue
		}
		out[i] = area{box}
		if shapes != nil {
			asked[i] = ask{shapes.Of(w, xinput.Bounding), shapes.Of(w, xinput.Input)}
		}
	}
	for i, q := range asked {
		bounding, berr := q.bounding.Reply()
		input, ierr := q.input.Reply()
		if berr == nil && ierr == nil {
			out[i] = out[i].intersect(area(bounding).add(corner[i])).intersect(area(input).add(corner[i]))
		}
	}
	return out
}

// area is a set of pixels: rectangles that do not overlap.
type area []image.Rectangle

func (a area) bounds() (r image.Rectangle) {
	for _, p := range a {
		r = r.Union(p)
	}
	return r
}

func (a area) add(p image.Point) area {
	out := make(area, len(a))
	for i, r := range a {
		out[i] = r.Add(p)
	}
	return out
}

func (a area) intersect(b area) (out area) {
	for _, p := range a {
		for _, q := range b {
			if r := p.Intersect(q); !r.Empty() && len(out) <= maxPieces {
				out = append(out, r)
			}
		}
	}
	return out
}

// subtract is what of a is not in b. It gives up where there are too many pieces.
func (a area) subtract(b area) area {
	for _, q := range b {
		var rest area
		for _, p := range a {
			rest = append(rest, without(p, q)...)
		}
		if a = rest; len(a) > maxPieces {
			break
		}
	}
	return a
}

// without is what of p is not in q: at most four pieces.
func without(p, q image.Rectangle) (out area) {
	in := p.Intersect(q)
	if in.Empty() {
		return area{p}
	}
	for _, r := range []image.Rectangle{
		{p.Min, image.Pt(p.Max.X, in.Min.Y)}, {image.Pt(p.Min.X, in.Max.Y), p.Max},
		{image.Pt(p.Min.X, in.Min.Y), image.Pt(in.Min.X, in.Max.Y)}, {image.Pt(in.Max.X, in.Min.Y), image.Pt(p.Max.X, in.Max.Y)},
	} {
		if !r.Empty() {
			out = append(out, r)
		}
	}
	return out
}
