package xtest

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/platform/x11"
)

// Emitter makes the events of one X connection, in the order of the calls, and
// does not wait. It works while that connection holds the server grab.
type Emitter interface {
	// Move puts the pointer to a place in root pixels.
	Move(x, y int) error
	// Button presses or releases an X button, 1 to 9; 4 to 7 are the wheel.
	Button(n byte, down bool) error
	// Key presses or releases an X keycode. input.ErrNoKey if it cannot.
	Key(code byte, down bool) error
}

// Options is how another injector uses this package's atomic section.
type Options struct {
	// Conn is the connection that Emitter acts on: the section grabs and asks
	// through it. It stays the caller's.
	Conn *xgb.Conn
	// Emitter acts. It must not change the keyboard map.
	Emitter Emitter
	// Turn, if not nil, is held for the length of a section, for a Conn that
	// several Desks share.
	Turn sync.Locker
}

// Desk is an [input.Desk] for one X window.
type Desk struct {
	log *slog.Logger
	// own is this Desk's connection: it hears of changes.
	own *x11.Conn
	// act is the connection that grabs, asks and injects: own, or Options.Conn.
	act  *xgb.Conn
	emit Emitter
	turn sync.Locker
	root xproto.Window
	win  xproto.Window
	// extents is the atom of the property that Content depends on.
	extents xproto.Atom
	// probe is a window that is never mapped: a grab for it can only fail, and
	// how it fails tells whether somebody else has one.
	probe   xproto.Window
	changes chan struct{}
	visible atomic.Bool
	layout  atomic.Pointer[layout]
	done    chan struct{}
	// nograb leaves the grab out: for the test that proves what it is good for.
	nograb bool

	mu      sync.Mutex
	closed  bool
	guess   geometry
	chain   []xproto.Window // from a child of the root down to win
	down    []key
	pressed time.Time // when a button last went down or up
	wheel   [2]int    // v120 units that make no whole notch yet
}

// key is a keycode or button that is down because of us, in order of pressing.
type key struct {
	button bool
	code   byte
}

func open(display string, id platform.WindowID, log *slog.Logger) (input.Desk, error) {
	d, err := New(display, id, log, Options{})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// New makes a Desk whose events are made by somebody else. With zero Options it
// is what Open returns. display "" means $DISPLAY.
func New(display string, id platform.WindowID, log *slog.Logger, o Options) (*Desk, error) {
	own, err := x11.Connect(display)
	if err != nil {
		return nil, err
	}
	d := &Desk{
		log: log, own: own, act: o.Conn, emit: o.Emitter, turn: o.Turn, root: own.Root,
		win: xproto.Window(id.Native()), changes: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if d.turn == nil {
		d.turn = &sync.Mutex{}
	}
	if err := d.start(display); err != nil {
		own.Close()
		return nil, err
	}
	go d.watch()
	return d, nil
}

func (d *Desk) start(display string) error {
	if err := d.own.Require(x11.XTest); err != nil {
		return err
	}
	session := display == "" || display == os.Getenv("DISPLAY")
	if d.own.Has("XWAYLAND") || session && platform.CurrentSession(os.Getenv).Type == platform.SessionWayland {
		return ErrWayland
	}
	if d.emit == nil {
		d.act, d.emit = d.own.Conn, fake{d.own.Conn, d.root}
	}
	mask := []uint32{xproto.EventMaskStructureNotify | xproto.EventMaskFocusChange}
	err := xproto.ChangeWindowAttributesChecked(d.own.Conn, d.win, xproto.CwEventMask, mask).Check()
	if err != nil {
		return fmt.Errorf("%w (%w)", platform.ErrGone, err)
	}
	a, err := xproto.GetWindowAttributes(d.own.Conn, d.win).Reply()
	if err != nil {
		return fmt.Errorf("%w (%w)", platform.ErrGone, err)
	}
	d.visible.Store(a.MapState == xproto.MapStateViewable)
	d.extents = d.own.Atom("_GTK_FRAME_EXTENTS")
	if d.probe, err = xproto.NewWindowId(d.own.Conn); err != nil {
		return err
	}
	err = xproto.CreateWindowChecked(d.own.Conn, 0, d.probe, d.root, -1, -1, 1, 1, 0,
		xproto.WindowClassInputOnly, 0, xproto.CwOverrideRedirect, []uint32{1}).Check()
	if err != nil {
		return err
	}
	l, err := readLayout(d.own.Conn)
	if err != nil {
		return err
	}
	d.layout.Store(l)
	return nil
}

// watch follows what the server reports until the connection ends.
func (d *Desk) watch() {
	defer close(d.done)
	for {
		ev, err := d.own.WaitForEvent()
		if ev == nil && err == nil {
			d.visible.Store(false)
			d.changed()
			return
		}
		switch e := ev.(type) {
		case xproto.MapNotifyEvent:
			d.visible.Store(true)
			d.changed()
		case xproto.UnmapNotifyEvent, xproto.DestroyNotifyEvent:
			d.visible.Store(false)
			d.changed()
		case xproto.FocusInEvent:
			d.focus(e.Mode)
		case xproto.FocusOutEvent:
			d.focus(e.Mode)
		case xproto.MappingNotifyEvent:
			if l, err := readLayout(d.own.Conn); err == nil {
				d.layout.Store(l)
			} else {
				d.log.Warn("keyboard layout not read", "err", err)
			}
		}
	}
}

// focus notes a change of the focus; a keyboard grab is none.
func (d *Desk) focus(mode byte) {
	if mode == xproto.NotifyModeNormal || mode == xproto.NotifyModeWhileGrabbed {
		d.changed()
	}
}

func (d *Desk) changed() {
	select {
	case d.changes <- struct{}{}:
	default:
	}
}

// Visible implements [input.Desk].
func (d *Desk) Visible() bool { return d.visible.Load() }

// Changes implements [input.Desk].
func (d *Desk) Changes() <-chan struct{} { return d.changes }

// Close implements [input.Desk].
func (d *Desk) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	d.turn.Lock()
	err := d.liftAll()
	// What was sent is lost unless the server answers before the end.
	if _, e := xproto.GetInputFocus(d.act).Reply(); e != nil && err == nil {
		err = fmt.Errorf("xtest: close: %w", e)
	}
	d.turn.Unlock()
	d.mu.Unlock()
	d.own.Close()
	<-d.done
	return err
}
