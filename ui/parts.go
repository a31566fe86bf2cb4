package ui

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// themed is a colour of the theme for the variant in use.
func themed(n fyne.ThemeColorName) color.Color {
	return theme.Current().Color(n, fyne.CurrentApp().Settings().ThemeVariant())
}

// line is one line of text without padding that ends in an ellipsis where it
// does not fit.
type line struct {
	widget.BaseWidget
	text  string
	color fyne.ThemeColorName
	size  fyne.ThemeSizeName
	bold  bool
	align fyne.TextAlign
	// rigid lines ask for all their width; others shrink.
	rigid bool
}

func newLine(s string) *line {
	l := &line{text: s, color: theme.ColorNameForeground, size: theme.SizeNameText}
	l.ExtendBaseWidget(l)
	return l
}

func caption(s string) *line {
	l := newLine(s)
	l.color, l.size = theme.ColorNamePlaceHolder, theme.SizeNameCaptionText
	return l
}

func strong(s string) *line {
	l := newLine(s)
	l.bold = true
	return l
}

func heading(s string) *line {
	l := strong(s)
	l.size = theme.SizeNameSubHeadingText
	return l
}

func (l *line) whole() *line { l.rigid = true; return l }

func (l *line) centred() *line { l.align = fyne.TextAlignCenter; return l }

func (l *line) set(s string) {
	if l.text != s {
		l.text = s
		l.Refresh()
	}
}

func (l *line) tint(c fyne.ThemeColorName) {
	if l.color != c {
		l.color = c
		l.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (l *line) CreateRenderer() fyne.WidgetRenderer {
	r := &lineRenderer{l: l, t: canvas.NewText("", color.Transparent)}
	r.Refresh()
	return r
}

type lineRenderer struct {
	l *line
	t *canvas.Text
}

func (r *lineRenderer) style() (float32, fyne.TextStyle) {
	return theme.SizeForWidget(r.l.size, r.l), fyne.TextStyle{Bold: r.l.bold}
}

func (r *lineRenderer) Layout(s fyne.Size) {
	size, style := r.style()
	r.t.Text = elide(r.l.text, s.Width, func(t string) float32 { return fyne.MeasureText(t, size, style).Width })
	r.t.Resize(s)
}

func (r *lineRenderer) MinSize() fyne.Size {
	size, style := r.style()
	m := fyne.MeasureText(r.l.text, size, style)
	if r.l.text == "" {
		m.Height = fyne.MeasureText("M", size, style).Height
	}
	if !r.l.rigid {
		m.Width = min(m.Width, 24)
	}
	return m
}

func (r *lineRenderer) Refresh() {
	r.t.TextSize, r.t.TextStyle = r.style()
	r.t.Color = themed(r.l.color)
	r.t.Alignment = r.l.align
	r.Layout(r.l.Size())
	r.t.Refresh()
}

func (r *lineRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.t} }
func (r *lineRenderer) Destroy()                     {}

// elide shortens s until it fits into width.
func elide(s string, width float32, measure func(string) float32) string {
	const slack = 0.5 // layouts round
	if measure(s) <= width+slack {
		return s
	}
	runes := []rune(s)
	lo, hi := 0, len(runes)
	for lo < hi {
		mid := (lo + hi + 1) / 2
		if measure(string(runes[:mid])+"…") <= width+slack {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	if lo == 0 {
		return "…"
	}
	return string(runes[:lo]) + "…"
}

// panel is a filled, possibly outlined and rounded rectangle in colours of
// the theme.
type panel struct {
	widget.BaseWidget
	fill, stroke fyne.ThemeColorName
	width        float32
	radius       float32
}

func newPanel(fill, stroke fyne.ThemeColorName, radius float32) *panel {
	p := &panel{fill: fill, stroke: stroke, radius: radius}
	if stroke != "" {
		p.width = 1
	}
	p.ExtendBaseWidget(p)
	return p
}

func (p *panel) set(fill, stroke fyne.ThemeColorName, width float32) {
	if p.fill != fill || p.stroke != stroke || p.width != width {
		p.fill, p.stroke, p.width = fill, stroke, width
		p.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (p *panel) CreateRenderer() fyne.WidgetRenderer {
	r := &panelRenderer{p: p, r: canvas.NewRectangle(color.Transparent)}
	r.Refresh()
	return r
}

type panelRenderer struct {
	p *panel
	r *canvas.Rectangle
}

func (r *panelRenderer) Layout(s fyne.Size) { r.r.Resize(s) }
func (r *panelRenderer) MinSize() fyne.Size { return fyne.Size{} }
func (r *panelRenderer) Refresh() {
	r.r.FillColor, r.r.StrokeColor = color.Transparent, color.Transparent
	if r.p.fill != "" {
		r.r.FillColor = themed(r.p.fill)
	}
	if r.p.stroke != "" {
		r.r.StrokeColor = themed(r.p.stroke)
	}
	r.r.StrokeWidth, r.r.CornerRadius = r.p.width, r.p.radius
	r.r.Refresh()
}
func (r *panelRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.r} }
func (r *panelRenderer) Destroy()                     {}

// card is content on a surface.
func card(content fyne.CanvasObject) *fyne.Container {
	return container.NewStack(newPanel(colorSurface, theme.ColorNameSeparator, 10), inset(14, 14, content))
}

// inset surrounds an object with space.
func inset(vertical, horizontal float32, o ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedLayout(vertical, vertical, horizontal, horizontal), o...)
}

// column and row stack objects with a gap.
func column(gap float32, o ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedVBoxLayout(gap), o...)
}

func row(gap float32, o ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedHBoxLayout(gap), o...)
}

// middle keeps an object's own height in the middle of its place.
func middle(o fyne.CanvasObject) *fyne.Container {
	return container.New(middleLayout{}, o)
}

// low does so with buttons, and makes them fit into a bar. A theme of its own
// would do so too, with fonts of its own (about 7 MB for each style of text).
func low(o fyne.CanvasObject) *fyne.Container {
	return container.New(middleLayout{lower: 6}, o)
}

type middleLayout struct{ lower float32 }

func (m middleLayout) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	for _, o := range objects {
		h := min(o.MinSize().Height-m.lower, s.Height)
		o.Resize(fyne.NewSize(s.Width, h))
		o.Move(fyne.NewPos(0, (s.Height-h)/2))
	}
}

func (m middleLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var size fyne.Size
	for _, o := range objects {
		size = size.Max(o.MinSize().SubtractWidthHeight(0, m.lower))
	}
	return size
}

// sized gives an object a fixed size.
func sized(w, h float32, o fyne.CanvasObject) *fyne.Container {
	return container.New(fixedLayout{fyne.NewSize(w, h)}, o)
}

type fixedLayout struct{ size fyne.Size }

func (f fixedLayout) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	for _, o := range objects {
		o.Resize(s)
		o.Move(fyne.NewPos(0, 0))
	}
}

func (f fixedLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	m := f.size
	for _, o := range objects {
		om := o.MinSize()
		if f.size.Width == 0 {
			m.Width = max(m.Width, om.Width)
		}
		if f.size.Height == 0 {
			m.Height = max(m.Height, om.Height)
		}
	}
	return m
}

// narrow centres an object of at most width.
func narrow(width float32, o fyne.CanvasObject) *fyne.Container {
	return container.New(narrowLayout{width}, o)
}

type narrowLayout struct{ width float32 }

func (n narrowLayout) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	for _, o := range objects {
		w := min(n.width, s.Width)
		o.Resize(fyne.NewSize(w, s.Height))
		o.Move(fyne.NewPos((s.Width-w)/2, 0))
	}
}

func (n narrowLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var m fyne.Size
	for _, o := range objects {
		m = m.Max(o.MinSize())
	}
	return m
}

// tiles is a grid whose columns share the width equally; each is at least
// width wide.
type tiles struct {
	width, height, gap float32
	columns            int
}

func (t *tiles) fit(width float32) int {
	return max(int((width+t.gap)/(t.width+t.gap)), 1)
}

// Layout implements fyne.Layout.
func (t *tiles) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	t.columns = t.fit(s.Width)
	w := (s.Width - float32(t.columns-1)*t.gap) / float32(t.columns)
	i := 0
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		o.Resize(fyne.NewSize(w, t.height))
		o.Move(fyne.NewPos(float32(i%t.columns)*(w+t.gap), float32(i/t.columns)*(t.height+t.gap)))
		i++
	}
}

// MinSize implements fyne.Layout.
func (t *tiles) MinSize(objects []fyne.CanvasObject) fyne.Size {
	n := 0
	for _, o := range objects {
		if o.Visible() {
			n++
		}
	}
	c := max(t.columns, 1)
	rows := (n + c - 1) / c
	return fyne.NewSize(t.width, max(float32(rows)*(t.height+t.gap)-t.gap, 0))
}

// picture shows a small image, keeping its ratio; drawing is left to the GPU.
func picture(img image.Image) *canvas.Image {
	c := canvas.NewImageFromImage(img)
	c.FillMode, c.ScaleMode = canvas.ImageFillContain, canvas.ImageScaleFastest
	return c
}

// dot is a small round mark.
func dot(c fyne.ThemeColorName) (*panel, *fyne.Container) {
	const size = 8
	p := newPanel(c, "", size/2)
	return p, container.New(layout.NewCenterLayout(), sized(size, size, p))
}

// para is a paragraph: text that wraps, without padding of its own.
type para struct {
	*fyne.Container
	seg  *widget.TextSegment
	text *widget.RichText
}

func newPara(text string, c fyne.ThemeColorName, size fyne.ThemeSizeName) *para {
	seg := &widget.TextSegment{Text: text, Style: widget.RichTextStyle{ColorName: c, SizeName: size}}
	rt := widget.NewRichText(seg)
	rt.Wrapping = fyne.TextWrapWord
	p := &para{seg: seg, text: rt}
	inner := theme.InnerPadding()
	p.Container = inset(-inner+2, -inner, rt)
	return p
}

// quiet is a paragraph that explains.
func quiet(text string) *para {
	return newPara(text, theme.ColorNamePlaceHolder, theme.SizeNameText)
}

func (p *para) set(text string) {
	if p.seg.Text != text {
		p.seg.Text = text
		p.text.Refresh()
	}
}

func (p *para) tint(c fyne.ThemeColorName) {
	if p.seg.Style.ColorName != c {
		p.seg.Style.ColorName = c
		p.text.Refresh()
	}
}

func (p *para) bold() *para { p.seg.Style.TextStyle.Bold = true; return p }

func (p *para) centred() *para { p.seg.Style.Alignment = fyne.TextAlignCenter; return p }

// under puts the second object under the first, which has the height that it
// says, with nothing in between.
type under struct{ height func() float32 }

// Layout implements fyne.Layout.
func (u under) Layout(o []fyne.CanvasObject, s fyne.Size) {
	h := u.height()
	o[0].Resize(fyne.NewSize(s.Width, h))
	o[0].Move(fyne.NewPos(0, 0))
	o[1].Move(fyne.NewPos(0, h))
	o[1].Resize(fyne.NewSize(s.Width, max(s.Height-h, 0)))
}

// MinSize implements fyne.Layout.
func (u under) MinSize(o []fyne.CanvasObject) fyne.Size {
	a, b := o[0].MinSize(), o[1].MinSize()
	return fyne.NewSize(max(a.Width, b.Width), u.height()+b.Height)
}

// hintButton is a button with an icon alone that says in words what it does
// while the pointer is over it.
type hintButton struct {
	widget.Button
	hint func(on bool)
}

func newHintButton(icon fyne.Resource, tapped func(), hint func(on bool)) *hintButton {
	b := &hintButton{hint: hint}
	b.Icon, b.OnTapped = icon, tapped
	b.ExtendBaseWidget(b)
	return b
}

// mark shows the button as switched on or off.
func (b *hintButton) mark(on bool) {
	i := widget.MediumImportance
	if on {
		i = widget.HighImportance
	}
	if b.Importance != i {
		b.Importance = i
		b.Refresh()
	}
}

// MouseIn implements desktop.Hoverable.
func (b *hintButton) MouseIn(e *desktop.MouseEvent) {
	b.Button.MouseIn(e)
	b.hint(true)
}

// MouseOut implements desktop.Hoverable.
func (b *hintButton) MouseOut() {
	b.Button.MouseOut()
	b.hint(false)
}
