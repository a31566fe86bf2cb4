package tile

import (
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
	// ref is what the decoder shows; nil makes the next frame a refresh.
	ref    *video.Frame
	tiles  video.TileMap // those in which f and ref differ
	scroll scroller
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
// appended, when nothing differs. f is only read, and not kept. After an error
// the next frame is a refresh.
func (e *Encoder) Encode(dst []byte, f *video.Frame, damage []image.Rectangle, refresh bool) (out []byte, ok bool, err error) {
	if e.ref == nil || e.ref.W != f.W || e.ref.H != f.H {
		if !sizeOK(f.W, f.H) {
			return dst, false, fmt.Errorf("tile: %dx%d pixels cannot be coded", f.W, f.H)
		}
		e.ref = video.NewFrame(f.W, f.H)
		refresh = true
	}
	h := &e.head
	h.moves, h.rects = h.moves[:0], h.rects[:0]
	if refresh {
		e.z.Reset(&e.out)
		e.scroll.forget()
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
	e.out.b = appendHeader(dst, h)
	err = e.send(f)
	out, e.out.b = e.out.b, nil
	if err != nil {
		e.ref = nil
		return dst, false, fmt.Errorf("tile: compress: %w", err)
	}
	return out, true, nil
}

// send compresses the pixels of head.rects, and notes that the decoder has them.
func (e *Encoder) send(f *video.Frame) error {
	if len(e.head.rects) == 0 {
		return nil
	}
	for _, r := range e.head.rects {
		n := r.Dx() * video.BytesPerPixel
		for y := r.Min.Y; y < r.Max.Y; y++ {
			o := (y*f.W + r.Min.X) * video.BytesPerPixel
			row := f.Pix[o : o+n]
			if _, err := e.z.Write(row); err != nil {
				return err
			}
			copy(e.ref.Pix[o:], row)
		}
	}
	return e.z.Flush()
}

// find fills head.moves and head.rects with what turns ref into f.
func (e *Encoder) find(f *video.Frame, damage []image.Rectangle) {
	h := &e.head
	e.tiles.Reset(f.W, f.H)
	n, box := e.tiles.Diff(f, e.ref, damage)
	if n == 0 {
		return
	}
	if h.moves = e.scroll.find(h.moves, e.ref, f, &e.tiles, n, box); len(h.moves) > 0 {
		for _, m := range h.moves {
			m.apply(e.ref.Pix, f.Stride())
			box = box.Union(m.r)
		}
		e.tiles.Reset(f.W, f.H)
		e.tiles.Diff(f, e.ref, []image.Rectangle{box})
	}
	h.rects = e.tiles.Rects(h.rects)
	if len(h.rects) > maxOps {
		h.rects = append(h.rects[:0], f.Bounds())
	}
}
