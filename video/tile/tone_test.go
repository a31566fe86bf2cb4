package tile_test

import (
	"image"
	"math/rand/v2"
	"testing"

	"viewflip.app/video"
)

// dim makes f what is in of, at share tenths of its light.
func dim(f, of *video.Frame, share int) {
	for i, v := range of.Pix {
		if i%video.BytesPerPixel != 3 {
			v = byte(int(v) * share / 10)
		}
		f.Pix[i] = v
	}
}

// A picture that is dimmed, in steps, and brightened again is told by its tones.
func TestDimmingIsCheap(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	w := world(rng, 800, 600)
	f := video.NewFrame(w.W, w.H)
	e, d := pair(t)
	for n, share := range []int{10, 9, 8, 7, 6, 5, 6, 7, 8, 9, 10} {
		dim(f, w, share)
		size := recode(t, e, d, f)
		if n > 0 && size > 3000 {
			t.Errorf("%d tenths of the light after step %d: %d bytes", share, n, size)
		}
	}
}

// What has tones in part, or nearly, arrives exactly: a dialog over a dimmed
// page, a picture of noise of which each step falls between two values, edges
// that are no whole tiles.
func TestTonesAreExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	for _, size := range []image.Point{{X: 333, Y: 277}, {X: 640, Y: 480}, {X: 161, Y: 163}} {
		w := world(rng, size.X, size.Y)
		for range 30 {
			r := randomRect(rng, w.Bounds())
			for y := r.Min.Y; y < r.Max.Y; y++ {
				for x := r.Min.X; x < r.Max.X; x++ {
					p := w.Pix[(y*w.W+x)*4:]
					p[0], p[1], p[2] = byte(rng.Uint32()), byte(x), byte(y)
				}
			}
		}
		f := video.NewFrame(w.W, w.H)
		e, d := pair(t)
		for range 40 {
			dim(f, w, 1+rng.IntN(10))
			if rng.IntN(2) == 0 {
				text(rng, f, randomRect(rng, f.Bounds()))
			}
			recode(t, e, d, f)
		}
	}
}
