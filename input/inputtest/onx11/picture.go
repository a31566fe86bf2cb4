package onx11

import (
	"image"
	"testing"

	"viewflip.app/input/inputtest"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/platformtest/world"
)

func newPicture(t *testing.T, b *Bench) *inputtest.Picture {
	t.Helper()
	return inputtest.NewPicture(t, b.Bench)
}

// popup maps a menu of w's client that says whose it is.
func popup(w *pt.Window, r image.Rectangle) *pt.Window {
	return w.Sibling(pt.Options{Bounds: r, OverrideRedirect: true, TransientFor: w.XID(), Type: "POPUP_MENU"})
}

// as is an X window in the terms of the neutral suite.
func as(w *pt.Window) world.Window { return &pt.WorldWindow{Window: w} }
