package vpx

import (
	"bytes"
	"testing"
)

// libvpx gets nothing whose frames and sizes were not checked here first.
func FuzzHeader(f *testing.F) {
	key := []byte{0x82, 0x49, 0x83, 0x42, 0x00, 0x27, 0xf0, 0x1d, 0xf6, 0x00, 0x00}
	f.Add(key)
	f.Add(appendAlone(nil, key))
	f.Add([]byte{0x86, 0, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		frames, err := split(nil, b)
		if err != nil {
			return
		}
		total := 0
		for _, x := range frames {
			total += len(x)
			h, err := parseHeader(x)
			if err != nil {
				continue
			}
			if (h.w != 0 || h.h != 0) && !sizeOK(h.w, h.h) {
				t.Fatalf("%dx%d was accepted", h.w, h.h)
			}
			alone, err := split(nil, appendAlone(nil, x))
			if err != nil || len(alone) != 1 || !bytes.Equal(alone[0], x) {
				t.Fatalf("alone it is %d frames, %v", len(alone), err)
			}
		}
		if total > len(b) {
			t.Fatalf("%d bytes of %d", total, len(b))
		}
	})
}
