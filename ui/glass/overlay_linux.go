package glass

import (
	"fmt"
	"image"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform"
	"viewflip.app/platform/x11"
	"viewflip.app/session"
)

// maxDepth bounds the walk up the window tree.
const maxDepth = 32

// xoverlay shows each mark as a window of its own: shaped, because that works
// without a compositor, and with an empty input shape, through which clicks and
// the gate's hit test fall. The windows are stacked directly above the frame
// that the window manager put around the window.
type xoverlay struct {
	c    *x11.Conn
	win  xproto.Window
	gc   xproto.Gcontext
	done chan struct{}

	mu     sync.Mutex
	closed bool
	marks  session.Marks
	sketch *Sketch
	tiles  []*markWindow // bottom first
	// area is the content of the window in root pixels; empty while it is not
	// on the screen. frame is the child of the root that it is in.
	area  image.Rectangle
	frame xproto.Window
	// known says that area, frame and the stacking are as we saw them last.
	known bool
}

// markWindow is the window of one mark.
type markWindow struct {
	id   xproto.Window
	mark mark
	// clip is the part of the mark that lies over the shared window.
	clip   image.Rectangle
	mapped bool
}

func newOverlay(display string, id platform.WindowID) (overlay, error) {
	c, err := x11.Connect(display)
	if err != nil {
		return nil, fmt.Errorf("glass: overlay: %w", err)
	}
	x := &xoverlay{c: c, win: xproto.Window(id.Native()), done: make(chan struct{}), sketch: NewSketch(xScale(c))}
	if err := x.start(); err != nil {
		c.Close()
		return nil, fmt.Errorf("glass: overlay: %w", err)
	}
	go x.run()
	return x, nil
}

func (x *xoverlay) start() error {
	s := x.c.Screen
	if !x.c.BGRA(s.RootDepth, s.RootVisual) {
		return platform.ErrUnsupported
	}
	if err := x.c.Require(x11.Shape); err != nil {
		return fmt.Errorf("%w (%w)", platform.ErrUnsupported, err)
	}
	err := xproto.ChangeWindowAttributesChecked(x.c.Conn, x.win, xproto.CwEventMask,
		[]uint32{xproto.EventMaskStructureNotify | xproto.EventMaskPropertyChange}).Check()
	if err != nil {
		return fmt.Errorf("%w (%w)", platform.ErrGone, err)
	}
	// Frames are children of the root: this tells when one moves or is covered.
	err = xproto.ChangeWindowAttributesChecked(x.c.Conn, x.c.Root, xproto.CwEventMask,
		[]uint32{xproto.EventMaskSubstructureNotify}).Check()
	if err != nil {
		return err
	}
	if x.gc, err = xproto.NewGcontextId(x.c.Conn); err != nil {
		return err
	}
	return xproto.CreateGCChecked(x.c.Conn, x.gc, xproto.Drawable(x.c.Root), xproto.GcGraphicsExposures, []uint32{0}).Check()
}

// xScale is the desktop's scale: Xft.dpi of the resource database over 96.
func xScale(c *x11.Conn) float64 {
	for line := range strings.Lines(string(c.Property(c.Root, "RESOURCE_MANAGER"))) {
		if v, ok := strings.CutPrefix(line, "Xft.dpi:"); ok {
			if dpi, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil && dpi > 0 {
				return dpi / 96
			}
		}
	}
	return 1
}

// run follows the window until the connection ends.
func (x *xoverlay) run() {
	defer close(x.done)
	for {
		ev, err := x.c.WaitForEvent()
		if ev == nil && err == nil {
			return
		}
		matters := false
		for ev != nil || err != nil { // all that wait are one change
			matters = matters || ev != nil && !x.ours(ev)
			ev, err = x.c.PollForEvent()
		}
		if !matters {
			continue
		}
		x.mu.Lock()
		x.known = false
		if !x.closed {
			x.arrange()
		}
		x.mu.Unlock()
	}
}

// ours reports whether an event is about a window of this overlay: those move
// with every pointer, and mean nothing new.
func (x *xoverlay) ours(ev xgb.Event) bool {
	var w xproto.Window
	switch e := ev.(type) {
	case xproto.ConfigureNotifyEvent:
		w = e.Window
	case xproto.MapNotifyEvent:
		w = e.Window
	case xproto.UnmapNotifyEvent:
		w = e.Window
	case xproto.CreateNotifyEvent:
		w = e.Window
	case xproto.DestroyNotifyEvent:
		w = e.Window
	default:
		return false
	}
	setup := xproto.Setup(x.c.Conn)
	return uint32(w)&^setup.ResourceIdMask == setup.ResourceIdBase
}

func (x *xoverlay) show(m session.Marks) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return errClosed
	}
	x.marks = m
	x.arrange()
	// The reply comes after the server has done everything before it.
	if _, err := xproto.GetInputFocus(x.c.Conn).Reply(); err != nil {
		return fmt.Errorf("glass: overlay: %w", err)
	}
	return nil
}

// arrange makes the screen show the marks; x.mu is held. Errors mean that the
// window is on its way out, and another event tells of that.
func (x *xoverlay) arrange() {
	m := x.marks
	if m.Empty() && len(x.tiles) == 0 {
		return
	}
	look := !x.known
	if look {
		x.look()
	}
	if x.area.Empty() {
		m = session.Marks{}
	}
	x.sketch.Set(m, x.area.Dx(), x.area.Dy())
	order := x.update()
	if look || !slices.Equal(order, x.order()) {
		x.restack()
	}
	for _, t := range x.tiles {
		if show := !t.clip.Empty(); show != t.mapped {
			t.mapped = show
			if show {
				xproto.MapWindow(x.c.Conn, t.id)
			} else {
				xproto.UnmapWindow(x.c.Conn, t.id)
			}
		}
	}
}

// look asks where the window is.
func (x *xoverlay) look() {
	x.known, x.area = true, image.Rectangle{}
	a, err := xproto.GetWindowAttributes(x.c.Conn, x.win).Reply()
	if err != nil || a.MapState != xproto.MapStateViewable {
		return
	}
	b, err := x.c.Bounds(x.win)
	if err != nil {
		return
	}
	x.frame = x.win
	for range maxDepth {
		t, err := xproto.QueryTree(x.c.Conn, x.frame).Reply()
		if err != nil || t.Parent == 0 {
			return
		}
		if t.Parent == x.c.Root {
			x.area = x.c.Content(x.win, b.Dx(), b.Dy()).Add(b.Min)
			return
		}
		x.frame = t.Parent
	}
}

func (x *xoverlay) order() []xproto.Window {
	ids := make([]xproto.Window, len(x.tiles))
	for i, t := range x.tiles {
		ids[i] = t.id
	}
	return ids
}

// update makes one window for each mark, in their order, and returns the order
// before. New windows are not mapped yet.
func (x *xoverlay) update() []xproto.Window {
	before, old := x.order(), x.tiles
	x.tiles = nil
	for _, m := range x.sketch.marks {
		i := slices.IndexFunc(old, func(t *markWindow) bool { return t.mark.key == m.key })
		var t *markWindow
		if i >= 0 {
			t = old[i]
			old = slices.Delete(slices.Clone(old), i, i+1)
		} else if t = x.create(); t == nil {
			continue
		}
		x.tiles = append(x.tiles, t)
		x.put(t, m)
	}
	for _, t := range old {
		xproto.DestroyWindow(x.c.Conn, t.id)
	}
	return before
}

// create makes an unmapped window; nil when the connection is gone.
func (x *xoverlay) create() *markWindow {
	id, err := xproto.NewWindowId(x.c.Conn)
	if err != nil {
		return nil
	}
	s := x.c.Screen
	xproto.CreateWindow(x.c.Conn, s.RootDepth, id, x.c.Root, 0, 0, 1, 1, 0, xproto.WindowClassInputOutput, s.RootVisual,
		xproto.CwBackPixel|xproto.CwBorderPixel|xproto.CwOverrideRedirect, []uint32{0, 0, 1})
	shape.Rectangles(x.c.Conn, shape.SoSet, shape.SkInput, xproto.ClipOrderingUnsorted, id, 0, 0, nil)
	// What is dragged along with a pointer: compositors give that no shadow.
	kind := make([]byte, 4)
	xgb.Put32(kind, uint32(x.c.Atom("_NET_WM_WINDOW_TYPE_DND")))
	xproto.ChangeProperty(x.c.Conn, xproto.PropModeReplace, id, x.c.Atom("_NET_WM_WINDOW_TYPE"), xproto.AtomAtom, 32, 1, kind)
	return &markWindow{id: id}
}

// put makes a window look like m and puts it in its place.
func (x *xoverlay) put(t *markWindow, m mark) {
	clip := m.at.Intersect(image.Rect(0, 0, x.area.Dx(), x.area.Dy())).Sub(m.at.Min)
	drawn := t.mark.img != m.img
	at := m.at.Add(x.area.Min)
	xproto.ConfigureWindow(x.c.Conn, t.id, xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
		[]uint32{uint32(at.Min.X), uint32(at.Min.Y), uint32(max(at.Dx(), 1)), uint32(max(at.Dy(), 1))})
	if drawn {
		x.paint(t.id, m.img)
	}
	if drawn || t.clip != clip {
		shape.Rectangles(x.c.Conn, shape.SoSet, shape.SkBounding, xproto.ClipOrderingUnsorted, t.id, 0, 0, spans(m.img, clip))
	}
	t.mark, t.clip = m, clip
}

// paint makes a picture the background of a window: the server repaints it by
// itself.
func (x *xoverlay) paint(w xproto.Window, img *image.RGBA) {
	pix, err := xproto.NewPixmapId(x.c.Conn)
	if err != nil {
		return
	}
	width, height := img.Rect.Dx(), img.Rect.Dy()
	xproto.CreatePixmap(x.c.Conn, x.c.Screen.RootDepth, pix, xproto.Drawable(x.c.Root), uint16(width), uint16(height))
	data := opaque(img)
	const limit = 200 << 10 // a core request holds 256 KiB
	rows := max(limit/(4*width), 1)
	for y := 0; y < height; y += rows {
		n := min(rows, height-y)
		xproto.PutImage(x.c.Conn, xproto.ImageFormatZPixmap, xproto.Drawable(pix), x.gc, uint16(width), uint16(n), 0, int16(y), 0,
			x.c.Screen.RootDepth, data[y*width*4:(y+n)*width*4])
	}
	xproto.ChangeWindowAttributes(x.c.Conn, w, xproto.CwBackPixmap, []uint32{uint32(pix)})
	xproto.ClearArea(x.c.Conn, false, w, 0, 0, 0, 0)
	xproto.FreePixmap(x.c.Conn, pix)
}

// A pixel belongs to a mark if more than half of it does.
const half = 128

// opaque is a premultiplied picture as BGRA in full strength.
func opaque(img *image.RGBA) []byte {
	out := make([]byte, len(img.Pix))
	for i := 0; i < len(out); i += 4 {
		if a := uint32(img.Pix[i+3]); a >= half {
			out[i] = uint8(uint32(img.Pix[i+2]) * 255 / a)
			out[i+1] = uint8(uint32(img.Pix[i+1]) * 255 / a)
			out[i+2] = uint8(uint32(img.Pix[i]) * 255 / a)
			out[i+3] = 255
		}
	}
	return out
}

// spans lists the pixels of a mark within clip, as rectangles: runs that are
// alike in rows one below the other are one.
func spans(img *image.RGBA, clip image.Rectangle) []xproto.Rectangle {
	const most = 32 << 10 // of a request
	var out []xproto.Rectangle
	var open []int // of the row before, by their place in out
	for y := clip.Min.Y; y < clip.Max.Y; y++ {
		var now []int
		for x := clip.Min.X; x < clip.Max.X; {
			if img.Pix[img.PixOffset(x, y)+3] < half {
				x++
				continue
			}
			from := x
			for x < clip.Max.X && img.Pix[img.PixOffset(x, y)+3] >= half {
				x++
			}
			i := slices.IndexFunc(open, func(i int) bool { return int(out[i].X) == from && int(out[i].Width) == x-from })
			if i >= 0 {
				out[open[i]].Height++
				now = append(now, open[i])
			} else if len(out) < most {
				now = append(now, len(out))
				out = append(out, xproto.Rectangle{X: int16(from), Y: int16(y), Width: uint16(x - from), Height: 1})
			}
		}
		open = now
	}
	return out
}

// restack puts the windows directly above the frame, if they are not there.
func (x *xoverlay) restack() {
	if len(x.tiles) == 0 || x.area.Empty() {
		return
	}
	t, err := xproto.QueryTree(x.c.Conn, x.c.Root).Reply()
	if err != nil {
		return
	}
	order := x.order()
	if i := slices.Index(t.Children, x.frame) + 1; i > 0 && i+len(order) <= len(t.Children) && slices.Equal(t.Children[i:i+len(order)], order) {
		return
	}
	below := x.frame
	for _, w := range order {
		xproto.ConfigureWindow(x.c.Conn, w, xproto.ConfigWindowSibling|xproto.ConfigWindowStackMode,
			[]uint32{uint32(below), xproto.StackModeAbove})
		below = w
	}
}

func (x *xoverlay) close() error {
	x.mu.Lock()
	if x.closed {
		x.mu.Unlock()
		return nil
	}
	x.closed = true
	for _, t := range x.tiles {
		xproto.DestroyWindow(x.c.Conn, t.id)
	}
	_, _ = xproto.GetInputFocus(x.c.Conn).Reply()
	x.c.Close()
	x.mu.Unlock()
	<-x.done
	return nil
}
