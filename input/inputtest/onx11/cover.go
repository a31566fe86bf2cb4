package onx11

import (
	"image"
	"testing"

	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"

	pt "viewflip.app/platform/platformtest"
	"viewflip.app/wire"
)

// Nobody types into a window of which nothing can be seen, whatever lies over
// it. A pixel that is left is enough.
func testTypingUnderCover(t *testing.T, b *Bench) {
	r := b.Win.Bounds()
	typing := func(what string, ok bool) {
		t.Helper()
		b.Win.Forget()
		if !ok {
			b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Covered)
			if got := Got(b.Win, pt.KeyDown); len(got) != 0 {
				t.Errorf("%s: %+v", what, got)
			}
			return
		}
		b.later(b.Key(wire.KeyDown, "KeyA")) // what is covered may be taken for it a moment longer
		b.Do(b.Key(wire.KeyUp, "KeyA"))
		if got := b.await(1, pt.KeyDown); len(got) != 1 {
			t.Errorf("%s: %+v", what, got)
		}
	}
	cover := func(r image.Rectangle) *pt.Window {
		return pt.NewWindow(t, b.Display, pt.Options{Bounds: r, Color: 0xff0000, OverrideRedirect: true})
	}
	typing("nothing over it", true)

	whole := cover(r)
	typing("all covered", false)
	b.Refused(wire.Input{Kind: wire.Text, Text: "ж"}, wire.Covered)
	whole.Unmap()
	typing("uncovered", true)

	most := cover(image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Max.Y-1))
	typing("a line is left", true)
	line := cover(image.Rect(r.Min.X, r.Max.Y-1, r.Max.X, r.Max.Y))
	typing("two together cover it", false)
	most.Unmap()
	line.Unmap()

	holed := cover(r.Inset(-20))
	c := holed.Conn().Conn
	if err := shape.Init(c); err != nil {
		t.Fatal(err)
	}
	const unseen = 37 // where nobody happens to look
	reshape := func(kind shape.Kind, hole image.Rectangle) {
		t.Helper()
		w, h := holed.Bounds().Dx(), holed.Bounds().Dy()
		rs := []xproto.Rectangle{
			{Width: uint16(w), Height: uint16(hole.Min.Y)},
			{Y: int16(hole.Max.Y), Width: uint16(w), Height: uint16(h - hole.Max.Y)},
			{Y: int16(hole.Min.Y), Width: uint16(hole.Min.X), Height: uint16(hole.Dy())},
			{X: int16(hole.Max.X), Y: int16(hole.Min.Y), Width: uint16(w - hole.Max.X), Height: uint16(hole.Dy())},
		}
		if err := shape.RectanglesChecked(c, shape.SoSet, kind, 0, holed.XID(), 0, 0, rs).Check(); err != nil {
			t.Fatal(err)
		}
	}
	typing("all covered by more than its size", false)
	for name, kind := range map[string]shape.Kind{"a hole": shape.SkBounding, "a hole for clicks": shape.SkInput} {
		reshape(kind, image.Rect(unseen, unseen, unseen+1, unseen+1))
		typing(name, true)
		reshape(kind, image.Rect(5, 5, 15, 15)) // beside the window
		typing(name+" elsewhere", false)
	}
	holed.Unmap()

	b.Win.Move(image.Pt(-100, r.Min.Y)) // what is off the screen is not seen either
	typing("partly off the screen", true)
	cover(image.Rect(0, r.Min.Y, r.Dx()-100, r.Max.Y))
	typing("the rest covered", false)
}

// A dialog of a covered window that can be seen takes keys.
func testCoveredWithDialog(t *testing.T, b *Bench) {
	p := newPicture(t, b)
	dialog := b.Win.Sibling(pt.Options{Title: "dialog", Bounds: image.Rect(300, 250, 500, 350), TransientFor: b.Win.XID(), Type: "DIALOG"})
	p.member(dialog)
	dialog.Focus()
	p.show(dialog)
	p.click(dialog, 20, 20, b.Win)
	over := pt.NewWindow(t, b.Display, pt.Options{Bounds: b.Win.Bounds(), OverrideRedirect: true})
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Covered)
	xproto.ConfigureWindow(over.Conn().Conn, over.XID(), xproto.ConfigWindowHeight, []uint32{120}) // to within the dialog
	dialog.Forget()
	b.later(b.Key(wire.KeyDown, "KeyA"))
	b.Do(b.Key(wire.KeyUp, "KeyA"))
	heard(t, dialog, "the key", func(es []pt.Event) bool { return count(es, pt.KeyDown, codeA) == 1 })
}
