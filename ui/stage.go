package ui

import (
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/ui/glass"
	"viewflip.app/video"
)

// stage is the area of a viewer window in which the picture is shown.
type stage struct {
	widget.BaseWidget
	v    *viewer
	back *panel
	// shape is what the pointer looks like in control where the toolkit shows
	// it; nil is its own.
	shape *video.Cursor
}

func newStage(v *viewer) *stage {
	s := &stage{v: v, back: newPanel(colorBackdrop, "", 0)}
	s.ExtendBaseWidget(s)
	return s
}

// area is the stage in physical pixels of the window.
func (s *stage) area() image.Rectangle {
	c := s.v.win.Canvas()
	top := s.v.top()
	x0, y0 := c.PixelCoordinateForPosition(fyne.NewPos(0, top))
	size := s.Size()
	x1, y1 := c.PixelCoordinateForPosition(fyne.NewPos(size.Width, top+size.Height))
	return image.Rect(x0, y0, x1, y1)
}

func (s *stage) fit(w, h int) glass.Fit { return glass.FitIn(s.v.area(), w, h) }

// put places an image of the toolkit where a picture of w by h belongs.
func (s *stage) put(img *canvas.Image, w, h int) {
	f := s.fit(w, h)
	scale := s.v.win.Canvas().Scale()
	if scale <= 0 {
		scale = 1
	}
	at := f.Rect.Sub(s.area().Min)
	img.Move(fyne.NewPos(float32(at.Min.X)/scale, float32(at.Min.Y)/scale))
	img.Resize(fyne.NewSize(float32(at.Dx())/scale, float32(at.Dy())/scale))
}

// Cursor implements desktop.Cursorable.
func (s *stage) Cursor() desktop.Cursor {
	if s.v.hand.finger.pen {
		return desktop.CrosshairCursor
	}
	if s.shape != nil {
		return shapeCursor{s.shape}
	}
	return desktop.DefaultCursor
}

// shapeCursor is somebody else's cursor as one of the toolkit.
type shapeCursor struct{ c *video.Cursor }

// Image implements desktop.Cursor.
func (s shapeCursor) Image() (image.Image, int, int) {
	return glass.CursorImage(s.c), s.c.Hot.X, s.c.Hot.Y
}

// CreateRenderer implements fyne.Widget.
func (s *stage) CreateRenderer() fyne.WidgetRenderer { return &stageRenderer{s} }

type stageRenderer struct{ s *stage }

func (r *stageRenderer) Layout(size fyne.Size) {
	r.s.back.Resize(size)
	r.s.v.cover.Resize(size)
	r.s.v.arrange()
}

func (r *stageRenderer) MinSize() fyne.Size { return fyne.NewSize(barWidth, 60) }
func (r *stageRenderer) Refresh()           { r.s.back.Refresh() }
func (r *stageRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.s.back, r.s.v.live, r.s.v.ink, r.s.v.still, r.s.v.cover}
}
func (r *stageRenderer) Destroy() {}
