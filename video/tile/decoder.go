package tile

import (
	"fmt"
	"image"
	"io"

	"github.com/klauspost/compress/zstd"

	"viewflip.app/video"
)

// maxLeft is how much of a frame's zstd data may stay unread: an empty block.
const maxLeft = 64

// Decoder rebuilds the picture of one surface. It is not safe for concurrent
// use.
type Decoder struct {
	z     *zstd.Decoder
	in    feed
	head  header
	pic   *video.Frame
	alive bool // false until a refresh, and after an error
	dirty []image.Rectangle
}

// feed hands zstd the bytes of one frame after the other. Decoding is
// synchronous and asks for no more than the frame holds.
type feed struct{ b []byte }

func (f *feed) Read(p []byte) (int, error) {
	if len(f.b) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, f.b)
	f.b = f.b[n:]
	return n, nil
}

// NewDecoder makes a decoder that waits for a refresh.
func NewDecoder() (*Decoder, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(windowSize), zstd.WithDecoderMaxMemory(2*windowSize))
	if err != nil {
		return nil, fmt.Errorf("tile: new decoder: %w", err)
	}
	return &Decoder{z: z}, nil
}

// Close frees the decoder.
func (d *Decoder) Close() { d.z.Close() }

// Picture is the picture after the last frame, nil before the first. It stays
// the decoder's and changes with the next Decode.
func (d *Decoder) Picture() *video.Frame { return d.pic }

// Decode applies a coded frame and returns the rectangles that changed, valid
// until the next call. After an error the picture is undefined in the part that
// the frame was about, and only a refresh is taken.
func (d *Decoder) Decode(b []byte) ([]image.Rectangle, error) {
	was := d.alive
	d.alive = false
	last := d.head.counter
	data, err := parseHeader(b, &d.head)
	if err != nil {
		return nil, err
	}
	h := &d.head
	switch {
	case h.refresh:
		if d.pic == nil || d.pic.W != h.w || d.pic.H != h.h {
			d.pic = video.NewFrame(h.w, h.h)
		}
		d.in.b = d.in.b[:0]
	case !was || h.counter != last+1:
		return nil, ErrNeedRefresh
	case d.pic.W != h.w || d.pic.H != h.h:
		return nil, fmt.Errorf("%w: the size changed without a refresh", ErrCorrupt)
	}
	if len(d.in.b) > maxLeft {
		return nil, fmt.Errorf("%w: data left over", ErrCorrupt)
	}
	d.in.b = append(d.in.b, data...)
	if h.refresh {
		if err := d.z.Reset(&d.in); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	d.dirty = d.dirty[:0]
	stride := d.pic.Stride()
	for _, m := range h.moves {
		m.apply(d.pic.Pix, stride)
		d.dirty = append(d.dirty, m.r)
	}
	for _, r := range h.rects {
		l, n := r.Min.X*video.BytesPerPixel, r.Dx()*video.BytesPerPixel
		for y := r.Min.Y; y < r.Max.Y; y++ {
			row := d.pic.Pix[y*stride+l : y*stride+l+n]
			if _, err := io.ReadFull(d.z, row); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
			}
			for i := 3; i < len(row); i += video.BytesPerPixel {
				row[i] = 255
			}
		}
		d.dirty = append(d.dirty, r)
	}
	d.pic.Gen = h.gen
	d.alive = true
	return d.dirty, nil
}
