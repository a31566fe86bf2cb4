package session

import (
	"context"
	"image"
	"sync"
	"sync/atomic"
	"time"

	"viewflip.app/video"
	"viewflip.app/wire"
)

// outlet compresses and sends one share to one viewer. A slow viewer merges
// damage in their own outlet and never slows another.
type outlet struct {
	share  *share
	member *member
	ctx    context.Context //nolint:containedctx // ends when the viewer stops watching
	stop   context.CancelFunc
	wake   chan struct{}
	flow   flow
	// seen is true once the viewer has acknowledged a picture.
	seen atomic.Bool
	// busy is true from taking a picture until it is on its way.
	busy atomic.Bool
	// pointer and hand belong to the feeds of the call.
	pointer, hand pointerSeen
	meter         sendMeter
	// heavy is true while the picture is too much for one coded frame; it belongs to
	// sending.
	heavy bool
	// shot is that of the picture coded last, zero if that was coded before; it
	// belongs to sending.
	shot shot

	mu      sync.Mutex
	pending []image.Rectangle
	started bool
	// check is true when a checksum was asked for; checked is when one was made.
	check   bool
	checked time.Time
}

func newOutlet(ctx context.Context, s *share, m *member) *outlet {
	ctx, stop := context.WithCancel(ctx)
	o := &outlet{share: s, member: m, ctx: ctx, stop: stop, wake: make(chan struct{}, 1)}
	o.busy.Store(true) // until the codec is agreed
	return o
}

// damage adds what changed; share.pic is locked by the caller.
func (o *outlet) damage(rects []image.Rectangle, bounds image.Rectangle) {
	o.mu.Lock()
	for _, r := range rects {
		o.pending = video.AddRect(o.pending, r, bounds)
	}
	o.mu.Unlock()
}

func (o *outlet) poke() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// ready reports whether a new picture could be sent at once.
func (o *outlet) ready() bool { return !o.busy.Load() && o.flow.open(time.Now()) }

func (o *outlet) run(parent context.Context) {
	ctx, cancel := context.WithCancel(o.ctx)
	defer cancel()
	defer context.AfterFunc(parent, cancel)()
	defer context.AfterFunc(o.share.ctx, cancel)()
	o.share.call.wantCursor()
	if err := o.serve(ctx); err != nil && ctx.Err() == nil {
		o.member.call.log.Warn("picture not sent", "err", err)
		o.member.send(wire.ShareClosed{Share: o.share.id, Reason: wire.CloseFailed})
	}
}

func (o *outlet) serve(ctx context.Context) (err error) {
	track, err := o.member.peer.AddTrack(ctx, o.share.trackID(o.member.id))
	if err != nil {
		return err
	}
	defer func() {
		if cerr := track.Close(); err == nil {
			err = cerr
		}
	}()
	mime, err := track.Codec(ctx)
	if err != nil {
		return err
	}
	enc, err := o.share.call.cfg.NewEncoder(mime)
	if err != nil {
		return err
	}
	defer enc.Close()
	o.idle()
	s := newSending(o, track, enc)
	defer s.stop()
	o.poke()
	return s.run(ctx)
}

// idle says that no picture of this outlet is under way.
func (o *outlet) idle() {
	o.busy.Store(false)
	o.share.poke()
}

// fits reports whether a coded picture of so many bytes can be sent. The viewer,
// who would wait for it without end, is told when it cannot, and when it can again.
func (o *outlet) fits(size int) bool {
	heavy := size > wire.MaxCoded
	if heavy != o.heavy {
		o.heavy = heavy
		o.share.call.mu.Lock()
		change := o.share.changeLocked()
		e := Event{Kind: EventResumed, Share: o.share.id, Title: o.share.title, Member: o.member.id.String(), Name: o.member.name}
		o.share.call.mu.Unlock()
		change.TooLarge = change.TooLarge || heavy
		o.member.send(change)
		if heavy {
			e.Kind, e.Reason = EventPaused, "there is too much in it for one picture: it goes on when it shows less or is smaller"
		}
		o.share.call.emit(e)
	}
	return !heavy
}

// resting reports whether nothing is captured and coded for this viewer, because
// it was too much a moment ago.
func (o *outlet) resting() bool { return o.heavy && o.busy.Load() }

// encode codes what this viewer has not seen yet.
func (o *outlet) encode(enc Encoder, dst []byte, refresh bool) ([]byte, bool, error) {
	o.share.pic.RLock()
	defer o.share.pic.RUnlock()
	f := o.share.pic.frame
	if f == nil {
		return dst, false, nil
	}
	o.shot = o.share.pic.shot
	o.mu.Lock()
	pending := o.pending
	o.pending = nil
	if !o.started {
		pending, o.started = wholeOf(f), true
	}
	check := o.takeCheck(time.Now())
	o.mu.Unlock()
	if d, ok := enc.(Debtor); ok {
		d.Pace(o.flow.pace())
	}
	if c, ok := enc.(Checker); ok && check {
		c.Check()
	} else {
		check = false
	}
	if len(pending) == 0 && !refresh && !check {
		if at, owes := due(enc); !owes || time.Now().Before(at) {
			return dst, false, nil
		}
		pending = []image.Rectangle{} // nothing; nil would be everything
		o.shot = shot{}
	}
	if check && len(pending) == 0 {
		o.shot = shot{}
	}
	return enc.Encode(dst, f, pending, refresh)
}

// due is when enc wants to be called though nothing changed.
func due(enc Encoder) (time.Time, bool) {
	if d, ok := enc.(Debtor); ok {
		return d.Due()
	}
	return time.Time{}, false
}
