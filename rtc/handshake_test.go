package rtc_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/transport/v5/vnet"
)

// Content types (RFC 6347, section 4.1).
const changeCipherSpec, handshake = 20, 22

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

// A stranger who is first with a ClientHello, one that the DTLS of the other end
// would take, does not keep the right one out (the race of ASVS 17.2.6): nothing
// but STUN is taken from an address that ICE has not checked.
func TestHelloOfAStranger(t *testing.T) {
	t.Parallel()
	const helloType = 1
	n := newNetwork(t, 30*time.Millisecond)
	at := net.UDPAddr{IP: net.ParseIP(addrC), Port: 5000}
	stranger, err := n.c.ListenUDP("udp4", &at)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	type hello struct {
		b  []byte
		to net.Addr
	}
	hellos := make(chan hello, 1)
	held, sent := 0, 0
	n.losing(func(c vnet.Chunk) bool {
		b := c.UserData()
		if len(b) < 60 || b[0] != handshake || b[13] != helloType {
			return false
		}
		if strings.HasPrefix(c.SourceAddr().String(), addrC+":") {
			sent++
			return false
		}
		held++
		if held == 1 {
			b = bytes.Clone(b)
			b[30] ^= 1 // another random, which is in bytes 27 to 58
			hellos <- hello{b, c.DestinationAddr()}
		}
		return held < 3 // the right one comes when the stranger's has been there
	})
	go func() {
		h := <-hellos
		for range 5 {
			_, _ = stranger.WriteTo(h.b, h.to)
		}
	}()
	onNetwork(t, n)
	n.mu.Lock()
	defer n.mu.Unlock()
	if sent == 0 {
		t.Fatal("the stranger said nothing")
	}
}
