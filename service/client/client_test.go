package client_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"viewflip.app/service"
	"viewflip.app/service/client"
	"viewflip.app/service/servicetest"
	"viewflip.app/wire"
)

// patience bounds everything that must happen; nothing waits that long.
const patience = 15 * time.Second

func TestMain(m *testing.M) { os.Exit(servicetest.Main(m)) }

// running is a service on loopback.
type running struct {
	wire.Service
	cert tls.Certificate
	stop func()
}

// start runs a mailbox; addr "" is any port.
func start(t *testing.T, addr string, cfg service.Config) *running {
	t.Helper()
	return run(servicetest.StartMailbox(t, cfg, addr))
}

// startAccounts runs a service with accounts.
func startAccounts(t *testing.T, cfg service.Config) (*running, *servicetest.Outbox) {
	t.Helper()
	with, out := servicetest.Accounts(t, cfg, t.TempDir())
	r, _ := servicetest.StartAccounts(t, with)
	return run(r), out
}

func run(r *servicetest.Running) *running { return &running{r.Service(), r.Certificate, r.Stop} }

// device is a client that runs.
type device struct {
	*client.Client
	id   *wire.Identity
	addr wire.Address
	// end stops it and returns what Run returned.
	end func() error
	// ran gets what Run returned by itself.
	ran chan error
}

func newDevice(t *testing.T, s wire.Service, id *wire.Identity) *device {
	t.Helper()
	if id == nil {
		var err error
		if id, err = wire.NewIdentity(nil); err != nil {
			t.Fatal(err)
		}
	}
	c, err := client.New(client.Config{Service: s, Identity: id})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &device{Client: c, id: id, addr: id.Public().Address(), ran: make(chan error, 1)}
	go func() { d.ran <- c.Run(ctx) }()
	d.end = sync.OnceValue(func() error { cancel(); return <-d.ran })
	t.Cleanup(func() { cancel() })
	return d
}

// soon is a context that ends when something takes far too long.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func (d *device) await(t *testing.T, want client.State) {
	t.Helper()
	for {
		select {
		case s := <-d.States():
			if s == want {
				return
			}
		case <-time.After(patience):
			t.Fatalf("never %v", want)
		}
	}
}

func (d *device) read(t *testing.T, want string) {
	t.Helper()
	got, err := d.Recv(soon(t))
	if err != nil || string(got.Sealed) != want {
		t.Fatalf("%q, %v; want %q", got.Sealed, err, want)
	}
}

func TestCall(t *testing.T) {
	s := start(t, "", service.Config{})
	alice, bob := newDevice(t, s.Service, nil), newDevice(t, s.Service, nil)
	ctx := soon(t)
	invite := wire.InviteID{1}
	if _, err := bob.Lookup(ctx, invite); !errors.Is(err, client.ErrUnknownInvite) {
		t.Errorf("unknown: %v", err)
	}
	if err := alice.OpenInvite(ctx, invite, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	dev, err := bob.Lookup(ctx, invite)
	if err != nil || dev != alice.id.Public() {
		t.Fatalf("%v, %v", dev.Address(), err)
	}
	largest := bytes.Repeat([]byte("x"), wire.MaxSealed)
	if err := bob.Send(ctx, dev.Address(), largest); err != nil {
		t.Fatal(err)
	}
	got, err := alice.Recv(ctx)
	if err != nil || got.From != bob.addr || !bytes.Equal(got.Sealed, largest) {
		t.Errorf("%d bytes from %v, %v", len(got.Sealed), got.From, err)
	}
	if err := bob.Send(ctx, alice.addr, make([]byte, wire.MaxSealed+1)); !errors.Is(err, client.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if err := bob.Send(ctx, wire.Address{9}, nil); !errors.Is(err, client.ErrOffline) {
		t.Errorf("offline: %v", err)
	}
	if err := alice.CloseInvite(ctx, invite); err != nil {
		t.Error(err)
	}
	if _, err := bob.Lookup(ctx, invite); !errors.Is(err, client.ErrUnknownInvite) {
		t.Errorf("closed: %v", err)
	}
	if err := alice.OpenInvite(ctx, invite, time.Now().Add(-time.Hour)); !errors.Is(err, client.ErrUnknownInvite) {
		t.Errorf("expired: %v", err)
	}
	// Whoever leaves is gone at once, not after a minute.
	if err := alice.end(); err != nil {
		t.Errorf("run: %v", err)
	}
	for i := 0; ; i++ { // as soon as the service has read the goodbye
		err := bob.Send(ctx, alice.addr, nil)
		if errors.Is(err, client.ErrOffline) {
			break
		}
		if err != nil || i > 1000 {
			t.Fatalf("left: %v", err)
		}
		time.Sleep(time.Millisecond)
	}
	if err := alice.Send(ctx, bob.addr, nil); !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("after the end: %v", err)
	}
	if _, err := alice.Recv(ctx); !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("after the end: %v", err)
	}
	alice.await(t, client.Closed)
}

// Two devices say 1000 things to each other: all arrive, once and in order,
// although the queue is short and the rates are exceeded now and then.
func TestManyInOrder(t *testing.T) {
	s := start(t, "", service.Config{Limits: service.Limits{
		Requests: service.Rate{PerSecond: 1500, Burst: 100}, RequestsPerAddress: service.Rate{PerSecond: 10000, Burst: 10000},
	}})
	alice, bob := newDevice(t, s.Service, nil), newDevice(t, s.Service, nil)
	alice.await(t, client.Connected)
	bob.await(t, client.Connected)
	exchange(t, alice, bob, 1000, func(int) {})
}

// exchange has both send n messages and read n; between is called by alice
// before each.
func exchange(t *testing.T, alice, bob *device, n int, between func(i int)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	var wg sync.WaitGroup
	for _, pair := range [][2]*device{{alice, bob}, {bob, alice}} {
		me, you := pair[0], pair[1]
		wg.Go(func() {
			for i := range n {
				if me == alice {
					between(i)
				}
				if err := me.Send(ctx, you.addr, fmt.Append(nil, i)); err != nil {
					t.Errorf("send %d: %v", i, err)
					cancel()
					return
				}
			}
		})
		wg.Go(func() {
			for i := range n {
				d, err := me.Recv(ctx)
				if err != nil || string(d.Sealed) != fmt.Sprint(i) || d.From != you.addr {
					t.Errorf("receive %d: %q, %v", i, d.Sealed, err)
					cancel()
					return
				}
			}
		})
	}
	wg.Wait()
}

// The connection is cut again and again, in the middle of it: nothing is lost,
// nothing comes twice, and the order stays.
func TestCutsLoseNothing(t *testing.T) {
	s := start(t, "", service.Config{Limits: service.Limits{
		Requests: service.Rate{PerSecond: 1e5, Burst: 1e5}, RequestsPerAddress: service.Rate{PerSecond: 1e5, Burst: 1e5},
		Connects: service.Rate{PerSecond: 1000, Burst: 1000},
	}})
	wireA, wireB := newCutter(t, s.Addrs[0]), newCutter(t, s.Addrs[0])
	alice := newDevice(t, wire.Service{Addrs: []string{wireA.addr}, Pin: s.Pin}, nil)
	bob := newDevice(t, wire.Service{Addrs: []string{wireB.addr}, Pin: s.Pin}, nil)
	alice.await(t, client.Connected)
	bob.await(t, client.Connected)
	invite := wire.InviteID{4}
	if err := alice.OpenInvite(soon(t), invite, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	exchange(t, alice, bob, 400, func(i int) {
		switch i {
		case 50, 150, 300:
			wireA.cut()
		case 100, 200, 301:
			wireB.cut()
		}
	})
	if wireA.cuts+wireB.cuts < 6 {
		t.Errorf("%d cuts", wireA.cuts+wireB.cuts)
	}
	if dev, err := bob.Lookup(soon(t), invite); err != nil || dev != alice.id.Public() {
		t.Errorf("the invitation: %v", err)
	}
}

// cutter is a cable between client and service that can be cut.
type cutter struct {
	addr string
	mu   sync.Mutex
	live map[net.Conn]struct{}
	cuts int
}

func newCutter(t *testing.T, to string) *cutter {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{addr: ln.Addr().String(), live: make(map[net.Conn]struct{})}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = ln.Close(); c.cut(); wg.Wait() })
	wg.Go(func() {
		for {
			near, err := ln.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			c.mu.Lock()
			c.live[near], c.live[far] = struct{}{}, struct{}{}
			c.mu.Unlock()
			for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
				wg.Go(func() {
					buf := make([]byte, 4096)
					for {
						n, err := pair[0].Read(buf)
						if n > 0 {
							_, _ = pair[1].Write(buf[:n])
						}
						if err != nil {
							_, _ = pair[0].Close(), pair[1].Close()
							return
						}
					}
				})
			}
		}
	})
	return c
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.live) > 0 {
		c.cuts++
	}
	for conn := range c.live {
		if t, ok := conn.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
		_ = conn.Close()
	}
	clear(c.live)
}

// The service comes back with its key on its port: so does the client, and
// announces what is open.
func TestServiceRestart(t *testing.T) {
	t.Parallel() // it waits most of the time
	s := start(t, "", service.Config{})
	alice, bob := newDevice(t, s.Service, nil), newDevice(t, s.Service, nil)
	ctx := soon(t)
	kept, closed, expired := wire.InviteID{1}, wire.InviteID{2}, wire.InviteID{3}
	for id, life := range map[wire.InviteID]time.Duration{kept: time.Hour, closed: time.Hour, expired: 2 * time.Second} {
		if err := alice.OpenInvite(ctx, id, time.Now().Add(life)); err != nil {
			t.Fatal(err)
		}
	}
	if err := alice.CloseInvite(ctx, closed); err != nil {
		t.Fatal(err)
	}
	alice.await(t, client.Connected)
	s.stop()
	alice.await(t, client.Connecting)
	waiting := make(chan error, 1)
	go func() { waiting <- bob.Send(ctx, alice.addr, []byte("while it was away")) }()
	time.Sleep(2 * time.Second) // the shortest invitation ends
	again := start(t, s.Addrs[0], service.Config{Certificate: s.cert})
	alice.await(t, client.Connected)
	if dev, err := bob.Lookup(ctx, kept); err != nil || dev != alice.id.Public() {
		t.Errorf("the open invitation: %v", err)
	}
	for _, id := range []wire.InviteID{closed, expired} {
		if _, err := bob.Lookup(ctx, id); !errors.Is(err, client.ErrUnknownInvite) {
			t.Errorf("an invitation that is over: %v", err)
		}
	}
	switch err := <-waiting; {
	case err == nil:
		alice.read(t, "while it was away")
	case !errors.Is(err, client.ErrOffline): // bob was back before alice
		t.Error(err)
	}
	again.stop()
}

func TestWrongPin(t *testing.T) {
	s := start(t, "", service.Config{})
	closed := closedPort(t)
	for what, addrs := range map[string][]string{
		"alone":                  s.Addrs,
		"with a refused one":     {s.Addrs[0], closed},
		"after a refused one":    {closed, s.Addrs[0]},
		"twice, and by loopback": {s.Addrs[0], s.Addrs[0]},
	} {
		d := newDevice(t, wire.Service{Addrs: addrs, Pin: [32]byte{1}}, nil)
		_, err := d.Lookup(soon(t), wire.InviteID{})
		if !errors.Is(err, client.ErrPin) {
			t.Errorf("%s: lookup: %v", what, err)
		}
		select {
		case err := <-d.ran:
			if !errors.Is(err, client.ErrPin) {
				t.Errorf("%s: run: %v", what, err)
			}
		case <-time.After(patience):
			t.Errorf("%s: it goes on", what)
		}
	}
}

// What can never be dialled is said at once, not tried without end.
func TestServiceOfNobody(t *testing.T) {
	id, err := wire.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, addrs := range [][]string{
		nil, {"localhost"}, {"localhost:0"}, {"local host:1"}, {"[::1"}, {"localhost:1", "a:b"}, {"[fe80::1%lo]:1"}, {"0.0.0.0:1"}, {"224.0.0.1:1"}, {"[::]:1"},
		{"a:1", "a:2", "a:3", "a:4", "a:5"},
	} {
		if _, err := client.New(client.Config{Service: wire.Service{Addrs: addrs}, Identity: id}); !errors.Is(err, wire.ErrService) {
			t.Errorf("%q: %v", addrs, err)
		}
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

// A link lists addresses that mean another machine here: neither a stranger's
// service nor one that never answers keeps us from the right one.
func TestAddresses(t *testing.T) {
	s, stranger := start(t, "", service.Config{}), start(t, "", service.Config{})
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	for _, addrs := range [][]string{
		{stranger.Addrs[0], s.Addrs[0]},
		{s.Addrs[0], stranger.Addrs[0]},
		{silent.Addr().String(), closedPort(t), stranger.Addrs[0], s.Addrs[0]},
	} {
		d := newDevice(t, wire.Service{Addrs: addrs, Pin: s.Pin}, nil)
		if err := d.Send(soon(t), d.addr, []byte("x")); err != nil {
			t.Errorf("%v: %v", addrs, err)
		}
		d.read(t, "x")
		if err := d.end(); err != nil {
			t.Error(err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	closed := closedPort(t)
	d := newDevice(t, wire.Service{Addrs: []string{closed}}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := d.Lookup(ctx, wire.InviteID{})
	if !errors.Is(err, client.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if s := err.Error(); !strings.Contains(s, closed) || strings.Contains(s, "context") || strings.Count(s, "client: ") != 1 {
		t.Errorf("not for people: %s", s)
	}
	if _, err := d.Recv(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := d.end(); err != nil {
		t.Error(err)
	}
}

// A second client with the same key takes over, and the first does not fight.
func TestReplaced(t *testing.T) {
	s := start(t, "", service.Config{})
	first := newDevice(t, s.Service, nil)
	first.await(t, client.Connected)
	second := newDevice(t, s.Service, first.id)
	second.await(t, client.Connected)
	select {
	case err := <-first.ran:
		if !errors.Is(err, client.ErrReplaced) {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("the first goes on")
	}
	if err := second.Send(soon(t), second.addr, []byte("x")); err != nil {
		t.Error(err)
	}
	second.read(t, "x")
}

// A caller who gives up breaks nothing for the others.
func TestGivingUp(t *testing.T) {
	s := start(t, "", service.Config{})
	d := newDevice(t, s.Service, nil)
	d.await(t, client.Connected)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*20*time.Microsecond)
			defer cancel()
			_ = d.Send(ctx, wire.Address{1}, make([]byte, 30000))
		})
	}
	wg.Wait()
	if err := d.Send(soon(t), d.addr, []byte("x")); err != nil {
		t.Error(err)
	}
	d.read(t, "x")
	select {
	case s := <-d.States():
		t.Errorf("the connection became %v", s)
	default:
	}
}

// A service that always says "too much" is given up after a while.
func TestRateLimited(t *testing.T) {
	t.Parallel() // it waits most of the time
	s := start(t, "", service.Config{Limits: service.Limits{Requests: service.Rate{PerSecond: 1e-6, Burst: 1}}})
	d := newDevice(t, s.Service, nil)
	ctx := soon(t)
	if _, err := d.Lookup(ctx, wire.InviteID{}); !errors.Is(err, client.ErrUnknownInvite) {
		t.Fatal(err)
	}
	if _, err := d.Lookup(ctx, wire.InviteID{}); !errors.Is(err, client.ErrRateLimited) {
		t.Error(err)
	}
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if _, err := d.Lookup(short, wire.InviteID{}); !errors.Is(err, client.ErrRateLimited) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	id, err := wire.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []client.Config{
		{Identity: id},
		{Service: wire.Service{Addrs: []string{"a:1"}}},
		{Identity: id, Service: wire.Service{Addrs: make([]string, wire.MaxServiceAddrs+1)}},
	} {
		if _, err := client.New(cfg); err == nil {
			t.Errorf("%+v", cfg)
		}
	}
}

func testTLS(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}
}
