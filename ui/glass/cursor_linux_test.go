package glass

import (
	"image"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"viewflip.app/platform/x11"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// blot is a cursor in which every pixel is another, premultiplied.
func blot(w, h int, hot image.Point) *video.Cursor {
	c := &video.Cursor{W: w, H: h, Hot: hot, Pix: make([]byte, w*h*4)}
	r := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	for i := 0; i < len(c.Pix); i += 4 {
		a := r.IntN(256)
		for k := range 3 {
			c.Pix[i+k] = byte(r.IntN(a + 1))
		}
		c.Pix[i+3] = byte(a)
	}
	return c
}

// TestChildCursor: the display server itself shows the shape over the picture,
// without any painting of ours, and the toolkit's beside it.
func TestChildCursor(t *testing.T) {
	display, parent := stageWindow(t, 500, 400)
	child, err := NewChild(display, uintptr(parent.XID()), func() {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Close() })
	child.Place(image.Rect(0, 100, 500, 400), true)
	f := noise(500, 300, 3)
	if err := child.Paint(lent{f}, nil); err != nil {
		t.Fatal(err)
	}
	c, err := x11.Connect(display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.Require(x11.XFixes, x11.XTest); err != nil {
		t.Fatal(err)
	}
	move := func(x, y int16) {
		t.Helper()
		if err := xtest.FakeInputChecked(c.Conn, xproto.MotionNotify, 0, 0, c.Root, x, y, 0).Check(); err != nil {
			t.Fatal(err)
		}
	}
	shown := func(want *video.Cursor) bool {
		r, err := xfixes.GetCursorImage(c.Conn).Reply()
		if err != nil {
			t.Fatal(err)
		}
		if int(r.Width) != want.W || int(r.Height) != want.H || int(r.Xhot) != want.Hot.X || int(r.Yhot) != want.Hot.Y {
			return false
		}
		for i, v := range r.CursorImage {
			if p := want.Pix[4*i:]; v != uint32(p[0])|uint32(p[1])<<8|uint32(p[2])<<16|uint32(p[3])<<24 {
				return false
			}
		}
		return true
	}
	await := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("waited in vain:", what)
			}
		}
	}
	move(200, 300)
	for _, want := range []*video.Cursor{blot(24, 24, image.Pt(3, 5)), blot(1, 1, image.Point{}), blot(64, 256, image.Pt(63, 255))} {
		if err := child.Cursor(want); err != nil {
			t.Fatal(err)
		}
		await("the shape over the picture", func() bool { return shown(want) })
		move(200, 60)
		await("the toolkit's over its bar", func() bool { return !shown(want) })
		move(201, 300)
		await("the shape again", func() bool { return shown(want) })
		if err := child.Cursor(nil); err != nil {
			t.Fatal(err)
		}
		await("the toolkit's over the picture", func() bool { return !shown(want) })
	}
	onGlass(t, display, image.Rect(0, 100, 500, 400).Add(image.Pt(10, 10)), f)
}

// TestSharersPointer: it is drawn as it is, hot spot on the spot, in front of
// the picture and with a name beside it that covers none of it.
func TestSharersPointer(t *testing.T) {
	const w, h = 300, 200
	for _, shape := range []*video.Cursor{blot(24, 24, image.Pt(3, 5)), blot(9, 17, image.Pt(4, 8)), blot(200, 100, image.Pt(0, 0))} {
		for _, at := range []image.Point{{X: 100, Y: 60}, {X: 295, Y: 190}, {X: 0, Y: 0}} {
			s := NewSketch(1)
			p := session.Pointer{
				Guest: session.Sharer, Name: "Anna", Shape: shape,
				At: wire.Spot{X: wire.Fraction(at.X, w), Y: wire.Fraction(at.Y, h)},
			}
			s.Set(session.Marks{Pointers: []session.Pointer{p}}, w, h)
			got := s.Image()
			named := false
			for y := range h {
				for x := range w {
					o := image.Pt(x, y).Sub(at).Add(shape.Hot)
					if !o.In(image.Rect(0, 0, shape.W, shape.H)) {
						named = named || got.RGBAAt(x, y).A == 255
						continue
					}
					i := 4 * (o.Y*shape.W + o.X)
					if c := got.RGBAAt(x, y); c.B != shape.Pix[i] || c.G != shape.Pix[i+1] || c.R != shape.Pix[i+2] || c.A != shape.Pix[i+3] {
						t.Fatalf("pixel %d,%d of a cursor %dx%d at %v is %v", x, y, shape.W, shape.H, at, c)
					}
				}
			}
			if !named {
				t.Errorf("a cursor %dx%d at %v has no name", shape.W, shape.H, at)
			}
		}
	}
}
