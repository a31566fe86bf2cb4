package relay

import (
	"net"
	"net/netip"
	"strconv"
)

// maxAdvertised is how many addresses of a service clients try its relay at: each
// one costs every connection two allocations.
const maxAdvertised = 2

// URLs are those of a relay that shares the TCP port of a service reached at these
// host:port, and has the UDP port udp; 0 means none.
func URLs(service []string, udp int) []string {
	var out []string
	for _, a := range service[:min(len(service), maxAdvertised)] {
		host, _, err := net.SplitHostPort(a)
		if err != nil {
			continue
		}
		if udp != 0 {
			at := net.JoinHostPort(host, strconv.Itoa(udp))
			out = append(out, "stun:"+at, "turn:"+at+"?transport=udp")
		}
		out = append(out, "turns:"+a+"?transport=tcp")
	}
	return out
}

// Addresses picks from host:port the first IPv4 and the first IPv6 address; names
// are none.
func Addresses(service []string) []netip.Addr {
	var four, six netip.Addr
	for _, a := range service {
		host, _, err := net.SplitHostPort(a)
		if err != nil {
			continue
		}
		ip, err := netip.ParseAddr(host)
		if err != nil || ip.Zone() != "" {
			continue
		}
		if ip = ip.Unmap(); ip.Is4() && !four.IsValid() {
			four = ip
		} else if ip.Is6() && !six.IsValid() {
			six = ip
		}
	}
	var out []netip.Addr
	for _, ip := range []netip.Addr{four, six} {
		if ip.IsValid() {
			out = append(out, ip)
		}
	}
	return out
}
