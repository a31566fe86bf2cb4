package video_test

import (
	"bytes"
	"image"
	"math/rand/v2"
	"testing"
	"time"
)

// Tabs with a video in one of them, switched whenever it likes, losses among it: what
// is said to be exact is; what came with loss is taken out of no slot as if it were
// exact; and slots are of use all the same.
func TestSlotsBesideVideo(t *testing.T) {
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 41))
		c := &clock{time.Now()}
		e, d := mixed(t, c)
		tabs := []*screen{newScreen(t, 640, 480), newScreen(t, 640, 480), newScreen(t, 640, 480)}
		tabs[1].change()
		tabs[2].change()
		tabs[2].change()
		at := image.Rect(32, 40, 32+304, 40+240)
		tab, slots, owed, exact, video := 0, 0, 0, 0, 0
		lost := false
		for n := range 500 {
			switch {
			case rng.IntN(14) == 0:
				tab = rng.IntN(len(tabs))
			case rng.IntN(60) == 0:
				tabs[tab].scroll()
			}
			if tab == 0 && n/40%2 == 0 {
				tabs[0].film(at, n)
			}
			c.now = c.now.Add(time.Duration(20+rng.IntN(40)) * time.Millisecond)
			refresh := lost
			b, ok, err := e.Encode(nil, tabs[tab].Frame, nil, refresh)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				continue
			}
			if rng.IntN(50) == 0 {
				lost = true
				continue
			}
			if _, err := d.Decode(b); err != nil {
				t.Fatal(n, err)
			}
			lost = false
			if b[1]&4 != 0 {
				video++
			}
			if b[1]&32 != 0 {
				slots++
				if b[1]&2 != 0 {
					owed++
				}
			}
			if !d.Exact() {
				continue
			}
			exact++
			if !bytes.Equal(d.Picture().Pix, tabs[tab].Pix) {
				t.Fatalf("seed %d, picture %d is said to be exact, and is not", seed, n)
			}
		}
		if video == 0 || slots == 0 || owed == 0 || exact == 0 {
			t.Errorf("seed %d: %d frames with video, %d with slots, %d of those owe, %d exact", seed, video, slots, owed, exact)
		}
		for range 100 {
			c.now = c.now.Add(300 * time.Millisecond)
			b, ok, err := e.Encode(nil, tabs[tab].Frame, nil, lost)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			if _, err := d.Decode(b); err != nil {
				t.Fatal(err)
			}
			lost = false
		}
		if !d.Exact() || !bytes.Equal(d.Picture().Pix, tabs[tab].Pix) {
			t.Error("the picture does not come to rest")
		}
	}
}
