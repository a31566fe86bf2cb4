package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/video"
)

// buffers is how many frames exist: one lent out, one being filled, one to
// spare for a caller that keeps the newest while it asks for the next.
const buffers = 3

// buffer is one frame's memory and what is stale in it ("buffer age").
type buffer struct {
	seg   *segment
	frame *video.Frame
	w, h  int
	stale []image.Rectangle
	lent  bool
}

func (s *stream) Next(ctx context.Context) (*video.Frame, error) {
	for {
		if err := pause(ctx, s.early(), nil, s.gone, ErrGone); err != nil {
			return nil, err
		}
		f, err := s.try()
		if f != nil || err != nil {
			return f, err
		}
		if err := pause(ctx, 0, s.wake, s.gone, ErrGone); err != nil {
			return nil, err
		}
	}
}

// early is how much too early it is for a picture.
func (s *stream) early() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.min-time.Since(s.last), time.Until(s.main.notBefore))
}

// pause blocks until wake, or for d if that is positive, or until ctx or end
// does, for which it returns an error. Without d and wake it returns at once.
func pause(ctx context.Context, d time.Duration, wake, end <-chan struct{}, ended error) error {
	var after <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		after = t.C
	} else if wake == nil {
		return nil
	}
	select {
	case <-after:
		return nil
	case <-wake:
		return nil
	case <-end:
		return ended
	case <-ctx.Done():
		return ctx.Err()
	}
}

// try returns a frame if there is damage and a free buffer.
func (s *stream) try() (*video.Frame, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Closed || s.closed {
		return nil, ErrGone
	}
	if !s.changedLocked() || s.main.pix == 0 || s.main.content.Empty() || s.state.TooLarge {
		return nil, nil
	}
	if err := s.takeDamageLocked(); err != nil {
		return nil, err
	}
	if len(s.pending) == 0 {
		return nil, nil
	}
	b, err := s.bufferLocked()
	if b == nil || err != nil {
		return nil, err
	}
	captured := time.Now()
	if err := s.drawLocked(b); err != nil {
		if !gonePixmap(err) {
			return nil, fmt.Errorf("capture: read: %w", err)
		}
		for _, f := range s.surfacesLocked() {
			f.whole = true // resized under our hands: the event brings a new pixmap
		}
		return nil, nil
	}
	b.lent = true
	s.lent++
	f := b.frame
	f.Acquire()
	f.Gen, f.Captured = s.state.Gen, captured
	f.Damage = append(f.Damage[:0], s.pending...)
	s.pending = s.pending[:0]
	s.last = captured
	return f, nil
}

// gonePixmap tells the race with a resize from a broken connection.
func gonePixmap(err error) bool {
	var match xproto.MatchError
	var drawable xproto.DrawableError
	return errors.As(err, &match) || errors.As(err, &drawable)
}

// changedLocked reports whether there is anything to deliver.
func (s *stream) changedLocked() bool {
	if len(s.pending) > 0 {
		return true
	}
	for _, l := range s.layersLocked() {
		if l.surface != nil && (l.damaged || l.whole) {
			return true
		}
	}
	return false
}

// takeDamageLocked asks the server what changed since it was asked last, and
// notes it for the next frame and for every buffer. What another surface covers
// is noted for later only.
func (s *stream) takeDamageLocked() error {
	layers := s.layersLocked()
	for i, l := range layers {
		if l.surface == nil {
			continue
		}
		rects, err := l.takeDamage()
		if err != nil {
			return err
		}
		for _, r := range rects {
			if *l.own != nil {
				(*l.own).stale = video.AddRect((*l.own).stale, r, image.Rectangle{Max: l.content.Size()})
			}
			seen := area{r.Add(l.offset).Intersect(l.at)}
			for _, over := range layers[i+1:] {
				seen = seen.minus(over.at)
			}
			for _, v := range seen {
				s.touchLocked(v)
			}
		}
	}
	return nil
}

// takeDamage returns what changed in the content since it was asked last.
func (s *surface) takeDamage() ([]image.Rectangle, error) {
	var fresh []image.Rectangle
	if s.damaged {
		s.damaged = false
		rects, err := s.fetchDamage(s.dmg)
		if err != nil {
			return nil, err
		}
		bounds := image.Rectangle{Max: s.content.Size()}
		for _, r := range rects {
			fresh = video.AddRect(fresh, r.Sub(s.content.Min), bounds)
		}
	}
	if s.whole {
		fresh = append(fresh[:0], image.Rectangle{Max: s.content.Size()})
		s.whole = false
	}
	return fresh, nil
}

// touchLocked notes that a part of the picture has changed.
func (s *stream) touchLocked(r image.Rectangle) {
	s.pending = video.AddRect(s.pending, r, image.Rect(0, 0, s.state.W, s.state.H))
	for _, b := range s.bufs { // those of another size may be wanted again
		b.stale = video.AddRect(b.stale, r, image.Rect(0, 0, b.w, b.h))
	}
}

// bufferLocked returns a buffer of the right size that is not lent, or nil.
func (s *stream) bufferLocked() (*buffer, error) {
	w, h := s.state.W, s.state.H
	for i, b := range s.bufs {
		if b.lent {
			continue
		}
		if b.w == w && b.h == h {
			return b, nil
		}
		b.seg.free(true)
		s.bufs = slices.Delete(s.bufs, i, i+1)
		break
	}
	if len(s.bufs) >= buffers {
		return nil, nil
	}
	b, err := s.newBuffer(w, h)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	b.frame = video.Wrap(w, h, b.seg.mem[:w*h*video.BytesPerPixel], func(*video.Frame) { s.giveBack(b) })
	s.bufs = append(s.bufs, b)
	return b, nil
}

func (s *stream) newBuffer(w, h int) (*buffer, error) {
	seg, err := newSegment(s.c, w*h*video.BytesPerPixel, s.shared)
	if err != nil {
		return nil, err
	}
	return &buffer{seg: seg, w: w, h: h, stale: []image.Rectangle{image.Rect(0, 0, w, h)}}, nil
}

// free returns the memory of a buffer, if there is one.
func (b *buffer) free(connected bool) {
	if b != nil {
		b.seg.free(connected)
	}
}

func (s *stream) giveBack(b *buffer) {
	s.mu.Lock()
	b.lent = false
	s.lent--
	if s.closed && s.lent == 0 {
		s.freeLocked()
	}
	s.mu.Unlock()
	s.poke()
}

// strip is about how many bytes the server is asked for at once.
const strip = 512 << 10

// fill reads the rows that are stale in b, in bands of whole rows, which
// the server can write straight to their place. Large bands go in strips: while
// the server copies one, we work on the one before.
func (s *surface) fill(b *buffer) error {
	type part struct {
		y0, y1 int
		wait   func() error
	}
	var parts []part
	step := max(1, strip/(b.w*video.BytesPerPixel))
	x, y := s.border+s.content.Min.X, s.border+s.content.Min.Y
	for _, band := range bands(b.stale) {
		for y0 := band[0]; y0 < band[1]; y0 += step {
			y1 := min(y0+step, band[1])
			parts = append(parts, part{y0, y1, b.seg.fetch(s.pix, x, y, b.w, y0, y1)})
		}
	}
	var failed error
	for _, p := range parts {
		// All are waited for: nothing may be written to b when this is over.
		if err := p.wait(); err != nil {
			failed = err
			continue
		}
		opaque(b.seg.mem[p.y0*b.w*video.BytesPerPixel : p.y1*b.w*video.BytesPerPixel])
	}
	if failed == nil {
		b.stale = b.stale[:0]
	}
	return failed
}

// bandGap is how many rows between two bands cost less to read along than a
// second request.
const bandGap = 16

// bands merges rectangles to rising, disjoint runs of rows [y0,y1).
func bands(rects []image.Rectangle) [][2]int {
	var out [][2]int
	sorted := slices.Clone(rects)
	slices.SortFunc(sorted, func(a, b image.Rectangle) int { return a.Min.Y - b.Min.Y })
	for _, r := range sorted {
		if n := len(out); n > 0 && r.Min.Y <= out[n-1][1]+bandGap {
			out[n-1][1] = max(out[n-1][1], r.Max.Y)
			continue
		}
		out = append(out, [2]int{r.Min.Y, r.Max.Y})
	}
	return out
}

// opaque sets the fourth byte of every pixel: undefined at depth 24, and at
// depth 32 a translucent window is shown over black.
func opaque(p []byte) {
	const alphas = 0xff000000_ff000000
	le := binary.LittleEndian
	for ; len(p) >= 32; p = p[32:] {
		q := p[:32:32]
		le.PutUint64(q, le.Uint64(q)|alphas)
		le.PutUint64(q[8:], le.Uint64(q[8:])|alphas)
		le.PutUint64(q[16:], le.Uint64(q[16:])|alphas)
		le.PutUint64(q[24:], le.Uint64(q[24:])|alphas)
	}
	for i := 3; i < len(p); i += video.BytesPerPixel {
		p[i] = 255
	}
}
