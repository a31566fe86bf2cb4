package vpx

import (
	"runtime"
	"testing"
)

// A look at what a chunk of VP9 says of its size allocates next to nothing,
// and finds every size that libvpx would be given.
func FuzzHeaderMemory(f *testing.F) {
	key := []byte{0x82, 0x49, 0x83, 0x42, 0x00, 0x27, 0xf0, 0x1d, 0xf6, 0x00, 0x00}
	f.Add(key)
	f.Add(appendAlone(nil, key))
	d := &Decoder{}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		need := d.Need(b)
		runtime.ReadMemStats(&after)
		if n := int(after.TotalAlloc - before.TotalAlloc); n > 64<<10+8*len(b) {
			t.Fatalf("%d bytes for %d", n, len(b))
		}
		frames, err := split(nil, b)
		if err != nil {
			return
		}
		for _, x := range frames {
			if h, err := parseHeader(x); err == nil && 2*h.w*h.h > need {
				t.Fatalf("%dx%d pixels, and %d are needed", h.w, h.h, need)
			}
		}
	})
}
