package xtest_test

import (
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	fake "github.com/jezek/xgb/xtest"

	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
	"viewflip.app/wire"
)

// managers are the window managers that a guest's presses are tried under; only
// the first is there wherever the tests are.
func managers() []string { return []string{"openbox", "xfwm4", "mutter --x11", "i3"} }

// withTwm are those and one from before EWMH.
func withTwm() []string { return append(managers(), "twm") }

// managerConfig is the configuration of those that need one here.
func managerConfig(wm string) string {
	switch wm {
	case "twm": // its shortcuts on windows are those of letters that guests press
		return "RandomPlacement\nNoGrabServer\n\"q\" = : window : f.lower\n\"r\" = : window : f.forcemove\n\"t\" = c : window|frame : f.raise\n"
	case "i3":
		return "font pango:monospace 8\nfocus_follows_mouse no\nmouse_warping none\nfor_window [class=\".*\"] floating enable\nfor_window [title=\".*\"] floating enable\n" +
			"no_focus [title=\".*\"]\nbindsym Mod1+e layout toggle split\nbindsym y nop\n"
	}
	return ""
}

// underManager starts a display with a window manager, or skips the test.
func underManager(t *testing.T, wm string) *virtual.Display {
	t.Helper()
	need(t, strings.Fields(wm)[0])
	config := filepath.Join(t.TempDir(), "config") // what is written there is removed after the programs have ended with the display
	if text := managerConfig(wm); text != "" {
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return startWM(t, wm, map[string]string{"twm": "-f", "i3": "-c"}[wm], config)
	}
	v, err := virtual.Start(t.Context(), virtual.Options{WM: wm})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

// need skips the test if there is no such program.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skip(program + " is not installed (the Debian package of this name)")
	}
}

// hand is the host, who has a window of their own beside the shared one and
// uses it.
type hand struct {
	t    *testing.T
	c    *x11.Conn
	win  *pt.Window
	none xproto.Window // for grabs that cannot succeed
	at   image.Point
}

// newHand gives the host a window at r with their focus and pointer.
func newHand(t *testing.T, display string, r image.Rectangle) *hand {
	t.Helper()
	c := onx11.Host(t, display)
	none, err := xproto.NewWindowId(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	xproto.CreateWindow(c.Conn, 0, none, c.Root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, 0, 0, nil)
	h := &hand{t: t, c: c, none: none, win: pt.NewWindow(t, display, pt.Options{Title: "host", Bounds: r})}
	pt.Eventually(t, "the host's window", func() bool { // i3 makes it as small as it can
		xproto.ConfigureWindow(c.Conn, h.win.XID(), xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
			[]uint32{uint32(r.Min.X), uint32(r.Min.Y), uint32(r.Dx()), uint32(r.Dy())})
		_, _ = xproto.GetInputFocus(c.Conn).Reply()
		return h.win.Bounds().Size() == r.Size()
	})
	h.focus(h.win)
	r = h.win.Bounds()
	h.at = r.Min.Add(r.Size().Div(2))
	h.event(xproto.MotionNotify, 0)
	return h
}

// focus gives a window the host's keyboard, whatever the window manager makes of
// it.
func (h *hand) focus(w *pt.Window) {
	h.t.Helper()
	pt.Eventually(h.t, "the focus", func() bool {
		xproto.SetInputFocus(h.c.Conn, xproto.InputFocusPointerRoot, w.XID(), xproto.TimeCurrentTime)
		f, err := xproto.GetInputFocus(h.c.Conn).Reply()
		return err == nil && f.Focus == w.XID()
	})
}

// event is one event of the host's hand.
func (h *hand) event(kind, detail byte) {
	fake.FakeInput(h.c.Conn, kind, detail, 0, h.c.Root, int16(h.at.X), int16(h.at.Y), 0)
	_, _ = xproto.GetInputFocus(h.c.Conn).Reply()
}

// free reports whether nobody has grabbed the host's pointer or keyboard.
func (h *hand) free() bool {
	p, perr := xproto.GrabPointer(h.c.Conn, false, h.none, 0, xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime).Reply()
	k, kerr := xproto.GrabKeyboard(h.c.Conn, false, h.none, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
	return perr == nil && kerr == nil && p.Status == xproto.GrabStatusNotViewable && k.Status == xproto.GrabStatusNotViewable
}

// taken waits until somebody has grabbed something of the host's, or gives up.
func (h *hand) taken() bool {
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if !h.free() {
			return true
		}
	}
	return false
}

// freeAtLast waits until the host's hand is free, long enough for a window manager
// that is only now coming to it.
func (h *hand) freeAtLast() {
	h.t.Helper()
	pt.Eventually(h.t, "the host's hand to be free", h.free)
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if !h.free() {
			pt.Eventually(h.t, "the host's hand to be free again", h.free)
		}
	}
}

// works has the host type, move and click, all of which must arrive in their
// own window.
func (h *hand) works() {
	h.t.Helper()
	h.t.Cleanup(func() {
		f, _ := xproto.GetInputFocus(h.c.Conn).Reply()
		h.t.Logf("the host's focus: %#x %q; what arrived last: %v", f.Focus, h.c.Title(f.Focus), h.win.Events())
	})
	pt.Eventually(h.t, "the host's focus", func() bool {
		f, err := xproto.GetInputFocus(h.c.Conn).Reply()
		return err == nil && f.Focus == h.win.XID()
	})
	h.win.Forget()
	for range 5 {
		h.win.Forget()
		h.event(xproto.KeyPress, hostB)
		h.event(xproto.KeyRelease, hostB)
		h.at = h.at.Add(image.Pt(1, 1))
		h.event(xproto.MotionNotify, 0)
		h.event(xproto.ButtonPress, 1)
		h.event(xproto.ButtonRelease, 1)
		got := map[pt.Kind]int{}
		pt.Eventually(h.t, "what the host does", func() bool { // window managers hold clicks back
			clear(got)
			for _, e := range h.win.Events() {
				got[e.Kind]++
			}
			return got[pt.KeyDown] == 1 && got[pt.KeyUp] == 1 && got[pt.Motion] > 0 && got[pt.Press] == 1 && got[pt.Release] == 1
		})
	}
}

// ask has the shared program ask the window manager for something.
func ask(b *onx11.Bench, kind string, data ...uint32) {
	c := b.Win.Conn()
	xproto.UngrabPointer(c.Conn, xproto.TimeCurrentTime) // as toolkits do first
	ev := xproto.ClientMessageEvent{
		Format: 32, Window: b.Win.XID(), Type: c.Atom(kind),
		Data: xproto.ClientMessageDataUnionData32New(append(data, make([]uint32, 5-len(data))...)),
	}
	xproto.SendEvent(c.Conn, false, c.Root, xproto.EventMaskSubstructureRedirect|xproto.EventMaskSubstructureNotify, string(ev.Bytes()))
	_, _ = xproto.GetInputFocus(c.Conn).Reply()
}

// requests are what programs ask window managers for when somebody presses a
// button in a title bar of their own; x and y are where.
func requests(x, y uint32) map[string]func(*onx11.Bench) {
	const normal = 1 // a program, not a pager
	out := map[string]func(*onx11.Bench){
		"menu": func(b *onx11.Bench) { ask(b, "_GTK_SHOW_WINDOW_MENU", 2, x, y) },
	}
	for name, direction := range map[string]uint32{"resize": 4, "move": 8, "resize by keys": 9, "move by keys": 10} {
		out[name] = func(b *onx11.Bench) { ask(b, "_NET_WM_MOVERESIZE", x, y, direction, 1, normal) }
	}
	return out
}

// Whatever a guest's press makes the shared program ask the window manager for:
// the host keeps pointer, keyboard and focus, without doing anything for it, the
// window stays where it is, and the guest is told.
func TestManagerIsNotAsked(t *testing.T) {
	for _, wm := range withTwm() {
		for mode, shared := range map[string]bool{"second": false, "shared": true} {
			t.Run(wm+"/"+mode, func(t *testing.T) {
				v := underManager(t, wm)
				b := onx11.NewBench(t, v.Name(), opener(xtest.SeatOptions{Shared: shared}))
				h := newHand(t, v.Name(), image.Rect(800, 500, 1000, 700))
				for name, request := range requests(300, 200) {
					t.Run(name, func(t *testing.T) { notAsked(t, b, h, shared, request) })
				}
			})
		}
	}
}

// A program asks the window manager to bring its window to the front and to give
// it the keyboard, at once or some time after a guest's press: the host keeps
// theirs.
func TestActivation(t *testing.T) {
	for _, wm := range withTwm() {
		t.Run(wm, func(t *testing.T) {
			v := underManager(t, wm)
			b := onx11.NewBench(t, v.Name(), opener(xtest.SeatOptions{}))
			h := newHand(t, v.Name(), image.Rect(800, 500, 1000, 700))
			for _, wait := range []time.Duration{0, time.Second} {
				for _, kind := range []wire.Kind{wire.Press, wire.Release} {
					ev := b.Button(kind, 100, 50, wire.Left)
					pt.Eventually(t, "a click", func() bool { return b.Gate.Do(ev, onx11.Rights).OK() })
				}
				time.Sleep(wait)
				const application = 1
				ask(b, "_NET_ACTIVE_WINDOW", application, 0, 0)
				time.Sleep(500 * time.Millisecond) // for the window manager to do it
				h.works()
			}
		})
	}
}

func notAsked(t *testing.T, b *onx11.Bench, h *hand, shared bool, request func(*onx11.Bench)) {
	t.Helper()
	h.t = t
	before := b.Win.Bounds()
	if shared { // one keyboard for both
		h.focus(b.Win)
	} else {
		h.focus(h.win)
	}
	press := b.Button(wire.Press, 100, 50, wire.Left)
	pt.Eventually(t, "the press", func() bool { return b.Gate.Do(press, onx11.Rights).OK() })
	pt.Eventually(t, "the press", func() bool { return len(onx11.Got(b.Win, pt.Press)) > 0 })
	request(b)
	h.taken() // some of them do not even answer
	h.freeAtLast()
	if v := b.Gate.Do(b.At(wire.Move, 120, 90), onx11.Rights); v.Reason != wire.Theirs {
		t.Errorf("the guest is told %q", v.Reason)
	}
	b.Do(b.Button(wire.Release, 120, 90, wire.Left))
	if shared {
		h.focus(h.win)
		h.event(xproto.MotionNotify, 0)
	}
	h.works()
	if got := b.Win.Bounds(); got != before {
		t.Errorf("the window is at %v, was at %v", got, before)
	}
	pt.Eventually(t, "the guest to go on", func() bool { return b.Gate.Do(b.At(wire.Move, 50, 50), onx11.Rights).OK() })
	b.Win.Forget()
}

// What the host asks for by their own hand the window manager does.
func TestManagerIsTheHosts(t *testing.T) {
	b := onx11.NewBench(t, underManager(t, "openbox").Name(), opener(xtest.SeatOptions{}))
	h := newHand(t, b.Display, image.Rect(800, 500, 1000, 700))
	b.Do(b.At(wire.Move, 20, 20))
	before := b.Win.Bounds().Min
	h.at = before.Add(image.Pt(100, 50))
	h.event(xproto.MotionNotify, 0)
	h.event(xproto.ButtonPress, 1)
	pt.Eventually(t, "the press", func() bool { return len(onx11.Got(b.Win, pt.Press)) > 0 })
	ask(b, "_NET_WM_MOVERESIZE", uint32(h.at.X), uint32(h.at.Y), 8, 1, 1)
	pt.Eventually(t, "the window manager to move it", func() bool {
		h.at = h.at.Add(image.Pt(2, 2))
		h.event(xproto.MotionNotify, 0)
		return b.Win.Bounds().Min != before
	})
	h.event(xproto.ButtonRelease, 1)
}

// menuManager stands for window managers that take the host's keyboard for a menu
// or a move by keys until Escape is pressed, and put the pointer into the window
// for the latter. taken counts how often it did.
func menuManager(t *testing.T, display string) (taken *atomic.Int32) {
	t.Helper()
	c, err := x11.Connect(display)
	if err != nil {
		t.Fatal(err)
	}
	taken = new(atomic.Int32)
	menu, move := c.Atom("_GTK_SHOW_WINDOW_MENU"), c.Atom("_NET_WM_MOVERESIZE")
	xproto.ChangeWindowAttributes(c.Conn, c.Root, xproto.CwEventMask, []uint32{xproto.EventMaskSubstructureNotify})
	_, _ = xproto.GetInputFocus(c.Conn).Reply()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			ev, err := c.WaitForEvent()
			if ev == nil && err == nil {
				return
			}
			switch e := ev.(type) {
			case xproto.ClientMessageEvent:
				if e.Type != menu && (e.Type != move || e.Data.Data32[2] == 11) {
					continue
				}
				if e.Type == move {
					xproto.WarpPointer(c.Conn, 0, e.Window, 0, 0, 0, 0, 100, 100)
				}
				r, err := xproto.GrabKeyboard(c.Conn, false, c.Root, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
				if err == nil && r.Status == xproto.GrabStatusSuccess {
					taken.Add(1)
				}
			case xproto.KeyPressEvent:
				if e.Detail == 9 {
					xproto.UngrabKeyboard(c.Conn, xproto.TimeCurrentTime)
				}
			}
		}
	}()
	t.Cleanup(func() { c.Close(); <-done })
	return taken
}

// A menu of a window manager's that knows no end of a request is closed, and a
// pointer that it put into the window goes back where it was.
func TestManagerLetsGo(t *testing.T) {
	v, err := virtual.Start(t.Context(), virtual.Options{}) // no other
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	b := onx11.NewBench(t, v.Name(), opener(xtest.SeatOptions{}))
	h := newHand(t, v.Name(), image.Rect(800, 500, 1000, 700))
	taken := menuManager(t, v.Name())
	for name, request := range map[string]func(){
		"menu":         func() { ask(b, "_GTK_SHOW_WINDOW_MENU", 2, 300, 200) },
		"move by keys": func() { ask(b, "_NET_WM_MOVERESIZE", 300, 200, 10, 1, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			h.focus(h.win)
			n := taken.Load()
			press := b.Button(wire.Press, 100, 50, wire.Left)
			pt.Eventually(t, "the press", func() bool { return b.Gate.Do(press, onx11.Rights).OK() })
			request()
			pt.Eventually(t, "the window manager to take the keyboard", func() bool { return taken.Load() > n })
			pt.Eventually(t, "the host's hand to be free", h.free)
			pt.Eventually(t, "the host's pointer to be back", func() bool {
				p, err := xproto.QueryPointer(h.c.Conn, h.c.Root).Reply()
				return err == nil && image.Pt(int(p.RootX), int(p.RootY)) == h.at
			})
			h.works()
			b.Gate.Do(b.Button(wire.Release, 100, 50, wire.Left), onx11.Rights)
			pt.Eventually(t, "the guest to go on", func() bool { return b.Gate.Do(b.At(wire.Move, 50, 50), onx11.Rights).OK() })
		})
	}
}
