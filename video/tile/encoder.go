package tile

import (
	"bytes"
	"fmt"
	"image"

	"github.com/klauspost/compress/zstd"

	"viewflip.app/video"
)

// Encoder codes the pictures of one surface for one viewer. It is not safe for
// concurrent use.
type Encoder struct {
	z    *zstd.Encoder
	out  sink
	head header
	ref  *video.Frame // what the decoder shows
	// changed marks tiles, cols per row.
	changed    []bool
	cols, rows int
	raw        []byte
	scroll     scroller
}

// sink collects what zstd writes.
type sink struct{ b []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// NewEncoder makes an encoder whose first frame will be a refresh. It holds
// about 20 MB while in use.
func NewEncoder() (*Encoder, error) {
	e := &Encoder{}
	z, err := zstd.NewWriter(&e.out, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(windowSize),
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true))
	if err != nil {
		return nil, fmt.Errorf("tile: new encoder: %w", err)
	}
	e.z = z
	return e, nil
}

// Close frees the encoder.
func (e *Encoder) Close() { _ = e.z.Close() }

// Encode appends to dst the coded frame that turns the decoder's picture into
// f within damage; nil damage means everything. refresh makes a frame that is
// decodable alone, as a change of size always does. ok is false, and nothing is
// appended, when nothing differs. f is only read, and not kept.
func (e *Encoder) Encode(dst []byte, f *video.Frame, damage []image.Rectangle, refresh bool) (out []byte, ok bool, err error) {
	if e.ref == nil || e.ref.W != f.W || e.ref.H != f.H {
		if f.W < 1 || f.H < 1 || f.W > video.MaxSide || f.H > video.MaxSide || f.W*f.H > video.MaxPixels {
			return dst, false, fmt.Errorf("tile: %dx%d pixels cannot be coded", f.W, f.H)
		}
		e.resize(f.W, f.H)
		refresh = true
	}
	h := &e.head
	h.moves, h.rects = h.moves[:0], h.rects[:0]
	if refresh {
		e.z.Reset(&e.out)
		h.rects = append(h.rects, f.Bounds())
	} else {
		if damage == nil {
			damage = []image.Rectangle{f.Bounds()}
		}
		e.find(f, damage)
		if len(h.moves) == 0 && len(h.rects) == 0 && h.gen == f.Gen {
			return dst, false, nil
		}
	}
	h.refresh, h.w, h.h, h.gen = refresh, f.W, f.H, f.Gen
	h.counter++

	e.raw = e.raw[:0]
	stride := f.Stride()
	for _, r := range h.rects {
		l, n := r.Min.X*video.BytesPerPixel, r.Dx()*video.BytesPerPixel
		for y := r.Min.Y; y < r.Max.Y; y++ {
			row := f.Pix[y*stride+l : y*stride+l+n]
			e.raw = append(e.raw, row...)
			copy(e.ref.Pix[y*stride+l:], row)
		}
	}
	e.out.b = appendHeader(dst, h)
	if len(e.raw) > 0 {
		if _, err = e.z.Write(e.raw); err == nil {
			err = e.z.Flush()
		}
		if err != nil {
			return dst, false, fmt.Errorf("tile: compress: %w", err)
		}
	}
	out, e.out.b = e.out.b, nil
	return out, true, nil
}

func (e *Encoder) resize(w, h int) {
	e.ref = video.NewFrame(w, h)
	e.cols, e.rows = (w+tileSize-1)/tileSize, (h+tileSize-1)/tileSize
	e.changed = make([]bool, e.cols*e.rows)
}

// find fills head.moves and head.rects with what turns ref into f.
func (e *Encoder) find(f *video.Frame, damage []image.Rectangle) {
	clear(e.changed)
	n, box := e.diff(f, damage)
	if n == 0 {
		return
	}
	if e.head.moves = e.scroll.find(e.head.moves, e.ref, f, box, n); len(e.head.moves) > 0 {
		stride := f.Stride()
		again := []image.Rectangle{box}
		for _, m := range e.head.moves {
			m.apply(e.ref.Pix, stride)
			again = append(again, m.r)
		}
		clear(e.changed)
		e.diff(f, again)
	}
	e.collect(f)
	if len(e.head.rects) > maxOps {
		e.head.rects = append(e.head.rects[:0], f.Bounds())
	}
}

// diff marks the tiles within damage that differ and returns how many there
// are and the rectangle around them.
func (e *Encoder) diff(f *video.Frame, damage []image.Rectangle) (n int, box image.Rectangle) {
	stride := f.Stride()
	for _, d := range damage {
		d = d.Intersect(f.Bounds())
		if d.Empty() {
			continue
		}
		x0, x1 := d.Min.X/tileSize, (d.Max.X+tileSize-1)/tileSize
		for ty := d.Min.Y / tileSize; ty*tileSize < d.Max.Y; ty++ {
			marks := e.changed[ty*e.cols : (ty+1)*e.cols]
			left, right := x0*tileSize*video.BytesPerPixel, min(x1*tileSize, f.W)*video.BytesPerPixel
			for y := ty * tileSize; y < min((ty+1)*tileSize, f.H); y++ {
				a, b := f.Pix[y*stride:(y+1)*stride], e.ref.Pix[y*stride:(y+1)*stride]
				if bytes.Equal(a[left:right], b[left:right]) {
					continue
				}
				for tx := x0; tx < x1; tx++ {
					if marks[tx] {
						continue
					}
					l, r := tx*tileSize*video.BytesPerPixel, min((tx+1)*tileSize, f.W)*video.BytesPerPixel
					if !bytes.Equal(a[l:r], b[l:r]) {
						marks[tx] = true
						n++
						box = box.Union(image.Rect(tx*tileSize, ty*tileSize, r/video.BytesPerPixel, min((ty+1)*tileSize, f.H)))
					}
				}
			}
		}
	}
	return n, box
}

// collect turns marked tiles into rectangles: runs in a row, joined with equal
// runs of the row above.
func (e *Encoder) collect(f *video.Frame) {
	rects := e.head.rects
	prev := 0 // where the rectangles that reach the row above begin
	for ty := range e.rows {
		row := e.changed[ty*e.cols : (ty+1)*e.cols]
		y0, y1 := ty*tileSize, min((ty+1)*tileSize, f.H)
		begin := len(rects)
		for tx := 0; tx < e.cols; tx++ {
			if !row[tx] {
				continue
			}
			from := tx
			for tx < e.cols && row[tx] {
				tx++
			}
			x0, x1 := from*tileSize, min(tx*tileSize, f.W)
			joined := false
			for i := prev; i < begin && !joined; i++ {
				if r := &rects[i]; r.Min.X == x0 && r.Max.X == x1 && r.Max.Y == y0 {
					r.Max.Y = y1
					joined = true
				}
			}
			if !joined {
				rects = append(rects, image.Rect(x0, y0, x1, y1))
			}
		}
		if begin-prev > 64 { // keep the search short
			prev = begin
		}
	}
	e.head.rects = rects
}
