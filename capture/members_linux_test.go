package capture_test

import (
	"context"
	"fmt"
	"image"
	"os/exec"
	"testing"
	"time"

	"github.com/jezek/xgb/res"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"viewflip.app/capture"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
	"viewflip.app/video"
)

// outside is what the picture has where no surface is.
const (
	outside = 0x14171c
	neutral = 0x303030
)

func mainWindow(t testing.TB, d *platform.Desktop) *platformtest.Window {
	t.Helper()
	return platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "main", Bounds: image.Rect(500, 400, 800, 600), Color: blue})
}

// popup is a menu of w's client that says whose it is.
func popup(w *platformtest.Window, r image.Rectangle, rgb uint32) *platformtest.Window {
	return w.Sibling(platformtest.Options{Bounds: r, Color: rgb, OverrideRedirect: true, TransientFor: w.XID(), Type: "POPUP_MENU"})
}

// in counts the pixels of a colour in a part of a picture.
func in(f *video.Frame, r image.Rectangle, rgb uint32) (n int) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			p := f.Pix[4*(y*f.W+x):]
			if uint32(p[0])|uint32(p[1])<<8|uint32(p[2])<<16 == rgb && p[3] == 255 {
				n++
			}
		}
	}
	return n
}

// shows reports whether a part of a picture is what a client painted.
func shows(f *video.Frame, at image.Rectangle, w *platformtest.Window) bool {
	pix, width, height := w.Picture()
	if at.Dx() != width || at.Dy() != height || !at.In(f.Bounds()) {
		return false
	}
	for y := range height {
		for x := range width {
			p, q := f.Pix[4*((at.Min.Y+y)*f.W+at.Min.X+x):], pix[4*(y*width+x):]
			if p[0] != q[0] || p[1] != q[1] || p[2] != q[2] || p[3] != 255 {
				return false
			}
		}
	}
	return true
}

// pictured takes frames until one that belongs to the state satisfies ok.
func pictured(t testing.TB, s capture.Stream, what string, ok func(capture.State, *video.Frame) bool) {
	t.Helper()
	until(t, s, what, func(f *video.Frame) bool {
		st := s.State()
		return st.Gen == f.Gen && st.W == f.W && st.H == f.H && ok(st, f)
	})
}

func surfaces(n int) func(capture.State, *video.Frame) bool {
	return func(st capture.State, _ *video.Frame) bool { return len(st.Surfaces) == n }
}

// A menu that sticks out makes the picture larger, on the side where it does,
// and the picture is its own again when the menu closes.
func TestMenuSticksOut(t *testing.T) {
	for name, c := range map[string]struct {
		menu, main image.Rectangle // on the screen; in the picture
		w, h       int
	}{
		"inside":     {image.Rect(520, 420, 590, 460), image.Rect(0, 0, 300, 200), 300, 200},
		"below":      {image.Rect(520, 550, 590, 700), image.Rect(0, 0, 300, 200), 300, 300},
		"right":      {image.Rect(780, 420, 900, 460), image.Rect(0, 0, 300, 200), 400, 200},
		"left":       {image.Rect(440, 420, 510, 460), image.Rect(60, 0, 360, 200), 360, 200},
		"above":      {image.Rect(520, 350, 590, 430), image.Rect(0, 50, 300, 250), 300, 250},
		"all around": {image.Rect(450, 370, 850, 640), image.Rect(50, 30, 350, 230), 400, 270},
		"apart":      {image.Rect(300, 300, 400, 350), image.Rect(200, 100, 500, 300), 500, 300},
	} {
		for _, wm := range []string{"", "openbox"} {
			t.Run(name+"/wm="+wm, func(t *testing.T) {
				d := desktop(t, wm)
				platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(0, 0, 1200, 1000), Color: red})
				main := mainWindow(t, d)
				main.Paint(noise(300, 200))
				s := openStream(t, d, main)
				until(t, s, "the window", func(f *video.Frame) bool { return same(f, main) })
				gen := s.State().Gen
				shift := main.Bounds().Min.Sub(image.Pt(500, 400)) // a window manager may have moved it
				menu := popup(main, c.menu.Add(shift), green)
				menu.Paint(noise(c.menu.Dx(), c.menu.Dy()))
				at := c.menu.Sub(image.Pt(500, 400)).Add(c.main.Min)
				pictured(t, s, "the menu", func(st capture.State, f *video.Frame) bool {
					if count(f, red) > 0 {
						t.Fatal("pixels of another window")
					}
					if len(st.Surfaces) != 1 || !shows(f, at, menu) {
						return false
					}
					if st.W != c.w || st.H != c.h || st.Main != c.main || st.Gen <= gen || st.Surfaces[0].Bounds != at {
						t.Fatalf("%+v", st)
					}
					covered := c.main.Dx()*c.main.Dy() + at.Dx()*at.Dy() - at.Intersect(c.main).Dx()*at.Intersect(c.main).Dy()
					if n := count(f, outside); n < c.w*c.h-covered {
						t.Fatalf("%d pixels outside, want %d", n, c.w*c.h-covered)
					}
					return true
				})
				menu.Close()
				pictured(t, s, "the window alone", func(_ capture.State, f *video.Frame) bool { return same(f, main) })
			})
		}
	}
}

// Far away is no part of the picture.
func TestMembersAreClipped(t *testing.T) {
	d := desktop(t, "")
	main := mainWindow(t, d)
	s := openStream(t, d, main)
	popup(main, image.Rect(20, 450, 600, 480), green)
	pictured(t, s, "the clipped menu", func(st capture.State, f *video.Frame) bool {
		return len(st.Surfaces) == 1 && st.W == 300+platform.GroupMargin && st.Main.Min.X == platform.GroupMargin &&
			st.Surfaces[0].Bounds == image.Rect(0, 50, 500, 80) && count(f, green) == 500*30
	})
	popup(main, image.Rect(20, 20, 60, 60), green)
	last := popup(main, image.Rect(510, 410, 520, 420), red)
	pictured(t, s, "the last", func(st capture.State, f *video.Frame) bool { return count(f, red) == 100 && len(st.Surfaces) == 2 })
	last.Close()
	pictured(t, s, "the first alone", surfaces(1))
}

// Only what changed is damaged, wherever it is, and what is covered is not.
func TestDamageOfMembers(t *testing.T) {
	d := desktop(t, "")
	main := mainWindow(t, d)
	s := openStream(t, d, main)
	settled(t, s)
	menu := popup(main, image.Rect(450, 420, 550, 470), green) // 50 pixels to the left
	pictured(t, s, "the menu", func(st capture.State, f *video.Frame) bool { return count(f, green) == 100*50 })
	settled2(t, s)
	damaged := func(what string, want image.Rectangle) {
		t.Helper()
		f := next(t, s)
		defer f.Release()
		if len(f.Damage) != 1 || f.Damage[0] != want {
			t.Errorf("%s: damage %v, want %v", what, f.Damage, want)
		}
	}
	menu.Fill(image.Rect(10, 20, 17, 33), red)
	damaged("in the menu", image.Rect(10, 40, 17, 53))
	main.Fill(image.Rect(100, 100, 107, 113), red)
	damaged("in the window", image.Rect(150, 100, 157, 113))
	main.Fill(image.Rect(30, 30, 60, 40), red)
	damaged("half under the menu", image.Rect(100, 30, 110, 40))
	main.Fill(image.Rect(0, 20, 50, 70), 0x123456)
	main.Fill(image.Rect(299, 199, 300, 200), red)
	damaged("under the menu", image.Rect(349, 199, 350, 200))

	// A second one inside changes nothing but its own place.
	inner := popup(main, image.Rect(600, 500, 650, 520), 0xabcdef)
	pictured(t, s, "the second", func(st capture.State, f *video.Frame) bool {
		if len(st.Surfaces) == 2 && (len(f.Damage) != 1 || f.Damage[0] != image.Rect(150, 100, 200, 120)) {
			t.Fatalf("damage %v", f.Damage)
		}
		return count(f, 0xabcdef) == 50*20
	})
	inner.Close()
	pictured(t, s, "the second's end", func(st capture.State, f *video.Frame) bool {
		if len(st.Surfaces) == 1 && (len(f.Damage) != 1 || f.Damage[0] != image.Rect(150, 100, 200, 120)) {
			t.Fatalf("damage %v", f.Damage)
		}
		return len(st.Surfaces) == 1
	})
	menu.Close()
	pictured(t, s, "what was under the menu", func(_ capture.State, f *video.Frame) bool { return count(f, 0x123456) == 50*50 && same(f, main) })
}

// settled2 takes what is left over.
func settled2(t *testing.T, s capture.Stream) {
	t.Helper()
	never(t, s, 0x010203, 0, nil)
}

func TestMembersInTheirOrder(t *testing.T) {
	d := desktop(t, "")
	main := mainWindow(t, d)
	s := openStream(t, d, main)
	a := popup(main, image.Rect(520, 420, 620, 520), green)
	popup(main, image.Rect(570, 420, 670, 520), red)
	pictured(t, s, "both", func(_ capture.State, f *video.Frame) bool {
		return count(f, green) == 50*100 && count(f, red) == 100*100
	})
	a.Raise()
	pictured(t, s, "the other order", func(_ capture.State, f *video.Frame) bool {
		return count(f, green) == 100*100 && count(f, red) == 50*100
	})
}

// Windows that do not belong to it are never in the picture, whoever they are.
func TestNeighboursNeverShow(t *testing.T) {
	for _, wm := range []string{"", "openbox"} {
		t.Run("wm="+wm, func(t *testing.T) {
			d := desktop(t, wm)
			main := mainWindow(t, d)
			stranger := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "stranger", Bounds: image.Rect(50, 50, 200, 200), Color: red})
			sibling := main.Sibling(platformtest.Options{Title: "sibling", Bounds: image.Rect(480, 380, 820, 620), Color: red})
			s := openStream(t, d, main)
			sibling.Focus()
			over := image.Rect(450, 450, 700, 500)
			never(t, s, red, blue, func() {
				main.Sibling(platformtest.Options{Bounds: over, Color: red, OverrideRedirect: true})
				popup(sibling, over, red)
				stranger.Sibling(platformtest.Options{Bounds: over, Color: red, OverrideRedirect: true})
				popup(stranger, over, red)
			})
			menu := popup(main, over, green)
			pictured(t, s, "the menu", func(st capture.State, f *video.Frame) bool {
				if len(st.Surfaces) > 1 || count(f, red) > 0 {
					t.Fatalf("%+v with %d pixels of others", st, count(f, red))
				}
				return count(f, green) == 250*50
			})
			never(t, s, red, green, func() {
				for i := range 20 {
					sibling.Move(image.Pt(480+i, 380))
				}
				sibling.Raise()
				menu.Move(image.Pt(430, 440))
			})
		})
	}
}

// A menu whose client hangs has no pixels of its own yet; the server puts those
// of the screen there.
func TestHungMenuShowsNothingForeign(t *testing.T) {
	d := desktop(t, "")
	platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(0, 0, 1000, 900), Color: red})
	main := mainWindow(t, d)
	s := openStream(t, d, main)
	settled(t, s)
	menu := main.Sibling(platformtest.Options{
		Bounds: image.Rect(700, 500, 900, 700), Color: green, OverrideRedirect: true, TransientFor: main.XID(), Hidden: true,
	})
	menu.Freeze()
	if n := never(t, s, red, neutral, menu.Map); n != 200*200 {
		t.Errorf("%d neutral pixels, want %d", n, 200*200)
	}
	never(t, s, red, neutral, func() { menu.Resize(250, 250) })
	menu.Thaw()
	pictured(t, s, "the menu", func(_ capture.State, f *video.Frame) bool { return count(f, green) == 250*250 })
}

// A file chooser is one colour until it was allowed, and again the next time.
func TestMaskedDialog(t *testing.T) {
	for _, wm := range []string{"", "openbox"} {
		t.Run("wm="+wm, func(t *testing.T) {
			d := desktop(t, wm)
			main := mainWindow(t, d)
			s := openStream(t, d, main)
			settled(t, s)
			chooser := main.Sibling(platformtest.Options{
				Bounds: image.Rect(600, 500, 850, 650), Color: red, TransientFor: main.XID(), Type: "DIALOG", Role: "GtkFileChooserDialog",
			})
			masked := func(st capture.State, f *video.Frame) bool {
				if count(f, red) > 0 {
					t.Fatal("the dialog shows")
				}
				return len(st.Surfaces) == 1 && st.Surfaces[0].Masked && st.Surfaces[0].Kind == platform.SurfaceDialog &&
					in(f, st.Surfaces[0].Bounds, neutral) == 250*150
			}
			pictured(t, s, "the mask", masked)
			s.Allow(s.State().Surfaces[0].ID + 1)
			never(t, s, red, 0, func() { chooser.Fill(image.Rect(0, 0, 20, 20), red) })
			s.Allow(s.State().Surfaces[0].ID)
			pictured(t, s, "the dialog", func(st capture.State, f *video.Frame) bool {
				return len(st.Surfaces) == 1 && !st.Surfaces[0].Masked && in(f, st.Surfaces[0].Bounds, red) == 250*150
			})
			chooser.Unmap()
			pictured(t, s, "the window alone", surfaces(0))
			never(t, s, red, 0, nil)
			chooser.Map()
			pictured(t, s, "the mask again", masked)
		})
	}
}

// Dialogs that are there already belong to it from the start.
func TestDialogBefore(t *testing.T) {
	d := desktop(t, "openbox")
	main := mainWindow(t, d)
	main.Sibling(platformtest.Options{Bounds: image.Rect(600, 500, 700, 560), Color: green, TransientFor: main.XID(), Type: "DIALOG"})
	s := openStream(t, d, main)
	if st := s.State(); len(st.Surfaces) != 1 {
		t.Errorf("%+v", st)
	}
	pictured(t, s, "the dialog", func(_ capture.State, f *video.Frame) bool { return count(f, green) == 100*60 })
	alone, err := capture.Open(t.Context(), d, main.ID(), capture.Options{Alone: true})
	if err != nil {
		t.Fatal(err)
	}
	defer alone.Close()
	until(t, alone, "the window alone", frameFilled(blue))
}

func TestMenuWithoutSHMAndDepth32(t *testing.T) {
	d := desktop(t, "")
	main := mainWindow(t, d)
	s := openStream(t, d, main)
	capture.WithoutSHM(s)
	menu := main.Sibling(platformtest.Options{
		Bounds: image.Rect(700, 500, 900, 700), OverrideRedirect: true, TransientFor: main.XID(), Depth: 32, Border: 3,
	})
	menu.Paint(noise(200, 200))
	pictured(t, s, "the menu", func(st capture.State, f *video.Frame) bool {
		return len(st.Surfaces) == 1 && shows(f, st.Surfaces[0].Bounds, menu)
	})
}

// Menus come and go, and the server keeps nothing of them.
func TestMenusLeakNothing(t *testing.T) {
	d := desktop(t, "")
	main := mainWindow(t, d)
	s := openStream(t, d, main)
	settled(t, s)
	c, err := x11.Connect(d.Display())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Require("X-Resource"); err != nil {
		t.Fatal(err)
	}
	held := func() (n int) {
		clients, err := res.QueryClients(c.Conn).Reply()
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range clients.Clients {
			r, err := res.QueryClientResources(c.Conn, k.ResourceBase).Reply()
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range r.Types {
				n += int(x.Count)
			}
		}
		return n
	}
	menu := popup(main, image.Rect(700, 500, 900, 700), green)
	cycle := func() {
		pictured(t, s, "the menu", func(_ capture.State, f *video.Frame) bool { return count(f, green) == 200*200 })
		menu.Unmap()
		pictured(t, s, "the window alone", func(_ capture.State, f *video.Frame) bool { return same(f, main) })
	}
	cycle()
	before := held()
	for range 50 {
		menu.Map()
		cycle()
	}
	platformtest.Eventually(t, "nothing to be left", func() bool { return held() <= before })
}

// Whoever keeps the newest picture until the next one comes, as a share does,
// makes buffers of both sizes live on.
func TestSizesComeBack(t *testing.T) {
	d := desktop(t, "")
	main := mainWindow(t, d)
	s := openStream(t, d, main)
	kept := next(t, s)
	defer func() { kept.Release() }()
	wait := func(what string, ok func(*video.Frame) bool) {
		t.Helper()
		for range 200 {
			f := next(t, s)
			kept.Release()
			kept = f
			if ok(f) {
				return
			}
		}
		t.Fatal("no picture with", what)
	}
	menu := popup(main, image.Rect(450, 350, 550, 700), green)
	for i := range 10 {
		wait("the menu", func(f *video.Frame) bool { return count(f, green) == 100*350 && count(f, blue) == 300*200-50*200 })
		main.Fill(image.Rect(i, 0, i+1, 200), blue)
		menu.Unmap()
		wait("the window alone", func(f *video.Frame) bool { return same(f, main) })
		main.Fill(image.Rect(i, 0, i+1, 200), blue)
		menu.Map()
	}
}

// shown is the newest popup that is seen on a display, with its own pixels.
func shown(t testing.TB, d *platform.Desktop) (xproto.Window, *xproto.GetImageReply) {
	t.Helper()
	c, err := x11.Connect(d.Display())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tree, err := xproto.QueryTree(c.Conn, c.Root).Reply()
	if err != nil {
		t.Fatal(err)
	}
	for i := len(tree.Children) - 1; i >= 0; i-- {
		w := tree.Children[i]
		a, err := xproto.GetWindowAttributes(c.Conn, w).Reply()
		if err != nil || !a.OverrideRedirect || a.MapState != xproto.MapStateViewable || a.Class != xproto.WindowClassInputOutput {
			continue
		}
		g, err := xproto.GetGeometry(c.Conn, xproto.Drawable(w)).Reply()
		if err != nil || g.Width < 40 || g.X < 0 || g.Y < 0 || len(c.Cardinals(w, "WM_STATE")) > 0 {
			continue
		}
		if r, err := xproto.QueryTree(c.Conn, w).Reply(); err == nil && len(r.Children) > 0 && len(c.Cardinals(r.Children[0], "WM_STATE")) > 0 {
			continue // a frame
		}
		p, err := xproto.GetImage(c.Conn, xproto.ImageFormatZPixmap, xproto.Drawable(w), 0, 0, g.Width, g.Height, 0xffffffff).Reply()
		if err == nil {
			return w, p
		}
	}
	return 0, nil
}

// menuIsExact waits until the picture holds the popup that is seen, pixel for
// pixel.
func menuIsExact(t *testing.T, d *platform.Desktop, s capture.Stream) capture.State {
	t.Helper()
	var last capture.State
	f := next(t, s)
	defer func() { f.Release() }()
	ctx, cancel := context.WithCancel(t.Context())
	news := make(chan *video.Frame)
	defer func() { // or it would take the next caller's pictures
		cancel()
		for n := range news {
			n.Release()
		}
	}()
	go func() {
		defer close(news)
		for {
			n, err := s.Next(ctx)
			if err != nil {
				return
			}
			select {
			case news <- n:
			case <-ctx.Done():
				n.Release()
				return
			}
		}
	}()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		select {
		case n, ok := <-news:
			if !ok {
				t.Fatal("no picture")
			}
			f.Release()
			f = n
		case <-time.After(50 * time.Millisecond):
		}
		last = s.State()
		w, want := shown(t, d)
		if want == nil || last.Gen != f.Gen {
			continue
		}
		for _, x := range last.Surfaces {
			if x.Window.Native() == uint32(w) && equalTo(f, x.Bounds, want.Data) {
				return last
			}
		}
	}
	t.Fatalf("the menu is not in the picture: %+v", last)
	return last
}

func equalTo(f *video.Frame, at image.Rectangle, pix []byte) bool {
	if len(pix) != at.Dx()*at.Dy()*4 {
		return false
	}
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for x := at.Min.X; x < at.Max.X; x++ {
			p, q := f.Pix[4*(y*f.W+x):], pix[4*((y-at.Min.Y)*at.Dx()+x-at.Min.X):]
			if p[0] != q[0] || p[1] != q[1] || p[2] != q[2] {
				return false
			}
		}
	}
	return true
}

func windowOf(t *testing.T, d *platform.Desktop, app string) platform.Window {
	t.Helper()
	var out platform.Window
	platformtest.Eventually(t, app, func() bool {
		list, err := d.Windows(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range list {
			if w.App == app && !w.Hidden {
				out = w
				return true
			}
		}
		return false
	})
	return out
}

func BenchmarkNextWithMenu(b *testing.B) {
	for _, over := range []bool{false, true} {
		b.Run(fmt.Sprintf("damage in menu=%v", over), func(b *testing.B) {
			d := desktop(b, "")
			main := platformtest.NewWindow(b, d.Display(), platformtest.Options{Bounds: image.Rect(0, 0, 1280, 800), Color: blue, OverrideRedirect: true})
			s := openStream(b, d, main)
			menu := popup(main, image.Rect(100, 600, 400, 1000), green)
			pictured(b, s, "the menu", surfaces(1))
			w := main
			if over {
				w = menu
			}
			i := uint32(0)
			for b.Loop() {
				i++
				b.StopTimer()
				w.Fill(image.Rect(8, 8, 16, 24), i)
				b.StartTimer()
				next(b, s).Release()
			}
		})
	}
}

// hands is a person at the display: the pointer and the keyboard.
type hands struct {
	t *testing.T
	c *x11.Conn
}

func handsAt(t *testing.T, d *platform.Desktop) hands {
	t.Helper()
	c, err := x11.Connect(d.Display())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.Require(x11.XTest); err != nil {
		t.Fatal(err)
	}
	return hands{t, c}
}

func (h hands) fake(kind, detail byte, at image.Point) {
	h.t.Helper()
	if err := xtest.FakeInputChecked(h.c.Conn, kind, detail, 0, h.c.Root, int16(at.X), int16(at.Y), 0).Check(); err != nil {
		h.t.Fatal(err)
	}
}

func (h hands) move(p image.Point)             { h.fake(xproto.MotionNotify, 0, p) }
func (h hands) key(code byte, down bool)       { h.fake(kindOf(xproto.KeyPress, down), code, image.Point{}) }
func kindOf(press byte, down bool) (kind byte) { return press + map[bool]byte{true: 0, false: 1}[down] }

// button presses a button or lets go of it. If a window manager holds the release
// back, and the button is pressed again before that goes on, both are lost.
func (h hands) button(n byte, down bool) {
	h.fake(kindOf(xproto.ButtonPress, down), n, image.Point{})
	if !down {
		platformtest.Eventually(h.t, "the release", func() bool {
			p, err := xproto.QueryPointer(h.c.Conn, h.c.Root).Reply()
			return err == nil && p.Mask&(xproto.ButtonMask1<<(n-1)) == 0
		})
	}
}

// xterm's menus say nothing about themselves: they belong to it because it was
// active.
func TestXtermMenu(t *testing.T) {
	v, d := realDesktop(t)
	if err := v.Run("xterm", "-geometry", "50x8+300+300", "-title", "term"); err != nil {
		t.Fatal(err)
	}
	w := windowOf(t, d, "XTerm")
	s, err := capture.Open(t.Context(), d, w.ID, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	h := handsAt(t, d)
	const control = 37
	at := w.Bounds.Min.Add(image.Pt(250, 60))
	h.move(at)
	h.button(1, true) // into the window first
	h.button(1, false)
	platformtest.Eventually(t, "the focus", func() bool {
		v := h.c.Cardinals(h.c.Root, "_NET_ACTIVE_WINDOW")
		return len(v) > 0 && v[0] == w.ID.Native()
	})
	h.key(control, true)
	h.button(1, true)
	st := menuIsExact(t, d, s)
	if st.H <= w.Bounds.Dy() || st.Main.Min != (image.Point{}) {
		t.Errorf("%+v: the menu is longer than the window", st)
	}
	for y := 12; y <= 96; y += 12 { // entries light up, separators do not
		h.move(at.Add(image.Pt(5, y)))
	}
	menuIsExact(t, d, s)
	h.move(image.Pt(900, 100))
	h.button(1, false)
	h.key(control, false)
	platformtest.Eventually(t, "the menu's end", func() bool { return len(s.State().Surfaces) == 0 })
}

// GTK's menus and dialogs, where a program is there to show them.
func TestGTKMenu(t *testing.T) {
	if _, err := exec.LookPath("mousepad"); err != nil {
		t.Skip("mousepad is not installed")
	}
	v, d := realDesktop(t)
	home := t.TempDir()
	env := []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "GSETTINGS_BACKEND=memory", "NO_AT_BRIDGE=1", "DBUS_SESSION_BUS_ADDRESS="}
	if err := v.RunEnv(env, "mousepad", "--disable-server"); err != nil {
		t.Fatal(err)
	}
	w := windowOf(t, d, "Mousepad")
	s, err := capture.Open(t.Context(), d, w.ID, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	h := handsAt(t, d)
	const alt, f, escape, control, o = 64, 41, 9, 37, 32
	menu := func(mod, code byte) {
		h.key(mod, true)
		h.key(code, true)
		h.key(code, false)
		h.key(mod, false)
	}
	platformtest.Eventually(t, "the menu", func() bool {
		if len(s.State().Surfaces) > 0 {
			return true
		}
		menu(alt, f)
		time.Sleep(time.Second)
		return len(s.State().Surfaces) > 0
	})
	if st := menuIsExact(t, d, s); st.Surfaces[0].Kind != platform.SurfaceMenu {
		t.Errorf("%+v", st)
	}
	h.key(escape, true)
	h.key(escape, false)
	platformtest.Eventually(t, "the menu's end", func() bool { return len(s.State().Surfaces) == 0 })
	menu(control, o)
	platformtest.Eventually(t, "the file chooser, hidden", func() bool {
		l := s.State().Surfaces
		return len(l) == 1 && l[0].Masked && l[0].Kind == platform.SurfaceDialog
	})
}

func realDesktop(t *testing.T) (*virtual.Display, *platform.Desktop) {
	t.Helper()
	v, err := virtual.Start(t.Context(), virtual.Options{WM: "openbox"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	d, err := platform.Open(v.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return v, d
}
