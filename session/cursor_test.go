package session_test

import (
	"context"
	"image"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"viewflip.app/capture"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// mouse is a pointer that the test moves.
type mouse struct {
	news   chan capture.Pointer
	opened chan struct{}
}

func (m *mouse) Next(ctx context.Context) (capture.Pointer, error) {
	select {
	case p := <-m.news:
		return p, nil
	case <-ctx.Done():
		return capture.Pointer{}, ctx.Err()
	}
}
func (m *mouse) Close() error { return nil }

// Locate puts the window of the test at 100,100 of the screen.
func (s *screen) Locate(p capture.Pointer) (at, size image.Point, ok bool) {
	at, size = p.At.Sub(image.Pt(100, 100)), image.Pt(4, 3)
	return at, size, at.In(image.Rectangle{Max: size})
}

// glyph is a cursor whose pixels do not compress.
func glyph(w, h int) *video.Cursor {
	c := &video.Cursor{W: w, H: h, Hot: image.Pt(w-1, 0), Pix: make([]byte, 4*w*h)}
	r := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	for i := range c.Pix {
		c.Pix[i] = byte(r.Uint32())
	}
	return c
}

func equal(a, b *video.Cursor) bool {
	return a != nil && a.W == b.W && a.H == b.H && a.Hot == b.Hot && slices.Equal(a.Pix, b.Pix)
}

// Everybody who watches sees the sharer's pointer as it is, while it is over the
// share and the sharer's own hand moves it.
func TestSharersPointer(t *testing.T) {
	w := newWorld(t)
	w.mouse = &mouse{news: make(chan capture.Pointer), opened: make(chan struct{}, 2)}
	arrow, large := glyph(7, 9), glyph(256, 256)
	anna, id, ben, cleo := w.three(wire.RightSee | wire.RightPoint)
	move := func(x, y int, shape *video.Cursor) {
		t.Helper()
		select {
		case w.mouse.news <- capture.Pointer{Shape: shape, At: image.Pt(x, y)}:
		case <-t.Context().Done():
		}
	}
	pointer := func(v *session.View) (session.Pointer, bool) {
		for _, p := range v.Marks().Pointers {
			if p.Guest == session.Sharer {
				return p, true
			}
		}
		return session.Pointer{}, false
	}
	at := func(x, y int) wire.Spot { return wire.Spot{X: wire.Fraction(x, 4), Y: wire.Fraction(y, 3)} }

	move(50, 50, glyph(5, 5)) // elsewhere: nobody's business
	move(102, 101, arrow)
	for who, v := range map[string]*session.View{"Ben": ben, "Cleo": cleo} {
		eventually(t, "the pointer at "+who+"'s", func() bool {
			p, ok := pointer(v)
			return ok && p.Name == "Anna" && p.At == at(2, 1) && equal(p.Shape, arrow) && equal(v.Cursor(), arrow)
		})
	}
	if !anna.Marks(id).Empty() {
		t.Error("the sharer is shown her own pointer")
	}
	// A shape in many parts; what leaves the window is gone, the shape stays.
	move(103, 102, large)
	eventually(t, "the large shape", func() bool { return equal(ben.Cursor(), large) })
	move(104, 102, arrow)
	eventually(t, "the pointer to leave", func() bool { _, ok := pointer(ben); return !ok })
	if !equal(ben.Cursor(), large) {
		t.Error("the shape of another window was told")
	}

	// Where a guest moved the pointer to it is not the sharer's hand, but has a
	// shape.
	if err := anna.Allow(benIn(anna), id, wire.RightSee|wire.RightPoint|wire.RightControl); err != nil {
		t.Fatal(err)
	}
	spot := at(1, 1)
	if err := ben.Send(wire.Input{Kind: wire.Move, Gen: 1, X: spot.X, Y: spot.Y}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the input", func() bool { return w.lastGate().seen() == 1 })
	move(101, 101, arrow)
	eventually(t, "the shape under the guest's hand", func() bool { return equal(ben.Cursor(), arrow) })
	for _, v := range []*session.View{ben, cleo} {
		if _, ok := pointer(v); ok {
			t.Error("the guest's own motion is shown as the sharer's")
		}
	}
	move(100, 100, arrow)
	eventually(t, "the sharer's hand", func() bool { p, ok := pointer(cleo); return ok && p.At == at(0, 0) })
	// A pointer that its owner does not see is not shown.
	move(101, 100, &video.Cursor{W: 1, H: 1, Pix: make([]byte, 4)})
	eventually(t, "the hidden pointer to go", func() bool { _, ok := pointer(ben); return !ok && ben.Cursor().W == 1 })
}

// In control the shape is that of the guests' own pointer, where there is one;
// where it is is nobody's business.
func TestGuestsOwnPointer(t *testing.T) {
	w := newWorld(t)
	w.mouse = &mouse{news: make(chan capture.Pointer), opened: make(chan struct{}, 2)}
	w.hand = &mouse{news: make(chan capture.Pointer), opened: make(chan struct{}, 2)}
	anna, _, id, ben := w.pair(wire.RightSee | wire.RightPoint)
	arrow, beam, later := glyph(4, 4), glyph(5, 5), glyph(6, 6)
	w.mouse.news <- capture.Pointer{Shape: arrow, At: image.Pt(101, 101)}
	eventually(t, "the sharer's shape", func() bool { return equal(ben.Cursor(), arrow) })
	if len(w.hand.opened) != 0 {
		t.Error("without control there is no such pointer")
	}
	all := wire.RightSee | wire.RightPoint | wire.RightControl
	if err := anna.Allow(benIn(anna), id, all); err != nil {
		t.Fatal(err)
	}
	w.hand.news <- capture.Pointer{Shape: glyph(9, 9), At: image.Pt(1, 1)} // not over the window
	w.hand.news <- capture.Pointer{Shape: beam, At: image.Pt(102, 101)}
	eventually(t, "the guest's shape", func() bool { return equal(ben.Cursor(), beam) })
	w.mouse.news <- capture.Pointer{Shape: arrow, At: image.Pt(103, 101)}
	eventually(t, "the sharer's pointer", func() bool {
		p := ben.Marks().Pointers
		return len(p) == 1 && equal(p[0].Shape, arrow) && p[0].At.X == wire.Fraction(3, 4)
	})
	if !equal(ben.Cursor(), beam) {
		t.Error("the sharer's shape took the place of the guest's")
	}
	// A new gate may have made a new pointer.
	anna.TakeBack(benIn(anna), id)
	if err := anna.Allow(benIn(anna), id, all); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pointer to be opened again", func() bool { return len(w.hand.opened) == 2 })
	w.hand.news <- capture.Pointer{Shape: later, At: image.Pt(102, 101)}
	eventually(t, "the new pointer's shape", func() bool { return equal(ben.Cursor(), later) })
}

// Who comes later is told what the pointer looks like without any motion, and
// nobody looks at the pointer while nobody watches.
func TestPointerForNewcomers(t *testing.T) {
	w := newWorld(t)
	w.mouse = &mouse{news: make(chan capture.Pointer), opened: make(chan struct{}, 2)}
	anna, bens, _, ben := w.pair(wire.RightSee)
	shape := glyph(4, 4)
	w.mouse.news <- capture.Pointer{Shape: shape, At: image.Pt(100, 101)}
	w.mouse.news <- capture.Pointer{Shape: shape, At: image.Pt(101, 101)}
	eventually(t, "the shape at Ben's", func() bool { return equal(ben.Cursor(), shape) })

	c := w.call("Cleo")
	if err := c.Join(t.Context(), w.link(anna, 1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the share to be offered to Cleo", func() bool { return len(c.State().Remote) == 1 })
	r := c.State().Remote[0]
	cleo, err := c.View(r.Member, r.Share)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the shape at Cleo's", func() bool { return equal(cleo.Cursor(), shape) && len(cleo.Marks().Pointers) == 1 })

	cleo.Close()
	bens.Leave()
	eventually(t, "nobody to watch", func() bool {
		return !slices.ContainsFunc(anna.State().Shares[0].Viewers, func(v session.Viewer) bool { return v.Watching })
	})
	// The feed may take two: it was waiting for one already, and holds another.
	taken := 0
	for range 4 {
		select {
		case w.mouse.news <- capture.Pointer{Shape: shape, At: image.Pt(102, 101)}:
			taken++
		case <-time.After(100 * time.Millisecond):
		}
	}
	if taken > 2 || len(w.mouse.opened) != 1 {
		t.Error("news taken:", taken, "opened:", len(w.mouse.opened))
	}
}
