package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

const (
	realm = "viewflip"
	// beginTime is how long a TCP connection may be without an allocation, idle
	// how long one with an allocation may say nothing: it is renewed more often.
	beginTime = 20 * time.Second
	idleTime  = 6 * time.Minute
)

// Limits bound what anybody can make the relay do. A zero field means the default.
type Limits struct {
	// PerUser, PerAddress and Total are how many allocations one device has, one
	// IPv4 address or IPv6 /64, and all together; 128, 256 and 1024. A call of 16
	// needs up to eight for each connection.
	PerUser, PerAddress, Total int
	// BytesPerSecond bounds each direction of one allocation, after a burst of a
	// quarter of a second; 4 MiB. What is over is lost, as on a slow line.
	BytesPerSecond int
}

func (l Limits) withDefaults() Limits {
	or := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	or(&l.PerUser, 128)
	or(&l.PerAddress, 256)
	or(&l.Total, 1024)
	or(&l.BytesPerSecond, 4<<20)
	return l
}

// Config is what a Server is made from.
type Config struct {
	// Secret makes credentials; at least 16 bytes, the same on all nodes. Required.
	Secret []byte
	// URLs are where clients reach this server, one to wire.MaxRelayURLs. turns:
	// leads to the port of the service, whose pin clients verify. Required.
	URLs []string
	// Addresses are what peers see: at most one IPv4 and one IPv6 address. Required.
	Addresses []netip.Addr
	// MinPort and MaxPort bound the relayed UDP ports; both 0 leave the choice to
	// the system.
	MinPort, MaxPort uint16
	// Public makes peers of all addresses of the public internet. Without it only
	// other allocations of this server are peers: enough where both ends of every
	// call have credentials for it.
	Public bool
	// Allow are networks that are peers though they are not public: for a relay
	// that serves a local network.
	Allow  []netip.Prefix
	Limits Limits
	// UDP is the socket for clients, which the server owns; nil for TCP alone.
	UDP net.PacketConn
	// Listen opens a relayed socket; nil means the system's. Tests have networks
	// of their own.
	Listen func(network, address string) (net.PacketConn, error)
	// Log never gets an address or a user. Nil discards.
	Log *slog.Logger
	// Clock is time.Now if nil; it decides on expiry.
	Clock func() time.Time
}

// Server is a TURN server. Make one with New, and serve it once.
type Server struct {
	*Issuer
	cfg   Config
	log   *slog.Logger
	peers *peers
	quota *quota
	ports *ports
}

// New makes a server that is not running yet.
func New(cfg Config) (*Server, error) {
	iss, err := newIssuer(cfg.Secret, cfg.URLs, true)
	if err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Clock != nil {
		iss.now = cfg.Clock
	}
	if cfg.Listen == nil {
		cfg.Listen = net.ListenPacket
	}
	if cfg.MinPort > cfg.MaxPort || cfg.MinPort == 0 && cfg.MaxPort != 0 {
		return nil, errors.New("relay: the range of ports is empty")
	}
	cfg.Limits = cfg.Limits.withDefaults()
	s := &Server{Issuer: iss, cfg: cfg, log: cfg.Log, quota: newQuota(cfg.Limits)}
	s.ports = &ports{cfg: &s.cfg, open: map[uint16]int{}}
	if err := s.ports.Validate(); err != nil {
		return nil, err
	}
	s.peers = newPeers(cfg.Addresses, cfg.Public, cfg.Allow, s.ports.has)
	s.ports.peers = s.peers
	return s, nil
}

// Allocations is how many there are now.
func (s *Server) Allocations() int { return s.quota.count() }

// Serve relays for clients of ln, which it closes, and of Config.UDP, until ctx
// ends. ln is Split's TURN, and may be nil. Every allocation has ended when it
// returns.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled // it names addresses
	cfg := turn.ServerConfig{
		Realm: realm, LoggerFactory: quiet, AuthHandler: s.authenticate,
		QuotaHandler: func(user, _ string, from net.Addr) bool {
			ok := s.quota.reserve(user, from)
			if !ok {
				s.log.Debug("allocation over the quota")
			}
			return ok
		},
		EventHandler: turn.EventHandler{
			OnAllocationCreated: func(from, _ net.Addr, _, _, _ string, _ net.Addr, _ int) { s.quota.confirm(from) },
			OnAllocationDeleted: func(from, _ net.Addr, _, _, _ string) { s.quota.release(from) },
			OnAllocationError:   func(from, _ net.Addr, _, _ string) { s.quota.failed(from) },
		},
	}
	allowed := func(_ net.Addr, ip net.IP) bool {
		ok := s.peers.address(ip)
		if !ok {
			s.log.Debug("peer refused")
		}
		return ok
	}
	if s.cfg.UDP != nil {
		cfg.PacketConnConfigs = []turn.PacketConnConfig{{PacketConn: s.cfg.UDP, RelayAddressGenerator: s.ports, PermissionHandler: allowed}}
	}
	var conns *conns
	if ln != nil {
		conns = newConns(ln, s.quota)
		cfg.ListenerConfigs = []turn.ListenerConfig{{Listener: conns, RelayAddressGenerator: s.ports, PermissionHandler: allowed}}
	}
	srv, err := turn.NewServer(cfg)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	s.log.Info("relay started")
	<-ctx.Done()
	_ = srv.Close()
	if conns != nil {
		conns.cut()
	}
	s.ports.close()
	s.log.Info("relay stopped")
	return nil
}

// authenticate finds the key of a user. Credentials that expired still renew the
// allocation that they began, permissions and channels too: a call lasts longer.
func (s *Server) authenticate(ra *turn.RequestAttributes) (user string, key []byte, ok bool) {
	expires, pseudonym, ok := parseUser(ra.Username)
	if !ok || ra.Realm != realm {
		return "", nil, false
	}
	until := expires
	if ra.Method != stun.MethodAllocate {
		until = expires.Add(renewal)
	}
	if s.now().After(until) {
		return "", nil, false
	}
	return pseudonym, turn.GenerateAuthKey(ra.Username, ra.Realm, s.password(ra.Username)), true
}

// conns keeps the TCP connections of TURN clients, which Pion would leave open.
type conns struct {
	net.Listener
	quota *quota

	mu   sync.Mutex
	live map[*client]struct{}
	over bool
}

func newConns(ln net.Listener, q *quota) *conns {
	return &conns{Listener: ln, quota: q, live: map[*client]struct{}{}}
}

// Accept implements [net.Listener].
func (l *conns) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	out := &client{Conn: c, all: l, began: time.Now()}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	l.live[out] = struct{}{}
	return out, nil
}

func (l *conns) cut() {
	l.mu.Lock()
	l.over = true
	live := l.live
	l.live = map[*client]struct{}{}
	l.mu.Unlock()
	for c := range live {
		_ = c.Conn.Close()
	}
}

// client is one of them. It ends when nothing comes for too long.
type client struct {
	net.Conn
	all   *conns
	began time.Time
}

// Read implements [net.Conn].
func (c *client) Read(b []byte) (int, error) {
	until := c.began.Add(beginTime)
	if c.all.quota.has(c.RemoteAddr()) {
		until = time.Now().Add(idleTime)
	}
	if err := c.SetReadDeadline(until); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

// Write implements [net.Conn]. A client that takes nothing must not hold up the
// allocation for longer than its call would wait.
func (c *client) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(beginTime)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// Close implements [net.Conn].
func (c *client) Close() error {
	c.all.mu.Lock()
	delete(c.all.live, c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}
