package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"

	gomail "github.com/wneessen/go-mail"
)

// ErrURL means that a text does not say where mails go.
var ErrURL = errors.New(`mail: say smtps://user:password@host?from=ADDRESS, or smtp:// for STARTTLS`)

// ErrSend means that a mail was not taken. It has no address in it.
var ErrSend = errors.New("mail: the mail server did not take a mail")

// Message is one mail to one person.
type Message struct {
	To, Subject, Text string
	// Code is in Text too; the console shows it.
	Code string
}

// SMTP hands mails to a server (RFC 5321).
type SMTP struct {
	host string
	from string
	opts []gomail.Option
}

// NewSMTP reads a URL: smtps:// is TLS from the beginning (port 465), smtp://
// STARTTLS (port 587), which only a server on loopback may lack. "from" is
// the sender. Roots nil means the system's.
func NewSMTP(s string, roots *x509.CertPool) (*SMTP, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.Fragment != "" || !fromOnly(u) {
		return nil, ErrURL // the text has a password
	}
	m := &SMTP{host: u.Hostname(), from: u.Query().Get("from")}
	if err := gomail.NewMsg().From(m.from); err != nil {
		return nil, ErrURL
	}
	m.opts = []gomail.Option{gomail.WithTLSConfig(&tls.Config{ServerName: m.host, RootCAs: roots, MinVersion: tls.VersionTLS12})}
	port := 587
	switch u.Scheme {
	case "smtps":
		port = 465
		m.opts = append(m.opts, gomail.WithSSL())
	case "smtp":
		policy := gomail.TLSMandatory
		if Loopback(m.host) {
			policy = gomail.TLSOpportunistic
		}
		m.opts = append(m.opts, gomail.WithTLSPolicy(policy))
	default:
		return nil, ErrURL
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil || port < 1 || port > 65535 {
			return nil, ErrURL
		}
	}
	m.opts = append(m.opts, gomail.WithPort(port))
	if u.User != nil {
		password, _ := u.User.Password()
		m.opts = append(m.opts, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return m, nil
}

func fromOnly(u *url.URL) bool {
	q, err := url.ParseQuery(u.RawQuery)
	return err == nil && len(q) == 1 && len(q["from"]) == 1
}

// Loopback reports whether a host is this machine.
func Loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// Send waits until the server took the mail; ErrSend.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if msg.From(s.from) != nil || msg.To(m.To) != nil {
		return ErrSend
	}
	msg.Subject(m.Subject)
	msg.SetDate()
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	c, err := gomail.NewClient(s.host, s.opts...)
	if err != nil {
		return ErrSend
	}
	if err := c.DialAndSendWithContext(ctx, msg); err != nil {
		var n net.Error
		if errors.As(err, &n) && n.Timeout() {
			return fmt.Errorf("%w in time", ErrSend)
		}
		return ErrSend // what the server says quotes the address
	}
	return nil
}
