//go:build cgo && linux

package vpx

import (
	"fmt"
	"image"

	"viewflip.app/video"
)

// RegionEncoder codes one rectangle of the pictures of a surface as VP9 with
// full colour (profile 1). It is not safe for concurrent use.
type RegionEncoder struct{ e Encoder }

// grey is what a region shows where nothing was coded yet.
const grey = 128

// NewRegionEncoder makes an encoder for the rectangle at of a surface, whose
// corner is even. quality is a quantizer as in Options.
func NewRegionEncoder(at image.Rectangle, quality int) (*RegionEncoder, error) {
	e, err := NewEncoder(Options{Quality: quality, Profile444: true})
	if err != nil {
		return nil, err
	}
	if err := e.open(at.Dx(), at.Dy()); err != nil {
		return nil, err
	}
	e.planes.Rect = at
	for _, p := range [][]byte{e.planes.Y, e.planes.Cb, e.planes.Cr} {
		for i := range p {
			p[i] = grey // not what was in this memory before
		}
	}
	return &RegionEncoder{e: *e}, nil
}

// SetQuality changes the quantizer from the next frame on.
func (r *RegionEncoder) SetQuality(quality int) error {
	q, err := Options{Quality: quality}.quantizer()
	if err != nil {
		return err
	}
	if code := r.e.quantizer(q); code != nil {
		return fmt.Errorf("vpx: quality: %w", code)
	}
	return nil
}

// Encode appends to dst one frame after which a decoder's region is like that
// of f within the rectangles changed, and undefined elsewhere. key makes a
// frame that is decodable alone. f is only read, and not kept.
func (r *RegionEncoder) Encode(dst []byte, f *video.Frame, changed []image.Rectangle, key bool) ([]byte, error) {
	at := r.e.planes.Rect
	r.e.tiles.Reset(at.Dx(), at.Dy())
	for _, c := range changed {
		r.e.tiles.Mark(c.Sub(at.Min))
		video.ToYUV(&r.e.planes, f, c)
	}
	return r.e.encode(dst, key)
}

// Close frees what libvpx holds. The encoder cannot be used afterwards.
func (r *RegionEncoder) Close() { r.e.Close() }

// RegionDecoder is the other end of a RegionEncoder. It keeps no picture of its
// own but libvpx's.
type RegionDecoder struct {
	d     Decoder
	size  image.Point
	shown image.YCbCr
	space video.YUV
}

// NewRegionDecoder makes a decoder that waits for a key frame.
func NewRegionDecoder() (*RegionDecoder, error) {
	d, err := NewDecoder()
	if err != nil {
		return nil, err
	}
	return &RegionDecoder{d: *d}, nil
}

// Decode takes one frame of a region of this size. A new size, and what comes
// after a Reset or an error, needs a key frame. Anything but 4:4:4 of exactly
// this size is ErrCorrupt, and never reaches libvpx if its header says so.
func (r *RegionDecoder) Decode(b []byte, size image.Point) error {
	r.shown = image.YCbCr{}
	if size != r.size {
		r.size, r.d.alive = size, false
	}
	err := r.decode(b)
	r.d.alive = err == nil
	return err
}

func (r *RegionDecoder) decode(b []byte) error {
	img, err := r.d.image(b, func(w, h int) bool { return w == r.size.X && h == r.size.Y })
	if err != nil {
		return err
	}
	if img == nil {
		return fmt.Errorf("%w: nothing to show", ErrCorrupt)
	}
	next, space, err := planes(img)
	if err != nil {
		return err
	}
	if next.Rect.Max != r.size || next.SubsampleRatio != image.YCbCrSubsampleRatio444 {
		return fmt.Errorf("%w: another size or chroma", ErrCorrupt)
	}
	r.shown, r.space = next, space
	return nil
}

// Paint brings rectangle c of f, which lies in the region with its corner at
// at, from the frame decoded last into f.
func (r *RegionDecoder) Paint(f *video.Frame, at image.Point, c image.Rectangle) {
	src := r.shown
	src.Rect = src.Rect.Add(at)
	video.FromYUV(f, &src, r.space, c)
}

// Reset makes the decoder wait for a key frame.
func (r *RegionDecoder) Reset() { r.d.alive = false }

// Close frees what libvpx holds. Nothing can be decoded afterwards.
func (r *RegionDecoder) Close() { r.d.Close(); r.shown = image.YCbCr{} }
