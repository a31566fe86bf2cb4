package capture_test

import (
	"strconv"
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/capture"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
)

// A program that changes its title, its place and its size far faster than anybody
// follows holds up nobody: its share goes on, with what was last. The window is made
// by hand, since a platformtest.Window reads its own events.
func TestFloodOfChanges(t *testing.T) {
	d := desktop(t, "")
	other, err := x11.Connect(d.Display())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	win, err := xproto.NewWindowId(other.Conn)
	if err != nil {
		t.Fatal(err)
	}
	const blue, red = 0x2040ff, 0xff4020
	xproto.CreateWindow(other.Conn, other.Screen.RootDepth, win, other.Root, 40, 30, 200, 150, 0,
		xproto.WindowClassInputOutput, other.Screen.RootVisual, xproto.CwBackPixel, []uint32{blue})
	xproto.MapWindow(other.Conn, win)
	flush := func() {
		t.Helper()
		if _, err := xproto.GetInputFocus(other.Conn).Reply(); err != nil {
			t.Fatal(err)
		}
	}
	flush()
	s, err := capture.Open(t.Context(), d, platform.NewWindowID(uint32(win)), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	next(t, s).Release()

	title := func(text string) {
		xproto.ChangeProperty(other.Conn, xproto.PropModeReplace, win, xproto.AtomWmName, xproto.AtomString, 8, uint32(len(text)), []byte(text))
	}
	for i := range 20_000 {
		title(strconv.Itoa(i))
		xproto.ConfigureWindow(other.Conn, win, xproto.ConfigWindowX|xproto.ConfigWindowWidth,
			[]uint32{uint32(40 + i%100), uint32(200 + i%2)})
	}
	title("the last")
	xproto.ConfigureWindow(other.Conn, win, xproto.ConfigWindowWidth, []uint32{300})
	flush()
	platformtest.Eventually(t, "the last title and size", func() bool {
		st := s.State()
		return st.Title == "the last" && st.W == 300
	})
	xproto.ChangeWindowAttributes(other.Conn, win, xproto.CwBackPixel, []uint32{red})
	xproto.ClearArea(other.Conn, false, win, 0, 0, 0, 0)
	flush()
	f := next(t, s)
	for ; f.W != 300 || count(f, red) != 300*150; f = next(t, s) {
		f.Release()
	}
	f.Release()
}
