package onx11

import (
	"testing"

	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"

	pt "viewflip.app/platform/platformtest"
	"viewflip.app/wire"
)

// A window over the shared one that lets clicks through covers nothing; one
// with a hole covers all but the hole.
func testOverlay(t *testing.T, b *Bench) {
	over := pt.NewWindow(t, b.Display, pt.Options{Bounds: b.Win.Bounds(), Color: 0xff0000, OverrideRedirect: true})
	c := over.Conn().Conn
	if err := shape.Init(c); err != nil {
		t.Fatal(err)
	}
	b.Refused(b.At(wire.Move, 5, 5), wire.Covered)
	set := func(rs ...xproto.Rectangle) {
		t.Helper()
		if err := shape.RectanglesChecked(c, shape.SoSet, shape.SkInput, 0, over.XID(), 0, 0, rs).Check(); err != nil {
			t.Fatal(err)
		}
		b.Win.Forget()
		over.Forget()
	}
	set()
	b.Do(b.Button(wire.Press, 5, 5, wire.Left), b.Button(wire.Release, 5, 5, wire.Left))
	if got := b.await(1, pt.Press); len(got) != 1 {
		t.Errorf("through the overlay: %+v", got)
	}
	set(xproto.Rectangle{Width: 50, Height: 50})
	b.Refused(b.At(wire.Move, 49, 49), wire.Covered)
	b.Do(b.At(wire.Move, 50, 49))
	Nothing(t, "the overlay", over)
}
