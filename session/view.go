package session

import (
	"context"
	"fmt"
	"image"
	"sync"
	"sync/atomic"
	"time"

	"viewflip.app/bell"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// ackAgain is when an acknowledgement is repeated if no newer one followed:
// it goes over the lossy channel and the last one must not be missed.
const ackAgain = 60 * time.Millisecond

// View is a share of somebody else that this device shows.
type View struct {
	member *member
	track  string
	over   chan struct{}
	board  *board
	marks  bell.Bell
	cursor remoteCursor
	meter  viewMeter
	// measured rings when the sharer has told their part of the meter.
	measured bell.Bell

	// Guarded by call.mu.
	info      RemoteShare
	number    wire.Guest // which guest of the sharer we are
	watching  bool
	refusal   wire.Reason
	refusedAt time.Time
	// copyAt is when the last copy gesture was made.
	copyAt time.Time
	box    wire.ClipBox

	pic struct {
		sync.RWMutex
		// source is the track that is decoded, dec its decoder, nil while nobody
		// watches.
		source InTrack
		dec    Decoder
		frame  *video.Frame
		dirty  []image.Rectangle
		update Update
	}
	fresh chan struct{}

	seq      atomic.Uint32
	pointSeq atomic.Uint32
	buttons  atomic.Int32
	lastAck  atomic.Uint32
}

// Update is what changed in the picture since the last one.
type Update struct {
	// W and H are the size of the picture in pixels.
	W, H int
	// Gen is the geometry generation of the picture.
	Gen uint32
	// Dirty covers every pixel that changed.
	Dirty []image.Rectangle
	// Timestamp is the RTP timestamp of the newest coded frame in it.
	Timestamp uint32
	// Exact means that the picture equals the sharer's in every pixel, and that
	// nothing of it is owed.
	Exact bool
	// Received is when that frame began to arrive, Decoded when it was ready.
	Received, Decoded time.Time
}

func newView(m *member, info RemoteShare, track string) *View {
	v := &View{member: m, track: track, info: info, over: make(chan struct{}), fresh: make(chan struct{}, 1)}
	v.board = newBoard(v.marks.Ring)
	return v
}

func (v *View) infoLocked() RemoteShare {
	i := v.info
	i.Interrupted = v.member.link == Interrupted
	return i
}

func (v *View) endLocked(r wire.CloseReason) {
	if v.info.Ended == 0 {
		v.info.Ended = r
		close(v.over)
		v.board.close()
		v.info.Crowded = false
	}
}

// ended reports whether the share is over.
func (v *View) ended() bool {
	select {
	case <-v.over:
		return true
	default:
		return false
	}
}

// shut frees the decoder and the picture of a view that nobody watches; a track
// goes on, and is decoded again when somebody does.
func (v *View) shut() {
	v.pic.Lock()
	v.forgetLocked()
	v.pic.frame = nil
	v.pic.Unlock()
	for _, o := range v.member.call.pixels.drop(v) {
		o.retry()
	}
}

// free takes the last picture from a view that is over: there is need for it.
func (v *View) free() {
	v.pic.Lock()
	v.pic.source = nil
	v.pic.Unlock()
	v.shut()
}

// Info returns what is known of the share now.
func (v *View) Info() RemoteShare {
	v.member.call.mu.Lock()
	defer v.member.call.mu.Unlock()
	return v.infoLocked()
}

// LastRefusal tells why and when the sharer's gate refused our input last.
func (v *View) LastRefusal() (wire.Reason, time.Time) {
	v.member.call.mu.Lock()
	defer v.member.call.mu.Unlock()
	return v.refusal, v.refusedAt
}

// play decodes one track until it ends. While nobody watches, what arrives is
// thrown away as it is.
func (v *View) play(ctx context.Context, t InTrack) error {
	v.pic.Lock()
	v.forgetLocked()
	v.pic.source = t
	v.pic.Unlock()
	asking := atomic.Bool{}
	check := time.AfterFunc(time.Hour, func() { asking.Store(false); v.Check() })
	check.Stop()
	defer check.Stop()
	for {
		f, err := t.Read(ctx)
		if err != nil {
			return err
		}
		if !v.wanted() {
			continue
		}
		v.meter.add(&v.meter.arrive, time.Since(f.Received))
		changed, ok := v.decode(t, f)
		if !ok {
			t.RequestRefresh()
		}
		if changed && asking.CompareAndSwap(false, true) {
			check.Reset(checkAfter)
		}
	}
}

// wanted reports whether anybody here watches.
func (v *View) wanted() bool {
	v.member.call.mu.Lock()
	defer v.member.call.mu.Unlock()
	return v.watching
}

// forgetLocked frees the decoder; v.pic is locked. The picture stays.
func (v *View) forgetLocked() {
	if v.pic.dec != nil {
		v.pic.dec.Close()
		v.pic.dec = nil
	}
}

// room takes room for a coded frame before it is decoded; v.pic is locked. Where
// there is none, the view shows what it has until it is closed, the picture gets
// smaller, or others are closed.
func (v *View) room(dec Decoder, f TrackFrame) bool {
	c := v.member.call
	ok := c.pixels.take(v, dec.Need(f.Data))
	if r, is := dec.(Rememberer); ok && is && !c.pixels.remember(v, r.Slots(f.Data)) {
		r.Forget()
	}
	c.mu.Lock()
	news := v.info.Crowded == ok
	v.info.Crowded = !ok
	gone := !v.watching || v.info.Ended != 0
	c.mu.Unlock()
	if gone { // meanwhile
		c.pixels.drop(v)
	}
	if news {
		c.changed()
	}
	return ok
}

// decode applies one coded frame of a track, and tells whether it changed the
// picture; not ok asks for a refresh. The last picture stays until a good one
// comes.
func (v *View) decode(t InTrack, f TrackFrame) (changed, ok bool) {
	began := time.Now()
	v.pic.Lock()
	if v.pic.source != t {
		v.pic.Unlock()
		return false, true
	}
	if v.pic.dec == nil {
		var err error
		if v.pic.dec, err = v.member.call.cfg.NewDecoder(t.Codec()); err != nil {
			v.pic.dec = nil
			v.pic.Unlock()
			v.member.call.log.Warn("no decoder", "err", err)
			return false, true
		}
		v.pic.frame = nil
	}
	dec := v.pic.dec
	if !v.room(dec, f) {
		v.pic.Unlock()
		return false, true
	}
	dirty, err := dec.Decode(f.Data)
	if err != nil {
		v.pic.Unlock()
		v.member.call.log.Debug("frame not decoded", "err", err)
		return false, false
	}
	p := dec.Picture()
	u := &v.pic.update
	if v.pic.frame == nil || u.W != p.W || u.H != p.H {
		v.pic.dirty = append(v.pic.dirty[:0], p.Bounds())
	} else {
		for _, r := range dirty {
			v.pic.dirty = video.AddRect(v.pic.dirty, r, p.Bounds())
		}
	}
	v.pic.frame = p
	u.W, u.H, u.Gen, u.Timestamp = p.W, p.H, p.Gen, f.Timestamp
	j, judges := dec.(Judge)
	u.Exact = judges && j.Exact()
	u.Received, u.Decoded = f.Received, time.Now()
	v.meter.add(&v.meter.decode, u.Decoded.Sub(began))
	v.pic.Unlock()
	select {
	case v.fresh <- struct{}{}:
	default:
	}
	return len(dirty) > 0, true
}

// Next blocks until the picture has changed since the call before and tells
// what changed. The newest picture wins: what came in between is merged. It
// returns ErrEnded when the share is over.
func (v *View) Next(ctx context.Context) (Update, error) {
	select {
	case <-v.fresh:
	case <-v.over:
		return Update{}, ErrEnded
	case <-ctx.Done():
		return Update{}, ctx.Err()
	}
	v.pic.Lock()
	u := v.pic.update
	u.Dirty = v.pic.dirty
	v.pic.dirty = nil
	v.pic.Unlock()
	if u.Gen == 0 {
		// A codec that does not carry the generation: the announced one holds
		// while the size agrees.
		if i := v.Info(); i.W == u.W && i.H == u.H {
			u.Gen = i.Gen
		}
	}
	return u, nil
}

// Picture calls f with the newest picture, or nil before the first. f must not
// keep it, and should be quick: decoding waits for it.
func (v *View) Picture(f func(*video.Frame)) {
	v.pic.RLock()
	defer v.pic.RUnlock()
	f(v.pic.frame)
}

// Shown acknowledges that u is visible; the sharer sends no more than a little
// ahead of that.
func (v *View) Shown(u Update) {
	v.lastAck.Store(u.Timestamp)
	v.meter.pictureShown(u, time.Now())
	v.ack(u)
	time.AfterFunc(ackAgain, func() {
		if v.lastAck.Load() == u.Timestamp {
			v.ack(u)
		}
	})
}

func (v *View) ack(u Update) {
	held := min(time.Since(u.Received), time.Minute)
	b, err := wire.AppendMessage(nil, wire.Ack{
		Share: v.info.Share, Timestamp: u.Timestamp, Held: uint32(held.Microseconds()),
	})
	if err == nil {
		err = v.member.peer.SendLossy(b)
	}
	if err != nil {
		v.member.call.log.Debug("ack not sent", "err", err)
	}
}

// Send sends one input event to the share. The sharer decides what becomes of
// it. Plain motion takes the lossy channel; motion while a button is held must
// keep its order and takes the ordered one.
func (v *View) Send(in wire.Input) error {
	in.Share = v.info.Share
	in.Seq = v.seq.Add(1)
	switch in.Kind {
	case wire.Press:
		v.buttons.Add(1)
	case wire.Release:
		v.buttons.Store(max(0, v.buttons.Load()-1))
	case wire.ReleaseAll:
		v.buttons.Store(0)
	case wire.KeyDown:
		if in.Copies() {
			v.copies()
		}
	default: // holds no button
	}
	v.meter.inputSent(in, time.Now())
	b, err := wire.AppendMessage(nil, in)
	if err != nil {
		return fmt.Errorf("session: input: %w", err)
	}
	if in.Kind == wire.Move && v.buttons.Load() == 0 {
		return v.member.peer.SendLossy(b)
	}
	return v.member.peer.Send(b)
}

// Ask asks the sharer for rights; the answer shows in Info.
func (v *View) Ask(r wire.Rights) error {
	c := v.member.call
	c.mu.Lock()
	if v.info.Ended != 0 {
		c.mu.Unlock()
		return ErrEnded
	}
	v.info.Asking, v.info.Asked = true, r
	c.mu.Unlock()
	v.member.send(wire.Ask{Share: v.info.Share, Rights: r})
	c.changed()
	return nil
}

// GiveBack lays down rights that this person does not need any more.
func (v *View) GiveBack(r wire.Rights) { v.member.send(wire.GiveBack{Share: v.info.Share, Rights: r}) }

// Close leaves the share: the sharer stops sending it. View starts it again.
func (v *View) Close() {
	c := v.member.call
	c.mu.Lock()
	was := v.watching
	v.watching = false
	ended := v.info.Ended != 0
	v.info.Crowded = false
	c.mu.Unlock()
	v.shut()
	if was && !ended {
		v.member.send(wire.Watch{Share: v.info.Share, On: false})
	}
}

// retry asks for a whole picture again, for which there may be room now.
func (v *View) retry() {
	v.pic.RLock()
	t := v.pic.source
	v.pic.RUnlock()
	if t != nil {
		t.RequestRefresh()
	}
}
