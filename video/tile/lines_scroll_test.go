package tile_test

import (
	"fmt"
	"image"
	"image/color"
	"testing"

	"viewflip.app/video"
	"viewflip.app/video/tile"
)

// scrolling is one way in which a program scrolls text.
type scrolling struct {
	name string
	// view is where the text is, in a picture of 1280x800.
	view image.Rectangle
	// page changes the text.
	page func(*page)
	// over paints what lies over the text or beside it, at step n.
	over func(f *video.Frame, n int)
	// also is where over scrolls lines of a height of its own; zero if nowhere.
	also   image.Rectangle
	second *page
	// halves is for a program that moves the old lines first, and draws the new
	// ones in another picture.
	halves bool
}

func scrollings(tb testing.TB) []scrolling {
	tb.Helper()
	other := newPage(tb, false)
	other.dense, other.height, other.period = true, 21, 5
	all := image.Rect(0, 0, 1280, 800)
	grey, ink := color.RGBA{200, 200, 205, 255}, color.RGBA{40, 40, 60, 255}
	same := func(*page) {}
	return []scrolling{
		{name: "whole", view: all, page: same},
		{name: "dark", view: all, page: func(p *page) { p.dark = true }},
		{name: "lines of 18", view: image.Rect(0, 0, 1280, 792), page: func(p *page) { p.height = 18 }},
		{name: "lines of 21", view: image.Rect(0, 7, 1280, 784), page: func(p *page) { p.height = 21 }},
		{name: "status bar", view: image.Rect(0, 28, 1280, 780), page: same, over: func(f *video.Frame, _ int) {
			paint(f, image.Rect(0, 780, 1280, 800), ink)
			paint(f, image.Rect(0, 0, 1280, 28), grey)
		}},
		{name: "scroll bar", view: image.Rect(0, 0, 1266, 800), page: same, over: func(f *video.Frame, n int) {
			paint(f, image.Rect(1266, 0, 1280, 800), grey)
			paint(f, image.Rect(1268, n%500, 1278, n%500+90), ink)
		}},
		{name: "caret", view: all, page: same, over: func(f *video.Frame, n int) {
			if n%2 == 0 {
				paint(f, image.Rect(300, 402, 302, 416), ink)
			}
		}},
		{name: "two panes", view: image.Rect(0, 0, 600, 800), page: same, over: func(f *video.Frame, n int) {
			paint(f, image.Rect(600, 0, 606, 800), ink)
			paint(f, image.Rect(606, 0, 1280, 800), grey)
		}},
		{
			name: "panes that scroll", view: image.Rect(0, 0, 600, 800), page: same,
			also: image.Rect(606, 0, 1280, 798), second: other,
			over: func(f *video.Frame, n int) {
				paint(f, image.Rect(600, 0, 606, 800), ink)
				other.lines(f, image.Rect(606, 0, 1280, 798), n)
			},
		},
		{name: "halves", view: all, page: same, halves: true},
	}
}

// A step of scrolling costs about what its new lines cost alone, however often
// lines come again.
func TestTextScrolls(t *testing.T) {
	for _, s := range scrollings(t) {
		for _, kind := range []struct{ dense, proportional bool }{{true, false}, {false, true}} {
			t.Run(fmt.Sprintf("%s/dense=%v,proportional=%v", s.name, kind.dense, kind.proportional), func(t *testing.T) {
				periods, steps := []int{2, 24, 0}, []int{1, 3}
				if s.name == "whole" {
					periods, steps = []int{1, 3, 8, 24, 40, 0}, []int{1, 3, 20}
				}
				for i, period := range periods {
					for _, step := range steps {
						p := newPage(t, kind.proportional)
						p.dense, p.period, p.numbered = kind.dense, period, i%2 == 0
						s.page(p)
						textScrolls(t, s, p, step)
					}
				}
			})
		}
	}
}

// textScrolls scrolls p and bounds what a step takes.
func textScrolls(t *testing.T, s scrolling, p *page, step int) {
	t.Helper()
	panes := 1
	if s.second != nil {
		panes = 2
	}
	e, d, done := open(t)
	defer done()
	show := func(n int) *video.Frame {
		f := video.NewFrame(1280, 800)
		paint(f, f.Bounds(), color.RGBA{200, 200, 205, 255})
		p.lines(f, s.view, n)
		if s.over != nil {
			s.over(f, n)
		}
		return f
	}
	recode(t, e, d, show(0))
	// What the new lines cost alone: in a stream that has seen nothing else, and in
	// one that has seen the same; the smaller counts.
	e2, d2, done2 := open(t)
	defer done2()
	recode(t, e2, d2, show(0))
	for n := step; n <= 2*step; n += step {
		f := show(n)
		got := 0
		if s.halves {
			half := show(n)
			keep := show(n - step)
			y := s.view.Max.Y - step*p.height
			copy(half.Pix[y*half.Stride():], keep.Pix[y*half.Stride():])
			got = recode(t, e, d, half)
		}
		got += recode(t, e, d, f)
		e3, d3, done3 := open(t)
		fresh := alone(t, s, p, f, step, e3, d3)
		done3()
		if limit := min(fresh, alone(t, s, p, f, step, e2, d2))*3/2 + 300*panes; got > limit {
			t.Errorf("period %d, numbered %v, step %d to line %d: %d bytes, at most %d wanted", p.period, p.numbered, step, n, got, limit)
		}
	}
}

// alone is what the last lines of f take where nothing but them changes.
func alone(t *testing.T, s scrolling, p *page, f *video.Frame, step int, e *tile.Encoder, d *tile.Decoder) int {
	t.Helper()
	without := video.NewFrame(f.W, f.H)
	copy(without.Pix, f.Pix)
	y := s.view.Max.Y - step*p.height
	paint(without, image.Rect(s.view.Min.X, y, s.view.Max.X, s.view.Max.Y), p.back())
	if s.second != nil {
		paint(without, image.Rect(s.also.Min.X, s.also.Max.Y-step*s.second.height, s.also.Max.X, s.also.Max.Y), p.back())
	}
	recode(t, e, d, without)
	return recode(t, e, d, f)
}
