package glass

import (
	"bytes"
	"image"
	"math/rand/v2"
	"testing"

	"viewflip.app/video"
	"viewflip.app/wire"
)

func noise(w, h int, seed uint64) *video.Frame {
	f := video.NewFrame(w, h)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range f.Pix {
		f.Pix[i] = byte(r.Uint32())
		if i%4 == 3 {
			f.Pix[i] = 255
		}
	}
	return f
}

func TestFitIn(t *testing.T) {
	area := image.Rect(0, 36, 800, 536)
	for _, c := range []struct {
		w, h int
		want image.Rectangle
		pct  int
	}{
		{800, 500, area, 100},
		{400, 250, area, 200},
		{400, 500, image.Rect(200, 36, 600, 536), 100},
		{800, 250, image.Rect(0, 161, 800, 411), 100},
		{1600, 1000, area, 50},
		{801, 500, image.Rect(0, 36, 800, 535), 99},
		{1, 16384, image.Rect(399, 36, 400, 536), 101},
		{0, 5, image.Rect(0, 36, 0, 36), 0},
	} {
		f := FitIn(area, c.w, c.h)
		if f.Rect != c.want {
			t.Errorf("%dx%d: %v, want %v", c.w, c.h, f.Rect, c.want)
		}
		if f.Percent() != c.pct && c.w != 1 {
			t.Errorf("%dx%d: %d %%, want %d", c.w, c.h, f.Percent(), c.pct)
		}
	}
}

// TestSource: every pixel of the picture can be hit where there is room for
// it, points map to the pixel that is drawn there, and the way over the wire
// changes nothing.
func TestSource(t *testing.T) {
	for _, scale := range []float64{1, 0.5, 1.7} {
		const w, h = 321, 203
		area := image.Rect(7, 36, 7+int(w*scale), 36+int(h*scale))
		f := FitIn(area, w, h)
		hit := map[int]bool{}
		last := 0
		for x := f.Rect.Min.X; x < f.Rect.Max.X; x++ {
			p, ok := f.Source(x, f.Rect.Min.Y)
			if !ok || p.X < last || p.X >= w {
				t.Fatalf("scale %v: x %d gives %v %v", scale, x, p, ok)
			}
			last = p.X
			if q := wire.Pixel(wire.Fraction(p.X, w), w); q != p.X {
				t.Fatalf("pixel %d arrives as %d", p.X, q)
			}
			want := int((float64(x-f.Rect.Min.X) + 0.5) * w / float64(f.Rect.Dx()))
			if p.X != want {
				t.Fatalf("scale %v: x %d is pixel %d, want %d", scale, x, p.X, want)
			}
			hit[p.X] = true
		}
		if scale >= 1 && len(hit) != w {
			t.Errorf("scale %v: only %d of %d columns can be hit", scale, len(hit), w)
		}
		for _, p := range []image.Point{f.Rect.Min.Sub(image.Pt(1, 0)), f.Rect.Max} {
			if _, ok := f.Source(p.X, p.Y); ok {
				t.Errorf("margin %v belongs to a pixel", p)
			}
		}
		if got := f.Clamp(-500, 99999); got != image.Pt(0, h-1) {
			t.Errorf("clamped to %v", got)
		}
	}
}

func TestScaleExact(t *testing.T) {
	f := noise(67, 41, 1)
	var s Scaler
	s.Resize(67, 41, 67, 41)
	out := make([]byte, len(f.Pix))
	s.Draw(out, f, f.Bounds())
	if !bytes.Equal(out, f.Pix) {
		t.Fatal("same size is not the same picture")
	}
}

// TestScaleParts: drawing only what Reach names gives the same picture as
// drawing everything, at every scale.
func TestScaleParts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 400 {
		sw, sh, dw, dh := 1+r.IntN(90), 1+r.IntN(90), 1+r.IntN(120), 1+r.IntN(120)
		before, after := noise(sw, sh, r.Uint64()), video.NewFrame(sw, sh)
		copy(after.Pix, before.Pix)
		x, y := r.IntN(sw), r.IntN(sh)
		dirty := image.Rect(x, y, x+1+r.IntN(sw-x), y+1+r.IntN(sh-y))
		for py := dirty.Min.Y; py < dirty.Max.Y; py++ {
			for px := dirty.Min.X; px < dirty.Max.X; px++ {
				after.Pix[4*(py*sw+px)] ^= 0xff
			}
		}
		var s Scaler
		s.Resize(sw, sh, dw, dh)
		part, whole := make([]byte, 4*dw*dh), make([]byte, 4*dw*dh)
		all := image.Rect(0, 0, dw, dh)
		s.Draw(part, before, all)
		s.Draw(part, after, s.Reach(dirty))
		s.Draw(whole, after, all)
		if !bytes.Equal(part, whole) {
			t.Fatalf("%dx%d to %dx%d, dirty %v: parts differ from the whole", sw, sh, dw, dh, dirty)
		}
	}
}

// TestScaleMean: a flat picture stays as it is, and shrinking averages.
func TestScaleMean(t *testing.T) {
	for _, size := range [][4]int{{40, 30, 17, 11}, {17, 11, 40, 30}, {500, 300, 3, 2}, {1, 1, 50, 50}} {
		f := video.NewFrame(size[0], size[1])
		for i := range f.Pix {
			f.Pix[i] = []byte{13, 200, 255, 255}[i%4]
		}
		var s Scaler
		s.Resize(size[0], size[1], size[2], size[3])
		out := make([]byte, 4*size[2]*size[3])
		s.Draw(out, f, image.Rect(0, 0, size[2], size[3]))
		for i, v := range out {
			if v != []byte{13, 200, 255, 255}[i%4] {
				t.Fatalf("%v: byte %d is %d", size, i, v)
			}
		}
	}
	f := video.NewFrame(2, 2)
	copy(f.Pix, []byte{0, 0, 0, 255, 200, 0, 0, 255, 0, 100, 0, 255, 0, 0, 40, 255})
	var s Scaler
	s.Resize(2, 2, 1, 1)
	out := make([]byte, 4)
	s.Draw(out, f, image.Rect(0, 0, 1, 1))
	if !bytes.Equal(out, []byte{50, 25, 10, 255}) {
		t.Fatalf("the mean is %v", out)
	}
}

func BenchmarkScale(b *testing.B) {
	for _, c := range []struct {
		name   string
		dw, dh int
	}{{"100", 1280, 800}, {"63", 806, 504}, {"170", 2176, 1360}} {
		b.Run(c.name, func(b *testing.B) {
			f := noise(1280, 800, 1)
			var s Scaler
			s.Resize(1280, 800, c.dw, c.dh)
			out := make([]byte, 4*c.dw*c.dh)
			for b.Loop() {
				s.Draw(out, f, image.Rect(0, 0, c.dw, c.dh))
			}
		})
	}
}
