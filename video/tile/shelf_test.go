package tile

import (
	"image"
	"math/rand/v2"
	"testing"
	"time"

	"viewflip.app/video"
)

// Where the shelf says that a slot has a tile of the picture, it has; and the counts of
// pixels are right. Else something would not be kept that is in no slot.
func TestShelfKnows(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	now := time.Now()
	e, err := NewEncoder(Options{Now: func() time.Time { now = now.Add(time.Second); return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	noise := func(f *video.Frame, r image.Rectangle) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X * 4; x < r.Max.X*4; x++ {
				f.Pix[y*f.Stride()+x] = byte(rng.Uint32())
			}
		}
	}
	pages := []*video.Frame{video.NewFrame(333, 277), video.NewFrame(333, 277), video.NewFrame(350, 290)}
	for _, p := range pages {
		noise(p, p.Bounds())
	}
	known, moves := 0, 0
	for n := range 200 {
		f := pages[rng.IntN(len(pages))]
		switch rng.IntN(4) {
		case 0:
			dy := 1 + rng.IntN(40)
			copy(f.Pix, f.Pix[dy*f.Stride():])
			noise(f, image.Rect(0, f.H-dy, f.W, f.H))
		case 1:
			x, y := rng.IntN(200), rng.IntN(100)
			noise(f, image.Rect(x, y, x+130, y+150))
		}
		if _, _, err := e.Encode(nil, f, nil, n%50 == 49); err != nil {
			t.Fatal(err)
		}
		moves += len(e.head.moves)
		s, pixels := &e.shelf, 0
		for i, x := range s.slots {
			if x == nil {
				continue
			}
			pixels += x.pic.W * x.pic.H
			if x.pic.W != x.at.Dx() || x.pic.H != x.at.Dy() {
				t.Fatalf("slot %d is of another size than its place", i+1)
			}
		}
		if pixels != s.pixels || pixels > MaxSlotPixels {
			t.Fatalf("%d pixels in slots, %d counted", pixels, s.pixels)
		}
		for i, k := range s.from {
			if k == 0 {
				continue
			}
			known++
			if x := s.slots[k-1]; x == nil || !x.has(f, rect(i, s.cols, s.size)) {
				t.Fatalf("picture %d: slot %d does not have tile %d", n, k, i)
			}
		}
	}
	if known == 0 || moves == 0 {
		t.Errorf("%d tiles known, %d moves", known, moves)
	}
}
