package tile

import (
	"bytes"
	"encoding/binary"
	"image"
	"slices"

	"viewflip.app/video"
)

// fewNatural tiles of natural pictures are not told apart from others.
const fewNatural = 16

// predict appends to dst row y of r in f as differences from the median edge
// detector (LOCO-I, the predictor of JPEG-LS, ITU-T T.87), byte by byte.
func predict(dst []byte, f *video.Frame, r image.Rectangle, y int) []byte {
	const p = video.BytesPerPixel
	o, n := (y*f.W+r.Min.X)*p, r.Dx()*p
	row := f.Pix[o : o+n]
	if y == r.Min.Y {
		dst = append(dst, row[:p]...)
		for i := p; i < n; i++ {
			dst = append(dst, row[i]-row[i-p])
		}
		return dst
	}
	up := f.Pix[o-f.Stride() : o-f.Stride()+n]
	for i := range p {
		dst = append(dst, row[i]-up[i])
	}
	at := len(dst)
	dst = slices.Grow(dst, n-p)[:at+n-p]
	out, left, corner := dst[at:], row[:n-p], up[:n-p]
	row, up = row[p:], up[p:]
	for i := range out {
		out[i] = row[i] - med(left[i], up[i], corner[i])
	}
	return dst
}

// restore undoes predict for rows of n bytes each.
func restore(b []byte, n int) {
	const p = video.BytesPerPixel
	for i := p; i < n; i++ {
		b[i] += b[i-p]
	}
	for ; len(b) >= 2*n; b = b[n:] {
		up, row := b[:n], b[n:2*n]
		for i := range p {
			row[i] += up[i]
		}
		for i := p; i < n; i++ {
			row[i] += med(row[i-p], up[i], up[i-p])
		}
	}
}

// med is the median of left, above, and left + above - corner, without branches,
// as those cannot be foreseen in noise.
func med(left, above, corner byte) byte {
	l, a := int32(left), int32(above)
	return byte(max(min(l, a), min(max(l, a), l+a-int32(corner))))
}

// isNatural tells whether the pixels in c look like a photograph: few equal
// their left neighbour.
func isNatural(f *video.Frame, c image.Rectangle) bool {
	equal, n := 0, 0
	for y := c.Min.Y; y < c.Max.Y; y += 4 {
		row := f.Pix[(y*f.W+c.Min.X)*video.BytesPerPixel : (y*f.W+c.Max.X)*video.BytesPerPixel]
		last := binary.LittleEndian.Uint32(row)
		for row = row[video.BytesPerPixel:]; len(row) > 0; row = row[video.BytesPerPixel:] {
			next := binary.LittleEndian.Uint32(row)
			if next == last {
				equal++
			}
			last = next
			n++
		}
	}
	return n > 0 && equal*4 <= n
}

// trim takes the rows from top and bottom of r that are equal in f and ref: a
// line of text rarely fills its tiles. Some row differs.
func trim(f, ref *video.Frame, r image.Rectangle) image.Rectangle {
	n := r.Dx() * video.BytesPerPixel
	equal := func(y int) bool {
		o := y*f.Stride() + r.Min.X*video.BytesPerPixel
		return bytes.Equal(f.Pix[o:o+n], ref.Pix[o:o+n])
	}
	for r.Dy() > 1 && equal(r.Min.Y) {
		r.Min.Y++
	}
	for r.Dy() > 1 && equal(r.Max.Y-1) {
		r.Max.Y--
	}
	return r
}

// split fills head.rects, and head.predicted and head.toned, which count those
// at their end that are so.
func (e *Encoder) split(f *video.Frame) {
	const t = video.TileSize
	h := &e.head
	e.photo.Reset(f.W, f.H)
	n := 0
	marks := e.tiles.Marks
	for i := bytes.IndexByte(marks, 1); i >= 0 && i < len(marks); i++ {
		next := bytes.IndexByte(marks[i:], 1)
		if next < 0 {
			break
		}
		i += next
		x, y := i%e.tiles.Cols*t, i/e.tiles.Cols*t
		if isNatural(f, image.Rect(x, y, x+t, y+t).Intersect(f.Bounds())) {
			e.photo.Marks[i] = 1
			n++
		}
	}
	if n < fewNatural {
		clear(e.photo.Marks)
	} else {
		for i, mark := range e.photo.Marks {
			marks[i] &^= mark
		}
	}
	h.rects = e.tiles.Rects(h.rects)
	if e.owed.n == 0 { // else ref is not what the viewer sees
		for i, r := range h.rects {
			h.rects[i] = trim(f, e.ref, r)
		}
	}
	plain := len(h.rects)
	h.rects = e.photo.Rects(h.rects)
	h.predicted = len(h.rects) - plain
	plain = len(h.rects)
	h.rects = e.toned.Rects(h.rects)
	h.toned = len(h.rects) - plain
}
