package glass

import "image"

// Fit is where a picture of W by H pixels is shown within an area.
type Fit struct {
	// Rect is the part of the area that the picture covers, in the same
	// physical pixels as the area.
	Rect image.Rectangle
	// W and H are the size of the picture in its own pixels.
	W, H int
}

// FitIn centres a picture of w by h pixels in area, as large as its ratio
// allows. An area of exactly the picture's size shows it pixel for pixel.
// Without an area or a picture the rectangle is empty.
func FitIn(area image.Rectangle, w, h int) Fit {
	aw, ah := area.Dx(), area.Dy()
	if aw <= 0 || ah <= 0 || w <= 0 || h <= 0 {
		return Fit{Rect: image.Rectangle{Min: area.Min, Max: area.Min}, W: w, H: h}
	}
	dw, dh := aw, (2*aw*h+w)/(2*w)
	if aw*h > ah*w { // the height limits
		dw, dh = (2*ah*w+h)/(2*h), ah
	}
	dw, dh = min(max(dw, 1), aw), min(max(dh, 1), ah)
	at := area.Min.Add(image.Pt((aw-dw)/2, (ah-dh)/2))
	return Fit{Rect: image.Rectangle{Min: at, Max: at.Add(image.Pt(dw, dh))}, W: w, H: h}
}

// Exact reports whether one pixel is one pixel.
func (f Fit) Exact() bool { return f.Rect.Dx() == f.W && f.Rect.Dy() == f.H && f.W > 0 }

// Percent is the scale for people; 100 only where Exact holds.
func (f Fit) Percent() int {
	if f.W <= 0 || f.H <= 0 {
		return 0
	}
	p := (200*f.Rect.Dx() + f.W) / (2 * f.W)
	if p == 100 && !f.Exact() {
		if f.Rect.Dx() < f.W || f.Rect.Dy() < f.H {
			return 99
		}
		return 101
	}
	return p
}

// Source tells which pixel of the picture lies under the point (x,y) of the
// area. Margins belong to no pixel.
func (f Fit) Source(x, y int) (image.Point, bool) {
	if !image.Pt(x, y).In(f.Rect) || f.W <= 0 || f.H <= 0 {
		return image.Point{}, false
	}
	return f.Clamp(x, y), true
}

// Clamp is Source for a drag that has left the picture: the nearest pixel.
func (f Fit) Clamp(x, y int) image.Point {
	return image.Pt(
		scalePoint(x-f.Rect.Min.X, f.Rect.Dx(), f.W),
		scalePoint(y-f.Rect.Min.Y, f.Rect.Dy(), f.H),
	)
}

// scalePoint maps the centre of pixel p of n to a pixel of m, and what is
// outside to the first or the last: a shrunk picture does not show those.
func scalePoint(p, n, m int) int {
	switch {
	case n <= 0 || m <= 0 || p < 0:
		return 0
	case p >= n:
		return m - 1
	}
	return min((2*p+1)*m/(2*n), m-1)
}
