package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"viewflip.app/service"
	"viewflip.app/service/relay"
)

// Ports that are relayed unless --relay-ports says otherwise.
const (
	relayMin = 49200
	relayMax = 50223
	// maxSecretFile bounds the file of --turn-secret-file.
	maxSecretFile = 1 << 10
)

// relaySettings are those of the relay.
type relaySettings struct {
	on         bool
	turn       string // URLs of an external server; else it is our own
	secretFile string
	read       func(path string) (string, error) // of a file that is ours alone
	ports      string
	allow      string
	address    string
}

// open makes the relay, or nil if it is off. addrs are those of the service, at is
// where it listens, data where its secret is kept.
func (r relaySettings) open(ctx context.Context, at net.Addr, addrs []string, data string, log *slog.Logger) (service.Relay, error) {
	if !r.on {
		return nil, nil //nolint:nilnil // no relay, no error
	}
	secret, err := r.secret(data)
	if err != nil {
		return nil, err
	}
	if r.turn != "" {
		return relay.NewIssuer(secret, strings.Split(r.turn, ","))
	}
	cfg := relay.Config{Secret: secret, Public: true, Log: log}
	if cfg.MinPort, cfg.MaxPort, err = portRange(r.ports); err != nil {
		return nil, err
	}
	if cfg.Allow, err = networks(r.allow); err != nil {
		return nil, err
	}
	if cfg.Addresses, err = r.addresses(ctx, addrs); err != nil {
		return nil, err
	}
	tcp, ok := at.(*net.TCPAddr)
	if !ok {
		return nil, errors.New("the relay needs a TCP port to share")
	}
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: tcp.IP, Port: tcp.Port, Zone: tcp.Zone})
	if err != nil {
		return nil, fmt.Errorf("the relay cannot listen: %w; --relay off does without it", err)
	}
	cfg.UDP, cfg.URLs = udp, relay.URLs(addrs, tcp.Port)
	srv, err := relay.New(cfg)
	if err != nil {
		return nil, errors.Join(err, udp.Close())
	}
	return srv, nil
}

// addresses are what peers of the relay see.
func (r relaySettings) addresses(ctx context.Context, addrs []string) ([]netip.Addr, error) {
	if r.address != "" {
		var out []netip.Addr
		for s := range strings.SplitSeq(r.address, ",") {
			a, err := netip.ParseAddr(s)
			if err != nil {
				return nil, fmt.Errorf("%q is not an IP address for --relay-address", s)
			}
			out = append(out, a.Unmap())
		}
		return out, nil
	}
	if out := relay.Addresses(addrs); len(out) > 0 {
		return out, nil
	}
	var found []string
	for _, a := range addrs {
		host, _, err := net.SplitHostPort(a)
		if err != nil {
			continue
		}
		ips, err := net.DefaultResolver.LookupHost(ctx, host)
		if err != nil {
			continue
		}
		for _, ip := range ips {
			found = append(found, net.JoinHostPort(ip, "1"))
		}
	}
	if out := relay.Addresses(found); len(out) > 0 {
		return out, nil
	}
	return nil, errors.New("it is not known which address the relay has: say --relay-address IP, or --relay off")
}

// secret is what credentials are made with: of a file that an external server knows
// too, or our own, which is made once.
func (r relaySettings) secret(data string) ([]byte, error) {
	file := r.secretFile
	if file == "" {
		if r.turn != "" {
			return nil, errors.New("--turn needs --turn-secret-file: the secret that the TURN server has as static-auth-secret")
		}
		file = filepath.Join(data, "relay.secret")
		if err := makeSecret(file); err != nil {
			return nil, fmt.Errorf("the secret of the relay: %w", err)
		}
	}
	s, err := r.read(file)
	if err != nil {
		return nil, fmt.Errorf("the secret of the relay: %w", err)
	}
	if len(s) < 16 || len(s) > maxSecretFile {
		return nil, fmt.Errorf("the secret of the relay in %s must have 16 characters at least", file)
	}
	return []byte(s), nil
}

func makeSecret(file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return errors.Join(err, f.Close())
	}
	_, err = fmt.Fprintln(f, base64.RawURLEncoding.EncodeToString(b))
	return errors.Join(err, f.Close())
}

// portRange reads MIN-MAX.
func portRange(s string) (lo, hi uint16, err error) {
	if s == "" {
		return relayMin, relayMax, nil
	}
	a, b, _ := strings.Cut(s, "-")
	x, errX := strconv.ParseUint(a, 10, 16)
	y, errY := strconv.ParseUint(b, 10, 16)
	if errX != nil || errY != nil || x == 0 || x > y {
		return 0, 0, fmt.Errorf("%q is not a range of ports such as 49200-50223", s)
	}
	return uint16(x), uint16(y), nil
}

// networks reads a list of CIDR blocks.
func networks(s string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for f := range strings.SplitSeq(s, ",") {
		if f == "" {
			continue
		}
		p, err := netip.ParsePrefix(f)
		if err != nil {
			return nil, fmt.Errorf("%q is not a network such as 192.168.0.0/16", f)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
