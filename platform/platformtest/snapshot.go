package platformtest

import (
	"image"
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform"
	"viewflip.app/platform/x11"
)

// RootSnapshot is what a person sees on the display: every window, and what
// covers them.
func RootSnapshot(t testing.TB, display string) *image.RGBA {
	t.Helper()
	return snapshot(t, display, 0)
}

// Snapshot is a window as the screen shows it, with what covers it.
func Snapshot(t testing.TB, display string, id platform.WindowID) *image.RGBA {
	t.Helper()
	return snapshot(t, display, xproto.Window(id.Native()))
}

func snapshot(t testing.TB, display string, w xproto.Window) *image.RGBA {
	t.Helper()
	c, err := x11.Connect(display)
	if err != nil {
		t.Fatal("platformtest:", err)
	}
	defer c.Close()
	screen := image.Rect(0, 0, int(c.Screen.WidthInPixels), int(c.Screen.HeightInPixels))
	r := screen
	if w != 0 {
		if r, err = c.Bounds(w); err != nil {
			t.Fatal("platformtest:", err)
		}
	}
	img := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	part := r.Intersect(screen)
	if part.Empty() {
		return img
	}
	got, err := xproto.GetImage(c.Conn, xproto.ImageFormatZPixmap, xproto.Drawable(c.Root),
		int16(part.Min.X), int16(part.Min.Y), uint16(part.Dx()), uint16(part.Dy()), 0xffffffff).Reply()
	if err != nil {
		t.Fatal("platformtest:", err)
	}
	for y := range part.Dy() {
		for x := range part.Dx() {
			p := got.Data[(y*part.Dx()+x)*4:]
			o := img.PixOffset(part.Min.X-r.Min.X+x, part.Min.Y-r.Min.Y+y)
			copy(img.Pix[o:o+4], []byte{p[2], p[1], p[0], 255})
		}
	}
	return img
}
