package service

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// idleAddresses is how many addresses without a connection are remembered.
	idleAddresses = 4096
	// addressMemory is how long one is remembered at least, if there is room:
	// by then its buckets are full again.
	addressMemory = time.Minute
)

// address is one IPv4 address or IPv6 /64 that connects to the service. It is
// kept in memory only, and only while it matters.
type address struct {
	network  netip.Prefix
	conns    int       // guarded by addresses.mu
	seen     time.Time // guarded by addresses.mu
	connects *rate.Limiter
	requests *rate.Limiter
	logins   *rate.Limiter
}

// addresses is the bounded table of them.
type addresses struct {
	limits Limits
	now    func() time.Time

	mu    sync.Mutex
	total int
	table map[netip.Prefix]*address
}

func newAddresses(l Limits, now func() time.Time) *addresses {
	return &addresses{limits: l, now: now, table: make(map[netip.Prefix]*address)}
}

func newLimiter(r Rate) *rate.Limiter { return rate.NewLimiter(rate.Limit(r.PerSecond), r.Burst) }

// network is what counts as one address.
func network(a net.Addr) (netip.Prefix, bool) {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}, false
	}
	ip := t.AddrPort().Addr().Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, err := ip.Prefix(bits)
	return p, err == nil
}

// admit counts a new connection, or refuses it.
func (t *addresses) admit(from net.Addr) (*address, bool) {
	key, ok := network(from)
	if !ok {
		return nil, false
	}
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.table[key]
	if a == nil {
		if len(t.table) >= t.limits.Connections+idleAddresses {
			t.forget(now)
		}
		a = &address{network: key, connects: newLimiter(t.limits.Connects), requests: newLimiter(t.limits.RequestsPerAddress), logins: newLimiter(t.limits.Logins)}
		t.table[key] = a
	}
	a.seen = now
	if t.total >= t.limits.Connections || a.conns >= t.limits.ConnectionsPerAddress || !a.connects.AllowN(now, 1) {
		return nil, false
	}
	a.conns++
	t.total++
	return a, true
}

// forget makes room: first by age, then by any address without a connection,
// of which there are at least idleAddresses.
func (t *addresses) forget(now time.Time) {
	before := len(t.table)
	for _, age := range []time.Duration{addressMemory, 0} {
		for k, a := range t.table {
			if a.conns == 0 && now.Sub(a.seen) >= age {
				delete(t.table, k)
			}
		}
		if len(t.table) < before {
			return
		}
	}
}

func (t *addresses) release(a *address) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a.conns--
	t.total--
}

// sweep forgets addresses that do not matter any more.
func (t *addresses) sweep() {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, a := range t.table {
		if a.conns == 0 && now.Sub(a.seen) >= addressMemory {
			delete(t.table, k)
		}
	}
}

// listener admits connections.
type listener struct {
	net.Listener
	addresses *addresses
	refused   func()
}

// Accept returns the next connection that is within the limits.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if a, ok := l.addresses.admit(c.RemoteAddr()); ok {
			return &counted{Conn: c, address: a, table: l.addresses}, nil
		}
		_ = c.Close()
		l.refused()
	}
}

// counted gives its place back when it is closed.
type counted struct {
	net.Conn
	address *address
	table   *addresses
	once    sync.Once
}

// Close closes the connection.
func (c *counted) Close() error {
	c.once.Do(func() { c.table.release(c.address) })
	return c.Conn.Close()
}
