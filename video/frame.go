package video

import (
	"image"
	"sync"
	"sync/atomic"
	"time"
)

// BytesPerPixel is the size of one BGRA pixel.
const BytesPerPixel = 4

// MaxSide is the largest width or height of a frame in pixels. Larger windows
// cannot be shared; larger pictures from a peer are refused.
const MaxSide = 16384

// MaxPixels bounds the area of a frame, so that a hostile header cannot make
// the viewer allocate without limit (8192x4320 fits).
const MaxPixels = 8192 * 4320

// Frame is one picture of one surface: 8-bit BGRA, rows top-down and tightly
// packed (the stride is 4*W bytes), alpha always 255.
//
// A Frame has one owner at a time. The owner may read and write Pix until it
// calls Release, and hands ownership over by handing over the pointer.
type Frame struct {
	// W and H are the size in physical pixels.
	W, H int
	// Pix is 4*W*H bytes of BGRA.
	Pix []byte
	// Gen is the geometry generation: it rises whenever the surface moves
	// within its group or is resized.
	Gen uint32
	// Damage lists what may differ from the frame before from the same
	// source, clipped to the frame. It may cover more than what changed and
	// never less.
	Damage []image.Rectangle
	// Captured is when the pixels were read.
	Captured time.Time

	free func(*Frame)
	held atomic.Bool
}

// NewFrame allocates a frame outside of any pool; releasing it does nothing.
func NewFrame(w, h int) *Frame {
	f := &Frame{W: w, H: h, Pix: make([]byte, w*h*BytesPerPixel)}
	f.held.Store(true)
	return f
}

// Wrap makes a frame around pixels that belong to somebody else, who is told
// by free when the owner is done. free may be nil.
func Wrap(w, h int, pix []byte, free func(*Frame)) *Frame {
	f := &Frame{W: w, H: h, Pix: pix, free: free}
	f.held.Store(true)
	return f
}

// Stride is the distance between two rows in bytes.
func (f *Frame) Stride() int { return f.W * BytesPerPixel }

// Bounds is the frame's rectangle, from (0,0) to (W,H).
func (f *Frame) Bounds() image.Rectangle { return image.Rect(0, 0, f.W, f.H) }

// Release gives the frame back to where it came from. The caller must not
// touch it afterwards; a second Release panics, because two owners of one
// frame would show pixels of the wrong picture.
func (f *Frame) Release() {
	if !f.held.CompareAndSwap(true, false) {
		panic("video: frame released twice")
	}
	if f.free != nil {
		f.free(f)
	}
}

// Acquire marks a frame that its source keeps for reuse as owned again. Only
// the source that made the frame with Wrap may call it.
func (f *Frame) Acquire() { f.held.Store(true) }

// Pool is a fixed number of frames. When all are in use, Get fails and the
// picture is dropped: memory and latency cannot pile up.
type Pool struct {
	mu   sync.Mutex
	free []*Frame
}

// NewPool makes a pool of n frames, whose pixels are allocated on first use.
func NewPool(n int) *Pool {
	p := &Pool{free: make([]*Frame, 0, n)}
	for range n {
		f := &Frame{}
		f.free = p.put
		p.free = append(p.free, f)
	}
	return p
}

func (p *Pool) put(f *Frame) {
	p.mu.Lock()
	p.free = append(p.free, f)
	p.mu.Unlock()
}

// Get returns a frame of w by h pixels with undefined content, or false when
// every frame is in use. The caller owns the frame and must Release it.
func (p *Pool) Get(w, h int) (*Frame, bool) {
	p.mu.Lock()
	n := len(p.free)
	if n == 0 {
		p.mu.Unlock()
		return nil, false
	}
	f := p.free[n-1]
	p.free = p.free[:n-1]
	p.mu.Unlock()
	size := w * h * BytesPerPixel
	if cap(f.Pix) < size {
		f.Pix = make([]byte, size)
	}
	f.W, f.H, f.Pix = w, h, f.Pix[:size]
	f.Gen, f.Damage, f.Captured = 0, f.Damage[:0], time.Time{}
	f.held.Store(true)
	return f, true
}

// Slot passes the newest value from producers to one consumer. A slow
// consumer sees fewer values, never older ones.
type Slot[T any] struct{ c chan T }

// NewSlot makes an empty slot.
func NewSlot[T any]() Slot[T] { return Slot[T]{c: make(chan T, 1)} }

// Put places v. If an older value was still waiting it is returned with true,
// and the caller disposes of it.
func (s Slot[T]) Put(v T) (stale T, replaced bool) {
	for {
		select {
		case s.c <- v:
			return stale, replaced
		default:
		}
		select {
		case stale = <-s.c:
			replaced = true
		default:
		}
	}
}

// C is where the consumer takes values.
func (s Slot[T]) C() <-chan T { return s.c }
