package tile

import (
	"encoding/binary"
	"fmt"
	"image"
	"sync/atomic"

	"viewflip.app/video"
)

const (
	// maxSlots is how many slots there are; they are numbered from 1.
	maxSlots = 64
	// MaxSlotPixels bounds what all slots of a stream hold together: 48 MiB. A
	// frame that would hold more is corrupt.
	MaxSlotPixels = 12 << 20
)

// slotted tells whether the frame says anything of slots.
func (h *header) slotted() bool { return h.emptied != 0 || h.keep.slot != 0 || len(h.pulls) > 0 }

// appendSlots writes what a frame says of slots.
func appendSlots(b []byte, h *header) []byte {
	be := binary.BigEndian
	b = append(be.AppendUint64(b, h.emptied), byte(h.keep.slot))
	b = be.AppendUint16(appendRect(b, h.keep.r), uint16(len(h.pulls)))
	for _, p := range h.pulls {
		b = appendRect(append(b, byte(p.slot)), p.r)
		b = be.AppendUint16(be.AppendUint16(b, uint16(p.at.X)), uint16(p.at.Y))
	}
	return b
}

// parseSlots reads what appendSlots writes, if the flags say that it is there.
// Whether the slots hold what is pulled out of them, memory.check tells.
func parseSlots(b []byte, h *header, flags byte, bounds image.Rectangle) (rest []byte, err error) {
	h.emptied, h.keep, h.pulls = 0, kept{}, h.pulls[:0]
	if flags&flagSlots == 0 {
		return b, nil
	}
	be := binary.BigEndian
	if len(b) < slotsSize {
		return nil, fmt.Errorf("%w: short", ErrCorrupt)
	}
	h.emptied, h.keep = be.Uint64(b), kept{slot: int(b[8]), r: parseRect(b[9:])}
	n := int(be.Uint16(b[17:]))
	b = b[slotsSize:]
	if h.keep.slot > maxSlots || (h.keep.slot == 0) != h.keep.r.Empty() {
		return nil, fmt.Errorf("%w: slot", ErrCorrupt)
	}
	if len(b) < n*pullSize {
		return nil, fmt.Errorf("%w: short", ErrCorrupt)
	}
	area := 0
	for ; n > 0; n-- {
		p := pull{slot: int(b[0]), r: parseRect(b[1:]), at: image.Pt(int(be.Uint16(b[9:])), int(be.Uint16(b[11:])))}
		if p.slot == 0 || p.slot > maxSlots || p.r.Empty() || !p.r.In(bounds) {
			return nil, fmt.Errorf("%w: pull", ErrCorrupt)
		}
		area += p.r.Dx() * p.r.Dy()
		h.pulls = append(h.pulls, p)
		b = b[pullSize:]
	}
	if area > h.w*h.h {
		return nil, fmt.Errorf("%w: area", ErrCorrupt)
	}
	if !h.slotted() {
		return nil, fmt.Errorf("%w: slots without any", ErrCorrupt)
	}
	return b, nil
}

// memory is the decoder's slots; that of slot n is pics[n-1], nil while it is
// empty.
type memory struct {
	pics   [maxSlots]*video.Frame
	pixels int // of all
	// full is true when the next frame may keep nothing.
	full bool
}

// after is how many pixels there will be after a frame that says so.
func (m *memory) after(emptied uint64, keep kept) int {
	if m.full {
		return 0
	}
	n := m.pixels
	for i, p := range m.pics {
		if p != nil && (emptied>>i&1 != 0 || keep.slot == i+1) {
			n -= p.W * p.H
		}
	}
	return n + keep.r.Dx()*keep.r.Dy()
}

// check tells whether everything that h says of slots can be done, where the
// picture before it has these bounds. Nothing is changed.
func (m *memory) check(h *header, bounds image.Rectangle) error {
	if !h.keep.r.In(bounds) {
		return fmt.Errorf("%w: what is kept is outside of the picture", ErrCorrupt)
	}
	if m.after(h.emptied, h.keep) > MaxSlotPixels {
		return fmt.Errorf("%w: slots too large", ErrCorrupt)
	}
	for _, p := range h.pulls {
		size := image.Point{}
		switch s := m.pics[p.slot-1]; {
		case p.slot == h.keep.slot && !m.full:
			size = h.keep.r.Size()
		case s != nil && h.emptied>>(p.slot-1)&1 == 0:
			size = image.Pt(s.W, s.H)
		}
		if !p.from().In(image.Rectangle{Max: size}) {
			return fmt.Errorf("%w: no such pixels in slot %d", ErrCorrupt, p.slot)
		}
	}
	return nil
}

// keep empties slots and fills one, as h says, from the picture before it.
func (m *memory) keep(h *header, pic *video.Frame) {
	m.empty(h.emptied)
	full := m.full
	m.full = false
	if h.keep.slot == 0 || full {
		return
	}
	m.empty(1 << (h.keep.slot - 1))
	m.pics[h.keep.slot-1] = clip(pic, h.keep.r)
	m.pixels += h.keep.r.Dx() * h.keep.r.Dy()
}

// empty empties the slots of which the bits are set.
func (m *memory) empty(slots uint64) {
	for i, p := range m.pics {
		if p != nil && slots>>i&1 != 0 {
			m.pixels -= p.W * p.H
			m.pics[i] = nil
		}
	}
}

// from is what a pull takes, in its slot.
func (p pull) from() image.Rectangle { return image.Rectangle{Min: p.at, Max: p.at.Add(p.r.Size())} }

// apply brings the pixels of the slot, which holds pic, into the picture.
func (p pull) apply(to, pic *video.Frame) {
	n := p.r.Dx() * video.BytesPerPixel
	for y := range p.r.Dy() {
		o := ((p.at.Y+y)*pic.W + p.at.X) * video.BytesPerPixel
		copy(to.Pix[((p.r.Min.Y+y)*to.W+p.r.Min.X)*video.BytesPerPixel:], pic.Pix[o:o+n])
	}
}

// clip is a copy of r of a picture.
func clip(pic *video.Frame, r image.Rectangle) *video.Frame {
	c := video.NewFrame(r.Dx(), r.Dy())
	for y := range r.Dy() {
		o := ((r.Min.Y+y)*pic.W + r.Min.X) * video.BytesPerPixel
		copy(c.Pix[y*c.Stride():(y+1)*c.Stride()], pic.Pix[o:])
	}
	return c
}

// resized is a picture of another size: what both have in common is the same, the
// rest is black.
func resized(pic *video.Frame, w, h int) *video.Frame {
	f := video.NewFrame(w, h)
	common := min(w, pic.W) * video.BytesPerPixel
	for y := range h {
		row := f.Pix[y*f.Stride() : (y+1)*f.Stride()]
		at := 0
		if y < pic.H {
			at = copy(row[:common], pic.Pix[y*pic.Stride():])
		}
		for i := at + 3; i < len(row); i += video.BytesPerPixel {
			row[i] = 255
		}
	}
	return f
}

// Room is what encoders that share it may hold in slots together. Its methods may
// be called from several goroutines.
type Room struct{ left atomic.Int64 }

// NewRoom makes room for so many pixels, of 4 bytes each.
func NewRoom(pixels int) *Room {
	r := &Room{}
	r.left.Store(int64(pixels))
	return r
}

// take takes room for n pixels; false if there is none, and never for a nil Room.
func (r *Room) take(n int) bool {
	if r == nil {
		return true
	}
	if r.left.Add(-int64(n)) >= 0 {
		return true
	}
	r.give(n)
	return false
}

func (r *Room) give(n int) {
	if r != nil {
		r.left.Add(int64(n))
	}
}
