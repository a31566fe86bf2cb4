package capture

import (
	"image"
	"math/rand/v2"
	"testing"
)

// Against the naive model: a set of pixels.
func TestAreaMinus(t *testing.T) {
	const side = 12
	rng := rand.New(rand.NewPCG(1, 2))
	rect := func() image.Rectangle {
		x, y := rng.IntN(side+4)-2, rng.IntN(side+4)-2
		return image.Rect(x, y, x+rng.IntN(8), y+rng.IntN(8))
	}
	for range 2000 {
		a := area{image.Rect(0, 0, side, side)}
		model := map[image.Point]bool{}
		for y := range side {
			for x := range side {
				model[image.Pt(x, y)] = true
			}
		}
		for range rng.IntN(6) {
			r := rect()
			a = a.without([]image.Rectangle{r})
			for p := range model {
				if p.In(r) {
					delete(model, p)
				}
			}
		}
		seen := map[image.Point]int{}
		for _, r := range a {
			if r.Empty() {
				t.Fatal("an empty rectangle")
			}
			for y := r.Min.Y; y < r.Max.Y; y++ {
				for x := r.Min.X; x < r.Max.X; x++ {
					seen[image.Pt(x, y)]++
				}
			}
		}
		if len(seen) != len(model) {
			t.Fatalf("%d pixels, want %d", len(seen), len(model))
		}
		for p, n := range seen {
			if n != 1 || !model[p] {
				t.Fatal("wrong at", p)
			}
		}
	}
}
