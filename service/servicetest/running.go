package servicetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"viewflip.app/service"
	"viewflip.app/service/accounts"
	"viewflip.app/wire"
)

// Patience bounds everything that must happen; nothing waits that long.
const Patience = 30 * time.Second

// Server is a mailbox, or one with accounts.
type Server interface {
	Run(ctx context.Context, ln net.Listener) error
	Pin() [32]byte
}

// Running is a service on loopback.
type Running struct {
	Addr string
	Pin  [32]byte
	// Certificate is the one that it was given or made; only of StartMailbox and
	// StartAccounts.
	Certificate tls.Certificate
	// Stop ends it and waits for it. The end of the test does too.
	Stop func()
}

// Start runs a service at an address of this machine; "" is any port.
func Start(tb testing.TB, s Server, addr string) *Running {
	tb.Helper()
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, ln) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				tb.Errorf("run: %v", err)
			}
		case <-time.After(Patience):
			tb.Error("the service does not stop")
		}
	})
	tb.Cleanup(stop)
	return &Running{Addr: ln.Addr().String(), Pin: s.Pin(), Stop: stop}
}

// StartMailbox runs a mailbox at an address of this machine; "" is any port. It gets
// a certificate if it has none.
func StartMailbox(tb testing.TB, cfg service.Config, addr string) *Running {
	tb.Helper()
	cfg.Certificate = certificate(tb, cfg.Certificate)
	s, err := service.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	r := Start(tb, s, addr)
	r.Certificate = cfg.Certificate
	return r
}

// StartAccounts runs a service with accounts, such as [Accounts] makes, at any port.
// It gets a certificate if it has none.
func StartAccounts(tb testing.TB, cfg accounts.Config) (*Running, *accounts.Service) {
	tb.Helper()
	cfg.Mailbox.Certificate = certificate(tb, cfg.Mailbox.Certificate)
	s, err := accounts.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	r := Start(tb, s, "")
	r.Certificate = cfg.Mailbox.Certificate
	return r, s
}

// certificate is the one that a service is to have, or a new one.
func certificate(tb testing.TB, given tls.Certificate) tls.Certificate {
	tb.Helper()
	if given.PrivateKey != nil {
		return given
	}
	cert, err := service.NewCertificate()
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}

// Service is its address for clients.
func (r *Running) Service() wire.Service { return wire.Service{Addrs: []string{r.Addr}, Pin: r.Pin} }

// Dial connects without logging in.
func (r *Running) Dial(tb testing.TB) *Device {
	tb.Helper()
	return r.dial(tb, &http.Client{Transport: Insecure()})
}

func (r *Running) dial(tb testing.TB, web *http.Client) *Device {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "wss://"+r.Addr+"/ws", &websocket.DialOptions{HTTPClient: web})
	if err != nil {
		tb.Fatal(err)
	}
	ws.SetReadLimit(wire.MaxFrame)
	tb.Cleanup(func() { _ = ws.CloseNow() })
	return &Device{tb: tb, WS: ws}
}

// Login connects a device.
func (r *Running) Login(tb testing.TB, id *wire.Identity) *Device {
	tb.Helper()
	return r.Dial(tb).login(r.Pin, id)
}

// LoginFrom connects a new device from another address of this machine; see From.
func (r *Running) LoginFrom(tb testing.TB, ip string) *Device {
	tb.Helper()
	return r.dial(tb, From(tb, ip)).login(r.Pin, NewIdentity(tb))
}

// Insecure takes any certificate: clients of tests know the address.
func Insecure() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // see above
}

// From is a client that connects from another address of this machine: all of
// 127.0.0.0/8 is here.
func From(tb testing.TB, ip string) *http.Client {
	tb.Helper()
	tr := Insecure()
	tr.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}).DialContext
	c := &http.Client{Transport: tr}
	tb.Cleanup(c.CloseIdleConnections)
	return c
}

// NewIdentity makes the keys of a device.
func NewIdentity(tb testing.TB) *wire.Identity {
	tb.Helper()
	id, err := wire.NewIdentity(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// Eventually waits until something is so.
func Eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(Patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("never: %s", what)
		}
	}
}

// Log is the text of a log at its most talkative.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Logger writes into the Log.
func (l *Log) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Write is that of io.Writer.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// String is what was logged until now.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Clock is a time that tests move. It starts in 2030.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock makes one.
func NewClock() *Clock { return &Clock{at: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)} }

// Now is that of service.Config.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Pass moves it forward.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Main runs the tests of a package and gives their exit code: 1 if anything of the
// service, or of its clients, still runs when all are over.
func Main(m *testing.M) int {
	code := m.Run()
	if left := leftBehind(); left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s", left)
		return 1
	}
	return code
}

func leftBehind() (left string) {
	for deadline := time.Now().Add(Patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		buf := make([]byte, 1<<20)
		left = ""
		for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if ours := strings.Contains(g, "viewflip.app/service") || strings.Contains(g, "coder/websocket"); ours && !strings.Contains(g, "servicetest.leftBehind") {
				left += g + "\n\n"
			}
		}
		if left == "" {
			break
		}
	}
	return left
}
