package rtc_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
	"github.com/pion/transport/v5/vnet"

	"viewflip.app/rtc"
	"viewflip.app/service"
	"viewflip.app/service/relay"
	"viewflip.app/wire"
)

// station is a relay that serves to the end of the test.
type station struct {
	*relay.Server
	pin   [32]byte
	asked atomic.Int32
}

// servers is Options.Relay for one device.
func (s *station) servers(context.Context) ([]rtc.ICEServer, time.Time, error) {
	c := s.Issue(wire.Address{byte(s.asked.Add(1))})
	return []rtc.ICEServer{{URLs: c.URLs, Username: c.User, Credential: c.Password, Pin: &s.pin}}, time.Unix(c.Expires, 0), nil
}

func (s *station) serve(t *testing.T, cfg relay.Config, split *relay.Split) {
	t.Helper()
	cfg.Secret = bytes.Repeat([]byte("s"), 32)
	var err error
	if s.Server, err = relay.New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var ln net.Listener
	if split != nil {
		ln = split.TURN()
		wg.Go(func() { _ = split.Serve() })
	}
	wg.Go(func() {
		if err := s.Serve(ctx, ln); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		if split != nil {
			_ = split.Close()
		}
		wg.Wait()
	})
}

// overTLS is a relay on this machine that only TLS leads to, and that has no peers
// but its own allocations.
func overTLS(t *testing.T) *station {
	t.Helper()
	cert, err := service.LoadOrCreateCertificate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pin, err := service.Pin(cert)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	split := relay.NewSplit(ln, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}, 10*time.Second)
	s := &station{pin: pin}
	at := []string{ln.Addr().String()}
	s.serve(t, relay.Config{URLs: relay.URLs(at, 0), Addresses: relay.Addresses(at)}, split)
	return s
}

// noUDP is this machine behind a firewall that drops all UDP.
type noUDP struct{ transport.Net }

func newNoUDP(t *testing.T) transport.Net {
	t.Helper()
	n, err := stdnet.NewNet()
	if err != nil {
		t.Fatal(err)
	}
	return noUDP{n}
}

func (n noUDP) ListenUDP(network string, a *net.UDPAddr) (transport.UDPConn, error) {
	c, err := n.Net.ListenUDP(network, a)
	if err != nil {
		return nil, err
	}
	return deadUDP{c}, nil
}

func (n noUDP) ListenPacket(network, a string) (net.PacketConn, error) {
	u, err := net.ResolveUDPAddr(network, a)
	if err != nil {
		return nil, err
	}
	return n.ListenUDP(network, u)
}

type deadUDP struct{ transport.UDPConn }

func (d deadUDP) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), nil }

func (d deadUDP) Write(b []byte) (int, error) { return len(b), nil }

func (d deadUDP) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		if _, _, err := d.UDPConn.ReadFrom(b); err != nil {
			return 0, nil, err
		}
	}
}

// joined waits for both and shows that a message passes each way.
func (e *ends) joined(t *testing.T) {
	t.Helper()
	ctx := within(t)
	for _, p := range []*rtc.Peer{e.a, e.b} {
		select {
		case <-p.Connected():
		case err := <-e.errs:
			t.Fatal(err)
		case <-ctx.Done():
			t.Fatal("not connected")
		}
	}
	for _, p := range [][2]*rtc.Peer{{e.a, e.b}, {e.b, e.a}} {
		if err := p[0].Send([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		if m, err := p[1].Recv(ctx); err != nil || string(m.Data) != "hello" {
			t.Fatal(string(m.Data), err)
		}
	}
}

// path asserts what kind of candidates are in use.
func (e *ends) path(t *testing.T, want string) {
	t.Helper()
	if got := rtc.Path(e.a); !strings.Contains(got, want) {
		t.Errorf("the path is %s, not by %s", got, want)
	}
}

// With iceTransportPolicy relay, data channels and pictures pass through the relay.
func TestRelayOnly(t *testing.T) {
	s := overTLS(t)
	o := rtc.Options{Relay: s.servers, RelayOnly: true}
	e := pair(t, o, o, nil)
	e.joined(t)
	e.path(t, "relay")
	if n := s.Allocations(); n < 2 {
		t.Error(n, "allocations")
	}
	out, in := e.track(t)
	for i := range uint32(20) {
		write(t, out, numbered(i+1, true, 20000))
	}
	for {
		if i, _ := number(t, read(t, in).Data); i == 20 {
			break
		}
	}
}

// Where a firewall drops all UDP, the call goes over TURN and TLS to the one port
// of the service.
func TestUDPBlocked(t *testing.T) {
	s := overTLS(t)
	e := pair(t, rtc.Options{Relay: s.servers, Net: newNoUDP(t)}, rtc.Options{Relay: s.servers, Net: newNoUDP(t)}, nil)
	e.joined(t)
	e.path(t, "relay")
}

// Where UDP is dropped and there is no relay, TCP leads to a peer that can be
// reached.
func TestICETCP(t *testing.T) {
	listen := func() net.Listener {
		ln, err := net.Listen("tcp", ":0")
		if err != nil {
			t.Fatal(err)
		}
		return ln
	}
	ln := listen()
	at := ln.Addr().String()
	e := pair(t, rtc.Options{Net: newNoUDP(t), TCP: ln}, rtc.Options{Net: newNoUDP(t), TCP: listen()}, nil)
	e.joined(t)
	e.path(t, "tcp")
	e.stop()
	again, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal("the listener was left open:", err)
	}
	_ = again.Close()
}

// A relay with another key than the service's gets no credentials, and no call.
func TestRelayPin(t *testing.T) {
	t.Parallel()
	s := overTLS(t)
	s.pin[0] ^= 1
	o := rtc.Options{Relay: s.servers, RelayOnly: true}
	e := pair(t, o, o, nil)
	select {
	case <-e.a.Connected():
		t.Error("connected by a relay with a wrong key")
	case <-e.errs:
	case <-within(t).Done():
		t.Error("still trying")
	}
	if n := s.Allocations(); n != 0 {
		t.Error(n, "allocations")
	}
}

// A relay that is away costs two seconds, not the call.
func TestRelayAway(t *testing.T) {
	t.Parallel()
	away := func(ctx context.Context) ([]rtc.ICEServer, time.Time, error) {
		<-ctx.Done()
		return nil, time.Time{}, ctx.Err()
	}
	fails := func(context.Context) ([]rtc.ICEServer, time.Time, error) {
		return nil, time.Time{}, errors.New("away")
	}
	pair(t, rtc.Options{Relay: away}, rtc.Options{Relay: fails}, nil).joined(t)
}

const relayAddr = "1.2.3.4"

// internet is a virtual one, with a relay and two machines behind NATs.
type internet struct {
	a, b  *vnet.Net
	relay *station
	wan   *vnet.Router

	lost  atomic.Bool  // all packets are
	ahead atomic.Int64 // of the relay's clock, ns
}

func newInternet(t *testing.T, nat vnet.NATType) *internet {
	t.Helper()
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	router := func(cidr string, ips ...string) *vnet.Router {
		cfg := &vnet.RouterConfig{CIDR: cidr, StaticIPs: ips, LoggerFactory: quiet, QueueSize: 10000}
		if len(ips) > 0 {
			cfg.NATType = &nat
		}
		r, err := vnet.NewRouter(cfg)
		must(err)
		return r
	}
	machine := func(r *vnet.Router, ip string) *vnet.Net {
		n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
		must(err)
		must(r.AddNet(n))
		return n
	}
	in := &internet{wan: router("0.0.0.0/0")}
	left, right := router("192.168.0.0/24", "27.1.1.1"), router("10.2.0.0/24", "28.1.1.1")
	must(in.wan.AddRouter(left))
	must(in.wan.AddRouter(right))
	in.a, in.b = machine(left, "192.168.0.2"), machine(right, "10.2.0.2")
	server := machine(in.wan, relayAddr)
	in.wan.AddChunkFilter(func(vnet.Chunk) bool { return !in.lost.Load() })
	must(in.wan.Start())
	t.Cleanup(func() { _ = in.wan.Stop() })
	udp, err := server.ListenPacket("udp4", relayAddr+":3478")
	must(err)
	in.relay = &station{}
	in.relay.serve(t, relay.Config{
		URLs: []string{"stun:" + relayAddr + ":3478", "turn:" + relayAddr + ":3478?transport=udp"}, Addresses: []netip.Addr{netip.MustParseAddr(relayAddr)},
		Clock:  func() time.Time { return time.Now().Add(time.Duration(in.ahead.Load())) },
		Public: true, UDP: udp, MinPort: 50000, MaxPort: 50100, Listen: server.ListenPacket,
	}, nil)
	return in
}

func symmetric() vnet.NATType {
	return vnet.NATType{MappingBehavior: vnet.EndpointAddrPortDependent, FilteringBehavior: vnet.EndpointAddrPortDependent, MappingLifeTime: time.Minute}
}

// Behind symmetric NATs on both sides, the relay alone connects.
func TestSymmetricNATs(t *testing.T) {
	in := newInternet(t, symmetric())
	e := pair(t, rtc.Options{Net: in.a, Relay: in.relay.servers}, rtc.Options{Net: in.b, Relay: in.relay.servers}, nil)
	e.joined(t)
	e.path(t, "relay")
}

// Behind NATs with one mapping for all, the path is direct, and the relay only
// told the addresses.
func TestConeNATs(t *testing.T) {
	in := newInternet(t, vnet.NATType{
		MappingBehavior: vnet.EndpointIndependent, FilteringBehavior: vnet.EndpointAddrPortDependent, MappingLifeTime: time.Minute,
	})
	e := pair(t, rtc.Options{Net: in.a, Relay: in.relay.servers}, rtc.Options{Net: in.b, Relay: in.relay.servers}, nil)
	e.joined(t)
	ctx := within(t)
	for got := ""; ; {
		if got = rtc.Path(e.a); !strings.Contains(got, "relay") {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("the path is still", got)
		}
	}
}

// After an ICE restart the newest credentials begin the allocations: the server
// knows no others any more.
func TestRestartRenewsCredentials(t *testing.T) {
	t.Parallel()
	in := newInternet(t, symmetric())
	var asked atomic.Int32
	servers := func(ctx context.Context) ([]rtc.ICEServer, time.Time, error) {
		s, _, err := in.relay.servers(ctx)
		asked.Add(1)
		return s, time.Now(), err // which means as soon as possible
	}
	e := pair(t, rtc.Options{Net: in.a, Relay: servers}, rtc.Options{Net: in.b, Relay: servers}, nil)
	e.joined(t)
	in.ahead.Store(int64(6 * time.Minute)) // those of the beginning have expired
	ctx := within(t)
	for before := asked.Load(); asked.Load() < before+4; { // each end has asked again
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("no new credentials")
		}
	}
	in.lost.Store(true)
	becomes(t, e.a, rtc.StateInterrupted)
	in.lost.Store(false)
	becomes(t, e.a, rtc.StateConnected)
	e.joined(t)
	e.path(t, "relay")
}
