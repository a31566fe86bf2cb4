package tile

import (
	"image"
	"runtime"
	"testing"

	"viewflip.app/video"
)

// allocated is how many bytes f allocates.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// What a frame makes the decoder allocate is bounded by its length and by what
// Need says of it before: the copies and rectangles that its bytes list, the
// picture, and twice the pixels that arrive.
func FuzzMemory(f *testing.F) {
	e, err := NewEncoder(Options{})
	if err != nil {
		f.Fatal(err)
	}
	pic := video.NewFrame(90, 70)
	for i := range pic.Pix {
		pic.Pix[i] = byte(i * i >> 4)
	}
	first, _, err := e.Encode(nil, pic, nil, true)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(first)
	wide := append([]byte{}, first...)
	wide[6], wide[7], wide[8], wide[9] = 4, 0, 2, 0 // and far fewer pixels than it announces
	f.Add(wide)
	pic.Pix[7]++
	second, _, err := e.Encode(nil, pic, nil, false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(second)
	black := video.NewFrame(1024, 512)
	small, _, err := e.Encode(nil, black, nil, true) // small on the way
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small)
	// Slots: one is filled, all of them are told to be, and one is used.
	slots := func(h header) []byte {
		h.counter, h.w, h.h = 2, pic.W, pic.H
		return appendHeader(nil, &h)
	}
	whole := pic.Bounds()
	f.Add(slots(header{keep: kept{1, whole}}))
	f.Add(slots(header{keep: kept{64, image.Rect(0, 0, 1, 70)}, emptied: 1<<64 - 1}))
	f.Add(slots(header{keep: kept{3, whole}, pulls: []pull{{3, image.Rect(0, 0, 40, 70), image.Pt(50, 0)}}}))
	f.Add(slots(header{pulls: []pull{{9, whole, image.Point{}}}}))
	grown := header{counter: 2, w: 700, h: 500, keep: kept{1, whole}}
	f.Add(appendHeader(nil, &grown))
	d, err := NewDecoder(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := d.Decode(first); err != nil {
			t.Fatal(err)
		}
		need, kept := 0, 0
		if n := allocated(func() { need, kept = d.Need(b), d.Slots(b) }); n > 64<<10 {
			t.Fatalf("%d bytes to look at a header", n)
		}
		if need > 1<<20 {
			return // a budget refuses it; slow to allocate again and again
		}
		n := allocated(func() { _, _ = d.Decode(b) })
		if most := 256<<10 + 64*len(b) + 16*need + 4*min(kept, MaxSlotPixels); n > most {
			t.Fatalf("%d bytes for %d, with %d pixels announced: more than %d", n, len(b), need, most)
		}
		if p := d.Picture(); p != nil && p.W*p.H > max(need, 90*70) {
			t.Fatalf("a picture of %dx%d, and %d pixels announced", p.W, p.H, need)
		}
		held := 0
		for _, s := range d.slots.pics {
			if s != nil {
				held += s.W * s.H
			}
		}
		if held != d.slots.pixels || held > max(0, min(kept, MaxSlotPixels)) {
			t.Fatalf("%d pixels in slots, %d counted, %d announced", held, d.slots.pixels, kept)
		}
	})
}
