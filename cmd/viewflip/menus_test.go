package main

import (
	"bytes"
	"image"
	"testing"

	"viewflip.app/platform/platformtest"
)

// The real program on two displays: menus of the window are seen inside the
// viewer's, which grows where they stick out, and can be clicked there. The
// window's own picture stays where it is on Ben's screen.
func TestViewerShowsMenus(t *testing.T) {
	s := newScene(t)
	const bar = 36
	s.must(s.ben.place(s.viewer, image.Rect(300, 250, 300+shareW, 250+shareH+bar)))
	s.awaitPicture(image.Pt(shareW, shareH))
	home, err := s.ben.Bounds(s.viewer) // the window manager has put a frame around it
	s.must(err)
	for name, menu := range map[string]image.Rectangle{ // counted from the window's corner
		"inside":         image.Rect(20, 20, 120, 90),
		"below":          image.Rect(30, 380, 130, 480),
		"right":          image.Rect(600, 20, 700, 80),
		"left and above": image.Rect(-50, -40, 60, 70),
		"apart":          image.Rect(-90, 450, -30, 490),
	} {
		t.Log(name)
		all := image.Rect(0, 0, shareW, shareH).Union(menu)
		w := s.shared.Sibling(platformtest.Options{
			Bounds: menu.Add(s.shared.Bounds().Min), OverrideRedirect: true, TransientFor: s.shared.XID(), Type: "POPUP_MENU",
		})
		w.Paint(pattern(menu.Dx(), menu.Dy()))
		at := home.Min.Add(all.Min)
		s.awaitLayout(image.Rectangle{Min: at, Max: at.Add(all.Size()).Add(image.Pt(0, bar))}, map[image.Point]*platformtest.Window{
			menu.Min.Sub(all.Min): w,
		})

		for _, p := range []image.Point{{X: 1, Y: 2}, menu.Size().Sub(image.Pt(1, 1))} {
			s.forget()
			w.Forget()
			b, err := s.ben.Bounds(s.ben.pictureOf(s.viewer))
			s.must(err)
			s.must(s.ben.click(b.Min.Add(menu.Min.Sub(all.Min)).Add(p)))
			s.wait("the click in the menu", func() bool {
				n := 0
				for _, e := range w.Events() {
					if (e.Kind == platformtest.Press || e.Kind == platformtest.Release) && image.Pt(e.X, e.Y) == p && e.Detail == 1 {
						n++
					}
				}
				return n == 2
			})
			if got := s.presses(); len(got) != 0 {
				t.Errorf("the window got %v", got)
			}
		}
		w.Close()
		s.awaitLayout(home, map[image.Point]*platformtest.Window{{}: s.shared})
	}
	s.click(1, image.Pt(5, 5))
	s.alone()
}

// awaitLayout waits until the viewer's window is there and shows these windows
// at these places of its picture, pixel for pixel.
func (s *scene) awaitLayout(want image.Rectangle, ws map[image.Point]*platformtest.Window) {
	s.t.Helper()
	var is image.Rectangle
	s.wait("the layout", func() bool {
		var err error
		if is, err = s.ben.Bounds(s.viewer); err != nil || is != want {
			return false
		}
		win := s.ben.pictureOf(s.viewer)
		if win == 0 {
			return false
		}
		for at, w := range ws {
			pix, width, height := w.Picture()
			for i := 3; i < len(pix); i += 4 {
				pix[i] = 255
			}
			got, err := s.ben.pixels(win, image.Rect(0, 0, width, height).Add(at))
			if err != nil || !bytes.Equal(got, pix) {
				return false
			}
		}
		return true
	})
}
