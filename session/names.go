package session

import (
	"fmt"

	"viewflip.app/wire"
)

// nameLocked is how a member is shown who says that they are called said. Two
// people of a call never have names that look the same, because whoever answers
// a request goes by the name in it: who comes later gets a number behind theirs.
// A contact is always shown as this person's own list has them, and then the
// number is for a member who is no contact. Call with Call.mu held.
func (c *Call) nameLocked(m *member, said string) string {
	if m.contact.Name == "" {
		return c.freeNameLocked(m, said)
	}
	for _, o := range c.order {
		if o.id != m.id && o.contact.Name == "" && wire.SameLook(o.name, m.contact.Name) {
			o.name = c.freeNameLocked(o, o.name, m.contact.Name)
		}
	}
	return m.contact.Name
}

// toldName is the name under which others of the call are told of a member: what
// this person calls a contact in their own list is nobody else's business. Call
// with Call.mu held.
func (m *member) toldName() string {
	if m.contact.Name != "" {
		return m.said
	}
	return m.name
}

// freeNameLocked adds the first number to a name by which it looks like nobody
// else's of the call, nor like this person's own, nor like one of taken.
func (c *Call) freeNameLocked(m *member, said string, taken ...string) string {
	taken = append(taken, c.cfg.Name)
	for _, o := range c.order {
		if o.id != m.id {
			taken = append(taken, o.name)
		}
	}
	name := said
	for n := 2; looksLikeOne(name, taken); n++ {
		number := fmt.Sprintf(" (%d)", n)
		for short := said; ; short = short[:len(short)-1] { // of a name at its limit the end goes, not the number
			if name = wire.CleanName(short) + number; len(name) <= wire.MaxName {
				break
			}
		}
	}
	return name
}

func looksLikeOne(name string, taken []string) bool {
	for _, t := range taken {
		if wire.SameLook(name, t) {
			return true
		}
	}
	return false
}
