package ui

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"runtime/debug"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/session"
	"viewflip.app/ui/glass"
	"viewflip.app/video"
	"viewflip.app/wire"
)

const (
	barHeight = 36
	// barWidth is the least width of a viewer window.
	barWidth = 480
)

// viewer is the window that shows one remote share. It belongs to the main
// goroutine.
type viewer struct {
	p    *program
	key  shareKey
	view View
	win  fyne.Window
	stop context.CancelFunc

	info     session.RemoteShare
	look     viewerLook
	pictured bool
	closed   bool
	// dead means that the view has ended; a new one may take its place.
	dead    bool
	covered string
	refused time.Time

	// main is the shared window's own content in the picture; pin is where the
	// picture is put while the window changes its size; squeezed means that the
	// screen was too small to go on showing it pixel for pixel.
	main, pin image.Rectangle
	squeezed  bool
	// asked is the size in pixels that the window was last asked to have.
	asked image.Point

	hand    *hand
	pasting pasting
	detach  func()
	surface surface
	again   chan struct{}
	// steering is hand.control for other goroutines, and turned tells of it.
	steering atomic.Bool
	turned   chan struct{}

	rights  *line
	lamp    *panel
	from    *line
	refusal *refusal
	tip     *line
	pen     *hintButton
	clips   []*clipButton
	ink     *canvas.Image
	button  *widget.Button
	meter   *meter
	head    *fyne.Container
	first   *fyne.Container
	scale   *fyne.Container
	zoom    *line
	full    *widget.Button
	stage   *stage
	still   *canvas.Image
	live    *canvas.Image
	cover   *fyne.Container
	words   *line
	leave   *widget.Button
	over    *fyne.Container
}

func newViewer(p *program, k shareKey, view View) *viewer {
	v := &viewer{p: p, key: k, view: view, info: view.Info(), again: make(chan struct{}, 1), turned: make(chan struct{}, 1)}
	v.hand = newHand(v.send, p.now, func(d time.Duration) {
		p.after(d, func() {
			if !v.closed {
				v.hand.tick()
			}
		})
	})
	v.hand.finger = &finger{point: v.point, draw: v.draw, now: p.now, after: func(d time.Duration, f func()) {
		p.after(d, func() {
			if !v.closed {
				f()
			}
		})
	}}
	v.hand.shown(v.info.W, v.info.H, v.info.Gen)
	v.win = p.app.NewWindow("viewflip")
	v.win.SetPadded(false)
	v.win.SetCloseIntercept(v.close)
	v.build()
	v.render()
	v.win.Resize(v.sizeFor(v.info.W, v.info.H))
	v.win.Show()
	v.asked = v.pixels(v.win.Canvas().Size()) // no event was read since
	v.detach = p.shell.attach(v.win, watchFocus{v.hand, v})
	v.surface = v.newSurface()
	v.arrange()

	v.start()
	return v
}

// start follows the view.
func (v *viewer) start() {
	ctx, stop := context.WithCancel(v.p.ctx)
	view := v.view
	v.stop = stop
	v.p.spawn(func(context.Context) { v.play(ctx, view) })
	v.p.spawn(func(context.Context) { v.repaint(ctx, view) })
	v.p.spawn(func(context.Context) { v.follow(ctx, view) })
	v.p.spawn(func(context.Context) { v.meter.follow(ctx, view) })
	v.p.spawn(func(context.Context) { tidy(ctx) })
}

// tidy gives back what only the opening of a viewer and its first picture took,
// about 50 MB: later there is too little garbage to make that happen soon.
func tidy(ctx context.Context) {
	select {
	case <-time.After(5 * time.Second):
		debug.FreeOSMemory()
	case <-ctx.Done():
	}
}

// follow shows the marks, and the shape of the pointer, whenever they change.
func (v *viewer) follow(ctx context.Context, view View) {
	const rest = 3 // times as long as it took: nobody's pen may cost us much
	for marked := view.Marked(ctx); ; {
		begin := time.Now()
		var shape *video.Cursor
		if v.steering.Load() {
			shape = view.Cursor()
		}
		if err := errors.Join(v.surface.mark(ctx, view), v.surface.cursor(ctx, shape)); err != nil {
			v.p.log.Debug("marks not shown", "err", err)
		}
		took := time.Since(begin)
		select {
		case <-marked:
		case <-v.turned:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(rest * took):
		case <-ctx.Done():
			return
		}
	}
}

// renew goes on with a new view of the same share, after a connection that
// was lost has come back.
func (v *viewer) renew(view View) {
	v.stop()
	v.view.Close()
	v.view, v.dead, v.pictured = view, false, false
	v.start()
}

// watchFocus tells the program when prompt input is worth its price.
type watchFocus struct {
	*hand
	v *viewer
}

func (f watchFocus) rawFocus(on bool) {
	f.hand.rawFocus(on)
	f.v.p.prompt()
}

// prompt makes input arrive at once while somebody controls something.
func (p *program) prompt() {
	on := false
	for _, v := range p.viewers {
		on = on || v.hand.control && v.hand.focused
	}
	p.shell.prompt(on)
}

func (v *viewer) build() {
	var lamp *fyne.Container
	v.lamp, lamp = dot(theme.ColorNamePlaceHolder)
	v.from, v.rights = newLine("").whole(), newLine("").whole()
	v.from.size, v.rights.size = theme.SizeNameCaptionText, theme.SizeNameCaptionText
	v.refusal = newRefusal()
	v.button = widget.NewButton("", v.press)
	v.tip = caption("")
	v.pen = newHintButton(theme.DocumentCreateIcon(), func() { v.usePen(!v.hand.finger.pen) }, func(on bool) {
		v.tip.set("")
		if on {
			v.tip.set("Draw on the window")
		}
	})
	v.clips = []*clipButton{newPasteButton(v), newCopyButton(v)}
	v.zoom = caption("").whole()
	v.full = widget.NewButton("100 %", func() {
		v.resize(v.sizeAt(v.info.W, v.info.H, 1))
	})
	from := container.NewStack(middle(v.from))
	left := row(8, middle(lamp), middle(v.rights), from)
	v.first, v.scale = low(v.button), row(8, middle(v.zoom), low(v.full))
	v.meter = newMeter(v)
	meter, scale := container.NewStack(middle(v.meter.chip)), container.NewStack(v.scale)
	right := row(8, meter, scale, low(row(4, v.clips[0].hintButton, v.clips[1].hintButton, v.pen)), v.first)
	usual := inset(0, 12, container.NewBorder(nil, nil, left, right, inset(0, 10, container.NewStack(middle(v.refusal.chip), middle(v.tip)))))
	bar := container.NewStack(newPanel(colorSurface, "", 0), container.NewBorder(nil, widget.NewSeparator(), nil, nil,
		v.refusal.bar(usual, []fyne.CanvasObject{left, right}, from, meter, scale)))

	v.still, v.live, v.ink = picture(nil), picture(nil), picture(nil)
	for _, img := range []*canvas.Image{v.still, v.live, v.ink} {
		img.FillMode = canvas.ImageFillStretch
	}
	v.ink.Hide()
	v.words = heading("").whole().centred()
	v.leave = widget.NewButton("Close", v.close)
	v.over = container.NewCenter(sized(112, 0, v.leave))
	v.cover = container.NewCenter(container.NewStack(newPanel(colorSurface, theme.ColorNameSeparator, 12),
		inset(16, 28, column(12, v.words, v.over))))
	v.stage = newStage(v)
	top := container.New(under{func() float32 { return barHeight }}, bar, v.meter.strip)
	v.head = container.New(under{v.top}, top, v.stage)
	v.win.SetContent(newGiven(v.p, v.win, false, v.least, v.head))
}

// newSurface takes the fastest way to the screen that there is.
func (v *viewer) newSurface() surface {
	if handle, ok := v.p.shell.native(v.win); ok {
		child, err := glass.NewChild(v.p.o.Display, handle, v.paintAgain)
		if err == nil {
			v.live.Hide()
			return nativeSurface{child}
		}
		v.p.log.Debug("no native surface", "err", err)
	}
	return &imageSurface{p: v.p, win: v.win, img: v.live, ink: v.ink, look: func(c *video.Cursor) { v.stage.shape = c }, layout: func(w, h int) image.Point {
		v.stage.put(v.live, w, h)
		v.stage.put(v.ink, w, h)
		return v.stage.fit(w, h).Rect.Size()
	}}
}

// paintAgain asks for the whole picture to be painted.
func (v *viewer) paintAgain() {
	select {
	case v.again <- struct{}{}:
	default:
	}
}

func (v *viewer) repaint(ctx context.Context, view View) {
	for {
		select {
		case <-v.again:
			if err := v.surface.paint(ctx, view, nil); err != nil {
				v.p.log.Debug("repaint", "err", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// play shows every picture until the share ends. It does not wait for the
// toolkit.
func (v *viewer) play(ctx context.Context, view View) {
	var last session.Update
	for {
		u, err := view.Next(ctx)
		if err != nil {
			break
		}
		if u.Dirty == nil {
			u.Dirty = []image.Rectangle{}
		}
		if last.W != u.W || last.H != u.H || last.Gen != u.Gen {
			v.await(ctx, func() {
				if v.view == view {
					v.reshape(u)
				}
			})
		}
		if err := v.surface.paint(ctx, view, u.Dirty); err != nil {
			if ctx.Err() != nil {
				return
			}
			v.p.log.Warn("picture not shown", "err", err)
		}
		view.Shown(u)
		v.meter.pictured(view)
		if last.W != u.W || last.H != u.H || last.Gen != u.Gen {
			v.p.do(func() {
				if v.view == view {
					v.shown(u)
				}
			})
		}
		last = u
	}
	if ctx.Err() == nil {
		v.p.do(func() {
			if v.view == view {
				v.lost()
			}
		})
	}
}

// shown notes that a picture of another size or generation is visible.
func (v *viewer) shown(u session.Update) {
	if v.closed {
		return
	}
	v.hand.shown(u.W, u.H, u.Gen)
	v.main, v.pictured = v.mainOf(u), true
	v.render()
	v.arrange()
}

// lost is called when the share has gone from the call's state.
func (v *viewer) lost() {
	if v.closed {
		return
	}
	v.dead = true
	i := v.view.Info()
	if i.Ended == 0 {
		i.Ended = wire.CloseFailed
	}
	v.update(i)
}

// update shows a new state of the share.
func (v *viewer) update(r session.RemoteShare) {
	if v.closed {
		return
	}
	before := v.info
	v.info = r
	v.render()
	if r.Hidden != before.Hidden || r.Ended != before.Ended {
		v.p.log.Debug("share changed", "hidden", r.Hidden, "ended", r.Ended)
	}
	if !v.pictured && (r.W != before.W || r.H != before.H) && r.Ended == 0 && !v.given() {
		v.resize(v.sizeFor(r.W, r.H)) // later the picture itself says so
	}
	if reason, at := v.view.LastRefusal(); reason != 0 && at.After(v.refused) {
		v.p.log.Debug("input refused", "reason", reason.String())
		v.say(reason.String(), at)
	} else if now := v.p.now(); refusedOf(before, r) != 0 && now.Sub(v.refused) > refusalFor {
		v.say(nameOf(r.MemberName)+" did not allow it", now)
	}
}

// render makes the window say what is so.
func (v *viewer) render() {
	l := lookOf(v.info, v.pictured, v.p.now())
	if l.title != v.look.title {
		v.win.SetTitle(l.title)
	}
	v.look = l
	v.from.set(l.from)
	v.rights.set(l.rights)
	v.lamp.set(l.tone, "", 0)
	visible(v.first, l.button != "")
	visible(v.scale, !l.over)
	v.button.SetText(l.button)
	v.hand.allow(mayControl(v.info) && v.pictured)
	if v.steering.Swap(v.hand.control) != v.hand.control {
		select {
		case v.turned <- struct{}{}:
		default:
		}
	}
	v.hand.finger.allow(mayPoint(v.info) && v.pictured)
	visible(v.pen, v.hand.finger.may)
	v.usePen(v.hand.finger.pen)
	for _, c := range v.clips {
		c.render()
	}
	v.p.prompt()
	v.setCover(l)
}

// setCover hides the live picture behind a dimmed still with a sentence.
func (v *viewer) setCover(l viewerLook) {
	if v.covered == l.cover {
		return
	}
	was := v.covered
	v.covered = l.cover
	v.words.set(l.cover)
	visible(v.over, l.over)
	if l.cover == "" {
		v.cover.Hide()
		v.still.Hide()
		v.still.Image = nil
	} else {
		v.cover.Show()
		if was == "" || v.still.Image == nil {
			v.freeze()
		}
	}
	v.cover.Refresh()
	v.arrange()
}

// freeze makes the dimmed still.
func (v *viewer) freeze() {
	f := v.fit()
	img := dimmed(v.view, f.Rect.Size())
	if img == nil {
		return
	}
	v.still.Image = img
	v.still.Show()
	v.still.Refresh()
}

// arrange puts the picture where it belongs.
func (v *viewer) arrange() {
	if f := glass.FitIn(v.stage.area(), v.hand.w, v.hand.h); f.Rect == v.pin { // the window has its new size
		v.pin = image.Rectangle{}
	}
	area := v.area()
	v.hand.area = area
	v.stage.put(v.live, v.hand.w, v.hand.h)
	v.stage.put(v.still, v.hand.w, v.hand.h)
	if v.surface != nil {
		v.surface.place(area, v.covered == "" && v.win.Canvas().Overlays().Top() == nil)
	}
	v.refusal.fit(v.win.Canvas().Size().Width)
	f := v.fit()
	if f.Exact() {
		v.zoom.set("")
		v.full.Disable()
	} else {
		v.zoom.set(fmt.Sprintf("%d %%", f.Percent()))
		v.full.Enable()
	}
}

// press is the bar's first button.
func (v *viewer) press() {
	switch v.look.press {
	case commandAsk:
		v.ask(wire.RightControl)
	case commandGiveBack:
		v.hand.release()
		v.p.act(func() error { v.view.GiveBack(^wire.RightsQuiet); return nil }, nil)
	case commandNone:
	}
}

// usePen picks the pen up or puts it away.
func (v *viewer) usePen(on bool) {
	if on != v.hand.finger.pen {
		v.hand.finger.take(on)
	}
	v.pen.mark(on)
}

func (v *viewer) point(p wire.Point) {
	if err := v.view.Point(p); err != nil {
		v.p.log.Debug("pointer not sent", "err", err)
	}
}

func (v *viewer) draw(s wire.Stroke) {
	if err := v.view.Draw(s); err != nil {
		v.p.log.Debug("stroke not sent", "err", err)
	}
}

// least is how small the window should be.
func (v *viewer) least() fyne.Size { return fyne.NewSize(barWidth, 60+v.top()) }

// top is the height of what is above the picture.
func (v *viewer) top() float32 { return barHeight + v.meter.height() }

// sizeAt is the window's size for a picture of w by h pixels at a scale.
func (v *viewer) sizeAt(w, h int, scale float32) fyne.Size {
	s := v.win.Canvas().Scale()
	if s <= 0 {
		s = 1
	}
	return fyne.NewSize(max(float32(w)*scale/s, barWidth), max(float32(h)*scale/s, 60)+v.top())
}

// sizeFor is the window's size at first: the picture's own, or as much of it
// as the screen has room for.
func (v *viewer) sizeFor(w, h int) fyne.Size {
	full := v.sizeAt(max(w, 1), max(h, 1), 1)
	room := v.p.shell.room(v.win)
	if room.Width <= 0 || room.Height <= 0 {
		return full
	}
	scale := min(1, room.Width/full.Width, (room.Height-v.top())/(full.Height-v.top()))
	if scale >= 1 {
		return full
	}
	return v.sizeAt(w, h, float32(math.Max(float64(scale), 0.1)))
}

// close leaves the share.
func (v *viewer) close() {
	if v.closed {
		return
	}
	v.hand.release()
	v.hand.finger.allow(false)
	v.closed = true
	v.stop()
	v.view.Close()
	v.detach()
	v.surface.close()
	v.win.Close()
	v.p.viewerClosed(v)
	v.p.prompt()
}
