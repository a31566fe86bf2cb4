package video_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"math/rand/v2"
	"slices"
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
			if q := psnr(p, s.Frame); q < 24 {
				t.Fatalf("%.1f dB", q)
			}
			return true
		}
		for i := range 240 {
			c.now = c.now.Add(time.Duration(20+rng.IntN(25)) * time.Millisecond)
			damage := s.film(at, i)
			if i%40 == 20 { // no link, a slow one, a fast one
				e.Pace([]float64{0, 100e3, 1e6, 50e6}[rng.IntN(4)], 12<<10)
			}
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
			case what == 20: // what is owed has no tones: it is not known
				damage = s.invert()
			case what == 19:
				c.now = c.now.Add(time.Second)
			default:
			}
			step(damage)
		}
		if lossy < 50 {
			t.Errorf("seed %d: only %d of 240 pictures had video in them", seed, lossy)
		}
		e.Pace(20e6, 400<<10)
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
	var before *video.Frame // the last one without loss
	for i := range 90 {
		c.now = c.now.Add(time.Second / 30)
		damage := append(s.film(at, i), s.typing()...)
		if i == 50 { // what the viewer had once is new to them
			for y := at.Min.Y; y < at.Max.Y; y++ {
				a, b := (y*s.W+at.Min.X)*4, (y*s.W+at.Max.X)*4
				copy(s.Pix[a:b], before.Pix[a:b])
			}
		}
		n := frame(damage)
		if d.Exact() {
			before = clone(s.Frame)
		}
		if q := psnr(d.Picture(), s.Frame); q < 30 {
			t.Errorf("picture %d: %.1f dB", i, q)
		}
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

// photo paints a picture as cameras see it, with noise in every colour.
func (s *screen) photo(r image.Rectangle, n int) []image.Rectangle {
	s.film(r, n)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			p := s.Pix[(y*s.W+x)*4:]
			p[0], p[1], p[2] = p[0]^byte(s.rng.IntN(8)), p[1]^byte(s.rng.IntN(8)), p[2]^byte(s.rng.IntN(8))
		}
	}
	return []image.Rectangle{r}
}

// On a slow link a photograph comes with loss first, by itself and in a
// refresh; text beside it is exact at once. On a fast link all of it is.
func TestPhotographOnSlowLink(t *testing.T) {
	for _, refresh := range []bool{false, true} {
		c := &clock{time.Now()}
		e, d := mixed(t, c)
		s := newScreen(t, 1000, 500)
		frame := func(damage []image.Rectangle, refresh bool) int {
			t.Helper()
			c.now = c.now.Add(time.Second / 30)
			coded, _, err := e.Encode(nil, s.Frame, damage, refresh)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Decode(coded); err != nil {
				t.Fatal(err)
			}
			return len(coded)
		}
		frame(nil, false)
		e.Pace(20e6, 400<<10)
		at := image.Rect(100, 100, 700, 400)
		exact := frame(s.photo(at, 1), false)
		if !d.Exact() {
			t.Error("on a fast link there is loss")
		}
		const rate, window = 300e3, 12 << 10
		e.Pace(rate, window)
		damage := s.change()
		s.photo(at, 30)
		first := frame(damage, refresh)
		if d.Exact() || first > exact/3 || psnr(d.Picture(), s.Frame) < 30 {
			t.Errorf("refresh %v: first %d bytes, without loss %d; exact %v, %.1f dB", refresh, first, exact, d.Exact(), psnr(d.Picture(), s.Frame))
		}
		text := image.Rect(720, 0, 1000, 500)
		for y := range s.H {
			a, b := (y*s.W+text.Min.X)*4, (y*s.W+text.Max.X)*4
			if !bytes.Equal(s.Pix[a:b], d.Picture().Pix[a:b]) {
				t.Fatal("the text is not exact")
			}
		}
		for range 1000 {
			due, ok := e.Due()
			if !ok {
				break
			}
			if due.After(c.now) {
				c.now = due
			}
			coded, ok, err := e.Encode(nil, s.Frame, []image.Rectangle{}, false)
			if err != nil {
				t.Fatal(err)
			}
			if len(coded) > 6*window {
				t.Errorf("paid in pieces of %d bytes", len(coded))
			}
			if _, err = d.Decode(coded); ok && err != nil {
				t.Fatal(err)
			}
		}
		if !d.Exact() || !bytes.Equal(d.Picture().Pix, s.Pix) {
			t.Error("it was not paid back")
		}
	}
}

// A link on which a video without loss shows three pictures a second does not
// keep it from being found; and a region becomes coarser where it is too much.
func TestRegionOnSlowLink(t *testing.T) {
	c := &clock{time.Now()}
	e, d := mixed(t, c)
	s := newScreen(t, 1000, 500)
	at := image.Rect(0, 40, 640, 440)
	rate := 500e3
	e.Pace(rate, 12<<10)
	sizes := make([]int, 0, 300)
	for i := range 300 {
		coded, ok, err := e.Encode(nil, s.Frame, s.film(at, i), false)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if _, err := d.Decode(coded); err != nil {
			t.Fatal(err)
		}
		if i == 150 {
			rate = 100e3
			e.Pace(rate, 12<<10)
		}
		sizes = append(sizes, len(coded))
		c.now = c.now.Add(max(time.Second/30, time.Duration(float64(len(coded))/rate*1e9)))
	}
	sum := func(sizes []int) (n int) {
		for _, v := range sizes {
			n += v
		}
		return n
	}
	fine, coarse := sum(sizes[100:150]), sum(sizes[250:])
	if fine > 50*20000 || coarse > fine*3/4 {
		t.Errorf("50 pictures take %d bytes, and on a slower link %d", fine, coarse)
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

// videoFrames are a refresh, and the first frame with video and the next.
func videoFrames(t testing.TB) (frames [3][]byte, after *video.Frame) {
	t.Helper()
	c := &clock{time.Now()}
	e, d := mixed(t, c)
	s := newScreen(t, 192, 160)
	var last []byte
	for i := range 60 {
		b, ok, err := e.Encode(nil, s.Frame, s.film(s.Bounds(), i), i == 0)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if _, err := d.Decode(b); err != nil {
			t.Fatal(err)
		}
		if !d.Exact() {
			break
		}
		c.now = c.now.Add(time.Second / 30)
		last = b
	}
	if d.Exact() || last == nil {
		t.Fatal("no video began")
	}
	// Now a refresh, which has video in it, and two more.
	for i := range frames {
		c.now = c.now.Add(time.Second / 30)
		b, ok, err := e.Encode(nil, s.Frame, s.film(s.Bounds(), 61+i), i == 0)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if _, err := d.Decode(b); err != nil {
			t.Fatal(err)
		}
		frames[i] = b
	}
	return frames, clone(d.Picture())
}

// Whatever a peer says, libvpx is not given what does not fit, nothing breaks,
// and an honest refresh repairs everything.
func FuzzRegion(f *testing.F) {
	frames, after := videoFrames(f)
	_, d := mixed(f, &clock{})
	for i := range frames {
		f.Add(frames[i], frames[(i+1)%3])
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, x := range frames {
			if _, err := d.Decode(x); err != nil {
				t.Fatal("an honest frame after a hostile one:", err)
			}
		}
		if !bytes.Equal(d.Picture().Pix, after.Pix) {
			t.Fatal("an honest picture after a hostile one is wrong")
		}
		for _, x := range [][]byte{a, b, a} {
			if len(x) > 10 && (int(x[6])<<8|int(x[7]))*(int(x[8])<<8|int(x[9])) > 1<<20 {
				continue // slow to allocate again and again; bounded by video.MaxPixels
			}
			before := clone(d.Picture())
			if dirty, err := d.Decode(x); err == nil {
				checkDirty(t, before, d.Picture(), dirty)
			}
		}
	})
}

// A refresh stands alone: what it has of video needs nothing from before.
func TestRefreshWithoutKeyFrame(t *testing.T) {
	frames, _ := videoFrames(t)
	_, d := mixed(t, &clock{})
	if _, err := d.Decode(frames[0]); err != nil {
		t.Fatal(err)
	}
	// The refresh again, with the video of the frame that followed it.
	const size, paints, data = 20 + 8 + 10, 20 + 8 + 14, 20 + 8 + 14 + 8
	length := func(b []byte, at int) int { return int(binary.BigEndian.Uint32(b[at:])) }
	first, next := frames[0], frames[1]
	inter := next[data-8:] // it has no rectangles
	inter = inter[:length(next, size-8)]
	b := slices.Concat(first[:size], next[size-8:size-4], first[paints:data], inter, first[data+length(first, size):])
	if _, err := d.Decode(b); !errors.Is(err, tile.ErrCorrupt) {
		t.Error("it was taken:", err)
	}
	b = slices.Concat(first[:size], first[size:size+4], first[paints:data], first[data:])
	if _, err := d.Decode(b); err != nil {
		t.Error("this test cuts in the wrong place:", err)
	}
}

// A decoder takes only what its codec has, and nothing that does not fit.
func TestHostileVideo(t *testing.T) {
	frames, _ := videoFrames(t)
	first := frames[0]
	const region = 20 + 8 // offsets in a refresh: one rectangle
	lossless, err := tile.NewDecoder(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer lossless.Close()
	if _, err := lossless.Decode(first); !errors.Is(err, tile.ErrCorrupt) {
		t.Error("a decoder without video took it:", err)
	}
	for name, change := range map[string]func(b []byte){
		"region outside":     func(b []byte) { b[region], b[region+14] = 1, 1 },
		"region empty":       func(b []byte) { b[region+4], b[region+5] = 0, 0 },
		"other than in VP9":  func(b []byte) { b[region+5] -= 16; b[region+14+5] -= 16 },
		"paint outside":      func(b []byte) { b[region+14] = 1 },
		"paint empty":        func(b []byte) { b[region+14+4], b[region+14+5] = 0, 0 },
		"too many paints":    func(b []byte) { b[region+8] = 255 },
		"no paint":           func(b []byte) { b[region+9] = 0 },
		"more VP9 than sent": func(b []byte) { b[region+10] = 255 },
		"no VP9":             func(b []byte) { clear(b[region+10 : region+14]) },
		"another profile":    func(b []byte) { b[region+14+8] ^= 0x20 },
		"no key frame":       func(b []byte) { b[region+14+8] |= 0x04 },
		"unknown flag":       func(b []byte) { b[1] |= 8 },
	} {
		t.Run(name, func(t *testing.T) {
			_, d := mixed(t, &clock{})
			b := bytes.Clone(first)
			change(b)
			if _, err := d.Decode(b); !errors.Is(err, tile.ErrCorrupt) || d.Picture() != nil {
				t.Error("it was taken:", err)
			}
			if _, err := d.Decode(frames[1]); !errors.Is(err, tile.ErrNeedRefresh) {
				t.Error("what follows was taken:", err)
			}
			if _, err := d.Decode(first); err != nil {
				t.Error("a refresh did not repair it:", err)
			}
		})
	}
}
