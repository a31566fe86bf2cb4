package tile_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"testing"

	"viewflip.app/video"
	"viewflip.app/video/tile"
)

// world is a large text of which pictures show parts.
func world(rng *rand.Rand, w, h int) *video.Frame {
	f := video.NewFrame(w, h)
	text(rng, f, f.Bounds())
	return f
}

// show draws what world has at at into r of f.
func show(f, world *video.Frame, r image.Rectangle, at image.Point) {
	for y := range r.Dy() {
		a, b := ((r.Min.Y+y)*f.W+r.Min.X)*4, ((at.Y+y)*world.W+at.X)*4
		copy(f.Pix[a:a+r.Dx()*4], world.Pix[b:b+r.Dx()*4])
	}
}

// recode codes f and checks that it arrives.
func recode(t testing.TB, e *tile.Encoder, d *tile.Decoder, f *video.Frame) int {
	t.Helper()
	b, ok, err := e.Encode(nil, f, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if ok {
		if _, err := d.Decode(b); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(d.Picture().Pix, f.Pix) {
		t.Fatal("the picture differs")
	}
	return len(b)
}

// Panning in any direction, and panes that scroll by different offsets beside a
// bar that stays, must be told as copies.
func TestPanIsCheap(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	w := world(rng, 1400, 1200)
	const width, height = 800, 600
	for _, by := range []image.Point{{X: 7}, {X: -33}, {X: 5, Y: 9}, {X: -12, Y: 3}, {X: 21, Y: -40}, {X: -1, Y: -1}} {
		t.Run(fmt.Sprint(by), func(t *testing.T) {
			e, d := pair(t)
			f := video.NewFrame(width, height)
			at := image.Pt(300, 300)
			show(f, w, f.Bounds(), at)
			whole := recode(t, e, d, f)
			for range 3 {
				at = at.Add(by)
				show(f, w, f.Bounds(), at)
				if n := recode(t, e, d, f); n > whole/4 {
					t.Errorf("panning took %d bytes, the whole picture %d", n, whole)
				}
			}
		})
	}
	t.Run("panes", func(t *testing.T) {
		e, d := pair(t)
		f := video.NewFrame(width, height)
		show(f, w, f.Bounds(), image.Pt(0, 0))
		left, right, below := image.Rect(101, 0, 417, 400), image.Rect(430, 0, 800, 400), image.Rect(101, 410, 800, 600)
		draw := func(n int) {
			show(f, w, left, image.Pt(50, 300+13*n))
			show(f, w, right, image.Pt(500, 500-21*n))
			show(f, w, below, image.Pt(300+17*n, 30))
		}
		draw(0)
		whole := recode(t, e, d, f)
		for n := 1; n < 4; n++ {
			draw(n)
			if got := recode(t, e, d, f); got > whole/4 {
				t.Errorf("three panes took %d bytes, the whole picture %d", got, whole)
			}
		}
	})
}

// Pans of parts, over each other, at every size and with changes of it, are
// exact.
func TestPanIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	w := world(rng, 900, 700)
	e, d := pair(t)
	sizes := []image.Point{{X: 1, Y: 1}, {X: 49, Y: 50}, {X: 333, Y: 277}, {X: 640, Y: 479}, {X: 63, Y: 401}}
	for n := range 200 {
		size := sizes[n/40]
		f := video.NewFrame(size.X, size.Y)
		if p := d.Picture(); p != nil && p.W == size.X && p.H == size.Y {
			copy(f.Pix, p.Pix)
			by := image.Pt(rng.IntN(61)-30, rng.IntN(61)-30)
			for range 1 + rng.IntN(3) {
				r := randomRect(rng, f.Bounds())
				if from := r.Add(by); from.In(p.Bounds()) {
					show(f, p, r, from.Min)
				}
			}
			show(f, p, f.Bounds().Intersect(f.Bounds().Sub(by)), f.Bounds().Intersect(f.Bounds().Add(by)).Min)
		} else {
			show(f, w, f.Bounds(), image.Pt(rng.IntN(200), rng.IntN(200)))
		}
		recode(t, e, d, f)
	}
}

// Where new things lie in what pans, copies must not overwrite what others read.
func TestPanOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	w := world(rng, 1200, 1000)
	for _, by := range []image.Point{{X: 37}, {X: -37}, {X: 45, Y: 5}, {X: -45, Y: 5}, {X: 45, Y: -5}, {X: 3, Y: 40}, {X: 3, Y: -40}} {
		e, d := pair(t)
		f := video.NewFrame(640, 480)
		show(f, w, f.Bounds(), image.Pt(200, 200))
		whole := recode(t, e, d, f)
		show(f, w, f.Bounds(), image.Pt(200, 200).Add(by))
		for y := 60; y < 460; y += 80 {
			for x := 50; x < 600; x += 90 {
				text(rng, f, image.Rect(x, y, x+14, y+14))
			}
		}
		if n := recode(t, e, d, f); n > whole/2 {
			t.Errorf("%v: %d bytes of %d", by, n, whole)
		}
	}
}

// Photographs beside text, which are predicted, are exact, at odd sizes too.
func TestPhotoIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	for _, size := range []image.Point{{X: 3, Y: 300}, {X: 333, Y: 277}, {X: 257, Y: 129}} {
		e, d := pair(t)
		f := world(rng, size.X, size.Y)
		recode(t, e, d, f)
		for range 12 {
			r := randomRect(rng, f.Bounds())
			for y := r.Min.Y; y < r.Max.Y; y++ {
				for x := r.Min.X; x < r.Max.X; x++ {
					p := f.Pix[(y*f.W+x)*4:]
					p[0], p[1], p[2] = byte(x+rng.IntN(9)), byte(y+rng.IntN(9)), byte(x*y/99+rng.IntN(9))
				}
			}
			recode(t, e, d, f)
		}
	}
}

// A picture of 3840x2160 pans, and is exact.
func TestPanLarge(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	w := world(rng, 3900, 2200)
	e, d := pair(t)
	f := video.NewFrame(3840, 2160)
	for n := range 3 {
		show(f, w, f.Bounds(), image.Pt(9*n, 40-7*n))
		recode(t, e, d, f)
	}
}

// A decoder with another picture finds out when it is asked to check, though
// nothing changed, and the refresh repairs it; so does what the damage missed.
func TestCheck(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 20))
	e, d := pair(t)
	f := world(rng, 120, 90)
	recode(t, e, d, f)
	code := func(refresh bool) []byte {
		t.Helper()
		b, ok, err := e.Encode(nil, f, []image.Rectangle{}, refresh)
		if err != nil || !ok {
			t.Fatal("no frame", err)
		}
		return b
	}
	e.Check()
	if dirty, err := d.Decode(code(false)); err != nil || len(dirty) != 0 {
		t.Fatal("a right picture", dirty, err)
	}
	if _, ok, _ := e.Encode(nil, f, []image.Rectangle{}, false); ok {
		t.Error("a checksum that nobody asked for")
	}
	text(rng, f, image.Rect(3, 3, 40, 40)) // the damage does not tell
	e.Check()
	if _, err := d.Decode(code(false)); err != nil || !bytes.Equal(d.Picture().Pix, f.Pix) {
		t.Fatal("what the damage missed", err)
	}
	d.Picture().Pix[777] ^= 1
	e.Check()
	if _, err := d.Decode(code(false)); !errors.Is(err, tile.ErrWrong) {
		t.Fatal("a wrong picture", err)
	}
	if _, err := d.Decode(code(true)); err != nil || !bytes.Equal(d.Picture().Pix, f.Pix) {
		t.Fatal("the refresh", err)
	}
}

func BenchmarkScenes(b *testing.B) {
	const width, height = 1280, 800
	rng := rand.New(rand.NewPCG(17, 18))
	w := world(rng, 2*width, 2*height)
	photo := video.NewFrame(2*width, 2*height)
	for y := range photo.H {
		for x := range photo.W {
			p := photo.Pix[(y*photo.W+x)*4:]
			v := 60 + x/24 + y/30 + (x*y/9000)%40
			p[0], p[1], p[2], p[3] = byte(v+rng.IntN(5)), byte(v+20+rng.IntN(5)), byte(v/2+40+rng.IntN(5)), 255
		}
	}
	scenes := []struct {
		name string
		draw func(f *video.Frame, n int)
	}{
		{"pan", func(f *video.Frame, n int) { show(f, w, f.Bounds(), image.Pt(7*(n%100), 5*(n%100))) }},
		{"panes", func(f *video.Frame, n int) {
			if n == 0 {
				show(f, w, f.Bounds(), image.Point{})
			}
			show(f, w, image.Rect(100, 0, 650, height), image.Pt(0, 7*(n%100)))
			show(f, w, image.Rect(660, 0, width, height), image.Pt(700, 11*(n%70)))
		}},
		{"photo", func(f *video.Frame, n int) {
			show(f, photo, f.Bounds(), image.Pt(n%2*(width-1), n/2%2*(height-1)))
		}},
		{"dim", func(f *video.Frame, n int) {
			show(f, w, f.Bounds(), image.Point{})
			for i, v := range f.Pix {
				if i%4 != 3 {
					f.Pix[i] = byte(int(v) * (20 - n%10) / 20)
				}
			}
		}},
		{"gradient", func(f *video.Frame, n int) {
			for i := 0; i < len(f.Pix); i += 4 {
				v := byte((i/4%width + i/4/width + 8*n) / 8)
				f.Pix[i], f.Pix[i+1], f.Pix[i+2], f.Pix[i+3] = v, v/2, 200, 255
			}
		}},
	}
	for _, s := range scenes {
		b.Run(s.name, func(b *testing.B) {
			e, d := pair(b)
			f := video.NewFrame(width, height)
			n, total := 0, 0
			s.draw(f, n)
			recode(b, e, d, f)
			var coded []byte
			for b.Loop() {
				b.StopTimer()
				n++
				s.draw(f, n)
				b.StartTimer()
				coded, _, _ = e.Encode(coded[:0], f, nil, false)
				total += len(coded)
			}
			b.ReportMetric(float64(total)/float64(b.N), "bytes/frame")
		})
	}
}
