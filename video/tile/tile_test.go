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

// text fills a rectangle with something like rows of text.
func text(rng *rand.Rand, f *video.Frame, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			p := f.Pix[(y*f.W+x)*4:]
			v := byte(250)
			if y%16 > 3 && y%16 < 13 && rng.IntN(3) == 0 {
				v = byte(rng.IntN(4) * 60)
			}
			p[0], p[1], p[2], p[3] = v, v, v/2+20, 255
		}
	}
}

func scrollUp(f *video.Frame, r image.Rectangle, by int) {
	for y := r.Min.Y; y+by < r.Max.Y; y++ {
		copy(f.Pix[(y*f.W+r.Min.X)*4:(y*f.W+r.Max.X)*4], f.Pix[((y+by)*f.W+r.Min.X)*4:((y+by)*f.W+r.Max.X)*4])
	}
}

func scrollDown(f *video.Frame, r image.Rectangle, by int) {
	for y := r.Max.Y - 1; y-by >= r.Min.Y; y-- {
		copy(f.Pix[(y*f.W+r.Min.X)*4:(y*f.W+r.Max.X)*4], f.Pix[((y-by)*f.W+r.Min.X)*4:((y-by)*f.W+r.Max.X)*4])
	}
}

func pair(t testing.TB) (*tile.Encoder, *tile.Decoder) {
	t.Helper()
	e, d, done := open(t)
	t.Cleanup(done)
	return e, d
}

func randomRect(rng *rand.Rand, b image.Rectangle) image.Rectangle {
	x, y := rng.IntN(b.Dx()), rng.IntN(b.Dy())
	return image.Rect(x, y, x+1+rng.IntN(b.Dx()-x), y+1+rng.IntN(b.Dy()-y))
}

// Whatever happens to the picture, the decoder's equals it after every frame,
// and every pixel that changed is reported.
func TestBitExact(t *testing.T) {
	for _, size := range []image.Point{{X: 1, Y: 1}, {X: 3, Y: 70}, {X: 65, Y: 17}, {X: 333, Y: 277}, {X: 640, Y: 480}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(size.X), uint64(size.Y)))
			e, d := pair(t)
			f := video.NewFrame(size.X, size.Y)
			text(rng, f, f.Bounds())
			var coded []byte
			for i := range 120 {
				var damage []image.Rectangle
				for range rng.IntN(3) {
					r := randomRect(rng, f.Bounds())
					switch rng.IntN(4) {
					case 0:
						scrollUp(f, r, 1+rng.IntN(r.Dy()))
					case 1:
						scrollDown(f, r, 1+rng.IntN(r.Dy()))
					default:
						text(rng, f, r)
					}
					damage = append(damage, r)
				}
				if i == 60 {
					f = video.NewFrame(size.X+5, size.Y+9)
					text(rng, f, f.Bounds())
				}
				f.Gen = uint32(i / 10)
				if len(damage) == 0 {
					damage = []image.Rectangle{}
				}
				before := []byte(nil)
				if p := d.Picture(); p != nil && p.W == f.W && p.H == f.H {
					before = bytes.Clone(p.Pix)
				}
				var ok bool
				var err error
				coded, ok, err = e.Encode(coded[:0], f, damage, i == 90)
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					continue
				}
				dirty, err := d.Decode(coded)
				if err != nil {
					t.Fatal(i, err)
				}
				p := d.Picture()
				if p.Gen != f.Gen || !bytes.Equal(p.Pix, f.Pix) {
					t.Fatalf("frame %d: the picture differs", i)
				}
				if before != nil {
					checkDirty(t, before, p, dirty)
				}
			}
		})
	}
}

func checkDirty(t *testing.T, before []byte, p *video.Frame, dirty []image.Rectangle) {
	t.Helper()
	for i := 0; i < len(before); i += 4 {
		if bytes.Equal(before[i:i+4], p.Pix[i:i+4]) {
			continue
		}
		at := image.Pt(i/4%p.W, i/4/p.W)
		in := false
		for _, r := range dirty {
			in = in || at.In(r)
		}
		if !in {
			t.Fatalf("pixel %v changed and was not reported", at)
		}
	}
}

func TestNothingChanged(t *testing.T) {
	e, _ := pair(t)
	f := video.NewFrame(100, 100)
	if _, ok, _ := e.Encode(nil, f, nil, false); !ok {
		t.Fatal("the first frame must be coded")
	}
	if b, ok, _ := e.Encode(nil, f, nil, false); ok || len(b) != 0 {
		t.Fatal("an unchanged picture must cost nothing")
	}
}

func TestMissingFrame(t *testing.T) {
	e, d := pair(t)
	rng := rand.New(rand.NewPCG(1, 2))
	f := video.NewFrame(200, 200)
	enc := func(refresh bool) []byte {
		text(rng, f, image.Rect(10, 10, 60, 60))
		b, _, err := e.Encode(nil, f, nil, refresh)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first, _, third := enc(false), enc(false), enc(false)
	if _, err := d.Decode(third); !errors.Is(err, tile.ErrNeedRefresh) {
		t.Fatal("before any refresh:", err)
	}
	if _, err := d.Decode(first); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Decode(third); !errors.Is(err, tile.ErrNeedRefresh) {
		t.Fatal("after a gap:", err)
	}
	if _, err := d.Decode(enc(false)); !errors.Is(err, tile.ErrNeedRefresh) {
		t.Fatal("until a refresh:", err)
	}
	if _, err := d.Decode(enc(true)); err != nil || !bytes.Equal(d.Picture().Pix, opaque(f)) {
		t.Fatal("the refresh must repair it:", err)
	}
}

func opaque(f *video.Frame) []byte {
	p := bytes.Clone(f.Pix)
	for i := 3; i < len(p); i += 4 {
		p[i] = 255
	}
	return p
}

// Scrolling must be told as copies, not as pixels.
func TestScrollIsCheap(t *testing.T) {
	e, d := pair(t)
	rng := rand.New(rand.NewPCG(3, 4))
	f := video.NewFrame(800, 600)
	text(rng, f, f.Bounds())
	whole, _, _ := e.Encode(nil, f, nil, false)
	if _, err := d.Decode(whole); err != nil {
		t.Fatal(err)
	}
	r := image.Rect(0, 20, 800, 600)
	scrollUp(f, r, 16)
	text(rng, f, image.Rect(0, 584, 800, 600))
	b, _, _ := e.Encode(nil, f, []image.Rectangle{r}, false)
	if _, err := d.Decode(b); err != nil || !bytes.Equal(d.Picture().Pix, f.Pix) {
		t.Fatal("not exact", err)
	}
	if len(b) > len(whole)/10 {
		t.Errorf("scrolling took %d bytes, the whole picture %d", len(b), len(whole))
	}
}

func FuzzDecode(f *testing.F) {
	e, _ := pair(f)
	rng := rand.New(rand.NewPCG(5, 6))
	pic := video.NewFrame(90, 70)
	text(rng, pic, pic.Bounds())
	first, _, _ := e.Encode(nil, pic, nil, true)
	scrollUp(pic, pic.Bounds(), 5)
	e.Check()
	second, _, _ := e.Encode(nil, pic, nil, false)
	f.Add(first, second)
	f.Add(second, first)
	noisy := video.NewFrame(pic.W, pic.H)
	for i := range noisy.Pix {
		noisy.Pix[i] = byte(rng.Uint32()) | byte(i%4/3*255)
	}
	third, _, _ := e.Encode(nil, noisy, nil, false) // predicted
	f.Add(third, second)
	e.Check()
	dim(noisy, noisy, 9)
	fourth, _, _ := e.Encode(nil, noisy, nil, false) // a checksum
	f.Add(third, fourth)
	for n, other := range []*video.Frame{world(rng, pic.W, pic.H), noisy, world(rng, 2*pic.W, pic.H+9), noisy} { // slots
		b, _, _ := e.Encode(nil, other, nil, n == 0)
		f.Add(b, fourth)
	}
	// A decoder is dear to make. A refresh, and the frame after it, bring this
	// one into the same state whatever it was given before.
	_, d := pair(f)
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, x := range [][]byte{first, second} {
			if _, err := d.Decode(x); err != nil {
				t.Fatal("an honest frame after a hostile one:", err)
			}
		}
		if !bytes.Equal(d.Picture().Pix, opaque(pic)) {
			t.Fatal("an honest picture after a hostile one is wrong")
		}
		// A header may claim a large picture; the pixels must be sent for it.
		for _, x := range [][]byte{a, b, a} {
			if len(x) > 10 && (int(x[6])<<8|int(x[7]))*(int(x[8])<<8|int(x[9])) > 1<<20 {
				continue // slow to allocate again and again; bounded by video.MaxPixels
			}
			dirty, err := d.Decode(x)
			if err != nil {
				continue
			}
			for _, r := range dirty {
				if !r.In(d.Picture().Bounds()) {
					t.Fatal("a dirty rectangle is outside")
				}
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	for _, size := range []image.Point{{X: 1280, Y: 800}, {X: 1920, Y: 1080}} {
		for _, scene := range []string{"typing", "scroll"} {
			b.Run(fmt.Sprintf("%s/%dx%d", scene, size.X, size.Y), func(b *testing.B) {
				e, d := pair(b)
				rng := rand.New(rand.NewPCG(7, 8))
				f := video.NewFrame(size.X, size.Y)
				text(rng, f, f.Bounds())
				coded, _, _ := e.Encode(nil, f, nil, false)
				if _, err := d.Decode(coded); err != nil {
					b.Fatal(err)
				}
				total, i := 0, 0
				for b.Loop() {
					i++
					r := image.Rect(8*(i%100), 160, 8*(i%100)+8, 176)
					if scene == "scroll" {
						scrollUp(f, f.Bounds(), 16)
						r = image.Rect(0, f.H-16, f.W, f.H)
					}
					text(rng, f, r)
					if scene == "scroll" {
						r = f.Bounds()
					}
					coded, _, _ = e.Encode(coded[:0], f, []image.Rectangle{r}, false)
					total += len(coded)
				}
				b.ReportMetric(float64(total)/float64(b.N), "bytes/frame")
			})
		}
	}
}
