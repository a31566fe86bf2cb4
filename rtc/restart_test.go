package rtc_test

import (
	"errors"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/transport/v5/vnet"

	"viewflip.app/rtc"
	"viewflip.app/wire"
)

// alive shows that messages of both channels and pictures pass both ways.
func (e *ends) alive(t *testing.T, out *rtc.OutTrack, in *rtc.InTrack, round uint32) {
	t.Helper()
	ctx := within(t)
	for _, p := range [][2]*rtc.Peer{{e.a, e.b}, {e.b, e.a}} {
		want := string(rune('a' + round))
		if err := p[0].Send([]byte(want)); err != nil {
			t.Fatal(err)
		}
		for {
			m, err := p[1].Recv(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if !m.Lossy {
				if string(m.Data) != want {
					t.Fatalf("%q, not %q", m.Data, want)
				}
				break
			}
		}
		// A lossy message may get lost; one of many does not.
		again := time.NewTicker(20 * time.Millisecond)
		got := make(chan error, 1)
		go func() {
			m, err := p[1].Recv(ctx)
			for err == nil && !m.Lossy {
				m, err = p[1].Recv(ctx)
			}
			got <- err
		}()
		for waiting := true; waiting; {
			select {
			case err := <-got:
				if err != nil {
					t.Fatal(err)
				}
				waiting = false
			case <-again.C:
				if err := p[0].SendLossy([]byte("move")); err != nil {
					t.Fatal(err)
				}
			}
		}
		again.Stop()
	}
	write(t, out, numbered(round, true, 20000))
	for {
		i, _ := number(t, read(t, in).Data)
		if i == round {
			return
		}
	}
}

// becomes waits until a peer tells of this state.
func becomes(t *testing.T, p *rtc.Peer, want rtc.State) {
	t.Helper()
	ctx := within(t)
	for {
		select {
		case s, ok := <-p.States():
			if !ok {
				t.Fatal("the connection ended")
			}
			if s == want {
				return
			}
		case <-ctx.Done():
			t.Fatal("still not in state", want)
		}
	}
}

// Who never answers is given up.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	for name, offerer := range map[string]bool{"offerer": true, "answerer": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := rtc.New(rtc.Options{Offerer: offerer}, &line{out: make(chan wire.Signal, 200), in: make(chan wire.Signal)})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Run(within(t)); !errors.Is(err, rtc.ErrFailed) {
				t.Error(err)
			}
		})
	}
}

// The network goes away or changes, and the connection goes on where it was:
// same channels, same tracks.
func TestNetworkChange(t *testing.T) {
	t.Parallel()
	move := func(t *testing.T, n *vnet.Net, from, to string) {
		t.Helper()
		if err := n.RemoveAddress("eth0", net.ParseIP(from)); err != nil {
			t.Fatal(err)
		}
		if err := n.AddAddress("eth0", &net.IPNet{IP: net.ParseIP(to), Mask: net.CIDRMask(24, 32)}); err != nil {
			t.Fatal(err)
		}
	}
	from := func(addr string) func(vnet.Chunk) bool {
		return func(c vnet.Chunk) bool { return strings.HasPrefix(c.SourceAddr().String(), addr+":") }
	}
	for name, change := range map[string]func(t *testing.T, n *network, e *ends){
		"down and up": func(t *testing.T, n *network, e *ends) {
			t.Helper()
			n.losing(func(vnet.Chunk) bool { return true })
			becomes(t, e.a, rtc.StateInterrupted)
			becomes(t, e.b, rtc.StateInterrupted)
			// So long that the first restart's checks are all given up.
			time.Sleep(6 * time.Second)
			n.losing(nil)
		},
		"offerer moves": func(t *testing.T, n *network, _ *ends) {
			t.Helper()
			n.losing(from(addrA))
			move(t, n.a, addrA, "10.0.0.12")
		},
		"answerer moves": func(t *testing.T, n *network, _ *ends) {
			t.Helper()
			n.losing(from(addrB))
			move(t, n.b, addrB, "10.0.0.13")
		},
		// As when a NAT forgets one direction: only a restart, which takes new
		// ports, helps, and only the answerer can know.
		"only the answerer notices": func(_ *testing.T, n *network, _ *ends) {
			n.mu.Lock()
			defer n.mu.Unlock()
			old := maps.Clone(n.ports)
			n.drop = func(c vnet.Chunk) bool { return old[c.SourceAddr().String()] }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t, 30*time.Millisecond)
			e := onNetwork(t, n)
			out, in := e.track(t)
			e.alive(t, out, in, 1)
			becomes(t, e.a, rtc.StateConnected)
			becomes(t, e.b, rtc.StateConnected)
			change(t, n, e)
			e.alive(t, out, in, 2)
			select {
			case err := <-e.errs:
				t.Fatal(err)
			default:
			}
		})
	}
}
