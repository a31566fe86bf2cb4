package relay

import (
	"net"
	"net/netip"
	"sync"
)

// quota counts allocations by user, by address, and all.
type quota struct {
	limits Limits

	mu      sync.Mutex
	held    map[string]*place // by the client's address and port
	users   map[string]int
	clients map[netip.Prefix]int
}

// place is that of one allocation; reserved before it is made.
type place struct {
	user string
	from netip.Prefix
	made bool
}

func newQuota(l Limits) *quota {
	return &quota{limits: l, held: map[string]*place{}, users: map[string]int{}, clients: map[netip.Prefix]int{}}
}

func key(a net.Addr) string { return a.Network() + " " + a.String() }

// network is what counts as one address.
func network(a net.Addr) (netip.Prefix, bool) {
	var ip netip.Addr
	switch a := a.(type) {
	case *net.TCPAddr:
		ip = a.AddrPort().Addr()
	case *net.UDPAddr:
		ip = a.AddrPort().Addr()
	}
	ip = ip.Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, err := ip.Prefix(bits)
	return p, err == nil
}

// reserve takes a place for an allocation that is about to be made.
func (q *quota) reserve(user string, from net.Addr) bool {
	net, ok := network(from)
	if !ok {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held[key(from)] != nil {
		return false
	}
	l := q.limits
	if len(q.held) >= l.Total || q.users[user] >= l.PerUser || q.clients[net] >= l.PerAddress {
		return false
	}
	q.held[key(from)] = &place{user: user, from: net}
	q.users[user]++
	q.clients[net]++
	return true
}

func (q *quota) confirm(from net.Addr) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if p := q.held[key(from)]; p != nil {
		p.made = true
	}
}

// failed gives back the place of an allocation that was not made. Requests of
// one client come one after the other.
func (q *quota) failed(from net.Addr) {
	q.mu.Lock()
	p := q.held[key(from)]
	unmade := p != nil && !p.made
	q.mu.Unlock()
	if unmade {
		q.release(from)
	}
}

func (q *quota) release(from net.Addr) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := q.held[key(from)]
	if p == nil {
		return
	}
	delete(q.held, key(from))
	if q.users[p.user]--; q.users[p.user] == 0 {
		delete(q.users, p.user)
	}
	if q.clients[p.from]--; q.clients[p.from] == 0 {
		delete(q.clients, p.from)
	}
}

func (q *quota) has(from net.Addr) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := q.held[key(from)]
	return p != nil && p.made
}

func (q *quota) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.held)
}
