package video_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"viewflip.app/video"
	"viewflip.app/video/tile"
	"viewflip.app/video/vpx"
)

type encoder interface {
	Encode(dst []byte, f *video.Frame, damage []image.Rectangle, refresh bool) ([]byte, bool, error)
	Close()
}

type decoder interface {
	Decode(b []byte) ([]image.Rectangle, error)
	Picture() *video.Frame
	Close()
}

// codec is one way to carry pictures. All of them keep the same promises.
type codec struct {
	name string
	// quality is the least PSNR of the picture, in dB; infinite when exact.
	quality float64
	encoder func() (encoder, error)
	decoder func() (decoder, error)
}

func codecs() []codec {
	vp9 := func() (decoder, error) { return vpx.NewDecoder() }
	return []codec{
		{
			"tile", math.Inf(1),
			func() (encoder, error) { return tile.NewEncoder(tile.Options{}) },
			func() (decoder, error) { return tile.NewDecoder(nil) },
		},
		// 4:2:0 cannot do better on coloured text, whatever the quantizer.
		{"vp9", 24, func() (encoder, error) { return vpx.NewEncoder(vpx.Options{Text: true}) }, vp9},
		{"vp9-444", 32, func() (encoder, error) { return vpx.NewEncoder(vpx.Options{Text: true, Profile444: true}) }, vp9},
	}
}

func (c codec) open(t testing.TB) (encoder, decoder) {
	t.Helper()
	e, err := c.encoder()
	if errors.Is(err, vpx.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.decoder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close(); d.Close() })
	return e, d
}

// psnr compares red, green and blue of two pictures.
func psnr(a, b *video.Frame) float64 {
	sum := 0.0
	for i := range a.Pix {
		if i%4 != 3 {
			d := float64(a.Pix[i]) - float64(b.Pix[i])
			sum += d * d
		}
	}
	return 10 * math.Log10(255*255*float64(a.W*a.H*3)/sum)
}

func checkDirty(t *testing.T, before, after *video.Frame, dirty []image.Rectangle) {
	t.Helper()
	covered := make([]bool, after.W*after.H)
	for _, r := range dirty {
		if r.Empty() || !r.In(after.Bounds()) {
			t.Fatalf("dirty rectangle %v is outside of %v", r, after.Bounds())
		}
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				covered[y*after.W+x] = true
			}
		}
	}
	if before == nil || before.W != after.W || before.H != after.H {
		if slices.Contains(covered, false) {
			t.Fatal("a new picture is not reported whole")
		}
		return
	}
	for i, in := range covered {
		if !in && !bytes.Equal(before.Pix[4*i:4*i+4], after.Pix[4*i:4*i+4]) {
			t.Fatalf("pixel %d,%d changed and was not reported", i%after.W, i/after.W)
		}
	}
}

func clone(f *video.Frame) *video.Frame {
	if f == nil {
		return nil
	}
	c := video.NewFrame(f.W, f.H)
	copy(c.Pix, f.Pix)
	return c
}

// Whatever happens to the source, every codec's picture is like it after every
// frame, opaque, and every pixel that changed is reported.
func TestCodecs(t *testing.T) {
	for _, c := range codecs() {
		t.Run(c.name, func(t *testing.T) {
			e, d := c.open(t)
			rng := rand.New(rand.NewPCG(1, 2))
			s := newScreen(t, 400, 300)
			var coded []byte
			for i := range 60 {
				damage, refresh := []image.Rectangle(nil), false
				switch what := rng.IntN(10); {
				case i == 20:
					s = newScreen(t, 333, 217)
				case i == 40:
					refresh = true
				case what < 5:
					damage = s.typing()
				case what < 8:
					damage = s.scroll()
				case what < 9:
					damage = append(s.typing(), s.Bounds()) // covers more than what changed
				default:
					damage = s.change()
				}
				before := clone(d.Picture())
				var ok bool
				var err error
				coded, ok, err = e.Encode(coded[:0], s.Frame, damage, refresh)
				if err != nil {
					t.Fatal(i, err)
				}
				if !ok {
					continue
				}
				dirty, err := d.Decode(coded)
				if err != nil {
					t.Fatal(i, err)
				}
				p := d.Picture()
				if p.W != s.W || p.H != s.H {
					t.Fatalf("frame %d: %dx%d pixels became %dx%d", i, s.W, s.H, p.W, p.H)
				}
				if q := psnr(p, s.Frame); q < c.quality {
					t.Fatalf("frame %d: %.1f dB, want %.1f", i, q, c.quality)
				}
				for j := 3; j < len(p.Pix); j += 4 {
					if p.Pix[j] != 255 {
						t.Fatalf("frame %d: alpha is %d", i, p.Pix[j])
					}
				}
				checkDirty(t, before, p, dirty)
			}
		})
	}
}

// Sizes that do not fit tiles, blocks or shared chroma.
func TestCodecSizes(t *testing.T) {
	for _, c := range codecs() {
		for _, size := range []image.Point{{X: 1, Y: 1}, {X: 1, Y: 40}, {X: 40, Y: 1}, {X: 2, Y: 3}, {X: 15, Y: 17}, {X: 65, Y: 33}, {X: 127, Y: 64}} {
			t.Run(fmt.Sprintf("%s/%dx%d", c.name, size.X, size.Y), func(t *testing.T) {
				e, d := c.open(t)
				f := video.NewFrame(size.X, size.Y)
				for i := range 4 {
					for j := range f.Pix { // flat, for lossy codecs
						f.Pix[j] = []byte{byte(40 * i), 90, byte(200 - 30*i), 255}[j%4]
					}
					b, ok, err := e.Encode(nil, f, nil, false)
					if err != nil || !ok {
						t.Fatal(ok, err)
					}
					if _, err := d.Decode(b); err != nil {
						t.Fatal(err)
					}
					if p := d.Picture(); p.W != f.W || p.H != f.H || psnr(p, f) < 36 {
						t.Fatalf("picture %d: %dx%d with %.1f dB", i, p.W, p.H, psnr(p, f))
					}
				}
			})
		}
	}
}

// What did not change costs nothing; bytes go behind what dst holds.
func TestCodecNothingChanged(t *testing.T) {
	for _, c := range codecs() {
		t.Run(c.name, func(t *testing.T) {
			e, d := c.open(t)
			s := newScreen(t, 200, 120)
			b, ok, err := e.Encode([]byte("before"), s.Frame, []image.Rectangle{}, false)
			if err != nil || !ok || !bytes.HasPrefix(b, []byte("before")) {
				t.Fatal("the first picture must be coded, behind what was there", ok, err)
			}
			if _, err := d.Decode(b[len("before"):]); err != nil {
				t.Fatal(err)
			}
			for _, damage := range [][]image.Rectangle{nil, {}, {s.Bounds()}, {image.Rect(-5, -5, 9000, 9000)}, {image.Rect(500, 500, 600, 600)}} {
				if b, ok, err := e.Encode([]byte("before"), s.Frame, damage, false); ok || err != nil || string(b) != "before" {
					t.Fatalf("unchanged, damage %v: %d bytes, %v", damage, len(b), err)
				}
			}
			if b, ok, err := e.Encode(nil, s.Frame, []image.Rectangle{}, true); !ok || err != nil || len(b) == 0 {
				t.Fatal("a refresh must be coded even if nothing changed", ok, err)
			}
		})
	}
}

// A refresh in the middle of a stream is decodable alone.
func TestCodecRefreshStandsAlone(t *testing.T) {
	for _, c := range codecs() {
		t.Run(c.name, func(t *testing.T) {
			e, _ := c.open(t)
			_, late := c.open(t)
			s := newScreen(t, 320, 300)
			for range 5 {
				if _, ok, err := e.Encode(nil, s.Frame, s.scroll(), false); !ok || err != nil {
					t.Fatal(ok, err)
				}
			}
			delta, _, err := e.Encode(nil, s.Frame, s.typing(), false)
			if err != nil {
				t.Fatal(err)
			}
			_, err = late.Decode(delta)
			if !errors.Is(err, tile.ErrNeedRefresh) && !errors.Is(err, vpx.ErrNeedRefresh) {
				t.Fatal("a delta without its refresh:", err)
			}
			b, _, err := e.Encode(nil, s.Frame, nil, true)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := late.Decode(b); err != nil || late.Picture() == nil || psnr(late.Picture(), s.Frame) < c.quality {
				t.Fatal("the refresh did not stand alone:", err)
			}
		})
	}
}

func TestCodecRefusesSizes(t *testing.T) {
	for _, c := range codecs() {
		t.Run(c.name, func(t *testing.T) {
			e, _ := c.open(t)
			for _, f := range []*video.Frame{video.NewFrame(0, 0), video.NewFrame(video.MaxSide+1, 1), {W: video.MaxSide, H: video.MaxSide}} {
				if b, ok, err := e.Encode(nil, f, nil, true); err == nil || ok || b != nil {
					t.Errorf("%dx%d pixels were coded", f.W, f.H)
				}
			}
		})
	}
}

type scene struct {
	name string
	step func(*screen) []image.Rectangle
}

func scenes() []scene {
	return []scene{{"typing", (*screen).typing}, {"scroll", (*screen).scroll}, {"switch", (*screen).change}}
}

// benchmark runs f for every codec, scene and size.
func benchmark(b *testing.B, f func(b *testing.B, c codec, s scene, size image.Point)) {
	b.Helper()
	for _, c := range codecs() {
		for _, s := range scenes() {
			for _, size := range []image.Point{{X: 1280, Y: 800}, {X: 1920, Y: 1080}} {
				b.Run(fmt.Sprintf("%s/%s/%dx%d", c.name, s.name, size.X, size.Y), func(b *testing.B) { f(b, c, s, size) })
			}
		}
	}
}

// meter collects what one frame took; making the scene is not counted, and so
// the time per operation that the testing package would print means nothing.
type meter struct {
	times []time.Duration
	bytes int
}

func (m *meter) add(began time.Time, size int) {
	m.times = append(m.times, time.Since(began))
	m.bytes += size
}

func (m *meter) report(b *testing.B) {
	b.Helper()
	slices.Sort(m.times)
	n := len(m.times)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(m.times[n/2])/1e6, "p50-ms")
	b.ReportMetric(float64(m.times[n*95/100])/1e6, "p95-ms")
	b.ReportMetric(float64(m.bytes)/float64(n), "bytes/frame")
}

func BenchmarkEncode(b *testing.B) {
	benchmark(b, func(b *testing.B, c codec, sc scene, size image.Point) {
		b.Helper()
		e, _ := c.open(b)
		s := newScreen(b, size.X, size.Y)
		coded, _, err := e.Encode(nil, s.Frame, nil, true)
		if err != nil {
			b.Fatal(err)
		}
		var m meter
		for b.Loop() {
			damage := sc.step(s)
			began := time.Now()
			if coded, _, err = e.Encode(coded[:0], s.Frame, damage, false); err != nil {
				b.Fatal(err)
			}
			m.add(began, len(coded))
		}
		m.report(b)
	})
}

func BenchmarkDecode(b *testing.B) {
	benchmark(b, func(b *testing.B, c codec, sc scene, size image.Point) {
		b.Helper()
		e, d := c.open(b)
		s := newScreen(b, size.X, size.Y)
		coded, _, err := e.Encode(nil, s.Frame, nil, true)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := d.Decode(coded); err != nil {
			b.Fatal(err)
		}
		var m meter
		for b.Loop() {
			var ok bool
			if coded, ok, err = e.Encode(coded[:0], s.Frame, sc.step(s), false); err != nil {
				b.Fatal(err)
			}
			if !ok {
				continue // the same letter in the same place
			}
			began := time.Now()
			if _, err := d.Decode(coded); err != nil {
				b.Fatal(err)
			}
			m.add(began, len(coded))
		}
		m.report(b)
	})
}
