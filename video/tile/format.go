package tile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"viewflip.app/video"
)

// MimeType names the codec in SDP.
const MimeType = "video/x-viewflip-tile"

// Errors of Decode. After any the decoder takes nothing but a refresh.
var (
	// ErrCorrupt means that the bytes are not a coded frame.
	ErrCorrupt = errors.New("tile: corrupt frame")
	// ErrNeedRefresh means that a frame is missing before this one.
	ErrNeedRefresh = errors.New("tile: a frame is missing, a refresh is needed")
	// ErrWrong means that the picture is not the encoder's.
	ErrWrong = errors.New("tile: the picture has another checksum")
)

// A coded frame, big endian:
//
//	version u8 = 4 | flags u8 (1 = refresh, 2 = owes, 4 = video, 8 = sum, 16 = tones, 32 = slots) | counter u32 | width u16 | height u16 | gen u32
//	copies u16 | rects u16 | predicted u16
//	with sum: crc u32
//	with tones: toned u16 | 3 × 256 × u8      what becomes of each value of blue, green, red
//	with slots: emptied u64 | keep u8 | x u16 | y u16 | w u16 | h u16 | pulls u16
//	            pulls × { slot u8 | x u16 | y u16 | w u16 | h u16 | from x u16 | from y u16 }
//	copies × { x u16 | y u16 | w u16 | h u16 | dx i16 | dy i16 }   to (x,y) from (x+dx,y+dy), in order
//	rects  × { x u16 | y u16 | w u16 | h u16 }
//	with video: x u16 | y u16 | w u16 | h u16 | paints u16 | size u32
//	            paints × { x u16 | y u16 | w u16 | h u16 }
//	            size bytes of VP9
//	zstd blocks: the rects' rows, 4 bytes a pixel (blue, green, red, 255)
//
// The last rects, as many as toned says, hold differences from the tones of the
// pixels that are there after copies and pulls, and those before them, as many as
// predicted says, from what predict expects; all modulo 256. Copies come first, pulls after, then rects, paints last. None cover more than the
// picture's area in sum. A refresh has no slots, no copies and one rect, the whole picture, and begins a
// zstd frame (RFC 8878, window of 8 MiB at most, no checksum needed), which all
// frames until the next refresh continue: the blocks of a coded frame hold the
// pixels of its rects and end with them. Without rects there are no blocks. The
// counter rises by one with every frame and wraps around.
//
// The sum is CRC-32C (RFC 3385) of all pixels of the picture after the frame, as
// they lie in memory. It is not in a frame that owes.
//
// Slots are parts of earlier pictures, numbered from 1 to 64, which both ends keep
// until the next refresh. Before anything else, those in emptied (slot n is bit
// n-1) are emptied; then the rectangle of the picture before this frame goes into
// slot keep, in place of what was there; keep 0 is none. After that the picture
// takes the frame's size: what old and new have in common stays in its place, what
// is new is black. A pull brings the pixels from (from x, from y) in a slot, counted
// from the corner of what it holds, to (x,y).
//
// Owes and video are only in streams of MimeTypeVideo. Owes means that the
// picture is not exact everywhere. Video is one frame (profile 1) of a region
// (x,y,w,h) of the picture, which is painted in the paints, parts of it. The
// first one, that of a refresh and of another region than before is a key frame.
const (
	version     = 4
	flagRefresh = 1
	flagOwes    = 2
	flagVideo   = 4
	flagSum     = 8
	flagTones   = 16
	flagSlots   = 32
	headerSize  = 20
	sumSize     = 4
	tonesSize   = 2 + 3*256
	slotsSize   = 19
	pullSize    = 13
	videoSize   = 14
	copySize    = 12
	rectSize    = 8
	// windowSize of the zstd stream: what was on the screen stays cheap.
	windowSize = 8 << 20
	// maxOps bounds copies and rectangles of one frame.
	maxOps = 1<<16 - 1
)

// move copies a rectangle: to r from r moved by (dx,dy).
type move struct {
	r      image.Rectangle
	dx, dy int
}

func (m move) from() image.Rectangle { return m.r.Add(image.Pt(m.dx, m.dy)) }

// pull copies a rectangle out of a slot: to r from at, in the slot.
type pull struct {
	slot int // from 1
	r    image.Rectangle
	at   image.Point
}

// kept is a part of the picture before a frame that goes into a slot.
type kept struct {
	slot int // from 1; 0 is none
	r    image.Rectangle
}

// film is a frame of the region at, and where it is painted; without paint
// there is none.
type film struct {
	at    image.Rectangle
	paint []image.Rectangle
	data  []byte
}

type header struct {
	refresh bool
	owes    bool
	counter uint32
	w, h    int
	gen     uint32
	emptied uint64 // slot n is bit n-1
	keep    kept
	pulls   []pull
	moves   []move
	rects   []image.Rectangle
	// toned is how many of rects, at the end, hold differences from tones, and
	// predicted how many before them from their neighbours.
	predicted, toned int
	tones            tones
	video            film
	summed           bool
	sum              uint32 // of the picture after the frame, if summed
}

func appendRect(b []byte, r image.Rectangle) []byte {
	be := binary.BigEndian
	b = be.AppendUint16(be.AppendUint16(b, uint16(r.Min.X)), uint16(r.Min.Y))
	return be.AppendUint16(be.AppendUint16(b, uint16(r.Dx())), uint16(r.Dy()))
}

func appendHeader(b []byte, h *header) []byte {
	be := binary.BigEndian
	flags := byte(0)
	if h.refresh {
		flags = flagRefresh
	}
	if h.owes {
		flags |= flagOwes
	}
	if len(h.video.paint) > 0 {
		flags |= flagVideo
	}
	if h.summed {
		flags |= flagSum
	}
	if h.toned > 0 {
		flags |= flagTones
	}
	if h.slotted() {
		flags |= flagSlots
	}
	b = append(b, version, flags)
	b = be.AppendUint32(b, h.counter)
	b = be.AppendUint16(be.AppendUint16(b, uint16(h.w)), uint16(h.h))
	b = be.AppendUint32(b, h.gen)
	b = be.AppendUint16(be.AppendUint16(b, uint16(len(h.moves))), uint16(len(h.rects)))
	b = be.AppendUint16(b, uint16(h.predicted))
	if h.summed {
		b = be.AppendUint32(b, h.sum)
	}
	if h.toned > 0 {
		b = be.AppendUint16(b, uint16(h.toned))
		for c := range h.tones {
			b = append(b, h.tones[c][:]...)
		}
	}
	if h.slotted() {
		b = appendSlots(b, h)
	}
	for _, m := range h.moves {
		b = be.AppendUint16(be.AppendUint16(appendRect(b, m.r), uint16(int16(m.dx))), uint16(int16(m.dy)))
	}
	for _, r := range h.rects {
		b = appendRect(b, r)
	}
	if v := &h.video; len(v.paint) > 0 {
		b = appendRect(b, v.at)
		b = be.AppendUint32(be.AppendUint16(b, uint16(len(v.paint))), uint32(len(v.data)))
		for _, r := range v.paint {
			b = appendRect(b, r)
		}
		b = append(b, v.data...)
	}
	return b
}

func parseRect(b []byte) image.Rectangle {
	be := binary.BigEndian
	x, y := int(be.Uint16(b)), int(be.Uint16(b[2:]))
	return image.Rect(x, y, x+int(be.Uint16(b[4:])), y+int(be.Uint16(b[6:])))
}

// announcement is what a frame says of its size.
type announcement struct {
	refresh bool
	w, h    int
	film    int // pixels of video
	emptied uint64
	keep    kept
}

// announced reads it without a look at the rest.
func announced(b []byte) (a announcement, ok bool) {
	be := binary.BigEndian
	if len(b) < headerSize || b[0] != version {
		return a, false
	}
	flags := b[1]
	a.refresh = flags&flagRefresh != 0
	a.w, a.h = int(be.Uint16(b[6:])), int(be.Uint16(b[8:]))
	at := headerSize
	if flags&flagSum != 0 {
		at += sumSize
	}
	if flags&flagTones != 0 {
		at += tonesSize
	}
	if flags&flagSlots != 0 && len(b) >= at+slotsSize {
		a.emptied, a.keep.slot, a.keep.r = be.Uint64(b[at:]), int(b[at+8]), parseRect(b[at+9:])
		at += slotsSize + int(be.Uint16(b[at+17:]))*pullSize
	}
	at += int(be.Uint16(b[14:]))*copySize + int(be.Uint16(b[16:]))*rectSize
	if flags&flagVideo != 0 && len(b) >= at+rectSize {
		r := parseRect(b[at:])
		a.film = r.Dx() * r.Dy()
	}
	return a, true
}

// parseHeader reads and checks a header with no other flags than these; h's
// slices are reused, and its video lies in b. What is left of b is the zstd
// data.
func parseHeader(b []byte, h *header, allowed byte) (rest []byte, err error) {
	be := binary.BigEndian
	if len(b) < headerSize || b[0] != version || b[1]&^allowed != 0 {
		return nil, ErrCorrupt
	}
	flags := b[1]
	h.refresh, h.owes, h.counter = flags&flagRefresh != 0, flags&flagOwes != 0, be.Uint32(b[2:])
	h.w, h.h, h.gen = int(be.Uint16(b[6:])), int(be.Uint16(b[8:])), be.Uint32(b[10:])
	nm, nr := int(be.Uint16(b[14:])), int(be.Uint16(b[16:]))
	h.predicted, h.toned = int(be.Uint16(b[18:])), 0
	b = b[headerSize:]
	if !sizeOK(h.w, h.h) {
		return nil, fmt.Errorf("%w: %dx%d pixels", ErrCorrupt, h.w, h.h)
	}
	if h.summed = flags&flagSum != 0; h.summed {
		if h.owes || len(b) < sumSize {
			return nil, fmt.Errorf("%w: checksum", ErrCorrupt)
		}
		h.sum, b = be.Uint32(b), b[sumSize:]
	}
	if flags&flagTones != 0 {
		if h.refresh || len(b) < tonesSize {
			return nil, fmt.Errorf("%w: tones", ErrCorrupt)
		}
		h.toned, b = int(be.Uint16(b)), b[2:]
		for c := range h.tones {
			b = b[copy(h.tones[c][:], b):]
		}
	}
	if h.predicted+h.toned > nr {
		return nil, fmt.Errorf("%w: predicted", ErrCorrupt)
	}
	bounds := image.Rect(0, 0, h.w, h.h)
	if b, err = parseSlots(b, h, flags, bounds); err != nil {
		return nil, err
	}
	if len(b) < nm*copySize+nr*rectSize {
		return nil, fmt.Errorf("%w: short", ErrCorrupt)
	}
	if b, err = parseMoves(b, h, nm, bounds); err != nil {
		return nil, err
	}
	h.rects, b, err = parseRects(h.rects[:0], b, nr, bounds)
	if err != nil {
		return nil, err
	}
	// What a new picture does not say would be anything.
	if h.refresh && (h.slotted() || len(h.moves) != 0 || len(h.rects) != 1 || h.rects[0] != bounds) {
		return nil, fmt.Errorf("%w: a refresh that is not whole", ErrCorrupt)
	}
	h.video.paint, h.video.data = h.video.paint[:0], nil
	if flags&flagVideo == 0 {
		return b, nil
	}
	return parseFilm(b, &h.video, bounds)
}

// parseMoves fills h.moves with n copies. b is long enough.
func parseMoves(b []byte, h *header, n int, bounds image.Rectangle) (rest []byte, err error) {
	be := binary.BigEndian
	h.moves = h.moves[:0]
	moved := 0
	for ; n > 0; n-- {
		m := move{r: parseRect(b), dx: int(int16(be.Uint16(b[8:]))), dy: int(int16(be.Uint16(b[10:])))}
		if m.r.Empty() || (m.dx == 0 && m.dy == 0) || !m.r.In(bounds) || !m.from().In(bounds) {
			return nil, fmt.Errorf("%w: copy", ErrCorrupt)
		}
		moved += m.r.Dx() * m.r.Dy()
		h.moves = append(h.moves, m)
		b = b[copySize:]
	}
	// Ours never overlap; more would be work without a purpose.
	if moved > h.w*h.h {
		return nil, fmt.Errorf("%w: area", ErrCorrupt)
	}
	return b, nil
}

// parseFilm reads and checks what a frame with video has more.
func parseFilm(b []byte, v *film, bounds image.Rectangle) (rest []byte, err error) {
	if len(b) < videoSize {
		return nil, fmt.Errorf("%w: short", ErrCorrupt)
	}
	v.at = parseRect(b)
	n, size := int(binary.BigEndian.Uint16(b[8:])), int64(binary.BigEndian.Uint32(b[10:]))
	b = b[videoSize:]
	if v.at.Empty() || !v.at.In(bounds) || v.at.Dx()*v.at.Dy() > MaxRegion || n == 0 || size == 0 {
		return nil, fmt.Errorf("%w: video", ErrCorrupt)
	}
	if int64(len(b)) < int64(n)*rectSize+size {
		return nil, fmt.Errorf("%w: short", ErrCorrupt)
	}
	if v.paint, b, err = parseRects(v.paint, b, n, v.at); err != nil {
		return nil, err
	}
	v.data = b[:size]
	return b[size:], nil
}

// parseRects appends n rectangles, which must not be empty, lie in bounds, and
// not cover more than it in sum. b is long enough.
func parseRects(rects []image.Rectangle, b []byte, n int, bounds image.Rectangle) (_ []image.Rectangle, rest []byte, err error) {
	filled := 0
	for ; n > 0; n-- {
		r := parseRect(b)
		if r.Empty() || !r.In(bounds) {
			return rects, nil, fmt.Errorf("%w: rectangle", ErrCorrupt)
		}
		filled += r.Dx() * r.Dy()
		rects = append(rects, r)
		b = b[rectSize:]
	}
	if filled > bounds.Dx()*bounds.Dy() {
		return rects, nil, fmt.Errorf("%w: area", ErrCorrupt)
	}
	return rects, b, nil
}

func sizeOK(w, h int) bool {
	return w > 0 && h > 0 && w <= video.MaxSide && h <= video.MaxSide && w*h <= video.MaxPixels
}

// apply performs a move on a picture. Within a row, copy minds the overlap.
func (m move) apply(pix []byte, stride int) {
	l, r := m.r.Min.X*video.BytesPerPixel, m.r.Max.X*video.BytesPerPixel
	row := func(y int) {
		o := (y+m.dy)*stride + m.dx*video.BytesPerPixel
		copy(pix[y*stride+l:y*stride+r], pix[o+l:o+r])
	}
	if m.dy > 0 {
		for y := m.r.Min.Y; y < m.r.Max.Y; y++ {
			row(y)
		}
		return
	}
	for y := m.r.Max.Y - 1; y >= m.r.Min.Y; y-- {
		row(y)
	}
}
