package service

import (
	"slices"
	"sync"

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

// Notify has the connection write a frame that nobody asked for. Of the presence
// of one contact only the newest waits.
func (c *Conn) Notify(body wire.FrameBody) {
	c.notes.put(body)
	c.poke()
}
