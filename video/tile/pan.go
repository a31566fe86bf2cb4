package tile

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"image"
	"slices"

	"viewflip.app/video"
)

const (
	// blockW and blockH are the size, in pixels, of what is recognised.
	blockW, blockH = 24, 8
	// pickBits decides how many places are looked at: one in 2^pickBits of
	// those that are not blank.
	pickBits = 7
	// maxPlaces bounds the places that are looked at in a picture.
	maxPlaces = 8192
	placeBits = 15 // of the table of places, which stays a quarter full
	voteSlots = 1 << 10
	// panSide is the least width and height of what is searched.
	panSide = 48
	// maxPans is how many offsets are taken from one picture.
	maxPans = 4
	// maxPause is how many pictures are not searched after searches in vain.
	maxPause = 8
)

// panner finds what moved in any direction, and parts that moved by different
// offsets. Places are chosen by their pixels, so that the same ones are chosen
// wherever they moved to; blocks that are equal vote for an offset. Its buffers
// are reused.
type panner struct {
	seed    maphash.Seed
	places  []place // a table by hash
	votes   []vote
	known   []image.Point // offsets by which something moved already
	matched video.TileMap
	vain    int // searches in a row that found nothing
	pause   int // pictures not to search
}

type place struct {
	hash uint64 // 0 is free
	at   image.Point
	many bool // several places look like it
}

type vote struct {
	by image.Point // zero is free
	n  int
}

// find appends to moves copies that turn parts of ref into f, applies them to
// ref, and unmarks the tiles that are equal then. box is the rectangle around
// the n marked tiles. The offsets of moves, by which other parts of the picture
// moved already, are tried first: that costs little.
func (p *panner) find(moves []move, ref, f *video.Frame, tiles *video.TileMap, n int, box image.Rectangle) []move {
	if n < minTiles || box.Dx() < panSide || box.Dy() < panSide {
		return moves
	}
	p.known = p.known[:0]
	for _, m := range moves {
		if by := image.Pt(m.dx, m.dy); len(p.known) < maxPans && !slices.Contains(p.known, by) {
			p.known = append(p.known, by)
		}
	}
	for _, by := range p.known {
		moves = p.take(moves, ref, f, tiles, by)
	}
	for _, m := range moves {
		moves = widen(moves, m, ref, f, tiles)
	}
	if n, box = tiles.Count(); n < minTiles || box.Dx() < panSide || box.Dy() < panSide {
		return moves
	}
	if p.pause > 0 {
		p.pause--
		return moves
	}
	p.index(ref, box)
	p.count(f, ref, tiles, box)
	first := len(moves)
	for range maxPans {
		best := 0
		for i := range p.votes {
			if p.votes[i].n > p.votes[best].n {
				best = i
			}
		}
		v := &p.votes[best]
		if v.n < minVotes {
			break
		}
		v.n = 0
		moves = p.take(moves, ref, f, tiles, v.by)
	}
	if len(moves) > first {
		p.vain = 0
	} else {
		p.vain = min(p.vain+1, maxPause)
		p.pause = p.vain
	}
	return moves
}

// index fills places from ref.
func (p *panner) index(ref *video.Frame, box image.Rectangle) {
	if p.places == nil {
		p.seed = maphash.MakeSeed()
		p.places, p.votes = make([]place, 1<<placeBits), make([]vote, voteSlots)
	}
	clear(p.places)
	clear(p.votes)
	n := 0
	for y := box.Min.Y; y+blockH <= box.Max.Y; y++ {
		row := ref.Pix[y*ref.Stride() : (y+1)*ref.Stride()]
		for x := box.Min.X; x+blockW <= box.Max.X; x++ {
			if !picked(row[x*video.BytesPerPixel:]) {
				continue
			}
			if n++; n > maxPlaces {
				return
			}
			h := p.hash(ref, x, y)
			if s := p.slot(h); s.hash == 0 {
				*s = place{hash: h, at: image.Pt(x, y)}
			} else {
				s.many = true
			}
		}
	}
}

// count lets the places of f in marked tiles vote.
func (p *panner) count(f, ref *video.Frame, tiles *video.TileMap, box image.Rectangle) {
	n := 0
	for y := box.Min.Y; y+blockH <= box.Max.Y; y++ {
		row := f.Pix[y*f.Stride() : (y+1)*f.Stride()]
		marks := tiles.Marks[y/video.TileSize*tiles.Cols:]
		for x := box.Min.X; x+blockW <= box.Max.X; x++ {
			if marks[x/video.TileSize] == 0 {
				x |= video.TileSize - 1
				continue
			}
			if !picked(row[x*video.BytesPerPixel:]) {
				continue
			}
			if n++; n > maxPlaces {
				return
			}
			h := p.hash(f, x, y)
			if s := p.slot(h); s.hash == h && !s.many && s.at != image.Pt(x, y) {
				p.vote(s.at.Sub(image.Pt(x, y)))
			}
		}
	}
}

// picked tells whether the four pixels that b begins with are to be looked at.
func picked(b []byte) bool {
	l, r := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	return l != r && (l*0x9e3779b97f4a7c15^r*0xc2b2ae3d27d4eb4f)>>(64-pickBits) == 0
}

// hash is that of the block at (x,y), never 0.
func (p *panner) hash(f *video.Frame, x, y int) uint64 {
	h := uint64(1)
	for i := range blockH {
		o := (y+i)*f.Stride() + x*video.BytesPerPixel
		h = h*0x9e3779b97f4a7c15 ^ maphash.Bytes(p.seed, f.Pix[o:o+blockW*video.BytesPerPixel])
	}
	return max(h, 1)
}

// slot returns the slot of this hash, or a free one.
func (p *panner) slot(h uint64) *place {
	for i := h >> (64 - placeBits); ; i = (i + 1) % (1 << placeBits) {
		if s := &p.places[i]; s.hash == h || s.hash == 0 {
			return s
		}
	}
}

// vote counts one for an offset. Those that find the table full are lost.
func (p *panner) vote(by image.Point) {
	i := uint32(by.X*0x9e3779b1 ^ by.Y*0x85ebca6b)
	i ^= i >> 15
	for range 16 {
		v := &p.votes[i%voteSlots]
		if v.by == by || v.n == 0 {
			v.by = by
			v.n++
			return
		}
		i++
	}
}

// take moves the marked tiles that are in ref at an offset.
func (p *panner) take(moves []move, ref, f *video.Frame, tiles *video.TileMap, by image.Point) []move {
	const t = video.TileSize
	p.matched.Reset(f.W, f.H)
	n := 0
	for i, mark := range tiles.Marks {
		if mark == 0 {
			continue
		}
		x, y := i%tiles.Cols*t, i/tiles.Cols*t
		r := image.Rect(x, y, x+t, y+t).Intersect(f.Bounds())
		if r.Add(by).In(f.Bounds()) && same(f, ref, r, by) {
			p.matched.Marks[i] = 1
			n++
		}
	}
	if n < minGood {
		return moves
	}
	first := len(moves)
	for k := range p.matched.Rows {
		ty := k
		if by.Y < 0 {
			ty = p.matched.Rows - 1 - k
		}
		moves = p.runs(moves, first, ty, by, f.Bounds())
	}
	area := 0
	for _, m := range moves {
		area += m.r.Dx() * m.r.Dy()
	}
	if len(moves) > maxOps || area > f.W*f.H {
		return moves[:first]
	}
	for _, m := range moves[first:] {
		m.apply(ref.Pix, ref.Stride())
	}
	for i, mark := range p.matched.Marks {
		tiles.Marks[i] &^= mark
	}
	return moves
}

// runs appends the matched tiles of one row of tiles. Rows, and runs in a row,
// come in the order in which no copy overwrites what a later one reads.
func (p *panner) runs(moves []move, first, ty int, by image.Point, bounds image.Rectangle) []move {
	const t = video.TileSize
	marks := p.matched.Marks[ty*p.matched.Cols : (ty+1)*p.matched.Cols]
	begin := len(moves)
	for tx := 0; tx < len(marks); {
		from := bytes.IndexByte(marks[tx:], 1)
		if from < 0 {
			break
		}
		from += tx
		for tx = from; tx < len(marks) && marks[tx] == 1; tx++ {
		}
		r := image.Rect(from*t, ty*t, tx*t, (ty+1)*t).Intersect(bounds)
		moves = append(moves, move{r: r, dx: by.X, dy: by.Y})
	}
	row := moves[begin:]
	if by.X < 0 {
		for i, j := 0, len(row)-1; i < j; i, j = i+1, j-1 {
			row[i], row[j] = row[j], row[i]
		}
	}
	if len(row) == 1 && begin > first {
		l := &moves[begin-1]
		if r := row[0].r; l.r.Min.X == r.Min.X && l.r.Max.X == r.Max.X && (l.r.Max.Y == r.Min.Y || r.Max.Y == l.r.Min.Y) {
			l.r = l.r.Union(r)
			return moves[:begin]
		}
	}
	return moves
}

// same tells whether r of f is what ref has at an offset.
func same(f, ref *video.Frame, r image.Rectangle, by image.Point) bool {
	n := r.Dx() * video.BytesPerPixel
	for y := r.Min.Y; y < r.Max.Y; y++ {
		a, b := (y*f.W+r.Min.X)*video.BytesPerPixel, ((y+by.Y)*f.W+r.Min.X+by.X)*video.BytesPerPixel
		if !bytes.Equal(f.Pix[a:a+n], ref.Pix[b:b+n]) {
			return false
		}
	}
	return true
}

// widen appends to moves what one of them, m, left out up to a tile further to the
// left and the right, where what moved ends within marked tiles, as panes of a
// window do. It applies that to ref, and unmarks the tiles that are equal then.
func widen(moves []move, m move, ref, f *video.Frame, tiles *video.TileMap) []move {
	for _, side := range [2]int{-1, 1} {
		x := m.r.Max.X
		if side < 0 {
			x = m.r.Min.X - 1
		}
		n, reach := 0, 0
		for ; n < video.TileSize; n++ {
			good, ok := column(m, ref, f, tiles, x+n*side)
			if !ok {
				break
			}
			if good {
				reach = n + 1
			}
		}
		if reach == 0 {
			continue
		}
		more := m
		if side < 0 {
			more.r.Min.X, more.r.Max.X = m.r.Min.X-reach, m.r.Min.X
		} else {
			more.r.Min.X, more.r.Max.X = m.r.Max.X, m.r.Max.X+reach
		}
		more.apply(ref.Pix, ref.Stride())
		moves = append(moves, more)
		s := span(more.r)
		for i := range s.Dx() * s.Dy() {
			tx, ty := s.Min.X+i%s.Dx(), s.Min.Y+i/s.Dx()
			t := image.Rect(tx, ty, tx+1, ty+1)
			t = image.Rectangle{Min: t.Min.Mul(video.TileSize), Max: t.Max.Mul(video.TileSize)}.Intersect(f.Bounds())
			if same(f, ref, t, image.Point{}) {
				tiles.Unmark(t)
			}
		}
	}
	return moves
}

// column tells whether the pixels of a column would be no worse by a move, and
// whether it makes any right. Outside of marked tiles they would.
func column(m move, ref, f *video.Frame, tiles *video.TileMap, x int) (good, ok bool) {
	if x < 0 || x+m.dx < 0 || x >= f.W || x+m.dx >= f.W {
		return false, false
	}
	for y := m.r.Min.Y; y < m.r.Max.Y; y++ {
		o := (y*f.W + x) * video.BytesPerPixel
		from := o + (m.dy*f.W+m.dx)*video.BytesPerPixel
		now, was, would := [4]byte(f.Pix[o:]), [4]byte(ref.Pix[o:]), [4]byte(ref.Pix[from:])
		switch {
		case now == was && now != would:
			return false, false
		case now != was && tiles.Marks[y/video.TileSize*tiles.Cols+x/video.TileSize] == 0:
			return false, false
		case now == would && now != was:
			good = true
		}
	}
	return good, true
}
