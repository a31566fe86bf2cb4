package wire

import (
	"bytes"
	"testing"
)

func accountFrames() []FrameBody {
	return []FrameBody{
		Bind{Session: [16]byte{1}, Gen: 2, Seq: 3, MAC: [32]byte{4}}, Bound{}, SetPresence{Invisible},
		Presence{Handle: [16]byte{5}, State: Busy}, Changed{ChangedDevices},
	}
}

func TestAccountFrames(t *testing.T) {
	for _, body := range accountFrames() {
		b, err := AppendFrame(nil, Frame{ID: 9, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		if f, err := ParseFrame(b); err != nil || f != (Frame{9, body}) {
			t.Errorf("%#v: %v", f, err)
		}
		for n := range b {
			if _, err := ParseFrame(b[:n]); err == nil {
				t.Errorf("%T: %d bytes are enough", body, n)
			}
		}
	}
	for _, body := range []FrameBody{
		Bind{Gen: 1 << 63}, Bind{Seq: 1 << 63}, SetPresence{Offline}, SetPresence{4}, Presence{State: Invisible}, Changed{0}, Changed{4},
	} {
		b, err := AppendFrame(nil, Frame{Body: body})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseFrame(b); err == nil {
			t.Errorf("%#v is taken", body)
		}
	}
}

func FuzzParseAccountFrame(f *testing.F) {
	for _, body := range accountFrames() {
		b, err := AppendFrame(nil, Frame{ID: 1, Body: body})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := ParseFrame(b)
		if err != nil {
			return
		}
		if back, err := AppendFrame(nil, fr); err != nil || !bytes.Equal(back, b) {
			t.Fatalf("%#v is not canonical", fr)
		}
	})
}
