package service

import (
	"net"

	"viewflip.app/wire"
)

// Advertise lists the addresses, host:port, under which others may reach a
// listener: its own, or for a listener on all interfaces those of this
// machine, global ones first and loopback last; at most wire.MaxServiceAddrs.
func Advertise(at net.Addr) []string {
	host, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return []string{at.String()}
	}
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() {
		return []string{at.String()}
	}
	var out []string
	for _, a := range OwnAddresses() {
		if len(out) < wire.MaxServiceAddrs-1 {
			out = append(out, net.JoinHostPort(a, port))
		}
	}
	return append(out, net.JoinHostPort("127.0.0.1", port))
}

// OwnAddresses lists this machine's global unicast addresses, without ports;
// none where the system does not tell.
func OwnAddresses() []string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			out = append(out, n.IP.String())
		}
	}
	return out
}
