package tile

import (
	"fmt"
	"image"
	"time"

	"github.com/klauspost/compress/zstd"

	"viewflip.app/video"
)

// Encoder codes the pictures of one surface for one viewer. It is not safe for
// concurrent use.
type Encoder struct {
	z    *zstd.Encoder
	out  sink
	head header
	// ref is what the decoder shows, but for what it is owed; nil makes the
	// next frame a refresh.
	ref    *video.Frame
	tiles  video.TileMap // those in which f and ref differ
	scroll scroller
	pan    panner
	shelf  shelf
	// old is the picture before one of another size, nil otherwise.
	old *video.Frame
	// panned is when what panned explained most of a picture last.
	panned time.Time
	photo  video.TileMap // natural ones of tiles
	toned  video.TileMap // those whose pixels have tones
	votes  votes
	// differences is a predicted row.
	differences []byte
	// blanked is a row without what video paints over it.
	blanked []byte

	o      Options
	motion motion
	region region
	owed   debt
	film   []byte  // the region's frame
	link   float64 // bytes a second that the viewer gets; 0 is unknown
	window int     // bytes that may be under way to them
	size   int     // of the last frame
	check  bool    // a checksum is asked for
}

// sink collects what zstd writes.
type sink struct{ b []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// NewEncoder makes an encoder whose first frame will be a refresh. It holds
// about 20 MB while in use, what a region takes, and parts of earlier pictures:
// MaxSlotPixels at most, and what o.Room has left.
func NewEncoder(o Options) (*Encoder, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Encoder{o: o, window: payWindow, shelf: shelf{room: o.Room}}
	z, err := zstd.NewWriter(&e.out, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(windowSize),
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true))
	if err != nil {
		return nil, fmt.Errorf("tile: new encoder: %w", err)
	}
	e.z = z
	return e, nil
}

// Close frees the encoder.
func (e *Encoder) Close() {
	e.region.close()
	e.shelf.clear()
	_ = e.z.Close()
}

// Pace tells how many bytes a second reach the viewer, 0 if nobody knows, and
// how many may be under way to them. What is owed is paid in such pieces, and
// video is coded for such a link.
func (e *Encoder) Pace(rate float64, window int) { e.link, e.window = rate, window }

// Due is when Encode is to be called though nothing changed; ok is false when
// that is never. What the viewer has with loss is paid back then.
func (e *Encoder) Due() (at time.Time, ok bool) {
	switch {
	case e.owed.n > 0:
		return e.owed.last.Add(rest), true
	case e.region.enc != nil:
		return e.region.last.Add(regionIdle), true
	default:
		return time.Time{}, false
	}
}

// Check makes the next frame in which nothing is owed carry a checksum of the
// picture, by which a decoder that went wrong finds out. The next call of Encode
// then looks at the whole picture, whatever the damage is.
func (e *Encoder) Check() { e.check = true }

// Encode appends to dst the coded frame that turns the decoder's picture into
// f within damage; nil damage means everything. refresh makes a frame that is
// decodable alone. ok is false, and nothing is
// appended, when nothing differs and nothing is due. f is only read, and not
// kept. After an error the next frame is a refresh.
func (e *Encoder) Encode(dst []byte, f *video.Frame, damage []image.Rectangle, refresh bool) (out []byte, ok bool, err error) {
	now := e.o.Now()
	if e.ref == nil || e.ref.W != f.W || e.ref.H != f.H {
		if !sizeOK(f.W, f.H) {
			return dst, false, fmt.Errorf("tile: %dx%d pixels cannot be coded", f.W, f.H)
		}
		refresh = e.resize(f.W, f.H, refresh, now)
	} else if refresh {
		e.shelf.refreshed(now)
	}
	h := &e.head
	h.emptied, h.keep, h.pulls = 0, kept{}, h.pulls[:0]
	h.moves, h.rects = h.moves[:0], h.rects[:0]
	h.video.paint, h.video.data = h.video.paint[:0], nil
	if refresh {
		e.refresh(f, now)
	} else {
		if damage == nil || e.check || e.old != nil {
			damage = []image.Rectangle{f.Bounds()}
		}
		e.find(f, damage, now)
		e.tone(f)
		e.watch(now)
		e.hurry(f, now)
		e.owed.pay(&e.tiles, &e.region, max(trickle, e.window/tileCost), now)
	}
	e.play(f, now)
	if !refresh {
		e.split(f)
		if len(h.rects) > maxOps {
			h.rects, h.predicted, h.toned = append(h.rects[:0], f.Bounds()), 0, 0
		}
		if e.idle(f) {
			return dst, false, nil
		}
	}
	if refresh {
		h.predicted, h.toned = 0, 0
	}
	h.refresh, h.w, h.h, h.gen = refresh, f.W, f.H, f.Gen
	h.counter++
	e.settle(f, now)
	e.out.b = appendHeader(dst, h)
	head := len(e.out.b)
	raw, err := e.send(f)
	out, e.out.b = e.out.b, nil
	if err != nil {
		e.ref = nil
		return dst, false, fmt.Errorf("tile: compress: %w", err)
	}
	e.size = len(out) - len(dst)
	if !refresh {
		e.motion.cost(raw, len(out)-head)
	}
	return out, true, nil
}

// idle reports whether the head says nothing that the other end does not know, and
// no checksum can be sent.
func (e *Encoder) idle(f *video.Frame) bool {
	h := &e.head
	return e.old == nil && !h.slotted() && len(h.moves) == 0 && len(h.rects) == 0 && len(h.video.paint) == 0 &&
		h.gen == f.Gen && (!e.check || e.owed.n > 0)
}

// settle notes what the other end will have when it has this frame: slots, what is
// still owed in full, and the parts that are video. A checksum is of a picture of
// which nothing is owed.
func (e *Encoder) settle(f *video.Frame, now time.Time) {
	h := &e.head
	e.shelf.lay(f.W, f.H)
	e.shelf.settle(h)
	e.old = nil
	for _, r := range h.rects {
		e.owed.paid(r)
	}
	for _, r := range h.video.paint {
		e.owed.owe(r, now)
		video.CopyRect(e.ref, f, r)
	}
	h.owes = e.owed.n > 0
	if h.summed = e.check && !h.owes; h.summed {
		h.sum, e.check = checksum(f), false
	}
}

// resize begins with another size, and tells whether that needs a refresh: as
// long as all is exact, the picture goes on from what it has in common with the
// one before.
func (e *Encoder) resize(w, h int, refresh bool, now time.Time) bool {
	e.old = nil
	if refresh = refresh || e.ref == nil || e.owed.n > 0 || e.region.enc != nil; refresh {
		e.ref = video.NewFrame(w, h)
	} else {
		e.old, e.ref = e.ref, resized(e.ref, w, h)
	}
	e.region.close()
	e.tiles.Reset(w, h)
	e.region.changed.Reset(w, h)
	e.motion.reset(e.tiles.Cols, e.tiles.Rows)
	e.owed.reset(e.tiles.Cols, e.tiles.Rows, now)
	e.scroll.size(w, h)
	e.scroll.forget()
	return refresh
}

// refresh prepares a frame that is decodable alone. The region is video in it.
func (e *Encoder) refresh(f *video.Frame, now time.Time) {
	e.z.Reset(&e.out)
	e.scroll.forget()
	e.shelf.clear()
	e.head.rects = append(e.head.rects, f.Bounds())
	e.tiles.Reset(f.W, f.H)
	e.region.changed.Reset(f.W, f.H)
	e.tiles.Mark(f.Bounds())
	if e.region.enc != nil {
		e.region.key = true
		e.region.take(&e.tiles)
		return
	}
	e.hurry(f, now)
}

// send compresses the pixels of head.rects, and notes that the decoder has
// them. raw is how many bytes they were.
func (e *Encoder) send(f *video.Frame) (raw int, err error) {
	if len(e.head.rects) == 0 {
		return 0, nil
	}
	toned := len(e.head.rects) - e.head.toned
	plain := toned - e.head.predicted
	for i, r := range e.head.rects {
		n := r.Dx() * video.BytesPerPixel
		raw += n * r.Dy()
		for y := r.Min.Y; y < r.Max.Y; y++ {
			o := (y*f.W + r.Min.X) * video.BytesPerPixel
			switch {
			case i >= toned:
				e.differences = e.head.tones.differ(e.differences[:0], f.Pix[o:o+n], e.ref.Pix[o:o+n])
				_, err = e.z.Write(e.differences)
			case i >= plain:
				e.differences = predict(e.differences[:0], f, r, y)
				_, err = e.z.Write(e.differences)
			default:
				err = e.row(f, y, o, n)
			}
			if err != nil {
				return raw, err
			}
			copy(e.ref.Pix[o:o+n], f.Pix[o:o+n])
		}
	}
	return raw, e.z.Flush()
}

// row compresses n bytes of row y from o. In a refresh video is painted over
// it, and it is blank there.
func (e *Encoder) row(f *video.Frame, y, o, n int) error {
	row := f.Pix[o : o+n]
	if e.head.refresh && len(e.head.video.paint) > 0 {
		e.blanked = append(e.blanked[:0], row...)
		row = e.blanked
		for _, p := range e.head.video.paint {
			if y >= p.Min.Y && y < p.Max.Y {
				clear(row[p.Min.X*video.BytesPerPixel : p.Max.X*video.BytesPerPixel])
			}
		}
	}
	_, err := e.z.Write(row)
	return err
}

// find fills head.moves and head.pulls with what turns parts of ref into f, and
// tiles and region.changed with those in which they differ then. What goes away is
// kept in a slot.
func (e *Encoder) find(f *video.Frame, damage []image.Rectangle, now time.Time) {
	h := &e.head
	e.tiles.Reset(f.W, f.H)
	e.region.changed.Reset(f.W, f.H)
	n, box := e.tiles.Diff(f, e.ref, damage)
	if n == 0 && e.old == nil {
		return
	}
	best, all := e.shelf.best(f, &e.tiles, n)
	keep := func() {}
	// What panned a moment ago has not come to rest, and will pan on.
	if (n >= minKept || e.old != nil) && now.Sub(e.panned) > restTime {
		old, was := e.leave(f, now)
		keep = func() { e.shelf.keep(h, old, was, e.owed.since, best, now) }
	}
	if all {
		keep()
		e.recall(f, best, now)
		e.scroll.forgetRows(box.Min.Y, box.Max.Y)
		e.region.take(&e.tiles)
		return
	}
	if e.region.enc != nil && box.Overlaps(e.region.at) {
		// Video does not scroll; but its rows will be others.
		e.region.take(&e.tiles)
		e.scroll.forgetRows(e.region.at.Min.Y, e.region.at.Max.Y)
		n, box = e.tiles.Count()
	}
	if n == 0 {
		keep()
		return
	}
	h.moves = e.scroll.find(h.moves, e.ref, f, &e.tiles, n, box)
	if !e.scroll.explains() { // what scrolls stays in the picture
		keep()
	}
	if len(h.moves) > 0 {
		n, box = e.scrolled(f, box)
	}
	first, before := len(h.moves), n
	h.moves = e.pan.find(h.moves, e.ref, f, &e.tiles, n, box)
	for _, m := range h.moves[first:] {
		e.owed.move(m)
	}
	if len(h.moves) == first && best < 0 {
		return
	}
	if n, _ = e.tiles.Count(); 2*n < before && len(h.moves) > first {
		e.panned = now
	}
	if best >= 0 {
		best, _ = e.shelf.best(f, &e.tiles, n)
		e.recall(f, best, now)
	}
}

// scrolled makes the moves that were found in ref, and returns in how many tiles,
// and within which box, ref and f differ then; box is where they did before.
func (e *Encoder) scrolled(f *video.Frame, box image.Rectangle) (int, image.Rectangle) {
	for _, m := range e.head.moves {
		m.apply(e.ref.Pix, f.Stride())
		e.owed.move(m)
		box = box.Union(m.r)
	}
	e.tiles.Reset(f.W, f.H)
	e.tiles.Diff(f, e.ref, []image.Rectangle{box})
	e.region.take(&e.tiles)
	return e.tiles.Count()
}

// leave looks at what goes away when f comes. It lies in was, in old.
func (e *Encoder) leave(f *video.Frame, now time.Time) (old *video.Frame, was *video.TileMap) {
	if old = e.old; old == nil {
		old = e.ref
	}
	e.shelf.lay(old.W, old.H)
	was = e.shelf.leaving(old, &e.tiles, f)
	e.shelf.note(was, now)
	return old, was
}

// recall brings what slots have of the marked tiles of f into ref.
func (e *Encoder) recall(f *video.Frame, best int, now time.Time) {
	if best < 0 {
		return
	}
	e.shelf.recall(&e.head, e.ref, f, &e.tiles, best, now)
	for _, p := range e.head.pulls {
		e.owed.paid(p.r)
	}
}

// watch begins, moves and ends the region.
func (e *Encoder) watch(now time.Time) {
	if e.o.Region == nil {
		return
	}
	const all = 16
	slots := all
	n, _ := e.tiles.Count()
	if n > 0 && float64(e.size) > e.link*slowTime.Seconds() && e.link > 0 {
		slots = 1 // a slow link shows few pictures of a fast video
	}
	fresh := e.motion.advance(now, slots)
	e.motion.note(&e.tiles)
	e.motion.note(&e.region.changed)
	if !fresh {
		return
	}
	r := &e.region
	if r.enc == nil {
		if e.motion.isNatural() {
			e.begin(e.motion.find(), now)
			r.take(&e.tiles)
		}
		return
	}
	if now.Sub(r.since) < restartPause {
		return
	}
	inside := e.motion.count(r.at)
	whole := span(r.at)
	if inside*10 < whole.Dx()*whole.Dy() {
		r.give(&e.tiles)
		r.close()
		return
	}
	better := e.motion.find()
	if better.Empty() {
		return
	}
	outside := e.motion.count(better) - e.motion.count(better.Intersect(r.at))
	if outside*10 > whole.Dx()*whole.Dy() || 2*better.Dx()*better.Dy() < r.at.Dx()*r.at.Dy() {
		r.give(&e.tiles)
		e.begin(better, now)
		r.take(&e.tiles)
	}
}

// hurry lets natural pictures come with loss first where the link is too slow
// for them.
func (e *Encoder) hurry(f *video.Frame, now time.Time) {
	r := &e.region
	limit := e.link * passTime.Seconds() / tileCost
	if n, _ := e.tiles.Count(); e.o.Region == nil || r.enc != nil || e.link <= 0 || float64(n) < limit {
		return
	}
	copy(r.changed.Marks, e.tiles.Marks)
	n := r.pickNatural(f, &r.changed)
	_, box := r.changed.Count()
	if float64(n) < max(limit, fewTiles) || box.Dx()*box.Dy() > MaxRegion {
		clear(r.changed.Marks)
		return
	}
	if e.begin(box, now); r.enc != nil {
		for i, m := range r.changed.Marks {
			e.tiles.Marks[i] &^= m
		}
	}
}

// begin begins a region, in place of the one before; an empty one is none.
func (e *Encoder) begin(at image.Rectangle, now time.Time) {
	r := &e.region
	r.close()
	if at = at.Intersect(e.ref.Bounds()); at.Empty() {
		return
	}
	q := max(r.quality, quality)
	enc, err := e.o.Region(at, q)
	if err != nil {
		e.o.Region = nil
		return
	}
	r.enc, r.at, r.key, r.quality = enc, at, true, q
	r.since, r.last, r.steady = now, now, now
}

// play codes what changed in the region.
func (e *Encoder) play(f *video.Frame, now time.Time) {
	r := &e.region
	if r.enc == nil {
		return
	}
	if n, _ := r.changed.Count(); n < fewTiles {
		r.give(&e.tiles) // not worth a frame of video
		if now.Sub(r.last) >= regionIdle {
			r.close()
		}
		return
	}
	v := &e.head.video
	v.at, v.paint = r.at, r.changed.Rects(v.paint)
	err := r.adapt(e.link, now)
	if err == nil {
		e.film, err = r.enc.Encode(e.film[:0], f, v.paint, r.key)
	}
	if err != nil {
		// Without video everything is lossless, as it would be in the end.
		v.paint = v.paint[:0]
		r.give(&e.tiles)
		r.close()
		e.o.Region = nil
		return
	}
	v.data, r.key, r.last = e.film, false, now
	r.rate.add(len(e.film), now)
}
