package tile

import (
	"image"
	"math/rand/v2"
	"testing"

	"viewflip.app/video"
)

// What the scroller remembers of the picture before is true, whatever happened
// to it: else scrolling would cost bytes again.
func TestScrollerRemembers(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	e, err := NewEncoder(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	f := video.NewFrame(333, 210)
	noise := func(r image.Rectangle) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X * 4; x < r.Max.X*4; x++ {
				f.Pix[y*f.Stride()+x] = byte(rng.Uint32())
			}
		}
	}
	noise(f.Bounds())
	earlier := video.NewFrame(f.W, f.H)
	known, moves, pulls := 0, 0, 0
	for n := range 120 {
		switch n % 4 {
		case 0, 1: // scrolls
			dy := 1 + rng.IntN(40)
			copy(f.Pix, f.Pix[dy*f.Stride():])
			noise(image.Rect(0, f.H-dy, f.W, f.H))
		case 2: // too small to look at
			x, y := rng.IntN(300), rng.IntN(200)
			noise(image.Rect(x, y, x+9, y+9))
		case 3:
			x := rng.IntN(150)
			noise(image.Rect(x, 20, x+130, 180))
		}
		switch n % 20 {
		case 3:
			copy(earlier.Pix, f.Pix)
		case 4:
			noise(f.Bounds())
		case 5: // is seen again, but for a few rows
			copy(f.Pix, earlier.Pix)
			noise(image.Rect(0, 100, f.W, 110))
		}
		if _, _, err := e.Encode(nil, f, nil, n%37 == 36); err != nil {
			t.Fatal(err)
		}
		moves += len(e.head.moves)
		pulls += len(e.head.pulls)
		s := &e.scroll
		for y := range s.known {
			if !s.known[y] {
				continue
			}
			known++
			for i := range s.marked {
				l, r := i*stripWidth*4, min((i+1)*stripWidth*4, f.Stride())
				if s.old[i*s.h+y] != s.row(f.Pix[y*f.Stride()+l:y*f.Stride()+r]) {
					t.Fatalf("picture %d: row %d of strip %d is another one", n, y, i)
				}
			}
		}
	}
	if known == 0 || moves == 0 || pulls == 0 {
		t.Errorf("%d rows known, %d moves, %d pulls", known, moves, pulls)
	}
}
