package capture

import "image"

// area is a set of pixels: rectangles that do not overlap.
type area []image.Rectangle

// minus returns the area without the pixels of r. It may reuse a's memory.
func (a area) minus(r image.Rectangle) area {
	touched := false
	for _, o := range a {
		touched = touched || o.Overlaps(r)
	}
	if !touched {
		return a
	}
	out := make(area, 0, len(a)+3)
	for _, o := range a {
		c := o.Intersect(r)
		if c.Empty() {
			out = append(out, o)
			continue
		}
		for _, p := range [4]image.Rectangle{
			{o.Min, image.Pt(o.Max.X, c.Min.Y)},                      // above
			{image.Pt(o.Min.X, c.Min.Y), image.Pt(c.Min.X, c.Max.Y)}, // left
			{image.Pt(c.Max.X, c.Min.Y), image.Pt(o.Max.X, c.Max.Y)}, // right
			{image.Pt(o.Min.X, c.Max.Y), image.Pt(o.Max.X, o.Max.Y)}, // below
		} {
			if !p.Empty() {
				out = append(out, p)
			}
		}
	}
	return out
}

// without is minus for many rectangles.
func (a area) without(rects []image.Rectangle) area {
	for _, r := range rects {
		if len(a) == 0 {
			break
		}
		a = a.minus(r)
	}
	return a
}
