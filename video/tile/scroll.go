package tile

import (
	"bytes"
	"hash/maphash"
	"image"
	"slices"

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
	// minShare is the part of the changed rows that a move must explain.
	minShare = 16
	// minRun is how many rows a copy must explain: a copy takes 12 bytes.
	minRun = 4
	// maxSame is how many rows may look alike and still vote; more are blank
	// rows or rules, which stand everywhere and say nothing.
	maxSame = 64
	// sharedOffsets is how many offsets of all strips together each strip tries,
	// ownOffsets how many of its own.
	sharedOffsets = 4
	ownOffsets    = 2
)

// scroller finds vertical scrolling in four steps: every row that changed votes
// for all offsets at which an equal row stood, strip by strip; the strips add
// their votes up; each strip tries the few offsets with the most votes, and
// keeps the one that explains most of its rows; the rows that it explains become
// copies, joined with those of the strip to the left. Text that repeats votes
// for several offsets, and the third step decides. Its buffers are reused.
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
	plain    uint64 // the hash of the blank row that was seen last
	// table leads from a hash to the last row of old that has it, next from a row
	// to the one before it with the same hash; alike is how many there are, at the
	// last row.
	table, next, alike []int32
	// votes are those of one strip by offset, in the middle for none; total those
	// of all strips, tops the best offsets of each.
	votes, total []int32
	tops         [][ownOffsets]int
	shared       []int  // the best offsets of all strips together
	tried        []int  // those, and the best of one strip
	dys          []int  // the offset of each strip, 0 for none
	poor         []bool // it explains less than half of what changed
	// runs are the copies of one strip; begun is, for each move, its first strip.
	runs  []rows
	begun []int
	// changed and explained count rows of all strips: those that changed in the
	// last picture, and those of them that stood elsewhere.
	changed, explained int
}

// rows is the rows from lo to hi, not included.
type rows struct{ lo, hi int }

// find appends to moves the copies that turn parts of ref into f within box,
// the rectangle around the n marked tiles. The caller makes ref equal to f
// afterwards, or calls forget.
func (s *scroller) find(moves []move, ref, f *video.Frame, tiles *video.TileMap, n int, box image.Rectangle) []move {
	s.size(f.W, f.H)
	s.shared = s.shared[:0]
	s.changed, s.explained = 0, 0
	if n < minTiles || box.Dy() < minHeight {
		clear(s.known[box.Min.Y:box.Max.Y])
		return moves
	}
	for i := range s.marked {
		x := i * stripWidth
		s.marked[i] = marked(tiles, x, min(x+stripWidth, f.W))
	}
	y0, y1 := box.Min.Y, box.Max.Y
	s.hash(ref, f, y0, y1)
	clear(s.total)
	for i := range s.marked {
		if s.marked[i] && f.W-i*stripWidth >= minWidth {
			s.vote(i, y0, y1)
		}
	}
	s.shared = top(s.shared, s.total, sharedOffsets)
	for i := range s.marked {
		if s.dys[i] = 0; s.marked[i] && f.W-i*stripWidth >= minWidth {
			s.dys[i] = s.best(i, y0, y1)
		}
	}
	s.begun = s.begun[:0]
	above := len(moves) // the copies of the strip to the left begin here
	for i, dy := range s.dys {
		from := len(moves)
		switch {
		case dy == 0 || s.between(i) || !s.cut(i, dy, y0, y1):
		case s.join(moves[above:], i, dy):
			continue // above stays: those copies reach to this strip now
		default:
			for _, r := range s.runs {
				moves = append(moves, move{r: image.Rect(i*stripWidth, r.lo, min((i+1)*stripWidth, f.W), r.hi), dy: dy})
				s.begun = append(s.begun, i)
			}
		}
		above = from
	}
	for i := range s.marked {
		if s.marked[i] {
			copy(s.old[i*s.h+y0:i*s.h+y1], s.cur[i*s.h+y0:])
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
				s.old[i*s.h+y] = s.row(a[l:r])
			}
			if s.marked[i] {
				s.cur[i*s.h+y] = s.row(b[l:r])
			}
		}
		s.known[y] = true
	}
}

// explains tells whether the last picture is mostly the one before, scrolled.
func (s *scroller) explains() bool { return s.explained > 0 && 2*s.explained >= s.changed }

// row is the hash of one row of a strip. It is odd if all pixels are equal: such
// rows stand everywhere, cost nothing to send, and say nothing about scrolling.
func (s *scroller) row(b []byte) uint64 {
	const p = video.BytesPerPixel
	h := maphash.Bytes(s.seed, b) &^ 1
	if h == s.plain { // most blank rows are like the one before
		return h | 1
	}
	if bytes.Equal(b[p:], b[:len(b)-p]) {
		s.plain = h
		return h | 1
	}
	return h
}

func blank(row uint64) bool { return row&1 != 0 }

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
	s.seed, s.plain = maphash.MakeSeed(), 1
	s.old, s.cur = make([]uint64, strips*h), make([]uint64, strips*h)
	s.known, s.marked = make([]bool, h), make([]bool, strips)
	s.table, s.next, s.alike = make([]int32, n), make([]int32, h), make([]int32, h)
	s.votes, s.total, s.tops = make([]int32, 2*h+1), make([]int32, 2*h+1), make([][ownOffsets]int, strips)
	s.dys, s.poor = make([]int, strips), make([]bool, strips)
}

// none ends a list of rows, and is what a hash without a row leads to.
const none = -1

// index makes table, next and alike of the rows of old, and leaves out those
// that are blank or like the row above.
func (s *scroller) index(old []uint64, y0, y1 int) {
	for i := range s.table {
		s.table[i] = none
	}
	for y := y0; y < y1; y++ {
		if blank(old[y]) || y > y0 && old[y] == old[y-1] {
			continue
		}
		slot := s.slot(old, old[y])
		last := *slot
		s.next[y], s.alike[y] = last, 1
		if last != none {
			s.alike[y] = s.alike[last] + 1
		}
		*slot = int32(y)
	}
}

// slot is where the table has the rows of old with a hash, or would have them.
func (s *scroller) slot(old []uint64, hash uint64) *int32 {
	mask := uint64(len(s.table) - 1)
	i := (hash >> 20) & mask
	for s.table[i] != none && old[s.table[i]] != hash {
		i = (i + 1) & mask // the table is at most a quarter full
	}
	return &s.table[i]
}

// vote lets the changed rows of strip i vote for offsets, adds the votes to
// total, and keeps the best in tops.
func (s *scroller) vote(i, y0, y1 int) {
	old, cur := s.old[i*s.h:(i+1)*s.h], s.cur[i*s.h:(i+1)*s.h]
	s.index(old, y0, y1)
	clear(s.votes)
	zero, most := len(s.votes)/2, int32(0)
	for y := y0; y < y1; y++ {
		if cur[y] == old[y] || blank(cur[y]) || y > y0 && cur[y] == cur[y-1] {
			continue
		}
		from := *s.slot(old, cur[y])
		if from == none || s.alike[from] > maxSame {
			continue
		}
		for ; from != none; from = s.next[from] {
			v := &s.votes[zero+int(from)-y]
			*v++
			most = max(most, *v)
		}
	}
	s.tops[i] = [ownOffsets]int{}
	if most < minVotes {
		return
	}
	for o, v := range s.votes {
		s.total[o] += v
	}
	top(s.tops[i][:0], s.votes, ownOffsets)
}

// top appends the n offsets that have the most votes, of those with enough.
func top(to []int, votes []int32, n int) []int {
	zero, first := len(votes)/2, len(to)
	for o, v := range votes {
		if v < minVotes || len(to)-first == n && v <= votes[zero+to[len(to)-1]] {
			continue
		}
		at := len(to)
		for at > first && votes[zero+to[at-1]] < v {
			at--
		}
		if len(to)-first < n {
			to = append(to, 0)
		}
		copy(to[at+1:], to[at:])
		to[at] = o - zero
	}
	return to
}

// best is the offset, of those that strip i tries, that explains most of its
// changed rows; 0 if none explains enough. Of equals the first of all strips
// together wins, so that neighbours agree.
func (s *scroller) best(i, y0, y1 int) int {
	old, cur := s.old[i*s.h:(i+1)*s.h], s.cur[i*s.h:(i+1)*s.h]
	changed := 0
	for y := y0; y < y1; y++ {
		if cur[y] != old[y] && !blank(cur[y]) {
			changed++
		}
	}
	dy, most, all := 0, max(minGood, changed/minShare)-1, false
	s.tried = append(append(s.tried[:0], s.shared...), s.tops[i][:]...)
	for _, d := range s.tried {
		if d == 0 || all && max(d, -d) >= max(dy, -dy) {
			continue
		}
		good := 0
		lo, hi := max(y0, y0-d), min(y1, y1-d)
		from, was := old[lo+d:hi+d], old[lo:hi]
		for y, c := range cur[lo:hi] {
			if c == from[y] && c != was[y] && !blank(c) {
				good++
			}
		}
		if good > most {
			dy, most = d, good
		}
		// All that is left is new then; a shorter way may leave less.
		all = all || good+max(d, -d) >= changed
	}
	s.poor[i] = 2*most < changed
	s.changed += changed
	if dy != 0 {
		s.explained += most
	}
	return dy
}

// between reports whether strip i lies across the border of two panes that
// scroll differently, and its offset explains little of it, or is one that both
// have in common. It is left to what finds smaller pieces then.
func (s *scroller) between(i int) bool {
	if i == 0 || i == len(s.dys)-1 {
		return false
	}
	l, r, dy := s.dys[i-1], s.dys[i+1], s.dys[i]
	return l != 0 && r != 0 && l != r && (s.poor[i] || max(dy, -dy) > max(l, -l, r, -r))
}

// cut puts into runs what a move of strip i by dy is good for: from one row that
// it explains to another, without a row that is right as it is and would not be
// afterwards. Rows between that are wrong either way are sent anew in any case.
// They come in the order in which no copy overwrites what a later one reads.
func (s *scroller) cut(i, dy, y0, y1 int) bool {
	old, cur := s.old[i*s.h:(i+1)*s.h], s.cur[i*s.h:(i+1)*s.h]
	s.runs = s.runs[:0]
	r, good := rows{}, 0
	end := func() {
		if good >= minRun {
			s.runs = append(s.runs, r)
		}
		good = 0
	}
	for y := max(y0, y0-dy); y < min(y1, y1-dy); y++ {
		switch moved := cur[y] == old[y+dy]; {
		case moved && cur[y] != old[y] && !blank(cur[y]):
			if good == 0 {
				r.lo = y
			}
			good++
			r.hi = y + 1
		case !moved && cur[y] == old[y]:
			end()
		}
	}
	end()
	if dy < 0 {
		slices.Reverse(s.runs)
	}
	return len(s.runs) > 0
}

// join widens left, the copies of the strip to the left, by strip i, if the
// same rows move there: as many copies, by the same offset, and no row that is
// right in one of the strips is made wrong.
func (s *scroller) join(left []move, i, dy int) bool {
	if len(left) != len(s.runs) || len(left) == 0 {
		return false
	}
	begun := s.begun[len(s.begun)-len(left):]
	for k, m := range left {
		r := s.runs[k]
		if m.dy != dy || m.r.Max.X != i*stripWidth || r.lo >= m.r.Max.Y || r.hi <= m.r.Min.Y {
			return false
		}
		lo, hi := min(r.lo, m.r.Min.Y), max(r.hi, m.r.Max.Y)
		if k > 0 { // copies that overlap would read what others wrote
			p, q := left[k-1].r, s.runs[k-1]
			if dy > 0 && max(p.Max.Y, q.hi) > lo || dy < 0 && min(p.Min.Y, q.lo) < hi {
				return false
			}
		}
		for j := begun[k]; j < i; j++ {
			if !s.harmless(j, dy, lo, m.r.Min.Y) || !s.harmless(j, dy, m.r.Max.Y, hi) {
				return false
			}
		}
		if !s.harmless(i, dy, lo, r.lo) || !s.harmless(i, dy, r.hi, hi) {
			return false
		}
	}
	for k := range left {
		m := &left[k]
		m.r.Min.Y, m.r.Max.Y = min(m.r.Min.Y, s.runs[k].lo), max(m.r.Max.Y, s.runs[k].hi)
		m.r.Max.X = min((i+1)*stripWidth, s.w)
	}
	return true
}

// harmless reports whether a move of strip i by dy leaves those of the rows from
// lo to hi right that are.
func (s *scroller) harmless(i, dy, lo, hi int) bool {
	old, cur := s.old[i*s.h:(i+1)*s.h], s.cur[i*s.h:(i+1)*s.h]
	for y := lo; y < hi; y++ {
		if cur[y] == old[y] && cur[y] != old[y+dy] {
			return false
		}
	}
	return true
}
