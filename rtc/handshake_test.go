package rtc_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/pion/transport/v5/vnet"
)

// records lists the types of the DTLS records in a packet (RFC 6347, section
// 4.1).
func records(b []byte) (types []byte) {
	for len(b) >= 13 && b[0] >= 20 && b[0] < 64 {
		types = append(types, b[0])
		b = b[min(len(b), 13+int(binary.BigEndian.Uint16(b[11:]))):]
	}
	return types
}

// The last messages of the DTLS handshake are lost for longer than an SCTP
// handshake is tried: the connection must come up nevertheless. Its data
// channels would never open if one end had given up.
func TestLastFlightLost(t *testing.T) {
	t.Parallel()
	const changeCipherSpec = 20
	n := newNetwork(t, 30*time.Millisecond)
	var server string // who answers the first change of cipher
	var until time.Time
	dropped := 0
	n.losing(func(c vnet.Chunk) bool {
		if !slices.Contains(records(c.UserData()), changeCipherSpec) {
			return false
		}
		if server == "" {
			server, until = c.DestinationAddr().String(), time.Now().Add(2*time.Second)
		}
		drop := server == c.SourceAddr().String() && time.Now().Before(until)
		if drop {
			dropped++
		}
		return drop
	})
	e := onNetwork(t, n)
	n.losing(nil)
	if dropped == 0 {
		t.Fatal("nothing was lost")
	}
	out, in := e.track(t)
	write(t, out, numbered(1, true, 1000))
	if i, _ := number(t, read(t, in).Data); i != 1 {
		t.Fatal("frame", i)
	}
}
