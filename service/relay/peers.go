package relay

import (
	"net"
	"net/netip"
)

// never are peers that no configuration allows: whoever answers there is not
// somebody in a call. 169.254.169.254, fd00:ec2::254 and 100.100.100.200 are where
// clouds tell a machine its secrets.
func never() []netip.Prefix {
	return prefixes("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "100.100.100.200/32",
		"::/128", "fe80::/10", "fec0::/10", "ff00::/8", "fd00:ec2::254/128", "::ffff:0:0:0/96", "64:ff9b::/96",
		"64:ff9b:1::/48", "2001::/32", "2002::/16")
}

// special are the IPv4 addresses that are not of the public internet, and the
// exceptions within the 2000::/3 that is (RFC 6890, the registries of IANA).
func special() []netip.Prefix {
	return prefixes("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"2001::/23", "2001:db8::/32", "3fff::/20")
}

func prefixes(s ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(s))
	for i := range s {
		out[i] = netip.MustParsePrefix(s[i])
	}
	return out
}

// peers decides whom the relay sends to and hears.
type peers struct {
	never, special, allow []netip.Prefix
	public                bool // the public internet has peers
	// own are the relayed addresses: what is sent there reaches another
	// allocation, or nobody. host are the others of this machine.
	own, host map[netip.Addr]bool
	// relayed reports whether a port of an own address is an allocation's.
	relayed func(port uint16) bool
}

func newPeers(own []netip.Addr, public bool, allow []netip.Prefix, relayed func(uint16) bool) *peers {
	p := &peers{public: public, never: never(), special: special(), allow: allow, own: map[netip.Addr]bool{}, host: map[netip.Addr]bool{}, relayed: relayed}
	for _, a := range own {
		p.own[a] = true
	}
	list, err := net.InterfaceAddrs()
	if err != nil {
		return p // then only the lists above count
	}
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				p.host[ip.Unmap()] = true
			}
		}
	}
	return p
}

func in(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// address decides on an address whatever the port.
func (p *peers) address(ip net.IP) bool {
	a, ok := netip.AddrFromSlice(ip)
	if !ok {
		return false
	}
	// An IPv4-mapped address is judged by the one in it: the system would send
	// there.
	switch a = a.Unmap(); {
	case in(p.never, a):
		return false
	case p.own[a] || in(p.allow, a):
		return true
	case !p.public || p.host[a] || in(p.special, a):
		return false
	case a.Is4():
		return true
	default:
		return a.As16()[0]>>5 == 1 // 2000::/3, all that is assigned
	}
}

// endpoint decides on one address and port. On our own addresses only other
// allocations are peers, unless the operator allowed the address itself.
func (p *peers) endpoint(a net.Addr) bool {
	u, ok := a.(*net.UDPAddr)
	if !ok || u.Port == 0 || !p.address(u.IP) {
		return false
	}
	ip := u.AddrPort().Addr().Unmap()
	return !p.own[ip] || in(p.allow, ip) || p.relayed(uint16(u.Port))
}
