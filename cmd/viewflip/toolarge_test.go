package main

import (
	"image"
	"testing"

	"viewflip.app/platform/platformtest"
	"viewflip.app/video"
)

// A real window that grows beyond what can be sent pauses its share, through
// capture and connection, and both ends know; smaller again, it goes on. One
// that is too large from the start is shared, and shows when it fits.
func TestTooLargeWindowPauses(t *testing.T) {
	const blue, red, green = 0x2040c0, 0xc02020, 0x00c800
	const wide, high = 9000, 5000
	d := display(t)
	w := platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Editor", Bounds: image.Rect(10, 10, 410, 310), Color: blue})
	t.Run("grows", func(t *testing.T) {
		call, _, link := offer(t, d, "Editor")
		_, _, v := view(t, link)
		waitPicture(t, v, func(f *video.Frame) bool { return f.W == 400 && all(f, blue) })
		w.Resize(wide, high)
		platformtest.Eventually(t, "both to know that it is too large", func() bool {
			i, s := v.Info(), call.State().Shares
			return i.TooLarge && i.W == wide && i.H == high && i.Ended == 0 && len(s) == 1 && s[0].TooLarge
		})
		w.Resize(500, 300)
		w.Fill(image.Rect(0, 0, 500, 300), red)
		waitPicture(t, v, func(f *video.Frame) bool { return f.W == 500 && f.H == 300 && all(f, red) })
		if v.Info().TooLarge || call.State().Shares[0].TooLarge {
			t.Error("it is too large still")
		}
	})
	t.Run("from the start", func(t *testing.T) {
		w.Resize(wide, high)
		_, _, link := offer(t, d, "Editor")
		_, _, v := view(t, link)
		platformtest.Eventually(t, "the viewer to know", func() bool { return v.Info().TooLarge })
		w.Resize(300, 200)
		w.Fill(image.Rect(0, 0, 300, 200), green)
		waitPicture(t, v, func(f *video.Frame) bool { return f.W == 300 && f.H == 200 && all(f, green) })
	})
}
