package video

import (
	"bytes"
	"image"
)

// TileSize is the side, in pixels, of the squares in which pictures are
// compared. Tiles at the right and the bottom may be smaller.
const TileSize = 16

// maxOpen keeps the search for rectangles to extend short when a picture
// changes in very many places at once.
const maxOpen = 64

// TileMap marks tiles of a picture, for instance those that changed.
type TileMap struct {
	// Cols and Rows are how many tiles there are.
	Cols, Rows int
	// Marks has one byte per tile, row by row: 1 is marked, 0 is not.
	Marks []byte

	w, h int
	open []int
}

// Reset makes the map fit a picture of w by h pixels, with no tile marked.
func (m *TileMap) Reset(w, h int) {
	if m.w == w && m.h == h {
		clear(m.Marks)
		return
	}
	m.w, m.h = w, h
	m.Cols, m.Rows = (w+TileSize-1)/TileSize, (h+TileSize-1)/TileSize
	m.Marks = make([]byte, m.Cols*m.Rows)
}

// Diff marks the tiles that damage touches and in which a and b, both of the
// map's size, differ. It returns how many it marked that were not marked
// before, and the rectangle around those.
func (m *TileMap) Diff(a, b *Frame, damage []image.Rectangle) (n int, box image.Rectangle) {
	bounds := image.Rect(0, 0, m.w, m.h)
	for _, d := range damage {
		if d = d.Intersect(bounds); d.Empty() {
			continue
		}
		tx0, tx1 := d.Min.X/TileSize, (d.Max.X+TileSize-1)/TileSize
		for ty := d.Min.Y / TileSize; ty*TileSize < d.Max.Y; ty++ {
			found, lo, hi := m.diffRow(a.Pix, b.Pix, ty, tx0, tx1)
			if found == 0 {
				continue
			}
			n += found
			box = box.Union(image.Rect(lo*TileSize, ty*TileSize, hi*TileSize, (ty+1)*TileSize))
		}
	}
	return n, box.Intersect(bounds)
}

// Mark marks the tiles that r touches.
func (m *TileMap) Mark(r image.Rectangle) { m.set(r, 1) }

// Unmark takes the marks from the tiles that r touches.
func (m *TileMap) Unmark(r image.Rectangle) { m.set(r, 0) }

func (m *TileMap) set(r image.Rectangle, to byte) {
	if r = r.Intersect(image.Rect(0, 0, m.w, m.h)); r.Empty() {
		return
	}
	tx0, tx1 := r.Min.X/TileSize, (r.Max.X+TileSize-1)/TileSize
	for ty := r.Min.Y / TileSize; ty*TileSize < r.Max.Y; ty++ {
		marks := m.Marks[ty*m.Cols+tx0 : ty*m.Cols+tx1]
		for i := range marks {
			marks[i] = to
		}
	}
}

// Count returns how many tiles are marked, and the rectangle around them.
func (m *TileMap) Count() (n int, box image.Rectangle) {
	for ty := range m.Rows {
		marks := m.Marks[ty*m.Cols : (ty+1)*m.Cols]
		lo := bytes.IndexByte(marks, 1)
		if lo < 0 {
			continue
		}
		n += bytes.Count(marks, []byte{1})
		hi := bytes.LastIndexByte(marks, 1) + 1
		box = box.Union(image.Rect(lo*TileSize, ty*TileSize, hi*TileSize, (ty+1)*TileSize))
	}
	return n, box.Intersect(image.Rect(0, 0, m.w, m.h))
}

// diffRow compares the tiles from tx0 to tx1 of one row of tiles. The marked
// ones lie between lo and hi.
func (m *TileMap) diffRow(a, b []byte, ty, tx0, tx1 int) (n, lo, hi int) {
	const tile = TileSize * BytesPerPixel
	stride := m.w * BytesPerPixel
	marks := m.Marks[ty*m.Cols : (ty+1)*m.Cols]
	lo = tx1
	for y := ty * TileSize; y < min((ty+1)*TileSize, m.h); y++ {
		p, q := a[y*stride:(y+1)*stride], b[y*stride:(y+1)*stride]
		if bytes.Equal(p[tx0*tile:min(tx1*tile, stride)], q[tx0*tile:min(tx1*tile, stride)]) {
			continue
		}
		unmarked := false
		for tx := tx0; tx < tx1; tx++ {
			if marks[tx] != 0 {
				continue
			}
			l, r := tx*tile, min((tx+1)*tile, stride)
			if bytes.Equal(p[l:r], q[l:r]) {
				unmarked = true
				continue
			}
			marks[tx] = 1
			n++
			lo, hi = min(lo, tx), max(hi, tx+1)
		}
		if !unmarked {
			break
		}
	}
	return n, lo, hi
}

// Rects appends rectangles, in pixels, that cover exactly the marked tiles and
// do not overlap: runs within a row of tiles, joined with equal runs above.
func (m *TileMap) Rects(dst []image.Rectangle) []image.Rectangle {
	m.open = m.open[:0] // indices of rectangles that reach the row above
	for ty := range m.Rows {
		marks := m.Marks[ty*m.Cols : (ty+1)*m.Cols]
		above := len(m.open)
		y0, y1 := ty*TileSize, min((ty+1)*TileSize, m.h)
		for tx := 0; ; {
			skip := bytes.IndexByte(marks[tx:], 1)
			if skip < 0 {
				break
			}
			from := tx + skip
			run := bytes.IndexByte(marks[from:], 0)
			if run < 0 {
				run = m.Cols - from
			}
			tx = from + run
			x0, x1 := from*TileSize, min(tx*TileSize, m.w)
			joined := -1
			for _, i := range m.open[:min(above, maxOpen)] {
				if dst[i].Min.X == x0 && dst[i].Max.X == x1 {
					joined = i
					break
				}
			}
			if joined >= 0 {
				dst[joined].Max.Y = y1
			} else {
				joined = len(dst)
				dst = append(dst, image.Rect(x0, y0, x1, y1))
			}
			m.open = append(m.open, joined)
		}
		m.open = m.open[:copy(m.open, m.open[above:])]
	}
	return dst
}
