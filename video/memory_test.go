package video_test

import (
	"runtime"
	"testing"

	"viewflip.app/video/tile"
)

// The same with a region of VP9 in it: what libvpx keeps is in Need, and is not
// of the heap that is measured here.
func FuzzRegionMemory(f *testing.F) {
	frames, _ := videoFrames(f)
	_, d := mixed(f, &clock{})
	for _, x := range frames {
		f.Add(x)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, x := range frames {
			if _, err := d.Decode(x); err != nil {
				t.Fatal(err)
			}
		}
		need, kept := d.Need(b), d.Slots(b)
		if need > 1<<20 {
			return // a budget refuses it; slow to allocate again and again
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = d.Decode(b)
		runtime.ReadMemStats(&after)
		n := int(after.TotalAlloc - before.TotalAlloc)
		if most := 256<<10 + 64*len(b) + 16*need + 4*min(kept, tile.MaxSlotPixels); n > most {
			t.Fatalf("%d bytes for %d, with %d pixels announced: more than %d", n, len(b), need, most)
		}
		if n := d.Slots(nil); n > tile.MaxSlotPixels {
			t.Fatalf("%d pixels in slots", n)
		}
	})
}
