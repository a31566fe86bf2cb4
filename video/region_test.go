package video_test

import (
	"bytes"
	"errors"
	"image"
	"math/rand/v2"
	"testing"
	"time"

	"viewflip.app/video"
	"viewflip.app/video/tile"
	"viewflip.app/video/vpx"
)

// clock is moved by hand.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// mixed is a pair of coders with video regions.
func mixed(t testing.TB, c *clock) (*tile.Encoder, *tile.Decoder) {
	t.Helper()
	r, err := vpx.NewRegionDecoder()
	if errors.Is(err, vpx.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := tile.NewDecoder(r)
	if err != nil {
		t.Fatal(err)
	}
	e, err := tile.NewEncoder(tile.Options{Region: region, Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close(); d.Close() })
	return e, d
}

func region(at image.Rectangle, quality int) (tile.RegionEncoder, error) {
	return vpx.NewRegionEncoder(at, quality)
}

// film paints picture n of a video into r: soft shapes that move, with grain.
func (s *screen) film(r image.Rectangle, n int) []image.Rectangle {
	r = r.Intersect(s.Bounds())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			dx, dy := (x+4*n)%720-360, y-200+2*n
			l := 128 + (dx*dx/700-dy*dy/500)%90 + s.rng.IntN(5)
			copy(s.Pix[(y*s.W+x)*4:], []byte{byte(l), byte(255 - l/2), byte(l/2 + x/12), 255})
		}
	}
	return []image.Rectangle{r}
}

// Whatever happens to the source, with a video in it: what is said to be exact
// is; what is owed is paid back soon after the video rests; every pixel that
// changed is reported; and a video is not sent without loss.
func TestRegionSettles(t *testing.T) {
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 7))
		c := &clock{time.Now()}
		e, d := mixed(t, c)
		s := newScreen(t, 640+int(seed)*7, 400+int(seed)*5)
		at := image.Rect(30, 50, 400, 330).Add(image.Pt(int(seed)*9, int(seed)*3))
		var coded []byte
		lossy, refresh, lost := 0, false, false
		step := func(damage []image.Rectangle) (ok bool) {
			t.Helper()
			before := clone(d.Picture())
			var err error
			if coded, ok, err = e.Encode(coded[:0], s.Frame, damage, refresh); err != nil {
				t.Fatal(err)
			}
			if !ok {
				return false
			}
			refresh = false
			if lost {
				lost = false // and the next one asks for a refresh
				return true
			}
			dirty, err := d.Decode(coded)
			if errors.Is(err, tile.ErrNeedRefresh) {
				refresh = true
				return true
			}
			if err != nil {
				t.Fatal(err)
			}
			p := d.Picture()
			checkDirty(t, before, p, dirty)
			if d.Exact() && !bytes.Equal(p.Pix, s.Pix) {
				t.Fatal("a picture that is said to be exact is not")
			}
			if !d.Exact() {
				lossy++
			}
			if q := psnr(p, s.Frame); q < 30 {
				t.Fatalf("%.1f dB", q)
			}
			return true
		}
		for i := range 240 {
			c.now = c.now.Add(time.Duration(20+rng.IntN(25)) * time.Millisecond)
			damage := s.film(at, i)
			switch what := rng.IntN(40); {
			case what < 8:
				damage = append(damage, s.typing()...)
			case what < 14:
				damage = append(damage, s.scroll()...) // through the video
			case what == 14:
				refresh = true
			case what == 15:
				lost = true
			case what == 16 && i > 60:
				s = newScreen(t, s.W+rng.IntN(40)-20, s.H+rng.IntN(40)-20)
				damage = nil
			case what == 17:
				at = at.Add(image.Pt(rng.IntN(40)-20, rng.IntN(40)-20))
			case what == 18:
				damage = s.change()
			case what == 19:
				c.now = c.now.Add(time.Second)
			default:
			}
			step(damage)
		}
		if lossy < 50 {
			t.Errorf("seed %d: only %d of 240 pictures had video in them", seed, lossy)
		}
		// Rest: the encoder says when it wants to be called.
		began := c.now
		for range 1000 {
			due, ok := e.Due()
			if !ok && !refresh {
				break
			}
			if due.After(c.now) {
				c.now = due
			}
			step([]image.Rectangle{})
		}
		if _, ok := e.Due(); ok || !d.Exact() || !bytes.Equal(d.Picture().Pix, s.Pix) {
			t.Fatalf("seed %d: not exact at rest", seed)
		}
		if took := c.now.Sub(began); took > 2*time.Second {
			t.Errorf("seed %d: exact and done after %v", seed, took)
		}
	}
}

// A video costs a fraction of what it does without loss, and text beside it
// stays exact. After its end it is paid back within half a second.
func TestRegionIsCheap(t *testing.T) {
	c := &clock{time.Now()}
	e, d := mixed(t, c)
	s := newScreen(t, 1000, 500)
	at := image.Rect(0, 40, 640, 440)
	text := image.Rect(672, 0, 1000, 500)
	var coded []byte
	frame := func(damage []image.Rectangle) int {
		t.Helper()
		var err error
		if coded, _, err = e.Encode(coded[:0], s.Frame, damage, false); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Decode(coded); err != nil {
			t.Fatal(err)
		}
		for y := range s.H {
			a, b := (y*s.W+text.Min.X)*4, (y*s.W+text.Max.X)*4
			if !bytes.Equal(s.Pix[a:b], d.Picture().Pix[a:b]) {
				t.Fatal("the text is not exact")
			}
		}
		return len(coded)
	}
	frame(nil)
	size := 0
	for i := range 90 {
		c.now = c.now.Add(time.Second / 30)
		n := frame(append(s.film(at, i), s.typing()...))
		if i >= 60 {
			size += n
		}
	}
	if size > 30*12000 || d.Exact() {
		t.Errorf("a second of video has %d bytes, exact %v", size, d.Exact())
	}
	rested := c.now
	for !d.Exact() {
		due, ok := e.Due()
		if !ok || due.Sub(rested) > 500*time.Millisecond {
			t.Fatal("it is not paid back in time")
		}
		c.now = due
		frame([]image.Rectangle{})
	}
	if !bytes.Equal(d.Picture().Pix, s.Pix) {
		t.Fatal("not exact at rest")
	}
}

// What moves but is text, and what is small, is never video.
func TestTextIsNoVideo(t *testing.T) {
	for name, step := range map[string]func(s *screen, n int) []image.Rectangle{
		"scroll": func(s *screen, _ int) []image.Rectangle { return s.scroll() },
		"switch": func(s *screen, _ int) []image.Rectangle { return s.change() },
		"small":  func(s *screen, n int) []image.Rectangle { return s.film(image.Rect(100, 100, 228, 200), n) },
		"slow": func(s *screen, n int) []image.Rectangle {
			if n%8 != 0 {
				return s.typing()
			}
			return s.film(image.Rect(0, 0, 500, 400), n)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := &clock{time.Now()}
			e, d := mixed(t, c)
			s := newScreen(t, 700, 500)
			for n := range 90 {
				c.now = c.now.Add(time.Second / 30)
				coded, ok, err := e.Encode(nil, s.Frame, step(s, n), false)
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					continue
				}
				if _, err := d.Decode(coded); err != nil {
					t.Fatal(err)
				}
				if !d.Exact() || !bytes.Equal(d.Picture().Pix, s.Pix) {
					t.Fatalf("picture %d is not exact", n)
				}
			}
		})
	}
}

func BenchmarkConvert(b *testing.B) {
	s := newScreen(b, 720, 400)
	s.film(s.Bounds(), 1)
	yuv := image.NewYCbCr(s.Bounds(), image.YCbCrSubsampleRatio444)
	b.Run("to-444", func(b *testing.B) {
		for b.Loop() {
			video.ToYUV(yuv, s.Frame, s.Bounds())
		}
	})
	b.Run("from-444", func(b *testing.B) {
		for b.Loop() {
			video.FromYUV(s.Frame, yuv, video.YUV{}, s.Bounds())
		}
	})
}
