package rtc_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"viewflip.app/rtc"
)

func TestProbe(t *testing.T) {
	s := overTLS(t)
	good, _, err := s.servers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	silent, err := net.ListenPacket("udp", "127.0.0.1:0") // as behind a firewall
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	r, err := rtc.Probe(within(t), append(good, rtc.ICEServer{URLs: []string{"stun:" + silent.LocalAddr().String()}}))
	if err != nil || r.STUN != 1 || r.Answered != 0 || r.NAT != rtc.NATUnknown || r.RelayTCP != 1 || r.Relays != 1 {
		t.Errorf("%+v %v", r, err)
	}
	if n := s.Allocations(); n != 0 {
		for end := time.Now().Add(patience); s.Allocations() != 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the probe left an allocation")
			}
		}
	}
	s.pin[5] ^= 1
	if r, err = rtc.Probe(within(t), good); err != nil || r.RelayTCP != 0 || !errors.Is(r.Err, rtc.ErrPin) {
		t.Errorf("%+v %v", r, err)
	}
}

func TestNATKinds(t *testing.T) {
	at := func(s string) *net.UDPAddr {
		a, err := net.ResolveUDPAddr("udp", s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	own := map[string]bool{"8.8.8.8": true}
	for name, c := range map[string]struct {
		seen []*net.UDPAddr
		want rtc.NAT
	}{
		"none":            {[]*net.UDPAddr{at("8.8.8.8:5000")}, rtc.NATNone},
		"one destination": {[]*net.UDPAddr{at("9.9.9.9:6000")}, rtc.NATUnknown},
		"cone":            {[]*net.UDPAddr{at("9.9.9.9:6000"), at("9.9.9.9:6000")}, rtc.NATCone},
		"symmetric":       {[]*net.UDPAddr{at("9.9.9.9:6000"), at("9.9.9.9:6001")}, rtc.NATSymmetric},
		"symmetric first": {[]*net.UDPAddr{at("9.9.9.9:6000"), at("9.9.9.9:6001"), at("9.9.9.9:6001")}, rtc.NATSymmetric},
	} {
		if got := rtc.KindOfNAT(5000, own, c.seen); got != c.want {
			t.Error(name, got)
		}
	}
}
