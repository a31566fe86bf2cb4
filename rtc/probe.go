package rtc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

const (
	// probeRTO is the first wait for an answer; Pion asks seven times, each wait
	// twice as long, up to 1.6 s.
	probeRTO = 100 * time.Millisecond
	// probeEcho is how long a packet of our own through a relay is waited for.
	probeEcho  = 2 * time.Second
	probeAgain = 200 * time.Millisecond
)

// NAT is what is known of the address translation between here and the servers.
type NAT uint8

// The kinds. Behind a symmetric one each destination sees another port, so that
// nobody can be told where to send (RFC 5128, section 2.4).
const (
	NATUnknown NAT = iota
	NATNone
	NATCone
	NATSymmetric
)

// Reach is what Probe found out.
type Reach struct {
	// STUN is how many servers were asked by UDP, and Answered how many of them
	// answered.
	STUN, Answered int
	NAT            NAT
	// Relays is how many ways to a relay there are, RelayUDP and RelayTCP how many
	// of them by UDP and by TCP (with or without TLS) gave an allocation. Err is
	// what one that did not said, for people.
	Relays, RelayUDP, RelayTCP int
	Err                        error
}

// Probe asks servers as ICE would, without a call: whether STUN answers, what the
// NAT does, and whether the relays relay. It takes some seconds.
func Probe(ctx context.Context, servers []ICEServer) (Reach, error) {
	d := &dialer{}
	d.know(servers)
	p := &prober{dialer: d, quiet: logging.NewDefaultLoggerFactory()}
	p.quiet.DefaultLogLevel = logging.LogLevelDisabled
	sock, err := net.ListenUDP("udp", nil)
	if err != nil {
		return Reach{}, fmt.Errorf("rtc: probe: %w", err)
	}
	client, err := p.client(sock, "", ICEServer{})
	if err != nil {
		return Reach{}, errors.Join(err, sock.Close())
	}
	stop := context.AfterFunc(ctx, func() { _ = sock.Close() })
	defer func() { stop(); client.Close(); _ = sock.Close() }()
	p.sock, p.stun = sock, client
	// Where we are seen comes first: the relays are asked to look from elsewhere.
	for _, relays := range []bool{false, true} {
		var wg sync.WaitGroup
		for _, s := range servers {
			for _, text := range s.URLs {
				u, err := stun.ParseURI(text)
				if err == nil && relays == (u.Scheme != stun.SchemeTypeSTUN) {
					wg.Go(func() { p.ask(ctx, u, s) })
				}
			}
		}
		wg.Wait()
	}
	p.conclude()
	return p.reach, nil
}

// prober asks all servers by one socket: only so can answers be compared.
type prober struct {
	dialer *dialer
	quiet  *logging.DefaultLoggerFactory
	sock   *net.UDPConn
	stun   *turn.Client

	mu    sync.Mutex
	reach Reach
	seen  []*net.UDPAddr // where the socket is seen, by different destinations
}

func (p *prober) client(c net.PacketConn, addr string, s ICEServer) (*turn.Client, error) {
	out, err := turn.NewClient(&turn.ClientConfig{
		Conn: c, STUNServerAddr: addr, TURNServerAddr: addr, Username: s.Username, Password: s.Credential, LoggerFactory: p.quiet, RTO: probeRTO,
	})
	if err != nil {
		return nil, fmt.Errorf("rtc: probe: %w", err)
	}
	if err := out.Listen(); err != nil {
		return nil, fmt.Errorf("rtc: probe: %w", err)
	}
	return out, nil
}

func (p *prober) ask(ctx context.Context, u *stun.URI, s ICEServer) {
	addr := net.JoinHostPort(u.Host, strconv.Itoa(u.Port))
	if u.Scheme == stun.SchemeTypeSTUN {
		p.binding(addr)
		return
	}
	if u.Scheme != stun.SchemeTypeTURN && u.Scheme != stun.SchemeTypeTURNS || u.Scheme == stun.SchemeTypeTURNS && u.Proto == stun.ProtoTypeUDP {
		return
	}
	tcp := u.Proto == stun.ProtoTypeTCP
	err := p.relay(ctx, addr, tcp, s)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reach.Relays++
	switch {
	case err != nil:
		p.reach.Err = err
	case tcp:
		p.reach.RelayTCP++
	default:
		p.reach.RelayUDP++
	}
}

func (p *prober) binding(addr string) {
	p.mu.Lock()
	p.reach.STUN++
	p.mu.Unlock()
	to, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return
	}
	got, err := p.stun.SendBindingRequestTo(to)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.reach.Answered++
	p.mu.Unlock()
	p.see(got)
}

func (p *prober) see(a net.Addr) {
	if u, ok := a.(*net.UDPAddr); ok {
		p.mu.Lock()
		p.seen = append(p.seen, u)
		p.mu.Unlock()
	}
}

// relay makes an allocation, and asks it under which port the probe's socket is
// seen from there: another destination than the server's own.
func (p *prober) relay(ctx context.Context, addr string, tcp bool, s ICEServer) error {
	var conn net.PacketConn
	if tcp {
		c, err := p.dialer.Dial("tcp", addr)
		if err != nil {
			return err
		}
		conn = turn.NewSTUNConn(c)
	} else {
		c, err := listenFor(addr)
		if err != nil {
			return fmt.Errorf("rtc: probe: %w", err)
		}
		conn = c
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() { stop(); _ = conn.Close() }()
	c, err := p.client(conn, addr, s)
	if err != nil {
		return err
	}
	defer c.Close()
	relayed, err := c.Allocate()
	if err != nil {
		return fmt.Errorf("rtc: relay: %w", err)
	}
	defer func() { _ = relayed.Close() }()
	p.mu.Lock()
	seen := append([]*net.UDPAddr(nil), p.seen...)
	p.mu.Unlock()
	for _, own := range seen {
		if c.CreatePermission(own) != nil {
			continue // a private address: there is no NAT to learn of
		}
		word := []byte("viewflip probe")
		for end := time.Now().Add(probeEcho); time.Now().Before(end); {
			if _, err := p.sock.WriteTo(word, relayed.LocalAddr()); err != nil {
				break
			}
			_ = relayed.SetReadDeadline(time.Now().Add(probeAgain))
			b := make([]byte, 64)
			n, from, err := relayed.ReadFrom(b)
			if err == nil && string(b[:n]) == string(word) {
				p.see(from)
				return nil
			}
		}
		return nil
	}
	return nil
}

// listenFor opens a socket of the family of addr: Pion asks for an allocation of
// that family.
func listenFor(addr string) (*net.UDPConn, error) {
	to, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	if to.IP.To4() != nil {
		return net.ListenUDP("udp4", nil)
	}
	return net.ListenUDP("udp6", nil)
}

// conclude compares where the socket was seen.
func (p *prober) conclude() {
	at, ok := p.sock.LocalAddr().(*net.UDPAddr)
	if !ok || len(p.seen) == 0 {
		return
	}
	p.reach.NAT = kind(at.Port, ownAddresses(), p.seen)
}

func ownAddresses() map[string]bool {
	out := map[string]bool{}
	list, err := net.InterfaceAddrs()
	if err != nil {
		return out
	}
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			out[n.IP.String()] = true
		}
	}
	return out
}

// kind tells the NAT from where a socket with this local port was seen, by at least
// one destination.
func kind(port int, own map[string]bool, seen []*net.UDPAddr) NAT {
	ports := map[string]int{}
	out := NATNone
	for _, s := range seen {
		if out != NATSymmetric && (s.Port != port || !own[s.IP.String()]) {
			out = NATUnknown // one more destination must tell
		}
		if before, ok := ports[s.IP.String()]; ok && before != s.Port {
			out = NATSymmetric
		}
		ports[s.IP.String()] = s.Port
	}
	if out == NATUnknown && len(seen) > 1 {
		return NATCone
	}
	return out
}
