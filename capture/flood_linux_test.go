package capture_test

import (
	"image"
	"strconv"
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
)

// A program that changes its title, its place and its size far faster than anybody
// follows holds up nobody: its share goes on, with what was last.
func TestFloodOfChanges(t *testing.T) {
	d := desktop(t, "")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(40, 30, 240, 180)})
	s := openStream(t, d, w)
	next(t, s)
	other, err := x11.Connect(d.Display())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	title := func(text string) {
		xproto.ChangeProperty(other.Conn, xproto.PropModeReplace, w.XID(), xproto.AtomWmName, xproto.AtomString, 8, uint32(len(text)), []byte(text))
	}
	for i := range 20_000 {
		title(strconv.Itoa(i))
		xproto.ConfigureWindow(other.Conn, w.XID(), xproto.ConfigWindowX|xproto.ConfigWindowWidth,
			[]uint32{uint32(40 + i%100), uint32(200 + i%2)})
	}
	title("the last")
	xproto.ConfigureWindow(other.Conn, w.XID(), xproto.ConfigWindowWidth, []uint32{300})
	if _, err := xproto.GetInputFocus(other.Conn).Reply(); err != nil {
		t.Fatal(err)
	}
	platformtest.Eventually(t, "the last title and size", func() bool {
		st := s.State()
		return st.Title == "the last" && st.W == 300
	})
	w.Paint(noise(300, 150))
	for f := next(t, s); !same(f, w); f = next(t, s) {
		f.Release()
	}
}
