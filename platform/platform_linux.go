package platform

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/bell"
	"viewflip.app/platform/x11"
)

const iconSize = 48

// listStep is after how many windows of a list it is asked whether anybody still
// wants it.
const listStep = 256

// xdesktop is a desktop on an X server.
type xdesktop struct {
	c       *x11.Conn
	display string
	log     *slog.Logger
	// done is closed when the connection's events end.
	done chan struct{}

	changed bell.Bell
	mu      sync.Mutex
	watched map[xproto.Window]bool
}

// noDisplayError is an error of x11 that is ErrNoDisplay.
type noDisplayError struct{ error }

// Is makes it ErrNoDisplay.
func (noDisplayError) Is(target error) bool { return target == ErrNoDisplay }

func open(display string, log *slog.Logger) (desktop, error) {
	c, err := x11.Connect(display)
	if errors.Is(err, x11.ErrNoDisplay) {
		return nil, noDisplayError{err}
	}
	if err != nil {
		return nil, err
	}
	x := &xdesktop{c: c, display: display, log: log, done: make(chan struct{}), watched: map[xproto.Window]bool{}}
	mask := []uint32{xproto.EventMaskPropertyChange | xproto.EventMaskSubstructureNotify}
	xproto.ChangeWindowAttributes(c.Conn, c.Root, xproto.CwEventMask, mask)
	go x.events()
	return x, nil
}

func (x *xdesktop) close() error {
	x.c.Close()
	<-x.done
	return nil
}

// events turns what the server reports into ticks.
func (x *xdesktop) events() {
	defer close(x.done)
	for {
		ev, err := x.c.WaitForEvent()
		if ev == nil && err == nil {
			return
		}
		switch e := ev.(type) {
		case xproto.PropertyNotifyEvent:
			switch e.Atom {
			case x.c.Atom("_NET_CLIENT_LIST_STACKING"), x.c.Atom("_NET_CLIENT_LIST"), x.c.Atom("_NET_ACTIVE_WINDOW"),
				x.c.Atom("_NET_WM_NAME"), xproto.AtomWmName, x.c.Atom("WM_STATE"), x.c.Atom("_NET_WM_STATE"):
			default:
				continue
			}
		case xproto.MapNotifyEvent, xproto.UnmapNotifyEvent, xproto.DestroyNotifyEvent:
		default:
			continue
		}
		x.changed.Ring()
	}
}

func (x *xdesktop) watch(ctx context.Context) <-chan struct{} { return x.changed.Listen(ctx) }

func (x *xdesktop) windows(ctx context.Context) ([]Window, error) {
	var out []Window
	managed := x.c.Managed()
	top := slices.Clone(managed)
	slices.Reverse(top)
	for some := range slices.Chunk(top, listStep) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, d := range x.c.Describe(some, iconSize) {
			if d.PID == os.Getpid() || d.Desktop {
				continue
			}
			out = append(out, Window{
				ID: WindowID{uint32(d.Window)}, Title: d.Title, App: d.Class, PID: d.PID,
				Bounds: d.Content.Add(d.Bounds.Min), Hidden: d.Hidden, Icon: d.Icon,
			})
			x.follow(d.Window)
		}
	}
	x.forget(managed)
	return out, nil
}

// follow asks for a window's title changes, once.
func (x *xdesktop) follow(w xproto.Window) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.watched[w] {
		x.watched[w] = true
		xproto.ChangeWindowAttributes(x.c.Conn, w, xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange})
	}
}

func (x *xdesktop) forget(except []xproto.Window) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for w := range x.watched {
		if !slices.Contains(except, w) {
			delete(x.watched, w)
		}
	}
}

func (x *xdesktop) session() Session {
	own := x.display == "" || sameDisplay(x.display, os.Getenv("DISPLAY"))
	if x.c.Xwayland() || own && CurrentSession(os.Getenv).Type == SessionWayland {
		return Session{SessionWayland}
	}
	return Session{SessionX11}
}

func sameDisplay(a, b string) bool {
	a, _ = x11.SplitAuthority(a)
	b, _ = x11.SplitAuthority(b)
	return a == b
}

func (x *xdesktop) capabilities() []Capability {
	check := func(name, ok, remedy string, exts ...x11.Extension) Capability {
		for _, e := range exts {
			if !x.c.Has(e) {
				return Capability{Name: name, Detail: "the X server has no " + string(e), Remedy: remedy}
			}
		}
		return Capability{Name: name, OK: true, Detail: ok}
	}
	const update = "use an X.Org server of the last ten years with its default extensions"
	server := Capability{Name: "display server", OK: true, Detail: "X11, " + xproto.Setup(x.c.Conn).Vendor}
	control := check("control", "mouse and keyboard can be injected atomically", update, x11.XTest)
	second := check("second cursor", "guests have a pointer and a keyboard of their own", update, x11.XInput)
	if x.session().Type == SessionWayland {
		const start = "share from an X11 session to let others control a window"
		server.Detail = "Xwayland, on a Wayland desktop: only windows of X11 programs can be shared"
		control = Capability{Name: "control", Detail: "a Wayland desktop offers no way to keep guests inside one window: they can see and point", Remedy: start}
		second = Capability{Name: "second cursor", Detail: "there is no control on a Wayland desktop", Remedy: start}
	}
	return []Capability{
		server,
		check("capture", "windows are captured from their own surfaces", update, x11.Composite, x11.Damage, x11.XFixes),
		check("shared memory", "pictures are read without a copy through the socket", "a remote display works, but slower", x11.SHM),
		control,
		second,
		check("marks", "what others point at and draw shows over the shared window", update, x11.Shape),
	}
}
