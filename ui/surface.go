package ui

import (
	"context"
	"image"
	"sync"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"viewflip.app/session"
	"viewflip.app/ui/glass"
	"viewflip.app/video"
)

// surface shows a view's picture in an area of its window.
type surface interface {
	// place tells the area in physical pixels of the window, on the main
	// goroutine.
	place(area image.Rectangle, visible bool)
	// paint shows an update and returns when it is visible; never on the main
	// goroutine. dirty nil means everything.
	paint(ctx context.Context, view View, dirty []image.Rectangle) error
	// mark shows the view's marks over the picture; never on the main
	// goroutine.
	mark(ctx context.Context, view View) error
	// cursor makes this screen's pointer look so over the picture; nil leaves it
	// as it is elsewhere. Never on the main goroutine.
	cursor(ctx context.Context, s *video.Cursor) error
	close()
}

// nativeSurface is a child window that the toolkit does not know of.
type nativeSurface struct{ child *glass.Child }

func (s nativeSurface) place(area image.Rectangle, visible bool) { s.child.Place(area, visible) }

func (s nativeSurface) paint(_ context.Context, v View, dirty []image.Rectangle) error {
	return s.child.Paint(v, dirty)
}

func (s nativeSurface) mark(_ context.Context, v View) error { return s.child.Mark(v, v.Marks()) }

func (s nativeSurface) cursor(_ context.Context, c *video.Cursor) error { return s.child.Cursor(c) }

func (s nativeSurface) close() { _ = s.child.Close() }

// imageSurface draws through the toolkit: slower, and everywhere.
type imageSurface struct {
	p   *program
	win fyne.Window
	img *canvas.Image
	// layout puts img where the picture belongs, after its size changed, and
	// returns the size at which it is shown, in pixels of the screen.
	layout func(w, h int) image.Point
	// look makes the toolkit's pointer look so over the picture.
	look func(*video.Cursor)
	// ink lies over img and shows the marks.
	ink *canvas.Image

	mu   sync.Mutex
	pix  []byte
	w, h int

	// These belong to the main goroutine.
	marks  session.Marks
	sketch *glass.Sketch
	size   image.Point
}

func (s *imageSurface) place(_ image.Rectangle, on bool) {
	visible(s.img, on)
	s.redraw(on)
}

func (s *imageSurface) mark(ctx context.Context, v View) error {
	return s.await(ctx, func() {
		s.marks = v.Marks()
		s.redraw(s.img.Visible())
	})
}

// redraw shows the marks; on the main goroutine.
func (s *imageSurface) redraw(on bool) {
	if s.sketch == nil {
		s.sketch = glass.NewSketch(float64(s.win.Canvas().Scale()))
	}
	s.size = s.layout(s.w, s.h)
	s.sketch.Set(s.marks, s.size.X, s.size.Y)
	img := s.sketch.Image()
	visible(s.ink, on && img != nil)
	if img != nil {
		s.ink.Image = img
		s.ink.Refresh()
	}
}

func (s *imageSurface) paint(ctx context.Context, v View, dirty []image.Rectangle) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.Picture(func(f *video.Frame) {
		if f == nil {
			return
		}
		if f.W != s.w || f.H != s.h || s.pix == nil {
			s.w, s.h, s.pix, dirty = f.W, f.H, make([]byte, f.W*f.H*4), nil
		}
		if dirty == nil {
			dirty = []image.Rectangle{f.Bounds()}
		}
		for _, r := range dirty {
			toRGBA(s.pix, f, r.Intersect(f.Bounds()))
		}
	})
	if s.pix == nil {
		return nil
	}
	// The pixels stay as they are until the toolkit has taken them.
	return s.await(ctx, func() {
		// A new header makes the toolkit upload the pixels again.
		s.img.Image = &image.RGBA{Pix: s.pix, Stride: 4 * s.w, Rect: image.Rect(0, 0, s.w, s.h)}
		if s.layout(s.w, s.h) != s.size {
			s.redraw(s.img.Visible())
		}
		s.img.Refresh()
		s.p.shell.repaint(s.win)
	})
}

// await runs f on the main goroutine and waits for it.
func (s *imageSurface) await(ctx context.Context, f func()) error {
	done := make(chan struct{})
	s.p.shell.do(func() {
		defer close(done)
		if !s.p.gone {
			f()
		}
	})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *imageSurface) cursor(ctx context.Context, c *video.Cursor) error {
	return s.await(ctx, func() { s.look(c) })
}

func (s *imageSurface) close() {}

// toRGBA copies rectangle r of f into dst, tightly packed RGBA of f's size.
func toRGBA(dst []byte, f *video.Frame, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		a, b := y*f.Stride()+r.Min.X*4, y*f.Stride()+r.Max.X*4
		src, out := f.Pix[a:b], dst[a:b]
		for len(src) >= 4 && len(out) >= 4 {
			out[0], out[1], out[2], out[3] = src[2], src[1], src[0], 255
			src, out = src[4:], out[4:]
		}
	}
}

// dimmed is a still of the picture at the given size, darkened; nil before
// there is one.
func dimmed(v View, size image.Point) *image.RGBA {
	var out *image.RGBA
	v.Picture(func(f *video.Frame) {
		if f == nil || size.X <= 0 || size.Y <= 0 {
			return
		}
		var s glass.Scaler
		s.Resize(f.W, f.H, size.X, size.Y)
		small := video.NewFrame(size.X, size.Y)
		s.Draw(small.Pix, f, small.Bounds())
		out = image.NewRGBA(small.Bounds())
		toRGBA(out.Pix, small, small.Bounds())
	})
	if out == nil {
		return nil
	}
	for i := 0; i < len(out.Pix); i += 4 {
		// Grey and dark: recognisable, and plainly not live.
		r, g, b := int(out.Pix[i]), int(out.Pix[i+1]), int(out.Pix[i+2])
		grey := (3*r + 6*g + b) / 10
		out.Pix[i] = uint8((r + grey) * 7 / 32)
		out.Pix[i+1] = uint8((g + grey) * 7 / 32)
		out.Pix[i+2] = uint8((b + grey) * 7 / 32)
	}
	return out
}
