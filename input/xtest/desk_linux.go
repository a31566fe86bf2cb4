package xtest

import (
	"fmt"
	"image"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// Desk is an [input.Desk] for one X window.
type Desk struct {
	log   *slog.Logger
	seat  *Seat
	hands *hands
	// own is this Desk's connection: it hears of changes, and the host's
	// keyboard is its keyboard.
	own  *x11.Conn
	feed *x11.Feed // the events of own
	root xproto.Window
	win  xproto.Window
	// extents is the atom of the property that Content depends on.
	extents xproto.Atom
	// group are the menus and dialogs of the window.
	group  *platform.Group
	active xproto.Atom // _NET_ACTIVE_WINDOW
	// moveResize and windowMenu are what programs ask window managers for.
	moveResize, windowMenu xproto.Atom
	// refused says that something like that was called off for the guest, who is
	// to be told.
	refused atomic.Bool
	changes chan struct{}
	visible atomic.Bool
	layout  atomic.Pointer[layout] // of the host's keyboard, by which clients read keys
	done    chan struct{}
	// following is the goroutine that waits for news of group.
	following sync.WaitGroup
	// blind says that the client does not see the modifiers of the second
	// keyboard in events, as Qt does not.
	blind bool
	// nograb leaves the grab out: for the test that proves what it is good for.
	nograb bool
	// nostrike leaves presses to the window manager, for another.
	nostrike bool
	// timing, if not nil, is told how long the server was grabbed: for the
	// benchmark.
	timing func(time.Duration)
	// moving hears where the pointer is about to be put and how things are then, for
	// a test.
	moving func(to image.Point, how string)

	mu     sync.Mutex
	closed bool
	guess  geometry
	chain  []xproto.Window // from a child of the root down to win
	// hintTypes are _NET_WM_WINDOW_TYPE and those of popups that grab nothing.
	hintTypes []xproto.Atom
	// calm is the desktop when nobody had a grab; nil if that was not seen.
	calm *calm
	// eye is a pixel of the window that could be seen, counted from its corner;
	// blank is when all of a window was found to be covered.
	eye   image.Point
	blank map[xproto.Window]time.Time
	// chains are those of surfaces that were pointed at.
	chains map[xproto.Window][]xproto.Window
	down   []key
	// as has the keycodes that are down, by the viewer's key.
	as      map[wire.Key]byte
	pressed time.Time // when a button last went down or up
	wheel   [2]int    // v120 units that make no whole notch yet

	// hostAt and hostIn are the last answer of hostInside.
	hostAt xproto.Window
	hostIn bool
	// leading says that the client's core requests act on the second pair,
	// until leadTime after led.
	leading bool
	led     time.Time
	leadEnd *time.Timer
	// mapped is when the host's keyboard last got a new map; stale says that the
	// client may have read that of the second one instead.
	mapped time.Time
	stale  bool
	// hostFocus is where the host's focus was when we acted, or went since by their
	// own doing. seeking says that it is looked after.
	hostFocus xproto.Window
	seeking   bool
	// acted is when we acted, actedPress whether that was a press, and worked when
	// a button or key was pressed last. made has the windows that the client made.
	acted, worked time.Time
	actedPress    bool
	made          map[xproto.Window]time.Time
	// frail says that presses of the right button are paced, answers that the
	// program answers a ping; protocols and ping name those messages.
	frail, answers  bool
	protocols, ping xproto.Atom
	// warded says that ward runs, watching that watchMenus does.
	warded, watching bool
}

// key is a keycode or button that is down because of us, in order of pressing.
type key struct {
	button bool
	code   byte
}

// desk makes a Desk at hands that are there.
func (s *Seat) desk(id platform.WindowID) (*Desk, error) {
	own, err := x11.Connect(s.display)
	if err != nil {
		return nil, err
	}
	d := &Desk{
		log: s.opt.Log, seat: s, hands: s.hands, own: own, root: own.Root,
		win: xproto.Window(id.Native()), changes: make(chan struct{}, 1), done: make(chan struct{}),
		chains: map[xproto.Window][]xproto.Window{}, blank: map[xproto.Window]time.Time{}, made: map[xproto.Window]time.Time{}, as: map[wire.Key]byte{},
	}
	if d.feed, err = x11.NewFeed(own); err != nil {
		own.Close()
		return nil, err
	}
	if d.group, err = s.desktop.Group(id); err != nil {
		own.Close()
		return nil, err
	}
	if err := d.start(); err != nil {
		own.Close()
		d.group.Close()
		return nil, err
	}
	go d.watch()
	d.following.Go(d.followGroup)
	return d, nil
}

func (d *Desk) start() error {
	mask := []uint32{xproto.EventMaskStructureNotify | xproto.EventMaskFocusChange}
	err := xproto.ChangeWindowAttributesChecked(d.own.Conn, d.win, xproto.CwEventMask, mask).Check()
	if err != nil {
		return fmt.Errorf("%w (%w)", platform.ErrGone, err)
	}
	a, err := xproto.GetWindowAttributes(d.own.Conn, d.win).Reply()
	if err != nil {
		return fmt.Errorf("%w (%w)", platform.ErrGone, err)
	}
	mask = []uint32{xproto.EventMaskSubstructureNotify} // what programs ask the window manager for
	if err := xproto.ChangeWindowAttributesChecked(d.own.Conn, d.root, xproto.CwEventMask, mask).Check(); err != nil {
		return err
	}
	d.visible.Store(a.MapState == xproto.MapStateViewable)
	d.moveResize, d.windowMenu = d.own.Atom("_NET_WM_MOVERESIZE"), d.own.Atom("_GTK_SHOW_WINDOW_MENU")
	for _, name := range []string{"", "_TOOLTIP", "_NOTIFICATION", "_DND", "_SPLASH"} {
		d.hintTypes = append(d.hintTypes, d.own.Atom("_NET_WM_WINDOW_TYPE"+name))
	}
	d.extents, d.active = d.own.Atom("_GTK_FRAME_EXTENTS"), d.own.Atom("_NET_ACTIVE_WINDOW")
	l, err := readLayout(d.own.Conn)
	if err != nil {
		return err
	}
	d.layout.Store(l)
	d.blind = d.isQt()
	d.paced()
	d.hands.turn.Lock()
	defer d.hands.turn.Unlock()
	d.climb()
	return nil
}

// isQt reports whether the shared program uses Qt, which reads the state of the
// host's keyboard for every key: it makes a window with this name for itself.
func (d *Desk) isQt() bool {
	t, err := xproto.QueryTree(d.own.Conn, d.root).Reply()
	if err != nil {
		return false
	}
	for _, w := range t.Children {
		if d.sameBase(w) && strings.HasPrefix(d.own.Title(w), "Qt Selection Owner for") {
			return true
		}
	}
	return false
}

// watch follows what the server reports until the connection ends.
func (d *Desk) watch() {
	defer close(d.done)
	for {
		ev := d.feed.Next()
		if ev == nil {
			d.visible.Store(false)
			d.changed()
			return
		}
		if d.feed.Lost() {
			d.again()
		}
		switch e := ev.(type) {
		case xproto.MapNotifyEvent:
			if e.Event == d.win {
				d.visible.Store(true)
				d.changed()
			}
		case xproto.UnmapNotifyEvent:
			d.gone(e.Event)
		case xproto.DestroyNotifyEvent:
			d.gone(e.Event)
		case xproto.CreateNotifyEvent:
			d.created(e.Window)
		case xproto.ClientMessageEvent:
			d.asked(e)
			d.ponged(e) // after what was asked for before it
		case xproto.FocusInEvent:
			if e.Event == d.win {
				d.focus(e.Mode)
			}
		case xproto.FocusOutEvent:
			if e.Event == d.win {
				d.focus(e.Mode)
			} else {
				d.left()
			}
		case xproto.MappingNotifyEvent:
			if wholeMap(d.own.Conn, e) {
				d.newMap() // first: nothing is typed by a map that the client has not read
			}
			if l, err := readLayout(d.own.Conn); err == nil {
				d.layout.Store(l)
			} else {
				d.log.Warn("keyboard layout not read", "err", err)
			}
			d.follow(e)
		}
	}
}

// again finds out what nobody has told, as events were lost.
func (d *Desk) again() {
	if a, err := xproto.GetWindowAttributes(d.own.Conn, d.win).Reply(); err == nil {
		d.visible.Store(a.MapState == xproto.MapStateViewable)
	}
	if l, err := readLayout(d.own.Conn); err == nil {
		d.layout.Store(l)
	}
	d.changed()
}

// gone notes that w is not on the screen any more. Of the root's children, which
// are reported too, the window is told of by itself.
func (d *Desk) gone(w xproto.Window) {
	if w == d.win {
		d.visible.Store(false)
		d.changed()
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
	err := d.depart()
	if d.stale {
		d.renewMap()
	}
	rest := time.Until(d.mapped.Add(mapRest)) // the client may be asking for the map of the second keyboard
	if d.actedPress {
		rest = max(rest, time.Until(d.acted.Add(guardTime))) // or the window manager for the host's hand
	}
	d.mu.Unlock()
	time.Sleep(rest)
	d.own.Close()
	<-d.done
	d.following.Wait()
	d.hands.turn.Lock()
	if d.hands.actor == d {
		d.hands.actor = nil
	}
	d.hands.turn.Unlock()
	d.group.Close()
	d.seat.close()
	return err
}

// depart lets go of everything that is ours on the server.
func (d *Desk) depart() error {
	h := d.hands
	h.turn.Lock()
	defer h.turn.Unlock()
	xproto.GrabServer(h.act) // where keys go must not change meanwhile
	focus := xproto.Window(xproto.InputFocusNone)
	if f, err := xproto.GetInputFocus(h.act).Reply(); err == nil {
		focus = f.Focus
	}
	err := d.liftAll(focus)
	xproto.UngrabServer(h.act)
	if d.leading {
		d.leadEnd.Stop()
		h.leaders = slices.DeleteFunc(h.leaders, func(o *Desk) bool { return o == d })
		h.xi.SetClientPointer(d.win, xinput.CorePointer)
	}
	if h.dragger == d {
		h.dragger = nil
	}
	if h.second {
		d.leaveGrab()
		if f, err := h.xi.GetFocus(h.kbd).Reply(); err == nil && d.inside(f) {
			h.xi.SetFocus(h.kbd, h.park)
		}
	}
	// What was sent is lost unless the server answers before the end.
	if _, e := xproto.GetInputFocus(h.act).Reply(); e != nil && err == nil {
		err = fmt.Errorf("xtest: close: %w", e)
	}
	return err
}
