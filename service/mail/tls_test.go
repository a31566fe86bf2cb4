//go:build !windows

package mail_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"viewflip.app/service/mail"
)

// authority signs certificates of mail servers.
type authority struct {
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	roots *x509.CertPool
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	b, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(b); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(c)
	return authority{c, key, roots}
}

// sign makes a certificate for a name, good until a time.
func (a authority) sign(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until}
	if ip := net.ParseIP(name); ip != nil {
		c.IPAddresses = []net.IP{ip}
	} else {
		c.DNSNames = []string{name}
	}
	b, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{b}, PrivateKey: key}
}

// login is a sink that wants a password.
type login struct {
	sink
	passwords chan string
	mails     chan string // recipients that somebody named
}

func (s login) NewSession(*smtp.Conn) (smtp.Session, error) { return s, nil }
func (login) AuthMechanisms() []string                      { return []string{sasl.Plain} }

func (s login) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		s.passwords <- user + ":" + password
		if password != "pass word" {
			return errors.New("no")
		}
		return nil
	}), nil
}

func (s login) Rcpt(to string, _ *smtp.RcptOptions) error { s.mails <- to; return nil }

// A mail leaves through TLS to the server that is meant, or not at all: no name
// of a person and no password goes to anybody else.
func TestSMTPOverTLS(t *testing.T) {
	good, other := newAuthority(t), newAuthority(t)
	// This machine by a name that is not known as loopback, which may lack STARTTLS.
	const host = "0.0.0.0"
	later := time.Now().Add(time.Hour)
	for _, c := range []struct {
		what, scheme, password string
		host                   string
		cert                   tls.Certificate
		plain                  bool // the server offers no TLS
		anonymous              bool // no password is sent
		taken                  bool
	}{
		{what: "TLS", scheme: "smtps", cert: good.sign(t, host, later), taken: true},
		{what: "STARTTLS", scheme: "smtp", cert: good.sign(t, host, later), taken: true},
		{what: "TLS, another authority", scheme: "smtps", cert: other.sign(t, host, later)},
		{what: "STARTTLS, another authority", scheme: "smtp", cert: other.sign(t, host, later)},
		{what: "TLS, another name", scheme: "smtps", cert: good.sign(t, "mail.example.org", later)},
		{what: "STARTTLS, another name", scheme: "smtp", cert: good.sign(t, "mail.example.org", later)},
		{what: "TLS, expired", scheme: "smtps", cert: good.sign(t, host, time.Now().Add(-time.Hour))},
		{what: "STARTTLS, expired", scheme: "smtp", cert: good.sign(t, host, time.Now().Add(-time.Hour))},
		{what: "STARTTLS is missing", scheme: "smtp", plain: true},
		{what: "STARTTLS is missing, no password", scheme: "smtp", plain: true, anonymous: true},
		{what: "TLS is missing", scheme: "smtps", plain: true},
		{what: "STARTTLS on this machine, another authority", scheme: "smtp", host: "127.0.0.1", cert: other.sign(t, "127.0.0.1", later)},
		{what: "a wrong password", scheme: "smtps", cert: good.sign(t, host, later), password: "wrong"},
	} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := login{sink{make(chan string, 4)}, make(chan string, 4), make(chan string, 4)}
		srv := smtp.NewServer(s)
		srv.ErrorLog = log.New(io.Discard, "", 0)
		if !c.plain {
			srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{c.cert}, MinVersion: tls.VersionTLS12}
			if c.scheme == "smtps" {
				ln = tls.NewListener(ln, srv.TLSConfig)
			}
		}
		done := make(chan struct{})
		go func() { defer close(done); _ = srv.Serve(ln) }()
		_, port, err := net.SplitHostPort(ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if c.host == "" {
			c.host = host
		}
		if c.password == "" {
			c.password = "pass%20word"
		}
		user := "ann:" + c.password + "@"
		if c.anonymous {
			user = ""
		}
		m, err := mail.NewSMTP(c.scheme+"://"+user+c.host+":"+port+"?from=service@example.org", good.roots)
		if err != nil {
			t.Fatal(err)
		}
		msg := mail.Code("Example", "12345678")
		msg.To = "ann@example.org"
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		err = m.Send(ctx, msg)
		cancel()
		_ = srv.Close()
		<-done
		if !c.taken {
			if !errors.Is(err, mail.ErrSend) || strings.Contains(err.Error(), "example") {
				t.Errorf("%s: %v", c.what, err)
			}
			if len(s.mails)+len(s.got) > 0 || c.password != "wrong" && len(s.passwords) > 0 {
				t.Errorf("%s: the server was told something", c.what)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if got := <-s.got; !strings.Contains(got, "1234 5678") || <-s.passwords != "ann:pass word" {
			t.Errorf("%s: %s", c.what, got)
		}
	}
}
