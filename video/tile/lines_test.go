package tile_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"viewflip.app/video"
	"viewflip.app/video/tile"
)

// lineHeight is that of the made text, in pixels. Tiles are 16.
const lineHeight = 16

// page paints text of which lines repeat, as logs, tables and code do.
type page struct {
	face     font.Face
	height   int // of a line
	period   int // line n is line n+period again; 0 is never
	numbered bool
	dark     bool
	dense    bool // full of letters
	words    []string
	drawn    map[[2]int]*video.Frame // by number and width
}

func newPage(t testing.TB, proportional bool) *page {
	t.Helper()
	ttf := gomono.TTF
	if proportional {
		ttf = goregular.TTF
	}
	parsed, err := opentype.Parse(ttf)
	if err != nil {
		t.Fatal(err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: 13, DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	return &page{face: face, height: lineHeight, words: strings.Fields("func return error if != nil { } for range := string bytes.Equal(a, b) INFO request served in 12ms type struct const x := y + 1 len(damage) image.Rectangle defer close() go select WARN retry 404 200 GET /index.html")}
}

// said is the text of line n, with its colours by word.
func (p *page) said(n int) []string {
	if p.period > 0 {
		n = ((n % p.period) + p.period) % p.period
	}
	rng := rand.New(rand.NewPCG(uint64(n)*7919+1, 3))
	if p.dense {
		b := make([]byte, 60+rng.IntN(100))
		for i := range b {
			if b[i] = byte('a' + rng.IntN(26)); rng.IntN(6) == 0 {
				b[i] = ' '
			}
		}
		return []string{string(b)}
	}
	if rng.IntN(8) == 0 {
		return nil // a blank line
	}
	var words []string
	for range 1 + rng.IntN(16) {
		words = append(words, p.words[rng.IntN(len(p.words))])
	}
	if rng.IntN(7) == 0 {
		words = []string{"}"}
	}
	return append([]string{strings.Repeat("  ", rng.IntN(4))}, words...)
}

// line paints line n with its top at y, within r. Each line is drawn once.
func (p *page) line(f *video.Frame, r image.Rectangle, y, n int) {
	key := [2]int{n, r.Dx()}
	if p.period > 0 && !p.numbered {
		key[0] = ((n % p.period) + p.period) % p.period
	}
	l := p.drawn[key]
	if l == nil {
		l = p.draw(r.Dx(), n)
		if p.drawn == nil {
			p.drawn = map[[2]int]*video.Frame{}
		}
		p.drawn[key] = l
	}
	for i := 0; i < l.H && y+i < r.Max.Y; i++ {
		copy(f.Pix[((y+i)*f.W+r.Min.X)*4:], l.Pix[i*l.Stride():(i+1)*l.Stride()])
	}
}

// draw makes the picture of line n.
func (p *page) draw(width, n int) *video.Frame {
	f := video.NewFrame(width, p.height)
	paint(f, f.Bounds(), p.back())
	ink := []color.RGBA{{20, 90, 200, 255}, {200, 80, 40, 255}, {40, 150, 70, 255}, {60, 60, 60, 255}}
	if p.dark {
		ink = []color.RGBA{{120, 180, 250, 255}, {250, 160, 110, 255}, {140, 220, 150, 255}, {220, 220, 220, 255}}
	}
	d := font.Drawer{Dst: &clipped{f, f.Bounds()}, Face: p.face, Dot: fixed.P(6, 12)}
	if p.numbered {
		d.Src = image.NewUniform(color.RGBA{140, 140, 140, 255})
		d.DrawString(fmt.Sprintf("%5d ", n))
		d.Dot.X = fixed.I(60)
	}
	for _, w := range p.said(n) {
		d.Src = image.NewUniform(ink[len(w)%len(ink)])
		d.DrawString(w + " ")
	}
	return f
}

func (p *page) back() color.RGBA {
	if p.dark {
		return color.RGBA{30, 32, 40, 255}
	}
	return color.RGBA{250, 250, 248, 255}
}

// lines paints r full, beginning with line n.
func (p *page) lines(f *video.Frame, r image.Rectangle, n int) {
	for y := r.Min.Y; y < r.Max.Y; y += p.height {
		p.line(f, r, y, n)
		n++
	}
}

func paint(f *video.Frame, r image.Rectangle, c color.RGBA) {
	row := bytes.Repeat([]byte{c.B, c.G, c.R, 255}, r.Dx())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(f.Pix[(y*f.W+r.Min.X)*4:], row)
	}
}

// clipped draws on a frame within a rectangle.
type clipped struct {
	f  *video.Frame
	in image.Rectangle
}

var _ draw.Image = (*clipped)(nil)

func (c *clipped) ColorModel() color.Model { return color.RGBAModel }
func (c *clipped) Bounds() image.Rectangle { return c.in }
func (c *clipped) At(x, y int) color.Color {
	p := c.f.Pix[(y*c.f.W+x)*4:]
	return color.RGBA{p[2], p[1], p[0], p[3]}
}

func (c *clipped) Set(x, y int, v color.Color) {
	if !(image.Point{X: x, Y: y}).In(c.in) {
		return
	}
	r, g, b, _ := v.RGBA()
	copy(c.f.Pix[(y*c.f.W+x)*4:], []byte{byte(b >> 8), byte(g >> 8), byte(r >> 8), 255})
}

// open is pair for tests that need many, one after the other.
func open(t testing.TB) (*tile.Encoder, *tile.Decoder, func()) {
	t.Helper()
	e, err := tile.NewEncoder(tile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := tile.NewDecoder(nil)
	if err != nil {
		t.Fatal(err)
	}
	return e, d, func() { e.Close(); d.Close() }
}
