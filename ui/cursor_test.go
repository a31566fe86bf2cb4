package ui

import (
	"context"
	"image"
	"image/color"
	"testing"

	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// The pointer looks as it does on the other side while one is in control, and
// only then.
func TestCursorInControl(t *testing.T) {
	q := make(queue, 100)
	ctx, cancel := context.WithCancel(t.Context())
	p := newProgram(ctx, Options{}, test.NewTempApp(t), q)
	defer p.wg.Wait()
	defer cancel()
	share := session.RemoteShare{Member: session.MemberID{1}, MemberName: "Anna", Share: 1, W: 480, H: 200, Gen: 1, Rights: wire.RightSee | wire.RightPoint}
	view := newFakeView(share)
	v := newViewer(p, shareKey{share.Member, share.Share}, view)
	f := video.NewFrame(480, 200)
	f.Gen = 1
	view.draw(f)
	q.until(t, "the picture", func() bool { return v.pictured })
	view.mu.Lock()
	view.cursor = &video.Cursor{W: 2, H: 1, Hot: image.Pt(1, 0), Pix: []byte{1, 2, 3, 4, 0, 0, 255, 255}}
	view.mu.Unlock()
	view.setMarks(session.Marks{Pointers: []session.Pointer{{Guest: 3, Name: "Ben"}}})
	q.until(t, "the marks", v.ink.Visible)
	if v.stage.Cursor() != desktop.DefaultCursor {
		t.Error("the pointer changed without control")
	}
	share.Rights |= wire.RightControl
	v.update(share)
	q.until(t, "the other side's pointer", func() bool { return v.stage.Cursor() != desktop.DefaultCursor })
	img, x, y := v.stage.Cursor().(shapeCursor).Image()
	if img.Bounds().Size() != image.Pt(2, 1) || x != 1 || y != 0 || img.At(1, 0) != (color.RGBA{255, 0, 0, 255}) {
		t.Errorf("%v at %d,%d", img, x, y)
	}
	share.Rights = wire.RightSee
	v.update(share)
	q.until(t, "the own pointer", func() bool { return v.stage.Cursor() == desktop.DefaultCursor })
}
