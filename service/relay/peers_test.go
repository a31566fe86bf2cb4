package relay

import (
	"net"
	"net/netip"
	"testing"
)

func none(uint16) bool { return false }

// Every address that is not of the public internet is refused, in every way to
// write it (OWASP ASVS 17.1.1, CVE-2020-26262).
func TestPeers(t *testing.T) {
	p := newPeers([]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}, true, nil, none)
	for _, s := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "100.100.100.200", "127.0.0.1", "127.1.2.3",
		"169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.2", "192.88.99.1", "192.168.0.1",
		"192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
		"255.255.255.255",
		"::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:7f00:1", "64:ff9b::7f00:1",
		"64:ff9b::8.8.8.8", "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:10::1", "2001:20::1", "2001:db8::2",
		"2002:7f00:1::1", "2002:a00:1::", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "febf::1",
		"fec0::1", "ff02::1", "ff0e::1", "1::1",
	} {
		if p.address(net.ParseIP(s)) {
			t.Error(s, "is a peer")
		}
	}
	for _, s := range []string{"8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "223.255.255.255", "::ffff:8.8.8.8", "2001:4860:4860::8888", "2a00::1"} {
		if !p.address(net.ParseIP(s)) {
			t.Error(s, "is no peer")
		}
	}
	for _, ip := range []net.IP{nil, {}, {1, 2, 3}, make(net.IP, 17)} {
		if p.address(ip) {
			t.Error(ip, "is a peer")
		}
	}
}

// What an operator allows is a peer, whatever else is not; some never are.
func TestPeersAllowed(t *testing.T) {
	p := newPeers([]netip.Addr{netip.MustParseAddr("192.0.2.1")}, true,
		prefixes("192.168.0.0/16", "fd00::/8", "169.254.0.0/16", "0.0.0.0/0", "::/0"), none)
	for _, s := range []string{"192.168.1.1", "fd00::1", "10.0.0.1", "127.0.0.1", "::1", "::ffff:192.168.1.1"} {
		if !p.address(net.ParseIP(s)) {
			t.Error(s, "is no peer")
		}
	}
	for _, s := range []string{"169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200", "0.0.0.0", "::", "224.0.0.1", "ff02::1",
		"fe80::1", "255.255.255.255", "64:ff9b::c0a8:101", "2002:c0a8:101::1"} {
		if p.address(net.ParseIP(s)) {
			t.Error(s, "is a peer")
		}
	}
	p = newPeers(nil, false, prefixes("192.168.7.0/24"), none)
	if p.address(net.ParseIP("192.168.8.1")) || !p.address(net.ParseIP("192.168.7.1")) {
		t.Error("the allowed network has other bounds")
	}
	if p.address(net.ParseIP("8.8.8.8")) {
		t.Error("a closed relay has peers in the internet")
	}
}

// On our own addresses only allocations are peers; the machine's other addresses
// are none.
func TestPeersOwn(t *testing.T) {
	own := netip.MustParseAddr("192.0.2.1")
	p := newPeers([]netip.Addr{own}, true, nil, func(port uint16) bool { return port == 50000 })
	p.host[netip.MustParseAddr("8.8.4.4")] = true
	for addr, want := range map[string]bool{
		"192.0.2.1:50000": true, "192.0.2.1:50001": false, "192.0.2.1:22": false, "8.8.8.8:50001": true, "8.8.8.8:0": false, "8.8.4.4:50000": false,
		"10.0.0.1:50000": false, "[::ffff:192.0.2.1]:22": false,
	} {
		if got := p.endpoint(net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr))); got != want {
			t.Error(addr, got)
		}
	}
	if p.endpoint(&net.TCPAddr{IP: net.IPv4(8, 8, 8, 8), Port: 1}) {
		t.Error("TCP is relayed")
	}
}

func TestUsers(t *testing.T) {
	if _, who, ok := parseUser("1700000000:abcdefghijklmnopqrstuvwxyz"); !ok || who != "abcdefghijklmnopqrstuvwxyz" {
		t.Error(who, ok)
	}
	for _, s := range []string{
		"", ":", "1700000000", "1700000000:", "abcdefghijklmnopqrstuvwxyz", "-1:abcdefghijklmnopqrstuvwxyz", "1:abc", "0x1:abcdefghijklmnopqrstuvwxyz",
		"1234567890123:abcdefghijklmnopqrstuvwxyz", "1:ABCDEFGHIJKLMNOPQRSTUVWXYZ", "1:abcdefghijklmnopqrstuvwx:z", "1 :abcdefghijklmnopqrstuvwxyz",
	} {
		if _, _, ok := parseUser(s); ok {
			t.Errorf("%q was taken", s)
		}
	}
}

func FuzzUser(f *testing.F) {
	f.Add("1700000000:abcdefghijklmnopqrstuvwxyz")
	f.Fuzz(func(t *testing.T, s string) {
		if _, who, ok := parseUser(s); ok && len(who) != pseudonymText {
			t.Fatal(who)
		}
	})
}
