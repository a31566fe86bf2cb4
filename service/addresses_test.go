package service

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

func tcp(ip string) net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 1234))
}

func TestNetwork(t *testing.T) {
	for _, c := range []struct{ ip, want string }{
		{"192.0.2.7", "192.0.2.7/32"},
		{"::ffff:192.0.2.7", "192.0.2.7/32"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"fe80::1%eth0", "fe80::/64"},
	} {
		if p, ok := network(tcp(c.ip)); !ok || p.String() != c.want {
			t.Errorf("%s: %v", c.ip, p)
		}
	}
	if _, ok := network(&net.UnixAddr{}); ok {
		t.Error("a connection without an address")
	}
}

// However many addresses come, the table stays bounded, every connection is
// counted, and whoever is connected keeps their limits.
func TestAddressesBounded(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	l := Limits{Connections: 10, ConnectionsPerAddress: 2, Connects: Rate{1, 3}}.withDefaults()
	table := newAddresses(l, func() time.Time { return now })
	mine, ok := table.admit(tcp("192.0.2.1"))
	if !ok {
		t.Fatal("refused")
	}
	for i := range 3 * (idleAddresses + l.Connections) {
		a, ok := table.admit(tcp(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()))
		if !ok {
			t.Fatalf("address %d refused", i)
		}
		table.release(a)
		if n := len(table.table); n > idleAddresses+l.Connections {
			t.Fatalf("%d entries", n)
		}
	}
	if again, ok := table.admit(tcp("192.0.2.1")); !ok || again != mine {
		t.Error("a connected address was forgotten")
	}
	if _, ok := table.admit(tcp("192.0.2.1")); ok {
		t.Error("a third connection of one address")
	}
	table.release(mine)
	if _, ok := table.admit(tcp("192.0.2.1")); !ok {
		t.Error("the place of a closed connection is not free")
	}
	table.release(mine)
	if _, ok := table.admit(tcp("192.0.2.1")); ok {
		t.Error("too many connections in too short a time")
	}
	now = now.Add(time.Second)
	if _, ok := table.admit(tcp("192.0.2.1")); !ok {
		t.Error("refused for ever")
	}
	for i := range 8 {
		if _, ok := table.admit(tcp(netip.AddrFrom4([4]byte{10, 9, 9, byte(i)}).String())); !ok {
			t.Errorf("connection %d of ten refused", i+2)
		}
	}
	if _, ok := table.admit(tcp("10.8.8.8")); ok {
		t.Error("an eleventh connection")
	}
	now = now.Add(addressMemory)
	table.sweep()
	if n := len(table.table); n != 9 {
		t.Errorf("%d entries after the sweep, 9 are connected", n)
	}
}
