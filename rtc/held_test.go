package rtc

import (
	"testing"
	"time"

	"github.com/pion/rtp"
)

// What the assembler says that it keeps is what it keeps, whatever packets
// come, and never more than came: the budget of the connection counts it.
func FuzzHeld(f *testing.F) {
	f.Add([]byte{0, 1, 0x80, 3, 0, 2, 0, 9, 0, 3, 1, 7, 0, 9, 0x81, 200}, false)
	f.Add([]byte{0, 1, 0x80, 3, 0, 2, 0, 9, 0, 3, 1, 7, 0, 9, 0x81, 200}, true)
	f.Add([]byte{0, 1, 0x80, 3, 0, 5, 0, 4, 0, 6, 0, 5, 0, 9, 0x80, 23}, false) // a gap that is given up
	f.Fuzz(func(t *testing.T, b []byte, vp9 bool) {
		a := newAssembler(vp9)
		now, came := time.Now(), 0
		for ; len(b) >= 4; b = b[4:] {
			payload := make([]byte, 1+int(b[3]))
			payload[0] = b[2] & 0xfe
			came += len(payload)
			a.push(&rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(b[0])<<8 | uint16(b[1]), Marker: b[2]&1 != 0}, Payload: payload}, now)
			if b[3]%16 == 7 {
				a.skip(now)
			}
			if _, ok := a.ready(); ok && b[3]%16 == 9 {
				a.take()
			}
			kept := len(a.frame)
			for _, x := range a.parts {
				kept += len(x.data)
			}
			for _, x := range a.out {
				kept += len(x.Data)
			}
			if a.held() != kept || kept > came {
				t.Fatalf("it says %d bytes and keeps %d, of %d that came", a.held(), kept, came)
			}
		}
	})
}
