package session_test

import (
	"bytes"
	"testing"

	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/video/tile"
	"viewflip.app/wire"
)

// A viewer whose picture went wrong finds out by a checksum, and gets it anew,
// though nothing changes on the sharer's side.
func TestWrongPictureRecovers(t *testing.T) {
	w := newWorld(t)
	w.codecs = func(c *session.Config) {
		c.NewEncoder = func(string) (session.Encoder, error) { return tile.NewEncoder(tile.Options{}) }
		c.NewDecoder = func(string) (session.Decoder, error) { return tile.NewDecoder(nil) }
	}
	_, _, _, v := w.pair(wire.RightSee)
	w.win.paint(7)
	u, err := v.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v.Shown(u)
	var good []byte
	eventually(t, "the picture", func() bool {
		w.win.paint(7)
		v.Picture(func(f *video.Frame) {
			if f != nil && f.Pix[0] == 7 {
				good = bytes.Clone(f.Pix)
			}
		})
		return good != nil
	})
	// Only this test writes to a picture that it does not own; the view's lock
	// keeps the decoder away.
	v.Picture(func(f *video.Frame) { f.Pix[len(f.Pix)/2] ^= 0x40 })
	eventually(t, "the right picture", func() bool {
		v.Check()
		same := false
		v.Picture(func(f *video.Frame) { same = f != nil && bytes.Equal(f.Pix, good) })
		return same
	})
}
