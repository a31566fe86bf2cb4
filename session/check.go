package session

import (
	"time"

	"viewflip.app/wire"
)

const (
	// checkAfter is when a viewer asks for a checksum after a change.
	checkAfter = 10 * time.Second
	// checkPause is how soon after one checksum the sharer makes another.
	checkPause = time.Second
)

// Checker is an Encoder that puts a checksum into a coded frame when asked. Its
// decoder returns an error if the picture has another.
type Checker interface {
	// Check makes the next frame, once nothing is owed, carry a checksum, even
	// if nothing changed. What the damage has missed is sent with it.
	Check()
}

// Check asks the sharer for a checksum of the picture. A picture that differs
// is sent anew. A View does so itself every 10 s while the picture changes, and
// once after that. More than one a second is not answered.
func (v *View) Check() { v.member.send(wire.Check{Share: v.info.Share}) }

// check notes that the viewer asks for a checksum.
func (m *member) check(msg wire.Check) {
	if o := m.outlet(msg.Share); o != nil {
		o.mu.Lock()
		o.check = true
		o.mu.Unlock()
		o.poke()
	}
}

// takeCheck reports whether a checksum is to be made now; o.mu is held.
func (o *outlet) takeCheck(now time.Time) bool {
	if !o.check {
		return false
	}
	o.check = false
	if now.Sub(o.checked) < checkPause {
		return false
	}
	o.checked = now
	return true
}
