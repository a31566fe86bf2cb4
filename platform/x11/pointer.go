package x11

import (
	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xfixes"
)

// alarmNotify is the number of SYNC's second event (syncproto.h).
const alarmNotify = 1

// CursorNotify reports whether ev tells that a pointer looks different now
// (XFIXES). The connection must have required XFixes.
func (c *Conn) CursorNotify(ev xgb.Event) bool {
	return c.extensionEvent(ev, XFixes, xfixes.CursorNotify) != nil
}

// AlarmNotify reports whether ev is that of an alarm (SYNC). The connection
// must have required Sync.
func (c *Conn) AlarmNotify(ev xgb.Event) bool {
	return c.extensionEvent(ev, Sync, alarmNotify) != nil
}
