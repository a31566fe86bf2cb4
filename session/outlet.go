package session

import (
	"context"
	"image"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"viewflip.app/video"
	"viewflip.app/wire"
)

// outlet compresses and sends one share to one viewer. A slow viewer merges
// damage in his own outlet and never slows another.
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
	// serve.
	heavy bool
	// shot is that of the picture coded last, zero if that was coded before; it
	// belongs to serve.
	shot shot

	mu      sync.Mutex
	pending []image.Rectangle
	started bool
	// check is true when a checksum was asked for; checked is when one was made.
	check   bool
	checked time.Time
}

// firstAgain is when the first picture is sent again if nobody acknowledged
// it, and the least pause; each further pause is twice as long. All packets of
// it may be lost before the viewer knows of the track: he can ask for nothing
// then, and a window that stays still sends nothing more.
const firstAgain = time.Second

// How many full pictures a viewer may ask for: refreshBurst at once, as losses
// in a row do, then one every refreshEvery. They cost the sharer much, and
// asking costs a hostile viewer nothing.
const (
	refreshBurst = 3
	refreshEvery = time.Second
)

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
	o.busy.Store(false)
	o.share.poke()
	refresh := true
	var buf []byte
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	pause := firstAgain
	first := time.NewTimer(pause)
	defer first.Stop()
	var owed <-chan time.Time // when what the viewer asked for may be sent
	limit := rate.NewLimiter(rate.Every(refreshEvery), refreshBurst)
	o.poke()
	for {
		select {
		case <-o.wake:
		case <-timer.C:
			if o.resting() { // what changed meanwhile may be less
				o.busy.Store(false)
				o.share.poke()
				continue
			}
		case <-track.Refresh():
			if owed == nil && !refresh { // one picture answers all that ask for it
				owed = time.After(limit.Reserve().Delay())
			}
			continue
		case <-owed:
			owed, refresh = nil, true
			o.flow.forgive()
		case <-first.C:
			if o.seen.Load() {
				continue
			}
			refresh = true
			o.flow.forgive()
			pause = min(2*pause, 16*firstAgain)
			first.Reset(pause)
		case <-ctx.Done():
			return ctx.Err()
		}
		if o.resting() {
			continue
		}
		now := time.Now()
		if !o.flow.open(now) {
			timer.Reset(o.flow.patience())
			continue
		}
		o.busy.Store(true)
		var ok bool
		buf, ok, err = o.encode(enc, buf[:0], refresh)
		if err != nil {
			return err
		}
		if ok && !o.fits(len(buf)) {
			refresh = true // the encoder takes it for sent
			timer.Reset(heavyAgain)
			continue
		}
		if ok {
			fresh := !refresh && o.shot != (shot{}) // not an old picture, coded again
			refresh = false
			coded := time.Now()
			track.Pace(o.flow.limit())
			ts, err := track.Write(ctx, buf)
			if err != nil {
				return err
			}
			o.flow.sent(ts, len(buf), coded, time.Now())
			if fresh {
				o.meter.coded(o.shot, ts, now, coded)
			}
		}
		if !o.flow.open(now) {
			timer.Reset(o.flow.patience())
		} else if at, owes := due(enc); owes {
			timer.Reset(time.Until(at))
		}
		o.busy.Store(false)
		o.share.poke()
	}
}

// heavyAgain is how long a viewer whose picture was too much for one coded frame
// rests, before the next one that has changed is tried.
const heavyAgain = 5 * time.Second

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
