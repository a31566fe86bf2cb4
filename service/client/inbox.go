package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"viewflip.app/wire"
)

const (
	// maxInbox and maxInboxBytes bound what waits for Recv. A service keeps far
	// less unacknowledged for one device.
	maxInbox      = 256
	maxInboxBytes = 8 << 20
)

var errFlood = errors.New("client: the service sends more than it may")

// inbox holds what arrived and what was handed out, so that a message that the
// service delivers again after a reconnect is read once.
type inbox struct {
	waiting []arrival
	bytes   int
	read    []arrivalID // a ring of the latest maxInbox
	oldest  int
}

// arrivalID knows a delivery again: the id alone may repeat after a restart of
// the service.
type arrivalID struct {
	id  uint32
	sum [sha256.Size]byte
}

type arrival struct {
	arrivalID
	deliver wire.Deliver
}

// receive takes one delivery from the service.
func (c *Client) receive(l *link, id uint32, d wire.Deliver) error {
	a := arrival{arrivalID{id, sha256.Sum256(append(d.From[:], d.Sealed...))}, d}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.inbox.read {
		if r == a.arrivalID {
			l.ack(id) // the first acknowledgement was lost
			return nil
		}
	}
	for _, w := range c.inbox.waiting {
		if w.arrivalID == a.arrivalID {
			return nil
		}
	}
	if len(c.inbox.waiting) >= maxInbox || c.inbox.bytes+len(d.Sealed) > maxInboxBytes {
		return errFlood
	}
	c.inbox.waiting = append(c.inbox.waiting, a)
	c.inbox.bytes += len(d.Sealed)
	c.tell()
	return nil
}

// Recv returns the next sealed message for this device. From is what the
// service says; only opening the message proves it. Reading is what makes room
// for more.
func (c *Client) Recv(ctx context.Context) (wire.Deliver, error) {
	for {
		c.mu.Lock()
		d, ok := c.take()
		final, news := c.final, c.news
		c.mu.Unlock()
		switch {
		case ok:
			return d, nil
		case final != nil:
			return wire.Deliver{}, final
		}
		select {
		case <-news:
		case <-ctx.Done():
			return wire.Deliver{}, fmt.Errorf("client: nothing received: %w", ctx.Err())
		}
	}
}

// take takes the oldest message and acknowledges it. mu is held.
func (c *Client) take() (wire.Deliver, bool) {
	in := &c.inbox
	if len(in.waiting) == 0 {
		return wire.Deliver{}, false
	}
	a := in.waiting[0]
	in.waiting[0] = arrival{}
	in.waiting = in.waiting[1:]
	in.bytes -= len(a.deliver.Sealed)
	if len(in.read) < maxInbox {
		in.read = append(in.read, a.arrivalID)
	} else {
		in.read[in.oldest] = a.arrivalID
		in.oldest = (in.oldest + 1) % maxInbox
	}
	if c.link != nil {
		c.link.ack(a.id)
	}
	return a.deliver, true
}
