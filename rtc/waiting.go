package rtc

import (
	"errors"
	"sync"
	"time"
)

const (
	// MaxWaiting bounds what waits to be sent on the ordered channel, in bytes;
	// each message counts messageCost more, which is about what Pion needs to
	// keep it.
	MaxWaiting  = 16 << 20
	messageCost = 256
	// maxLossyWaiting is the same on the other channel, where what is too much
	// is dropped: something newer follows.
	maxLossyWaiting = 64 << 10
	// MaxStall is how long the other end may take nothing of what waits, while
	// there is a path to it.
	MaxStall = 10 * time.Second
	// stallCheck is how often that is looked at while something waits.
	stallCheck = time.Second
)

// MaxHeld bounds what has arrived of the pictures of one connection and is not
// taken by a reader, in bytes. More ends the connection: of an honest one, one
// picture is on its way for each track.
const MaxHeld = 2 * maxFrame

// ErrTooMuch means that the other end sends pictures faster than they are taken,
// and more than is kept.
var ErrTooMuch = errors.New("rtc: the connection was ended, because the other machine sends more than can be kept")

// ErrSlow means that the other end does not take what is sent to it.
var ErrSlow = errors.New("rtc: the connection was ended, because the other machine is too slow: it does not take what is sent to it")

// waiting counts what Pion keeps to be sent on one channel, which has no bound
// of its own.
type waiting struct {
	mu sync.Mutex
	// sizes are those of the messages that wait, the oldest first.
	sizes []uint16
	sent  uint64 // bytes handed over, of all messages
	gone  uint64 // bytes of those that do not wait any more
	cost  int    // of those that wait
	// since is when some of it went last, or the first came.
	since time.Time
	watch *time.Timer // not nil while something waits and is looked at
}

// settle takes out what was delivered; buffered is what Pion still has.
func (w *waiting) settle(buffered uint64, now time.Time) {
	n := 0
	for n < len(w.sizes) && w.gone+uint64(w.sizes[n])+buffered <= w.sent {
		w.gone += uint64(w.sizes[n])
		w.cost -= int(w.sizes[n]) + messageCost
		n++
	}
	if n > 0 {
		w.since = now
		if w.sizes = w.sizes[n:]; len(w.sizes) == 0 {
			w.sizes = nil // what a burst needed is not kept
		}
	}
}

// add notes a message of so many bytes, at most MaxMessage.
func (w *waiting) add(size int, now time.Time) {
	if len(w.sizes) == 0 {
		w.since = now
	}
	w.sizes = append(w.sizes, uint16(size))
	w.sent += uint64(size)
	w.cost += size + messageCost
}

// Waiting is how much of what was sent on the ordered channel waits to get to the
// other end, in bytes with what keeping them costs.
func (p *Peer) Waiting() int {
	p.waiting.mu.Lock()
	defer p.waiting.mu.Unlock()
	p.waiting.settle(p.buffered(), time.Now())
	return p.waiting.cost
}

func (p *Peer) buffered() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.control == nil {
		return 0
	}
	return p.control.BufferedAmount()
}

// queue sends a message on the ordered channel. ErrSlow ends the connection.
func (p *Peer) queue(b []byte) error {
	w, now := &p.waiting, time.Now()
	p.mu.Lock()
	dc := p.control
	p.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle(dc.BufferedAmount(), now)
	if w.cost+len(b)+messageCost > MaxWaiting {
		p.end(ErrSlow)
		return ErrSlow
	}
	if err := dc.Send(b); err != nil {
		return err
	}
	w.add(len(b), now)
	if w.watch == nil {
		w.watch = time.AfterFunc(stallCheck, p.stalled)
	}
	return nil
}

// drop sends a message on the unordered channel, or does not if too much waits.
func (p *Peer) drop(b []byte) error {
	w, now := &p.lossy, time.Now()
	p.mu.Lock()
	dc := p.motion
	p.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle(dc.BufferedAmount(), now)
	if w.cost+len(b)+messageCost > maxLossyWaiting {
		return nil
	}
	if err := dc.Send(b); err != nil {
		return err
	}
	w.add(len(b), now)
	return nil
}

// stalled ends a connection whose other end takes nothing. A path that is
// interrupted is no fault of theirs.
func (p *Peer) stalled() {
	w, now := &p.waiting, time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle(p.buffered(), now)
	select {
	case <-p.done:
		w.watch = nil
		return
	default:
	}
	if len(w.sizes) == 0 {
		w.watch = nil
		return
	}
	if p.interrupted.Load() {
		w.since = now
	}
	if now.Sub(w.since) >= MaxStall {
		p.end(ErrSlow)
	}
	w.watch = time.AfterFunc(stallCheck, p.stalled)
}
