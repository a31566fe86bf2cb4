package platform_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"strings"
	"testing"
	"time"

	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
)

func desktop(t *testing.T, wm string) *platform.Desktop {
	t.Helper()
	v, err := virtual.Start(t.Context(), virtual.Options{WM: wm})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	d, err := platform.Open(v.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func windows(t *testing.T, d *platform.Desktop) []platform.Window {
	t.Helper()
	list, err := d.Windows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func titles(list []platform.Window) string {
	var out []string
	for _, w := range list {
		out = append(out, w.Title)
	}
	return strings.Join(out, ",")
}

func TestWindows(t *testing.T) {
	for _, wm := range []string{"", "openbox"} {
		t.Run("wm="+wm, func(t *testing.T) {
			d := desktop(t, wm)
			if n := len(windows(t, d)); n != 0 {
				t.Errorf("%d windows on an empty display", n)
			}
			a := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "Zürich – a", Class: "Editor", PID: 4242, Bounds: image.Rect(100, 120, 400, 320)})
			platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "b", Bounds: image.Rect(200, 200, 300, 300)})
			platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "menu", Bounds: image.Rect(0, 0, 50, 50), OverrideRedirect: true})
			platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "own", PID: os.Getpid(), Bounds: image.Rect(0, 0, 50, 50)})
			for _, kind := range []string{"DOCK", "DESKTOP"} {
				w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: kind, Bounds: image.Rect(0, 0, 60, 60), Hidden: true})
				w.SetAtoms("_NET_WM_WINDOW_TYPE", "_NET_WM_WINDOW_TYPE_"+kind)
				w.Map()
			}
			platformtest.Eventually(t, "the list", func() bool { return titles(windows(t, d)) == "b,Zürich – a" })
			got := windows(t, d)[1]
			if got.ID != a.ID() || got.App != "Editor" || got.PID != 4242 || got.Bounds != a.Bounds() || got.Bounds.Size() != image.Pt(300, 200) || got.Hidden || wm == "" && got.Icon != nil {
				t.Errorf("%+v; it is at %v", got, a.Bounds())
			}
			a.Raise()
			platformtest.Eventually(t, "the new order", func() bool { return titles(windows(t, d)) == "Zürich – a,b" })
		})
	}
}

func TestMinimised(t *testing.T) {
	d := desktop(t, "openbox")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "w", Bounds: image.Rect(100, 120, 400, 320)})
	w.Minimise()
	platformtest.Eventually(t, "the window to be hidden", func() bool {
		l := windows(t, d)
		return len(l) == 1 && l[0].Hidden && l[0].Bounds.Size() == image.Pt(300, 200)
	})
	w.Map()
	platformtest.Eventually(t, "the window to be shown", func() bool { return !windows(t, d)[0].Hidden })
}

// Client-side shadows are no part of the window.
func TestFrameExtents(t *testing.T) {
	d := desktop(t, "")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "w", Bounds: image.Rect(100, 100, 300, 300)})
	for _, c := range []struct {
		extents []uint32
		want    image.Rectangle
	}{
		{[]uint32{10, 20, 30, 40}, image.Rect(110, 130, 280, 260)},
		{[]uint32{0, 0, 0, 0}, image.Rect(100, 100, 300, 300)},
		{[]uint32{100, 100, 0, 0}, image.Rect(100, 100, 300, 300)},               // nothing would be left
		{[]uint32{0xfffffff0, 0, 0xfffffff0, 0}, image.Rect(100, 100, 300, 300)}, // nonsense
		{[]uint32{1, 2, 3}, image.Rect(100, 100, 300, 300)},
	} {
		w.SetCardinals("_GTK_FRAME_EXTENTS", c.extents...)
		if got := windows(t, d)[0].Bounds; got != c.want {
			t.Errorf("extents %v: %v, want %v", c.extents, got, c.want)
		}
	}
}

func TestIcon(t *testing.T) {
	d := desktop(t, "")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "w", Bounds: image.Rect(0, 0, 50, 50)})
	icon := func(side int, p uint32) []uint32 {
		v := []uint32{uint32(side), uint32(side)}
		for range side * side {
			v = append(v, p)
		}
		return v
	}
	set := append(icon(16, 0xffff0000), icon(48, 0x80112233)...)
	w.SetCardinals("_NET_WM_ICON", append(set, icon(128, 0xff0000ff)...)...)
	got := windows(t, d)[0].Icon
	if got == nil || got.Bounds() != image.Rect(0, 0, 48, 48) {
		t.Fatalf("icon %v", got)
	}
	if c := fmt.Sprint(got.At(47, 47)); c != "{17 34 51 128}" {
		t.Error("colour", c)
	}
	for name, v := range map[string][]uint32{
		"cut short": {48, 48, 1, 2, 3}, "huge": {1 << 31, 1 << 31, 5}, "empty": {0, 0, 1}, "no pixels": {1, 1},
	} {
		w.SetCardinals("_NET_WM_ICON", v...)
		if windows(t, d)[0].Icon != nil {
			t.Error("an icon out of nonsense:", name)
		}
	}
}

func TestWatch(t *testing.T) {
	d := desktop(t, "openbox")
	ctx, cancel := context.WithCancel(t.Context())
	tick := d.Watch(ctx)
	await := func(what string) {
		t.Helper()
		select {
		case <-tick:
		case <-time.After(10 * time.Second):
			t.Fatal("no tick after", what)
		}
	}
	// settle takes ticks until the desktop shows what was done.
	settle := func(what, want string) {
		t.Helper()
		for {
			await(what)
			if titles(windows(t, d)) == want {
				break
			}
		}
		platformtest.Eventually(t, "quiet", func() bool {
			time.Sleep(50 * time.Millisecond)
			select {
			case <-tick:
				return false
			default:
				return true
			}
		})
	}
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "one", Bounds: image.Rect(100, 100, 300, 300)})
	settle("a new window", "one")
	w.SetTitle("two")
	settle("a new title", "two")
	v := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "three", Bounds: image.Rect(100, 100, 300, 300)})
	settle("another window", "three,two")
	w.Raise()
	settle("raising", "two,three")
	v.Close()
	settle("closing", "two")
	w.Fill(image.Rect(0, 0, 200, 200), 0xffffff)
	select {
	case <-tick:
		t.Error("a tick although nothing but pixels changed")
	case <-time.After(100 * time.Millisecond):
	}
	cancel()
	platformtest.Eventually(t, "the end", func() bool {
		select {
		case _, ok := <-tick:
			return !ok
		default:
			return false
		}
	})
}

func TestCapabilities(t *testing.T) {
	d := desktop(t, "")
	ok := map[string]bool{}
	for _, c := range d.Capabilities() {
		ok[c.Name] = c.OK
		if c.Detail == "" {
			t.Error("no detail for", c.Name)
		}
	}
	for _, name := range []string{"display server", "capture", "shared memory", "control"} {
		if !ok[name] {
			t.Error(name, "is not offered by Xvfb")
		}
	}
}

func TestOpenWithoutDisplay(t *testing.T) {
	t.Setenv("DISPLAY", "")
	for _, name := range []string{"", ":12345", "nonsense"} {
		if _, err := platform.Open(name, nil); !errors.Is(err, platform.ErrNoDisplay) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A program that was started by ssh, sudo or a service knows by nothing but the
// X server that its display is a Wayland desktop's.
func TestXwaylandIsKnown(t *testing.T) {
	for _, compositor := range platformtest.Compositors() {
		t.Run(compositor, func(t *testing.T) {
			display := platformtest.Xwayland(t, compositor)
			platformtest.Bare(t)
			d, err := platform.Open(display, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if got := d.Session().Type; got != platform.SessionWayland {
				t.Error("the session is", got)
			}
			for _, c := range d.Capabilities() {
				if (c.Name == "control" || c.Name == "second cursor") && (c.OK || c.Remedy == "") {
					t.Errorf("%+v", c)
				}
			}
		})
	}
	t.Run("an X server", func(t *testing.T) {
		d := desktop(t, "")
		platformtest.Use(t, d.Display())
		t.Setenv("WAYLAND_DISPLAY", "")
		t.Setenv("XDG_SESSION_TYPE", "")
		if got := d.Session().Type; got != platform.SessionX11 {
			t.Error("the session is", got)
		}
		t.Setenv("WAYLAND_DISPLAY", "wayland-0")
		if got := d.Session().Type; got != platform.SessionWayland {
			t.Error("the session of the environment's display is", got)
		}
		t.Setenv("DISPLAY", ":9999") // then d is a nested one
		if got := d.Session().Type; got != platform.SessionX11 {
			t.Error("the session of another display is", got)
		}
	})
}
