package accounts

import (
	"errors"
	"sync"
	"time"

	"viewflip.app/service/bus"
	"viewflip.app/service/store"
	"viewflip.app/wire/account"
)

// How long link/get waits for a message, and how often it looks if nobody
// tells it.
const (
	linkWait = 20 * time.Second
	linkLook = 2 * time.Second
)

// rendezvous wakes those who wait at a slot.
type rendezvous struct {
	mu   sync.Mutex
	wait map[account.Slot]chan struct{}
}

// at gives a channel that is closed when a message comes.
func (r *rendezvous) at(s account.Slot) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wait[s] == nil {
		r.wait[s] = make(chan struct{})
	}
	return r.wait[s]
}

func (r *rendezvous) wake(s account.Slot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ch := r.wait[s]; ch != nil {
		close(ch)
		delete(r.wait, s)
	}
}

// listen hears of messages on all nodes.
func (r *rendezvous) listen(b *bus.Bus) (*bus.Subscription, error) {
	all, err := bus.All("link")
	if err != nil {
		return nil, err
	}
	return b.Subscribe(all, func(m bus.Message) {
		if s, err := account.ParseSlot(string(m.Data)); err == nil {
			r.wake(s)
		}
	})
}

// linkOpen counts slots by network: there are ten thousand in all, and whoever
// opens one needs no account.
func linkOpen(c *request, _ account.Empty) (a account.LinkOpened, err error) {
	if err := c.quotaOfNetwork("slots", slotLimits); err != nil {
		return a, err
	}
	a, err = c.store.OpenLink(c.ctx)
	if errors.Is(err, store.ErrLimit) {
		err = account.Failure{Code: account.CodeRateLimited, RetryAfter: uint32(store.LinkLife / time.Second)}
	}
	return a, err
}

// linkPut takes the new device's messages from who has the ticket, and the old
// one's from a device that has an account, which is counted: nobody else can use
// up the places of others.
func linkPut(c *request, q account.LinkPut) (a account.Empty, err error) {
	if q.Ticket == (account.ID{}) {
		if c.session.Kind != store.KindDevice {
			return a, account.CodeAuthFailed
		}
		who := c.session.Account
		if err := c.quota(c.ctx, "link "+string(who[:]), linkLimits()...); err != nil {
			return a, err
		}
	}
	if err := c.store.PutLink(c.ctx, q); err != nil {
		return a, err
	}
	c.links.wake(q.Slot)
	if all, err := bus.All("link"); err == nil {
		_ = c.bus.Publish(all, []byte(q.Slot)) // else the others look by themselves
	}
	return a, nil
}

func linkGet(c *request, q account.LinkGet) (a account.LinkMessages, err error) {
	end := time.NewTimer(linkWait)
	defer end.Stop()
	for {
		woken := c.links.at(q.Slot)
		if a.Messages, err = c.store.LinkMessages(c.ctx, q); err != nil || len(a.Messages) > 0 {
			return a, err
		}
		look := time.NewTimer(linkLook)
		select {
		case <-woken:
		case <-look.C:
		case <-end.C:
			a.Messages = []account.LinkMessage{}
			return a, nil
		case <-c.mailbox.Stopping():
			return a, account.Failure{Code: account.CodeUnavailable, RetryAfter: 1}
		case <-c.ctx.Done():
			return a, c.ctx.Err()
		}
		look.Stop()
	}
}
