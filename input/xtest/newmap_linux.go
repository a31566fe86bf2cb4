package xtest

import (
	"errors"
	"slices"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
)

// mapRest is how long guests wait after the host's keyboard got a new map:
// clients read it anew when they hear of it, and while we lead they would get
// that of the second keyboard. Xlib keeps to the keyboard that it got it from.
const mapRest = 500 * time.Millisecond

// wholeMap tells a new map (another layout, or another of the host's keyboards)
// from a change of some keys.
func wholeMap(c *xgb.Conn, e xproto.MappingNotifyEvent) bool {
	s := xproto.Setup(c)
	return e.Request == xproto.MappingKeyboard && e.Count >= byte(s.MaxKeycode-s.MinKeycode)
}

// newMap gives the shared client the host's pair back after their keyboard got a
// new map, and holds guests off until it has read it.
func (d *Desk) newMap() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || !d.hands.second {
		return
	}
	d.mapped = time.Now()
	d.changed() // what a guest holds is let go
	if d.leading {
		d.stale, d.led = true, time.Time{}
		d.leadEnd.Reset(0)
	}
}

// copyMap gives the second keyboard the host's map: a client that reads the map
// while its core requests mean the second pair gets what it would get from the
// host's keyboard. The server is grabbed.
func (h *hands) copyMap(xi *xinput.Client) error {
	if err := xi.CopyMap(xinput.CoreKeyboard, h.kbd); err != nil && !errors.Is(err, xinput.ErrNoXKB) {
		return err
	}
	return nil
}

// follow gives the second keyboard the host's map again after that has changed,
// unless the change is that of a key that is borrowed, which both have.
func (d *Desk) follow(e xproto.MappingNotifyEvent) {
	h := d.hands
	if e.Request == xproto.MappingPointer {
		return
	}
	h.turn.Lock()
	defer h.turn.Unlock()
	lent := e.Request == xproto.MappingKeyboard && e.Count == 1 && slices.ContainsFunc(h.loans, func(o loan) bool { return o.code == byte(e.FirstKeycode) })
	if !h.second || lent {
		return
	}
	if err := d.seat.alone(h.copyMap); err != nil {
		d.log.Warn("the keyboard map was not copied", "err", err)
	}
}

// renewMap has a client that read the second keyboard's map for the host's read
// again, now that it would get the right one. The server must not be grabbed.
func (d *Desk) renewMap() {
	d.stale, d.mapped = false, time.Now()
	err := d.seat.alone(func(xi *xinput.Client) error { return xi.Renew(d.hands.kbd) })
	if err != nil && !errors.Is(err, xinput.ErrNoXKB) {
		d.log.Warn("keyboard map not told again", "err", err)
	}
}

// removePair is removePair in a server grab.
func (s *Seat) removePair(ptr, kbd xinput.DeviceID) error {
	return s.alone(func(xi *xinput.Client) error { return removePair(xi, ptr, kbd) })
}

// alone runs f with a connection of its own, which has the server grabbed. No
// other of ours may have.
func (s *Seat) alone(f func(*xinput.Client) error) error {
	c, err := x11.Connect(s.display)
	if err != nil {
		return err
	}
	defer c.Close()
	xi, err := xinput.New(c.Conn)
	if err != nil {
		return err
	}
	xproto.GrabServer(c.Conn)
	return f(xi)
}
