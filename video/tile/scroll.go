package tile

import (
	"bytes"
	"hash/maphash"
	"image"

	"viewflip.app/video"
)

const (
	// stripWidth is how wide the columns are in which scrolling is looked for.
	stripWidth = 64
	// minWidth, minTiles, minHeight, minVotes and minGood keep the search from
	// small changes, which cost less to send than to look at.
	minWidth  = 4
	minTiles  = 32
	minHeight = 48
	minVotes  = 6
	minGood   = 8
)

// scroller finds vertical scrolling by letting equal rows vote for an offset,
// strip by strip. Its buffers are reused.
type scroller struct {
	// seed makes hashes that nobody can foresee, so that no picture is made to
	// collide. A collision would cost bytes, never exactness: what a copy gets
	// wrong is sent anew.
	seed maphash.Seed
	w, h int
	// old and cur hold a hash for every row of every strip of ref and f, strip
	// after strip. old stays from picture to picture; known tells in which rows.
	old, cur []uint64
	known    []bool
	marked   []bool // strips in which something changed
	table    []int32
	votes    []int32
}

// find appends to moves the copies that turn parts of ref into f within box,
// the rectangle around the n marked tiles. The caller makes ref equal to f
// afterwards, or calls forget.
func (s *scroller) find(moves []move, ref, f *video.Frame, tiles *video.TileMap, n int, box image.Rectangle) []move {
	s.size(f.W, f.H)
	if n < minTiles || box.Dy() < minHeight {
		clear(s.known[box.Min.Y:box.Max.Y])
		return moves
	}
	for i := range s.marked {
		x := i * stripWidth
		s.marked[i] = marked(tiles, x, min(x+stripWidth, f.W))
	}
	s.hash(ref, f, box.Min.Y, box.Max.Y)
	first := len(moves)
	for i := range s.marked {
		x := i * stripWidth
		w := min(stripWidth, f.W-x)
		if w < minWidth || !s.marked[i] {
			continue
		}
		m, ok := s.strip(s.old[i*s.h:(i+1)*s.h], s.cur[i*s.h:(i+1)*s.h], box.Min.Y, box.Max.Y)
		if !ok {
			continue
		}
		m.r.Min.X, m.r.Max.X = x, x+w
		if len(moves) > first {
			if l := &moves[len(moves)-1]; l.dy == m.dy && l.r.Max.X == x {
				// Rows that fit one of the two only are sent anew. Both
				// stay inside when moved, and so does what is around them.
				l.r = l.r.Union(m.r)
				continue
			}
		}
		moves = append(moves, m)
	}
	for i := range s.marked {
		if s.marked[i] {
			copy(s.old[i*s.h+box.Min.Y:i*s.h+box.Max.Y], s.cur[i*s.h+box.Min.Y:])
		}
	}
	return moves
}

// hash fills old, where it is not known, and cur in the rows from y0 to y1. It
// goes row by row, as the pixels lie in memory.
func (s *scroller) hash(ref, f *video.Frame, y0, y1 int) {
	const strip = stripWidth * video.BytesPerPixel
	for y := y0; y < y1; y++ {
		a, b := ref.Pix[y*ref.Stride():(y+1)*ref.Stride()], f.Pix[y*f.Stride():(y+1)*f.Stride()]
		for i := range s.marked {
			l, r := i*strip, min((i+1)*strip, len(a))
			if !s.known[y] {
				s.old[i*s.h+y] = maphash.Bytes(s.seed, a[l:r])
			}
			if s.marked[i] {
				s.cur[i*s.h+y] = maphash.Bytes(s.seed, b[l:r])
			}
		}
		s.known[y] = true
	}
}

// forgetRows is for when ref is replaced in these rows.
func (s *scroller) forgetRows(y0, y1 int) {
	if y1 <= len(s.known) {
		clear(s.known[y0:y1])
	}
}

// forget is for when ref is replaced as a whole.
func (s *scroller) forget() { clear(s.known) }

// marked reports whether a tile between the columns of pixels x0 and x1 is.
func marked(tiles *video.TileMap, x0, x1 int) bool {
	tx0, tx1 := x0/video.TileSize, (x1+video.TileSize-1)/video.TileSize
	for ty := range tiles.Rows {
		if bytes.IndexByte(tiles.Marks[ty*tiles.Cols+tx0:ty*tiles.Cols+tx1], 1) >= 0 {
			return true
		}
	}
	return false
}

func (s *scroller) size(w, h int) {
	if s.w == w && s.h == h {
		return
	}
	s.w, s.h = w, h
	n := 1
	for n < 4*h {
		n *= 2
	}
	strips := (w + stripWidth - 1) / stripWidth
	s.seed = maphash.MakeSeed()
	s.old, s.cur = make([]uint64, strips*h), make([]uint64, strips*h)
	s.known, s.marked = make([]bool, h), make([]bool, strips)
	s.table, s.votes = make([]int32, n), make([]int32, 2*h+1)
}

const (
	empty     = -1
	ambiguous = -2
)

// strip returns the offset that most rows of one strip agree on, and the rows
// between the first and the last that it explains. old and cur are its hashes.
func (s *scroller) strip(old, cur []uint64, y0, y1 int) (move, bool) {
	for i := range s.table {
		s.table[i] = empty
	}
	clear(s.votes)
	mask := uint64(len(s.table) - 1)
	for y := y0; y < y1; y++ {
		if y > y0 && old[y] == old[y-1] {
			continue // blank lines say nothing
		}
		switch q := &s.table[(old[y]>>20)&mask]; {
		case *q == empty:
			*q = int32(y)
		case *q >= 0 && old[*q] == old[y]:
			*q = ambiguous
		}
	}
	zero := len(s.votes) / 2
	best, most := 0, int32(0)
	for y := y0; y < y1; y++ {
		if y > y0 && cur[y] == cur[y-1] {
			continue
		}
		from := s.table[(cur[y]>>20)&mask]
		if from < 0 || old[from] != cur[y] || int(from) == y {
			continue
		}
		dy := int(from) - y
		s.votes[zero+dy]++
		if v := s.votes[zero+dy]; v > most {
			best, most = dy, v
		}
	}
	if most < minVotes {
		return move{}, false
	}
	lo, hi, good := -1, -1, 0
	for y := max(y0, y0-best); y < min(y1, y1-best); y++ {
		if cur[y] == old[y+best] && cur[y] != old[y] {
			if lo < 0 {
				lo = y
			}
			hi = y + 1
			good++
		}
	}
	if good < minGood {
		return move{}, false
	}
	return move{r: image.Rect(0, lo, 1, hi), dy: best}, true
}
