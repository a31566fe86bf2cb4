package main

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"viewflip.app/cmd/viewflip/internal/share"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
)

const (
	// restTime lets both ends come to rest before idle use is measured.
	restTime  = 4 * time.Second
	idleTime  = 15 * time.Second
	sceneTime = 10 * time.Second
	// tooLate is when a picture or a key counts as lost.
	tooLate = 3 * time.Second
	// benchFont has cells of 10x20 pixels, which divide both window sizes.
	benchFont = "10x20"
	cellW     = 10
	cellH     = 20
)

// row is one line of the table.
type row struct {
	scene          string
	paint, key     []time.Duration
	lost           int
	sharer, viewer float64 // percent of one core
	sent, received float64 // kbit/s, from the sharer and to it
}

// BenchmarkCall runs two real processes on two displays and looks at them from
// outside. Run it with -benchtime 1x; it prints a table.
func BenchmarkCall(b *testing.B) {
	bin := buildViewflip(b)
	for _, size := range []image.Point{{X: 1280, Y: 800}, {X: 1920, Y: 1080}} {
		b.Run(fmt.Sprintf("%dx%d", size.X, size.Y), func(b *testing.B) {
			rows := append(benchTerminal(b, bin, size), benchClient(b, bin, size)...)
			printRows(size, rows)
			b.ReportMetric(0, "ns/op")
			for _, r := range rows {
				if len(r.paint) > 0 {
					b.ReportMetric(millis(quantile(r.paint, 50)), strings.ReplaceAll(r.scene, " ", "-")+"-paint-p50-ms")
				}
				if len(r.key) > 0 {
					b.ReportMetric(millis(quantile(r.key, 50)), "key-p50-ms")
				}
			}
		})
	}
}

// displays starts one to share from and one to view on.
func displays(tb testing.TB) (from, to *virtual.Display) {
	tb.Helper()
	var ds [2]*virtual.Display
	for i := range ds {
		d, err := virtual.Start(context.Background(), virtual.Options{Size: image.Pt(2048, 1280), WM: "openbox"})
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = d.Close() })
		ds[i] = d
	}
	return ds[0], ds[1]
}

// measure runs a scene and notes what it costs.
func (c *realCall) measure(name string, scene func(r *row)) row {
	r := row{scene: name}
	began := time.Now()
	s0, v0 := c.sharer.cpu(), c.viewer.cpu()
	scene(&r)
	took := time.Since(began)
	r.sharer = 100 * float64(c.sharer.cpu()-s0) / float64(took)
	r.viewer = 100 * float64(c.viewer.cpu()-v0) / float64(took)
	if lines := c.sharer.lines(began); len(lines) > 1 {
		first, last := lines[0], lines[len(lines)-1]
		per := last.Time.Sub(first.Time).Seconds() * 1000 / 8
		r.sent, r.received = float64(last.Sent-first.Sent)/per, float64(last.Received-first.Received)/per
	}
	return r
}

// terminal is a real xterm that shows what is written to it, and echoes keys.
type terminal struct{ fifo *os.File }

func startTerminal(tb testing.TB, d *virtual.Display, title string, size image.Point) *terminal {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "text")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		tb.Fatal(err)
	}
	err := d.Run("xterm", "-fn", benchFont, "-b", "0", "+sb", "+bc", "-geometry",
		fmt.Sprintf("%dx%d", size.X/cellW, size.Y/cellH), "-title", title, "-e", "cat", path)
	if err != nil {
		tb.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0) // RDWR: opening does not wait for cat
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = f.Close() })
	return &terminal{f}
}

// line writes a line of text, each different.
func (t *terminal) line(n int) { _, _ = fmt.Fprintln(t.fifo, sentence(n)) }

// sentence is a line like those of a log or of code.
func sentence(n int) string {
	words := strings.Fields("func return error if nil for range string bytes.Equal(a, b) // newest frame wins type struct package import const Pix[y*stride+x] = 0xff switch case default len(damage) image.Rectangle defer close() go select")
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	b := strings.Builder{}
	fmt.Fprintf(&b, "%6d  %s", n, strings.Repeat("    ", rng.IntN(4)))
	for range 3 + rng.IntN(10) {
		b.WriteString(words[rng.IntN(len(words))] + " ")
	}
	return b.String()
}

// benchTerminal shares an xterm: nothing happens, then keys, then lines.
func benchTerminal(b *testing.B, bin string, size image.Point) []row {
	b.Helper()
	from, to := displays(b)
	term := startTerminal(b, from, "Terminal", size)
	for n := range size.Y / cellH / 2 {
		term.line(n)
	}
	awaitWindow(b, from, "Terminal")
	c := startCall(b, bin, from, to, "Terminal", size.X, size.Y, time.Second)
	defer c.stop()
	s := c.glass.shadow(size.X, size.Y)
	rows := []row{}
	time.Sleep(restTime)
	rows = append(rows, c.measure("idle", func(*row) { time.Sleep(idleTime) }))
	c.ready(s)
	rows = append(rows, c.measure("typing (xterm)", func(r *row) { c.keys(r, s) }))
	rows = append(rows, c.measure("scrolling (xterm)", func(*row) {
		for n, end := 0, time.Now().Add(sceneTime); time.Now().Before(end); n++ {
			term.line(n)
			time.Sleep(50 * time.Millisecond)
		}
	}))
	return rows
}

// awaitWindow waits until a window can be shared.
func awaitWindow(tb testing.TB, d *virtual.Display, title string) {
	tb.Helper()
	desk, err := platform.Open(d.Name(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer desk.Close()
	platformtest.Eventually(tb, "window "+title, func() bool {
		_, err := share.Choose(context.Background(), desk, []string{title})
		return err == nil
	})
}

// ready types until the first key comes through.
func (c *realCall) ready(s *shadow) {
	platformtest.Eventually(c.glass.tb, "control", func() bool {
		c.glass.drain()
		c.glass.tap(firstKey)
		return c.glass.awaitChange(s, time.Second)
	})
	for c.glass.awaitChange(s, 300*time.Millisecond) {
		continue
	}
}

// The X keycodes of the letters q to p.
const firstKey, keyCount = 24, 10

// tap presses and releases a key on the viewer's display.
func (x *watched) tap(code byte) {
	xtest.FakeInput(x.c.Conn, xproto.KeyPress, code, 0, 0, 0, 0, 0)
	xtest.FakeInput(x.c.Conn, xproto.KeyRelease, code, 0, 0, 0, 0, 0)
}

// keys types for a while, and measures until the first pixel has changed.
func (c *realCall) keys(r *row, s *shadow) {
	for n, end := 0, time.Now().Add(sceneTime); time.Now().Before(end); n++ {
		// The rest of what the key before has changed.
		for c.glass.awaitChange(s, time.Duration(60+rand.IntN(50))*time.Millisecond) {
			continue
		}
		began := time.Now()
		c.glass.tap(firstKey + byte(n%keyCount))
		if !c.glass.awaitChange(s, tooLate) {
			r.lost++
			continue
		}
		r.key = append(r.key, time.Since(began))
	}
}

// canvas is a client that paints a finished picture with one request, as
// toolkits with a back buffer do. Each picture carries a mark of its own.
type canvas struct {
	w    *platformtest.Window
	back xproto.Pixmap
	gc   xproto.Gcontext
	film []xproto.Pixmap
	size image.Point
	n    uint32
}

// mark is where a picture's number is, as a colour.
func mark() image.Rectangle { return image.Rect(0, 0, cellW, cellH) }

// markBase keeps the numbers apart from other pixels.
const markBase = 0x800000

// bits of a picture's number, as squares with this side, that survive loss.
const bits, bitSide = 16, 16

// number reads a picture's number off the viewer's window.
type number func(x *watched) (n uint32, ok bool)

// byColour reads what next painted.
func byColour(x *watched) (n uint32, ok bool) {
	p := x.read(image.Rect(0, 0, 1, 1))
	n = uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16
	return n & 0xffff, n&^0xffff == markBase
}

// byBits reads what played painted.
func byBits(x *watched) (n uint32, ok bool) {
	p := x.read(image.Rect(0, 0, bits*bitSide, 2*bitSide))
	for i := range bits {
		at := (bitSide/2*bits*bitSide + i*bitSide + bitSide/2) * 4 // the middle of the square
		white := p[at+1] > 127
		if white == (p[at+bitSide*bits*bitSide*4+1] > 127) {
			return 0, false
		}
		if white {
			n |= 1 << i
		}
	}
	return n, true
}

// filmSize is that of the video in the window.
var filmSize = image.Pt(720, 400) //nolint:gochecknoglobals // a constant

func newCanvas(tb testing.TB, d *virtual.Display, size image.Point) *canvas {
	tb.Helper()
	v := &canvas{size: size}
	v.w = platformtest.NewWindow(tb, d.Name(), platformtest.Options{Title: "Canvas", Bounds: image.Rect(10, 40, 10+size.X, 40+size.Y), Color: 0xffffff})
	c := v.w.Conn().Conn
	font, err1 := xproto.NewFontId(c)
	gc, err2 := xproto.NewGcontextId(c)
	back, err3 := xproto.NewPixmapId(c)
	if err := cmp.Or(err1, err2, err3); err != nil {
		tb.Fatal(err)
	}
	v.gc, v.back = gc, back
	if err := xproto.OpenFontChecked(c, font, uint16(len(benchFont)), benchFont).Check(); err != nil {
		tb.Fatal("font "+benchFont+": ", err)
	}
	xproto.CreatePixmap(c, v.w.Conn().Screen.RootDepth, back, xproto.Drawable(v.w.XID()), uint16(size.X), uint16(size.Y))
	err := xproto.CreateGCChecked(c, gc, xproto.Drawable(back), xproto.GcForeground|xproto.GcBackground|xproto.GcFont|xproto.GcGraphicsExposures,
		[]uint32{0, 0xffffff, uint32(font), 0}).Check()
	if err != nil {
		tb.Fatal(err)
	}
	v.fill(xproto.Drawable(back), image.Rectangle{Max: size}, 0xffffff)
	for n := range size.Y / cellH {
		v.text(n*cellH, sentence(n))
	}
	v.show(image.Rectangle{Max: size})
	return v
}

func (v *canvas) ink(fore, ground uint32) {
	xproto.ChangeGC(v.w.Conn().Conn, v.gc, xproto.GcForeground|xproto.GcBackground, []uint32{fore, ground})
}

func (v *canvas) fill(d xproto.Drawable, r image.Rectangle, rgb uint32) {
	v.ink(rgb, 0xffffff)
	xproto.PolyFillRectangle(v.w.Conn().Conn, d, v.gc, []xproto.Rectangle{
		{X: int16(r.Min.X), Y: int16(r.Min.Y), Width: uint16(r.Dx()), Height: uint16(r.Dy())}})
}

func (v *canvas) text(y int, s string) {
	v.ink(0x202020, 0xffffff)
	s = s[:min(len(s), 127, v.size.X/cellW-1)]
	const ascent = 16
	xproto.ImageText8(v.w.Conn().Conn, byte(len(s)), xproto.Drawable(v.back), v.gc, cellW, int16(y+ascent), s)
}

// show copies a part of the back buffer to the window.
func (v *canvas) show(r image.Rectangle) { v.copy(v.back, r, r.Min) }

func (v *canvas) copy(from xproto.Pixmap, r image.Rectangle, to image.Point) {
	xproto.CopyArea(v.w.Conn().Conn, xproto.Drawable(from), xproto.Drawable(v.w.XID()), v.gc, int16(r.Min.X), int16(r.Min.Y),
		int16(to.X), int16(to.Y), uint16(r.Dx()), uint16(r.Dy()))
}

// next numbers the next picture, in d.
func (v *canvas) next(d xproto.Drawable) {
	v.n++
	v.fill(d, mark(), markBase|v.n)
}

// ready waits until the server has done everything that was asked of it.
func (v *canvas) ready() { _, _ = xproto.GetInputFocus(v.w.Conn().Conn).Reply() }

// typed prepares one cell; what it returns paints it.
func (v *canvas) typed() (paint func()) {
	v.next(xproto.Drawable(v.back))
	v.ink(0, markBase|v.n)
	xproto.ImageText8(v.w.Conn().Conn, 1, xproto.Drawable(v.back), v.gc, 0, 16, string(rune('a'+v.n%26)))
	return func() { v.show(mark()) }
}

// scrolled prepares everything moved up by a line.
func (v *canvas) scrolled() (paint func()) {
	d := xproto.Drawable(v.back)
	xproto.CopyArea(v.w.Conn().Conn, d, d, v.gc, 0, cellH, 0, 0, uint16(v.size.X), uint16(v.size.Y-cellH))
	v.fill(d, image.Rect(0, v.size.Y-cellH, v.size.X, v.size.Y), 0xffffff)
	v.text(v.size.Y-cellH, sentence(int(v.n)))
	v.next(d)
	return func() { v.show(image.Rectangle{Max: v.size}) }
}

// played prepares the next picture of a video. Its number is painted as bits,
// and again with black and white exchanged, because colours may come with loss.
func (v *canvas) played() (paint func()) {
	p := v.film[int(v.n)%len(v.film)]
	v.n++
	v.bits(xproto.Drawable(p))
	return func() { v.copy(p, image.Rectangle{Max: filmSize}, image.Point{}) }
}

// bits paints the number of the picture into d, so that it survives loss.
func (v *canvas) bits(d xproto.Drawable) {
	const black, white = 0, 0xffffff
	for i := range bits {
		ink, paper := uint32(black), uint32(white)
		if v.n>>i&1 != 0 {
			ink, paper = paper, ink
		}
		v.fill(d, image.Rect(i*bitSide, 0, (i+1)*bitSide, bitSide), ink)
		v.fill(d, image.Rect(i*bitSide, bitSide, (i+1)*bitSide, 2*bitSide), paper)
	}
}

// load makes the video: soft shapes that move, with grain, as cameras see.
func (v *canvas) load(pictures int) {
	c := v.w.Conn().Conn
	rng := rand.New(rand.NewPCG(3, 4))
	const rows = 50
	for n := range pictures {
		id, err := xproto.NewPixmapId(c)
		if err != nil {
			return
		}
		xproto.CreatePixmap(c, v.w.Conn().Screen.RootDepth, id, xproto.Drawable(v.w.XID()), uint16(filmSize.X), uint16(filmSize.Y))
		for y0 := 0; y0 < filmSize.Y; y0 += rows {
			pix := make([]byte, 0, filmSize.X*rows*4)
			for y := y0; y < y0+rows; y++ {
				for x := range filmSize.X {
					dx, dy := (x+4*n)%filmSize.X-360, y-200+2*n
					l := 128 + (dx*dx/700-dy*dy/500)%90 + rng.IntN(5)
					pix = append(pix, byte(l), byte(255-l/2), byte(l/2+x/12), 0)
				}
			}
			xproto.PutImage(c, xproto.ImageFormatZPixmap, xproto.Drawable(id), v.gc, uint16(filmSize.X), rows, 0, int16(y0), 0,
				v.w.Conn().Screen.RootDepth, pix)
		}
		v.film = append(v.film, id)
	}
}

// benchClient shares a canvas: single cells, lines, video.
func benchClient(b *testing.B, bin string, size image.Point) []row {
	b.Helper()
	from, to := displays(b)
	v := newCanvas(b, from, size)
	v.load(30)
	c := startCall(b, bin, from, to, "Canvas", size.X, size.Y, time.Second)
	defer c.stop()
	time.Sleep(restTime / 2)
	ms := time.Millisecond
	return []row{
		c.measure("typing", func(r *row) { c.paints(r, v.typed, byColour, v, 40*ms, 60*ms) }),
		c.measure("scrolling", func(r *row) { c.paints(r, v.scrolled, byColour, v, 40*ms, 20*ms) }),
		c.measure("video 720x400", func(r *row) { c.paints(r, v.played, byBits, v, 31*ms, 5*ms) }),
	}
}

// paints paints again and again after a pause, up to jitter longer, and
// measures until each picture, or one after it, is visible.
func (c *realCall) paints(r *row, prepare func() func(), read number, v *canvas, pause, jitter time.Duration) {
	x, first := c.glass, v.n+1
	x.drain()
	times := make(chan time.Time, 4096)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for end := time.Now().Add(sceneTime); time.Now().Before(end); {
			paint := prepare()
			v.ready()
			times <- time.Now()
			paint()
			time.Sleep(pause + time.Duration(rand.Int64N(int64(jitter))))
		}
	}()
	shown := first - 1
	var late <-chan time.Time
	for {
		select {
		case area := <-x.painted:
			if !mark().Overlaps(area) {
				continue
			}
			n, ok := read(x)
			now := time.Now()
			for ok && shown < n {
				select {
				case at := <-times:
					shown++
					r.paint = append(r.paint, now.Sub(at))
				default: // one that was not painted: half of an old, half of a new number
					ok = false
				}
			}
		case <-done:
			done, late = nil, time.After(tooLate)
		case <-late:
			r.lost = len(times)
		}
		if done == nil && shown == v.n || r.lost > 0 {
			return
		}
	}
}

func quantile(ds []time.Duration, percent int) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	ds = slices.Sorted(slices.Values(ds))
	return ds[min(len(ds)*percent/100, len(ds)-1)]
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func printRows(size image.Point, rows []row) {
	fmt.Printf("\n%dx%d\n", size.X, size.Y)
	fmt.Println("| scene | paint to visible p50 / p95 ms | key to visible p50 / p95 ms | samples | not seen | sharer CPU % | viewer CPU % | sent kbit/s | acknowledged kbit/s |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	pair := func(ds []time.Duration) string {
		if len(ds) == 0 {
			return ""
		}
		return fmt.Sprintf("%.1f / %.1f", millis(quantile(ds, 50)), millis(quantile(ds, 95)))
	}
	for _, r := range rows {
		fmt.Printf("| %s | %s | %s | %d | %d | %.1f | %.1f | %.0f | %.0f |\n", r.scene, pair(r.paint), pair(r.key),
			len(r.paint)+len(r.key), r.lost, r.sharer, r.viewer, r.sent, r.received)
	}
}
