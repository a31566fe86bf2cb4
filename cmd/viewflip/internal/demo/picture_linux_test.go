package demo

import (
	"image"
	"testing"

	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
)

// The whole monitor is in a picture.
func TestMonitors(t *testing.T) {
	v, err := virtual.Start(t.Context(), virtual.Options{Size: image.Pt(800, 600)})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	platformtest.Use(t, v.Name())
	t.Setenv("WAYLAND_DISPLAY", "")
	t.Setenv("XDG_SESSION_TYPE", "x11")
	list := monitors()
	if len(list) != 1 || list[0].bounds != image.Rect(0, 0, 800, 600) {
		t.Fatalf("%+v", list)
	}
	img, err := list[0].picture()
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds().Size() != image.Pt(800, 600) {
		t.Error("the picture is", img.Bounds())
	}
}
