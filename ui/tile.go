package ui

import (
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/platform"
)

const (
	tileWidth, tileHeight = 212, 196
	tileStage             = 132
)

// tile is a window in the picker: a click selects it.
type tile struct {
	widget.BaseWidget
	win      platform.Window
	selected bool
	changed  func()
	hovered  bool
	focused  bool

	frame *panel
	thumb *thumbView
	title *line
	app   *line
	icon  *canvas.Image
	mark  *fyne.Container
	note  *fyne.Container
}

func newTile(w platform.Window, changed func()) *tile {
	t := &tile{win: w, changed: changed}
	t.frame = newPanel(colorSurface, theme.ColorNameSeparator, 10)
	t.thumb = newThumbView()
	t.title, t.app = strong(""), caption("")
	t.icon = picture(nil)
	tick := canvas.NewImageFromResource(theme.NewColoredResource(theme.ConfirmIcon(), theme.ColorNameForegroundOnPrimary))
	t.mark = sized(24, 24, container.NewStack(newPanel(theme.ColorNamePrimary, "", 12), inset(4, 4, tick)))
	t.mark.Hide()
	note := caption("minimised").whole()
	t.note = container.NewStack(newPanel(colorSurface, theme.ColorNameSeparator, 9), inset(2, 8, note))
	t.note.Hide()
	t.ExtendBaseWidget(t)
	t.set(w)
	return t
}

// set shows what is known of the window now.
func (t *tile) set(w platform.Window) {
	t.win = w
	t.title.set(titleOf(w.Title, w.App))
	t.app.set(w.App)
	if w.Icon != nil {
		t.icon.Image, t.icon.Resource = w.Icon, nil
	} else {
		t.icon.Image, t.icon.Resource = nil, windowIcon()
	}
	t.icon.Refresh()
	if w.Hidden {
		t.note.Show()
	} else {
		t.note.Hide()
	}
	t.thumb.stand(t.icon)
}

func (t *tile) pick(on bool) {
	if t.selected == on {
		return
	}
	t.selected = on
	t.paint()
	t.changed()
}

func (t *tile) paint() {
	fill, stroke, width := colorSurface, theme.ColorNameSeparator, float32(1)
	switch {
	case t.selected:
		fill, stroke, width = colorTint, theme.ColorNamePrimary, 2
	case t.hovered:
		stroke = theme.ColorNamePlaceHolder
	}
	if t.focused {
		stroke, width = theme.ColorNamePrimary, 2
	}
	t.frame.set(fill, stroke, width)
	if t.selected {
		t.mark.Show()
	} else {
		t.mark.Hide()
	}
}

// Tapped implements fyne.Tappable.
func (t *tile) Tapped(*fyne.PointEvent) { t.pick(!t.selected) }

// MouseIn implements desktop.Hoverable.
func (t *tile) MouseIn(*desktop.MouseEvent) { t.hovered = true; t.paint() }

// MouseMoved implements desktop.Hoverable.
func (t *tile) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (t *tile) MouseOut() { t.hovered = false; t.paint() }

// FocusGained implements fyne.Focusable.
func (t *tile) FocusGained() { t.focused = true; t.paint() }

// FocusLost implements fyne.Focusable.
func (t *tile) FocusLost() { t.focused = false; t.paint() }

// TypedRune implements fyne.Focusable.
func (t *tile) TypedRune(rune) {}

// TypedKey implements fyne.Focusable: the space bar selects.
func (t *tile) TypedKey(k *fyne.KeyEvent) {
	if k.Name == fyne.KeySpace {
		t.pick(!t.selected)
	}
}

// CreateRenderer implements fyne.Widget.
func (t *tile) CreateRenderer() fyne.WidgetRenderer {
	corner := inset(8, 8, container.NewBorder(container.NewBorder(nil, nil, t.note, t.mark), nil, nil, nil))
	stage := container.NewStack(newPanel(colorStage, "", 7), inset(6, 6, t.thumb), corner)
	names := column(1, t.title, t.app)
	foot := container.New(layout.NewCustomPaddedLayout(0, 0, 4, 4),
		container.New(&beside{gap: 8}, sized(22, 22, t.icon), names))
	return widget.NewSimpleRenderer(container.NewStack(t.frame, inset(8, 8,
		container.NewBorder(sized(0, tileStage, stage), nil, nil, nil, middle(foot)))))
}

// beside puts an object of its own size left of one that takes the rest, both
// in the middle of the height.
type beside struct{ gap float32 }

// Layout implements fyne.Layout.
func (b *beside) Layout(o []fyne.CanvasObject, s fyne.Size) {
	m := o[0].MinSize()
	o[0].Resize(m)
	o[0].Move(fyne.NewPos(0, (s.Height-m.Height)/2))
	h := min(o[1].MinSize().Height, s.Height)
	o[1].Resize(fyne.NewSize(max(s.Width-m.Width-b.gap, 0), h))
	o[1].Move(fyne.NewPos(m.Width+b.gap, (s.Height-h)/2))
}

// MinSize implements fyne.Layout.
func (b *beside) MinSize(o []fyne.CanvasObject) fyne.Size {
	a, c := o[0].MinSize(), o[1].MinSize()
	return fyne.NewSize(a.Width+b.gap+c.Width, max(a.Height, c.Height))
}

// thumbView shows a thumbnail or, before there is one, the window's icon.
type thumbView struct {
	widget.BaseWidget
	img  *canvas.Image
	icon *canvas.Image
	box  *fyne.Container
}

func newThumbView() *thumbView {
	v := &thumbView{img: picture(nil), icon: picture(nil)}
	v.icon.Resource = windowIcon()
	v.img.Hide()
	v.box = container.NewCenter(sized(40, 40, v.icon))
	v.ExtendBaseWidget(v)
	return v
}

// stand shows the same icon as another image until a picture comes.
func (v *thumbView) stand(like *canvas.Image) {
	v.icon.Image, v.icon.Resource = like.Image, like.Resource
	v.icon.Refresh()
}

// set shows a picture. Its pixels must not change any more.
func (v *thumbView) set(img *image.RGBA) {
	if img == nil {
		return
	}
	if img.Stride != 4*img.Rect.Dx() || img.Rect.Min != (image.Point{}) {
		img = tight(img)
	}
	v.img.Image = img
	v.box.Hide()
	v.img.Show()
	v.img.Refresh()
}

// tight copies a picture without gaps between its rows: Fyne ignores strides.
func tight(img *image.RGBA) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, img.Rect.Dx(), img.Rect.Dy()))
	for y := range out.Rect.Dy() {
		copy(out.Pix[y*out.Stride:(y+1)*out.Stride], img.Pix[y*img.Stride:])
	}
	return out
}

// CreateRenderer implements fyne.Widget.
func (v *thumbView) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(container.NewStack(v.box, v.img))
}

// titleOf is a window's title, or its application where it has none.
func titleOf(title, app string) string {
	switch {
	case title != "":
		return title
	case app != "":
		return app
	}
	return "Untitled window"
}
