package session

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"viewflip.app/wire"
)

// answers are the refusals that wait to be sent to strangers. A goroutine of
// their own sends them: whoever knocks and does not read must not keep the
// call from what others send.
type answers struct {
	mu      sync.Mutex
	waiting map[wire.Address][]byte
	order   []wire.Address
	// devices limits each device that was refused, refused has them in the order
	// of their first refusal.
	devices map[wire.Address]*rate.Limiter
	refused []wire.Address
	wake    chan struct{}
}

func newAnswers() *answers {
	return &answers{
		waiting: map[wire.Address][]byte{}, devices: map[wire.Address]*rate.Limiter{}, wake: make(chan struct{}, 1),
	}
}

// may reports whether a device that came by inv gets another refusal now.
func (a *answers) may(to wire.Address, inv *invite, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.devices[to]
	if l == nil {
		if len(a.refused) == maxRefused {
			delete(a.devices, a.refused[0])
			a.refused = a.refused[1:]
		}
		l = rate.NewLimiter(rate.Every(refusalEvery), refusalBurst)
		a.devices[to] = l
		a.refused = append(a.refused, to)
	}
	return l.TokensAt(now) >= 1 && inv.refusals.AllowN(now, 1) && l.AllowN(now, 1)
}

// put has an answer sent, in the place of one that waits for the same device.
func (a *answers) put(to wire.Address, sealed []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting[to] == nil {
		if len(a.order) == maxAnswers {
			return
		}
		a.order = append(a.order, to)
	}
	a.waiting[to] = sealed
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *answers) take() (to wire.Address, sealed []byte, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.order) == 0 {
		return to, nil, false
	}
	to, a.order = a.order[0], a.order[1:]
	sealed = a.waiting[to]
	delete(a.waiting, to)
	return to, sealed, true
}

// serveAnswers sends answers until ctx ends. One that the service does not take at
// once is dropped.
func (c *Call) serveAnswers(ctx context.Context) {
	for {
		to, sealed, ok := c.answers.take()
		if !ok {
			select {
			case <-c.answers.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		sctx, cancel := context.WithTimeout(ctx, answerTime)
		if err := c.cfg.Mailbox.SendNow(sctx, to, sealed); err != nil {
			c.log.Debug("refusal not sent", "err", err)
		}
		cancel()
	}
}

// refuse answers a knock with no.
func (c *Call) refuse(dev wire.Device, inv *invite, r wire.Reject) error {
	if !c.answers.may(dev.Address(), inv, time.Now()) {
		return errTooMany
	}
	sealed, err := wire.Seal(c.cfg.Identity, dev, wire.Envelope{Body: r})
	if err != nil {
		return err
	}
	c.answers.put(dev.Address(), sealed)
	return nil
}

// introduction is what one member is told of a newcomer.
type introduction struct {
	to   *member
	pair [16]byte
}

// admit tells the members of a newcomer and then the newcomer of them, who
// calls them. A place in admissions was taken for it.
func (c *Call) admit(ctx context.Context, dev wire.Device, name string, sealed []byte, intros []introduction) error {
	var wg sync.WaitGroup
	for _, in := range intros {
		wg.Go(func() {
			// Whoever cannot be told simply does not meet the newcomer.
			err := in.to.introduce(ctx, wire.Introduce{Member: wire.Member{Device: dev, Name: name, Pair: in.pair}})
			if err != nil {
				c.log.Debug("introduction failed", "err", err)
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return c.cfg.Mailbox.Send(ctx, dev.Address(), sealed)
}
