package main

import (
	"image"
	"image/color"
	"slices"
	"testing"

	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/cmd/viewflip/internal/screen"
	"viewflip.app/platform/x11"
	"viewflip.app/session"
	"viewflip.app/ui/glass"
)

// TestPointers: over the picture Ben's display itself shows the cursor of
// Anna's window, as soon as he is in control; and he sees Anna's own pointer,
// with her name, while she moves it.
func TestPointers(t *testing.T) {
	s := newScene(t)
	s.awaitPicture(image.Pt(shareW, shareH))
	s.must(s.anna.Require(x11.XFixes))
	s.must(s.ben.Require(x11.XFixes))
	looks := func(x *screen.Screen) *xfixes.GetCursorImageReply {
		r, err := xfixes.GetCursorImage(x.Conn.Conn).Reply()
		s.must(err)
		return r
	}
	dress := func(glyph uint16) {
		font, _ := xproto.NewFontId(s.anna.Conn.Conn)
		id, _ := xproto.NewCursorId(s.anna.Conn.Conn)
		xproto.OpenFont(s.anna.Conn.Conn, font, 6, "cursor")
		xproto.CreateGlyphCursor(s.anna.Conn.Conn, id, font, font, glyph, glyph+1, 0xffff, 0, 0, 0, 0, 0xffff)
		s.must(xproto.ChangeWindowAttributesChecked(s.anna.Conn.Conn, s.shared.XID(), xproto.CwCursor, []uint32{uint32(id)}).Check())
	}
	// What the two look like, seen by Anna's own pointer; then she goes elsewhere.
	const beam, hand2 = 152, 60 // XC_xterm, XC_hand2
	like := map[uint16]*xfixes.GetCursorImageReply{}
	s.must(s.anna.Move(s.shared.Bounds().Min.Add(image.Pt(5, 5))))
	for _, glyph := range []uint16{beam, hand2} {
		dress(glyph)
		like[glyph] = looks(s.anna)
	}
	if slices.Equal(like[beam].CursorImage, like[hand2].CursorImage) {
		t.Fatal("the cursors are alike")
	}
	s.must(s.anna.Move(image.Pt(5, 5)))
	on, _ := s.at(s.over(image.Pt(200, 100)))
	s.must(s.ben.Move(on.Add(image.Pt(1, 0))))
	s.must(s.ben.Move(on))
	for _, glyph := range []uint16{beam, hand2} {
		dress(glyph)
		s.wait("the other side's cursor", func() bool {
			a, b := like[glyph], looks(s.ben)
			return a.Width == b.Width && a.Height == b.Height && a.Xhot == b.Xhot && a.Yhot == b.Yhot && slices.Equal(a.CursorImage, b.CursorImage)
		})
	}
	named := func() bool {
		img, _, err := s.ben.Picture(s.ben.PictureOf(s.viewer))
		s.must(err)
		for i := 0; i+3 < len(img); i += 4 {
			if (color.NRGBA{img[i+2], img[i+1], img[i], 255}) == glass.Colour(session.Sharer) {
				return true
			}
		}
		return false
	}
	s.wait("Anna's pointer to be gone", func() bool { return !named() })
	s.must(s.ben.Move(on.Add(image.Pt(5, 5))))
	s.wait("Ben's motion", func() bool { return len(s.shared.Events()) > 0 })
	if named() {
		t.Error("what Ben moves is shown as Anna's")
	}
	b := s.shared.Bounds().Min
	s.must(s.anna.Move(b.Add(image.Pt(300, 180))))
	s.wait("Anna's pointer", named)
	s.must(s.anna.Move(image.Pt(5, 5)))
	s.wait("Anna's pointer to leave", func() bool { return !named() })
	s.awaitPicture(image.Pt(shareW, shareH))
}
