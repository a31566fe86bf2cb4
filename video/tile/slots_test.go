package tile_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
	"time"

	"viewflip.app/video"
	"viewflip.app/video/tile"
)

// desktop paints what the window of a program shows: tabs with pages of text, menus
// and dialogs over them, which may stick out of the window.
type desktop struct {
	size  image.Point
	tabs  []*page
	pages map[[3]int]*video.Frame // by tab, first line and height
}

func newDesktop(tb testing.TB, size image.Point) *desktop {
	tb.Helper()
	d := &desktop{size: size, pages: map[[3]int]*video.Frame{}}
	for i := range 4 {
		p := newPage(tb, i == 1)
		p.dense, p.dark, p.numbered = i%2 == 0, i == 2, i == 3
		p.period = []int{0, 0, 0, 24}[i]
		d.tabs = append(d.tabs, p)
	}
	return d
}

// show is tab, beginning with line, under a bar of tabs.
func (d *desktop) show(tab, line int) *video.Frame {
	key := [3]int{tab, line, d.size.Y}
	f := d.pages[key]
	if f == nil {
		f = video.NewFrame(d.size.X, d.size.Y)
		paint(f, image.Rect(0, 0, f.W, 24), color.RGBA{70, 80, 110, 255})
		paint(f, image.Rect(tab*90, 4, tab*90+80, 24), d.tabs[tab].back())
		paint(f, image.Rect(0, 24, f.W, f.H), d.tabs[tab].back())
		d.tabs[tab].lines(f, image.Rect(0, 24, f.W, f.H), 1000*tab+line)
		d.pages[key] = f
	}
	c := video.NewFrame(f.W, f.H)
	copy(c.Pix, f.Pix)
	return c
}

// over paints a menu or dialog over f, which grows where that does not fit in.
func (d *desktop) over(f *video.Frame, r image.Rectangle, tab int) *video.Frame {
	if !r.In(f.Bounds()) {
		g := video.NewFrame(max(f.W, r.Max.X), max(f.H, r.Max.Y))
		paint(g, g.Bounds(), color.RGBA{0, 0, 0, 255})
		show(g, f, f.Bounds(), image.Point{})
		f = g
	}
	paint(f, r, color.RGBA{90, 90, 90, 255})
	in := r.Inset(1)
	paint(f, in, d.tabs[tab].back())
	d.tabs[tab].lines(f, in, 500*tab)
	return f
}

// What was seen before costs little to show again: at most 3 kB, whatever it is.
func TestSeenBeforeIsCheap(t *testing.T) {
	d := newDesktop(t, image.Pt(1280, 800))
	menu, dialog := image.Rect(37, 24, 260, 330), image.Rect(300, 200, 911, 603)
	below := image.Rect(700, 500, 931, 900)
	for _, s := range []struct {
		name  string
		step  func(n int) *video.Frame
		fresh int // steps that show something new
	}{
		{"tabs", func(n int) *video.Frame { return d.show(n%2*2, 0) }, 2},
		{"four tabs", func(n int) *video.Frame { return d.show(n%4, 0) }, 4},
		{"pages of one text", func(n int) *video.Frame { return d.show(0, n%3*48) }, 3},
		{"pages of text that repeats", func(n int) *video.Frame { return d.show(3, n%3*48) }, 3},
		{"menu", func(n int) *video.Frame {
			f := d.show(0, 0)
			if n%2 == 1 {
				f = d.over(f, menu, 1)
			}
			return f
		}, 2},
		{"menus", func(n int) *video.Frame {
			f := d.show(0, 0)
			if n%4 > 0 {
				f = d.over(f, menu.Add(image.Pt(n%4*71, 0)), n%4)
			}
			return f
		}, 4},
		{"dialog", func(n int) *video.Frame {
			f := d.show(1, 0)
			if n%2 == 1 {
				f = d.over(f, dialog, 2)
			}
			return f
		}, 2},
		{"menu out of the window", func(n int) *video.Frame {
			f := d.show(0, 0)
			if n%2 == 1 {
				f = d.over(f, below, 1)
			}
			return f
		}, 2},
		{"tabs with a caret", func(n int) *video.Frame {
			f := d.show(n/2%2, 0)
			if n%2 == 0 {
				paint(f, image.Rect(300, 402, 302, 416), color.RGBA{40, 40, 60, 255})
			}
			return f
		}, 4},
		{"minimise and restore", func(n int) *video.Frame { return d.show(0, 0) }, 1},
	} {
		t.Run(s.name, func(t *testing.T) {
			e, dec := pair(t)
			for n := range 4 * s.fresh {
				size := recode(t, e, dec, s.step(n))
				if n >= s.fresh && size > 3000 {
					t.Errorf("step %d: %d bytes", n, size)
				}
			}
		})
	}
}

// openAt is open with a clock that goes on by step with every picture.
func openAt(tb testing.TB, step time.Duration) (*tile.Encoder, *tile.Decoder, func()) {
	tb.Helper()
	now := time.Now()
	e, err := tile.NewEncoder(tile.Options{Now: func() time.Time { now = now.Add(step); return now }})
	if err != nil {
		tb.Fatal(err)
	}
	d, err := tile.NewDecoder(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return e, d, func() { e.Close(); d.Close() }
}

// walk drives an encoder and a decoder through scrolling, tabs, menus, other sizes,
// loss and refreshes, as the numbers of next say, and compares every pixel after every
// step.
func walk(tb testing.TB, d *desktop, e *tile.Encoder, dec *tile.Decoder, steps int, next func(n int) int) (pulls int) {
	tb.Helper()
	size := d.size
	tab, line, menu := 0, 0, 0
	lost := false
	for range steps {
		refresh, drop := lost, false
		switch next(12) {
		case 0, 1, 2:
			tab = next(len(d.tabs))
		case 3, 4:
			line = max(0, line+next(9)-4)
		case 5:
			line = next(3) * 40
		case 6, 7:
			menu = next(5)
		case 8:
			menu = 0
		case 9:
			d.size = size.Add(image.Pt(next(3)*24, next(3)*37))
		case 10:
			drop = true
		case 11:
			refresh = refresh || next(3) == 0
		}
		f := d.show(tab, line)
		if menu > 0 {
			at := image.Pt(menu*31, menu*47)
			f = d.over(f, image.Rectangle{Min: at, Max: at.Add(image.Pt(150, 220))}, menu%len(d.tabs))
		}
		b, ok, err := e.Encode(nil, f, nil, refresh)
		if err != nil {
			tb.Fatal(err)
		}
		if !ok {
			continue
		}
		if b[1]&32 != 0 {
			pulls++
		}
		if drop && !refresh {
			lost = true
			continue
		}
		before := video.NewFrame(1, 1)
		if p := dec.Picture(); p != nil {
			before = video.NewFrame(p.W, p.H)
			copy(before.Pix, p.Pix)
		}
		dirty, err := dec.Decode(b)
		if lost && !refresh {
			if !errors.Is(err, tile.ErrNeedRefresh) {
				tb.Fatal("after a loss:", err)
			}
			continue
		}
		if err != nil {
			tb.Fatal(err)
		}
		lost = false
		p := dec.Picture()
		if p.W != f.W || p.H != f.H || !bytes.Equal(p.Pix, f.Pix) {
			tb.Fatal("the picture differs")
		}
		if before.W == p.W && before.H == p.H {
			checkDirtyRows(tb, before, p, dirty)
		}
		if n := dec.Slots(nil); n > tile.MaxSlotPixels || refresh && n > 0 {
			tb.Fatalf("%d pixels in slots", n)
		}
	}
	d.size = size
	return pulls
}

// checkDirtyRows checks that whatever changed is reported.
func checkDirtyRows(tb testing.TB, before, p *video.Frame, dirty []image.Rectangle) {
	tb.Helper()
	for _, r := range dirty {
		video.CopyRect(before, p, r)
	}
	if !bytes.Equal(before.Pix, p.Pix) {
		tb.Fatal("something changed and was not reported")
	}
}

// Whatever comes and goes, in whatever order, with losses and refreshes, the picture
// is exact after every frame that arrives.
func TestSlotsAreExact(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 31))
		d := newDesktop(t, image.Pt(400+int(seed)*13, 333))
		e, dec, done := openAt(t, time.Duration(seed)*800*time.Millisecond)
		if pulls := walk(t, d, e, dec, 150, rng.IntN); pulls == 0 {
			t.Error("no slot was of use")
		}
		done()
	}
}

func FuzzSlots(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x00\x00\x01\x06\x01\x08\x06\x01"))
	f.Add([]byte("\x00\x01\x0a\x00\x00\x0b\x00\x00\x01\x09\x01\x01\x00\x00"))
	f.Add([]byte("\x03\x08\x00\x02\x03\x00\x00\x00\x05\x01\x05\x00\x05\x01"))
	d := newDesktop(f, image.Pt(330, 301))
	// Refreshes that follow pulls at once would make the encoder do without slots.
	e, dec, done := openAt(f, 3*time.Second)
	f.Cleanup(done)
	f.Fuzz(func(t *testing.T, b []byte) {
		// A coder is dear to make; a refresh brings it into the state of a new one.
		first, _, err := e.Encode(nil, d.show(0, 0), nil, true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dec.Decode(first); err != nil {
			t.Fatal(err)
		}
		steps := min(len(b), 40)
		walk(t, d, e, dec, steps, func(n int) int {
			if len(b) == 0 {
				return 0
			}
			v := int(b[0]) % n
			b = b[1:]
			return v
		})
	})
}

// However many pictures there are, both ends hold no more than the budget, and
// encoders that share room hold no more than that together.
func TestSlotsAreBounded(t *testing.T) {
	d := newDesktop(t, image.Pt(1280, 800))
	const whole = 1280 * 800
	e, dec := pair(t)
	for n := range 30 {
		recode(t, e, dec, d.show(n%4, n*50))
		if got := dec.Slots(nil); got > tile.MaxSlotPixels {
			t.Fatalf("%d pixels in slots after picture %d", got, n)
		}
	}
	if got := dec.Slots(nil); got < 4*whole {
		t.Errorf("only %d pixels in slots", got)
	}
	dec.Forget()
	if got := dec.Slots(nil); got != 0 {
		t.Errorf("%d pixels in slots that were forgotten", got)
	}
	room := tile.NewRoom(3 * whole)
	var encoders []*tile.Encoder
	for range 2 {
		e, err := tile.NewEncoder(tile.Options{Room: room})
		if err != nil {
			t.Fatal(err)
		}
		encoders = append(encoders, e)
	}
	_, d1, done1 := open(t)
	defer done1()
	_, d2, done2 := open(t)
	defer done2()
	for n := range 8 {
		recode(t, encoders[0], d1, d.show(n%4, n/4*50))
		recode(t, encoders[1], d2, d.show(n%4, n/4*50))
		if got := d1.Slots(nil) + d2.Slots(nil); got > 3*whole {
			t.Fatalf("%d pixels in slots of both", got)
		}
	}
	if d1.Slots(nil) == 0 || d1.Slots(nil)+d2.Slots(nil) < 2*whole {
		t.Error("the room is not used")
	}
	encoders[0].Close()
	for n := range 4 {
		recode(t, encoders[1], d2, d.show(n, 100))
	}
	if got := d2.Slots(nil); got < 2*whole {
		t.Errorf("only %d pixels in slots after the other one gave its room back", got)
	}
	encoders[1].Close()
}

// A viewer without room for slots asks for refreshes, and soon needs none any more.
func TestForgetful(t *testing.T) {
	d := newDesktop(t, image.Pt(640, 480))
	now := time.Now()
	e, err := tile.NewEncoder(tile.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	_, dec := pair(t)
	refreshes, refresh := 0, false
	for n := range 40 {
		now = now.Add(time.Second / 2)
		f := d.show(n%2, 0)
		b, ok, err := e.Encode(nil, f, nil, refresh)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		_, err = dec.Decode(b)
		dec.Forget()
		if refresh = err != nil; refresh {
			refreshes++
		} else if !bytes.Equal(dec.Picture().Pix, f.Pix) {
			t.Fatal("the picture differs")
		}
	}
	if refreshes == 0 || refreshes > 6 {
		t.Errorf("%d refreshes", refreshes)
	}
}

// A frame can name no slot that is empty, no pixels outside of one, and no more than
// the budget; after each of that an honest refresh repairs the picture.
func TestHostileSlots(t *testing.T) {
	e, d := pair(t)
	desk := newDesktop(t, image.Pt(320, 200))
	code := func(tab int, refresh bool) []byte {
		b, ok, err := e.Encode(nil, desk.show(tab, 0), nil, refresh)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		return b
	}
	first, second, third := code(0, true), code(1, false), code(0, false)
	if second[1]&32 == 0 || third[1]&32 == 0 {
		t.Fatal("slots are not used")
	}
	// Offsets of what is said of slots: emptied, keep, its rectangle, pulls, the
	// first pull.
	const emptied, keep, rect, pulls, pull = 20, 28, 29, 37, 39
	be := binary.BigEndian
	slot := third[pull]
	for name, change := range map[string]func(b []byte){
		"a slot that is empty":            func(b []byte) { b[pull] = slot + 9 },
		"a slot that was emptied":         func(b []byte) { b[emptied+7] = 1 << (slot - 1) },
		"slot 0":                          func(b []byte) { b[pull] = 0 },
		"slot 65":                         func(b []byte) { b[pull] = 65 },
		"pixels to the right of a slot":   func(b []byte) { be.PutUint16(b[pull+9:], 320) },
		"pixels below a slot":             func(b []byte) { be.PutUint16(b[pull+11:], 200) },
		"a pull outside of the picture":   func(b []byte) { be.PutUint16(b[pull+1:], 319) },
		"an empty pull":                   func(b []byte) { be.PutUint16(b[pull+5:], 0) },
		"more pulls than there are":       func(b []byte) { be.PutUint16(b[pulls:], 60000) },
		"nothing kept, and where":         func(b []byte) { b[keep] = 0; be.PutUint16(b[rect+4:], 9) },
		"nothing, and kept":               func(b []byte) { b[keep] = 9; clear(b[rect : rect+8]) },
		"keep slot 65":                    func(b []byte) { b[keep] = 65 },
		"keep what is not in the picture": func(b []byte) { b[keep] = 9; copy(b[rect:], []byte{0, 0, 0, 0, 1, 65, 0, 200}) },
		"slots in a refresh":              func(b []byte) { b[1] |= 1 },
	} {
		t.Run(name, func(t *testing.T) {
			for _, b := range [][]byte{first, second} {
				if _, err := d.Decode(b); err != nil {
					t.Fatal(err)
				}
			}
			was := bytes.Clone(d.Picture().Pix)
			slots := d.Slots(nil)
			b := bytes.Clone(third)
			change(b)
			if _, err := d.Decode(b); !errors.Is(err, tile.ErrCorrupt) {
				t.Fatal("it was taken:", err)
			}
			if !bytes.Equal(d.Picture().Pix, was) || d.Slots(nil) != slots {
				t.Error("it changed something")
			}
			if _, err := d.Decode(third); !errors.Is(err, tile.ErrNeedRefresh) {
				t.Error("what follows was taken:", err)
			}
		})
	}
}

// No frames make a decoder hold more than the budget in slots.
func TestHostileSlotsBudget(t *testing.T) {
	e, d := pair(t)
	f := video.NewFrame(2048, 1024) // a sixth of the budget
	b, _, err := e.Encode(nil, f, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Decode(b); err != nil {
		t.Fatal(err)
	}
	be := binary.BigEndian
	for n := 1; ; n++ {
		x := []byte{b[0], 32}
		x = be.AppendUint32(x, be.Uint32(b[2:])+uint32(n))
		x = append(append(x, b[6:14]...), 0, 0, 0, 0, 0, 0) // no copies, no rectangles
		x = append(be.AppendUint64(x, 0), byte(n), 0, 0, 0, 0, 8, 0, 4, 0, 0, 0)
		if got, want := d.Slots(x), n*2048*1024; got != want {
			t.Fatalf("%d pixels announced, %d wanted", got, want)
		}
		_, err := d.Decode(x)
		if n <= 6 && err != nil {
			t.Fatal(n, err)
		}
		if n == 7 {
			if !errors.Is(err, tile.ErrCorrupt) || d.Slots(nil) != 6*2048*1024 {
				t.Errorf("slot %d was taken: %v, %d pixels", n, err, d.Slots(nil))
			}
			return
		}
	}
}

func BenchmarkSeenBefore(b *testing.B) {
	for _, size := range []image.Point{{X: 1280, Y: 800}, {X: 1920, Y: 1080}} {
		d := newDesktop(b, size)
		menu := image.Rect(37, 24, 260, 330)
		for _, s := range []struct {
			name string
			step func(n int) *video.Frame
		}{
			{"tabs", func(n int) *video.Frame { return d.show(n%2*2, 0) }},
			{"pages", func(n int) *video.Frame { return d.show(0, n%3*48) }},
			{"menu", func(n int) *video.Frame {
				f := d.show(0, 0)
				if n%2 == 1 {
					f = d.over(f, menu, 1)
				}
				return f
			}},
			{"dialog", func(n int) *video.Frame {
				f := d.show(1, 0)
				if n%2 == 1 {
					f = d.over(f, image.Rect(300, 200, 911, 603), 2)
				}
				return f
			}},
			{"menu out of the window", func(n int) *video.Frame {
				f := d.show(0, 0)
				if n%2 == 1 {
					f = d.over(f, image.Rect(700, size.Y-300, 931, size.Y+100), 1)
				}
				return f
			}},
		} {
			b.Run(fmt.Sprintf("%s/%dx%d", s.name, size.X, size.Y), func(b *testing.B) {
				e, dec := pair(b)
				n := 0
				for ; n < 6; n++ {
					recode(b, e, dec, s.step(n))
				}
				var coded []byte
				total := 0
				for b.Loop() {
					b.StopTimer()
					f := s.step(n)
					n++
					b.StartTimer()
					var err error
					if coded, _, err = e.Encode(coded[:0], f, nil, false); err != nil {
						b.Fatal(err)
					}
					total += len(coded)
				}
				b.ReportMetric(float64(total)/float64(b.N), "bytes/step")
				b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/step")
			})
		}
	}
}
