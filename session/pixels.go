package session

import (
	"sync"
	"time"

	"viewflip.app/video"
)

const (
	// memberPixels is how much the pictures of one member that are watched may
	// measure together: two screens of 4K. A single picture may be as large as
	// any, video.MaxPixels.
	memberPixels = 2 * 3840 * 2160
	// callPixels is the same for everybody's.
	callPixels = 2 * video.MaxPixels
	// viewSlots is how many pixels of earlier pictures one view may keep, 48 MiB;
	// memberSlots those of one member, and callSlots those of everybody. They are
	// beside the pictures, which never make way for them.
	viewSlots   = 12 << 20
	memberSlots = 2 * viewSlots
	callSlots   = 4 * viewSlots
)

// pixels is what the views of a call hold in memory. A view takes room before
// anything is decoded: a picture of a few bytes may be as large as any.
type pixels struct {
	mu   sync.Mutex
	held map[*View]int
	// slots are the parts of earlier pictures among what they hold.
	slots map[*View]int
	// waiting are views whose picture found no room.
	waiting map[*View]bool
}

// take makes room for n pixels of v, in place of what it has; false if that is
// too much. The last pictures of shares that are over make way.
func (p *pixels) take(v *View, n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ok := p.fitsLocked(v, n)
	if !ok {
		p.clearLocked()
		ok = p.fitsLocked(v, n)
	}
	if !ok {
		p.waiting[v] = true
		return false
	}
	p.held[v] = n
	delete(p.waiting, v)
	return true
}

// clearLocked takes the last pictures of shares that are over.
func (p *pixels) clearLocked() {
	for o := range p.held {
		if o.ended() {
			delete(p.held, o)
			delete(p.slots, o)
			time.AfterFunc(0, o.free) // which waits for the picture
		}
	}
}

// remember makes room for n pixels of earlier pictures of v, in place of what it
// has; false if that is too much, and it must forget them.
func (p *pixels) remember(v *View, n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ok := p.remembersLocked(v, n)
	if !ok {
		p.clearLocked()
		ok = p.remembersLocked(v, n)
	}
	if delete(p.slots, v); ok && n > 0 {
		p.slots[v] = n
	}
	return ok
}

func (p *pixels) remembersLocked(v *View, n int) bool {
	member, all := n, n
	for o, m := range p.slots {
		if o == v {
			continue
		}
		all += m
		if o.member.id == v.member.id {
			member += m
		}
	}
	return n <= viewSlots && member <= memberSlots && all <= callSlots
}

// fitsLocked reports whether v may have n pixels beside the others.
func (p *pixels) fitsLocked(v *View, n int) bool {
	member, all := 0, 0
	for o, m := range p.held {
		if o == v {
			continue
		}
		all += m
		if o.member.id == v.member.id {
			member += m
		}
	}
	return n <= video.MaxPixels && all+n <= callPixels && (member == 0 || member+n <= memberPixels)
}

// drop gives back what v has, and returns who waits for room.
func (p *pixels) drop(v *View) (waiting []*View) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.held, v)
	delete(p.slots, v)
	delete(p.waiting, v)
	for o := range p.waiting {
		waiting = append(waiting, o)
	}
	return waiting
}
