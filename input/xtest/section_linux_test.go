package xtest_test

import (
	"context"
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/wire"
)

// A window whose frame alone is hidden is told nothing: the section finds out.
func TestFrameIsHidden(t *testing.T) {
	for name, shared := range map[string]bool{"second": false, "shared": true} {
		t.Run(name, func(t *testing.T) {
			b := onx11.NewBench(t, start(t), opener(xtest.SeatOptions{Shared: shared}))
			c := b.Win.Conn().Conn
			tree, err := xproto.QueryTree(c, b.Win.XID()).Reply()
			if err != nil || tree.Parent == tree.Root {
				t.Fatal("no frame:", err)
			}
			xproto.UnmapWindow(c, tree.Parent)
			pt.Eventually(t, "the frame to be hidden", func() bool {
				a, err := xproto.GetWindowAttributes(c, b.Win.XID()).Reply()
				return err == nil && a.MapState == xproto.MapStateUnviewable
			})
			b.Win.Forget()
			b.Refused(b.At(wire.Move, 5, 5), wire.Hidden)
			b.Refused(b.Button(wire.Press, 5, 5, wire.Left), wire.Hidden)
			b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Hidden)
			onx11.Nothing(t, "the window", b.Win)
		})
	}
}

// A desk that is closed lets go, also when no gate did so before.
func TestCloseLetsGo(t *testing.T) {
	open := opener(xtest.SeatOptions{Shared: true}) // the end of a pair of our own would let go as well
	var desk input.Desk
	b := onx11.NewBench(t, start(t), func(ctx context.Context, d *platform.Desktop, id platform.WindowID) (_ input.Desk, err error) {
		desk, err = open(ctx, d, id)
		return desk, err
	})
	b.Do(b.Key(wire.KeyDown, "KeyA"))
	if err := desk.Close(); err != nil {
		t.Error(err)
	}
	pt.Eventually(t, "the key to be let go", func() bool { return len(onx11.Got(b.Win, pt.KeyUp)) == 1 })
}
