package rtc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"

	"viewflip.app/wire"
)

const (
	// serverTime is how long the making of a connection waits for the servers of
	// Options.Relay: they answer in milliseconds, or are away.
	serverTime = 2 * time.Second
	// serverRetry is when they are asked again after a failure, serverOften the
	// least time between two questions.
	serverRetry = 30 * time.Second
	serverOften = 10 * time.Second
	// relayDial bounds the connection to a TURN server by TCP, with TLS.
	relayDial = 10 * time.Second
	// tcpPackets and tcpBytes are what waits to be read, and to be sent, on one
	// ICE-TCP connection.
	tcpPackets = 512
	tcpBytes   = 4 << 20
)

// ErrPin means that the certificate of a TURN server is not the one that its pin
// names.
var ErrPin = errors.New("rtc: the relay has a different key than the service")

// ICEServer is a STUN or TURN server (RFC 7064, RFC 7065).
type ICEServer struct {
	URLs                 []string
	Username, Credential string
	// Pin is the SHA-256 of the SubjectPublicKeyInfo (RFC 7469, section 2.4) that
	// turns: over TCP must show. Nil: its certificate must be one that the system
	// trusts for the host's name.
	Pin *[32]byte
}

// configuration is Pion's; d learns how to reach the servers.
func configuration(o Options, d *dialer, more []ICEServer) webrtc.Configuration {
	cfg := webrtc.Configuration{}
	if o.RelayOnly {
		cfg.ICETransportPolicy = webrtc.ICETransportPolicyRelay
	}
	all := slices.Concat(o.ICEServers, more)
	for _, x := range all {
		cfg.ICEServers = append(cfg.ICEServers, webrtc.ICEServer{URLs: x.URLs, Username: x.Username, Credential: x.Credential})
	}
	d.know(all)
	return cfg
}

// listenTCP makes passive candidates of ln, and active ones for those of others.
func listenTCP(se *webrtc.SettingEngine, ln net.Listener, quiet logging.LoggerFactory) ice.TCPMux {
	if ln == nil {
		return nil
	}
	mux := ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener: ln, Logger: quiet.NewLogger("ice"), ReadBufferSize: tcpPackets, WriteBufferSize: tcpBytes,
		FirstStunBindTimeout: relayDial,
	})
	se.SetICETCPMux(mux)
	se.SetNetworkTypes([]webrtc.NetworkType{
		webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6,
	})
	return mux
}

func closeTCP(mux ice.TCPMux, ln net.Listener) error {
	switch {
	case mux != nil:
		return mux.Close()
	case ln != nil:
		return ln.Close()
	default:
		return nil
	}
}

// dialer connects to TURN servers over TCP. Pion can only trust every certificate
// or those of the system; as a proxy it lets us make the connection, and we make it
// with TLS and the pin. It is safe for concurrent use.
type dialer struct {
	mu      sync.Mutex
	servers map[string]secured // by host:port of turns:
}

// secured is a server that TLS leads to.
type secured struct {
	host string
	pin  *[32]byte
}

func (d *dialer) know(servers []ICEServer) {
	known := map[string]secured{}
	for _, s := range servers {
		for _, u := range s.URLs {
			uri, err := stun.ParseURI(u)
			if err == nil && uri.Scheme == stun.SchemeTypeTURNS {
				known[net.JoinHostPort(uri.Host, strconv.Itoa(uri.Port))] = secured{uri.Host, s.Pin}
			}
		}
	}
	d.mu.Lock()
	d.servers = known
	d.mu.Unlock()
}

// Dial implements what Pion takes for a proxy (golang.org/x/net/proxy).
func (d *dialer) Dial(network, addr string) (net.Conn, error) {
	d.mu.Lock()
	s, secure := d.servers[addr]
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), relayDial)
	defer cancel()
	if !secure {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	return dialTLS(ctx, network, addr, s)
}

// dialTLS connects with TLS 1.3 and no ALPN: the service takes that for TURN.
func dialTLS(ctx context.Context, network, addr string, s secured) (net.Conn, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: s.host}
	if s.pin != nil {
		wire.Pin(cfg, *s.pin, ErrPin)
	}
	c, err := (&tls.Dialer{Config: cfg}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, fmt.Errorf("rtc: relay: %w", err)
	}
	return c, nil
}

// relays asks for servers while ctx lasts.
func (p *Peer) relays(ctx context.Context) {
	for {
		servers, again, err := p.o.Relay(ctx)
		wait := max(time.Until(again), serverOften)
		if err != nil {
			p.log.Debug("no relay", "err", err)
			wait, servers = serverRetry, nil
		}
		select {
		case p.servers <- servers:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// firstServers waits for the servers of Options.Relay, not for long.
func (p *Peer) firstServers(ctx context.Context) error {
	if p.o.Relay == nil {
		return nil
	}
	p.wg.Go(func() { p.relays(ctx) })
	select {
	case s := <-p.servers:
		return p.use(s)
	case <-time.After(serverTime):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// use makes the next gathering of candidates ask these servers. None means that
// nobody knows better: those before may still work.
func (p *Peer) use(servers []ICEServer) error {
	if len(servers) == 0 {
		return nil
	}
	if err := p.pc.SetConfiguration(configuration(p.o, p.dialer, servers)); err != nil {
		return fmt.Errorf("rtc: relay: %w", err)
	}
	return nil
}
