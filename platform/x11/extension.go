package x11

import (
	"fmt"
	"io"
	"sync"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xfixes"
)

// X numbers (X11 protocol, appendix B): extensions share these events and
// errors, and every server deals them out as it likes.
const (
	firstExtensionEvent = 64
	lastEvent           = 127
	firstExtensionError = 128
	lastError           = 255
)

// prepare sets up xgb's process-wide tables once, before the first connection
// exists. xgb's own way, an Init per extension and connection, writes to these
// maps while the readers of other connections use them, which ends the process,
// and mixes up two servers that number their extensions differently.
var prepare = sync.OnceFunc(func() { //nolint:gochecknoglobals // guards xgb's globals
	xgb.Logger.SetOutput(io.Discard) // it reports missing authority files on stderr
	for n := firstExtensionEvent; n <= lastEvent; n++ {
		xgb.NewEventFuncs[n] = func(b []byte) xgb.Event { return ExtensionEvent(b) }
	}
	for n := firstExtensionError; n <= lastError; n++ {
		// Without an entry xgb drops the error and its request waits forever.
		xgb.NewErrorFuncs[n] = func(b []byte) xgb.Error { return extensionError(b) }
	}
})

// ExtensionEvent is the 32 bytes of an event of any extension, as connections
// of this package deliver it.
type ExtensionEvent []byte

// Bytes returns the event as it was sent.
func (e ExtensionEvent) Bytes() []byte { return e }

// String names the event's number.
func (e ExtensionEvent) String() string { return fmt.Sprintf("extension event %d", e[0]&lastEvent) }

// DamageNotify decodes a DAMAGE event; ok is false for every other event. The
// connection must have required Damage.
func (c *Conn) DamageNotify(ev xgb.Event) (n damage.NotifyEvent, ok bool) {
	if b := c.extensionEvent(ev, Damage, damage.Notify); b != nil {
		n, ok = damage.NotifyEventNew(b).(damage.NotifyEvent)
	}
	return n, ok
}

// SelectionNotify decodes an XFIXES event about the owner of a selection; ok is
// false for every other event. The connection must have required XFixes.
func (c *Conn) SelectionNotify(ev xgb.Event) (n xfixes.SelectionNotifyEvent, ok bool) {
	if b := c.extensionEvent(ev, XFixes, xfixes.SelectionNotify); b != nil {
		n, ok = xfixes.SelectionNotifyEventNew(b).(xfixes.SelectionNotifyEvent)
	}
	return n, ok
}

// extensionEvent returns the bytes of an event if it is this one.
func (c *Conn) extensionEvent(ev xgb.Event, x Extension, number byte) []byte {
	e, ok := ev.(ExtensionEvent)
	if !ok {
		return nil
	}
	c.mu.Lock()
	first, have := c.first[x]
	c.mu.Unlock()
	if !have || e[0]&lastEvent != first+number {
		return nil
	}
	return e
}

// extensionError is an error of an extension.
type extensionError []byte

// SequenceId is the request that failed.
func (e extensionError) SequenceId() uint16 { return xgb.Get16(e[2:]) } //nolint:revive // xgb's name

// BadId is the value that was wrong.
func (e extensionError) BadId() uint32 { return xgb.Get32(e[4:]) } //nolint:revive // xgb's name

// Error names the error's number and the request.
func (e extensionError) Error() string {
	return fmt.Sprintf("X error %d of request %d.%d", e[1], e[10], xgb.Get16(e[8:]))
}
