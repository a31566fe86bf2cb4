package platformtest

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"testing"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform"
	"viewflip.app/platform/platformtest/world"
	"viewflip.app/platform/x11"
)

// patience bounds every wait for the X server or the window manager.
const patience = world.Patience

// ErrTimeout means that the server or the window manager did not do what was
// asked for in time.
var ErrTimeout = errors.New("platformtest: it did not happen in time")

// Options describes a window.
type Options struct {
	// Title goes into _NET_WM_NAME and WM_NAME, Class into WM_CLASS.
	Title, Class string
	// Bounds is where the client area shall be, in root pixels. A window
	// manager may move it, but keeps the size.
	Bounds image.Rectangle
	// Color, 0xRRGGBB, fills the window at first. At depth 32 it is
	// 0xAARRGGBB, premultiplied.
	Color uint32
	// OverrideRedirect makes a popup that window managers leave alone.
	OverrideRedirect bool
	// Depth is 24, 32, or 0 for the screen's own.
	Depth int
	// Border is the width of the X border in pixels.
	Border int
	// PID goes into _NET_WM_PID; 0 leaves it out.
	PID int
	// Hidden leaves the window unmapped.
	Hidden bool
	// Background has the server paint Color, as simple clients do; else it
	// paints nothing, as the large toolkits ask it to.
	Background bool
	// Gravity is X's bit gravity: what a resize keeps. 0 keeps nothing.
	Gravity uint32
	// TransientFor goes into WM_TRANSIENT_FOR; 0 leaves it out.
	TransientFor xproto.Window
	// Role goes into WM_WINDOW_ROLE, Type into _NET_WM_WINDOW_TYPE, without
	// "_NET_WM_WINDOW_TYPE_". "" leaves them out.
	Role, Type string
}

// Window is a client window. Its methods return when the server has done what
// they ask, and fail the test if it does not.
type Window struct {
	t  testing.TB
	c  *x11.Conn
	id xproto.Window
	gc xproto.Gcontext
	or bool
	// depth is in bits; pixels are 32 bits wide on the wire.
	depth byte
	done  chan struct{}
	// first is the window whose connection this one shares; nil for its own.
	first *Window

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change below
	pix     []byte        // BGRA of the whole window, what Expose repaints
	w, h    int
	back    [4]byte
	mapped  bool
	painted bool // an Expose was answered since the window was mapped
	covered bool // no part of the window is visible
	closed  bool
	events  []Event
	marks   int
	frozen  bool
	// siblings are further windows of the same client.
	siblings map[xproto.Window]*Window
}

// NewWindow makes a window on a display, maps it and waits until it is painted.
// It is closed with the test.
func NewWindow(t testing.TB, display string, o Options) *Window {
	t.Helper()
	c, err := x11.Connect(display)
	if err != nil {
		t.Fatal("platformtest:", err)
	}
	w := newWindow(t, c, o)
	if err := w.create(o); err != nil {
		c.Close()
		t.Fatal("platformtest: new window:", err)
	}
	go w.run()
	t.Cleanup(w.Close)
	if !o.Hidden {
		w.Map()
	}
	return w
}

func newWindow(t testing.TB, c *x11.Conn, o Options) *Window {
	t.Helper()
	w := &Window{
		t: t, c: c, or: o.OverrideRedirect, done: make(chan struct{}), changed: make(chan struct{}),
		w: o.Bounds.Dx(), h: o.Bounds.Dy(), back: bgra(o.Color), siblings: map[xproto.Window]*Window{},
	}
	w.pix = flat(w.w, w.h, w.back)
	return w
}

// Sibling makes another window of the same client, which is closed with it.
func (w *Window) Sibling(o Options) *Window {
	w.t.Helper()
	if w.first != nil {
		return w.first.Sibling(o)
	}
	n := newWindow(w.t, w.c, o)
	n.first = w
	w.mu.Lock() // the window's first event waits
	err := n.create(o)
	w.siblings[n.id] = n
	w.mu.Unlock()
	if err != nil {
		w.t.Fatal("platformtest: new window:", err)
	}
	if !o.Hidden {
		n.Map()
	}
	return n
}

// bgra is the pixel in the byte order of a 32-bit ZPixmap.
func bgra(p uint32) [4]byte {
	return [4]byte{byte(p), byte(p >> 8), byte(p >> 16), byte(p >> 24)}
}

func flat(w, h int, p [4]byte) []byte {
	b := make([]byte, w*h*4)
	for i := 0; i < len(b); i += 4 {
		copy(b[i:], p[:])
	}
	return b
}

func (w *Window) create(o Options) error {
	var err error
	if w.id, err = xproto.NewWindowId(w.c.Conn); err != nil {
		return err
	}
	visual, depth := w.c.Screen.RootVisual, w.c.Screen.RootDepth
	if o.Depth != 0 && byte(o.Depth) != depth {
		if visual = w.visual(byte(o.Depth)); visual == 0 {
			return fmt.Errorf("the screen has no visual of depth %d", o.Depth)
		}
		depth = byte(o.Depth)
	}
	w.depth = depth
	cmap, err := xproto.NewColormapId(w.c.Conn)
	if err != nil {
		return err
	}
	xproto.CreateColormap(w.c.Conn, xproto.ColormapAllocNone, cmap, w.c.Root, visual)
	or := uint32(0)
	if o.OverrideRedirect {
		or = 1
	}
	const events = xproto.EventMaskKeyPress | xproto.EventMaskKeyRelease | xproto.EventMaskButtonPress |
		xproto.EventMaskButtonRelease | xproto.EventMaskPointerMotion | xproto.EventMaskEnterWindow |
		xproto.EventMaskLeaveWindow | xproto.EventMaskFocusChange | xproto.EventMaskExposure | xproto.EventMaskStructureNotify |
		xproto.EventMaskVisibilityChange
	background, value := uint32(xproto.CwBackPixmap), uint32(xproto.BackPixmapNone)
	if o.Background {
		background, value = xproto.CwBackPixel, o.Color
	}
	values := []uint32{value, 0, o.Gravity, or, events, uint32(cmap)}
	err = xproto.CreateWindowChecked(w.c.Conn, depth, w.id, w.c.Root, int16(o.Bounds.Min.X), int16(o.Bounds.Min.Y),
		uint16(w.w), uint16(w.h), uint16(o.Border), xproto.WindowClassInputOutput, visual,
		background|xproto.CwBorderPixel|xproto.CwBitGravity|xproto.CwOverrideRedirect|xproto.CwEventMask|xproto.CwColormap, values).Check()
	if err != nil {
		return err
	}
	if w.gc, err = xproto.NewGcontextId(w.c.Conn); err != nil {
		return err
	}
	// Without graphics exposures CopyArea answers with nothing.
	xproto.CreateGC(w.c.Conn, w.gc, xproto.Drawable(w.id), xproto.GcGraphicsExposures, []uint32{0})
	w.describe(o)
	return nil
}

// describe sets the properties that window managers and pickers read.
func (w *Window) describe(o Options) {
	w.SetTitle(o.Title)
	if o.Class != "" {
		w.setProperty("WM_CLASS", "STRING", 8, []byte(o.Class+"\x00"+o.Class+"\x00"))
	}
	if o.PID != 0 {
		w.SetCardinals("_NET_WM_PID", uint32(o.PID))
	}
	if o.TransientFor != 0 {
		w.SetTransient(o.TransientFor)
	}
	if o.Role != "" {
		w.setProperty("WM_WINDOW_ROLE", "STRING", 8, []byte(o.Role))
	}
	if o.Type != "" {
		w.SetAtoms("_NET_WM_WINDOW_TYPE", "_NET_WM_WINDOW_TYPE_"+o.Type)
	}
	// WM_NORMAL_HINTS (ICCCM 4.1.2.3): the place is the user's wish, and with
	// static gravity it is the client area's place.
	const usPosition, usSize, winGravity, static = 1, 2, 1 << 9, 10
	hints := make([]uint32, 18)
	hints[0], hints[17] = usPosition|usSize|winGravity, static
	w.setProperty("WM_NORMAL_HINTS", "WM_SIZE_HINTS", 32, cardinals(hints))
	const inputHint = 1
	w.setProperty("WM_HINTS", "WM_HINTS", 32, cardinals([]uint32{inputHint, 1, 0, 0, 0, 0, 0, 0, 0}))
}

func (w *Window) setProperty(name, kind string, format byte, data []byte) {
	xproto.ChangeProperty(w.c.Conn, xproto.PropModeReplace, w.id, w.c.Atom(name), w.c.Atom(kind), format,
		uint32(len(data)/int(format/8)), data)
}

func cardinals(v []uint32) []byte {
	b := make([]byte, 4*len(v))
	for i, x := range v {
		xgb.Put32(b[4*i:], x)
	}
	return b
}

// visual finds a TrueColor visual of a depth; 0 if there is none.
func (w *Window) visual(depth byte) xproto.Visualid {
	for _, d := range w.c.Screen.AllowedDepths {
		for _, v := range d.Visuals {
			if d.Depth == depth && v.Class == xproto.VisualClassTrueColor {
				return v.VisualId
			}
		}
	}
	return 0
}

// ID is the window's id for package platform.
func (w *Window) ID() platform.WindowID { return platform.NewWindowID(uint32(w.id)) }

// XID is the X window.
func (w *Window) XID() xproto.Window { return w.id }

// Conn is the client's own connection; its events belong to the Window.
func (w *Window) Conn() *x11.Conn { return w.c }

// SetTitle changes the window's title.
func (w *Window) SetTitle(s string) {
	w.setProperty("_NET_WM_NAME", "UTF8_STRING", 8, []byte(s))
	w.setProperty("WM_NAME", "STRING", 8, []byte(s))
	w.sync()
}

// SetCardinals sets a property of 32-bit numbers, such as _GTK_FRAME_EXTENTS.
func (w *Window) SetCardinals(name string, v ...uint32) {
	w.setProperty(name, "CARDINAL", 32, cardinals(v))
	w.sync()
}

// SetTransient sets WM_TRANSIENT_FOR.
func (w *Window) SetTransient(of xproto.Window) {
	w.setProperty("WM_TRANSIENT_FOR", "WINDOW", 32, cardinals([]uint32{uint32(of)}))
	w.sync()
}

// SetAtoms sets a property of atoms, such as _NET_WM_WINDOW_TYPE.
func (w *Window) SetAtoms(name string, atoms ...string) {
	v := make([]uint32, len(atoms))
	for i, a := range atoms {
		v[i] = uint32(w.c.Atom(a))
	}
	w.setProperty(name, "ATOM", 32, cardinals(v))
	w.sync()
}

// sync waits until the server has processed everything sent so far.
func (w *Window) sync() {
	_, _ = xproto.GetInputFocus(w.c.Conn).Reply()
}

// run answers Expose and writes down what happens, until the connection ends.
func (w *Window) run() {
	defer close(w.done)
	for {
		ev, err := w.c.WaitForEvent()
		if ev == nil && err == nil {
			w.update(func() { w.closed = true })
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, s := range w.siblings {
				s.update(func() { s.closed = true })
				close(s.done)
			}
			return
		}
		to := w
		w.mu.Lock()
		if s := w.siblings[windowOf(ev)]; s != nil {
			to = s
		}
		w.mu.Unlock()
		to.event(ev)
	}
}

// windowOf is the window that an event is about.
func windowOf(ev xgb.Event) xproto.Window {
	switch e := ev.(type) {
	case xproto.ExposeEvent:
		return e.Window
	case xproto.ConfigureNotifyEvent:
		return e.Window
	case xproto.VisibilityNotifyEvent:
		return e.Window
	case xproto.MapNotifyEvent:
		return e.Window
	case xproto.UnmapNotifyEvent:
		return e.Window
	case xproto.ClientMessageEvent:
		return e.Window
	case xproto.DestroyNotifyEvent:
		return e.Window
	case xproto.ButtonPressEvent:
		return e.Event
	case xproto.ButtonReleaseEvent:
		return e.Event
	case xproto.MotionNotifyEvent:
		return e.Event
	case xproto.KeyPressEvent:
		return e.Event
	case xproto.KeyReleaseEvent:
		return e.Event
	case xproto.EnterNotifyEvent:
		return e.Event
	case xproto.LeaveNotifyEvent:
		return e.Event
	case xproto.FocusInEvent:
		return e.Event
	case xproto.FocusOutEvent:
		return e.Event
	}
	return 0
}

func (w *Window) event(ev xgb.Event) {
	switch e := ev.(type) {
	case xproto.ExposeEvent:
		w.update(func() {
			x, y := int(e.X), int(e.Y)
			if !w.frozen {
				w.putLocked(image.Rect(x, y, x+int(e.Width), y+int(e.Height)))
			}
			if e.Count == 0 {
				w.painted = true
			}
		})
	case xproto.ConfigureNotifyEvent:
		w.update(func() { w.resizedLocked(int(e.Width), int(e.Height)) })
	case xproto.VisibilityNotifyEvent:
		w.update(func() { w.covered = e.State == xproto.VisibilityFullyObscured })
	case xproto.MapNotifyEvent:
		w.update(func() { w.mapped = true })
	case xproto.UnmapNotifyEvent:
		w.update(func() { w.mapped, w.painted, w.covered = false, false, false })
	case xproto.ClientMessageEvent:
		w.update(func() { w.marks++ })
	case xproto.DestroyNotifyEvent:
		w.update(func() { w.closed = true })
	default:
		if in, ok := inputEvent(ev); ok {
			w.update(func() { w.events = append(w.events, in) })
		}
	}
}

// update changes guarded fields and wakes everybody who waits for a change.
func (w *Window) update(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	close(w.changed)
	w.changed = make(chan struct{})
}

// await blocks until ok, called with the lock held, is true.
func (w *Window) await(ctx context.Context, ok func() bool) error {
	for {
		w.mu.Lock()
		is, changed, closed := ok(), w.changed, w.closed
		w.mu.Unlock()
		switch {
		case is:
			return nil
		case closed:
			return platform.ErrGone
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrTimeout, ctx.Err())
		}
	}
}

// wait is await with a limit; what says what did not happen.
func (w *Window) wait(what string, ok func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.await(ctx, ok); err != nil {
		w.t.Fatalf("platformtest: %s: %v", what, err)
	}
}

// Eventually fails the test unless ok becomes true soon.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	world.Eventually(t, what, ok)
}
