package glass

import (
	"errors"
	"fmt"
	"image"
	"sync"

	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"
	"golang.org/x/sys/unix"

	"viewflip.app/platform"
	"viewflip.app/platform/x11"
	"viewflip.app/session"
	"viewflip.app/video"
)

var errClosed = errors.New("glass: the window is closed")

// xchild is an X11 window on a connection of its own. It selects no device
// events, so those propagate to the toolkit's window with its coordinates.
type xchild struct {
	c       *x11.Conn
	win     xproto.Window
	gc      xproto.Gcontext
	depth   byte
	shared  bool
	exposed func()
	done    chan struct{}

	mu      sync.Mutex
	closed  bool
	area    image.Rectangle
	visible bool
	// at is where the window is now; mapped whether it is shown.
	at     image.Rectangle
	mapped bool
	// stale means that buf does not hold the whole picture.
	stale  bool
	w, h   int
	scaler Scaler
	mem    []byte
	seg    shm.Seg
	rects  []image.Rectangle
	marks  session.Marks
	sketch *Sketch
	shape  *video.Cursor
}

func newChild(display string, parent uintptr, exposed func()) (child, error) {
	c, err := x11.Connect(display)
	if err != nil {
		return nil, fmt.Errorf("glass: %w", err)
	}
	x := &xchild{c: c, exposed: exposed, depth: c.Screen.RootDepth, done: make(chan struct{}), stale: true, sketch: NewSketch(xScale(c))}
	if err := x.create(xproto.Window(parent)); err != nil {
		c.Close()
		return nil, fmt.Errorf("glass: child window: %w", err)
	}
	go x.run()
	return x, nil
}

func (x *xchild) create(parent xproto.Window) error {
	if !bgraScreen(x.c) {
		return platform.ErrUnsupported
	}
	x.shared = x.c.Require(x11.SHM) == nil
	var err error
	if x.win, err = xproto.NewWindowId(x.c.Conn); err != nil {
		return err
	}
	s := x.c.Screen
	// Border and colormap are given because the parent may have another
	// visual; the contents stay at the top left while the window is resized.
	err = xproto.CreateWindowChecked(x.c.Conn, s.RootDepth, x.win, parent, 0, 0, 1, 1, 0,
		xproto.WindowClassInputOutput, s.RootVisual,
		xproto.CwBorderPixel|xproto.CwBitGravity|xproto.CwEventMask|xproto.CwColormap,
		[]uint32{0, xproto.GravityNorthWest, xproto.EventMaskExposure, uint32(s.DefaultColormap)}).Check()
	if err != nil {
		return err
	}
	if x.gc, err = xproto.NewGcontextId(x.c.Conn); err != nil {
		return err
	}
	return xproto.CreateGCChecked(x.c.Conn, x.gc, xproto.Drawable(x.win), xproto.GcGraphicsExposures, []uint32{0}).Check()
}

// bgraScreen reports whether the root visual takes 32-bit BGRA as it is.
func bgraScreen(c *x11.Conn) bool {
	for _, d := range c.Screen.AllowedDepths {
		for _, v := range d.Visuals {
			if v.VisualId == c.Screen.RootVisual {
				setup := xproto.Setup(c.Conn)
				return d.Depth >= 24 && v.RedMask == 0xff0000 && v.GreenMask == 0xff00 && v.BlueMask == 0xff &&
					setup.ImageByteOrder == xproto.ImageOrderLSBFirst
			}
		}
	}
	return false
}

// run reads events until the connection ends.
func (x *xchild) run() {
	defer close(x.done)
	for {
		ev, err := x.c.WaitForEvent()
		if ev == nil && err == nil {
			return
		}
		if e, ok := ev.(xproto.ExposeEvent); ok && e.Count == 0 {
			x.exposed()
		}
	}
}

func (x *xchild) place(area image.Rectangle, visible bool) {
	x.mu.Lock()
	if x.closed || x.area == area && x.visible == visible {
		x.mu.Unlock()
		return
	}
	x.area, x.visible = area, visible
	x.arrange()
	x.mu.Unlock()
	x.exposed()
}

// arrange moves, resizes, maps or unmaps the window as it should be; x.mu is
// held.
func (x *xchild) arrange() {
	f := FitIn(x.area, x.w, x.h)
	show := x.visible && !f.Rect.Empty()
	if show && f.Rect != x.at {
		if f.Rect.Size() != x.at.Size() {
			x.stale = true
		}
		x.at = f.Rect
		xproto.ConfigureWindow(x.c.Conn, x.win,
			xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
			[]uint32{uint32(x.at.Min.X), uint32(x.at.Min.Y), uint32(x.at.Dx()), uint32(x.at.Dy())})
	}
	if show != x.mapped {
		x.mapped = show
		if show {
			xproto.MapWindow(x.c.Conn, x.win)
		} else {
			xproto.UnmapWindow(x.c.Conn, x.win)
		}
	}
}

func (x *xchild) paint(p Picturer, dirty []image.Rectangle) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.show(p, dirty)
}

func (x *xchild) mark(p Picturer, m session.Marks) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.marks = m
	return x.show(p, []image.Rectangle{})
}

// show brings the screen up to date; x.mu is held.
func (x *xchild) show(p Picturer, dirty []image.Rectangle) error {
	if x.closed {
		return errClosed
	}
	var err error
	p.Picture(func(f *video.Frame) { err = x.draw(f, dirty) })
	if err != nil {
		return fmt.Errorf("glass: paint: %w", err)
	}
	// The reply comes after the server has done everything before it.
	if _, err := xproto.GetInputFocus(x.c.Conn).Reply(); err != nil {
		return fmt.Errorf("glass: paint: %w", err)
	}
	return nil
}

// strip is about how many bytes are drawn before the server gets them: it
// copies one strip while we draw the next.
const strip = 512 << 10

// draw brings the buffer up to date and sends what has changed; the picture is
// locked meanwhile.
func (x *xchild) draw(f *video.Frame, dirty []image.Rectangle) error {
	if f == nil {
		return nil
	}
	if f.W != x.w || f.H != x.h {
		x.w, x.h, x.stale = f.W, f.H, true
	}
	x.arrange()
	if !x.mapped {
		x.stale = true
		return nil
	}
	w, h := x.at.Dx(), x.at.Dy()
	if err := x.fitBuffer(w * h * video.BytesPerPixel); err != nil {
		return err
	}
	x.scaler.Resize(f.W, f.H, w, h)
	whole := image.Rect(0, 0, w, h)
	x.rects = x.rects[:0]
	for _, r := range x.sketch.Set(x.marks, w, h) {
		x.rects = video.AddRect(x.rects, r, whole)
	}
	if x.stale || dirty == nil {
		x.rects = append(x.rects[:0], whole)
		x.stale = false
	}
	for _, r := range dirty {
		x.rects = video.AddRect(x.rects, x.scaler.Reach(r), whole)
	}
	for _, r := range x.rects {
		step := max(1, strip/(r.Dx()*video.BytesPerPixel))
		for y := r.Min.Y; y < r.Max.Y; y += step {
			part := image.Rect(r.Min.X, y, r.Max.X, min(y+step, r.Max.Y))
			x.scaler.Draw(x.mem, f, part)
			x.sketch.BlendBGRA(x.mem, part)
			x.put(part)
		}
	}
	return nil
}

// fitBuffer makes the buffer hold size bytes; it keeps one that is not much
// too large, because windows are resized in small steps.
func (x *xchild) fitBuffer(size int) error {
	if size <= len(x.mem) && len(x.mem) <= 4*size {
		return nil
	}
	x.freeBuffer()
	x.stale = true
	room := size + size/4
	if !x.shared {
		x.mem = make([]byte, room)
		return nil
	}
	const create = 0o1000 // IPC_CREAT
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, room, 0o600|create)
	if err != nil {
		return fmt.Errorf("shared memory: %w", err)
	}
	// Marked at once: it vanishes with its last user, whatever happens.
	defer unix.SysvShmCtl(id, unix.IPC_RMID, nil) //nolint:errcheck // nothing more can be done
	mem, err := unix.SysvShmAttach(id, 0, 0)
	if err != nil {
		return fmt.Errorf("shared memory: %w", err)
	}
	seg, err := shm.NewSegId(x.c.Conn)
	if err == nil {
		err = shm.AttachChecked(x.c.Conn, seg, uint32(id), true).Check()
	}
	if err != nil {
		// A remote display cannot share memory.
		x.shared = false
		_ = unix.SysvShmDetach(mem)
		x.mem = make([]byte, room)
		return nil
	}
	x.mem, x.seg = mem, seg
	return nil
}

func (x *xchild) freeBuffer() {
	if x.seg != 0 {
		shm.Detach(x.c.Conn, x.seg)
		_ = unix.SysvShmDetach(x.mem)
	}
	x.mem, x.seg = nil, 0
}

// put sends one rectangle of the buffer to the window.
func (x *xchild) put(r image.Rectangle) {
	w, h := x.at.Dx(), x.at.Dy()
	d := xproto.Drawable(x.win)
	if x.seg != 0 {
		shm.PutImage(x.c.Conn, d, x.gc, uint16(w), uint16(h), uint16(r.Min.X), uint16(r.Min.Y),
			uint16(r.Dx()), uint16(r.Dy()), int16(r.Min.X), int16(r.Min.Y), x.depth, xproto.ImageFormatZPixmap, 0, x.seg, 0)
		return
	}
	// The core request is limited to 256 KiB: bands of full rows.
	const limit = 200 << 10
	stride := w * video.BytesPerPixel
	rows := max(limit/stride, 1)
	for y := r.Min.Y; y < r.Max.Y; y += rows {
		n := min(rows, r.Max.Y-y)
		xproto.PutImage(x.c.Conn, xproto.ImageFormatZPixmap, d, x.gc, uint16(w), uint16(n), 0, int16(y), 0, x.depth,
			x.mem[y*stride:(y+n)*stride])
	}
}

func (x *xchild) close() error {
	x.mu.Lock()
	if x.closed {
		x.mu.Unlock()
		return nil
	}
	x.closed = true
	// The parent may be gone, and this window with it: errors mean nothing.
	xproto.DestroyWindow(x.c.Conn, x.win)
	x.freeBuffer()
	_, _ = xproto.GetInputFocus(x.c.Conn).Reply()
	x.c.Close()
	x.mu.Unlock()
	<-x.done
	return nil
}
