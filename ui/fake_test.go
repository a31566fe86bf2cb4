package ui

import (
	"context"
	"image"
	"sync"
	"time"

	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// fakeCall is a call whose state the test sets.
type fakeCall struct {
	mu       sync.Mutex
	st       session.State
	watchers []chan struct{}
	done     chan struct{}
	once     sync.Once
	views    map[shareKey]*fakeView
	log      []string
	joinErr  error
	links    int
}

func newFakeCall() *fakeCall {
	return &fakeCall{done: make(chan struct{}), views: map[shareKey]*fakeView{}}
}

func (c *fakeCall) note(s string) {
	c.mu.Lock()
	c.log = append(c.log, s)
	c.mu.Unlock()
}

// notes are the commands that came.
func (c *fakeCall) notes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.log...)
}

// set changes the state.
func (c *fakeCall) set(f func(*session.State)) {
	c.mu.Lock()
	st := c.st
	st.Members = append([]session.Member(nil), st.Members...)
	st.Shares = append([]session.Share(nil), st.Shares...)
	st.Asks = append([]session.Ask(nil), st.Asks...)
	st.Remote = append([]session.RemoteShare(nil), st.Remote...)
	f(&st)
	c.st = st
	for _, r := range st.Remote {
		if v := c.views[shareKey{r.Member, r.Share}]; v != nil {
			v.setInfo(r)
		}
	}
	for _, w := range c.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
	c.mu.Unlock()
}

func (c *fakeCall) State() session.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.st
}

func (c *fakeCall) Changed(context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	c.mu.Lock()
	c.watchers = append(c.watchers, ch)
	c.mu.Unlock()
	return ch
}

func (c *fakeCall) Events(context.Context) <-chan session.Event {
	return make(chan session.Event)
}

func (c *fakeCall) Done() <-chan struct{} { return c.done }

func (c *fakeCall) Join(context.Context, wire.Link) error {
	return c.joinErr
}

func (c *fakeCall) Compare(m session.MemberID) error {
	c.set(func(st *session.State) {
		for i := range st.Members {
			if st.Members[i].ID == m {
				st.Members[i].Phrase = session.Phrase{"marble", "anchor", "tulip", "seven"}
			}
		}
	})
	return nil
}

func (c *fakeCall) Invite(context.Context, session.InviteOptions) (wire.Link, error) {
	c.mu.Lock()
	c.links++
	n := c.links
	c.mu.Unlock()
	return fakeLink(byte(n)), nil
}

func fakeLink(n byte) wire.Link {
	return wire.Link{
		Service: wire.Service{Addrs: []string{"198.51.100.7:8443"}, Pin: [32]byte{1, n}},
		Invite:  wire.InviteID{2, n}, Inviter: wire.Address{3}, Secret: wire.NewSecret([32]byte{4, n}),
	}
}

func (c *fakeCall) Share(_ context.Context, w platform.Window, grant wire.Rights) (wire.ShareID, error) {
	var id wire.ShareID
	c.set(func(st *session.State) {
		id = wire.ShareID(len(st.Shares) + 1)
		st.Shares = append(st.Shares, session.Share{ID: id, Window: w.ID, Title: w.Title, App: w.App, Grant: grant, W: 100, H: 80})
	})
	return id, nil
}

func (c *fakeCall) StopShare(id wire.ShareID) {
	c.set(func(st *session.State) {
		var kept []session.Share
		for _, s := range st.Shares {
			if s.ID != id {
				kept = append(kept, s)
			}
		}
		st.Shares = kept
	})
}

func (c *fakeCall) AllowFor(_ session.MemberID, _ wire.ShareID, r wire.Rights, t wire.Term) error {
	c.note("allow " + r.String() + " " + t.String())
	c.set(func(st *session.State) { st.Asks = nil })
	return nil
}

func (c *fakeCall) Refuse(session.MemberID, wire.ShareID) {
	c.set(func(st *session.State) { st.Asks = nil })
}
func (c *fakeCall) Withdraw(_ session.MemberID, _ wire.ShareID, r wire.Rights) {
	c.note("withdraw " + r.String())
}
func (c *fakeCall) TakeBack(session.MemberID, wire.ShareID) { c.note("take back") }
func (c *fakeCall) TakeBackAll()                            { c.note("take back all") }
func (c *fakeCall) Remove(session.MemberID)                 { c.note("remove") }
func (c *fakeCall) Reveal(wire.ShareID, wire.SurfaceID) error {
	c.note("reveal")
	c.set(func(st *session.State) { st.Masked = nil })
	return nil
}

func (c *fakeCall) KeepMasked(wire.ShareID, wire.SurfaceID) error {
	c.note("keep masked")
	c.set(func(st *session.State) { st.Masked = nil })
	return nil
}

func (c *fakeCall) View(m session.MemberID, s wire.ShareID) (View, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := shareKey{m, s}
	v := c.views[k]
	if v == nil {
		for _, r := range c.st.Remote {
			if r.Member == m && r.Share == s {
				v = newFakeView(r)
			}
		}
		if v == nil {
			return nil, session.ErrUnknown
		}
		c.views[k] = v
	}
	return v, nil
}

func (c *fakeCall) view(m session.MemberID, s wire.ShareID) *fakeView {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.views[shareKey{m, s}]
}

func (c *fakeCall) Leave() {
	c.once.Do(func() { close(c.done) })
}

// fakeView is a view whose picture the test draws.
type fakeView struct {
	mu    sync.Mutex
	info  session.RemoteShare
	frame *video.Frame
	dirty []image.Rectangle
	fresh chan struct{}
	sent  []wire.Input
	asked []wire.Rights
	given []wire.Rights
	// clip lets one Paste through; pastes are how many events came before.
	clip     chan struct{}
	pastes   []int
	pasteErr error
	shown    int
	closed   bool
	refusal  wire.Reason
	at       time.Time
	points   []wire.Point
	strokes  []wire.Stroke
	marks    session.Marks
	marked   chan struct{}
	cursor   *video.Cursor
	latency  session.Latency
	asks     int
	measured chan struct{}
}

func newFakeView(r session.RemoteShare) *fakeView {
	return &fakeView{info: r, fresh: make(chan struct{}, 1), marked: make(chan struct{}, 1), measured: make(chan struct{}, 1), clip: make(chan struct{}, 10)}
}

func (v *fakeView) setInfo(r session.RemoteShare) {
	v.mu.Lock()
	v.info = r
	v.mu.Unlock()
}

// draw changes the picture.
func (v *fakeView) draw(f *video.Frame, dirty ...image.Rectangle) {
	v.mu.Lock()
	v.frame = f
	if len(dirty) == 0 {
		dirty = []image.Rectangle{f.Bounds()}
	}
	for _, r := range dirty {
		v.dirty = video.AddRect(v.dirty, r, f.Bounds())
	}
	v.mu.Unlock()
	select {
	case v.fresh <- struct{}{}:
	default:
	}
}

func (v *fakeView) Info() session.RemoteShare {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.info
}

func (v *fakeView) Next(ctx context.Context) (session.Update, error) {
	select {
	case <-v.fresh:
	case <-ctx.Done():
		return session.Update{}, ctx.Err()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	u := session.Update{W: v.frame.W, H: v.frame.H, Gen: v.frame.Gen, Dirty: v.dirty}
	v.dirty = nil
	return u, nil
}

func (v *fakeView) Picture(f func(*video.Frame)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f(v.frame)
}

func (v *fakeView) Shown(session.Update) {
	v.mu.Lock()
	v.shown++
	v.mu.Unlock()
}

func (v *fakeView) Send(in wire.Input) error {
	v.mu.Lock()
	v.sent = append(v.sent, in)
	v.mu.Unlock()
	return nil
}

func (v *fakeView) inputs() []wire.Input {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]wire.Input(nil), v.sent...)
}

func (v *fakeView) Ask(r wire.Rights) error {
	v.mu.Lock()
	v.asked = append(v.asked, r)
	v.mu.Unlock()
	return nil
}

func (v *fakeView) Point(p wire.Point) error {
	v.mu.Lock()
	v.points = append(v.points, p)
	v.mu.Unlock()
	return nil
}

func (v *fakeView) Draw(s wire.Stroke) error {
	v.mu.Lock()
	v.strokes = append(v.strokes, s)
	v.mu.Unlock()
	return nil
}

func (v *fakeView) Marks() session.Marks {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.marks
}

func (v *fakeView) Marked(context.Context) <-chan struct{} { return v.marked }

func (v *fakeView) Cursor() *video.Cursor {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.cursor
}

func (v *fakeView) Latency() session.Latency {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.latency
}

func (v *fakeView) Measure() {
	v.mu.Lock()
	v.asks++
	v.mu.Unlock()
	select {
	case v.measured <- struct{}{}:
	default:
	}
}

func (v *fakeView) Measured(context.Context) <-chan struct{} { return v.measured }

func (v *fakeView) Exact() bool { return true }

// setMarks changes what is on the picture.
func (v *fakeView) setMarks(m session.Marks) {
	v.mu.Lock()
	v.marks = m
	v.mu.Unlock()
	select {
	case v.marked <- struct{}{}:
	default:
	}
}

func (v *fakeView) Paste(context.Context) error {
	<-v.clip
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pastes = append(v.pastes, len(v.sent))
	return v.pasteErr
}

func (v *fakeView) GiveBack(r wire.Rights) {
	v.mu.Lock()
	v.given = append(v.given, r)
	v.mu.Unlock()
}

func (v *fakeView) LastRefusal() (wire.Reason, time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.refusal, v.at
}

func (v *fakeView) Close() {
	v.mu.Lock()
	v.closed = true
	v.mu.Unlock()
}
