package peer

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"viewflip.app/rtc"
	"viewflip.app/service"
	"viewflip.app/service/client"
	"viewflip.app/service/relay"
	"viewflip.app/wire"
)

const (
	// relayEarly is how long before their end credentials are renewed.
	relayEarly = time.Minute
	// relayNever is when a service without a relay is asked again.
	relayNever = 10 * time.Minute
)

// relayServers asks the service of a call for its relay. One that has none is no
// failure.
func relayServers(ctx context.Context, mail *client.Client, svc wire.Service) ([]rtc.ICEServer, time.Time, error) {
	c, err := mail.Relay(ctx)
	if errors.Is(err, client.ErrNoRelay) {
		return nil, time.Now().Add(relayNever), nil
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	return ICEOf(c, svc), time.Unix(c.Expires, 0).Add(-relayEarly), nil
}

// ICEOf is the relay that a service told of, for rtc.
func ICEOf(c wire.RelayCredentials, svc wire.Service) []rtc.ICEServer {
	s := rtc.ICEServer{URLs: c.URLs, Username: c.User, Credential: c.Password}
	if c.Pinned {
		s.Pin = &svc.Pin
	}
	return []rtc.ICEServer{s}
}

// PrivateRelay is the relay of the private service, for those in its calls alone:
// it reaches no other address. Nil if there is none.
func PrivateRelay(at net.Addr, addrs []string, log *slog.Logger) service.Relay {
	tcp, ok := at.(*net.TCPAddr)
	if !ok {
		return nil
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil
	}
	cfg := relay.Config{Secret: secret, Addresses: relay.Addresses(addrs), Log: log}
	port := 0
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: tcp.IP, Port: tcp.Port})
	if err != nil {
		log.Info("the private relay has no UDP port", "err", err)
	} else {
		cfg.UDP, port = udp, tcp.Port
	}
	cfg.URLs = relay.URLs(addrs, port)
	r, err := relay.New(cfg)
	if err != nil {
		log.Info("no private relay", "err", err)
		if udp != nil {
			_ = udp.Close()
		}
		return nil
	}
	return r
}

// ICEServers parses VIEWFLIP_ICE. The error is a sentence about it.
func ICEServers(s string) ([]rtc.ICEServer, error) {
	var out []rtc.ICEServer
	for _, f := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		base, query, _ := strings.Cut(f, "?")
		q, err := url.ParseQuery(query)
		if err != nil || !strings.HasPrefix(base, "stun") && !strings.HasPrefix(base, "turn") {
			return nil, errors.New("VIEWFLIP_ICE is a list of stun:host:port and turn:host:port?user=U&pass=P")
		}
		srv := rtc.ICEServer{Username: q.Get("user"), Credential: q.Get("pass")}
		if t := q.Get("transport"); t != "" {
			base += "?transport=" + url.QueryEscape(t)
		}
		srv.URLs = []string{base}
		out = append(out, srv)
	}
	return out, nil
}
