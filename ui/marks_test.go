package ui

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"viewflip.app/session"
	"viewflip.app/ui/glass"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// queue is a shell without a windowing system: what it is given to do waits
// for the test, which plays the main goroutine.
type queue chan func()

func (q queue) do(f func())                                      { q <- f }
func (queue) stop()                                              {}
func (queue) attach(fyne.Window, rawInput) func()                { return func() {} }
func (queue) prompt(bool)                                        {}
func (queue) native(fyne.Window) (uintptr, bool)                 { return 0, false }
func (queue) repaint(fyne.Window)                                {}
func (queue) attention(fyne.Window)                              {}
func (queue) room(fyne.Window) fyne.Size                         { return fyne.Size{} }
func (queue) reshape(fyne.Window, image.Point, image.Point) bool { return false }
func (queue) resize(fyne.Window, image.Point) bool               { return false }
func (queue) size(fyne.Window) (image.Point, bool)               { return image.Point{}, false }
func (queue) least(fyne.Window, fyne.Size) bool                  { return false }

// until does what waits until ok.
func (q queue) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.After(20 * time.Second); !ok(); {
		select {
		case f := <-q:
			f()
		case <-time.After(5 * time.Millisecond): // what is done elsewhere
		case <-deadline:
			t.Fatal("waited in vain:", what)
		}
	}
}

// Without a native surface marks lie over the picture, whose pixels stay what
// they are; and the pen is there for who may point and is not in control.
func TestMarksOverTheToolkitsPicture(t *testing.T) {
	q := make(queue, 100)
	ctx, cancel := context.WithCancel(t.Context())
	p := newProgram(ctx, Options{}, test.NewTempApp(t), q)
	defer p.wg.Wait()
	defer cancel()
	share := session.RemoteShare{Member: session.MemberID{1}, MemberName: "Anna", Share: 1, W: 480, H: 200, Gen: 1, Rights: wire.RightSee | wire.RightPoint}
	view := newFakeView(share)
	v := newViewer(p, shareKey{share.Member, share.Share}, view)
	picture := video.NewFrame(480, 200)
	for i := range picture.Pix {
		picture.Pix[i] = byte(i*i>>3) | 3*byte(i)
	}
	picture.Gen = 1
	view.draw(picture)
	q.until(t, "the picture", func() bool { return v.pictured && v.live.Image != nil })
	if !v.pen.Visible() || v.ink.Visible() {
		t.Error("pen:", v.pen.Visible(), "ink:", v.ink.Visible())
	}
	at := wire.Spot{X: 1 << 15, Y: 1 << 15}
	view.setMarks(session.Marks{Pointers: []session.Pointer{{Guest: 3, Name: "Ben", At: at}}})
	q.until(t, "the pointer", v.ink.Visible)
	size := v.stage.fit(480, 200).Rect.Size()
	img, ok := v.ink.Image.(*image.RGBA)
	if !ok || img.Rect.Size() != size || color.NRGBA(img.RGBAAt(size.X/2+5, size.Y/2+5)) != glass.Colour(3) || img.RGBAAt(5, 5).A != 0 {
		t.Error("the pointer is not where it belongs")
	}
	want := make([]byte, len(picture.Pix))
	toRGBA(want, picture, picture.Bounds())
	if got, ok := v.live.Image.(*image.RGBA); !ok || !bytes.Equal(got.Pix, want) {
		t.Error("the picture has changed")
	}
	v.usePen(true)
	share.Rights |= wire.RightControl
	v.update(share)
	if v.pen.Visible() || v.hand.finger.pen {
		t.Error("a pen in control")
	}
	view.setMarks(session.Marks{})
	q.until(t, "the pointer to go", func() bool { return !v.ink.Visible() })
}
