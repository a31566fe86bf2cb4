package xtest_test

import (
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input/inputtest"
	"viewflip.app/input/xtest"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/wire"
)

// A window whose frame alone is hidden is told nothing: the section finds out.
func TestFrameIsHidden(t *testing.T) {
	for name, shared := range map[string]bool{"second": false, "shared": true} {
		t.Run(name, func(t *testing.T) {
			b := inputtest.NewBench(t, start(t), opener(xtest.SeatOptions{Shared: shared}))
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
			inputtest.Nothing(t, "the window", b.Win)
		})
	}
}
