package x11

import (
	"errors"
	"fmt"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xfixes"
)

// Requests and events of SYNC 3.1 (syncproto.h), which xgb does not speak.
const (
	syncInitialize, syncCounters, syncCreateAlarm = 0, 1, 8
	syncMajor, syncMinor                          = 3, 1
	alarmNotify                                   = 1
	replySize                                     = 32
)

var errSyncReply = errors.New("malformed reply")

// CursorNotify reports whether ev tells that the pointer looks different now
// (XFIXES). The connection must have required XFixes.
func (c *Conn) CursorNotify(ev xgb.Event) bool {
	return c.extensionEvent(ev, XFixes, xfixes.CursorNotify) != nil
}

// AlarmNotify reports whether ev is that of an alarm (SYNC).
func (c *Conn) AlarmNotify(ev xgb.Event) bool {
	return c.extensionEvent(ev, Sync, alarmNotify) != nil
}

// syncRequest sends a request of SYNC; its length is filled in.
func (c *Conn) syncRequest(b []byte, reply bool) *xgb.Cookie {
	xgb.Put16(b[2:], uint16(len(b)/4))
	k := c.NewCookie(true, reply)
	c.NewRequest(b, k)
	return k
}

func (c *Conn) startSync(opcode byte) error {
	r, err := c.syncRequest([]byte{opcode, syncInitialize, 0, 0, syncMajor, syncMinor, 0, 0}, true).Reply()
	if err == nil && (len(r) < replySize || r[8] < syncMajor) {
		err = errSyncReply
	}
	return err
}

// AlarmPointer makes the server send an alarm whenever the first pointer, the
// one of the person at the machine, is used after it was not for rest. There is
// no work while nothing happens: the server watches its own counter
// "DEVICEIDLETIME 2" (X.Org since 1.12). The connection must have required
// Sync.
func (c *Conn) AlarmPointer(rest time.Duration) error {
	const name = "DEVICEIDLETIME 2" // the core pointer has this number everywhere
	c.ExtLock.RLock()
	op := c.Extensions[string(Sync)]
	c.ExtLock.RUnlock()
	r, err := c.syncRequest([]byte{op, syncCounters, 0, 0}, true).Reply()
	if err != nil {
		return fmt.Errorf("x11: counters: %w", err)
	}
	counter, ok := findCounter(r, name)
	if !ok {
		return errors.New("x11: the X server does not count the idle time of the pointer")
	}
	id, err := c.NewId()
	if err != nil {
		return fmt.Errorf("x11: alarm: %w", err)
	}
	// Values by the mask: counter, absolute, limit (i64, high word first),
	// negative transition, delta 0 (which keeps the alarm), events on.
	const mask, absolute, negative = 1<<6 - 1, 0, 1
	b := make([]byte, 12+8*4)
	b[0], b[1] = op, syncCreateAlarm
	for i, v := range []uint32{id, mask, counter, absolute, 0, uint32(rest.Milliseconds()), negative, 0, 0, 1} {
		xgb.Put32(b[4+4*i:], v)
	}
	if err := c.syncRequest(b, false).Check(); err != nil {
		return fmt.Errorf("x11: alarm: %w", err)
	}
	return nil
}

// findCounter reads the reply to ListSystemCounters.
func findCounter(r []byte, name string) (uint32, bool) {
	const header = 14 // id, resolution, length of the name
	if len(r) < replySize {
		return 0, false
	}
	p := r[replySize:]
	for range xgb.Get32(r[8:]) {
		if len(p) < header {
			return 0, false
		}
		n := int(xgb.Get16(p[12:]))
		end := (header + n + 3) &^ 3
		if len(p) < end {
			return 0, false
		}
		if string(p[header:header+n]) == name {
			return xgb.Get32(p), true
		}
		p = p[end:]
	}
	return 0, false
}
