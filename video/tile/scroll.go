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
	seed     maphash.Seed
	old, cur []uint64
	table    []int32
	votes    []int32
}

// find appends to moves the copies that turn parts of ref into f within box,
// the rectangle around the n marked tiles.
func (s *scroller) find(moves []move, ref, f *video.Frame, tiles *video.TileMap, n int, box image.Rectangle) []move {
	if n < minTiles || box.Dy() < minHeight {
		return moves
	}
	s.size(f.H)
	first := len(moves)
	for x := box.Min.X / stripWidth * stripWidth; x < box.Max.X; x += stripWidth {
		w := min(stripWidth, f.W-x)
		if w < minWidth || !marked(tiles, x, x+w) {
			continue
		}
		for y := box.Min.Y; y < box.Max.Y; y++ {
			o := (y*f.W + x) * video.BytesPerPixel
			s.old[y] = maphash.Bytes(s.seed, ref.Pix[o:o+w*video.BytesPerPixel])
			s.cur[y] = maphash.Bytes(s.seed, f.Pix[o:o+w*video.BytesPerPixel])
		}
		m, ok := s.strip(box.Min.Y, box.Max.Y)
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
	return moves
}

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

func (s *scroller) size(h int) {
	if len(s.old) >= h {
		return
	}
	n := 1
	for n < 4*h {
		n *= 2
	}
	s.seed = maphash.MakeSeed()
	s.old, s.cur = make([]uint64, h), make([]uint64, h)
	s.table, s.votes = make([]int32, n), make([]int32, 2*h+1)
}

const (
	empty     = -1
	ambiguous = -2
)

// strip returns the offset that most rows of one strip agree on, and the rows
// between the first and the last that it explains.
func (s *scroller) strip(y0, y1 int) (move, bool) {
	for i := range s.table {
		s.table[i] = empty
	}
	clear(s.votes)
	mask := uint64(len(s.table) - 1)
	for y := y0; y < y1; y++ {
		if y > y0 && s.old[y] == s.old[y-1] {
			continue // blank lines say nothing
		}
		switch q := &s.table[(s.old[y]>>20)&mask]; {
		case *q == empty:
			*q = int32(y)
		case *q >= 0 && s.old[*q] == s.old[y]:
			*q = ambiguous
		}
	}
	zero := len(s.votes) / 2
	best, most := 0, int32(0)
	for y := y0; y < y1; y++ {
		if y > y0 && s.cur[y] == s.cur[y-1] {
			continue
		}
		from := s.table[(s.cur[y]>>20)&mask]
		if from < 0 || s.old[from] != s.cur[y] || int(from) == y {
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
		if s.cur[y] == s.old[y+best] && s.cur[y] != s.old[y] {
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
