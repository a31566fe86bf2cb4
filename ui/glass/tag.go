package glass

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"

	"fyne.io/fyne/v2/theme"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"viewflip.app/video"
	"viewflip.app/wire"
)

// Measures of a pointer at 96 dpi, in pixels.
const (
	tagText   = 12.0
	tagHeight = 20.0
	tagPad    = 7.0
	tagRound  = 6.0
	tagRim    = 1.5
	// tagX and tagY are the tag's corner as seen from the arrow's tip.
	tagX, tagY = 12.0, 15.0
	// tagRunes bounds how much of a name is shown.
	tagRunes = 24
)

// arrow is the outline of the arrow, its tip at 0,0.
func arrow() []vec { return []vec{{0, 0}, {5.4, 15.4}, {8, 8}, {15.4, 5.4}} }

// tags draws pointers: an arrow, and a tag with a name.
type tags struct {
	scale float64
	font  *sfnt.Font
	face  font.Face // nil draws arrows without names
}

// pointerLook is everything that a pointer's picture depends on. The tag goes
// to the other side where there is no room for it.
type pointerLook struct {
	guest wire.Guest
	name  string
	// shape is drawn in the place of the arrow if it is not nil.
	shape       *video.Cursor
	left, above bool
}

func newTags(scale float64) tags {
	t := tags{scale: scale}
	f, err := opentype.Parse(theme.DefaultTextBoldFont().Content())
	if err != nil {
		return t
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: tagText * scale, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return t
	}
	t.font, t.face = f, face
	return t
}

// text is as much of a name as the font can show.
func (t tags) text(name string) string {
	if t.face == nil {
		return ""
	}
	var b sfnt.Buffer
	name = strings.Map(func(r rune) rune {
		if g, err := t.font.GlyphIndex(&b, r); err != nil || g == 0 {
			return -1
		}
		return r
	}, name)
	r := []rune(strings.TrimSpace(name))
	switch {
	case len(r) == 0:
		return "Guest"
	case len(r) > tagRunes:
		return strings.TrimSpace(string(r[:tagRunes-1])) + "…"
	}
	return string(r)
}

// plan is where the parts of a pointer are, in pixels from the tip.
func (t tags) plan(l pointerLook) (text string, tag, all image.Rectangle) {
	px := func(v float64) int { return int(math.Round(v * t.scale)) }
	rim := px(tagRim) + 1
	all = image.Rect(0, 0, px(15.4), px(15.4))
	tip := image.Pt(px(tagX), px(tagY))
	if s := l.shape; s != nil {
		all = image.Rect(0, 0, s.W, s.H).Sub(s.Hot)
		tip = image.Pt(max(all.Max.X*2/3, px(4)), all.Max.Y+px(2))
	}
	above := min(all.Min.Y, 0)
	if text = t.text(l.name); text != "" {
		w := font.MeasureString(t.face, text).Ceil() + 2*px(tagPad)
		x, y := tip.X, tip.Y
		if l.left {
			x = -w - px(2)
		}
		if l.above {
			y = above - px(tagHeight) - px(2)
		}
		tag = image.Rect(x, y, x+w, y+px(tagHeight))
		all = all.Union(tag)
	}
	return text, tag, all.Inset(-rim)
}

// layout is a pointer's size, and where its tip is in it.
func (t tags) layout(l pointerLook) (size, hot image.Point) {
	_, _, all := t.plan(l)
	return all.Size(), image.Point{}.Sub(all.Min)
}

// CursorImage is what a cursor looks like.
func CursorImage(c *video.Cursor) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, c.W, c.H))
	for i := 0; i+3 < len(c.Pix) && i+3 < len(img.Pix); i += video.BytesPerPixel {
		img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = c.Pix[i+2], c.Pix[i+1], c.Pix[i], c.Pix[i+3]
	}
	return img
}

func (t tags) draw(l pointerLook) *image.RGBA {
	text, tag, all := t.plan(l)
	img := image.NewRGBA(image.Rect(0, 0, all.Dx(), all.Dy()))
	hot := vec{-float64(all.Min.X), -float64(all.Min.Y)}
	tag = tag.Sub(all.Min)
	outline := arrow()
	for i, p := range outline {
		outline[i] = vec{p.x * t.scale, p.y * t.scale}.add(hot)
	}
	rim := tagRim * t.scale
	white := color.NRGBA{255, 255, 255, 255}
	if l.shape == nil {
		trace(img, append(outline, outline[0]), rim, white)
	}
	if text != "" {
		fill(img, white, func(r *vector.Rasterizer) { round(r, tag, rim, tagRound*t.scale) })
	}
	if l.shape == nil {
		fill(img, Colour(l.guest), func(r *vector.Rasterizer) { path(r, outline...) })
	} else {
		at := image.Rect(0, 0, l.shape.W, l.shape.H).Sub(l.shape.Hot).Sub(all.Min)
		draw.Draw(img, at, CursorImage(l.shape), image.Point{}, draw.Over)
	}
	if text == "" {
		return img
	}
	fill(img, Colour(l.guest), func(r *vector.Rasterizer) { round(r, tag, 0, tagRound*t.scale) })
	m := t.face.Metrics()
	base := tag.Min.Y + (tag.Dy()-(m.CapHeight).Round())/2 + m.CapHeight.Round()
	d := font.Drawer{
		Dst: img, Src: image.White, Face: t.face,
		Dot: fixed.P(tag.Min.X+int(math.Round(tagPad*t.scale)), base),
	}
	d.DrawString(text)
	return img
}

// round adds a rectangle with round corners, larger by grow on every side.
func round(r *vector.Rasterizer, at image.Rectangle, grow, radius float64) {
	radius += grow
	lo := vec{float64(at.Min.X) - grow, float64(at.Min.Y) - grow}
	hi := vec{float64(at.Max.X) + grow, float64(at.Max.Y) + grow}
	var pts []vec
	for i, c := range []vec{
		{hi.x - radius, hi.y - radius}, {lo.x + radius, hi.y - radius}, {lo.x + radius, lo.y + radius}, {hi.x - radius, lo.y + radius},
	} {
		const steps = 8
		for k := range steps + 1 {
			sin, cos := math.Sincos(math.Pi / 2 * (float64(i) + float64(k)/steps))
			pts = append(pts, vec{c.x + radius*cos, c.y + radius*sin})
		}
	}
	path(r, pts...)
}
