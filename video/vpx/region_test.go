//go:build cgo && linux

package vpx

import (
	"errors"
	"image"
	"strings"
	"testing"

	"viewflip.app/video"
)

// A frame of another size than announced is refused by its header: libvpx does
// not see it, and takes no memory for it.
func TestRegionSize(t *testing.T) {
	f := video.NewFrame(64, 48)
	e, err := NewRegionEncoder(f.Bounds(), 40)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	b, err := e.Encode(nil, f, []image.Rectangle{f.Bounds()}, true)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewRegionDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Decode(b, image.Pt(64, 47)); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "64x48 pixels") {
		t.Error("not refused by its header:", err)
	}
	if err := d.Decode(b, image.Pt(64, 48)); err != nil {
		t.Error(err)
	}
}

// A region is the picture's own pixels, in its place, and what was not given is
// not in it.
func TestRegionPlace(t *testing.T) {
	f, got := video.NewFrame(200, 160), video.NewFrame(200, 160)
	for i := range f.Pix {
		f.Pix[i] = []byte{byte(i / 4 % 200), byte(i / 800), 90, 255}[i%4]
	}
	at, c := image.Rect(32, 48, 200, 160), image.Rect(48, 64, 128, 96)
	e, err := NewRegionEncoder(at, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	d, err := NewRegionDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	b, err := e.Encode(nil, f, []image.Rectangle{c}, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(b, at.Size()); err != nil {
		t.Fatal(err)
	}
	d.Paint(got, at.Min, at)
	near := func(x, y int, want []byte) bool {
		for i, v := range want {
			if diff := int(got.Pix[(y*200+x)*4+i]) - int(v); diff < -6 || diff > 6 {
				return false
			}
		}
		return true
	}
	for _, p := range []image.Point{{X: 60, Y: 70}, {X: 120, Y: 90}} {
		if o := (p.Y*200 + p.X) * 4; !near(p.X, p.Y, f.Pix[o:o+3]) {
			t.Errorf("%v is %v, want %v", p, got.Pix[o:o+4], f.Pix[o:o+4])
		}
	}
	if !near(160, 140, []byte{130, 130, 130}) {
		t.Error("what was not given is not grey")
	}
	if !near(10, 10, []byte{0, 0, 0}) {
		t.Error("painted outside")
	}
}
