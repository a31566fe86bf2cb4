package xinput

import (
	"errors"
	"image"
	"slices"
	"testing"
	"time"
)

// Replies as a server sent them, without the variable header fields.
func deviceReply() []byte {
	b := make([]byte, replySize)
	b[8] = 2
	for i, name := range []string{"Virtual core pointer", "x"} {
		b = u16(u16(u16(u16(u16(b, uint16(i+2)), uint16(i+1)), uint16(3-i)), 1), uint16(len(name)))
		b = append(b, 1, 0)
		b = append(b, name...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
		b = u32(u16(u16(b, 2), 2), 0) // a class of two words
	}
	return b
}

func pointerReply() []byte {
	b := make([]byte, 56)
	b[12], b[34] = 7, 1
	copy(b[16:], u32(u32(nil, 300<<16|0x8000), 0xffff0000)) // 300.5, -1
	b[36], b[40], b[44], b[48] = 1, 4, 8, 0
	return u32(b, 1<<9)
}

func heldReply() []byte {
	b := make([]byte, replySize)
	b[8] = 3
	class := func(kind byte, down ...int) {
		c := make([]byte, 36)
		c[0], c[1], c[2] = kind, 36, 255
		for _, d := range down {
			c[4+d/8] |= 1 << (d % 8)
		}
		b = append(b, c...)
	}
	class(0, 38, 255)
	class(1, 1)
	return append(b, 2, 4, 0, 0) // valuators, none
}

func counterReply() []byte {
	b := make([]byte, replySize)
	b[8] = 2
	for i, name := range []string{"SERVERTIME", "DEVICEIDLETIME 2"} {
		b = u16(u32(u32(u32(b, uint32(i+10)), 0), 1), uint16(len(name)))
		b = append(b, name...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	return b
}

// wholeReply has one key type with two entries that preserve modifiers.
func wholeReply() []byte {
	b := make([]byte, 40)
	b[15] = 1
	b = append(b, 1, 1, 0, 0, 2, 2, 1, 0)
	b = append(b, 1, 2, 3, 4, 5, 6, 0, 0, 1, 7, 8, 9, 10, 11, 0, 0)
	return append(b, 21, 22, 23, 24, 25, 26, 27, 28)
}

func compatReply() []byte {
	b := make([]byte, replySize)
	b[8], b[12] = 0b101, 2
	return append(b, make([]byte, 2*16+2*4)...)
}

// namesReply names a component and five types.
func namesReply() []byte {
	b := make([]byte, replySize)
	b[8], b[14] = 1|1<<6, 5
	return u32(u32(u32(u32(u32(u32(b, 7), 1), 2), 3), 4), 5)[:replySize+5*4]
}

// What a map's reply becomes in the request that sets it.
func TestSetMap(t *testing.T) {
	head, body, err := setMapOf(append(wholeReply(), 99, 98))
	want := []byte{1, 1, 0, 0, 2, 2, 1, 0, 3, 4, 5, 6, 8, 9, 10, 11, 21, 22, 23, 24, 25, 26, 27, 28, 99, 98}
	if err != nil || len(head) != 30 || !slices.Equal(body, want) {
		t.Errorf("%v %v %v", head, body, err)
	}
	names := u32(namesReply(), 5)
	b, err := setNamesOf(names)
	if err != nil || b[7] != 1 || !slices.Equal(b[22:], append(u32(u32(nil, 7), 5), make([]byte, 16)...)) {
		t.Errorf("%v %v", b, err)
	}
	names[14] = 4 // no more than the types that every map has
	if b, err := setNamesOf(names[:replySize+5*4]); err != nil || b[2] != 1 || !slices.Equal(b[22:], append(u32(nil, 7), make([]byte, 16)...)) {
		t.Errorf("%v %v", b, err)
	}
}

func TestParse(t *testing.T) {
	d, err := parseDevices(deviceReply())
	if want := []Device{{2, MasterPointer, 3, true, "Virtual core pointer"}, {3, MasterKeyboard, 2, true, "x"}}; err != nil || !slices.Equal(d, want) {
		t.Errorf("%+v, %v", d, err)
	}
	p, err := parsePointer(pointerReply())
	if want := (Pointer{Child: 7, At: image.Pt(300, -1), Mods: 13, Buttons: 1 << 9}); err != nil || p != want {
		t.Errorf("%+v, %v", p, err)
	}
	h, err := parseHeld(heldReply())
	if err != nil || !slices.Equal(h.Keys, []byte{38, 255}) || !slices.Equal(h.Buttons, []byte{1}) {
		t.Errorf("%+v, %v", h, err)
	}
	c, err := parseCounters(counterReply())
	if err != nil || len(c) != 2 || c["SERVERTIME"] != 10 || c["DEVICEIDLETIME 2"] != 11 {
		t.Errorf("%v, %v", c, err)
	}
	if d, err := parseCounter(u32(u32(make([]byte, 8), 1), 5)); !errors.Is(err, ErrMalformed) {
		t.Error(d, err)
	}
	r := append(u32(u32(make([]byte, 8), 1), 5), make([]byte, 16)...)
	if d, err := parseCounter(r); err != nil || d != time.Duration(1<<32+5)*time.Millisecond {
		t.Error(d, err)
	}
}

// A reply that is cut off anywhere is an error, not a panic.
func TestTruncated(t *testing.T) {
	for name, parse := range parsers() {
		full := parse.sample()
		for n := range len(full) {
			if err := parse.f(full[:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
		}
	}
}

type parser struct {
	sample func() []byte
	f      func([]byte) error
}

func parsers() map[string]parser {
	return map[string]parser{
		"devices":  {deviceReply, func(b []byte) error { _, err := parseDevices(b); return err }},
		"pointer":  {pointerReply, func(b []byte) error { _, err := parsePointer(b); return err }},
		"held":     {heldReply, func(b []byte) error { _, err := parseHeld(b); return err }},
		"counters": {counterReply, func(b []byte) error { _, err := parseCounters(b); return err }},
		"map":      {wholeReply, func(b []byte) error { _, _, err := setMapOf(b); return err }},
		"compat":   {compatReply, func(b []byte) error { _, err := setCompatOf(b); return err }},
		"names":    {namesReply, func(b []byte) error { _, err := setNamesOf(b); return err }},
		"counter":  {func() []byte { return make([]byte, replySize) }, func(b []byte) error { _, err := parseCounter(b); return err }},
	}
}

func FuzzReplies(f *testing.F) {
	for _, p := range parsers() {
		f.Add(p.sample())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, p := range parsers() {
			if err := p.f(b); err != nil && !errors.Is(err, ErrMalformed) {
				t.Error(name, err)
			}
		}
	})
}

func TestGrabsReply(t *testing.T) {
	b := make([]byte, replySize)
	b[8] = 2
	b = u32(u32(u32(u32(b, 300), 7), 301), 9)
	if n, err := parseGrabs(b, 301); n != 9 || err != nil {
		t.Error(n, err)
	}
	if n, err := parseGrabs(b, 302); n != 0 || err != nil {
		t.Error(n, err)
	}
	for n := range b {
		if _, err := parseGrabs(b[:n], 301); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	b[11] = 0xff // more than there can be
	if _, err := parseGrabs(b, 301); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}

func TestShapeReply(t *testing.T) {
	b := make([]byte, replySize)
	b[8] = 2
	b = u16(u16(u16(u16(b, 0xffff), 2), 10), 20) // x is -1
	b = u16(u16(u16(u16(b, 5), 6), 7), 8)
	want := []image.Rectangle{image.Rect(-1, 2, 9, 22), image.Rect(5, 6, 12, 14)}
	if got, err := parseShape(b); !slices.Equal(got, want) || err != nil {
		t.Error(got, err)
	}
	for n := range b {
		if _, err := parseShape(b[:n]); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}
