package xtest

import (
	"image"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11/xinput"
)

// A program answers a press in its own title bar by asking the window manager to
// go on with it: to move or resize the window with the pointer
// (_NET_WM_MOVERESIZE), or to show the window's menu (_GTK_SHOW_WINDOW_MENU).
// Window managers know one pointer and one keyboard, the host's, and grab both.
// So what a guest's press made a program ask for is called off at once: the
// request and its end are next to each other in what the window manager reads.
// If the host's keyboard is grabbed all the same, as for a menu, it gets an
// Escape, which goes to whoever has grabbed it and to nobody else.

const (
	// The directions of a _NET_WM_MOVERESIZE that is done by keys, for which
	// window managers put the pointer into the window, and of one that ends it
	// (EWMH).
	sizeByKeys, moveByKeys, moveCancel = 9, 10, 11
	// askTime is how long after a guest acted a request may be their doing.
	askTime = 10 * time.Second
	// freeTime is for how long after a request the host's pair is looked after,
	// freeStep how often, and escapeRest how long the first Escape may take to
	// work; each further one twice as long.
	freeTime   = 2 * time.Second
	freeLimit  = time.Minute // if it stays grabbed
	freeStep   = 4 * time.Millisecond
	escapeRest = 20 * time.Millisecond
	// escapeSym is the keysym of Escape (keysymdef.h).
	escapeSym = 0xff1b
)

// asked handles a message to the window manager. One about the shared program
// that nothing the host did can have caused is a guest's doing.
func (d *Desk) asked(e xproto.ClientMessageEvent) {
	move := e.Type == d.moveResize && e.Format == 32
	if !move && e.Type != d.windowMenu || move && e.Data.Data32[2] == moveCancel {
		return
	}
	h := d.hands
	h.turn.Lock()
	defer h.turn.Unlock()
	// Where several guests have the same program, the one who acted last answers.
	if !d.sameClient(e.Window) || h.actor != d && h.actor != nil && h.actor.sameClient(e.Window) {
		return
	}
	jumps := move && (e.Data.Data32[2] == sizeByKeys || e.Data.Data32[2] == moveByKeys)
	if d.hostAsked(jumps) {
		return
	}
	if move {
		e.Data = xproto.ClientMessageDataUnionData32New([]uint32{e.Data.Data32[0], e.Data.Data32[1], moveCancel, e.Data.Data32[3], e.Data.Data32[4]})
		d.toManager(e)
	}
	if h.actor == d {
		d.refused.Store(true)
	}
	d.log.Debug("what the program asked of the window manager was called off")
	// What had grabbed the host's pair before is their own menu, unless it is there
	// because of a guest: then no window manager gets it.
	if guests := !h.captured.IsZero() || time.Since(h.free) < freeTime; guests || !h.before.ptrGrabbed && !h.before.kbdGrabbed {
		h.free, h.jumps = time.Now().Add(freeTime), jumps
		if !h.freeing && h.xi != nil {
			h.freeing = true
			d.following.Go(d.setFree)
		}
	}
}

// hostAsked reports whether a request is the host's: no guest acted for long, or
// they acted in the shared program after the last guest did. jumps says that the
// window manager may have put the pointer there itself. hands.turn is held.
func (d *Desk) hostAsked(jumps bool) bool {
	h := d.hands
	since := time.Since(h.actedAt)
	if since > askTime {
		return true
	}
	ic := h.askIdle()
	if !h.second {
		if !jumps { // guests rest after the host acted
			return h.sharedActive(ic)
		}
		h.settle()
		_, last, _, err := ic.reply()
		return err == nil && last.kbd > h.host.ours.kbd+tick
	}
	pc, fc := h.xi.QueryPointer(xinput.CorePointer, d.root), h.xi.GetFocus(xinput.CoreKeyboard)
	now, last, _, err := ic.reply()
	p, perr := pc.Reply()
	f, ferr := fc.Reply()
	if err != nil || perr != nil || ferr != nil {
		return false
	}
	pointed := d.ours(p.Child) && (!jumps || h.before.over)
	return pointed && (p.Buttons != 0 || now-last.ptr < since) || d.inside(f) && now-last.kbd < since
}

// toManager sends a message to the window manager (EWMH).
func (d *Desk) toManager(e xproto.ClientMessageEvent) {
	xproto.SendEvent(d.hands.act, false, d.root, xproto.EventMaskSubstructureRedirect|xproto.EventMaskSubstructureNotify, string(e.Bytes()))
}

// setFree gives the host's pair back after a request that was called off, until
// hands.free: whoever has grabbed the keyboard gets an Escape, and a pointer that
// was put into the shared window goes back.
func (d *Desk) setFree() {
	h := d.hands
	var pressed time.Time
	rest := escapeRest
	for again := true; again; time.Sleep(freeStep) {
		back := false
		h.turn.Lock()
		xproto.GrabServer(h.act)
		k, err := h.xi.Grabbed(xinput.CoreKeyboard, h.probe).Reply()
		switch {
		case err != nil:
		case k && time.Since(pressed) > rest:
			if !pressed.IsZero() {
				rest = min(2*rest, freeTime/4)
			}
			pressed = time.Now()
			h.hostEscape()
		case !k && h.jumps:
			back = d.putBack()
		}
		xproto.UngrabServer(h.act)
		left := time.Until(h.free)
		select {
		case <-d.done: // closed: only as long as it takes
			if !k {
				left -= freeTime - guardTime
			}
		default:
		}
		again = err == nil && (left > 0 || k && left > -freeLimit)
		h.freeing = again
		h.turn.Unlock()
		if back { // it took their focus along
			d.mu.Lock()
			d.acted, d.actedPress = time.Now(), true
			d.guardFocus()
			d.mu.Unlock()
		}
	}
}

// putBack puts the host's pointer where it was when a guest acted last, if it is
// within the shared window now, whatever covers that, and was not over it; false
// if not.
func (d *Desk) putBack() bool {
	h := d.hands
	if !h.second || h.before.over {
		return false
	}
	p, err := h.xi.QueryPointer(xinput.CorePointer, d.root).Reply()
	if err != nil || !d.ours(p.Child) && !p.At.In(d.frame()) || p.Buttons != 0 {
		return false
	}
	h.xi.WarpPointer(xinput.CorePointer, d.root, h.before.at.X, h.before.at.Y)
	h.jumps = false
	return true
}

// frame is where the shared window and its frame are, in root pixels.
func (d *Desk) frame() image.Rectangle {
	if len(d.chain) == 0 {
		return image.Rectangle{}
	}
	g, err := xproto.GetGeometry(d.hands.act, xproto.Drawable(d.chain[0])).Reply()
	if err != nil {
		return image.Rectangle{}
	}
	return image.Rect(0, 0, int(g.Width), int(g.Height)).Add(image.Pt(int(g.X), int(g.Y)))
}

// hostEscape presses Escape on the host's keyboard.
func (h *hands) hostEscape() {
	if h.second {
		h.xi.SetClientPointer(0, xinput.CorePointer)
		defer h.xi.SetClientPointer(0, h.ptr)
	}
	if code, ok := h.escapeCode(); ok {
		f := fake{h.act, h.own.Root}
		_, _ = f.Key(code, true), f.Key(code, false)
		h.acted()
	}
}
