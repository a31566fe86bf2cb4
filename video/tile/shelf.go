package tile

import (
	"bytes"
	"image"
	"time"

	"viewflip.app/video"
)

const (
	// minKept is how many tiles that are not blank must go away before they are
	// kept: fewer cost little to send again.
	minKept = 48
	// minPulled is how many tiles must differ before slots are looked at.
	minPulled = 8
	// samples is how many tiles are compared with a slot before it is looked at.
	samples = 48
	// firstSamples decide whether the others are looked at.
	firstSamples = 12
	// sure of the samples must be in a slot for the picture to be taken for an
	// earlier one, before anything else is looked for; of sureOf.
	sure, sureOf = 7, 8
	// maxShelves is how many slots one picture may be put together from.
	maxShelves = 8
	// manyBlank blank tiles are worth a pull.
	manyBlank = 16
	// restless is how often in a row a tile may change, each time within
	// restTime of the change before, until what it shows is not kept any more: it
	// moves. Tests and people who switch quickly stay below.
	restless = 8
	restTime = 150 * time.Millisecond
	// largerBy: a slot that is larger by more makes way only if nothing smaller
	// can, so that many menus leave the pages of a program alone.
	largerBy = 4
	// A viewer who asks for a refresh within doubtTime of a pull may have no room
	// for slots: after maxDoubts in a row there are no more for distrustTime.
	doubtTime    = 2 * time.Second
	maxDoubts    = 3
	distrustTime = time.Minute
)

// slot is a part of an earlier picture that the decoder has, too.
type slot struct {
	at   image.Rectangle // where it was in the picture, beginning with a whole tile
	pic  *video.Frame    // of the size of at
	lost []bool          // tiles of at of which the decoder may have other pixels
	used int             // when it was of use last, in uses of any
}

// shelf is the encoder's side of the slots. What goes away from the picture is kept,
// unless it moves, is blank or is in a slot already; what comes is compared with the
// slots tile by tile, in the same place. Comparing pixels needs no hashes: tiles that
// differ mostly do so in their first rows.
type shelf struct {
	slots  [maxSlots]*slot // that of slot n is at n-1
	pixels int             // of all
	uses   int
	room   *Room
	start  time.Time
	// Of each tile of the picture: a slot that has it in the same place, 0 if none;
	// how often it changed in a row; when it changed last, after start.
	from    []uint8
	busy    []uint8
	changed []time.Duration
	cols    int
	size    image.Point
	// was marks, in a picture before another size, what goes away.
	was     video.TileMap
	picked  []int // samples
	matched video.TileMap
	pulled  video.TileMap // those that came out of slots
	rects   []image.Rectangle
	// lastPull is when there was one, doubts how many were followed by a refresh,
	// and distrust until when there are none.
	lastPull, distrust time.Time
	doubts             int
}

// lay makes room for what is known of the tiles of a picture of this size. Of tiles
// that are the same in the size before, it stays.
func (s *shelf) lay(w, h int) {
	size := image.Pt(w, h)
	if s.size == size {
		return
	}
	old := *s
	in := span(image.Rectangle{Max: size})
	n := in.Dx() * in.Dy()
	s.size, s.cols = size, in.Dx()
	s.from, s.busy, s.changed = make([]uint8, n), make([]uint8, n), make([]time.Duration, n)
	for i := range s.from {
		x, y := i%s.cols, i/s.cols
		j := y*old.cols + x
		if x < old.cols && j < len(old.from) && rect(i, s.cols, size) == rect(j, old.cols, old.size) {
			s.from[i], s.busy[i], s.changed[i] = old.from[j], old.busy[j], old.changed[j]
		}
	}
}

// clear empties all slots, as a refresh does.
func (s *shelf) clear() {
	for i := range s.slots {
		s.drop(i)
	}
	clear(s.from)
}

// drop empties the slot at i.
func (s *shelf) drop(i int) {
	x := s.slots[i]
	if x == nil {
		return
	}
	n := x.pic.W * x.pic.H
	s.pixels -= n
	s.room.give(n)
	s.slots[i] = nil
	for j, k := range s.from {
		if int(k) == i+1 {
			s.from[j] = 0
		}
	}
}

// refreshed is for a refresh that was asked for. It may be because the viewer has no
// room for slots, which nothing tells.
func (s *shelf) refreshed(now time.Time) {
	if s.lastPull.IsZero() {
		return
	}
	if now.Sub(s.lastPull) > doubtTime {
		s.doubts = 0
	} else if s.doubts++; s.doubts >= maxDoubts {
		s.doubts, s.distrust = 0, now.Add(distrustTime)
	}
	s.lastPull = time.Time{}
}

// rect is tile i of a picture of a size of which a row has cols tiles.
func rect(i, cols int, size image.Point) image.Rectangle {
	const t = video.TileSize
	x, y := i%cols*t, i/cols*t
	return image.Rect(x, y, min(x+t, size.X), min(y+t, size.Y))
}

// note takes the tiles of the picture that change now.
func (s *shelf) note(tiles *video.TileMap, now time.Time) {
	if s.start.IsZero() {
		s.start = now.Add(-time.Hour) // no tile has changed since long
	}
	at := now.Sub(s.start)
	for i, mark := range tiles.Marks {
		if mark == 0 {
			continue
		}
		switch {
		case at-s.changed[i] > restTime:
			s.busy[i] = 0
		case s.busy[i] < restless:
			s.busy[i]++
		}
		s.changed[i] = at
	}
}

// leaving returns the tiles of old that go away when f comes, of which tiles are those
// that differ where both are.
func (s *shelf) leaving(old *video.Frame, tiles *video.TileMap, f *video.Frame) *video.TileMap {
	if old.W == f.W && old.H == f.H {
		return tiles
	}
	s.was.Reset(old.W, old.H)
	size := image.Pt(old.W, old.H)
	for i := range s.was.Marks {
		r := rect(i, s.was.Cols, size)
		x, y := r.Min.X/video.TileSize, r.Min.Y/video.TileSize
		if !r.In(f.Bounds()) || tiles.Marks[y*tiles.Cols+x] != 0 {
			s.was.Marks[i] = 1
		}
	}
	return &s.was
}

// keep chooses what of old is kept before the tiles in was go away, and puts it into
// a slot; but never into the one at best. h gets what the decoder must do.
func (s *shelf) keep(h *header, old *video.Frame, was *video.TileMap, owed []time.Duration, best int, now time.Time) {
	if now.Before(s.distrust) {
		return
	}
	// Nothing is owed when the size changes.
	lossy := func(i int) bool { return i < len(owed) && owed[i] != 0 }
	n, box := 0, image.Rectangle{}
	for i, mark := range was.Marks {
		if mark == 0 || s.from[i] != 0 || s.busy[i] >= restless || lossy(i) {
			continue
		}
		r := rect(i, was.Cols, s.size)
		if n < minKept && !uniform(old, r) {
			n++
		}
		box = box.Union(r)
	}
	if n < minKept {
		return
	}
	area := box.Dx() * box.Dy()
	i := s.vacate(h, area, best)
	if i < 0 {
		return
	}
	x := &slot{at: box, pic: clip(old, box)}
	s.uses++
	x.used = s.uses
	s.slots[i] = x
	s.pixels += area
	in := span(box)
	x.lost = make([]bool, in.Dx()*in.Dy())
	for y := in.Min.Y; y < in.Max.Y; y++ {
		for c := in.Min.X; c < in.Max.X; c++ {
			j := y*s.cols + c
			if lossy(j) {
				x.lost[(y-in.Min.Y)*in.Dx()+c-in.Min.X] = true
				continue
			}
			s.from[j] = uint8(i + 1)
		}
	}
	h.emptied &^= 1 << i
	h.keep = kept{slot: i + 1, r: box}
}

// vacate empties slots until one of area pixels fits, and takes room for it. It
// returns the place of a free one, or -1 if there is no room.
func (s *shelf) vacate(h *header, area, best int) int {
	for area <= MaxSlotPixels {
		free := -1
		for i, x := range s.slots {
			if x == nil {
				free = i
				break
			}
		}
		if free >= 0 && s.pixels+area <= MaxSlotPixels && s.room.take(area) {
			return free
		}
		i := s.oldest(best, largerBy*area)
		if i < 0 {
			i = s.oldest(best, MaxSlotPixels)
		}
		if i < 0 {
			return -1
		}
		s.drop(i)
		h.emptied |= 1 << i
	}
	return -1
}

// oldest is the slot of at most so many pixels that was of no use for longest, but for
// the one at best; -1 if there is none.
func (s *shelf) oldest(best, most int) int {
	found := -1
	for i, x := range s.slots {
		if x != nil && i != best && x.pic.W*x.pic.H <= most && (found < 0 || x.used < s.slots[found].used) {
			found = i
		}
	}
	return found
}

// uniform tells whether all pixels of r, at most a tile, are equal.
func uniform(f *video.Frame, r image.Rectangle) bool {
	const p = video.BytesPerPixel
	n := r.Dx() * p
	first := f.Pix[r.Min.Y*f.Stride()+r.Min.X*p:][:n]
	if !bytes.Equal(first[p:], first[:n-p]) {
		return false
	}
	for y := r.Min.Y + 1; y < r.Max.Y; y++ {
		if !bytes.Equal(f.Pix[y*f.Stride()+r.Min.X*p:][:n], first) {
			return false
		}
	}
	return true
}

// has tells whether the slot has, for certain, what f has in r, a tile.
func (x *slot) has(f *video.Frame, r image.Rectangle) bool {
	if !r.In(x.at) {
		return false
	}
	const t, p = video.TileSize, video.BytesPerPixel
	in := span(x.at)
	if x.lost[(r.Min.Y/t-in.Min.Y)*in.Dx()+r.Min.X/t-in.Min.X] {
		return false
	}
	n := r.Dx() * p
	a, b := r.Min.Y*f.Stride()+r.Min.X*p, ((r.Min.Y-x.at.Min.Y)*x.pic.W+r.Min.X-x.at.Min.X)*p
	for range r.Dy() {
		if !bytes.Equal(f.Pix[a:a+n], x.pic.Pix[b:b+n]) {
			return false
		}
		a, b = a+f.Stride(), b+x.pic.Stride()
	}
	return true
}

// best looks at samples of the marked tiles of f, which are n, and returns the place
// of the slot that has most of them, -1 if none has any, and whether nearly all are in
// some slot. Blank tiles say nothing.
func (s *shelf) best(f *video.Frame, tiles *video.TileMap, n int) (at int, all bool) {
	if s.pixels == 0 || n < minPulled {
		return -1, false
	}
	s.picked = s.picked[:0]
	step, left := (n+samples-1)/samples, 0
	for i, mark := range tiles.Marks {
		if mark == 0 {
			continue
		}
		if left--; left >= 0 {
			continue
		}
		left = step - 1
		if !uniform(f, rect(i, tiles.Cols, f.Bounds().Max)) {
			s.picked = append(s.picked, i)
		}
	}
	at, most, found := -1, 0, 0
	var hit [samples]bool
	for k, x := range s.slots {
		if x == nil {
			continue
		}
		hits := 0
		for j, i := range s.picked {
			if j == firstSamples && hits == 0 {
				break // it has little of it, if anything
			}
			if !x.has(f, rect(i, tiles.Cols, f.Bounds().Max)) {
				continue
			}
			hits++
			if !hit[j] {
				hit[j] = true
				found++
			}
		}
		if hits > most || hits == most && at >= 0 && x.used > s.slots[at].used {
			at, most = k, hits
		}
	}
	return at, found*sureOf >= len(s.picked)*sure && found > 0
}

// recall brings into ref what slots have of the marked tiles of f, unmarks those, and
// tells the decoder by h. It begins with the slot at best.
func (s *shelf) recall(h *header, ref, f *video.Frame, tiles *video.TileMap, best int, now time.Time) {
	s.pulled.Reset(f.W, f.H)
	for range maxShelves {
		if best < 0 || !s.take(h, ref, f, tiles, best) {
			return
		}
		s.lastPull = now
		n, _ := tiles.Count()
		best, _ = s.best(f, tiles, n)
	}
}

// take takes what one slot has. Tiles that are right already come along where that
// makes fewer and larger pieces.
func (s *shelf) take(h *header, ref, f *video.Frame, tiles *video.TileMap, at int) bool {
	x := s.slots[at]
	s.matched.Reset(f.W, f.H)
	_, box := tiles.Count()
	in := span(box.Intersect(x.at))
	for y := in.Min.Y; y < in.Max.Y; y++ {
		for c := in.Min.X; c < in.Max.X; c++ {
			i := y*tiles.Cols + c
			if s.pulled.Marks[i] == 0 && x.has(f, rect(i, tiles.Cols, f.Bounds().Max)) {
				s.matched.Marks[i] = 1
			}
		}
	}
	s.rects = s.matched.Rects(s.rects[:0])
	took := false
	for _, r := range s.rects {
		if len(h.pulls) == maxOps || !s.worth(f, tiles, r) {
			continue
		}
		p := pull{slot: at + 1, r: r, at: r.Min.Sub(x.at.Min)}
		p.apply(ref, x.pic)
		h.pulls = append(h.pulls, p)
		tiles.Unmark(r)
		s.pulled.Mark(r)
		took = true
	}
	if took {
		s.uses++
		x.used = s.uses
	}
	return took
}

// worth tells whether a pull to r saves more than it takes.
func (s *shelf) worth(f *video.Frame, tiles *video.TileMap, r image.Rectangle) bool {
	in, blank := span(r), 0
	for y := in.Min.Y; y < in.Max.Y; y++ {
		for c := in.Min.X; c < in.Max.X; c++ {
			i := y*tiles.Cols + c
			if tiles.Marks[i] == 0 {
				continue
			}
			if blank++; blank >= manyBlank || !uniform(f, rect(i, tiles.Cols, f.Bounds().Max)) {
				return true
			}
		}
	}
	return false
}

// settle notes where the tiles of the picture after h are.
func (s *shelf) settle(h *header) {
	set := func(r image.Rectangle, to uint8) {
		in := span(r)
		for y := in.Min.Y; y < in.Max.Y; y++ {
			row := s.from[y*s.cols : (y+1)*s.cols]
			for c := in.Min.X; c < in.Max.X; c++ {
				row[c] = to
			}
		}
	}
	for _, m := range h.moves {
		set(m.r, 0)
	}
	for _, p := range h.pulls {
		set(p.r, uint8(p.slot))
	}
	for _, r := range h.rects {
		set(r, 0)
	}
	for _, r := range h.video.paint {
		set(r, 0)
	}
}
