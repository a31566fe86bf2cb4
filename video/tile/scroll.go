package tile

import (
	"encoding/binary"
	"image"

	"viewflip.app/video"
)

const (
	// stripWidth is how wide the columns are in which scrolling is looked for.
	stripWidth = 64
	// minTiles, minHeight and minVotes keep the search from small changes,
	// which cost less to send than to look at.
	minTiles  = 32
	minHeight = 48
	minVotes  = 6
	minGood   = 8
)

// scroller finds vertical scrolling by letting equal rows vote for an offset,
// strip by strip. Its buffers are reused.
type scroller struct {
	old, cur []uint64
	table    []int32
	votes    []int32
}

// find appends to moves the copies that turn parts of ref into f within box,
// where tiles tiles differ.
func (s *scroller) find(moves []move, ref, f *video.Frame, box image.Rectangle, tiles int) []move {
	if tiles < minTiles || box.Dy() < minHeight {
		return moves
	}
	s.size(f.H)
	y0, y1 := box.Min.Y, box.Max.Y
	first := len(moves)
	for x := box.Min.X / stripWidth * stripWidth; x < box.Max.X; x += stripWidth {
		w := min(stripWidth, f.W-x)
		if w < 4 {
			continue
		}
		same := true
		for y := y0; y < y1; y++ {
			o := y*f.Stride() + x*video.BytesPerPixel
			s.old[y] = hashRow(ref.Pix[o : o+w*video.BytesPerPixel])
			s.cur[y] = hashRow(f.Pix[o : o+w*video.BytesPerPixel])
			same = same && s.old[y] == s.cur[y]
		}
		if same {
			continue
		}
		m, ok := s.strip(y0, y1)
		if !ok {
			continue
		}
		m.r.Min.X, m.r.Max.X = x, x+w
		if n := len(moves); n > first {
			if l := &moves[n-1]; l.dy == m.dy && l.r.Max.X == x {
				// Rows that do not fit one of the two are sent anew after.
				u := l.r.Union(m.r)
				if u.Min.Y+m.dy >= 0 && u.Max.Y+m.dy <= f.H {
					l.r = u
					continue
				}
			}
		}
		moves = append(moves, m)
	}
	return moves
}

func (s *scroller) size(h int) {
	if len(s.old) >= h {
		return
	}
	n := 1
	for n < 4*h {
		n *= 2
	}
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

// hashRow mixes a row of whole pixels. A collision costs bytes, never
// exactness: what a copy gets wrong is sent anew.
func hashRow(p []byte) uint64 {
	a, b := uint64(0x9e3779b97f4a7c15), uint64(0xc2b2ae3d27d4eb4f)
	for ; len(p) >= 16; p = p[16:] {
		a = (a ^ binary.LittleEndian.Uint64(p)) * 0x9fb21c651e98df25
		b = (b ^ binary.LittleEndian.Uint64(p[8:])) * 0xd6e8feb86659fd93
		a ^= a >> 32
		b ^= b >> 29
	}
	for ; len(p) >= 4; p = p[4:] {
		a = (a ^ uint64(binary.LittleEndian.Uint32(p))) * 0x9fb21c651e98df25
		a ^= a >> 32
	}
	return a*31 + b
}
