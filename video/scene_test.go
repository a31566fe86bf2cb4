package video_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"viewflip.app/video"
)

// screen is a synthetic editor: coloured, antialiased code in a window with a
// title bar, a margin with line numbers and a status line.
type screen struct {
	*video.Frame
	rng   *rand.Rand
	face  font.Face
	theme int
	line  int // number of the first line shown
	col   int // where typing goes on
}

const (
	lineHeight = 18
	charWidth  = 8
	titleBar   = 28
	margin     = 48
)

// words are set in colours, as editors do it.
func words() []string {
	return strings.Fields("func return error if != nil { } for range := string bytes.Equal(a, b) // why: the newest frame wins type struct package import const frame.Pix[y*stride+x] = 0xff switch case default: x := y + 1 len(damage) image.Rectangle defer close() go select")
}

func newScreen(t testing.TB, w, h int) *screen {
	t.Helper()
	parsed, err := opentype.Parse(gomono.TTF)
	if err != nil {
		t.Fatal(err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: 13, DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{Frame: video.NewFrame(w, h), rng: rand.New(rand.NewPCG(uint64(w), uint64(h))), face: face}
	s.paint()
	return s
}

// invert turns light into dark, until something is painted anew.
func (s *screen) invert() []image.Rectangle {
	for i := range s.Pix {
		if i%video.BytesPerPixel != 3 {
			s.Pix[i] = 255 - s.Pix[i]
		}
	}
	return []image.Rectangle{s.Bounds()}
}

// body is where the text is.
func (s *screen) body() image.Rectangle {
	return image.Rect(0, titleBar, s.W, titleBar+(s.H-titleBar)/lineHeight*lineHeight)
}

func (s *screen) background() color.RGBA {
	return []color.RGBA{{250, 250, 248, 255}, {30, 32, 40, 255}, {253, 246, 227, 255}}[s.theme%3]
}

func (s *screen) fill(r image.Rectangle, c color.RGBA) {
	r = r.Intersect(s.Bounds())
	row := bytes.Repeat([]byte{c.B, c.G, c.R, 255}, r.Dx())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(s.Pix[(y*s.W+r.Min.X)*4:], row)
	}
}

// text draws a string with its top left corner at (x,y).
func (s *screen) text(x, y int, str string, c color.RGBA) {
	d := font.Drawer{Dst: (*bgra)(s.Frame), Src: image.NewUniform(c), Face: s.face, Dot: fixed.P(x, y+13)}
	d.DrawString(str)
}

func (s *screen) drawLine(y int) {
	s.fill(image.Rect(0, y, s.W, y+lineHeight), s.background())
	s.text(8, y, strconv.Itoa(s.line+(y-titleBar)/lineHeight), color.RGBA{140, 140, 140, 255})
	ink := []color.RGBA{{20, 90, 200, 255}, {200, 80, 40, 255}, {40, 150, 70, 255}, {128, 110, 160, 255}}
	x := margin + charWidth*4*s.rng.IntN(4)
	all := words()
	for range s.rng.IntN(12) {
		w := all[s.rng.IntN(len(all))]
		if x+len(w)*charWidth > s.W {
			break
		}
		s.text(x, y, w, ink[len(w)%len(ink)])
		x += (len(w) + 1) * charWidth
	}
}

func (s *screen) paint() {
	s.fill(s.Bounds(), s.background())
	s.fill(image.Rect(0, 0, s.W, titleBar), color.RGBA{70, 80, 110, 255})
	s.text(12, 6, "main.go - editor", color.RGBA{255, 255, 255, 255})
	for y := s.body().Min.Y; y+lineHeight <= s.body().Max.Y; y += lineHeight {
		s.drawLine(y)
	}
}

// typing puts one more character into the tenth line.
func (s *screen) typing() []image.Rectangle {
	s.col++
	x, y := margin+s.col*charWidth%(s.W-margin-charWidth), titleBar+10*lineHeight
	r := image.Rect(x, y, x+charWidth, y+lineHeight)
	s.fill(r, s.background())
	s.text(x, y, string(rune('a'+s.rng.IntN(26))), color.RGBA{20, 90, 200, 255})
	return []image.Rectangle{r.Intersect(s.Bounds())}
}

// scroll moves the text up by one line.
func (s *screen) scroll() []image.Rectangle {
	b, stride := s.body(), s.Stride()
	copy(s.Pix[b.Min.Y*stride:], s.Pix[(b.Min.Y+lineHeight)*stride:b.Max.Y*stride])
	s.line++
	s.drawLine(b.Max.Y - lineHeight)
	return []image.Rectangle{b}
}

// change shows another window with another text in the same place.
func (s *screen) change() []image.Rectangle {
	s.theme++
	s.line = s.rng.IntN(2000)
	s.paint()
	return []image.Rectangle{s.Bounds()}
}

// bgra draws on a frame.
type bgra video.Frame

var _ draw.Image = (*bgra)(nil)

func (b *bgra) ColorModel() color.Model { return color.RGBAModel }
func (b *bgra) Bounds() image.Rectangle { return (*video.Frame)(b).Bounds() }
func (b *bgra) At(x, y int) color.Color {
	p := b.Pix[(y*b.W+x)*4:]
	return color.RGBA{p[2], p[1], p[0], p[3]}
}

func (b *bgra) Set(x, y int, c color.Color) {
	r, g, bl, _ := c.RGBA()
	copy(b.Pix[(y*b.W+x)*4:], []byte{byte(bl >> 8), byte(g >> 8), byte(r >> 8), 255})
}
