package tile

import (
	"fmt"
	"image"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"viewflip.app/video"
)

// step is how much memory is taken at a time for pixels that arrive, so that a
// header cannot make the decoder allocate more than twice what was really sent.
const step = 1 << 20

// Decoder rebuilds the picture of one surface. It is not safe for concurrent
// use. It holds the picture, parts of earlier ones (Slots), the pixels of the largest
// frame since the last refresh, and about 9 MB.
type Decoder struct {
	z       *zstd.Decoder
	in      feed
	head    header
	raw     []byte
	pic     *video.Frame
	owes    bool
	alive   bool // false until a refresh, and after an error
	counter uint32
	dirty   []image.Rectangle
	slots   memory
	region  RegionDecoder
	filmed  int // pixels of the last video since a refresh
}

// feed hands zstd the bytes of one frame after the other. A zstd decoder with a
// concurrency of 1 reads in the caller's goroutine, and no further than the
// block that completes what is asked for; so the end of a coded frame is met
// only by one that is too short.
type feed struct{ b []byte }

func (f *feed) Read(p []byte) (int, error) {
	if len(f.b) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, f.b)
	f.b = f.b[n:]
	return n, nil
}

// NewDecoder makes a decoder that waits for a refresh. region decodes its video,
// and becomes the decoder's; without one it takes streams of MimeType only.
func NewDecoder(region RegionDecoder) (*Decoder, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(windowSize), zstd.WithDecoderMaxMemory(windowSize))
	if err != nil {
		return nil, fmt.Errorf("tile: new decoder: %w", err)
	}
	return &Decoder{z: z, region: region}, nil
}

// Close frees the decoder. Nothing can be decoded afterwards.
func (d *Decoder) Close() {
	d.z.Close()
	if d.region != nil {
		d.region.Close()
	}
}

// Exact reports whether the picture equals the source everywhere, or is owed
// something still.
func (d *Decoder) Exact() bool { return d.pic != nil && !d.owes }

// Picture is the picture after the last frame that was decoded, nil before the
// first. It stays the decoder's and changes with the next Decode.
func (d *Decoder) Picture() *video.Frame { return d.pic }

// Need is how many pixels the decoder will hold after Decode of b, if that is a
// frame, beside those of Slots: those of the picture and those of the video in it.
// 0 if it is none.
func (d *Decoder) Need(b []byte) int {
	a, ok := announced(b)
	if !ok {
		return 0
	}
	if a.film == 0 && !a.refresh {
		a.film = d.filmed
	}
	return a.w*a.h + a.film
}

// Slots is how many pixels the slots will hold after Decode of b, MaxSlotPixels at
// most if that is a frame. A refresh empties them.
func (d *Decoder) Slots(b []byte) int {
	a, ok := announced(b)
	switch {
	case !ok:
		return d.slots.pixels
	case a.refresh:
		return 0
	default:
		return d.slots.after(a.emptied, a.keep)
	}
}

// Forget empties all slots, and lets the next frame keep nothing, because there is no
// room for it. The encoder does not hear of that: a frame that needs one of them is
// corrupt, and the refresh that follows empties the encoder's.
func (d *Decoder) Forget() { d.slots = memory{full: true} }

// Decode applies a coded frame and returns the rectangles that changed, valid
// until the next call. After ErrCorrupt or ErrNeedRefresh the picture is as it
// was, after ErrWrong it is wrong; only a refresh is taken then. b is not kept.
func (d *Decoder) Decode(b []byte) ([]image.Rectangle, error) {
	err := d.decode(b)
	d.alive = err == nil
	if err != nil {
		return nil, err
	}
	return d.dirty, nil
}

func (d *Decoder) decode(b []byte) error {
	h := &d.head
	allowed := byte(flagRefresh | flagSum | flagTones | flagSlots)
	if d.region != nil {
		allowed |= flagOwes | flagVideo
	}
	data, err := parseHeader(b, h, allowed)
	if err != nil {
		return err
	}
	last := d.counter
	d.counter = h.counter
	switch {
	case h.refresh:
	case !d.alive || h.counter != last+1:
		return ErrNeedRefresh
	default:
		if err := d.slots.check(h, d.pic.Bounds()); err != nil {
			return err
		}
	}
	if err := d.inflate(data); err != nil {
		return err
	}
	if err := d.play(); err != nil {
		return err
	}
	d.dirty = d.dirty[:0]
	d.begin()
	d.apply()
	if h.refresh {
		d.raw = nil // the next will be smaller
	}
	if h.summed && checksum(d.pic) != h.sum {
		return ErrWrong
	}
	return nil
}

// begin does what comes before all pixels of a frame: slots, and another size.
func (d *Decoder) begin() {
	h := &d.head
	if h.refresh {
		d.slots = memory{}
	} else {
		d.slots.keep(h, d.pic)
	}
	switch {
	case d.pic != nil && d.pic.W == h.w && d.pic.H == h.h:
		return
	case h.refresh:
		d.pic = video.NewFrame(h.w, h.h)
	default:
		d.pic = resized(d.pic, h.w, h.h)
	}
	d.dirty = append(d.dirty, d.pic.Bounds())
}

// play decodes the video, if there is any.
func (d *Decoder) play() error {
	h := &d.head
	if h.refresh && d.region != nil {
		d.region.Reset()
		d.filmed = 0
	}
	if len(h.video.paint) == 0 {
		return nil
	}
	data := h.video.data
	h.video.data = nil // b's
	d.filmed = h.video.at.Dx() * h.video.at.Dy()
	if err := d.region.Decode(data, h.video.at.Size()); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return nil
}

// inflate fills raw with the pixels of all rectangles.
func (d *Decoder) inflate(data []byte) error {
	d.in.b = data
	defer func() { d.in.b = nil }()
	if d.head.refresh {
		if err := d.z.Reset(&d.in); err != nil {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	size := 0
	for _, r := range d.head.rects {
		size += r.Dx() * r.Dy() * video.BytesPerPixel
	}
	d.raw = d.raw[:0]
	for len(d.raw) < size {
		n := min(step, size-len(d.raw))
		d.raw = slices.Grow(d.raw, n)
		if _, err := io.ReadFull(d.z, d.raw[len(d.raw):len(d.raw)+n]); err != nil {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		d.raw = d.raw[:len(d.raw)+n]
	}
	if len(d.in.b) > 0 {
		return fmt.Errorf("%w: %d bytes too many", ErrCorrupt, len(d.in.b))
	}
	return nil
}

// restore makes pixels of the differences in raw.
func (d *Decoder) restore() {
	raw, h := d.raw, &d.head
	toned := len(h.rects) - h.toned
	for i, r := range h.rects {
		n := r.Dx() * video.BytesPerPixel
		switch b := raw[:n*r.Dy()]; {
		case i >= toned:
			h.tones.restore(b, d.pic, r)
		case i >= toned-h.predicted:
			restore(b, n)
		}
		raw = raw[n*r.Dy():]
	}
}

// apply brings moves and pixels into the picture; nothing can fail any more.
func (d *Decoder) apply() {
	p := d.pic
	for _, m := range d.head.moves {
		m.apply(p.Pix, p.Stride())
		d.dirty = append(d.dirty, m.r)
	}
	for _, c := range d.head.pulls {
		c.apply(p, d.slots.pics[c.slot-1])
		d.dirty = append(d.dirty, c.r)
	}
	d.restore()
	raw := d.raw
	for i := 3; i < len(raw); i += video.BytesPerPixel {
		raw[i] = 255 // whatever the other end says
	}
	for _, r := range d.head.rects {
		n := r.Dx() * video.BytesPerPixel
		for y := r.Min.Y; y < r.Max.Y; y++ {
			copy(p.Pix[(y*p.W+r.Min.X)*video.BytesPerPixel:], raw[:n])
			raw = raw[n:]
		}
		d.dirty = append(d.dirty, r)
	}
	for _, r := range d.head.video.paint {
		d.region.Paint(p, d.head.video.at.Min, r)
		d.dirty = append(d.dirty, r)
	}
	p.Gen, d.owes = d.head.gen, d.head.owes
}
