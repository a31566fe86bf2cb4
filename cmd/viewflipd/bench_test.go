//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"

	"viewflip.app/service/servicetest"
	"viewflip.app/service/srp"
	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

const (
	// perAddress is how many devices connect from one address of loopback: the
	// limits of the service are those of everybody.
	perAddress = 40
	signalSize = 1 << 10
	signalRate = 1000 // a second
	phase      = 8 * time.Second
	floodLoad  = 64 // requests that wait at once
)

// crowd is many devices with accounts, each the contact of its neighbour.
type crowd struct {
	b       *testing.B
	p       *process
	devices []*loaded
	present atomic.Int64 // contacts that are seen to be there
	refused atomic.Int64
	answers atomic.Int64
	mu      sync.Mutex
	begun   []time.Time     // of each signal
	took    []time.Duration // of those that arrived
}

// loaded is one device.
type loaded struct {
	id   *wire.Identity
	ses  *account.Session
	pass account.PassKey
	ws   *websocket.Conn
	from net.IP
	next atomic.Uint32
}

func fileLimit(b *testing.B, n uint64) {
	b.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		b.Fatal(err)
	}
	if l.Cur >= n {
		return
	}
	l.Cur, l.Max = max(n, l.Cur), max(n, l.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		b.Fatalf("%d open files are not allowed here: run \"ulimit -n %d\" as root first, or set CONNECTIONS to less", n, n)
	}
}

// enrolCrowd makes accounts and sessions in the database itself: the same by
// sign-ups would measure those, and the mails.
func enrolCrowd(b *testing.B, o store.Options, n int) []*loaded {
	b.Helper()
	s, err := store.Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	all, ids := make([]*loaded, n), make([]store.AccountID, n)
	make1 := func(i int) error {
		d := &loaded{from: net.IPv4(127, 0, byte(1+i/perAddress/250), byte(1+i/perAddress%250))}
		key, err := account.NewKey(nil)
		if err != nil {
			return err
		}
		if d.pass, err = account.NewPassKey(nil); err != nil {
			return err
		}
		if d.id, err = d.pass.Identity(); err != nil {
			return err
		}
		device := d.pass.DeviceID()
		list, err := key.NewDeviceList(account.DeviceList{}, []account.ListedDevice{{ID: device, Device: d.id.Public(), Added: 1}})
		if err != nil {
			return err
		}
		c := account.Credential{ID: device, Verifier: account.Number{1}}
		if i < floodLoad { // these log in
			_, _ = rand.Read(c.Salt[:]) // never fails
			c.Verifier = srp.Verifier(device[:], d.pass.Password(), c.Salt)
		}
		ids[i], err = s.CreateAccount(b.Context(), store.NewAccount{
			Email: account.Email(fmt.Sprintf("%d@example.org", i)), Name: "Somebody", Devices: list,
			Device: account.NewDevice{Credential: c, Label: "laptop"},
		})
		if err != nil {
			return err
		}
		session, err := account.NewID(nil)
		if err != nil {
			return err
		}
		chain := account.NewChain(account.Hash(account.InviteHash(wire.InviteID(session))), account.Hash{})
		d.ses = account.NewSession(session, chain)
		all[i] = d
		_, err = s.CreateSession(b.Context(), device, session, chain)
		return err
	}
	meet := func(i int) error {
		var link wire.InviteID
		binary.BigEndian.PutUint64(link[:], uint64(i)+1)
		if err := s.CreateInvite(b.Context(), ids[i], account.InviteHash(link)); err != nil {
			return err
		}
		_, _, err := s.AcceptInvite(b.Context(), ids[i+1], link, account.Hash{})
		return err
	}
	parallel(b, n, 8, make1)
	parallel(b, n/2, 8, func(i int) error { return meet(2 * i) })
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return all
}

func parallel(b *testing.B, n, at int, do func(i int) error) {
	b.Helper()
	var g errgroup.Group
	g.SetLimit(at)
	for i := range n {
		g.Go(func() error { return do(i) })
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
}

// web is an HTTP client with an address of its own.
func web(from net.IP) *http.Client {
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	t := insecure()
	t.DialContext, t.MaxIdleConnsPerHost = d.DialContext, floodLoad
	return &http.Client{Transport: t}
}

// connect binds a device and tells that it is here.
func (c *crowd) connect(d *loaded) error {
	ctx, cancel := context.WithTimeout(c.b.Context(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "wss://"+c.p.service.Addrs[0]+"/ws", &websocket.DialOptions{HTTPClient: web(d.from)})
	if err != nil {
		return err
	}
	d.ws = ws
	ask := func(id uint32, body wire.FrameBody) (wire.FrameBody, error) {
		if err := d.write(ctx, id, body); err != nil {
			return nil, err
		}
		for {
			f, err := d.read(ctx)
			if err != nil || f.ID == id {
				return f.Body, err
			}
			c.heard(d, f)
		}
	}
	got, err := ask(1, wire.ServiceHello{Version: wire.Version, Device: d.id.Public()})
	if err != nil {
		return err
	}
	ch, ok := got.(wire.Challenge)
	if !ok {
		return fmt.Errorf("%#v instead of a challenge", got)
	}
	proof := wire.Proof{Signature: [64]byte(d.id.Sign(wire.ProofBytes(c.p.service.Pin, ch.Nonce, d.id.Public())))}
	a := d.ses.Authorize(account.BindMethod, account.BindPath, ch.Nonce[:])
	for i, body := range []wire.FrameBody{proof, wire.Bind{Session: a.Session, Gen: a.Gen, Seq: a.Seq, MAC: a.MAC}, wire.SetPresence{State: wire.Online}} {
		got, err := ask(uint32(2+i), body)
		if err != nil {
			return err
		}
		if e, ok := got.(wire.Error); ok {
			return fmt.Errorf("%T: %v", body, e.Code)
		}
	}
	d.next.Store(100)
	return nil
}

func (d *loaded) write(ctx context.Context, id uint32, body wire.FrameBody) error {
	b, err := wire.AppendFrame(nil, wire.Frame{ID: id, Body: body})
	if err != nil {
		return err
	}
	return d.ws.Write(ctx, websocket.MessageBinary, b)
}

func (d *loaded) read(ctx context.Context) (wire.Frame, error) {
	_, b, err := d.ws.Read(ctx)
	if err != nil {
		return wire.Frame{}, err
	}
	return wire.ParseFrame(b)
}

// heard takes what the service tells a device.
func (c *crowd) heard(d *loaded, f wire.Frame) {
	switch m := f.Body.(type) {
	case wire.Deliver:
		now, n := time.Now(), int(binary.BigEndian.Uint64(m.Sealed))
		c.mu.Lock()
		c.took = append(c.took, now.Sub(c.begun[n]))
		c.mu.Unlock()
		_ = d.write(c.b.Context(), f.ID, wire.OK{})
	case wire.Presence:
		if m.State == wire.Online {
			c.present.Add(1)
		}
	case wire.Error:
		c.refused.Add(1)
	case wire.OK:
		c.answers.Add(1)
	}
}

// signals sends at a steady rate, whether or not the ones before arrived, and
// gives how long each took from when it was due.
func (c *crowd) signals() []time.Duration {
	n := int(phase.Seconds() * signalRate)
	c.mu.Lock()
	c.begun, c.took = make([]time.Time, n), nil
	c.mu.Unlock()
	start := time.Now()
	for i := range n {
		due := start.Add(time.Duration(i) * time.Second / signalRate)
		time.Sleep(time.Until(due))
		c.mu.Lock()
		c.begun[i] = due
		c.mu.Unlock()
		text := make([]byte, signalSize)
		binary.BigEndian.PutUint64(text, uint64(i))
		who := i * 7 % len(c.devices)
		d := c.devices[who]
		if err := d.write(c.b.Context(), d.next.Add(1), wire.Send{To: c.devices[who^1].id.Public().Address(), Sealed: text}); err != nil {
			c.b.Fatal(err)
		}
	}
	eventually(c.b, "all signals", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.took) == n
	})
	slices.Sort(c.took)
	return c.took
}

func quantile(sorted []time.Duration, q float64) float64 {
	return float64(sorted[int(q*float64(len(sorted)-1))].Microseconds()) / 1000
}

// usage is what a process takes: bytes of memory, and time of a processor.
func (p *process) usage() (resident float64, busy time.Duration) {
	dir := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	status, err1 := os.ReadFile(dir + "status")
	stat, err2 := os.ReadFile(dir + "stat")
	if err1 != nil || err2 != nil {
		p.tb.Fatal(err1, err2)
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); f[0] == "VmRSS:" {
			kb, _ := strconv.Atoi(f[1])
			resident = float64(kb) * 1024
		}
	}
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')'):]))
	user, _ := strconv.Atoi(f[12])
	system, _ := strconv.Atoi(f[13])
	return resident, time.Duration(user+system) * time.Second / 100 // USER_HZ
}

// login is one whole login by SRP.
func (c *crowd) login(w *http.Client, d *loaded) error {
	id := d.pass.DeviceID()
	s, err := srp.NewClient(id[:], d.pass.Password(), nil)
	if err != nil {
		return err
	}
	ch, err := callOnce[account.LoginChallenge](c, w, account.PathLoginStart, account.LoginStart{Device: id, A: s.A()})
	if err != nil {
		return err
	}
	m1, err := s.Answer(ch.Salt, ch.B)
	if err != nil {
		return err
	}
	t := account.LoginTranscript(id, ch.Salt, s.A(), ch.B, m1, c.p.service.Pin)
	_, err = callOnce[account.LoginDone](c, w, account.PathLoginFinish, account.LoginFinish{Attempt: ch.Attempt, M1: m1, Signature: account.Signature(d.id.Sign(t[:]))})
	return err
}

func callOnce[A any](c *crowd, w *http.Client, path string, q any) (a A, err error) {
	body, err := account.Encode(q)
	if err != nil {
		return a, err
	}
	status, b, err := c.post(c.b.Context(), w, path, body)
	if err != nil || status != http.StatusOK {
		return a, fmt.Errorf("%s: %d %s %w", path, status, b, err)
	}
	return account.Decode[A](bytes.NewReader(b))
}

func (c *crowd) post(ctx context.Context, w *http.Client, path string, body []byte) (int, []byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+c.p.service.Addrs[0]+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	r, err := w.Do(q)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	return r.StatusCode, b, err
}

// flood begins logins without end, from many addresses, for nothing.
func (c *crowd) flood() (stop func() float64) {
	c.b.Helper()
	ctx, cancel := context.WithCancel(c.b.Context())
	var g sync.WaitGroup
	var begun atomic.Int64
	id := c.devices[0].pass.DeviceID()
	s, err := srp.NewClient(id[:], []byte("guess"), nil) // the same for all: it costs the service alone
	if err != nil {
		c.b.Fatal(err)
	}
	body, err := account.Encode(account.LoginStart{Device: id, A: s.A()})
	if err != nil {
		c.b.Fatal(err)
	}
	start := time.Now()
	for i := range floodLoad {
		g.Go(func() {
			for n := 0; ctx.Err() == nil; n++ { // a new address once one has had its share
				w := web(net.IPv4(127, 1, byte(i), byte(1+n%250)))
				for range 60 {
					if status, _, err := c.post(ctx, w, account.PathLoginStart, body); err != nil || status != http.StatusOK {
						break
					}
					begun.Add(1)
				}
				w.CloseIdleConnections()
			}
		})
	}
	return func() float64 {
		cancel()
		took := time.Since(start)
		g.Wait()
		return float64(begun.Load()) / took.Seconds()
	}
}

// The real program under the load of CONNECTIONS (5000) devices with accounts,
// on loopback and within the limits that everybody has.
func BenchmarkService(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			for range b.N {
				load(b, engine)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func load(b *testing.B, engine string) {
	b.Helper()
	n := 5000
	if v, err := strconv.Atoi(os.Getenv("CONNECTIONS")); err == nil && v >= 2*floodLoad {
		n = v &^ 1
	}
	fileLimit(b, uint64(n)+1000)
	dir, args := b.TempDir(), []string(nil)
	o := store.Options{Dir: dir}
	if engine == "postgres" {
		o.URL = servicetest.StartPostgres(b).URL()
		args = []string{"--db", o.URL}
	}
	var err error
	if o.Master, err = store.MasterKeyFile(filepath.Join(dir, "master.key")); err != nil {
		b.Fatal(err)
	}
	c := &crowd{b: b, devices: enrolCrowd(b, o, n)}
	c.p = startProcess(b, append(args, "--data", dir)...)

	// Logins: the service's time of a processor for each. Also warms it up.
	_, before := c.p.usage()
	parallel(b, floodLoad, 4, func(i int) error {
		w := web(net.IPv4(127, 2, 0, byte(1+i)))
		defer w.CloseIdleConnections()
		return c.login(w, c.devices[i])
	})
	idle, after := c.p.usage()
	b.ReportMetric(floodLoad/(after-before).Seconds(), "logins/core-s")

	start := time.Now()
	parallel(b, n, 64, func(i int) error { return c.connect(c.devices[i]) })
	b.ReportMetric(float64(n)/time.Since(start).Seconds(), "connects/s")
	var reading sync.WaitGroup
	for _, d := range c.devices {
		reading.Go(func() {
			for {
				f, err := d.read(b.Context())
				if err != nil {
					return
				}
				c.heard(d, f)
			}
		})
	}
	defer func() {
		for _, d := range c.devices {
			_ = d.ws.CloseNow()
		}
		reading.Wait()
	}()
	defer func() {
		if b.Failed() {
			b.Logf("%d of %d are seen; the program says:\n%.4000s", c.present.Load(), n, c.p.log)
		}
	}()
	eventually(b, "everybody sees his contact", func() bool { return c.present.Load() >= int64(n) })
	resident, _ := c.p.usage()
	b.ReportMetric((resident-idle)/float64(n)/1024, "kB/conn")
	b.ReportMetric(idle/(1<<20), "MB-idle")

	var quiet, flooded []time.Duration
	var rate float64
	for range 2 { // by turns: the machine has other work, too
		quiet = append(quiet, c.signals()...)
		stop := c.flood()
		flooded = append(flooded, c.signals()...)
		rate = stop()
	}
	slices.Sort(quiet)
	slices.Sort(flooded)
	b.ReportMetric(quantile(quiet, 0.5), "p50-ms")
	b.ReportMetric(quantile(quiet, 0.99), "p99-ms")
	b.ReportMetric(quantile(flooded, 0.5), "flood-p50-ms")
	b.ReportMetric(quantile(flooded, 0.99), "flood-p99-ms")
	b.ReportMetric(quantile(flooded, 0.99)/quantile(quiet, 0.99), "flood-ratio")
	b.ReportMetric(rate, "flood/s")
	resident, _ = c.p.usage()
	b.ReportMetric((resident-idle)/float64(n)/1024, "kB/conn-after")
	if r := c.refused.Load(); r > 0 {
		b.Errorf("%d signals were refused", r)
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		b.Logf("load of the machine %s", load)
	}
}
