package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v5/vnet"

	"viewflip.app/capture"
	"viewflip.app/cmd/viewflip/internal/peer"
	"viewflip.app/platform"
	"viewflip.app/rtc"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// shaped is a virtual network that loses, delays and has a bottleneck, with
// whole calls of the real session, connection and codec on it.
type shaped struct {
	tb     testing.TB
	router *vnet.Router

	mu     sync.Mutex
	loss   float64
	hosts  int
	sent   int // bytes
	queues map[string]*standing
	boxes  map[wire.Address]*memoryBox
	// gate, if not nil, is what controls the windows of all members.
	gate    func(context.Context, platform.WindowID) (session.Gate, error)
	invites map[wire.InviteID]wire.Device
	// lines are the connections that each member made, in order, by their name.
	lines map[string][]line
}

// line is a connection as a hostile member has it.
type line struct {
	peer *rtc.Peer
	sig  session.Signaller
}

func newShaped(tb testing.TB, rtt time.Duration) *shaped {
	tb.Helper()
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	r, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "10.0.0.0/24", LoggerFactory: quiet, MinDelay: rtt / 2, QueueSize: 100000})
	if err != nil {
		tb.Fatal(err)
	}
	n := &shaped{tb: tb, router: r, hosts: 1, queues: map[string]*standing{}, boxes: map[wire.Address]*memoryBox{}, invites: map[wire.InviteID]wire.Device{}, lines: map[string][]line{}}
	r.AddChunkFilter(func(c vnet.Chunk) bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.sent += len(c.UserData())
		if rand.Float64() < n.loss {
			return false
		}
		if host, _, err := net.SplitHostPort(c.DestinationAddr().String()); err == nil && n.queues[host] != nil {
			n.queues[host].add(len(c.UserData()), time.Now())
		}
		return true
	})
	return n
}

// standing reckons how long the queue before a bottleneck is.
type standing struct {
	rate   float64 // bytes a second
	bytes  float64
	at     time.Time
	delays []time.Duration // that the packets since the last look will meet
}

func (q *standing) add(n int, now time.Time) {
	q.bytes = max(0, q.bytes-q.rate*now.Sub(q.at).Seconds())
	q.at = now
	q.delays = append(q.delays, time.Duration(q.bytes/q.rate*1e9))
	q.bytes = min(q.bytes+float64(n), q.rate/2) // what does not fit is dropped
}

// delays returns what the queues added to each packet since the call before.
func (n *shaped) delays() (all []time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, q := range n.queues {
		all = append(all, q.delays...)
		q.delays = nil
	}
	return all
}

// losing sets the share of packets that are lost, in both directions.
func (n *shaped) losing(loss float64) {
	n.mu.Lock()
	n.loss = loss
	n.mu.Unlock()
}

func (n *shaped) bytes() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sent
}

// host adds a machine. What is sent to it passes a queue that lets rate bits a
// second through and holds half a second of them, if rate is not 0.
func (n *shaped) host(rate int) (*vnet.Net, *vnet.TBFQueue) {
	n.tb.Helper()
	n.hosts++
	h, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{fmt.Sprintf("10.0.0.%d", n.hosts)}})
	if err != nil {
		n.tb.Fatal(err)
	}
	if rate == 0 {
		if err := n.router.AddNet(h); err != nil {
			n.tb.Fatal(err)
		}
		return h, nil
	}
	n.mu.Lock()
	n.queues[fmt.Sprintf("10.0.0.%d", n.hosts)] = &standing{rate: float64(rate) / 8}
	n.mu.Unlock()
	q := vnet.NewTBFQueue(rate, 3000, int64(rate/8/2))
	nic, err := vnet.NewQueue(h, q)
	if err != nil {
		n.tb.Fatal(err)
	}
	if err := n.router.AddNet(nic); err != nil {
		n.tb.Fatal(err)
	}
	n.tb.Cleanup(func() { _ = nic.Close() })
	return h, q
}

// start opens the network once all hosts are there.
func (n *shaped) start() {
	if err := n.router.Start(); err != nil {
		n.tb.Fatal(err)
	}
	n.tb.Cleanup(func() { _ = n.router.Stop() })
}

// member is somebody at a host, whose windows have the numbers from 0; leave
// ends his call.
func (n *shaped) member(name string, host *vnet.Net, wins ...*scenery) (c *session.Call, leave func()) {
	n.tb.Helper()
	id, err := wire.NewIdentity(nil)
	if err != nil {
		n.tb.Fatal(err)
	}
	b := &memoryBox{net: n, dev: id.Public(), in: make(chan wire.Deliver, 100)}
	n.mu.Lock()
	n.boxes[b.dev.Address()] = b
	n.mu.Unlock()
	var count peer.Traffic
	c = session.New(session.Config{
		Identity: id, Name: name, Service: wire.Service{Addrs: []string{"127.0.0.1:1"}}, Mailbox: b,
		NewPeer: func(offerer bool, s session.Signaller) (session.Peer, error) {
			p, err := rtc.New(rtc.Options{Offerer: offerer, Codecs: peer.Codecs(), Net: host}, s)
			if err != nil {
				return nil, err
			}
			n.mu.Lock()
			n.lines[name] = append(n.lines[name], line{p, s})
			n.mu.Unlock()
			return peer.Wrap(p, &count), nil
		},
		OpenCapture: func(_ context.Context, id platform.WindowID) (capture.Stream, error) {
			for i, w := range wins {
				if id == platform.NewWindowID(uint32(i)) {
					return w, nil
				}
			}
			return nil, capture.ErrGone
		},
		NewEncoder: peer.Encoders(), NewDecoder: peer.NewDecoder, NewGate: n.gate,
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := c.Run(context.Background()); err != nil {
			n.tb.Error(name, err)
		}
	}()
	leave = sync.OnceFunc(func() { c.Leave(); <-done })
	n.tb.Cleanup(leave)
	return c, leave
}

// memoryBox is a mailbox of a service in memory.
type memoryBox struct {
	net *shaped
	dev wire.Device
	in  chan wire.Deliver
}

var errNoInvite = errors.New("no such invite")

func (b *memoryBox) Send(_ context.Context, to wire.Address, sealed []byte) error {
	b.net.mu.Lock()
	other := b.net.boxes[to]
	b.net.mu.Unlock()
	if other != nil {
		select {
		case other.in <- wire.Deliver{From: b.dev.Address(), Sealed: sealed}:
		default: // he has left
		}
	}
	return nil
}

func (b *memoryBox) SendNow(ctx context.Context, to wire.Address, sealed []byte) error {
	return b.Send(ctx, to, sealed)
}

func (b *memoryBox) Recv(ctx context.Context) (wire.Deliver, error) {
	select {
	case d := <-b.in:
		return d, nil
	case <-ctx.Done():
		return wire.Deliver{}, ctx.Err()
	}
}

func (b *memoryBox) OpenInvite(_ context.Context, id wire.InviteID, _ time.Time) error {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.net.invites[id] = b.dev
	return nil
}

func (b *memoryBox) CloseInvite(context.Context, wire.InviteID) error { return nil }

func (b *memoryBox) Lookup(_ context.Context, id wire.InviteID) (wire.Device, error) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	d, ok := b.net.invites[id]
	if !ok {
		return d, errNoInvite
	}
	return d, nil
}

// The scenes of a scenery.
const (
	sceneStill = iota
	sceneTyping
	sceneCode
	scenePhotos
	sceneKinds
)

// scenery is a window that changes by the clock. Each picture carries its
// number where decoders with loss can read it.
type scenery struct {
	size  image.Point
	every time.Duration
	began time.Time
	photo []byte // three windows high
	code  []byte
	pool  *video.Pool
	gone  chan struct{}
	once  sync.Once

	mu     sync.Mutex
	kind   int
	number int
	base   []byte
	at     []time.Time // when each picture was painted
	fresh  bool
}

func newScenery(size image.Point, every time.Duration) *scenery {
	s := &scenery{size: size, every: every, began: time.Now(), pool: video.NewPool(4), gone: make(chan struct{})}
	s.photo, s.code = photograph(size.X, 3*size.Y), listing(size.X, 3*size.Y)
	s.base = append([]byte(nil), s.code[:size.X*size.Y*video.BytesPerPixel]...)
	s.stamp()
	return s
}

// photograph is smooth at every scale, with grain.
func photograph(w, h int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	sum := make([]float64, w*h*3)
	for _, o := range []struct {
		cell  int
		power float64
	}{{160, 90}, {40, 45}, {10, 18}} {
		cols := w/o.cell + 2
		grid := make([]float64, cols*(h/o.cell+2)*3)
		for i := range grid {
			grid[i] = (rng.Float64() - 0.5) * o.power
		}
		for y := range h {
			fy := float64(y%o.cell) / float64(o.cell)
			for x := range w {
				fx := float64(x%o.cell) / float64(o.cell)
				for c := range 3 {
					i := ((y/o.cell)*cols+x/o.cell)*3 + c
					top := grid[i]*(1-fx) + grid[i+3]*fx
					bottom := grid[i+cols*3]*(1-fx) + grid[i+cols*3+3]*fx
					sum[(y*w+x)*3+c] += top*(1-fy) + bottom*fy
				}
			}
		}
	}
	pix := make([]byte, w*h*video.BytesPerPixel)
	for i := range w * h {
		grain := float64(rng.IntN(5) - 2)
		for c := range 3 {
			pix[i*4+c] = byte(min(max(128+sum[i*3+c]+grain, 0), 255))
		}
		pix[i*4+3] = 255
	}
	return pix
}

// listing is made of letters: a few shapes that come again and again.
func listing(w, h int) []byte {
	rng := rand.New(rand.NewPCG(3, 4))
	letters := make([]uint64, 60)
	for i := range letters {
		letters[i] = rng.Uint64() & rng.Uint64()
	}
	pix := make([]byte, w*h*video.BytesPerPixel)
	for i := range pix {
		pix[i] = 0xff
	}
	for y := 0; y+cellH <= h; y += cellH {
		for x, end := 4*cellW*rng.IntN(4), rng.IntN(w); x+cellW <= end; x += cellW {
			l := letters[rng.IntN(len(letters))]
			for b := range 64 {
				if l>>b&1 != 0 {
					i := ((y+4+b/8)*w + x + 1 + b%8) * 4
					binary.LittleEndian.PutUint32(pix[i:], 0xff202020)
				}
			}
		}
	}
	return pix
}

// play changes the scene.
func (s *scenery) play(kind int) {
	s.mu.Lock()
	s.kind = kind
	s.mu.Unlock()
}

// stamp draws the number of the next picture; s.mu is held.
func (s *scenery) stamp() {
	for i := range bits {
		v := uint32(0)
		if s.number>>i&1 != 0 {
			v = 0xffffff
		}
		for y := range 2 * bitSide {
			for x := range bitSide {
				c := v
				if y >= bitSide {
					c = ^v & 0xffffff
				}
				binary.LittleEndian.PutUint32(s.base[(y*s.size.X+i*bitSide+x)*4:], c|0xff<<24)
			}
		}
	}
	s.at = append(s.at, time.Now())
	s.fresh = true
}

// paint brings the window up to what it is by now; s.mu is held.
func (s *scenery) paint() {
	n := int(time.Since(s.began) / s.every)
	row := s.size.X * 4
	if n <= s.number || s.kind == sceneStill {
		return
	}
	for s.number < n {
		s.number++
		s.at = append(s.at, s.began.Add(time.Duration(s.number)*s.every))
	}
	s.at = s.at[:s.number] // stamp adds the last
	down := s.number * cellH % (2 * s.size.Y)
	switch s.kind {
	case sceneTyping:
		x, y := rand.IntN(s.size.X/cellW)*cellW, 40+rand.IntN((s.size.Y-40)/cellH-1)*cellH
		for dy := range cellH {
			i := (y+dy)*row + x*4
			copy(s.base[i:i+cellW*4], s.code[(down+y+dy)*row+x*4:])
		}
	case sceneCode:
		copy(s.base, s.code[down*row:])
	case scenePhotos:
		copy(s.base, s.photo[down*row:])
	}
	s.stamp()
	s.at[s.number] = s.began.Add(time.Duration(s.number) * s.every)
}

func (s *scenery) Next(ctx context.Context) (*video.Frame, error) {
	for {
		s.mu.Lock()
		s.paint()
		if s.fresh {
			if f, ok := s.pool.Get(s.size.X, s.size.Y); ok {
				copy(f.Pix, s.base)
				f.Gen, f.Damage, f.Captured = 1, append(f.Damage, f.Bounds()), time.Now()
				s.fresh = false
				s.mu.Unlock()
				return f, nil
			}
		}
		next := s.began.Add(time.Duration(s.number+1) * s.every)
		s.mu.Unlock()
		select {
		case <-time.After(max(time.Until(next), time.Millisecond)):
		case <-s.gone:
			return nil, capture.ErrGone
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *scenery) States() <-chan capture.State { return nil }
func (s *scenery) State() capture.State {
	return capture.State{W: s.size.X, H: s.size.Y, Gen: 1, Main: image.Rectangle{Max: s.size}}
}
func (s *scenery) Allow(capture.SurfaceID) {}
func (s *scenery) Close() error            { s.once.Do(func() { close(s.gone) }); return nil }

// paintedAt is when picture n was painted.
func (s *scenery) paintedAt(n int) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at[min(n, len(s.at)-1)]
}

// same reports whether f is the window as it is.
func (s *scenery) same(f *video.Frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f != nil && samePixels(f.Pix, s.base)
}

// seen reads a picture's number.
func seen(f *video.Frame) (n int, ok bool) {
	for i := range bits {
		at := bitSide/2*f.Stride() + (i*bitSide+bitSide/2)*4
		white := f.Pix[at+1] > 127
		if white == (f.Pix[at+bitSide*f.Stride()+1] > 127) {
			return 0, false
		}
		if white {
			n |= 1 << i
		}
	}
	return n, true
}

// audience looks at a view as a GUI without cost would, and notes how long each
// picture took until it or a newer one was there.
type audience struct {
	win  *scenery
	view *session.View
	came time.Time // what was painted before was not for him

	mu   sync.Mutex
	last int
	took []time.Duration
}

// sit watches the share with a title until ctx ends, and returns when it shows
// something.
func sit(ctx context.Context, tb testing.TB, c *session.Call, title string, win *scenery) *audience {
	tb.Helper()
	a := &audience{win: win, came: time.Now(), last: -1}
	var r session.RemoteShare
	await(tb, "the share", func() bool {
		all := c.State().Remote
		i := slices.IndexFunc(all, func(s session.RemoteShare) bool { return s.Title == title && s.Ended == 0 })
		if i >= 0 {
			r = all[i]
		}
		return i >= 0
	})
	var err error
	if a.view, err = c.View(r.Member, r.Share); err != nil {
		tb.Fatal(err)
	}
	go func() {
		for {
			u, err := a.view.Next(ctx)
			if err != nil {
				return
			}
			a.view.Picture(a.look)
			a.view.Shown(u)
		}
	}()
	await(tb, "a picture", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.last >= 0 })
	return a
}

func (a *audience) look(f *video.Frame) {
	now := time.Now()
	if f == nil {
		return
	}
	n, ok := seen(f)
	a.mu.Lock()
	defer a.mu.Unlock()
	if !ok || n <= a.last {
		return
	}
	for k := a.last + 1; k <= n && a.last >= 0; k++ {
		if at := a.win.paintedAt(k); at.After(a.came) {
			a.took = append(a.took, now.Sub(at))
		}
	}
	a.last = n
}

// right reports whether the window is seen as it is.
func (a *audience) right() (ok bool) {
	a.view.Picture(func(f *video.Frame) { ok = a.win.same(f) })
	return ok
}

// times returns what was noted since the call before.
func (a *audience) times() []time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.took
	a.took = nil
	return t
}

func await(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatal("waited in vain: ", what)
		}
	}
}
