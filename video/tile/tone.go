package tile

import (
	"image"

	"viewflip.app/video"
)

// tones is what becomes of each value of blue, green and red where a picture is
// dimmed, faded or highlighted.
type tones [3][256]byte

// differ appends to dst how a row differs from the tones of what was there.
func (t *tones) differ(dst, row, was []byte) []byte {
	const p = video.BytesPerPixel
	for i := 0; i+p <= len(row) && i+p <= len(was); i += p {
		dst = append(dst, row[i]-t[0][was[i]], row[i+1]-t[1][was[i+1]], row[i+2]-t[2][was[i+2]], 0)
	}
	return dst
}

// restore undoes differ for the rows of r, with what is there in pic.
func (t *tones) restore(b []byte, pic *video.Frame, r image.Rectangle) {
	const p = video.BytesPerPixel
	n := r.Dx() * p
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row, o := b[:n], (y*pic.W+r.Min.X)*p
		was := pic.Pix[o : o+n]
		for i := 0; i+p <= len(row) && i+p <= len(was); i += p {
			row[i] += t[0][was[i]]
			row[i+1] += t[1][was[i+1]]
			row[i+2] += t[2][was[i+2]]
		}
		b = b[n:]
	}
}

// votes finds for each value the one that mostly takes its place (Boyer and
// Moore's majority vote).
type votes [3][256]struct {
	value byte
	n     int32
}

// cast lets the pixels of a row vote that are others than they were.
func (v *votes) cast(row, was []byte) {
	const p = video.BytesPerPixel
	for i := 0; i+p <= len(row) && i+p <= len(was); i += p {
		if a, b := row[i:i+3], was[i:i+3]; a[0] == b[0] && a[1] == b[1] && a[2] == b[2] {
			continue
		}
		for c := range v {
			switch x := &v[c][was[i+c]]; {
			case x.n == 0:
				x.value, x.n = row[i+c], 1
			case x.value == row[i+c]:
				x.n++
			default:
				x.n--
			}
		}
	}
}

// result is what was voted for; a value without votes stays.
func (v *votes) result(t *tones) {
	for c := range v {
		for i, x := range v[c] {
			t[c][i] = byte(i)
			if x.n > 0 {
				t[c][i] = x.value
			}
		}
	}
}

// explain counts the pixels of a row that are others than they were, and those
// of them that have their tones.
func (t *tones) explain(row, was []byte) (changed, explained int) {
	const p = video.BytesPerPixel
	for i := 0; i+p <= len(row) && i+p <= len(was); i += p {
		a, b := row[i:i+3], was[i:i+3]
		if a[0] == b[0] && a[1] == b[1] && a[2] == b[2] {
			continue
		}
		changed++
		if a[0] == t[0][b[0]] && a[1] == t[1][b[1]] && a[2] == t[2][b[2]] {
			explained++
		}
	}
	return changed, explained
}

// tone moves from tiles to toned those in which most pixels changed, and nearly
// all of those by tones that all share. A sample of the rows decides: what it
// misses is in the differences. What scrolls is not looked at.
func (e *Encoder) tone(f *video.Frame) {
	e.toned.Reset(f.W, f.H)
	if n, _ := e.tiles.Count(); n < manyTiles || len(e.head.moves) > 0 {
		return
	}
	e.votes = votes{}
	e.sample(f, 8, func(_ int, row, was []byte) { e.votes.cast(row, was) })
	t := &e.head.tones
	e.votes.result(t)
	last, all, changed, explained := -1, 0, 0, 0
	decide := func() {
		if last >= 0 && 2*changed > all && 8*explained >= 7*changed {
			e.toned.Marks[last] = 1
		}
	}
	e.sample(f, 4, func(i int, row, was []byte) {
		if i != last {
			decide()
			last, all, changed, explained = i, 0, 0, 0
		}
		c, x := t.explain(row, was)
		all, changed, explained = all+len(row)/video.BytesPerPixel, changed+c, explained+x
	})
	decide()
	if n, _ := e.toned.Count(); n < manyTiles {
		clear(e.toned.Marks) // not worth its tones
		return
	}
	for i, mark := range e.toned.Marks {
		e.tiles.Marks[i] &^= mark
	}
}

// sample calls fn with every stepth row of the marked tiles of f, and what the
// decoder has there, which is known where it is not owed anything.
func (e *Encoder) sample(f *video.Frame, step int, fn func(i int, row, was []byte)) {
	const t = video.TileSize
	for i, mark := range e.tiles.Marks {
		if mark == 0 || e.owed.since[i] != 0 {
			continue
		}
		x, y := i%e.tiles.Cols*t, i/e.tiles.Cols*t
		r := image.Rect(x, y, x+t, y+t).Intersect(f.Bounds())
		for y := r.Min.Y + i%step; y < r.Max.Y; y += step {
			a, b := (y*f.W+r.Min.X)*video.BytesPerPixel, (y*f.W+r.Max.X)*video.BytesPerPixel
			fn(i, f.Pix[a:b], e.ref.Pix[a:b])
		}
	}
}
