package wire_test

import (
	"runtime"
	"testing"

	"viewflip.app/wire"
)

func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// A message takes no more memory than a few times its length, and the shape of
// a pointer no more than its pixels and what unpacking needs, at most once.
func FuzzMemory(f *testing.F) {
	for _, m := range messages() {
		b, err := wire.AppendMessage(nil, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(wire.PackCursor(make([]byte, 4*64*64)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > wire.MaxMessage {
			return
		}
		if n := allocated(func() { _, _ = wire.ParseMessage(b) }); n > 64<<10+16*len(b) {
			t.Fatalf("%d bytes for a message of %d", n, len(b))
		}
		const size = 4 * 64 * 64
		if n := allocated(func() { _, _ = wire.UnpackCursor(b, size) }); n > size+192<<10 {
			t.Fatalf("%d bytes for a shape of %d", n, size)
		}
	})
}
