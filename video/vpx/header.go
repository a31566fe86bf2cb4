package vpx

import (
	"encoding/binary"
	"fmt"
)

// header is what the start of a VP9 frame says (VP9 bitstream specification,
// section 6.2, uncompressed_header).
type header struct {
	key bool
	// w and h are 0 where the size is that of an earlier frame.
	w, h int
}

const (
	frameMarker = 2
	syncCode    = 0x498342
	colorRGB    = 7
	references  = 3
)

// bits reads big-endian bits. Past the end it reads zeros and remembers.
type bits struct {
	b     []byte
	at    int
	short bool
}

func (r *bits) u(n int) (v int) {
	for ; n > 0; n-- {
		v <<= 1
		if r.at/8 >= len(r.b) {
			r.short = true
			continue
		}
		v |= int(r.b[r.at/8]>>(7-r.at%8)) & 1
		r.at++
	}
	return v
}

func (r *bits) flag() bool { return r.u(1) == 1 }

// parseHeader reads a frame's header up to its size. Only 8-bit profiles
// (0 and 1) and sizes that video allows pass.
func parseHeader(b []byte) (h header, err error) {
	r := &bits{b: b}
	if r.u(2) != frameMarker {
		return h, fmt.Errorf("%w: no VP9 frame", ErrCorrupt)
	}
	profile := r.u(1) | r.u(1)<<1
	if profile > 1 {
		return h, fmt.Errorf("%w: profile %d", ErrCorrupt, profile)
	}
	if r.flag() { // show_existing_frame
		r.u(3)
		return h, r.check()
	}
	h.key = !r.flag()
	shown := r.flag()
	resilient := r.flag()
	intra := h.key
	if !h.key {
		if !shown {
			intra = r.flag()
		}
		if !resilient {
			r.u(2) // reset_frame_context
		}
	}
	if !intra {
		return h, r.size(&h)
	}
	if r.u(24) != syncCode {
		return h, fmt.Errorf("%w: no sync code", ErrCorrupt)
	}
	if h.key || profile == 1 {
		r.color(profile)
	}
	if !h.key {
		r.u(8) // refresh_frame_flags
	}
	return h, r.explicit(&h)
}

// color skips color_config.
func (r *bits) color(profile int) {
	if r.u(3) != colorRGB {
		r.u(1) // color_range
		if profile == 1 {
			r.u(3) // subsampling, reserved
		}
	} else if profile == 1 {
		r.u(1)
	}
}

// size reads what an inter frame says of its size: often that of a reference.
func (r *bits) size(h *header) error {
	r.u(8) // refresh_frame_flags
	r.u(references * 4)
	for range references {
		if r.flag() {
			return r.check()
		}
	}
	return r.explicit(h)
}

func (r *bits) explicit(h *header) error {
	h.w, h.h = r.u(16)+1, r.u(16)+1
	if err := r.check(); err != nil {
		return err
	}
	if !sizeOK(h.w, h.h) {
		return fmt.Errorf("%w: %dx%d pixels", ErrCorrupt, h.w, h.h)
	}
	return nil
}

func (r *bits) check() error {
	if r.short {
		return fmt.Errorf("%w: short", ErrCorrupt)
	}
	return nil
}

// split appends to dst the frames of a chunk, which is one frame or a
// superframe with an index at its end (specification, annex B).
func split(dst [][]byte, b []byte) ([][]byte, error) {
	if len(b) == 0 {
		return dst, fmt.Errorf("%w: empty", ErrCorrupt)
	}
	mark := b[len(b)-1]
	count, width := int(mark&7)+1, int(mark>>3&3)+1
	size := 2 + count*width
	if mark>>5 != 6 || len(b) < size || b[len(b)-size] != mark {
		return append(dst, b), nil
	}
	index, data := b[len(b)-size+1:], b[:len(b)-size]
	for range count {
		var le [4]byte
		copy(le[:], index[:width])
		index = index[width:]
		n := binary.LittleEndian.Uint32(le[:])
		if n == 0 || uint64(n) > uint64(len(data)) {
			return dst, fmt.Errorf("%w: superframe index", ErrCorrupt)
		}
		dst = append(dst, data[:n])
		data = data[n:]
	}
	return dst, nil
}

// appendAlone appends frame as a superframe of one. Without an index libvpx
// takes what follows a frame for another, whose size nobody has checked.
func appendAlone(dst, frame []byte) []byte {
	const mark = 6<<5 | 3<<3 // one frame, its size in four bytes
	dst = append(append(dst, frame...), mark)
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(frame))), mark)
}
