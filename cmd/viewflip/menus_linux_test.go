package main

import (
	"bytes"
	"errors"
	"image"
	"testing"
	"time"

	"viewflip.app/cmd/viewflip/internal/app"
	"viewflip.app/cmd/viewflip/internal/share"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// The real program on two displays: menus of the window are seen inside the
// viewer's, which grows where they stick out, and can be clicked there. The
// window's own picture stays where it is on Ben's screen.
func TestViewerShowsMenus(t *testing.T) {
	s := newScene(t)
	const bar = 36
	s.must(s.ben.Place(s.viewer, image.Rect(300, 250, 300+shareW, 250+shareH+bar)))
	var home image.Rectangle // the window manager has put a frame around it
	s.wait("the viewer's place", func() (ok bool) {
		var err error
		home, err = s.ben.Bounds(s.viewer)
		return err == nil && home.Min.X >= 300 && home.Min.Y >= 250 && home.Size() == image.Pt(shareW, shareH+bar)
	})
	s.awaitPicture(image.Pt(shareW, shareH))
	for name, menu := range map[string]image.Rectangle{ // counted from the window's corner
		"inside":         image.Rect(20, 20, 120, 90),
		"below":          image.Rect(30, 380, 130, 480),
		"right":          image.Rect(600, 20, 700, 80),
		"left and above": image.Rect(-50, -40, 60, 70),
		"apart":          image.Rect(-90, 450, -30, 490),
	} {
		t.Log(name)
		all := image.Rect(0, 0, shareW, shareH).Union(menu)
		rest := image.Pt(311, 207) // of the window; the pointer waits over it
		on, _ := s.at(rest)
		s.must(s.ben.Move(on))
		w := s.shared.Sibling(platformtest.Options{
			Bounds: menu.Add(s.shared.Bounds().Min), OverrideRedirect: true, TransientFor: s.shared.XID(), Type: "POPUP_MENU",
		})
		w.Paint(pattern(menu.Dx(), menu.Dy()))
		at := home.Min.Add(all.Min)
		s.awaitLayout(image.Rectangle{Min: at, Max: at.Add(all.Size()).Add(image.Pt(0, bar))}, map[image.Point]*platformtest.Window{
			menu.Min.Sub(all.Min): w,
		})

		s.forget()
		s.clickUntil(s.shared, rest, func() error { return errors.Join(s.ben.Button(1, true), s.ben.Button(1, false)) })
		for _, p := range []image.Point{{X: 1, Y: 2}, menu.Size().Sub(image.Pt(1, 1))} {
			s.forget()
			w.Forget()
			b, err := s.ben.Bounds(s.ben.PictureOf(s.viewer))
			s.must(err)
			s.clickUntil(w, p, func() error { return s.ben.Click(b.Min.Add(menu.Min.Sub(all.Min)).Add(p)) })
			if got := presses(s.shared); len(got) != 0 {
				t.Errorf("the window got %v", got)
			}
		}
		w.Close()
		s.awaitLayout(home, map[image.Point]*platformtest.Window{{}: s.shared})
	}
	s.forget()
	s.clickUntil(s.shared, image.Pt(5, 5), func() error {
		on, _ := s.at(image.Pt(5, 5))
		return s.ben.Click(on)
	})
	s.alone()
}

// clickUntil clicks until a window has got it: a picture is on the screen before
// it can be aimed at.
func (s *scene) clickUntil(w *platformtest.Window, p image.Point, click func() error) {
	s.t.Helper()
	tried := time.Time{}
	s.wait("the click", func() bool {
		if time.Since(tried) > time.Second {
			s.must(click())
			tried = time.Now()
		}
		return clicked(w, p)
	})
}

// clicked reports whether a window was clicked at a point, and nowhere else.
func clicked(w *platformtest.Window, p image.Point) bool {
	down, up := false, false
	for _, e := range w.Events() {
		at := image.Pt(e.X, e.Y) == p && e.Detail == 1
		switch e.Kind {
		case platformtest.Press:
			if !at {
				return false
			}
			down = true
		case platformtest.Release:
			up = down && at
		default: // the pointer comes and goes
		}
	}
	return up
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
		win := s.ben.PictureOf(s.viewer)
		if win == 0 {
			return false
		}
		for at, w := range ws {
			pix, width, height := w.Picture()
			for i := 3; i < len(pix); i += 4 {
				pix[i] = 255
			}
			got, err := s.ben.Pixels(win, image.Rect(0, 0, width, height).Add(at))
			if err != nil || !bytes.Equal(got, pix) {
				return false
			}
		}
		return true
	})
}

// A file chooser is one colour and out of reach until the sharer shows it.
func TestFileChooserIsShownOnce(t *testing.T) {
	d := display(t)
	const own, secret = 0x2040c0, 0xc02040
	w := platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Editor", Bounds: image.Rect(100, 100, 700, 500), Color: own})
	w.Focus()
	desk, err := platform.Open(d.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer desk.Close()
	a, err := app.Open(t.Context(), testWorld(t, nil), "Anna", desk)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	call, err := a.NewCall(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { call.Leave(); <-call.Done() }()
	list, err := share.Choose(t.Context(), desk, []string{"Editor"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call.Share(t.Context(), list[0], wire.RightsQuiet|wire.RightControl); err != nil {
		t.Fatal(err)
	}
	link, err := call.Invite(t.Context(), session.InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, v := view(t, link)
	waitPicture(t, v, func(f *video.Frame) bool { return all(f, own) })
	chooser := w.Sibling(platformtest.Options{
		Title: "Open", Bounds: image.Rect(650, 300, 850, 450), Color: secret, TransientFor: w.XID(), Type: "DIALOG", Role: "GtkFileChooserDialog",
	})
	var masked session.MaskedDialog
	platformtest.Eventually(t, "the question", func() bool {
		m := call.State().Masked
		if len(m) == 1 {
			masked = m[0]
		}
		return len(m) == 1 && len(v.Info().Surfaces) == 1
	})
	dialog := func() image.Rectangle {
		if l := v.Info().Surfaces; len(l) == 1 {
			return l[0].Bounds
		}
		t.Fatal("the dialog is not in the picture")
		return image.Rectangle{}
	}
	const neutral = 0x303030
	waitPicture(t, v, func(f *video.Frame) bool {
		if count(f, f.Bounds(), secret) > 0 {
			t.Fatal("it shows")
		}
		return f.Gen == v.Info().Gen && count(f, dialog(), neutral) == dialog().Dx()*dialog().Dy()
	})
	press := func(kind wire.Kind) {
		t.Helper()
		i, p := v.Info(), dialog().Min.Add(image.Pt(20, 30))
		in := wire.Input{Kind: kind, Button: wire.Left, Gen: i.Gen, X: wire.Fraction(p.X, i.W), Y: wire.Fraction(p.Y, i.H)}
		if err := v.Send(in); err != nil {
			t.Fatal(err)
		}
	}
	press(wire.Press)
	platformtest.Eventually(t, "the refusal", func() bool { r, _ := v.LastRefusal(); return r == wire.Masked })
	press(wire.Release)
	if err := call.Reveal(masked.Share, masked.Surface); err != nil {
		t.Fatal(err)
	}
	waitPicture(t, v, func(f *video.Frame) bool { return count(f, dialog(), secret) == dialog().Dx()*dialog().Dy() })
	chooser.Forget()
	platformtest.Eventually(t, "the press", func() bool { // the gate hears of it when the picture does
		press(wire.Press)
		press(wire.Release)
		for _, e := range chooser.Events() {
			if e.Kind == platformtest.Press && e.X == 20 && e.Y == 30 {
				return true
			}
		}
		return false
	})
	chooser.Close()
	waitPicture(t, v, func(f *video.Frame) bool { return f.W == 600 && f.H == 400 && all(f, own) })
}

// count counts the pixels of a colour in a part of a picture.
func count(f *video.Frame, r image.Rectangle, rgb uint32) (n int) {
	r = r.Intersect(f.Bounds())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			p := f.Pix[4*(y*f.W+x):]
			if uint32(p[0])|uint32(p[1])<<8|uint32(p[2])<<16 == rgb {
				n++
			}
		}
	}
	return n
}
