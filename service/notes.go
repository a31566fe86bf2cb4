package service

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"viewflip.app/wire"
)

// notes wait until a connection can write them. A newer one of the same kind
// takes the place of an older one, so that there are never more than contacts.
type notes struct {
	mu   sync.Mutex
	list []wire.FrameBody
	end  ending // why the connection may do nothing any more
}

func (n *notes) put(body wire.FrameBody) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, isPresence := body.(wire.Presence)
	n.list = slices.DeleteFunc(n.list, func(b wire.FrameBody) bool {
		old, ok := b.(wire.Presence)
		return b == body || isPresence && ok && old.Handle == p.Handle
	})
	n.list = append(n.list, body)
}

func (n *notes) take() []wire.FrameBody {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.list
	n.list = nil
	return list
}

func (n *notes) barred() (ending, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.end, n.end.code != 0
}

// notify has the connection write a frame that nobody asked for.
func (c *conn) notify(body wire.FrameBody) {
	c.notes.put(body)
	c.poke()
}

// bar closes the connection and obeys nothing of it from now on.
func (c *conn) bar(e ending) {
	c.notes.mu.Lock()
	first := c.notes.end.code == 0
	if first {
		c.notes.end, c.notes.list = e, nil
	}
	c.notes.mu.Unlock()
	if first {
		c.service.background(func() { _ = c.ws.Close(e.code, e.reason) })
	}
}

// connect subscribes to what every node hears.
func (s *Service) connect() (unlisten func(), err error) {
	if s.store == nil {
		return func() {}, nil
	}
	a, err := s.presence.listen()
	if err != nil {
		return nil, err
	}
	b, err := s.links.listen(s.bus)
	if err != nil {
		a.Close()
		return nil, err
	}
	return func() { a.Close(); b.Close() }, nil
}

const janitorTime = time.Minute

// tend keeps store and bus in order until ctx ends.
func (s *Service) tend(ctx context.Context, g *errgroup.Group) {
	if s.bus != nil {
		g.Go(func() error { s.hub.reap(ctx); return nil })
		g.Go(func() error {
			for {
				select {
				case <-s.bus.Changes():
					if s.bus.Connected() {
						s.hub.resume()
						s.presence.resume()
					}
				case <-ctx.Done():
					return nil
				}
			}
		})
	}
	if s.store == nil {
		return
	}
	g.Go(func() error {
		t := time.NewTicker(janitorTime)
		defer t.Stop()
		for {
			if err := s.store.Janitor(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("old rows are not deleted yet", "cause", cause(err))
			}
			select {
			case <-t.C:
			case <-ctx.Done():
				return nil
			}
		}
	})
}
