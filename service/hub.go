package service

import (
	"context"
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"viewflip.app/wire"
)

// remembered is how many accepted requests of a device are known again.
const remembered = 64

// hub knows which devices are here, what waits for them, and which
// invitations are open. All of it is guarded by mu; nothing blocks under it.
type hub struct {
	limits Limits
	now    func() time.Time
	seed   maphash.Seed
	nodes  Nodes    // the others; nil: there are none
	id     [16]byte // of this node
	// background runs what must not hold anybody up.
	background func(func()) bool
	reapable   chan struct{}

	mu      sync.Mutex
	boxes   map[wire.Address]*mailbox
	invites map[wire.InviteID]invite
	bytes   int                  // of all queues
	bytesOf map[netip.Prefix]int // the same by mailbox.network
	retired []Subscription
}

type invite struct {
	owner   *mailbox
	sub     Subscription
	expires time.Time
}

// mailbox is one device that is here, or was until a moment ago.
type mailbox struct {
	device  wire.Device
	address wire.Address
	network netip.Prefix // from where the device connected last
	conn    *Conn        // nil while away
	away    time.Time    // since when
	since   time.Time    // conn is here
	claimed uint64       // serial of the conn whose claim came back from the nodes
	moved   bool         // to another node
	sub     Subscription
	queue   []message // not acknowledged yet, oldest first
	sent    int       // how many of them went to conn
	bytes   int
	nextID  uint32
	invites map[wire.InviteID]struct{}
	// accepted are the latest Send requests of this device: one that it repeats
	// because the answer was lost is not delivered twice.
	accepted []accepted
	oldest   int
}

type accepted struct {
	id  uint32
	sum uint64
}

type message struct {
	id     uint32
	from   wire.Address
	sealed []byte
	at     time.Time
}

func newHub(l Limits, now func() time.Time) *hub {
	return &hub{
		limits: l, now: now, seed: maphash.MakeSeed(),
		reapable: make(chan struct{}, 1),
		boxes:    make(map[wire.Address]*mailbox), invites: make(map[wire.InviteID]invite),
		bytesOf: make(map[netip.Prefix]int),
	}
}

// attach makes c the connection of its device. It returns the connection that
// is replaced: an older one, or c itself if it comes late.
func (h *hub) attach(c *Conn, d wire.Device) (replaced *Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	addr := d.Address()
	b := h.present(addr)
	if b == nil {
		b = &mailbox{device: d, address: addr, nextID: rand.Uint32(), invites: make(map[wire.InviteID]struct{})}
		h.boxes[addr] = b
	}
	if b.conn != nil && b.conn.serial > c.serial {
		return c
	}
	replaced, b.conn, b.sent, b.since = b.conn, c, 0, h.now()
	h.weigh(b, -b.bytes)
	b.network = c.address.network
	h.weigh(b, b.bytes)
	c.box = b
	c.poke()
	return replaced
}

// detach tells that c ended. gone means that the device said goodbye.
func (h *hub) detach(c *Conn, gone bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := c.box
	if b == nil || b.conn != c {
		return
	}
	b.conn, b.away = nil, h.now()
	if gone {
		h.remove(b)
	}
}

// present returns the mailbox of a device that is here or was a moment ago.
func (h *hub) present(a wire.Address) *mailbox {
	b := h.boxes[a]
	if b != nil && b.conn == nil && h.now().Sub(b.away) > h.limits.QueueTime {
		h.remove(b)
		return nil
	}
	return b
}

func (h *hub) remove(b *mailbox) {
	for id := range b.invites {
		h.forget(b, id)
	}
	h.retire(b.sub)
	b.sub = nil
	h.weigh(b, -b.bytes)
	delete(h.boxes, b.address)
}

// weigh counts bytes that begin or cease to wait in a mailbox.
func (h *hub) weigh(b *mailbox, n int) {
	h.bytes += n
	if h.bytesOf[b.network] += n; h.bytesOf[b.network] == 0 {
		delete(h.bytesOf, b.network)
	}
}

// send queues a message; a code other than 0 says why not.
func (h *hub) send(ctx context.Context, c *Conn, id uint32, m wire.Send) wire.ErrorCode {
	from := c.box
	var hash maphash.Hash
	hash.SetSeed(h.seed)
	_, _ = hash.Write(m.To[:])
	_, _ = hash.Write(m.Sealed)
	acc := accepted{id, hash.Sum64()}
	code, here := h.sendHere(c, acc, m)
	if here {
		return code
	}
	code = h.forward(ctx, from.address, m.To, m.Sealed)
	if code == 0 {
		h.mu.Lock()
		defer h.mu.Unlock()
		from.accept(acc)
	}
	return code
}

// sendHere sends to a mailbox of this node, or tells that it has none.
func (h *hub) sendHere(c *Conn, acc accepted, m wire.Send) (code wire.ErrorCode, here bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	from := c.box
	if from.conn != c {
		return wire.CodeUnavailable, true // replaced
	}
	for _, a := range from.accepted {
		if a == acc {
			return 0, true
		}
	}
	to := h.present(m.To)
	if to == nil {
		return wire.CodeOffline, false
	}
	if code = h.queue(to, from.address, m.Sealed); code == 0 {
		from.accept(acc)
	}
	return code, true
}

// queue puts a message into a mailbox. h.mu is held.
func (h *hub) queue(to *mailbox, from wire.Address, sealed []byte) wire.ErrorCode {
	h.expire(to)
	mine := 0
	for _, q := range to.queue {
		if q.from == from {
			mine++
		}
	}
	switch {
	case len(sealed) > h.limits.QueueBytes:
		return wire.CodeTooLarge
	case len(to.queue) >= h.limits.QueueMessages, to.bytes+len(sealed) > h.limits.QueueBytes, mine >= (h.limits.QueueMessages+1)/2:
		return wire.CodeRateLimited // until it took some, or is offline
	case h.bytes+len(sealed) > h.limits.QueuedBytes:
		return wire.CodeUnavailable
	case h.bytesOf[to.network]+len(sealed) > h.limits.QueuedBytesPerAddress:
		return wire.CodeRateLimited // or who fills queues of their own would fill all
	}
	to.nextID++
	if to.nextID == 0 {
		to.nextID++
	}
	to.queue = append(to.queue, message{to.nextID, from, sealed, h.now()})
	to.bytes += len(sealed)
	h.weigh(to, len(sealed))
	if to.conn != nil {
		to.conn.poke()
	}
	return 0
}

func (b *mailbox) accept(a accepted) {
	if len(b.accepted) < remembered {
		b.accepted = append(b.accepted, a)
		return
	}
	b.accepted[b.oldest] = a
	b.oldest = (b.oldest + 1) % remembered
}

// expire drops messages that waited too long.
func (h *hub) expire(b *mailbox) {
	now := h.now()
	for len(b.queue) > 0 && now.Sub(b.queue[0].at) > h.limits.QueueTime {
		h.drop(b, 0)
	}
}

func (h *hub) drop(b *mailbox, i int) {
	n := len(b.queue[i].sealed)
	b.bytes -= n
	h.weigh(b, -n)
	b.queue = append(b.queue[:i], b.queue[i+1:]...)
	b.queue[:cap(b.queue)][len(b.queue)] = message{} // lets go of the bytes
	if i < b.sent {
		b.sent--
	}
}

// next returns the next message for c, which counts as sent.
func (h *hub) next(c *Conn) (message, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := c.box
	if b.conn != c {
		return message{}, false
	}
	h.expire(b)
	if b.sent >= len(b.queue) {
		return message{}, false
	}
	b.sent++
	return b.queue[b.sent-1], true
}

// ack takes a message that arrived out of the queue.
func (h *hub) ack(c *Conn, id uint32) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := c.box
	if b.conn != c {
		return false
	}
	for i := range b.queue[:b.sent] {
		if b.queue[i].id == id {
			h.drop(b, i)
			return true
		}
	}
	return false
}

// open opens an invitation of c's device, or changes its end.
func (h *hub) open(c *Conn, o wire.OpenInvite) wire.ErrorCode {
	h.mu.Lock()
	defer h.mu.Unlock()
	b, now := c.box, h.now()
	expires := time.Unix(o.Expires, 0)
	if latest := now.Add(h.limits.InviteTime); expires.After(latest) {
		expires = latest
	}
	old, known := h.invites[o.Invite]
	switch {
	case b.conn != c:
		return wire.CodeUnavailable
	case known && old.owner != b && h.present(old.owner.address) == old.owner:
		return wire.CodeUnavailable // an id of somebody else: 128 random bits do not collide
	case !expires.After(now):
		return wire.CodeUnknownInvite
	}
	if _, mine := b.invites[o.Invite]; !mine && len(b.invites) >= h.limits.Invites {
		for id := range b.invites {
			if !h.invites[id].expires.After(now) {
				h.forget(b, id)
			}
		}
		if len(b.invites) >= h.limits.Invites {
			return wire.CodeRateLimited
		}
	}
	b.invites[o.Invite] = struct{}{}
	h.invites[o.Invite] = invite{owner: b, sub: old.sub, expires: expires}
	return 0
}

func (h *hub) forget(b *mailbox, id wire.InviteID) {
	h.retire(h.invites[id].sub)
	delete(b.invites, id)
	delete(h.invites, id)
}

// close closes an invitation of c's device; others are left alone.
func (h *hub) close(c *Conn, id wire.InviteID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, mine := c.box.invites[id]; mine && c.box.conn == c {
		h.forget(c.box, id)
	}
}

// lookup returns the device that invites, if it is here.
func (h *hub) lookup(id wire.InviteID) (wire.Device, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	in, ok := h.invites[id]
	if !ok || !in.expires.After(h.now()) || h.present(in.owner.address) != in.owner {
		return wire.Device{}, false
	}
	return in.owner.device, true
}

// sweep frees what ran out of time.
func (h *hub) sweep() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for a, b := range h.boxes {
		if h.present(a) != nil {
			h.expire(b)
		}
	}
	now := h.now()
	for id, in := range h.invites {
		if !in.expires.After(now) {
			h.forget(in.owner, id)
		}
	}
}
