package x11_test

import (
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
)

func display(t *testing.T) string {
	t.Helper()
	v, err := virtual.Start(t.Context(), virtual.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v.Name()
}

func connect(t *testing.T, display string) *x11.Conn {
	t.Helper()
	c, err := x11.Connect(display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestConnectErrors(t *testing.T) {
	t.Setenv("DISPLAY", "")
	for _, name := range []string{"", ":4711", "x"} {
		if _, err := x11.Connect(name); !errors.Is(err, x11.ErrNoDisplay) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestRequire(t *testing.T) {
	c := connect(t, display(t))
	if err := c.Require(x11.Composite, x11.Damage, x11.XFixes, x11.SHM, x11.XTest, x11.XInput); err != nil {
		t.Error(err)
	}
	if err := c.Require("NO-SUCH-THING"); err == nil {
		t.Error("an extension that does not exist")
	}
	if c.Has("NO-SUCH-THING") {
		t.Error("an extension that does not exist")
	}
}

// Errors of extensions must reach the request that failed: xgb lets it wait
// forever when it does not know their number.
func TestExtensionErrorsArrive(t *testing.T) {
	c := connect(t, display(t))
	if err := c.Require(x11.XFixes, x11.Damage, x11.SHM); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	go func() {
		done <- damage.SubtractChecked(c.Conn, 12345, 0, 0).Check()
		done <- shm.DetachChecked(c.Conn, 12345).Check()
	}()
	for range 2 {
		select {
		case err := <-done:
			if err == nil {
				t.Error("no error for an id that does not exist")
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the error never arrived")
		}
	}
}

// Connections come and go while others receive events of extensions. With
// xgb's own Init this ends the process, sooner or later.
func TestConnectionsAtOnce(t *testing.T) {
	name := display(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				c, err := x11.Connect(name)
				if err != nil {
					t.Error(err)
					return
				}
				damaged(t, c)
				c.Close()
				for {
					if ev, xerr := c.WaitForEvent(); ev == nil && xerr == nil {
						break
					}
				}
			}
		})
	}
	wg.Wait()
}

// damaged makes damage and expects to hear of it.
func damaged(t *testing.T, c *x11.Conn) {
	t.Helper()
	if err := c.Require(x11.XFixes, x11.Damage); err != nil {
		t.Error(err)
		return
	}
	p, err := xproto.NewPixmapId(c.Conn)
	if err != nil {
		t.Error(err)
		return
	}
	xproto.CreatePixmap(c.Conn, 24, p, xproto.Drawable(c.Root), 10, 10)
	d, _ := damage.NewDamageId(c.Conn)
	damage.Create(c.Conn, d, xproto.Drawable(p), damage.ReportLevelNonEmpty)
	gc, _ := xproto.NewGcontextId(c.Conn)
	xproto.CreateGC(c.Conn, gc, xproto.Drawable(p), 0, nil)
	xproto.PolyFillRectangle(c.Conn, xproto.Drawable(p), gc, []xproto.Rectangle{{Width: 3, Height: 4}})
	for {
		ev, xerr := c.WaitForEvent()
		if ev == nil {
			t.Error("no event:", xerr)
			return
		}
		if n, ok := c.DamageNotify(ev); ok {
			if n.Damage != d || n.Drawable != xproto.Drawable(p) {
				t.Errorf("%+v", n)
			}
			return
		}
	}
}

// xgb's own logger writes to stderr about missing authority files.
func TestQuiet(t *testing.T) {
	connect(t, display(t))
	if xgb.Logger.Writer() != io.Discard {
		t.Error("xgb still writes")
	}
}

func TestBGRA(t *testing.T) {
	c := connect(t, display(t))
	if !c.BGRA(c.Screen.RootDepth, c.Screen.RootVisual) {
		t.Error("not the screen's own visual")
	}
	for _, d := range c.Screen.AllowedDepths {
		for _, v := range d.Visuals {
			if got, want := c.BGRA(d.Depth, v.VisualId), d.Depth == 24 || d.Depth == 32; got != want {
				t.Errorf("depth %d: %v", d.Depth, got)
			}
		}
	}
	if c.BGRA(8, c.Screen.RootVisual) || c.BGRA(24, 0) {
		t.Error("a visual that does not exist")
	}
}

// A title is read by the type that the program gave it, and loses what could
// speak to a terminal or turn the text around.
func TestTitles(t *testing.T) {
	c := connect(t, display(t))
	w, err := xproto.NewWindowId(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	xproto.CreateWindow(c.Conn, c.Screen.RootDepth, w, c.Root, 0, 0, 10, 10, 0, xproto.WindowClassInputOutput, c.Screen.RootVisual, 0, nil)
	for _, x := range []struct{ name, kind, value, want string }{
		{"WM_NAME", "STRING", "Gr\xf6\xdfe", "Größe"},
		{"WM_NAME", "STRING", "Größe", "Größe"},
		{"WM_NAME", "COMPOUND_TEXT", "Gr\xf6\xdfe \x1b-B\xa3", "Größe Ł"},
		{"WM_NAME", "COMPOUND_TEXT", "\x1b$(BF|K\\8l", "日本語"},
		{"WM_NAME", "COMPOUND_TEXT", "\x1b%Ga\xe2\x80\xaeb\x1b%@\x1b]0;c\x07", "ab0;c"},
		{"_NET_WM_NAME", "UTF8_STRING", "\x1b]0;owned\x07a\u202eb\u200bc\x7f\n", "]0;ownedabc"},
		{"_NET_WM_NAME", "UTF8_STRING", "a\xffb", "a\uFFFDb"},
		{"WM_CLASS", "STRING", "x\x00\x1b[2JTerm\u202e\x00", ""},
	} {
		xproto.ChangeProperty(c.Conn, xproto.PropModeReplace, w, c.Atom(x.name), c.Atom(x.kind), 8, uint32(len(x.value)), []byte(x.value))
		if got := c.Title(w); x.want != "" && got != x.want {
			t.Errorf("%s %s %q: %q, want %q", x.name, x.kind, x.value, got, x.want)
		}
	}
	if got := c.Class(w); got != "[2JTerm" {
		t.Errorf("class %q", got)
	}
	if d := c.Describe([]xproto.Window{w, 12345}, 16); len(d) != 1 || d[0].Title != c.Title(w) || d[0].Class != "[2JTerm" || !d[0].Hidden {
		t.Error(d)
	}
}
