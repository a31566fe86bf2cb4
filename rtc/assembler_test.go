package rtc

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// packets makes the packets of frames of n parts each; part i of frame f holds
// the bytes f and i.
func packets(first uint16, parts ...int) []*rtp.Packet {
	var out []*rtp.Packet
	for f, n := range parts {
		for i := range n {
			d := byte(0)
			if i == 0 {
				d = startBit
			}
			out = append(out, &rtp.Packet{
				Header:  rtp.Header{SequenceNumber: first + uint16(len(out)), Timestamp: uint32(f), Marker: i == n-1},
				Payload: []byte{d, byte(f), byte(i)},
			})
		}
	}
	return out
}

func TestAssembler(t *testing.T) {
	now := time.Now()
	late := now.Add(gapPatience)
	p := packets(65533, 2, 3, 1, 2) // wraps
	for name, c := range map[string]struct {
		order []int
		skip  bool
		want  []uint32
		lost  bool // of the last frame
	}{
		"in order":        {order: []int{0, 1, 2, 3, 4, 5, 6, 7}, want: []uint32{0, 1, 2, 3}},
		"reordered":       {order: []int{0, 2, 1, 5, 4, 3, 7, 6}, want: []uint32{0, 1, 2, 3}},
		"twice":           {order: []int{0, 0, 1, 1, 2, 3, 3, 4, 2, 5}, want: []uint32{0, 1, 2}},
		"waits":           {order: []int{0, 1, 2, 4, 5}, want: []uint32{0}},
		"lost middle":     {order: []int{0, 1, 2, 4, 5}, skip: true, want: []uint32{0, 2}, lost: true},
		"lost head":       {order: []int{0, 1, 3, 4, 5}, skip: true, want: []uint32{0, 2}, lost: true},
		"lost tail":       {order: []int{0, 1, 2, 3, 5}, skip: true, want: []uint32{0, 2}, lost: true},
		"begins half-way": {order: []int{3, 4, 5}, want: []uint32{2}, lost: true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAssembler(false)
			for _, i := range c.order {
				a.push(p[i], now)
			}
			if a.overdue(late) != (c.skip || name == "waits") {
				t.Error("overdue:", a.overdue(late))
			}
			if c.skip {
				a.skip(now)
			}
			var got []uint32
			lost := false
			for f, ok := a.ready(); ok; f, ok = a.ready() {
				a.take()
				got = append(got, f.Timestamp)
				lost = f.Lost
				for i := 0; i < len(f.Data); i += 2 {
					if !bytes.Equal(f.Data[i:i+2], []byte{byte(f.Timestamp), byte(i / 2)}) {
						t.Fatal("wrong data", f.Data)
					}
				}
			}
			if len(got) != len(c.want) || lost != c.lost {
				t.Fatalf("frames %v, lost %v; want %v, %v", got, lost, c.want, c.lost)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Fatal(got)
				}
			}
		})
	}
}

func FuzzAssembler(f *testing.F) {
	f.Add([]byte{0, 0, 0x81, 1, 0, 0, 1, 0x01}, false)
	f.Fuzz(func(_ *testing.T, b []byte, vp9 bool) {
		a := newAssembler(vp9)
		now := time.Now()
		for ; len(b) >= 4; b = b[4:] {
			a.push(&rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(b[0])<<8 | uint16(b[1]), Marker: b[2]&1 != 0}, Payload: b[2:4]}, now)
			if b[3] == 7 {
				a.skip(now)
			}
			for _, ok := a.ready(); ok; _, ok = a.ready() {
				a.take()
			}
		}
	})
}

// Every missing packet is asked for, again while it does not come, and not
// forever; what came is not asked for.
func TestMissing(t *testing.T) {
	now := time.Now()
	p := packets(65533, 10)
	a := newAssembler(false)
	for _, i := range []int{0, 1, 4, 7} { // 2, 3, 5, 6 are missing
		a.push(p[i], now)
	}
	if a.askIn() != nackDelay {
		t.Error("a fresh gap waits", a.askIn())
	}
	if got := a.missing(); !slices.Equal(got, []uint16{65535, 0, 2, 3}) {
		t.Fatal("asked for", got)
	}
	a.push(p[3], now)
	for range nackLimit - 1 {
		if got := a.missing(); !slices.Equal(got, []uint16{65535, 2, 3}) || a.askIn() != nackInterval {
			t.Fatal("asked again for", got)
		}
	}
	if got := a.missing(); len(got) != 0 {
		t.Error("asked too often for", got)
	}
	for _, i := range []int{2, 5, 6} {
		a.push(p[i], now)
	}
	if got := a.missing(); a.waiting() || len(got) != 0 || len(a.asked) != 0 {
		t.Error("the gap is filled, and still asked for", got)
	}
}
