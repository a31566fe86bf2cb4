package relay_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"

	"viewflip.app/service"
	"viewflip.app/service/relay"
	"viewflip.app/wire"
)

const patience = 30 * time.Second

var loopback = netip.MustParsePrefix("127.0.0.0/8") //nolint:gochecknoglobals // a constant

// station is a relay on this machine, with its one port.
type station struct {
	*relay.Server
	tcp, udp string
	cert     tls.Certificate
	stop     func()
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	c, err := service.LoadOrCreateCertificate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// start serves a relay, and HTTP that answers with the protocol, on one port.
func start(t *testing.T, change func(*relay.Config)) *station {
	t.Helper()
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &station{tcp: ln.Addr().String(), udp: udp.LocalAddr().String(), cert: certificate(t)}
	cfg := relay.Config{
		Secret: bytes.Repeat([]byte("s"), 32), URLs: []string{"turn:" + s.udp + "?transport=udp", "turns:" + s.tcp + "?transport=tcp"},
		Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, UDP: udp, Allow: []netip.Prefix{loopback},
	}
	if change != nil {
		change(&cfg)
	}
	if s.Server, err = relay.New(cfg); err != nil {
		t.Fatal(err)
	}
	split := relay.NewSplit(ln, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{s.cert}, NextProtos: []string{"h2", "http/1.1"}}, 5*time.Second)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }), ReadHeaderTimeout: patience}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := split.Serve(); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() { _ = srv.Serve(split.Web()) })
	wg.Go(func() {
		if err := s.Serve(ctx, split.TURN()); err != nil {
			t.Error(err)
		}
	})
	var once sync.Once
	s.stop = func() { once.Do(func() { cancel(); _ = srv.Close(); wg.Wait() }) }
	t.Cleanup(s.stop)
	return s
}

func device(t *testing.T) wire.Address {
	t.Helper()
	var a wire.Address
	_, _ = rand.Read(a[:])
	return a
}

func (s *station) dialTLS(t *testing.T, protocols ...string) net.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", s.tcp, &tls.Config{InsecureSkipVerify: true, NextProtos: protocols})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// client is a TURN client over TLS, or UDP.
func (s *station) client(t *testing.T, secure bool, user, password string) *turn.Client {
	t.Helper()
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	cfg := &turn.ClientConfig{Username: user, Password: password, Realm: "viewflip", LoggerFactory: quiet, RTO: 500 * time.Millisecond}
	if secure {
		cfg.TURNServerAddr, cfg.Conn = s.tcp, turn.NewSTUNConn(s.dialTLS(t))
	} else {
		c, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		cfg.TURNServerAddr, cfg.STUNServerAddr, cfg.Conn = s.udp, s.udp, c
	}
	c, err := turn.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); _ = cfg.Conn.Close() })
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	return c
}

// echo is a peer.
func echo(t *testing.T) net.Addr {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 2000)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(b[:n], from)
		}
	})
	t.Cleanup(func() { _ = c.Close(); wg.Wait() })
	return c.LocalAddr()
}

// pings sends until an answer comes: datagrams may be lost.
func pings(t *testing.T, c net.PacketConn, to net.Addr) error {
	t.Helper()
	b := make([]byte, 100)
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if _, err = c.WriteTo([]byte("ping"), to); err != nil {
			return err
		}
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		var n int
		if n, _, err = c.ReadFrom(b); err == nil && string(b[:n]) == "ping" {
			return nil
		}
	}
	return err
}

// One port carries HTTP/2, HTTP/1.1, HTTP without ALPN and TURN; UDP carries TURN.
func TestOnePort(t *testing.T) {
	s := start(t, nil)
	peer := echo(t)
	for _, secure := range []bool{true, false} {
		cr := s.Issue(device(t))
		c, err := s.client(t, secure, cr.User, cr.Password).Allocate()
		if err != nil {
			t.Fatal(secure, err)
		}
		if err := pings(t, c, peer); err != nil {
			t.Error(secure, err)
		}
		_ = c.Close()
	}
	for _, http2 := range []bool{true, false} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: http2}
		r, err := (&http.Client{Transport: tr}).Get("https://" + s.tcp)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		tr.CloseIdleConnections()
		if want := map[bool]string{true: "HTTP/2.0", false: "HTTP/1.1"}[http2]; string(b) != want {
			t.Errorf("%q is not %s", b, want)
		}
	}
}

// A connection that says nothing, or leaves in between, costs nobody else
// anything, and ends.
func TestSplitHostile(t *testing.T) {
	s := start(t, nil)
	silent := s.dialTLS(t)
	bare, err := net.Dial("tcp", s.tcp)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bare.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	gone := s.dialTLS(t)
	_ = gone.Close()
	r := s.dialTLS(t, "http/1.1")
	if _, err := r.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || !bytes.Contains(b, []byte("HTTP/1.0")) {
		t.Errorf("%q %v", b, err)
	}
	garbage := s.dialTLS(t)
	_, _ = garbage.Write(append([]byte{0, 1, 0, 0}, bytes.Repeat([]byte{0xff}, 4000)...)) // it may be cut off in between
	for name, c := range map[string]net.Conn{"silent": silent, "bare": bare, "garbage": garbage} {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, c); err != nil && isTimeout(err) {
			t.Error(name, "was left open")
		}
		_ = c.Close()
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func TestCredentials(t *testing.T) {
	s := start(t, nil)
	good := s.Issue(device(t))
	if good.Expires < time.Now().Add(4*time.Minute).Unix() || good.Expires > time.Now().Add(6*time.Minute).Unix() || !good.Pinned || len(good.URLs) != 2 {
		t.Errorf("%+v", good)
	}
	_, who, _ := strings.Cut(good.User, ":")
	other, err := relay.NewIssuer(bytes.Repeat([]byte("x"), 32), good.URLs)
	if err != nil {
		t.Fatal(err)
	}
	forged := other.Issue(device(t))
	later := strconv.FormatInt(good.Expires+1000, 10) + ":" + who
	for name, c := range map[string][2]string{
		"wrong password": {good.User, "wrong"},
		"another secret": {forged.User, forged.Password},
		"longer":         {later, good.Password},
		"another user":   {strconv.FormatInt(good.Expires, 10) + ":" + strings.Repeat("a", 26), good.Password},
		"no expiry":      {who, good.Password},
	} {
		for _, secure := range []bool{true, false} {
			if _, err := s.client(t, secure, c[0], c[1]).Allocate(); err == nil {
				t.Error(name, "was let in")
			}
		}
	}
	if n := s.Allocations(); n != 0 {
		t.Error(n, "allocations")
	}
	if _, err := s.client(t, false, good.User, good.Password).Allocate(); err != nil {
		t.Error(err)
	}
	if a, b := s.Issue(wire.Address{1}), s.Issue(wire.Address{2}); a.User == b.User || strings.Contains(a.User, wire.Address{1}.String()[:8]) {
		t.Error(a.User, b.User)
	}
}

// Expired credentials begin nothing, but what they began lives on.
func TestExpired(t *testing.T) {
	var ahead atomic.Int64
	s := start(t, func(c *relay.Config) {
		c.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	cr := s.Issue(device(t))
	c, err := s.client(t, true, cr.User, cr.Password).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(6 * time.Minute))
	if _, err := s.client(t, true, cr.User, cr.Password).Allocate(); err == nil {
		t.Error("expired credentials were let in")
	}
	if err := pings(t, c, echo(t)); err != nil { // asks for a permission
		t.Error("the allocation did not outlive its credentials:", err)
	}
	ahead.Store(int64(25 * time.Hour))
	if _, err := c.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 9), Port: 9}); err == nil {
		t.Error("credentials of yesterday got a permission")
	}
}

// Who is no peer gets nothing, by permission, by channel, over both transports.
func TestRefusedPeers(t *testing.T) {
	s := start(t, func(c *relay.Config) { c.Allow, c.Public = nil, true })
	for _, secure := range []bool{true, false} {
		cr := s.Issue(device(t))
		cl := s.client(t, secure, cr.User, cr.Password)
		c, err := cl.Allocate()
		if err != nil {
			t.Fatal(err)
		}
		for _, ip := range []string{"169.254.169.254", "10.0.0.1", "127.0.0.2", "0.0.0.0", "192.168.1.1", "100.64.0.1", "224.0.0.1"} {
			to := &net.UDPAddr{IP: net.ParseIP(ip), Port: 80}
			if _, err := c.WriteTo([]byte("x"), to); err == nil {
				t.Error(ip, "is reached")
			}
			if err := cl.CreatePermission(to); err == nil {
				t.Error(ip, "has a permission")
			}
		}
		// Our own address is a peer for allocations alone: not for what listens here.
		listener, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		heard := make(chan struct{}, 1)
		go func() {
			if _, _, err := listener.ReadFrom(make([]byte, 100)); err == nil {
				heard <- struct{}{}
			}
		}()
		for range 5 {
			_, _ = c.WriteTo([]byte("x"), listener.LocalAddr())
		}
		// The same way is open to another allocation, behind those datagrams.
		cr2 := s.Issue(device(t))
		c2, err := s.client(t, secure, cr2.User, cr2.Password).Allocate()
		if err != nil {
			t.Fatal(err)
		}
		between(t, c, c2)
		select {
		case <-heard:
			t.Error("a port of this machine was reached")
		default:
		}
		_ = listener.Close()
	}
}

// between sends both ways between two allocations.
func between(t *testing.T, a, b net.PacketConn) {
	t.Helper()
	got := make(chan string, 2)
	read := func(c net.PacketConn) {
		buf := make([]byte, 100)
		_ = c.SetReadDeadline(time.Now().Add(patience))
		n, _, err := c.ReadFrom(buf)
		if err != nil {
			got <- err.Error()
			return
		}
		got <- string(buf[:n])
	}
	var wg sync.WaitGroup
	wg.Go(func() { read(a) })
	wg.Go(func() { read(b) })
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			_, _ = a.WriteTo([]byte("hello"), b.LocalAddr())
			_, _ = b.WriteTo([]byte("hello"), a.LocalAddr())
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	for range 2 {
		if g := <-got; g != "hello" {
			t.Error(g)
		}
	}
	close(stop)
	wg.Wait()
}

func TestQuota(t *testing.T) {
	for name, tc := range map[string]struct {
		limits relay.Limits
		same   bool // one device
	}{
		"user":    {relay.Limits{PerUser: 2}, true},
		"address": {relay.Limits{PerAddress: 2}, false},
		"total":   {relay.Limits{Total: 2}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(c *relay.Config) { c.Limits = tc.limits })
			d := device(t)
			next := func() (net.PacketConn, error) {
				if !tc.same {
					d = device(t)
				}
				cr := s.Issue(d)
				return s.client(t, true, cr.User, cr.Password).Allocate()
			}
			first, err := next()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := next(); err != nil {
				t.Fatal(err)
			}
			if _, err := next(); err == nil || !strings.Contains(err.Error(), "486") {
				t.Fatal("over the quota:", err)
			}
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			s.oneLeft(t)
			if _, err := next(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("others", func(t *testing.T) {
		s := start(t, func(c *relay.Config) { c.Limits = relay.Limits{PerUser: 1} })
		for range 3 {
			cr := s.Issue(device(t))
			if _, err := s.client(t, false, cr.User, cr.Password).Allocate(); err != nil {
				t.Error("somebody else's quota counts:", err)
			}
		}
	})
}

// A range that is used up refuses, and gives the place in the quota back.
func TestPorts(t *testing.T) {
	probe, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(probe.LocalAddr().(*net.UDPAddr).Port)
	_ = probe.Close()
	s := start(t, func(c *relay.Config) { c.MinPort, c.MaxPort = port, port })
	cr := s.Issue(device(t))
	c, err := s.client(t, true, cr.User, cr.Password).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	if got := c.LocalAddr().(*net.UDPAddr).Port; got != int(port) {
		t.Error(got)
	}
	if _, err := s.client(t, true, cr.User, cr.Password).Allocate(); err == nil {
		t.Error("a port was found outside the range")
	}
	s.oneLeft(t)
}

// oneLeft waits until one allocation is counted: the server answers first, and
// then gives the place back.
func (s *station) oneLeft(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(patience); s.Allocations() != 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(s.Allocations(), "places are taken")
		}
	}
}

// Everything ends with the server: sockets, allocations, connections.
func TestEnds(t *testing.T) {
	s := start(t, nil)
	cr := s.Issue(device(t))
	c, err := s.client(t, true, cr.User, cr.Password).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	idle, begun := s.dialTLS(t), s.dialTLS(t)
	// A binding request, and its answer: this one is TURN's by now.
	if _, err := begun.Write(append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)); err != nil {
		t.Fatal(err)
	}
	_ = begun.SetReadDeadline(time.Now().Add(patience))
	if _, err := begun.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	relayed := c.LocalAddr().(*net.UDPAddr).Port
	s.stop()
	again, err := net.ListenPacket("udp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(relayed)))
	if err != nil {
		t.Error("the relayed port is in use:", err)
	} else {
		_ = again.Close()
	}
	for name, c := range map[string]net.Conn{"idle": idle, "begun": begun} {
		_ = c.SetReadDeadline(time.Now().Add(patience / 3))
		if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Error(name, "was left open:", err)
		}
	}
	if u, err := net.ListenPacket("udp4", s.udp); err != nil {
		t.Error("the UDP port is in use:", err)
	} else {
		_ = u.Close()
	}
}

func TestConfig(t *testing.T) {
	ok := relay.Config{Secret: make([]byte, 16), URLs: []string{"turn:a:1"}, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	if _, err := relay.New(ok); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*relay.Config){
		"short secret": func(c *relay.Config) { c.Secret = make([]byte, 15) },
		"no URL":       func(c *relay.Config) { c.URLs = nil },
		"other URL":    func(c *relay.Config) { c.URLs = []string{"http://a:1"} },
		"no address":   func(c *relay.Config) { c.Addresses = nil },
		"two of IPv4":  func(c *relay.Config) { c.Addresses = append(c.Addresses, netip.MustParseAddr("192.0.2.2")) },
		"invalid":      func(c *relay.Config) { c.Addresses = []netip.Addr{{}} },
		"range":        func(c *relay.Config) { c.MinPort, c.MaxPort = 2, 1 },
		"range from 0": func(c *relay.Config) { c.MaxPort = 1 },
	} {
		c := ok
		change(&c)
		if _, err := relay.New(c); err == nil {
			t.Error(name, "was taken")
		}
	}
}

// The bandwidth of an allocation is bounded: what is over is lost, in both
// directions.
func TestBandwidth(t *testing.T) {
	const rate, sent, size = 20000, 400, 1000
	s := start(t, func(c *relay.Config) { c.Limits.BytesPerSecond = rate })
	began := time.Now()
	cr := s.Issue(device(t))
	c, err := s.client(t, true, cr.User, cr.Password).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	peer, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.Close() }()
	// Out comes first: nothing comes in from a peer that the client never wrote to
	// (RFC 8656, section 9), so the other order, which a map gives now and then,
	// loses everything.
	for _, way := range [][2]net.PacketConn{{c, peer}, {peer, c}} {
		name := "out"
		if way[0] == peer {
			name = "in"
		}
		got := 0
		var wg sync.WaitGroup
		wg.Go(func() {
			b := make([]byte, 2*size)
			for {
				_ = way[1].SetReadDeadline(time.Now().Add(5 * time.Second))
				n, _, err := way[1].ReadFrom(b)
				if err != nil {
					return
				}
				got += n
			}
		})
		for range sent {
			if _, err := way[0].WriteTo(make([]byte, size), way[1].LocalAddr()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond) // sockets have short queues
		}
		wg.Wait()
		// A quarter of a second at once, and then the rate.
		if most := rate/4 + int(rate*time.Since(began).Seconds()); got == 0 || got > most {
			t.Errorf("%s: %d bytes of %d, at most %d", name, got, sent*size, most)
		}
	}
}

// A connection without an allocation ends.
func TestTCPEnds(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	c := s.dialTLS(t)
	if _, err := c.Write([]byte{0}); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(2 * patience))
	if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Error("it was left open:", err)
	}
}
