package service_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
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
	"viewflip.app/wire"
)

// patience bounds everything that must happen; nothing waits that long.
const patience = 30 * time.Second

// running is a service on loopback.
type running struct {
	addr string
	pin  [32]byte
	stop func()
	log  *safeBuffer
	dir  string // of its data, if there are accounts
	svc  *service.Service
}

// start runs a service until stop or the end of the test.
func start(t *testing.T, cfg service.Config) *running {
	t.Helper()
	if cfg.Certificate.PrivateKey == nil {
		cert, err := service.NewCertificate()
		if err != nil {
			t.Fatal(err)
		}
		cfg.Certificate = cert
	}
	log := &safeBuffer{}
	if cfg.Log == nil {
		cfg.Log = log.logger()
	}
	s, err := service.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, ln) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(patience):
			t.Error("the service does not stop")
		}
	})
	t.Cleanup(stop)
	return &running{addr: ln.Addr().String(), pin: s.Pin(), stop: stop, log: log, svc: s}
}

// TestMain fails if anything of the service still runs when all tests are over.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leftBehind(); left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s", left)
		code = 1
	}
	os.Exit(code)
}

func leftBehind() (left string) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		buf := make([]byte, 1<<20)
		left = ""
		for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "viewflip.app/service.") || strings.Contains(g, "coder/websocket") {
				left += g + "\n\n"
			}
		}
		if left == "" {
			break
		}
	}
	return left
}

// logger logs everything into the buffer.
func (s *safeBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// raw is a client that can misbehave.
type raw struct {
	t  *testing.T
	ws *websocket.Conn
	id *wire.Identity
}

func newIdentity(t *testing.T) *wire.Identity {
	t.Helper()
	id, err := wire.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func insecure() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
}

// dial connects without logging in.
func (s *running) dial(t *testing.T) *raw {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "wss://"+s.addr+"/ws", &websocket.DialOptions{HTTPClient: &http.Client{Transport: insecure()}})
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(wire.MaxFrame)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &raw{t: t, ws: ws}
}

// login connects a device.
func (s *running) login(t *testing.T, id *wire.Identity) *raw {
	t.Helper()
	r := s.dial(t)
	r.id = id
	reply := r.prove(s.pin, id, id)
	if _, ok := reply.(wire.Welcome); !ok {
		t.Fatalf("login: %#v", reply)
	}
	return r
}

// prove claims to be one device and signs as another.
func (r *raw) prove(pin [32]byte, claims, signs *wire.Identity) wire.FrameBody {
	r.t.Helper()
	r.send(1, wire.ServiceHello{Version: wire.Version, Device: claims.Public()})
	ch, ok := r.read().Body.(wire.Challenge)
	if !ok {
		r.t.Fatal("no challenge")
	}
	var p wire.Proof
	copy(p.Signature[:], signs.Sign(wire.ProofBytes(pin, ch.Nonce, claims.Public())))
	r.send(2, p)
	return r.read().Body
}

func (r *raw) write(kind websocket.MessageType, b []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return r.ws.Write(ctx, kind, b)
}

func (r *raw) send(id uint32, body wire.FrameBody) {
	r.t.Helper()
	b, err := wire.AppendFrame(nil, wire.Frame{ID: id, Body: body})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.write(websocket.MessageBinary, b); err != nil {
		r.t.Fatal(err)
	}
}

func (r *raw) tryRead() (wire.Frame, error) { return r.readWithin(patience) }

func (r *raw) readWithin(d time.Duration) (wire.Frame, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	_, b, err := r.ws.Read(ctx)
	if err != nil {
		return wire.Frame{}, err
	}
	return wire.ParseFrame(b)
}

func (r *raw) read() wire.Frame {
	r.t.Helper()
	f, err := r.tryRead()
	if err != nil {
		r.t.Fatal(err)
	}
	return f
}

// ask sends a request and returns the answer to it.
func (r *raw) ask(body wire.FrameBody) wire.FrameBody {
	r.t.Helper()
	const id = 77
	r.send(id, body)
	f := r.read()
	if f.ID != id {
		r.t.Fatalf("an answer to %d: %#v", f.ID, f.Body)
	}
	return f.Body
}

func (r *raw) want(body, want wire.FrameBody) {
	r.t.Helper()
	if got := r.ask(body); got != want {
		r.t.Errorf("%T: %#v, want %#v", body, got, want)
	}
}

// closed reads until the connection is closed and returns how.
func (r *raw) closed() (last wire.FrameBody, code websocket.StatusCode) {
	r.t.Helper()
	for {
		f, err := r.readWithin(patience) // a sweep comes every 10 s
		if err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				r.t.Error("the connection is not closed")
			}
			return last, websocket.CloseStatus(err)
		}
		last = f.Body
	}
}

// delivered reads one delivery.
func (r *raw) delivered() (uint32, wire.Deliver) {
	r.t.Helper()
	f := r.read()
	d, ok := f.Body.(wire.Deliver)
	if !ok || f.ID == 0 {
		r.t.Fatalf("want a delivery, got %d %#v", f.ID, f.Body)
	}
	return f.ID, d
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// answer reads until the answer to a request.
func (r *raw) answer(id uint32) wire.FrameBody {
	r.t.Helper()
	for {
		if f := r.read(); f.ID == id {
			return f.Body
		}
	}
}
