package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"viewflip.app/capture"
	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// hub is a service in memory: it hands on what it is given, as a hostile one
// could, to whoever it likes.
type hub struct {
	mu      sync.Mutex
	boxes   map[wire.Address]chan wire.Deliver
	invites map[wire.InviteID]wire.Device
	// full are devices whose mailbox takes nothing more.
	full map[wire.Address]bool
	// tamper may change or drop (nil) what passes.
	tamper func(to wire.Address, sealed []byte) [][]byte
}

func newHub() *hub {
	return &hub{boxes: map[wire.Address]chan wire.Deliver{}, invites: map[wire.InviteID]wire.Device{}, full: map[wire.Address]bool{}}
}

type box struct {
	hub *hub
	dev wire.Device
	in  chan wire.Deliver
}

var (
	errUnknownInvite = errors.New("no such invite")
	errFull          = errors.New("too much at once")
	errOffline       = errors.New("no such device")
)

// boxPatience is how long Send tries what a mailbox does not take.
const boxPatience = 10 * time.Second

func (h *hub) box(dev wire.Device) *box {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := &box{h, dev, make(chan wire.Deliver, 100)}
	h.boxes[dev.Address()] = b.in
	return b
}

func (b *box) Send(ctx context.Context, to wire.Address, sealed []byte) error {
	err := b.SendNow(ctx, to, sealed)
	if errors.Is(err, errFull) {
		select {
		case <-time.After(boxPatience):
		case <-ctx.Done():
		}
	}
	return err
}

func (b *box) SendNow(_ context.Context, to wire.Address, sealed []byte) error {
	b.hub.mu.Lock()
	defer b.hub.mu.Unlock()
	switch {
	case b.hub.full[to]:
		return errFull
	case b.hub.boxes[to] == nil:
		return errOffline
	}
	all := [][]byte{sealed}
	if b.hub.tamper != nil {
		all = b.hub.tamper(to, sealed)
	}
	for _, s := range all {
		b.hub.boxes[to] <- wire.Deliver{From: b.dev.Address(), Sealed: s}
	}
	return nil
}

func (b *box) Recv(ctx context.Context) (wire.Deliver, error) {
	select {
	case d := <-b.in:
		return d, nil
	case <-ctx.Done():
		return wire.Deliver{}, ctx.Err()
	}
}

func (b *box) OpenInvite(_ context.Context, id wire.InviteID, _ time.Time) error {
	b.hub.mu.Lock()
	defer b.hub.mu.Unlock()
	b.hub.invites[id] = b.dev
	return nil
}

func (b *box) CloseInvite(context.Context, wire.InviteID) error { return nil }

func (b *box) Lookup(_ context.Context, id wire.InviteID) (wire.Device, error) {
	b.hub.mu.Lock()
	defer b.hub.mu.Unlock()
	d, ok := b.hub.invites[id]
	if !ok {
		return wire.Device{}, errUnknownInvite
	}
	return d, nil
}

// net pairs peers once both have exchanged an offer and an answer through
// their signallers.
type peers struct {
	mu    sync.Mutex
	peers map[string]*peer
	ends  []*peer
	next  int
	kinds [256]int // messages by type
	track *track   // that came last
}

func (n *peers) count(kind byte) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.kinds[kind]
}

// tell has the peer that was made as number i send a message of the test's.
func (n *peers) tell(t *testing.T, i int, m wire.Message) {
	t.Helper()
	b, err := wire.AppendMessage(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	n.mu.Lock()
	p := n.ends[i]
	n.mu.Unlock()
	if err := p.Send(b); err != nil {
		t.Fatal(err)
	}
}

// drained reports whether everything that was sent has been read.
func (n *peers) drained() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.ends {
		if len(p.in) > 0 {
			return false
		}
	}
	return true
}

type peer struct {
	net       *peers
	offerer   bool
	sig       session.Signaller
	other     *peer
	connected chan struct{}
	states    chan session.PeerState
	in        chan []byte
	tracks    chan *track
	done      chan struct{}
	waiting   atomic.Int64 // what it says of Waiting
}

func (n *peers) new(offerer bool, s session.Signaller) (session.Peer, error) {
	p := &peer{
		net: n, offerer: offerer, sig: s, connected: make(chan struct{}), states: make(chan session.PeerState, 1),
		in: make(chan []byte, 1000), tracks: make(chan *track, 10), done: make(chan struct{}),
	}
	n.mu.Lock()
	n.ends = append(n.ends, p)
	n.mu.Unlock()
	return p, nil
}

// Run trades keys into the table of peers through the sealed signals, so that
// only who can open and sign them gets connected.
func (p *peer) Run(ctx context.Context) error {
	defer close(p.done)
	if p.offerer {
		p.net.mu.Lock()
		p.net.next++
		key := fmt.Sprint(p.net.next)
		p.net.peers[key] = p
		p.net.mu.Unlock()
		if err := p.sig.Send(ctx, wire.Offer{SDP: key}); err != nil {
			return err
		}
		s, err := p.sig.Recv(ctx)
		if _, ok := s.(wire.Answer); !ok {
			return fmt.Errorf("%T %w", s, err)
		}
	} else {
		s, err := p.sig.Recv(ctx)
		o, ok := s.(wire.Offer)
		if !ok {
			return fmt.Errorf("%T %w", s, err)
		}
		p.net.mu.Lock()
		p.other = p.net.peers[o.SDP]
		p.other.other = p
		p.net.mu.Unlock()
		if err := p.sig.Send(ctx, wire.Answer{SDP: o.SDP}); err != nil {
			return err
		}
	}
	close(p.connected)
	select {
	case <-ctx.Done():
	case <-p.other.done:
	}
	return nil
}

func (p *peer) Connected() <-chan struct{}       { return p.connected }
func (p *peer) States() <-chan session.PeerState { return p.states }
func (p *peer) Waiting() int                     { return int(p.waiting.Load()) }
func (p *peer) SendLossy(b []byte) error         { return p.Send(b) }
func (p *peer) Recv(ctx context.Context) ([]byte, error) {
	select {
	case b := <-p.in:
		return b, nil
	case <-p.done:
		select {
		case b := <-p.in:
			return b, nil
		default:
			return nil, errors.New("the connection is over")
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *peer) Send(b []byte) error {
	select {
	case <-p.connected:
		p.net.mu.Lock()
		p.net.kinds[b[0]]++
		p.net.mu.Unlock()
		p.other.in <- bytes.Clone(b)
		return nil
	default:
		return errors.New("not connected")
	}
}

type track struct {
	id      string
	frames  chan session.TrackFrame
	refresh chan struct{}
	ts      uint32
}

func (p *peer) AddTrack(_ context.Context, id string) (session.OutTrack, error) {
	t := &track{id: id, frames: make(chan session.TrackFrame, 1000), refresh: make(chan struct{}, 1)}
	p.net.mu.Lock()
	p.net.track = t
	p.net.mu.Unlock()
	p.other.tracks <- t
	return t, nil
}

// refresh asks for a full picture of the stream that came last, as the network
// does.
func (n *peers) refresh() {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case n.track.refresh <- struct{}{}:
	default:
	}
}

func (p *peer) AcceptTrack(ctx context.Context) (session.InTrack, error) {
	select {
	case t := <-p.tracks:
		return inTrack{t}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (t *track) Codec(context.Context) (string, error) { return "plain", nil }
func (t *track) Refresh() <-chan struct{}              { return t.refresh }
func (t *track) Close() error                          { return nil }
func (t *track) Pace(float64, int)                     {}

func (t *track) Write(_ context.Context, f []byte) (uint32, error) {
	t.ts++
	t.frames <- session.TrackFrame{Data: bytes.Clone(f), Timestamp: t.ts, Received: time.Now()}
	return t.ts, nil
}

type inTrack struct{ t *track }

func (i inTrack) ID() string    { return i.t.id }
func (i inTrack) Codec() string { return "plain" }
func (i inTrack) RequestRefresh() {
	select {
	case i.t.refresh <- struct{}{}:
	default: // asked for already
	}
}
func (i inTrack) Read(ctx context.Context) (session.TrackFrame, error) {
	select {
	case f := <-i.t.frames:
		return f, nil
	case <-ctx.Done():
		return session.TrackFrame{}, ctx.Err()
	}
}

// plain codes a picture as its size and pixels.
type plain struct{ pic *video.Frame }

func (*plain) Close() {}
func (*plain) Encode(dst []byte, f *video.Frame, _ []image.Rectangle, _ bool) ([]byte, bool, error) {
	return append(append(dst, byte(f.W), byte(f.H), byte(f.Gen)), f.Pix...), true, nil
}

func (p *plain) Decode(b []byte) ([]image.Rectangle, error) {
	p.pic = video.NewFrame(int(b[0]), int(b[1]))
	p.pic.Gen = uint32(b[2])
	copy(p.pic.Pix, b[3:])
	return []image.Rectangle{p.pic.Bounds()}, nil
}
func (p *plain) Picture() *video.Frame { return p.pic }
func (p *plain) Need(b []byte) int     { return int(b[0]) * int(b[1]) }

// Exact plays a codec that owes something of pictures of this value.
func (p *plain) Exact() bool { return p.pic != nil && p.pic.Pix[0] != owed }

const owed = 250

// screen is a window whose pictures the test makes.
type screen struct {
	frames chan *video.Frame
	states chan capture.State
	closed chan struct{}
	once   sync.Once
	gone   chan struct{}
	// allowed gets what Allow was called with.
	allowed chan capture.SurfaceID
}

func newScreen() *screen {
	return &screen{
		frames: make(chan *video.Frame, 100), states: make(chan capture.State, 1), closed: make(chan struct{}), gone: make(chan struct{}),
		allowed: make(chan capture.SurfaceID, 10),
	}
}

func (s *screen) paint(v byte) {
	f := video.NewFrame(4, 3)
	for i := range f.Pix {
		f.Pix[i] = v
	}
	f.Gen, f.Damage, f.Captured = 1, []image.Rectangle{f.Bounds()}, time.Now()
	s.frames <- f
}

func (s *screen) Next(ctx context.Context) (*video.Frame, error) {
	select {
	case f := <-s.frames:
		return f, nil
	case <-s.gone:
		return nil, capture.ErrGone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
func (s *screen) States() <-chan capture.State { return s.states }
func (s *screen) State() capture.State         { return capture.State{W: 4, H: 3, Gen: 1} }
func (s *screen) Allow(id capture.SurfaceID)   { s.allowed <- id }
func (s *screen) Close() error                 { s.once.Do(func() { close(s.closed) }); return nil }

// gate records what it was asked to do.
type gate struct {
	mu       sync.Mutex
	events   []wire.Input
	released int
	closed   bool
	reason   wire.Reason
	layout   input.Layout
}

func (g *gate) Do(ev wire.Input, r wire.Rights) (wire.Reason, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r&wire.RightControl == 0 || g.closed {
		return wire.NoRight, false
	}
	g.events = append(g.events, ev)
	return g.reason, g.reason == 0
}
func (g *gate) SetLayout(l input.Layout)      { g.mu.Lock(); defer g.mu.Unlock(); g.layout = l }
func (g *gate) Release() error                { g.mu.Lock(); defer g.mu.Unlock(); g.released++; return nil }
func (g *gate) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (g *gate) Close() error                  { g.mu.Lock(); defer g.mu.Unlock(); g.closed = true; return nil }
func (g *gate) seen() int                     { g.mu.Lock(); defer g.mu.Unlock(); return len(g.events) }

// world is a service, a network, and the windows and gates of everybody.
type world struct {
	t     *testing.T
	hub   *hub
	net   *peers
	mu    sync.Mutex
	gates []*gate
	clips []*clipboard // one for each call, in order
	win   *screen
	// slowGate, if set, runs while a gate opens.
	codecs      func(*session.Config)
	slowGate    func()
	mouse, hand *mouse
	// sentBy is who sent a link sealed.
	sentBy map[wire.InviteID]session.Contact
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, hub: newHub(), net: &peers{peers: map[string]*peer{}}, win: newScreen(), sentBy: map[wire.InviteID]session.Contact{}}
}

func (w *world) lastGate() *gate {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.gates) == 0 {
		return nil
	}
	return w.gates[len(w.gates)-1]
}

func (w *world) call(name string) *session.Call {
	return w.as(w.identity(), name)
}

func (w *world) identity() *wire.Identity {
	w.t.Helper()
	id, err := wire.NewIdentity(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// as starts a call for a device that may have been there before.
func (w *world) as(id *wire.Identity, name string) *session.Call {
	return w.with(id, name, func(*session.Config) {})
}

func (w *world) with(id *wire.Identity, name string, change func(*session.Config)) *session.Call {
	clip := newClipboard()
	w.clips = append(w.clips, clip)
	cfg := session.Config{
		Clipboard: clip,
		Identity:  id, Name: name, Service: wire.Service{Addrs: []string{"127.0.0.1:1"}}, Mailbox: w.hub.box(id.Public()),
		NewPeer:     w.net.new,
		OpenCapture: w.capture,
		NewGate: func(context.Context, platform.WindowID) (session.Gate, error) {
			if w.slowGate != nil {
				w.slowGate()
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			g := &gate{}
			w.gates = append(w.gates, g)
			return g, nil
		},
		OpenCursor: w.opener(&w.mouse), OpenHand: w.opener(&w.hand),
		NewEncoder: newPlainEncoder,
		NewDecoder: newPlainDecoder,
	}
	if w.codecs != nil {
		w.codecs(&cfg)
	}
	change(&cfg)
	c := session.New(cfg)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := c.Run(context.Background()); err != nil {
			w.t.Error(name, err)
		}
	}()
	w.t.Cleanup(func() { c.Leave(); <-done })
	return c
}

func (w *world) capture(context.Context, platform.WindowID) (capture.Stream, error) {
	return w.win, nil
}

func (w *world) opener(m **mouse) func() (capture.Cursor, error) {
	return func() (capture.Cursor, error) {
		if *m == nil {
			return nil, platform.ErrUnsupported
		}
		(*m).opened <- struct{}{}
		return *m, nil
	}
}

func newPlainEncoder(string) (session.Encoder, error) { return &plain{}, nil }
func newPlainDecoder(string) (session.Decoder, error) { return &plain{}, nil }

func (w *world) link(c *session.Call, uses int) wire.Link {
	w.t.Helper()
	l, err := c.Invite(w.t.Context(), session.InviteOptions{Uses: uses})
	if err != nil {
		w.t.Fatal(err)
	}
	back, err := wire.ParseLink(l.String()) // as a person would carry it
	if err != nil {
		w.t.Fatal(err)
	}
	return back
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatal("waited in vain:", what)
}

func connected(c *session.Call) (n int) {
	for _, m := range c.State().Members {
		if m.Link == session.Connected {
			n++
		}
	}
	return n
}

// pair makes a call of two and a share of the first with a view of the second.
func (w *world) pair(grant wire.Rights) (anna, ben *session.Call, id wire.ShareID, v *session.View) {
	t := w.t
	t.Helper()
	anna, ben = w.call("Anna"), w.call("Ben")
	if err := ben.Join(t.Context(), w.link(anna, 1)); err != nil {
		t.Fatal(err)
	}
	id, err := anna.Share(t.Context(), platform.Window{ID: platform.NewWindowID(7), Title: "Editor\n\u202eevil"}, grant)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the share to be offered", func() bool { return len(ben.State().Remote) == 1 })
	r := ben.State().Remote[0]
	if r.MemberName != "Anna" || r.Title != "Editor evil" || r.W != 4 || r.H != 3 {
		t.Errorf("offered as %+v", r)
	}
	if v, err = ben.View(r.Member, r.Share); err != nil {
		t.Fatal(err)
	}
	return anna, ben, id, v
}
