package relay

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/pion/turn/v5"
	"golang.org/x/time/rate"
)

const (
	// attempts is how many ports of the range are tried for one allocation.
	attempts = 32
	// longest is the largest datagram that is relayed, in bytes.
	longest = 1600
)

var (
	errNoPort      = errors.New("relay: there is no free port")
	errUnsupported = errors.New("relay: it relays UDP alone, of the families that it has addresses of")
)

// ports makes the relayed sockets: turn.RelayAddressGenerator.
type ports struct {
	cfg   *Config
	peers *peers

	mu   sync.Mutex
	open map[uint16]int // sockets by port; one for each family
	live map[*relayed]struct{}
	over bool
}

// Validate implements [turn.RelayAddressGenerator].
func (p *ports) Validate() error {
	four, six := 0, 0
	for _, a := range p.cfg.Addresses {
		switch {
		case a.Is4():
			four++
		case a.Is6() && !a.Is4In6() && a.Zone() == "":
			six++
		default:
			return errors.New("relay: an address is neither IPv4 nor IPv6")
		}
	}
	if four > 1 || six > 1 || four+six == 0 {
		return errors.New("relay: there must be one IPv4 or IPv6 address, or one of each")
	}
	return nil
}

// AllocatePacketConn implements [turn.RelayAddressGenerator]. A wanted port
// (EVEN-PORT, RESERVATION-TOKEN) must be free and in the range as any other.
func (p *ports) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	var own netip.Addr
	for _, a := range p.cfg.Addresses {
		if a.Is4() == (c.Network == "udp4") {
			own = a
		}
	}
	if !own.IsValid() || c.Network != "udp4" && c.Network != "udp6" {
		return nil, nil, errUnsupported
	}
	for range attempts {
		port := 0
		switch {
		case c.RequestedPort != 0:
			port = c.RequestedPort
			if p.cfg.MaxPort != 0 && (port < int(p.cfg.MinPort) || port > int(p.cfg.MaxPort)) {
				return nil, nil, errNoPort
			}
		case p.cfg.MaxPort != 0:
			port = int(p.cfg.MinPort) + rand.N(int(p.cfg.MaxPort)-int(p.cfg.MinPort)+1)
		}
		// Behind a NAT the address is not one of this machine's.
		conn, err := p.cfg.Listen(c.Network, net.JoinHostPort(own.String(), strconv.Itoa(port)))
		if err != nil {
			conn, err = p.cfg.Listen(c.Network, net.JoinHostPort("", strconv.Itoa(port)))
		}
		if err != nil {
			continue
		}
		u, ok := conn.LocalAddr().(*net.UDPAddr)
		if !ok {
			return nil, nil, errors.Join(errNoPort, conn.Close())
		}
		r := &relayed{PacketConn: conn, all: p, port: uint16(u.Port)}
		r.out, r.in = p.bucket(), p.bucket()
		if !p.add(r) {
			return nil, nil, errors.Join(net.ErrClosed, conn.Close())
		}
		return r, &net.UDPAddr{IP: own.AsSlice(), Port: u.Port}, nil
	}
	return nil, nil, errNoPort
}

func (p *ports) bucket() *rate.Limiter {
	n := p.cfg.Limits.BytesPerSecond
	return rate.NewLimiter(rate.Limit(n), max(n/4, longest))
}

// AllocateListener implements [turn.RelayAddressGenerator]: TCP (RFC 6062) is not
// relayed, no call needs it.
func (p *ports) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errUnsupported
}

// AllocateConn implements [turn.RelayAddressGenerator]; see AllocateListener.
func (p *ports) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) {
	return nil, errUnsupported
}

func (p *ports) add(r *relayed) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return false
	}
	if p.live == nil {
		p.live = map[*relayed]struct{}{}
	}
	p.live[r] = struct{}{}
	p.open[r.port]++
	return true
}

func (p *ports) remove(r *relayed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.live[r]; !ok {
		return
	}
	delete(p.live, r)
	if p.open[r.port]--; p.open[r.port] == 0 {
		delete(p.open, r.port)
	}
}

// has reports whether a port is an allocation's.
func (p *ports) has(port uint16) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open[port] > 0
}

// close ends every allocation, and makes no more.
func (p *ports) close() {
	p.mu.Lock()
	p.over = true
	var live []*relayed
	for r := range p.live {
		live = append(live, r)
	}
	p.mu.Unlock()
	for _, r := range live {
		_ = r.Close()
	}
}

// relayed is the socket of one allocation. What is over its rate, or goes to or
// comes from somebody who is no peer, is lost.
type relayed struct {
	net.PacketConn
	all     *ports
	port    uint16
	out, in *rate.Limiter
	once    sync.Once
}

// WriteTo implements [net.PacketConn].
func (r *relayed) WriteTo(b []byte, to net.Addr) (int, error) {
	if !r.all.peers.endpoint(to) || !r.out.AllowN(time.Now(), len(b)) {
		return len(b), nil
	}
	return r.PacketConn.WriteTo(b, to)
}

// ReadFrom implements [net.PacketConn].
func (r *relayed) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := r.PacketConn.ReadFrom(b)
		if err != nil || r.all.peers.endpoint(from) && r.in.AllowN(time.Now(), n) {
			return n, from, err
		}
	}
}

// Close implements [net.PacketConn]. Whoever closes second waits for the first.
func (r *relayed) Close() error {
	err := net.ErrClosed
	r.once.Do(func() {
		err = r.PacketConn.Close()
		r.all.remove(r)
	})
	return err
}
