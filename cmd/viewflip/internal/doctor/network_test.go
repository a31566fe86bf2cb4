package doctor

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/platform"
	"viewflip.app/rtc"
	"viewflip.app/service"
	"viewflip.app/service/relay"
	"viewflip.app/wire"
)

// serviceWith runs a service with a relay on loopback to the end of the test.
func serviceWith(t *testing.T, change func(c *relay.Config, tcp, udp string)) wire.Service {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := []string{ln.Addr().String()}
	cfg := relay.Config{
		Secret: bytes.Repeat([]byte("s"), 32), UDP: udp, Addresses: relay.Addresses(at),
		URLs: relay.URLs(at, udp.LocalAddr().(*net.UDPAddr).Port),
	}
	if change != nil {
		change(&cfg, at[0], udp.LocalAddr().String())
	}
	r, err := relay.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := service.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	s, err := service.New(service.Config{Certificate: cert, Relay: r})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx, ln); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return wire.Service{Addrs: at, Pin: s.Pin()}
}

func diagnosis(t *testing.T, values map[string]string) map[string]platform.Capability {
	t.Helper()
	w := command.World{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Getenv: func(k string) string { return values[k] }}
	out := map[string]platform.Capability{}
	for _, l := range networkLines(t.Context(), w) {
		out[l.Name] = l
	}
	return out
}

// The doctor names what blocks a connection, and what to do.
func TestDoctorNetwork(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	good := serviceWith(t, nil)
	wrong := good
	wrong.Pin[0] ^= 1
	noUDP := serviceWith(t, func(c *relay.Config, tcp, _ string) {
		c.URLs = []string{"stun:" + silent.LocalAddr().String(), "turns:" + tcp + "?transport=tcp"}
	})
	noRelay := serviceWith(t, func(c *relay.Config, _, udp string) {
		c.URLs = []string{"stun:" + udp, "turns:" + closed.Addr().String() + "?transport=tcp"}
	})
	gone := wire.Service{Addrs: []string{closed.Addr().String()}}
	for name, c := range map[string]struct {
		service wire.Service
		want    map[string]string // a part of the line, after its mark
	}{
		"well":        {good, map[string]string{"service": "ok it answers", "udp": "ok it gets out", "relay": "ok it relays, over UDP and over TCP", "nat": "ok none"}},
		"gone":        {gone, map[string]string{"service": "no the service cannot be reached"}},
		"wrong pin":   {wrong, map[string]string{"service": "no the service has a different key"}},
		"UDP blocked": {noUDP, map[string]string{"service": "ok", "udp": "no no STUN server answers: this network blocks UDP", "relay": "ok it relays, over TCP alone"}},
		"no relay":    {noRelay, map[string]string{"service": "ok", "udp": "ok", "relay": "no no relay can be used"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := diagnosis(t, map[string]string{"VIEWFLIP_SERVICE": c.service.URL()})
			for what, want := range c.want {
				l, found := lines[what]
				got := map[bool]string{true: "ok ", false: "no "}[l.OK] + l.Detail
				if !found || !strings.HasPrefix(got, want) || !l.OK && l.Remedy == "" {
					t.Errorf("%s: %q, want %q; %q", what, got, want, l.Remedy)
				}
			}
			t.Log(fmt.Sprint(lines))
		})
	}
}

func TestDoctorNAT(t *testing.T) {
	for _, c := range []struct {
		reach rtc.Reach
		ok    bool
		want  string
	}{
		{rtc.Reach{STUN: 1, Answered: 1, NAT: rtc.NATSymmetric}, false, "symmetric"},
		{rtc.Reach{STUN: 1, Answered: 1, NAT: rtc.NATSymmetric, Relays: 1, RelayUDP: 1}, true, "go through the relay"},
		{rtc.Reach{STUN: 1, Answered: 1, NAT: rtc.NATCone}, true, "direct connections pass"},
	} {
		found := false
		for _, l := range probeLines(c.reach) {
			if l.Name == "nat" {
				found = l.OK == c.ok && strings.Contains(l.Detail, c.want) && (l.OK || l.Remedy != "")
			}
		}
		if !found {
			t.Errorf("%+v: %v", c.reach, probeLines(c.reach))
		}
	}
}
