package platform_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
)

// manyWindows opens windows with the properties that programs set.
func manyWindows(tb testing.TB, c *x11.Conn, n int) {
	tb.Helper()
	icon := make([]byte, 4*(2+16*16))
	icon[0], icon[4] = 16, 16
	for i := range n {
		w, err := xproto.NewWindowId(c.Conn)
		if err != nil {
			tb.Fatal(err)
		}
		xproto.CreateWindow(c.Conn, c.Screen.RootDepth, w, c.Root, int16(i%1000), int16(i%700), 200, 100, 0,
			xproto.WindowClassInputOutput, c.Screen.RootVisual, 0, nil)
		set := func(name, kind string, format byte, data []byte) {
			xproto.ChangeProperty(c.Conn, xproto.PropModeReplace, w, c.Atom(name), c.Atom(kind), format, uint32(len(data)*8/int(format)), data)
		}
		set("_NET_WM_NAME", "UTF8_STRING", 8, fmt.Appendf(nil, "Window %d", i))
		set("WM_CLASS", "STRING", 8, []byte("many\x00Many\x00"))
		set("_NET_WM_PID", "CARDINAL", 32, []byte{1, 2, 0, 0})
		set("_NET_WM_ICON", "CARDINAL", 32, icon)
		xproto.MapWindow(c.Conn, w)
	}
	if _, err := xproto.GetInputFocus(c.Conn).Reply(); err != nil {
		tb.Fatal(err)
	}
}

// A list of many windows waits for the server a few times, not for every answer:
// on a machine of any speed it takes no longer than a few waits for each window.
func TestManyWindowsAreListedAtOnce(t *testing.T) {
	const n = 1500
	v, err := virtual.Start(t.Context(), virtual.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	c, err := x11.Connect(v.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	manyWindows(t, c, n)
	d, err := platform.Open(v.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	best, wait := time.Hour, time.Duration(0)
	for range 3 {
		began := time.Now()
		for range n {
			if _, err := xproto.GetInputFocus(c.Conn).Reply(); err != nil {
				t.Fatal(err)
			}
		}
		wait = max(wait, time.Since(began))
		began = time.Now()
		list, err := d.Windows(t.Context())
		best = min(best, time.Since(began))
		if err != nil || len(list) != n || list[0].Title != fmt.Sprintf("Window %d", n-1) || list[0].Icon == nil {
			t.Fatal(len(list), "windows", err)
		}
	}
	t.Logf("%d windows in %v; as many waits take %v", n, best, wait)
	if best > 4*wait {
		t.Errorf("%d windows took %v, more than four times as many waits (%v)", n, best, wait)
	}
}
