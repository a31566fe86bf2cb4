package rtc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v5/vnet"

	"viewflip.app/rtc"
)

const (
	addrA, addrB, addrC = "10.0.0.2", "10.0.0.3", "10.0.0.4"
	patience            = 90 * time.Second
)

// network is a virtual network with two machines on it, and a stranger's.
type network struct {
	a, b, c *vnet.Net

	mu   sync.Mutex
	drop func(c vnet.Chunk) bool
	sent map[uint16]int // transmissions of each media packet by its number
	// ports are those that A has sent from.
	ports map[string]bool
}

func newNetwork(t testing.TB, rtt time.Duration) *network {
	t.Helper()
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	r, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "10.0.0.0/24", LoggerFactory: quiet, MinDelay: rtt / 2, QueueSize: 100000})
	if err != nil {
		t.Fatal(err)
	}
	n := &network{sent: map[uint16]int{}, ports: map[string]bool{}}
	for addr, to := range map[string]**vnet.Net{addrA: &n.a, addrB: &n.b, addrC: &n.c} {
		if *to, err = vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{addr}}); err != nil {
			t.Fatal(err)
		}
		if err := r.AddNet(*to); err != nil {
			t.Fatal(err)
		}
	}
	r.AddChunkFilter(n.pass)
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Stop() })
	return n
}

func (n *network) pass(c vnet.Chunk) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h, ok := media(c); ok {
		n.sent[h.seq]++
	}
	if from := c.SourceAddr().String(); strings.HasPrefix(from, addrA+":") {
		n.ports[from] = true
	}
	return n.drop == nil || !n.drop(c)
}

// losing drops what f says from now on; nil drops nothing.
func (n *network) losing(f func(c vnet.Chunk) bool) {
	n.mu.Lock()
	n.drop = f
	n.mu.Unlock()
}

func (n *network) transmissions(seq uint16) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sent[seq]
}

// rtpHeader is what SRTP leaves in the clear (RFC 3711, section 3.1).
type rtpHeader struct {
	seq    uint16
	marker bool
}

// media reads the header of an RTP packet; RTCP has payload types 64 to 95
// (RFC 5761, section 4).
func media(c vnet.Chunk) (rtpHeader, bool) {
	b := c.UserData()
	if len(b) < 12 || b[0]>>6 != 2 || b[1]&0x7f < 96 {
		return rtpHeader{}, false
	}
	return rtpHeader{binary.BigEndian.Uint16(b[2:]), b[1]&0x80 != 0}, true
}

func onNetwork(t testing.TB, n *network) *ends {
	t.Helper()
	e := pair(t, rtc.Options{Net: n.a}, rtc.Options{Net: n.b}, nil)
	ctx := within(t)
	for _, p := range []*rtc.Peer{e.a, e.b} {
		select {
		case <-p.Connected():
		case <-ctx.Done():
			t.Fatal("not connected")
		}
	}
	return e
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// numbered is a frame of n bytes that can be checked: its number, whether it
// stands alone, and bytes that follow from the number.
func numbered(i uint32, alone bool, n int) []byte {
	b := binary.BigEndian.AppendUint32(nil, i)
	if alone {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	r := rand.New(rand.NewPCG(uint64(i), uint64(n)))
	for len(b) < n+5 {
		b = append(b, byte(r.Uint32()))
	}
	return b
}

func number(t testing.TB, b []byte) (i uint32, alone bool) {
	t.Helper()
	if len(b) < 5 {
		t.Fatalf("a frame of %d bytes", len(b))
	}
	i, alone = binary.BigEndian.Uint32(b), b[4] == 1
	if !bytes.Equal(b, numbered(i, alone, len(b)-5)) {
		t.Fatalf("frame %d is damaged", i)
	}
	return i, alone
}

// track makes a track from a to b and sends the frame 0 over it.
func (e *ends) track(t testing.TB) (*rtc.OutTrack, *rtc.InTrack) {
	t.Helper()
	ctx := within(t)
	out, err := e.a.AddTrack(ctx, "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Codec(ctx); err != nil {
		t.Fatal(err)
	}
	write(t, out, numbered(0, true, 100))
	in, err := e.b.AcceptTrack(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if i, _ := number(t, read(t, in).Data); i != 0 {
		t.Fatal("began with frame", i)
	}
	return out, in
}

func write(t testing.TB, out *rtc.OutTrack, b []byte) {
	t.Helper()
	if _, err := out.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, in *rtc.InTrack) rtc.Frame {
	t.Helper()
	f, err := in.Read(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Every frame arrives intact and in its order; where some are lost for good, a
// refresh is asked for and the stream goes on.
func TestLoss(t *testing.T) {
	t.Parallel()
	const frames = 150
	for _, loss := range []float64{0, 0.01, 0.02, 0.05} {
		for _, rtt := range []time.Duration{30 * time.Millisecond, 100 * time.Millisecond} {
			t.Run(fmt.Sprintf("%v%%/%v", 100*loss, rtt), func(t *testing.T) {
				t.Parallel()
				n := newNetwork(t, rtt)
				out, in := onNetwork(t, n).track(t)
				rng, dropped := rand.New(rand.NewPCG(1, uint64(1000*loss))), 0
				n.losing(func(c vnet.Chunk) bool {
					drop := rng.Float64() < loss
					if _, ok := media(c); ok && drop {
						dropped++
					}
					return drop
				})
				stop := make(chan struct{})
				var sending sync.WaitGroup
				defer sending.Wait()
				defer close(stop)
				sending.Go(func() {
					tick := time.NewTicker(10 * time.Millisecond)
					defer tick.Stop()
					for i := uint32(1); ; i++ {
						alone := false
						select {
						case <-out.Refresh():
							alone = true
						default:
						}
						if _, err := out.Write(t.Context(), numbered(i, alone, []int{50, 300, 9000, 700, 30000}[i%5])); err != nil {
							t.Error(err)
							return
						}
						select {
						case <-tick.C:
						case <-stop:
							return
						}
					}
				})
				got, last, whole := 0, uint32(0), true
				for whole == false || last < frames {
					f := read(t, in)
					i, alone := number(t, f.Data)
					if i <= last || f.Lost != (i != last+1) {
						t.Fatalf("frame %d after %d, lost %v", i, last, f.Lost)
					}
					last = i
					got++
					if whole = alone || whole && !f.Lost; !whole {
						in.RequestRefresh()
					}
				}
				n.losing(nil)
				s := out.Stats()
				t.Logf("%d of %d frames; %d packets lost; %+v", got, last, dropped, s)
				switch {
				case dropped > 0 && s.Nacked == 0:
					t.Error("nothing was asked for again")
				case loss == 0 && got != int(last):
					t.Error("lost without a loss")
				case got != int(last) && s.Refreshes == 0:
					t.Error("no refresh was asked for")
				}
			})
		}
	}
}

// The last packet of a frame is repeated when nothing follows: otherwise
// nobody would know of its loss.
func TestTailIsRepeated(t *testing.T) {
	n := newNetwork(t, 30*time.Millisecond)
	out, in := onNetwork(t, n).track(t)
	seen := map[uint16]int{}
	n.losing(func(c vnet.Chunk) bool {
		h, ok := media(c)
		if !ok || !h.marker {
			return false
		}
		seen[h.seq]++
		return seen[h.seq] <= 1+int(h.seq)%3
	})
	for i := uint32(1); i < 20; i++ {
		write(t, out, numbered(i, false, 2000))
		f := read(t, in) // the next is not sent before
		if got, _ := number(t, f.Data); got != i || f.Lost {
			t.Fatal("frame", got, f.Lost)
		}
	}
}

// What is sent again arrives behind hundreds of younger packets and is taken
// all the same: SRTP's usual window of 64 would call it a replay.
func TestResentIsNoReplay(t *testing.T) {
	n := newNetwork(t, 30*time.Millisecond)
	out, in := onNetwork(t, n).track(t)
	// The machine may be slower than the receiver is patient; not every time.
	for i := uint32(1); i < 60; i += 3 {
		chosen := false
		n.losing(func(c vnet.Chunk) bool {
			h, ok := media(c)
			if !ok || chosen || n.sent[h.seq] != 1 {
				return false
			}
			chosen = true
			return true
		})
		write(t, out, numbered(i, true, 3000))
		write(t, out, numbered(i+1, true, 300_000))
		write(t, out, numbered(i+2, true, 10))
		for {
			got, _ := number(t, read(t, in).Data)
			if got == i {
				return
			}
			if got == i+2 {
				break
			}
		}
	}
	t.Error("no packet that was sent again was taken")
}

// A packet that never comes is asked for so often and no more; then the frame
// is given up, and the refresh request is repeated until it is heard.
func TestGivenUp(t *testing.T) {
	n := newNetwork(t, 30*time.Millisecond)
	e := onNetwork(t, n)
	out, in := e.track(t)
	var gone uint16
	var chosen bool
	deaf := 0
	n.losing(func(c vnet.Chunk) bool {
		h, ok := media(c)
		if ok && !chosen && n.sent[h.seq] == 1 {
			gone, chosen = h.seq, true
		}
		if ok && h.seq == gone {
			return true
		}
		// A refresh request is RTCP from B; the first ones are lost with all else.
		if b := c.UserData(); strings.HasPrefix(c.SourceAddr().String(), addrB) && len(b) > 1 && b[0]>>6 == 2 && b[1] == 206 && deaf < 3 {
			deaf++
			return true
		}
		return false
	})
	write(t, out, numbered(1, false, 3000))
	write(t, out, numbered(2, false, 100))
	f := read(t, in)
	if i, _ := number(t, f.Data); i != 2 || !f.Lost {
		t.Fatal("frame", i, f.Lost)
	}
	in.RequestRefresh() // nothing follows: the other end waits for us
	select {
	case <-out.Refresh():
	case <-within(t).Done():
		t.Fatal("the request was not repeated")
	}
	write(t, out, numbered(3, true, 3000))
	if i, alone := number(t, read(t, in).Data); i != 3 || !alone {
		t.Fatal("frame", i)
	}
	if got := n.transmissions(gone); got < 2 || got > 1+rtc.NackLimit {
		t.Errorf("sent %d times", got)
	}
}

// A reader who is busy for a while misses nothing: what comes again meanwhile
// is not too late.
func TestBusyReader(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 30*time.Millisecond)
	out, in := onNetwork(t, n).track(t)
	const frames = 12
	seen := map[uint16]bool{}
	n.losing(func(c vnet.Chunk) bool {
		h, ok := media(c)
		first := ok && !seen[h.seq]
		if first {
			seen[h.seq] = true
		}
		return first && (len(seen) == 5 || len(seen) == 17) // of 2 packets a frame
	})
	for i := range uint32(frames) {
		write(t, out, numbered(i+1, true, 2000))
	}
	time.Sleep(600 * time.Millisecond) // busy, for longer than a gap may last
	for i := range uint32(frames) {
		f := read(t, in)
		if got, _ := number(t, f.Data); got != i+1 || f.Lost {
			t.Fatalf("frame %d in place of %d, lost %v", got, i+1, f.Lost)
		}
	}
}
