package bus

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/nats-io/nats.go"

	"viewflip.app/private"
)

// Target is an external bus.
type Target struct {
	servers string
	secure  bool
	ca      string
	creds   string
}

// ParseURL reads where an external bus is: "tls://[user:password@]host:port", or
// several, separated by commas. "?creds=FILE" names a file of NATS credentials or
// an nkey seed, "?ca=FILE" the certificates to trust instead of the system's.
// "nats://", without TLS, is for this machine only.
func ParseURL(s string) (Target, error) {
	list, query, _ := strings.Cut(s, "?")
	q, err := url.ParseQuery(query)
	if err != nil {
		return Target{}, errors.New("bus: what follows the ? is not creds=FILE or ca=FILE")
	}
	for k := range q {
		if k != "creds" && k != "ca" {
			return Target{}, errors.New("bus: what follows the ? is not creds=FILE or ca=FILE")
		}
	}
	t := Target{servers: list, ca: q.Get("ca"), creds: q.Get("creds")}
	for one := range strings.SplitSeq(list, ",") {
		u, err := url.Parse(one)
		if err != nil || u.Host == "" || u.Scheme != "tls" && u.Scheme != "nats" {
			return Target{}, errors.New("bus: the address is not tls://host:port")
		}
		if u.Scheme == "tls" {
			t.secure = true
			continue
		}
		ip := net.ParseIP(u.Hostname())
		if u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return Target{}, errors.New("bus: nats:// is not encrypted and is for this machine only: say tls://host:port")
		}
	}
	return t, nil
}

func (t Target) options() ([]nats.Option, error) {
	var out []nats.Option
	if t.secure {
		cfg := &tls.Config{MinVersion: tls.VersionTLS13}
		if t.ca != "" {
			pem, err := os.ReadFile(t.ca)
			if err != nil {
				return nil, fmt.Errorf("bus: the certificates: %w", err)
			}
			cfg.RootCAs = x509.NewCertPool()
			if !cfg.RootCAs.AppendCertsFromPEM(pem) {
				return nil, errors.New("bus: there is no certificate in the file that ca= names")
			}
		}
		out = append(out, nats.Secure(cfg))
	}
	if t.creds == "" {
		return out, nil
	}
	i, err := os.Stat(t.creds)
	if err != nil {
		return nil, fmt.Errorf("bus: the credentials: %w", err)
	}
	if !private.File(i) {
		return nil, fmt.Errorf("bus: others can read the credentials: run chmod 600 %s", t.creds)
	}
	b, err := os.ReadFile(t.creds)
	if err != nil {
		return nil, fmt.Errorf("bus: the credentials: %w", err)
	}
	if bytes.Contains(b, []byte("NATS USER JWT")) {
		return append(out, nats.UserCredentials(t.creds)), nil
	}
	o, err := nats.NkeyOptionFromSeed(t.creds)
	if err != nil {
		return nil, errors.New("bus: the file that creds= names holds neither NATS credentials nor an nkey seed")
	}
	return append(out, o), nil
}
