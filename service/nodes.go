package service

import (
	"context"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"time"

	"viewflip.app/wire"
)

// ErrNobody means that no node has what a request is about.
var ErrNobody = errors.New("service: no node has it")

// Nodes connects the nodes of one service, which share a certificate, so that a
// device reaches another wherever that is. A service of one node needs none.
// Its methods are called by several goroutines, and never with a lock held.
type Nodes interface {
	// Subscribe calls handle for each message to a topic from any node, this one
	// too, one after the other, until the subscription is closed.
	Subscribe(t Topic, handle func(NodeMessage)) (Subscription, error)
	// Publish hands a message to all who subscribe now; nil means that it is on
	// its way, no more.
	Publish(t Topic, data []byte) error
	// Request returns the first answer to a message, or ErrNobody at once if
	// nobody subscribes, on no node.
	Request(ctx context.Context, t Topic, data []byte) ([]byte, error)
	// Sync waits until every node reaches the subscriptions made before.
	Sync(ctx context.Context) error
}

// Topic is what a message between nodes is about: a kind of thing, 1 to 16 letters
// a-z, and one of them, the small letters of its 16 or 32 bytes in base32.
type Topic struct{ Kind, ID string }

// NodeMessage is one that arrived. Data belongs to who handles it; Reply answers a
// request, and does nothing if it was none.
type NodeMessage struct {
	Data  []byte
	Reply func(data []byte) error
}

// Subscription ends by Close, which waits for its handler.
type Subscription interface{ Close() }

// What nodes send each other on the topic of a device.
const (
	nodeDeliver byte = iota + 1 // from[32], sealed; answered by an error code
	nodeMoved                   // node[16], serial u64, age u64: the device is there now, for so many ns
)

// nodeTime bounds what one node waits for another.
const nodeTime = 3 * time.Second

func topicOf(a wire.Address) Topic {
	return Topic{"device", strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(a[:]))}
}

func topicOfInvite(id wire.InviteID) Topic { return Topic{"invite", id.String()} }

// reach makes a new mailbox reachable from other nodes, and tells them that it
// is here and not there.
func (h *hub) reach(ctx context.Context, b *mailbox) {
	if h.nodes == nil {
		return
	}
	h.subscribeBox(b)
	h.claim(b)
	_ = h.nodes.Sync(ctx)
}

// claim tells all nodes, this one too, that the device is here. Ages, not
// times: the clocks of nodes differ.
func (h *hub) claim(b *mailbox) {
	h.mu.Lock()
	c, age := b.conn, h.now().Sub(b.since)
	h.mu.Unlock()
	if c == nil {
		return
	}
	msg := append([]byte{nodeMoved}, h.id[:]...)
	msg = binary.BigEndian.AppendUint64(msg, c.serial)
	_ = h.nodes.Publish(topicOf(b.address), binary.BigEndian.AppendUint64(msg, uint64(max(age, 0)))) // resume claims again
}

func (h *hub) subscribeBox(b *mailbox) {
	h.mu.Lock()
	need := b.sub == nil && h.boxes[b.address] == b
	h.mu.Unlock()
	if !need {
		return
	}
	sub, err := h.nodes.Subscribe(topicOf(b.address), func(m NodeMessage) { h.heard(b, m) })
	if err != nil {
		return // resume does it
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if b.sub == nil && h.boxes[b.address] == b {
		b.sub = sub
	} else {
		h.retire(sub)
	}
}

func (h *hub) heard(b *mailbox, m NodeMessage) {
	switch d := m.Data; {
	case len(d) > 33 && d[0] == nodeDeliver:
		if code, mine := h.receive(b, wire.Address(d[1:33]), d[33:]); mine {
			_ = m.Reply([]byte{byte(code)})
		}
	case len(d) == 33 && d[0] == nodeMoved:
		serial, age := binary.BigEndian.Uint64(d[17:]), binary.BigEndian.Uint64(d[25:])
		if [16]byte(d[1:17]) == h.id {
			h.mu.Lock()
			b.claimed = serial
			h.mu.Unlock()
			return
		}
		h.moved(b, time.Duration(min(age, math.MaxInt64)))
	}
}

// receive queues what another node got for a device here. Of a mailbox that
// has moved it says nothing: whoever has the device now answers.
func (h *hub) receive(b *mailbox, from wire.Address, sealed []byte) (code wire.ErrorCode, mine bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b.moved {
		return 0, false
	}
	if now := h.present(b.address); now != b {
		return wire.CodeOffline, now == nil
	}
	return h.queue(b, from, sealed), true
}

// moved ends the mailbox of a device that another node has, for age now; what
// waited goes there. Of two who claim a device, the order decides in which nodes hear them: the later one
// has it. So an own claim that did not come back yet is later than any other.
func (h *hub) moved(b *mailbox, age time.Duration) {
	h.mu.Lock()
	if h.boxes[b.address] != b {
		h.mu.Unlock()
		return
	}
	if b.conn != nil {
		own := h.now().Sub(b.since)
		if own < age || b.claimed != b.conn.serial && own < nodeTime {
			h.mu.Unlock()
			return
		}
	}
	b.moved = true
	old, queue := b.conn, b.queue
	h.remove(b)
	b.conn = nil
	h.mu.Unlock()
	h.background(func() {
		for _, m := range queue {
			ctx, cancel := context.WithTimeout(context.Background(), nodeTime)
			_ = h.forward(ctx, m.from, b.address, m.sealed)
			cancel()
		}
		if old != nil {
			_ = old.ws.Close(statusReplaced, "replaced")
		}
	})
}

// forward hands a message to the node that has the device.
func (h *hub) forward(ctx context.Context, from, to wire.Address, sealed []byte) wire.ErrorCode {
	if h.nodes == nil {
		return wire.CodeOffline
	}
	ctx, cancel := context.WithTimeout(ctx, nodeTime)
	defer cancel()
	b, err := h.nodes.Request(ctx, topicOf(to), append(append([]byte{nodeDeliver}, from[:]...), sealed...))
	switch {
	case errors.Is(err, ErrNobody):
		return wire.CodeOffline
	case err != nil || len(b) != 1:
		return wire.CodeUnavailable
	}
	return wire.ErrorCode(b[0])
}

// find looks an invitation up, here and on other nodes.
func (h *hub) find(ctx context.Context, id wire.InviteID) (wire.Device, bool) {
	if d, ok := h.lookup(id); ok || h.nodes == nil {
		return d, ok
	}
	ctx, cancel := context.WithTimeout(ctx, nodeTime)
	defer cancel()
	b, err := h.nodes.Request(ctx, topicOfInvite(id), nil)
	if err != nil || len(b) == 0 {
		return wire.Device{}, false
	}
	d, err := wire.ParseDevice(b)
	return d, err == nil
}

// openInvite opens an invitation on all nodes.
func (h *hub) openInvite(ctx context.Context, c *Conn, o wire.OpenInvite) wire.ErrorCode {
	if d, ok := h.find(ctx, o.Invite); ok && d != c.box.device {
		return wire.CodeUnavailable
	}
	code := h.open(c, o)
	if code == 0 && h.nodes != nil {
		h.subscribeInvite(o.Invite)
		_ = h.nodes.Sync(ctx)
	}
	return code
}

func (h *hub) subscribeInvite(id wire.InviteID) {
	h.mu.Lock()
	in, ok := h.invites[id]
	h.mu.Unlock()
	if !ok || in.sub != nil {
		return
	}
	sub, err := h.nodes.Subscribe(topicOfInvite(id), func(m NodeMessage) {
		d, ok := h.lookup(id)
		h.mu.Lock()
		moved := in.owner.moved
		h.mu.Unlock()
		switch {
		case ok:
			_ = m.Reply(d.Append(nil))
		case !moved:
			_ = m.Reply(nil)
		}
	})
	if err != nil {
		return // resume does it
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if in, ok := h.invites[id]; ok && in.sub == nil {
		in.sub = sub
		h.invites[id] = in
	} else {
		h.retire(sub)
	}
}

// retire hands a subscription to reap. h.mu is held; whoever answers a message
// may hold it too, and ends the subscription.
func (h *hub) retire(sub Subscription) {
	if sub == nil {
		return
	}
	h.retired = append(h.retired, sub)
	select {
	case h.reapable <- struct{}{}:
	default:
	}
}

// reap ends retired subscriptions until ctx ends.
func (h *hub) reap(ctx context.Context) {
	for {
		select {
		case <-h.reapable:
		case <-ctx.Done():
			return
		}
		h.mu.Lock()
		all := h.retired
		h.retired = nil
		h.mu.Unlock()
		for _, sub := range all {
			sub.Close()
		}
	}
}

// resume subscribes to what could not be while the other nodes were gone.
func (h *hub) resume() {
	h.mu.Lock()
	var boxes []*mailbox
	var invites []wire.InviteID
	for _, b := range h.boxes {
		boxes = append(boxes, b)
	}
	for id := range h.invites {
		invites = append(invites, id)
	}
	h.mu.Unlock()
	for _, b := range boxes {
		h.subscribeBox(b)
		h.claim(b)
	}
	for _, id := range invites {
		h.subscribeInvite(id)
	}
}
