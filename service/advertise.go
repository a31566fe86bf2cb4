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
	addrs, err := net.InterfaceAddrs()
	if err == nil {
		for _, a := range addrs {
			n, ok := a.(*net.IPNet)
			if ok && n.IP.IsGlobalUnicast() && len(out) < wire.MaxServiceAddrs-1 {
				out = append(out, net.JoinHostPort(n.IP.String(), port))
			}
		}
	}
	return append(out, net.JoinHostPort("127.0.0.1", port))
}
